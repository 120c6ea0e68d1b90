"""Figures of pairs against closed forms."""

from __future__ import annotations

import math
import sys
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torchmetrics
from scipy.stats import ttest_rel
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.evaluate.translation import (
    Translations,
    l1,
    lpips,
    mean_figure,
    median_image,
    paired_figures,
    psnr,
    ssim,
)


def flat(*values: int) -> Tensor:
    """Return an image of 16 x 16 of each value."""
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 16, 16).contiguous()


def test_l1_and_psnr_of_flat_images() -> None:
    assert l1(flat(0, 0, 10), flat(255, 51, 10)).tolist() == pytest.approx([1, 0.2, 0], abs=1e-6)
    found = psnr(flat(0, 0, 10), flat(255, 51, 10)).tolist()
    assert found == pytest.approx([0, -20 * math.log10(0.2), 100], abs=1e-4)


def test_ssim_of_flat_images() -> None:
    # Wang et al. 2004, eq. 13: without variance only the means are left, (2 a b + c) / (a^2 + b^2 + c), c = (0.01 L)^2.
    a, b, c = 204, 153, (0.01 * 255) ** 2
    assert ssim(flat(204), flat(153)).item() == pytest.approx((2 * a * b + c) / (a * a + b * b + c), abs=1e-4)
    x = torch.randint(0, 256, (1, 3, 16, 16), dtype=torch.uint8)
    assert ssim(x, x).item() == pytest.approx(1, abs=1e-6)


def test_the_mean_has_students_interval() -> None:
    # Of 1, 2, 3: mean 2, sd 1, t of 2 degrees at 97.5 % is 4.302653.
    figure = mean_figure("x", torch.tensor([1.0, 2.0, 3.0]), "lower", 0.0)
    assert (figure.value, figure.high) == pytest.approx((2, 2 + 4.302653 / math.sqrt(3)), abs=1e-5)
    assert math.isnan(mean_figure("x", torch.ones(1), "lower", 0.0).low or 0)


def test_the_median_is_the_best_constant_image_in_l1() -> None:
    images = torch.randint(0, 256, (31, 1, 4, 4), dtype=torch.uint8)
    best = median_image(images)

    def far(constant: Tensor) -> float:
        return float(l1(constant.expand_as(images).contiguous(), images).mean())

    assert all(far(best) <= far((best.int() + step).clamp(0, 255).to(torch.uint8)) for step in (-7, -1, 1, 7))
    assert far(best) < far(images.float().mean(0, keepdim=True).to(torch.uint8))


def test_each_figure_stands_beside_those_of_doing_nothing() -> None:
    targets, made = flat(100, 200), flat(110, 190)
    found = {figure.name: figure.value for figure in paired_figures(
        Translations(flat(0, 0), made, targets, flat(150)), ("L1",))}
    assert found == pytest.approx({"L1": 10 / 255, "L1 of the best constant image": 50 / 255,
                                   "L1 of the input itself": 150 / 255,
                                   "L1 gained on the constant image": 40 / 255}, abs=1e-6)
    grey = Translations(flat(0, 0)[:, :1], made, targets, flat(150))
    assert [figure.name for figure in paired_figures(grey, ("L1",))] == [
        "L1", "L1 of the best constant image", "L1 gained on the constant image"]


def test_what_is_gained_is_compared_image_by_image() -> None:
    torch.manual_seed(0)
    targets = torch.randint(0, 256, (12, 1, 16, 16), dtype=torch.uint8)
    made, constant = (targets.float() * 0.7 + 30).to(torch.uint8), torch.full((1, 1, 16, 16), 120, dtype=torch.uint8)
    found = {f.name: f for f in paired_figures(Translations(made, made, targets, constant), ("L1", "SSIM"))}
    for name, scores, sign in (("L1", l1, -1), ("SSIM", ssim, 1)):
        mine, other = (scores(images, targets).double().numpy() for images in (made, constant.expand_as(targets)))
        truth = ttest_rel(sign * mine, sign * other).confidence_interval(0.95)
        figure = found[f"{name} gained on the constant image"]
        assert (figure.low, figure.high) == pytest.approx((truth.low, truth.high), rel=1e-3)
        assert figure.better == "higher"


def test_bad_input() -> None:
    with pytest.raises(UserError, match="shapes"):
        l1(flat(0), flat(0, 1))
    with pytest.raises(UserError, match="LPIPS cannot be had"):  # neither the package nor a network here
        lpips(flat(0), flat(0))


def alexnet(weights: object = None) -> SimpleNamespace:
    """Stand in for torchvision's AlexNet (Krizhevsky 2014): its layers, with random weights."""
    torch.manual_seed(0)
    sizes = [(3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1), (384, 256, 3, 1, 1), (256, 256, 3, 1, 1)]
    first, second, *rest = [[nn.Conv2d(*size), nn.ReLU()] for size in sizes]
    pool = nn.MaxPool2d(3, 2)
    return SimpleNamespace(features=nn.Sequential(*first, pool, *second, pool, *chain(*rest), pool))


def test_lpips_with_another_alexnet(monkeypatch: pytest.MonkeyPatch) -> None:
    # The weights of the layers' differences are those that torchmetrics ships; the network's cannot be had here. The
    # truth is Zhang et al. 2018, eq. 1, and their constants for inputs in [-1, 1].
    models = SimpleNamespace(alexnet=alexnet, AlexNet_Weights=SimpleNamespace(DEFAULT=None))
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=models))
    monkeypatch.setattr("torchmetrics.utilities.imports._TORCHVISION_AVAILABLE", True)
    for name in [name for name in sys.modules if name.startswith("torchmetrics") and "lpip" in name]:
        monkeypatch.delitem(sys.modules, name)
    x, y = torch.randint(0, 256, (2, 5, 3, 40, 36), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    found = lpips(x, y)
    network, shipped = alexnet().features, Path(torchmetrics.__file__).parent / "functional/image/lpips_models/alex.pth"
    weights = torch.load(shipped, map_location="cpu", weights_only=True)
    shift, scale = (torch.tensor(v)[:, None, None] for v in ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]))
    a, b = ((image / 127.5 - 1 - shift) / scale for image in (x, y))
    truth, layer = torch.zeros(5), 0
    for module in network[:12]:  # without the last pooling, which nothing looks at
        a, b = module(a), module(b)
        if isinstance(module, nn.ReLU):
            unit = [v / (v.square().sum(1, keepdim=True) + 1e-8).sqrt() for v in (a, b)]
            weight = weights[f"lin{layer}.model.1.weight"]
            truth += (weight * (unit[0] - unit[1]).square()).sum(1).mean((1, 2)).detach()
            layer += 1
    assert layer == 5
    assert found == pytest.approx(truth, rel=1e-4)
    assert lpips(x, x).tolist() == [0] * 5
    with pytest.raises(UserError, match="RGB images of 32 pixels"):
        lpips(flat(0), flat(0))
