"""Differentiable augmentation (Zhao, Liu, Lin, Zhu and Han 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from ganworks.game.lens import Lens, check_images, check_policy, in_full
from ganworks.game.noise import Noise
from ganworks.game.resample import shifted

Policy = Literal["color", "translation", "cutout"]


class DiffAugment(Lens):
    """Every sample coloured, moved and cut at random, anew at each look (Zhao et al. 2020, section 3.2).

    * color: brightness + U(-0.5, 0.5), then saturation times U(0, 2) about the mean of a pixel's channels, then
      contrast times U(0.5, 1.5) about the image's mean. Grey images have no saturation; alpha is not coloured.
    * translation: by whole pixels, evenly within an eighth of the size either way, on zeros.
    * cutout: a square (a rectangle of an oblong image) of half the size set to 0, its centre anywhere in the image.

    Images only; 0 is the middle grey of images in [-1, 1].

    Args:
        policy: which of them, in their order.
    """

    def __init__(self, policy: Sequence[Policy] = ("color", "translation", "cutout")) -> None:
        super().__init__()
        check_policy("DiffAugment", policy, get_args(Policy))
        self.policy = tuple(policy)

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        check_images(x, "DiffAugment")
        x = in_full(x)
        for name in self.policy:
            x = _PARTS[name](x, noise)
        return x


def _coloured(x: Tensor, noise: Noise) -> Tensor:
    u = noise.uniform(3).to(x.dtype)[..., None, None, None]
    # The three steps at once. Saturation keeps a pixel's mean, so contrast turns about the image's own mean + b.
    b, saturation, contrast = u[:, 0] - 0.5, 2 * u[:, 1], 0.5 + u[:, 2]
    ink = x[:, :3]
    pixel = ink.mean(1, keepdim=True)
    level = torch.lerp(pixel.mean((2, 3), keepdim=True), pixel, contrast) + b
    if ink.shape[1] == 1:
        return level
    seen = level + (ink - pixel) * (saturation * contrast)
    return seen if x.shape[1] == 3 else torch.cat([seen, x[:, 3:]], 1)


def _translated(x: Tensor, noise: Noise) -> Tensor:
    right, down = (_whole(u, -(size // 8), size // 8)
                   for u, size in zip(noise.uniform(2).unbind(1), (x.shape[3], x.shape[2]), strict=True))
    return shifted(x, right, down)


def _cut(x: Tensor, noise: Noise) -> Tensor:
    u = noise.uniform(2)
    inside = [_band(u[:, axis], size) for axis, size in enumerate(x.shape[2:])]
    return x * ~(inside[0][:, None, :, None] & inside[1][:, None, None, :])


def _band(u: Tensor, size: int) -> Tensor:
    # Which places along a side of the image are cut, (N, size). An even band is centred between pixels or at the rim.
    wide = (size + 1) // 2
    first = _whole(u, 0, size - wide % 2) - wide // 2
    place = torch.arange(size, device=u.device)
    return (place >= first[:, None]) & (place < first[:, None] + wide)


def _whole(u: Tensor, low: int, high: int) -> Tensor:
    # Whole numbers from low to high, each as likely, from u uniform in [0, 1).
    return (u * (high - low + 1)).floor().long() + low


_PARTS = {"color": _coloured, "translation": _translated, "cutout": _cut}
