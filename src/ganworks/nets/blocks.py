"""Residual blocks, whose convolutions are done together with the change of size that is next to them.

A 3x3 convolution before a mean over 2x2, or behind a doubling of pixels, is one 4x4 convolution of stride 2 with sums
of the same nine weights (as in Karras et al. 2018, whose code does so): 2.25 times fewer products, and no maps of the
large size in between. A 1x1 convolution commutes with both and is done on the small side.
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

from ganworks.nets.condition import Condition, through
from ganworks.nets.layers import Norm, has_bias, norm_layers
from ganworks.nets.spectral import spectral_norm

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


def glorot(layer: Layer, gain: float = 1.0) -> Layer:
    """Return the layer with weights drawn uniformly with variance 2 gain^2 / (inputs + outputs), and biases 0."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def convolution(before: int, wide: int, kernel: int, norm: Norm, gain: float = 1.0, bias: bool = True) -> nn.Conv2d:
    """Return a convolution that keeps the size, its spectral norm bounded where ``norm`` says so."""
    layer = glorot(nn.Conv2d(before, wide, kernel, padding=kernel // 2, bias=bias), gain)
    if norm == "spectral":
        spectral_norm(layer)
    return layer


def convolved_mean(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Return the means over 2x2 of a 3x3 convolution: (N, C, 2n or 2n + 1, ...) to (N, C', n, ...)."""
    return F.conv2d(x, F.avg_pool2d(conv.weight, 2, 1, 1), conv.bias, stride=2, padding=1)


def convolved_double(x: Tensor, conv: nn.Conv2d, odd: int = 0) -> Tensor:
    """Return a 3x3 convolution of x with each pixel doubled, and of a row and column of zeros more where ``odd``."""
    weight = F.avg_pool2d(conv.weight, 2, 1, 1, divisor_override=1).flip(2, 3).transpose(0, 1)
    return F.conv_transpose2d(x, weight, conv.bias, stride=2, padding=1, output_padding=odd)


class UpBlock(nn.Module):
    """Maps (N, A, s, s) to (N, B, 2s or 2s + 1, ...): Miyato et al. 2018, figure 8, with a doubling of pixels.

    Norm, ReLU, double, 3x3, norm, ReLU, 3x3, beside a shortcut: double, 1x1.

    Args:
        before, wide: channels A and B.
        odd: 1 where the new side is odd.
        norm: "batch", "instance", "spectral" or "none".
        condition: what the normalisations are told, or None.
    """

    def __init__(self, before: int, wide: int, odd: int, norm: Norm, condition: Condition | None) -> None:
        super().__init__()
        self.odd = odd
        ahead, between = norm_layers(before, norm, condition=condition), norm_layers(wide, norm, condition=condition)
        # The shortcut needs what came in, so the first ReLU works in place only on what a normalisation made.
        self.ahead = nn.Sequential(*ahead, nn.ReLU(inplace=bool(ahead)))
        self.conv1 = convolution(before, wide, 3, norm, math.sqrt(2), has_bias(norm))
        self.between = nn.Sequential(*between, nn.ReLU(inplace=True))
        self.conv2 = convolution(wide, wide, 3, norm, math.sqrt(2))
        self.shortcut = convolution(before, wide, 1, norm)

    def forward(self, x: Tensor, told: Tensor | None) -> Tensor:
        h = convolved_double(through(self.ahead, x, told), self.conv1, self.odd)
        h = self.conv2(through(self.between, h, told))
        beside = F.interpolate(self.shortcut(x), scale_factor=2.0)
        return h.add_(F.pad(beside, (0, 1, 0, 1), mode="replicate") if self.odd else beside)


class DownBlock(nn.Module):
    """Maps (N, A, s, s) to (N, B, s // 2, ...) or, where it is not ``down``, (N, B, s, s): figure 8 of the same paper.

    Norm, ReLU, 3x3, norm, ReLU, 3x3, mean over 2x2, beside a shortcut: mean over 2x2, 1x1. The first block of a critic
    sees images: it has no norm and no ReLU ahead. A shortcut that changes nothing is the identity.

    Args:
        before, wide: channels A and B; the maps between have B in the first block and A in the others, as in the
            authors' code.
        down: halve the side.
        first: it is the first block.
        norm: "batch", "instance", "spectral" or "none"; the first block takes no batch or instance normalisation.
    """

    def __init__(self, before: int, wide: int, down: bool, first: bool, norm: Norm) -> None:
        super().__init__()
        self.down = down
        hidden = wide if first else before
        own: Norm = "none" if first and norm != "spectral" else norm
        ahead = norm_layers(before, own)
        self.ahead = nn.Sequential() if first else nn.Sequential(*ahead, nn.ReLU(inplace=bool(ahead)))
        self.conv1 = convolution(before, hidden, 3, own, math.sqrt(2), has_bias(own))
        self.between = nn.Sequential(*norm_layers(hidden, own), nn.ReLU(inplace=True))
        self.conv2 = convolution(hidden, wide, 3, own, math.sqrt(2))
        self.shortcut = convolution(before, wide, 1, own) if down or before != wide else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.between(self.conv1(self.ahead(x)))
        if self.down:
            return convolved_mean(h, self.conv2).add_(self.shortcut(F.avg_pool2d(x, 2)))
        return self.conv2(h).add_(self.shortcut(x))
