"""Remedies for mode collapse: unrolling, minibatch discrimination, packing."""

from __future__ import annotations

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.recipes.assembling import assemble
from ganworks.recipes.gan import Objective
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe


def unrolled(
    source: Source,
    training: Training = Training(lr=1e-3, lr_critic=1e-4),
    networks: Networks = Networks(latent=256, norm_generator="none", norm_critic="none"),
    stabilisers: Stabilisers = Stabilisers(unroll=5),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train the generator against the critic some steps ahead (Metz et al. 2017, eq. 8; appendix A)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)


def minibatch_discrimination(
    source: Source,
    training: Training = Training(lr=3e-4),
    networks: Networks = Networks(minibatch="discrimination"),
    stabilisers: Stabilisers = Stabilisers(),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train a critic that compares the samples of a batch with each other (Salimans et al. 2016, section 3.2)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)


def pacgan(
    source: Source,
    training: Training = Training(),
    networks: Networks = Networks(),
    stabilisers: Stabilisers = Stabilisers(pack=2),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train a critic that judges several samples at a time (Lin et al. 2018, section 2)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)
