"""Convolutional generator and critic (Radford, Metz and Chintala 2016) for any square size from 8 to 128."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

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
from ganworks.nets.layers import Norm, check_images, doubled, has_bias, initialise, normalised, stages
from ganworks.nets.minibatch import Minibatch, extra_features, minibatch_layer


class DCGANGenerator(nn.Module):
    """Latents (N, latent) to images (N, C, S, S) in [-1, 1].

    A linear map to the smallest maps, then transposed convolutions 4x4 of stride 2 with normalisation and ReLU,
    tanh at the end.

    Args:
        shape: (C, S, S), S from 8 to 128.
        latent: dimension of z.
        width: channels of the last hidden maps; each smaller stage has twice as many, up to 8 times.
        norm: "batch", "instance", "spectral" or "none".
        condition: what the generator is told, or None.
        told: how: "concat" (beside z) or "norm" (by batch or instance normalisation).
    """

    def __init__(self, shape: tuple[int, ...], latent: int = 100, width: int = 64, norm: Norm = "batch",
                 condition: Condition | None = None, told: GeneratorTold = "concat") -> None:
        super().__init__()
        channels, side = check_images("dcgan", shape, width, norm)
        self.told = generator_input(condition, told, norm)
        inner = condition if told == "norm" else None
        sides = stages(side)[::-1]
        widths = doubled(width, len(sides) - 1)[::-1]
        bias = has_bias(norm)
        first, *behind = normalised(nn.Linear(latent + extra_inputs(self.told), widths[0] * sides[0] ** 2, bias=bias),
                                    widths[0], norm, condition=inner)
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
                layers = [*normalised(up, widths[i + 1], norm, condition=inner), nn.ReLU(inplace=True)]
            self.stages.append(nn.Sequential(*layers))
        initialise(self, norm)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        x = through(self.first, heard(self.told, z, condition), condition)
        for stage in self.stages:
            x = through(stage, x, condition)
        return x


class DCGANCritic(Critic):
    """Images (N, C, S, S) to a raw output (N,) and a layer of features a stage.

    Convolutions 4x4 of stride 2 with leaky ReLU 0.2, normalised but for the first, then one number from what is left.

    Args:
        shape: (C, S, S), as for the generator.
        width: channels of the first maps; each smaller stage has twice as many, up to 8 times.
        norm: "batch", "instance", "spectral" or "none".
        minibatch: a look at the whole batch before the last layer: "discrimination", "stddev" or "none".
        condition: what the critic is told, or None.
        told: how: "concat" (constant maps beside the image), "projection", or "auxiliary" (not told; it classifies).
    """

    def __init__(self, shape: tuple[int, ...], width: int = 64, norm: Norm = "batch", minibatch: Minibatch = "none",
                 condition: Condition | None = None, told: CriticTold = "concat") -> None:
        super().__init__()
        channels, side = check_images("dcgan", shape, width, norm)
        self.told = critic_input(condition, told, norm)
        self.stages = down_stages(channels + extra_inputs(self.told), side, width, norm)
        smallest = stages(side)[-1]
        before = doubled(width, len(self.stages))[-1]
        self.minibatch = minibatch_layer(minibatch, before, norm)
        before += extra_features(self.minibatch)
        last = nn.Conv2d(before, 1, smallest)
        self.last = normalised(last, 1, norm)[0] if norm == "spectral" else last
        self.head = critic_head(condition, told, before * smallest**2, norm)
        self.judges_alone = self.minibatch is None and not looks_around(self)
        self.judges_kinds = self.minibatch is not None and not looks_around(self)
        initialise(self, norm)

    def forward(self, x: Tensor, condition: Tensor | None = None, kinds: int = 1) -> Verdict:
        x = heard(self.told, x, condition)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        phi = x if self.minibatch is None else self.minibatch(x, kinds)
        score, classes = torch.flatten(self.last(phi)), None
        if self.head is not None:
            score, classes = self.head(phi, score, condition)
        return Verdict((score,), (tuple(features),), classes)


def down_stages(channels: int, side: int, width: int, norm: Norm) -> nn.ModuleList:
    """Return the critic's stages from images down to the smallest maps, normalised but for the first."""
    made = nn.ModuleList()
    before = channels
    for i, wide in enumerate(doubled(width, len(stages(side)) - 1)):
        own: Norm = norm if i or norm == "spectral" else "none"
        down = nn.Conv2d(before, wide, 4, 2, 1, bias=has_bias(own))
        made.append(nn.Sequential(*normalised(down, wide, own), nn.LeakyReLU(0.2, inplace=True)))
        before = wide
    return made


def looks_around(network: nn.Module) -> bool:
    """Whether batch statistics enter; a critic of a single stage has none, whatever its normalisation."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())
