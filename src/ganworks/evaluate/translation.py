"""How good translations are: against the very image that each should be, and there and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor

from ganworks.errors import UserError
from ganworks.evaluate.figures import Figure

AT_ONCE = 32
CONSTANT = " of the best constant image"
SEEN = 32  # pixels a side that AlexNet can look at
Scores = Callable[[Tensor, Tensor], Tensor]
"""From two sets of uint8 images (n, C, H, W) to a number for each pair (n,)."""


def l1(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean |x - y| of each pair, in 0 .. 1: a share of the range of the values."""
    return _each(x, y, lambda a, b: (a - b).abs().flatten(1).mean(1))


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """Return 10 log10 of range squared over mean square error of each pair, in dB; 100 where both are equal."""
    def of(a: Tensor, b: Tensor) -> Tensor:
        return -10 * torch.log10((a - b).square().flatten(1).mean(1).clamp(min=1e-10))

    return _each(x, y, of)


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Return the structural similarity of each pair (Wang et al. 2004: Gaussian windows of 11 pixels, sd 1.5)."""
    try:
        from torchmetrics.functional.image import structural_similarity_index_measure
    except ImportError as error:
        raise UserError("SSIM without torchmetrics", "the package", 'pip install "ganworks[metrics]"') from error

    def of(a: Tensor, b: Tensor) -> Tensor:
        # On 0 .. 1: the luminance term is meant for light, which is not negative. Variances are differences of squares.
        found = structural_similarity_index_measure(a.double(), b.double(), data_range=1.0, reduction="none")
        return torch.as_tensor(found).reshape(-1).float()

    return _each(x, y, of)


def lpips(x: Tensor, y: Tensor) -> Tensor:
    """Return the perceptual distance of each pair of RGB images (Zhang et al. 2018, AlexNet); it loads weights."""
    try:
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        judge = LearnedPerceptualImagePatchSimilarity(net_type="alex", reduction="none").eval()
    except Exception as error:  # a missing package, or weights that cannot be had
        raise UserError(f"LPIPS cannot be had here: {str(error).splitlines()[0]}", "torchmetrics, torchvision, and "
                        "their weights", 'pip install "ganworks[metrics,inception]", and be online once') from error
    if x.shape[1] != 3 or min(x.shape[-2:]) < SEEN:
        raise UserError(f"LPIPS of images of shape {tuple(x.shape[1:])}", f"RGB images of {SEEN} pixels a side or more")
    with torch.inference_mode():
        return _each(x, y, lambda a, b: judge.net(a, b, normalize=True).reshape(-1))


PAIRED: Mapping[str, tuple[Scores, str, float]] = {
    "L1": (l1, "lower", 0.0), "PSNR, dB": (psnr, "higher", float("nan")), "SSIM": (ssim, "higher", 1.0),
    "LPIPS": (lpips, "lower", 0.0)}
"""Figures of pairs: the scores, which way is better, and what the image itself would get."""


@dataclass(frozen=True)
class Translations:
    """Images, what was made of them, and what each should be: uint8 (n, C, H, W).

    Attributes:
        constant: the one image (1, C, H, W) that is nearest to all targets of the training: their median.
    """

    inputs: Tensor
    made: Tensor
    targets: Tensor
    constant: Tensor


def paired_figures(found: Translations, names: tuple[str, ...] = ("L1", "PSNR, dB", "SSIM"),
                   level: float = 0.95) -> list[Figure]:
    """Return the figures of ``names``, each with the same of the constant image and of the input itself beside it.

    A figure is a mean over images with Student's interval. The input is compared where it has the target's channels.
    What is gained on the constant image is a mean of differences, image by image: images that are hard for both do
    not widen its interval.
    """
    figures = []
    rivals = {"": found.made, CONSTANT: found.constant.expand_as(found.targets)}
    if found.inputs.shape == found.targets.shape:
        rivals[" of the input itself"] = found.inputs
    for name in names:
        scores, better, floor = PAIRED[name]
        reached = {of: scores(images, found.targets) for of, images in rivals.items()}
        figures += [mean_figure(name + of, values, better, floor, level) for of, values in reached.items()]
        gain = reached[""] - reached[CONSTANT]
        figures.append(mean_figure(f"{name} gained on the constant image", gain if better == "higher" else -gain,
                                   "higher", float("nan"), level))
    return figures


def mean_figure(name: str, values: Tensor, better: str, floor: float, level: float = 0.95) -> Figure:
    """Return the mean of ``values`` (n,) with Student's interval."""
    n, mean = len(values), float(values.mean())
    reach = float(student.ppf((1 + level) / 2, n - 1) * values.std() / n**0.5) if n > 1 else float("nan")
    return Figure(name, mean, mean - reach, mean + reach, floor, n, better)  # type: ignore[arg-type]


def median_image(images: Tensor, most: int = 1000) -> Tensor:
    """Return the median (1, C, H, W) of uint8 images, at most ``most`` of them: nearest to all in L1."""
    rows = images[torch.linspace(0, len(images) - 1, min(most, len(images))).long()]
    return torch.from_numpy(np.median(rows.numpy(), axis=0).round().astype(np.uint8))[None]


def _each(x: Tensor, y: Tensor, scores: Scores) -> Tensor:
    if x.shape != y.shape:
        raise UserError(f"pairs of images of shapes {tuple(x.shape)} and {tuple(y.shape)}", "equal shapes")
    parts = zip(x.split(AT_ONCE), y.split(AT_ONCE), strict=True)
    return torch.cat([scores(a.float() / 255, b.float() / 255) for a, b in parts])
