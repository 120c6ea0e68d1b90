"""The two factories: any f-divergence, and any design of one's own."""

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


def fgan(
    source: Source,
    training: Training = Training(),
    networks: Networks = Networks(),
    stabilisers: Stabilisers = Stabilisers(),
    divergence: Annotated[str, Field(description="name (ganworks list objectives), kl or pearson_chi2 say, or f itself "
                                     "as in '{f: u*log(u)}'")] = "squared_hellinger",
) -> Recipe:
    """Train towards an f-divergence (Nowozin, Cseke and Tomioka 2016, eq. 6)."""
    return assemble(objective_named(divergence), source, training, networks, stabilisers)


def designed(
    source: Source,
    objective: Annotated[str, Field(description="a design file (ganworks design --save), or its content as in "
                                    "'{omega: log(r)/2, rho: exp(-t)}'")],
    training: Training = Training(),
    networks: Networks = Networks(),
    stabilisers: Stabilisers = Stabilisers(),
) -> Recipe:
    """Train with an objective of one's own, proved by ganworks design (Moustakides and Basioti 2020 for omega, rho)."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)
