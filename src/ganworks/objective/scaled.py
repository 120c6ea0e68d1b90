"""The same objective with other weights for the two players."""

from __future__ import annotations

import math
from dataclasses import replace

from ganworks.errors import UserError
from ganworks.objective.objective import Elementwise, Objective


def scaled(objective: Objective, critic: float = 1.0, generator: float = 1.0) -> Objective:
    """Return the objective with the critic's and the generator's cost times a number above 0.

    The best critic and the divergence stay what they are; beside terms of a fixed weight, and for optimisers that do
    not divide by the size of the gradient, it makes a difference.
    """
    for player, weight in (("critic", critic), ("generator", generator)):
        if not (weight > 0 and math.isfinite(weight)):
            raise UserError(f"a weight of {weight:g} for the {player}'s cost", "a finite number above 0")
    return replace(objective, phi=_times(critic, objective.phi), psi=_times(critic, objective.psi),
                   beta=_times(generator, objective.beta),
                   alpha=None if objective.alpha is None else _times(generator, objective.alpha))


def _times(weight: float, cost: Elementwise) -> Elementwise:
    return cost if weight == 1 else lambda v: weight * cost(v)
