"""DRAGAN: a gradient penalty around real samples."""

from __future__ import annotations

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.recipes.assembling import assemble
from ganworks.recipes.gan import Objective
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe


def dragan(
    source: Source,
    training: Training = Training(betas=(0.5, 0.9)),
    networks: Networks = Networks(norm_critic="none"),
    stabilisers: Stabilisers = Stabilisers(gp=10.0, gp_at="around"),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train with the critic's gradient held near 1 around real samples (Kodali et al. 2017, Algorithm 1)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)
