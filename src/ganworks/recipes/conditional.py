"""Conditional GANs: both players are told the class, or a real vector, of each sample."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Classify, Weighted
from ganworks.recipes.assembling import assemble
from ganworks.recipes.gan import Objective
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe


def cgan(
    source: Source,
    training: Training = Training(),
    networks: Networks = Networks(condition="label"),
    stabilisers: Stabilisers = Stabilisers(),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train with the class beside each player's input (Mirza and Osindero 2014, eq. 2), or told in another way."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)


def acgan(
    source: Source,
    training: Training = Training(),
    networks: Networks = Networks(condition="label", told_critic="auxiliary"),
    stabilisers: Stabilisers = Stabilisers(),
    objective: Objective = "nonsaturating",
    classify: Annotated[float, Field(ge=0, description="weight of the critic's classification of real samples")] = 1.0,
    classify_fake: Annotated[float, Field(ge=0, description="the same of generated ones, for both players")] = 1.0,
) -> Recipe:
    """Train a critic that also names the class (Odena, Olah and Shlens 2017, eq. 2 and 3)."""
    if networks.condition != "label" or networks.told_critic != "auxiliary":
        raise UserError(f"acgan with condition {networks.condition}, told {networks.told_critic}",
                        "classes, and an auxiliary classifier", "take cgan for other conditions")
    on_fake = Weighted("classify_fake", Classify("fake"), classify_fake)
    return assemble(objective_named(objective), source, training, networks, stabilisers,
                    critic_terms=[Weighted("classify", Classify("real"), classify), on_fake], generator_terms=[on_fake])
