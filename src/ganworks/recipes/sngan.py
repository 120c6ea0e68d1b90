"""SNGAN: residual networks, spectral normalisation, hinge."""

from __future__ import annotations

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.recipes.assembling import assemble
from ganworks.recipes.gan import Objective
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe


def sngan(
    source: Source,
    training: Training = Training(lr=2e-4, betas=(0.0, 0.9), critic_steps=5, schedule="linear"),
    networks: Networks = Networks(network="sngan", latent=128, norm_critic="spectral"),
    stabilisers: Stabilisers = Stabilisers(),
    objective: Objective = "hinge",
) -> Recipe:
    """Train residual networks under spectral normalisation (Miyato et al. 2018, section 4 and appendix B)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)
