"""Fully connected generator and critic, for points and for small images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.nets.condition import (
    Condition,
    CriticTold,
    GeneratorTold,
    critic_head,
    critic_input,
    extra_inputs,
    generator_input,
    heard,
    through,
)
from ganworks.nets.contract import Critic, Verdict
from ganworks.nets.layers import Norm, check_norm, has_bias, initialise, normalised
from ganworks.nets.minibatch import Minibatch, extra_features, minibatch_layer


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
        condition: what the generator is told, or None.
        told: how: "concat" (beside z) or "norm" (by batch or instance normalisation).
    """

    def __init__(self, shape: tuple[int, ...], latent: int = 64, widths: Sequence[int] = (256, 256),
                 norm: Norm = "none", condition: Condition | None = None, told: GeneratorTold = "concat") -> None:
        super().__init__()
        _check(widths, norm)
        self.shape = tuple(shape)
        self.told = generator_input(condition, told, norm)
        inner = condition if told == "norm" else None
        layers: list[nn.Module] = []
        for before, wide in zip([latent + extra_inputs(self.told), *widths], widths, strict=False):
            layers += [*normalised(nn.Linear(before, wide, bias=has_bias(norm)), wide, norm, "1d", inner),
                       nn.ReLU(inplace=True)]
        layers.append(nn.Linear(widths[-1], math.prod(self.shape)))
        if len(self.shape) == 3:
            layers.append(nn.Tanh())
        self.layers = nn.Sequential(*layers)
        initialise(self, "spectral" if norm == "spectral" else "none")

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return through(self.layers, heard(self.told, z, condition), condition).view(-1, *self.shape)


class MLPCritic(Critic):
    """Samples (N, *shape) to a raw output (N,) and a layer of features for each hidden layer.

    Args:
        shape: of one sample.
        widths: of the hidden layers, leaky ReLU 0.2 behind each.
        norm: "batch", "instance" (layer normalisation), "spectral" or "none".
        minibatch: a look at the whole batch before the last layer: "discrimination", "stddev" or "none".
        condition: what the critic is told, or None.
        told: how: "concat" (beside the sample), "projection", or "auxiliary" (not told; it classifies).
    """

    def __init__(self, shape: tuple[int, ...], widths: Sequence[int] = (256, 256), norm: Norm = "none",
                 minibatch: Minibatch = "none", condition: Condition | None = None,
                 told: CriticTold = "concat") -> None:
        super().__init__()
        _check(widths, norm)
        self.told = critic_input(condition, told, norm)
        self.stages = nn.ModuleList()
        for before, wide in zip([math.prod(shape) + extra_inputs(self.told), *widths], widths, strict=False):
            self.stages.append(nn.Sequential(
                *normalised(nn.Linear(before, wide, bias=has_bias(norm)), wide, norm, "1d"),
                nn.LeakyReLU(0.2, inplace=True)))
        self.minibatch = minibatch_layer(minibatch, widths[-1], norm)
        self.judges_alone = norm != "batch" and self.minibatch is None
        self.judges_kinds = norm != "batch" and self.minibatch is not None
        width = widths[-1] + extra_features(self.minibatch)
        last = nn.Linear(width, 1)
        self.last = normalised(last, 1, norm)[0] if norm == "spectral" else last
        self.head = critic_head(condition, told, width, norm)
        initialise(self, "spectral" if norm == "spectral" else "none")

    def forward(self, x: Tensor, condition: Tensor | None = None, kinds: int = 1) -> Verdict:
        x = heard(self.told, torch.flatten(x, 1), condition)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        phi = x if self.minibatch is None else self.minibatch(x, kinds)
        score, classes = torch.flatten(self.last(phi)), None
        if self.head is not None:
            score, classes = self.head(phi, score, condition)
        return Verdict((score,), (tuple(features),), classes)
