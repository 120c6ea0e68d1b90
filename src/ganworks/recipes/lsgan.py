"""Least squares."""

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


def lsgan(
    source: Source,
    training: Training = Training(lr=1e-3),
    networks: Networks = Networks(latent=1024, law="uniform"),
    stabilisers: Stabilisers = Stabilisers(),
    a: Annotated[float, Field(description="label of generated samples")] = 0.0,
    b: Annotated[float, Field(description="label of real samples, above a")] = 1.0,
    c: Annotated[float, Field(description="what the generator wants the critic to say")] = 1.0,
) -> Recipe:
    """Train with least squares in place of cross-entropy (Mao et al. 2017, eq. 2 and 9)."""
    return assemble(objective_named("lsgan", a=a, b=b, c=c), source, training, networks, stabilisers)
