"""Wasserstein GANs: weight clipping, and gradient penalties."""

from __future__ import annotations

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.recipes.assembling import assemble
from ganworks.recipes.gan import Objective
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe

PENALISED = Networks(latent=128, norm_critic="none")
TRAINING = Training(lr=1e-4, betas=(0.0, 0.9), critic_steps=5)


def wgan(
    source: Source,
    training: Training = Training(optimiser="rmsprop", lr=5e-5, betas=(0.0, 0.99), critic_steps=5),
    networks: Networks = Networks(),
    stabilisers: Stabilisers = Stabilisers(clip_weights=0.01),
    objective: Objective = "wgan",
) -> Recipe:
    """Train the Wasserstein game with weight clipping (Arjovsky, Chintala and Bottou 2017, Algorithm 1)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)


def wgan_gp(
    source: Source,
    training: Training = TRAINING,
    networks: Networks = PENALISED,
    stabilisers: Stabilisers = Stabilisers(gp=10.0),
    objective: Objective = "wgan",
) -> Recipe:
    """Train the Wasserstein game with a gradient penalty (Gulrajani et al. 2017, Algorithm 1)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)


def wgan_lp(
    source: Source,
    training: Training = TRAINING,
    networks: Networks = PENALISED,
    stabilisers: Stabilisers = Stabilisers(gp=10.0, gp_side="one"),
    objective: Objective = "wgan",
) -> Recipe:
    """Train the Wasserstein game with a one-sided gradient penalty (Petzka, Fischer and Lukovnikov 2018, eq. 8)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)
