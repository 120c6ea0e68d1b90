"""Fully connected generator and critic, for points and for small images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.nets.contract import Critic, Verdict
from ganworks.nets.layers import Norm, check_norm, has_bias, initialise, normalised


def _check(widths: Sequence[int], norm: str) -> None:
    if not widths or min(widths) < 1:
        raise UserError(f"mlp: widths {list(widths)}", "one or more layers of at least 1 unit")
    check_norm(norm)


class MLPGenerator(nn.Module):
    """Latents (N, latent) to samples (N, *shape).

    Args:
        shape: of one sample. Images (C, H, W) end in tanh, points (D,) are linear.
        latent: dimension of z.
        widths: of the hidden layers, ReLU behind each.
        norm: "batch", "instance" (layer normalisation), "spectral" or "none".
    """

    def __init__(self, shape: tuple[int, ...], latent: int = 64, widths: Sequence[int] = (256, 256),
                 norm: Norm = "none") -> None:
        super().__init__()
        _check(widths, norm)
        self.shape = tuple(shape)
        layers: list[nn.Module] = []
        for before, wide in zip([latent, *widths], widths, strict=False):
            layers += [*normalised(nn.Linear(before, wide, bias=has_bias(norm)), wide, norm, "1d"),
                       nn.ReLU(inplace=True)]
        layers.append(nn.Linear(widths[-1], math.prod(self.shape)))
        if len(self.shape) == 3:
            layers.append(nn.Tanh())
        self.layers = nn.Sequential(*layers)
        initialise(self, "spectral" if norm == "spectral" else "none")

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).view(-1, *self.shape)


class MLPCritic(Critic):
    """Samples (N, *shape) to a raw output (N,) and a layer of features for each hidden layer.

    Args:
        shape: of one sample.
        widths: of the hidden layers, leaky ReLU 0.2 behind each.
        norm: "batch", "instance" (layer normalisation), "spectral" or "none".
    """

    def __init__(self, shape: tuple[int, ...], widths: Sequence[int] = (256, 256), norm: Norm = "none") -> None:
        super().__init__()
        _check(widths, norm)
        self.judges_alone = norm != "batch"
        self.stages = nn.ModuleList()
        for before, wide in zip([math.prod(shape), *widths], widths, strict=False):
            self.stages.append(nn.Sequential(
                *normalised(nn.Linear(before, wide, bias=has_bias(norm)), wide, norm, "1d"),
                nn.LeakyReLU(0.2, inplace=True)))
        last = nn.Linear(widths[-1], 1)
        self.last = normalised(last, 1, norm)[0] if norm == "spectral" else last
        initialise(self, "spectral" if norm == "spectral" else "none")

    def forward(self, x: Tensor) -> Verdict:
        x = torch.flatten(x, 1)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return Verdict((torch.flatten(self.last(x)),), (tuple(features),))
