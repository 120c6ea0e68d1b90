"""Relativistic GANs over any objective."""

from __future__ import annotations

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.recipes.assembling import assemble
from ganworks.recipes.gan import Objective
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe


def rpgan(
    source: Source,
    training: Training = Training(),
    networks: Networks = Networks(),
    stabilisers: Stabilisers = Stabilisers(relativistic="pair"),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train a critic that compares real and generated samples in pairs (Jolicoeur-Martineau 2018, section 4)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)


def ragan(
    source: Source,
    training: Training = Training(),
    networks: Networks = Networks(),
    stabilisers: Stabilisers = Stabilisers(relativistic="average"),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train a critic that compares each sample with the mean of the other kind (Jolicoeur-Martineau 2018)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)
