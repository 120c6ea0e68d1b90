"""DiffAugment against its paper's laws, one policy at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from ganworks.errors import UserError
from ganworks.game import DiffAugment, Noise

MANY = 4000


def images(n: int, channels: int = 3, height: int = 8, width: int = 8, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, height, width, generator=draw, dtype=torch.float64) * 2 - 1


def look(policy: str, x: Tensor, seed: int = 0) -> Tensor:
    return DiffAugment((policy,))(x, Noise(seed, len(x)), 0)  # type: ignore[arg-type]


def uniform(values: np.ndarray, low: float, high: float) -> None:
    assert values.min() >= low - 1e-6
    assert values.max() <= high + 1e-6
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3


def test_colour_has_the_papers_three_steps() -> None:
    """Brightness, saturation and contrast are read off the result, checked to explain it all, and tested."""
    x = images(MANY)
    seen = look("color", x)
    assert (seen.mean((1, 2, 3)) - x.mean((1, 2, 3))).numpy().std() > 0.2
    brightness = (seen - x).mean((1, 2, 3))  # neither saturation nor contrast moves an image's mean
    pixel, pixel_seen = x.mean(1), seen.mean(1)  # saturation does not move a pixel's mean

    def spread(values: Tensor) -> Tensor:
        return (values - values.mean((1, 2), keepdim=True)).flatten(1).norm(dim=1)

    contrast = spread(pixel_seen) / spread(pixel)
    tint = ((seen - pixel_seen[:, None]).flatten(1).norm(dim=1) / (x - pixel[:, None]).flatten(1).norm(dim=1))
    saturation = tint / contrast
    step = x + brightness[:, None, None, None]
    step = step.mean(1, keepdim=True) + saturation[:, None, None, None] * (step - step.mean(1, keepdim=True))
    mean = step.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(mean + contrast[:, None, None, None] * (step - mean), seen, atol=1e-6, rtol=0)
    for values, low, high in ((brightness, -0.5, 0.5), (saturation, 0, 2), (contrast, 0.5, 1.5)):
        uniform(values.numpy(), low, high)
    for one, other in ((brightness, saturation), (saturation, contrast), (contrast, brightness)):
        assert abs(stats.spearmanr(one, other).statistic) < 0.06


def test_colour_is_right_on_average() -> None:
    x = images(1).expand(MANY, -1, -1, -1)
    assert (look("color", x).mean(0) - x[0]).abs().max() < 4 * 0.8 / MANY**0.5


def test_grey_images_have_no_saturation_and_alpha_is_not_coloured() -> None:
    grey = images(50, 1)
    seen = look("color", grey)
    slope = (seen - seen.mean((2, 3), keepdim=True)) / (grey - grey.mean((2, 3), keepdim=True))
    assert slope.flatten(1).std(1).max() < 1e-6  # contrast and brightness alone
    torch.testing.assert_close(look("color", grey.expand(-1, 3, -1, -1)), seen.expand(-1, 3, -1, -1))
    four = images(50, 4)
    seen = look("color", four)
    assert torch.equal(seen[:, 3], four[:, 3])
    torch.testing.assert_close(seen[:, :3], look("color", four[:, :3]))


def places(x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return (down, right) of the only pixel of each image (N, 1, H, W) that is not 0."""
    assert (x.flatten(1).count_nonzero(1) == 1).all()
    _, _, down, right = x.nonzero().unbind(1)
    return down.numpy(), right.numpy()


def evenly(values: np.ndarray, low: int, high: int) -> None:
    counts = np.bincount(values - low, minlength=high - low + 1)
    assert len(counts) == high - low + 1
    assert values.min() >= low
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(("height", "width"), [(32, 32), (28, 17), (8, 64)])
def test_translations_are_even_and_within_an_eighth(height: int, width: int) -> None:
    x = torch.zeros(MANY, 1, height, width)
    x[:, :, height // 2, width // 2] = 1
    down, right = places(look("translation", x))
    evenly(down - height // 2, -(height // 8), height // 8)
    evenly(right - width // 2, -(width // 8), width // 8)
    assert abs(stats.spearmanr(down, right).statistic) < 0.06


def test_translations_bring_in_zeros_and_move_all_channels_alike() -> None:
    x = torch.ones(60, 4, 16, 16)
    seen = look("translation", x)
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(seen, seen[:, :1].expand_as(seen))
    assert (seen.mean((1, 2, 3)) >= (14 / 16) ** 2).all()


def test_too_small_to_move() -> None:
    x = images(5, 3, 7, 7)
    assert torch.equal(look("translation", x), x)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (28, 6), (9, 7)])
def test_cutout_is_a_half_sized_hole_anywhere(height: int, width: int) -> None:
    seen = look("cutout", torch.ones(MANY, 3, height, width))
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(seen, seen[:, :1].expand_as(seen))
    hole = seen[:, 0] == 0
    for axis, size in ((2, height), (1, width)):
        side = hole.any(axis)  # (N, size), one run of cut places
        wide, length = (size + 1) // 2, side.sum(1).numpy()
        assert length.max() == wide
        assert length.min() == (wide + 1) // 2  # its centre at the rim
        first = side.int().argmax(1).numpy()
        # The middle of the uncut hole: from the end of the run where it was cut at the start, else from its start.
        start = np.where(first == 0, length - wide, first)
        evenly(start + wide // 2, 0, size - wide % 2)
    area = hole.flatten(1).sum(1)
    assert torch.equal(area, hole.any(2).sum(1) * hole.any(1).sum(1))  # a full rectangle


def test_policies_follow_one_another_as_named() -> None:
    x = images(8)
    noise = Noise(5, 8)
    both = DiffAugment(("cutout", "color"))(x, Noise(5, 8), 0)
    assert torch.equal(both, DiffAugment(("color",))(DiffAugment(("cutout",))(x, noise, 0), noise, 0))
    assert not torch.equal(both, DiffAugment(("color", "cutout"))(x, Noise(5, 8), 0))


@pytest.mark.parametrize("policy", [("translation",), ("cutout",), ("translation", "cutout")])
def test_geometry_makes_no_new_colours(policy: tuple[str, ...]) -> None:
    x = images(10)
    seen = DiffAugment(policy)(x, Noise(1, 10), 0)  # type: ignore[arg-type]
    for image, before in zip(seen, x, strict=True):
        colours = {tuple(c) for c in before.flatten(1).T.tolist()} | {(0.0, 0.0, 0.0)}
        assert {tuple(c) for c in image.flatten(1).T.tolist()} <= colours


def test_colours_depend_on_an_images_pixels_and_not_on_their_order() -> None:
    x = images(10)
    order = torch.randperm(64)
    mixed = x.flatten(2)[:, :, order].view_as(x)
    torch.testing.assert_close(look("color", mixed), look("color", x).flatten(2)[:, :, order].view_as(x))


def test_parts_see_what_the_whole_batch_would() -> None:
    x, lens = images(12), DiffAugment()
    whole = lens(x, Noise(9, 12), 0)
    torch.manual_seed(77)
    parts = [lens(x[rows], Noise(9, 12, rows), 0) for rows in (slice(0, 5), slice(5, 6), slice(6, 12))]
    assert torch.equal(torch.cat(parts), whole)
    assert not torch.equal(whole, lens(x, Noise(10, 12), 0))
    noise = Noise(9, 12)
    assert not torch.equal(lens(x, noise, 0), lens(x, noise, 0))  # anew at each look


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_differentiable_twice(channels: int) -> None:
    x = images(2, channels, 8, 8).requires_grad_()
    lens = DiffAugment()
    assert gradcheck(lambda x: lens(x, Noise(2, 2), 0).sin(), x, fast_mode=True)
    assert gradgradcheck(lambda x: lens(x, Noise(2, 2), 0).sin(), x, fast_mode=True)


def test_half_precision_is_seen_in_full() -> None:
    x = images(4).float()
    with torch.autocast("cpu", torch.bfloat16):
        seen = DiffAugment()(x.bfloat16(), Noise(0, 4), 0)
    assert seen.dtype == torch.float32
    torch.testing.assert_close(seen, DiffAugment()(x.bfloat16().float(), Noise(0, 4), 0))


@pytest.mark.parametrize("shape", [(2,), (2, 8, 8), (8, 8)])
def test_other_samples_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="images of 1, 3 or 4 channels") as caught:
        DiffAugment()(torch.zeros(4, *shape), Noise(0, 4), 0)
    assert "--noise" in caught.value.remedy


@pytest.mark.parametrize("policy", [(), ("color", "color"), ("colour",), ("mixup",)])
def test_bad_policies_are_refused(policy: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="policy"):
        DiffAugment(policy)  # type: ignore[arg-type]
