"""Energy-based GANs: the critic is an autoencoder, and its error is the energy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.game import Balance, PullAway, Weighted
from ganworks.nets import AutoencoderCritic
from ganworks.recipes.assembling import assemble
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe

Code = Annotated[int, Field(ge=1, description="dimension of the autoencoder's code")]


def ebgan(
    source: Source,
    training: Training = Training(),
    networks: Networks = Networks(norm_critic="none"),
    stabilisers: Stabilisers = Stabilisers(),
    margin: Annotated[float, Field(gt=0, description="energy, squared error a pixel, above which a generated sample is "
                                   "left alone; well above what an even grey image costs")] = 0.2,
    pull_away: Annotated[float | None, Field(gt=0, description="weight of the pull-away term, or none")] = 0.1,
    pretrain: Annotated[int, Field(ge=0, description="steps in which the critic learns real samples alone")] = 0,
    code: Code = 64,
) -> Recipe:
    """Train against the energy of an autoencoder, with a margin (Zhao, Mathieu and LeCun 2017, eq. 1, 2 and 9)."""
    critic = AutoencoderCritic(source.shape, code, networks.width, networks.norm_critic, "squared")
    terms = [Weighted("pull_away", PullAway(), pull_away)] if pull_away is not None else []
    return assemble(objective_named("ebgan", m=margin), source, training, networks, stabilisers, critic=critic,
                    generator_terms=terms, pretrain=pretrain)


def began(
    source: Source,
    training: Training = Training(lr=1e-4, batch=16),
    networks: Networks = Networks(latent=64, law="uniform", norm_generator="none", norm_critic="none"),
    stabilisers: Stabilisers = Stabilisers(),
    diversity: Annotated[float, Field(gt=0, le=1, description="gamma: wanted error on generated over real samples")]
    = 0.5,
    gain: Annotated[float, Field(gt=0, description="lambda: how fast the balance is steered")] = 1e-3,
    code: Code = 64,
) -> Recipe:
    """Train against an autoencoder's error with a balance controller (Berthelot, Schumm and Metz 2017, section 3)."""
    critic = AutoencoderCritic(source.shape, code, networks.width, networks.norm_critic, "absolute")
    return assemble(objective_named("began"), source, training, networks, stabilisers, critic=critic,
                    critic_terms=[Weighted("balance", Balance(diversity, gain))])
