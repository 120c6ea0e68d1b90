"""Noise on everything that the critic sees."""

from __future__ import annotations

import math

from torch import Tensor

from ganworks.errors import UserError
from ganworks.game.lens import Lens, in_full
from ganworks.game.noise import Noise
from ganworks.game.schedule import Level, least, level_at


class InstanceNoise(Lens):
    """Gaussian noise on real and generated samples alike, so that their densities overlap.

    The critic compares p and q both convolved with N(0, sd^2): of two densities that share no mass, too, it can tell
    the way from one to the other (Sonderby et al. 2017, section 3.2; Arjovsky and Bottou 2017, section 3.1).

    Args:
        sd: its standard deviation, in the units of the samples (images lie in [-1, 1]), at least 0; a ``Ramp``
            falling to 0 lets the critic see ever more of the details.
    """

    def __init__(self, sd: Level = 0.1) -> None:
        super().__init__()
        if not (least(sd) >= 0 and math.isfinite(least(sd))):
            raise UserError(f"instance noise: a standard deviation of {sd}", "a finite number of at least 0")
        self.sd = sd

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        sd = level_at(self.sd, step)
        if sd == 0:
            return x
        x = in_full(x)
        return x.add(noise.normal(*x.shape[1:]).to(x.dtype), alpha=sd)
