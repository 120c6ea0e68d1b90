"""Residual generator and critic of SNGAN (Miyato et al. 2018, appendix B.4) for any square size from 8 to 128.

The paper's ResNets are its tables 4 (32 x 32, CIFAR-10), 5 (48 x 48, STL-10) and 6 (128 x 128, ImageNet). For 64 x 64
it has none; there the layout of the authors' code for Miyato and Koyama 2018 is taken, which is table 6 with one stage
less and without the last plain block. Other sizes take the layout of the next smaller of these, and sizes below 32
table 4 with fewer stages. Hidden channels and initial weights, of which the paper says nothing, follow that code too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganworks.nets.blocks import DownBlock, UpBlock, convolution, glorot
from ganworks.nets.condition import (
    Condition,
    CriticTold,
    GeneratorTold,
    critic_head,
    critic_input,
    extra_inputs,
    generator_input,
    heard,
)
from ganworks.nets.contract import Critic, Verdict
from ganworks.nets.dcgan import looks_around
from ganworks.nets.layers import Norm, check_images, doubled, norm_layers, normalised, stages
from ganworks.nets.minibatch import Minibatch, extra_features, minibatch_layer


def generator_widths(side: int, width: int) -> list[int]:
    """Return the channels from the smallest maps to the largest, one more than there are up blocks."""
    ups = len(stages(side)) - 1
    return [4 * width] * (ups + 1) if side < 48 else doubled(width, ups + 1, 16)[::-1]


def critic_blocks(side: int, width: int) -> list[tuple[int, bool]]:
    """Return the critic's blocks, (channels, whether it halves the side), from the image on."""
    if side < 48:
        return [(2 * width, i < 2) for i in range(4)]
    count = 5 if side < 128 else 6
    downs = 4 if side < 64 else 5
    return [(wide, i < downs) for i, wide in enumerate(doubled(width, count, 16))]


class SNGANGenerator(nn.Module):
    """Latents (N, latent) to images (N, C, S, S) in [-1, 1]: tables 4a, 5a and 6a.

    A linear map to the smallest maps, up blocks, normalisation, ReLU, 3x3, tanh.

    Args:
        shape: (C, S, S), S from 8 to 128.
        latent: dimension of z.
        width: 64 is the paper's at every size: channels of the last maps from 48 on, a quarter of all maps' below.
        norm: "batch" (the paper's), "instance", "spectral" or "none".
        condition: what the generator is told, or None.
        told: how: "norm" (the normalisations in the blocks, as the paper does) or "concat" (beside z).
    """

    def __init__(self, shape: tuple[int, ...], latent: int = 128, width: int = 64, norm: Norm = "batch",
                 condition: Condition | None = None, told: GeneratorTold = "norm") -> None:
        super().__init__()
        channels, side = check_images("sngan", shape, width, norm)
        self.told = generator_input(condition, told, norm)
        inner = condition if told == "norm" else None
        sides, widths = stages(side)[::-1], generator_widths(side, width)
        first = glorot(nn.Linear(latent + extra_inputs(self.told), widths[0] * sides[0] ** 2))
        self.first = nn.Sequential(*normalised(first, 1, norm)[:1], nn.Unflatten(1, (widths[0], sides[0], sides[0])))
        self.blocks = nn.ModuleList(UpBlock(widths[i], widths[i + 1], sides[i + 1] - 2 * sides[i], norm, inner)
                                    for i in range(len(sides) - 1))
        # The last normalisation is told nothing: the paper replaces those in the blocks.
        self.last = nn.Sequential(*norm_layers(widths[-1], norm), nn.ReLU(inplace=True),
                                  convolution(widths[-1], channels, 3, "none"), nn.Tanh())

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        x = self.first(heard(self.told, z, condition))
        for block in self.blocks:
            x = block(x, condition)
        return self.last(x)


class SNGANCritic(Critic):
    """Images (N, C, S, S) to a raw output (N,) and a layer of features a block: tables 4b, 5b and 6b.

    Blocks that halve the side, then plain ones, ReLU, the sum over all positions, a linear map to one number.

    Args:
        shape: (C, S, S), as for the generator.
        width: 64 is the paper's at every size: channels of the first maps from 48 on, half of all maps' below.
        norm: "spectral" (the paper's, on every layer), "none", "instance" or "batch".
        minibatch: a look at the whole batch before the last layer: "discrimination", "stddev" or "none"; it sees the
            maps before they are summed.
        condition: what the critic is told, or None.
        told: how: "projection", "concat" (constant maps beside the image; table 6c puts them beside inner maps), or
            "auxiliary" (not told; it classifies).
    """

    def __init__(self, shape: tuple[int, ...], width: int = 64, norm: Norm = "spectral",
                 minibatch: Minibatch = "none", condition: Condition | None = None,
                 told: CriticTold = "projection") -> None:
        super().__init__()
        channels, side = check_images("sngan", shape, width, norm)
        self.told = critic_input(condition, told, norm)
        self.blocks = nn.ModuleList()
        before = channels + extra_inputs(self.told)
        for i, (wide, down) in enumerate(critic_blocks(side, width)):
            self.blocks.append(DownBlock(before, wide, down, i == 0, norm))
            before = wide
        self.minibatch = minibatch_layer(minibatch, before, norm)
        before += extra_features(self.minibatch)
        last = glorot(nn.Linear(before, 1))
        self.last = normalised(last, 1, norm)[0] if norm == "spectral" else last
        self.head = critic_head(condition, told, before, norm)
        self.judges_alone = self.minibatch is None and not looks_around(self)
        self.judges_kinds = self.minibatch is not None and not looks_around(self)

    def forward(self, x: Tensor, condition: Tensor | None = None, kinds: int = 1) -> Verdict:
        x = heard(self.told, x, condition)
        features = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        x = torch.relu(x)
        phi = x.sum((2, 3))
        if self.minibatch is not None:
            phi = torch.cat([phi, self.minibatch.statistics(x, kinds)], 1)
        score, classes = torch.flatten(self.last(phi)), None
        if self.head is not None:
            score, classes = self.head(phi, score, condition)
        return Verdict((score,), (tuple(features),), classes)
