"""Layers that the families share: normalisation by name, and initial weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrizations import spectral_norm

from ganworks.errors import UserError, did_you_mean

Norm = Literal["batch", "instance", "spectral", "none"]
NORMS = ("batch", "instance", "spectral", "none")


def check_norm(norm: str) -> None:
    """Raise UserError for an unknown normalisation."""
    if norm not in NORMS:
        raise UserError(f"normalisation '{norm}'", did_you_mean(norm, NORMS))


def normalised(layer: nn.Module, width: int, norm: Norm, kind: Literal["2d", "1d"] = "2d") -> list[nn.Module]:
    """Return ``layer`` with its normalisation behind it (batch, instance) or on its weight (spectral)."""
    if norm == "spectral":
        return [spectral_norm(layer)]
    behind: dict[tuple[str, str], Callable[[], nn.Module]] = {
        ("batch", "2d"): lambda: nn.BatchNorm2d(width),
        ("batch", "1d"): lambda: nn.BatchNorm1d(width),
        ("instance", "2d"): lambda: nn.InstanceNorm2d(width, affine=True),
        ("instance", "1d"): lambda: nn.LayerNorm(width),
    }
    return [layer] if norm == "none" else [layer, behind[norm, kind]()]


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
