"""Deep convolutional GAN, for images of 8 to 128 pixels."""

from __future__ import annotations

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.recipes.assembling import assemble
from ganworks.recipes.gan import Objective
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import Recipe


def dcgan(
    source: Source,
    training: Training = Training(),
    networks: Networks = Networks(network="dcgan"),
    stabilisers: Stabilisers = Stabilisers(),
    objective: Objective = "nonsaturating",
) -> Recipe:
    """Train convolutional networks (Radford, Metz and Chintala 2016) with any objective."""
    return assemble(objective_named(objective), source, training, networks, stabilisers)
