"""Layers that the families share: normalisation by name, sizes of maps, and initial weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from ganworks.errors import UserError, did_you_mean
from ganworks.nets.condition import Condition, ConditionalNorm
from ganworks.nets.spectral import spectral_norm

Norm = Literal["batch", "instance", "spectral", "none"]
NORMS = ("batch", "instance", "spectral", "none")
SMALLEST, LARGEST = 8, 128


def check_norm(norm: str) -> None:
    """Raise UserError for an unknown normalisation."""
    if norm not in NORMS:
        raise UserError(f"normalisation '{norm}'", did_you_mean(norm, NORMS))


def check_images(family: str, shape: tuple[int, ...], width: int, norm: str) -> tuple[int, int]:
    """Return (channels, side) of square images, and raise UserError for what a convolutional family cannot take."""
    channels, side = (shape[0], shape[-1]) if len(shape) == 3 and shape[1] == shape[2] else (0, 0)
    if not SMALLEST <= side <= LARGEST or channels < 1:
        raise UserError(f"{family}: samples of shape {tuple(shape)}",
                        f"square images of side {SMALLEST} to {LARGEST}",
                        "resize the data (--size 64), or take another network")
    if width < 1:
        raise UserError(f"{family}: width {width}", "at least 1")
    check_norm(norm)
    return channels, side


def stages(size: int) -> list[int]:
    """Return the sides of the maps from ``size`` down to the smallest, each half of the one before, at least 4.

    32 gives [32, 16, 8, 4]; 28 gives [28, 14, 7]; 33 gives [33, 16, 8, 4].
    """
    sides = [size]
    while sides[-1] > 7:
        sides.append(sides[-1] // 2)
    return sides


def doubled(width: int, count: int, most: int = 8) -> list[int]:
    """Return ``count`` widths, each twice the one before, up to ``most`` times the first."""
    return [width * min(2**i, most) for i in range(count)]


def norm_layers(width: int, norm: Norm, kind: Literal["2d", "1d"] = "2d",
                condition: Condition | None = None) -> list[nn.Module]:
    """Return the layer that normalises ``width`` features, conditional where there is a condition, or no layer."""
    own = condition is None
    plain: dict[tuple[str, str], Callable[[], nn.Module]] = {
        ("batch", "2d"): lambda: nn.BatchNorm2d(width, affine=own),
        ("batch", "1d"): lambda: nn.BatchNorm1d(width, affine=own),
        ("instance", "2d"): lambda: nn.InstanceNorm2d(width, affine=own),
        ("instance", "1d"): lambda: nn.LayerNorm(width, elementwise_affine=own),
    }
    if norm in ("none", "spectral"):
        return []
    layer = plain[norm, kind]()
    return [layer if condition is None else ConditionalNorm(layer, width, condition)]


def normalised(layer: nn.Module, width: int, norm: Norm, kind: Literal["2d", "1d"] = "2d",
               condition: Condition | None = None) -> list[nn.Module]:
    """Return ``layer`` with its normalisation behind it (batch, instance) or on its weight (spectral)."""
    return [spectral_norm(layer) if norm == "spectral" else layer, *norm_layers(width, norm, kind, condition)]


def has_bias(norm: Norm) -> bool:
    """Whether a layer needs a bias: behind a normalisation with a shift it is cancelled."""
    return norm not in ("batch", "instance")


def initialise(network: nn.Module, norm: Norm) -> None:
    """Draw the initial weights of a network.

    Behind batch or instance normalisation as DCGAN does: N(0, 0.02^2), gains N(1, 0.02^2), biases 0 (Radford et al.
    2016). Without one, the scale that keeps the activations' variance (He et al. 2015): 0.02 would let the signal
    vanish. Spectrally normalised layers keep torch's own draw, whose scale is divided out.
    """
    if norm == "spectral":
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02 if norm != "none" else math.sqrt(2 / _inputs(module)))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, _NormBase) and module.weight is not None:
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


def _inputs(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> float:
    # How many numbers one output number is a sum of; a transposed convolution meets its kernel once a stride.
    if isinstance(layer, nn.Linear):
        return layer.in_features
    taps = math.prod(layer.kernel_size)
    return layer.in_channels * taps / (math.prod(layer.stride) if isinstance(layer, nn.ConvTranspose2d) else 1)
