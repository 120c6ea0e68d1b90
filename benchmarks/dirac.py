"""The smallest GAN: a point that should go to 0, and a critic that is linear (Mescheder et al. 2018, section 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.game import Latent
from ganworks.nets.contract import Critic, Verdict
from ganworks.recipes.assembling import assemble
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe


class Point(nn.Module):
    """Latents (N, 1) to theta + 0.01 z, of shape (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.ones(1))

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.theta + 0.01 * z


class Linear(Critic):
    """Points (N, 1) to psi x."""

    judges_alone = True

    def __init__(self) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Verdict:
        return Verdict((self.psi * x[:, 0],), ((x,),), None)


class _Players(Networks):
    latent: int = 1

    @property
    def latents(self) -> Latent:
        return Latent(1, "gaussian")

    def generator(self, source: Source) -> nn.Module:
        return Point()

    def critic(self, source: Source, pack: int = 1) -> nn.Module:
        return Linear()


SETTING, BARE = Training(optimiser="sgd", lr=0.05, betas=(0.0, 0.9), ema=None), Stabilisers()


def dirac(source: Source, training: Training = SETTING, stabilisers: Stabilisers = BARE,
          objective: str = "nonsaturating") -> Recipe:
    """Train the Dirac-GAN."""
    return assemble(objective_named(objective), source, training, _Players(), stabilisers)
