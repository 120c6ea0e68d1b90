"""Convolutional generator and critic (Radford, Metz and Chintala 2016) for any square size from 8 to 128."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.nets.contract import Critic, Verdict
from ganworks.nets.layers import Norm, check_norm, has_bias, initialise, normalised

SMALLEST, LARGEST = 8, 128


def stages(size: int) -> list[int]:
    """Return the sides of the maps from ``size`` down to the smallest, each half of the one before, at least 4.

    32 gives [32, 16, 8, 4]; 28 gives [28, 14, 7]; 33 gives [33, 16, 8, 4].
    """
    sides = [size]
    while sides[-1] > 7:
        sides.append(sides[-1] // 2)
    return sides


def _widths(width: int, count: int, most: int = 8) -> list[int]:
    return [width * min(2**i, most) for i in range(count)]


def _check(shape: tuple[int, ...], width: int, norm: str) -> tuple[int, int]:
    channels, side = (shape[0], shape[-1]) if len(shape) == 3 and shape[1] == shape[2] else (0, 0)
    if not SMALLEST <= side <= LARGEST or channels not in (1, 3, 4):
        raise UserError(f"dcgan: samples of shape {tuple(shape)}",
                        f"square images of side {SMALLEST} to {LARGEST} with 1, 3 or 4 channels",
                        "resize the data (--size 64), or take another network")
    if width < 1:
        raise UserError(f"dcgan: width {width}", "at least 1")
    check_norm(norm)
    return channels, side


class DCGANGenerator(nn.Module):
    """Latents (N, latent) to images (N, C, S, S) in [-1, 1].

    A linear map to the smallest maps, then transposed convolutions 4x4 of stride 2 with normalisation and ReLU,
    tanh at the end.

    Args:
        shape: (C, S, S), S from 8 to 128, C 1, 3 or 4.
        latent: dimension of z.
        width: channels of the last hidden maps; each smaller stage has twice as many, up to 8 times.
        norm: "batch", "instance", "spectral" or "none".
    """

    def __init__(self, shape: tuple[int, ...], latent: int = 100, width: int = 64, norm: Norm = "batch") -> None:
        super().__init__()
        channels, side = _check(shape, width, norm)
        sides = stages(side)[::-1]
        widths = _widths(width, len(sides) - 1)[::-1]
        bias = has_bias(norm)
        first, *behind = normalised(nn.Linear(latent, widths[0] * sides[0] ** 2, bias=bias), widths[0], norm)
        self.first = nn.Sequential(first, nn.Unflatten(1, (widths[0], sides[0], sides[0])), *behind,
                                   nn.ReLU(inplace=True))
        self.stages = nn.ModuleList()
        for i, wide in enumerate(widths):
            # An odd side is one more than twice its half.
            odd = sides[i + 1] - 2 * sides[i]
            if i == len(widths) - 1:
                layers = [nn.ConvTranspose2d(wide, channels, 4, 2, 1, output_padding=odd), nn.Tanh()]
            else:
                up = nn.ConvTranspose2d(wide, widths[i + 1], 4, 2, 1, output_padding=odd, bias=bias)
                layers = [*normalised(up, widths[i + 1], norm), nn.ReLU(inplace=True)]
            self.stages.append(nn.Sequential(*layers))
        initialise(self, norm)

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(z)
        for stage in self.stages:
            x = stage(x)
        return x


class DCGANCritic(Critic):
    """Images (N, C, S, S) to a raw output (N,) and a layer of features a stage.

    Convolutions 4x4 of stride 2 with leaky ReLU 0.2, normalised but for the first, then one number from what is left.

    Args:
        shape: (C, S, S), as for the generator.
        width: channels of the first maps; each smaller stage has twice as many, up to 8 times.
        norm: "batch", "instance", "spectral" or "none".
    """

    def __init__(self, shape: tuple[int, ...], width: int = 64, norm: Norm = "batch") -> None:
        super().__init__()
        channels, side = _check(shape, width, norm)
        sides = stages(side)
        widths = _widths(width, len(sides) - 1)
        self.stages = nn.ModuleList()
        before = channels
        for i, wide in enumerate(widths):
            own: Norm = norm if i or norm == "spectral" else "none"
            down = nn.Conv2d(before, wide, 4, 2, 1, bias=has_bias(own))
            self.stages.append(nn.Sequential(*normalised(down, wide, own), nn.LeakyReLU(0.2, inplace=True)))
            before = wide
        last = nn.Conv2d(before, 1, sides[-1])
        self.last = normalised(last, 1, norm)[0] if norm == "spectral" else last
        # The first stage has none, so a critic of a single stage judges alone whatever its normalisation.
        self.judges_alone = not any(isinstance(m, nn.BatchNorm2d) for m in self.modules())
        initialise(self, norm)

    def forward(self, x: Tensor) -> Verdict:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return Verdict((torch.flatten(self.last(x)),), (tuple(features),))
