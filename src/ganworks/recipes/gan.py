"""The first GAN, with either cost of its generator."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.recipes.assembling import assemble
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe

Objective = Annotated[str, Field(description="name (ganworks list objectives), or a design file")]
PLAIN = Networks(network="mlp", latent=64, norm_generator="none", norm_critic="none")


def gan(
    source: Source,
    training: Training = Training(betas=(0.5, 0.9)),
    networks: Networks = PLAIN,
    stabilisers: Stabilisers = Stabilisers(),
    objective: Objective = "minimax",
) -> Recipe:
    """Train fully connected networks by the minimax game (Goodfellow et al. 2014, Algorithm 1)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)


def nsgan(
    source: Source,
    training: Training = Training(betas=(0.5, 0.9)),
    networks: Networks = PLAIN,
    stabilisers: Stabilisers = Stabilisers(),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train with the non-saturating cost of the generator (Goodfellow et al. 2014, section 3)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)
