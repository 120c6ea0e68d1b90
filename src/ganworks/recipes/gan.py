"""The first GAN: fully connected networks, for points and small images."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.game import Duel, Latent
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.nets.layers import Norm
from ganworks.recipes.training import Training
from ganworks.train import Recipe


def gan(
    source: Source,
    training: Training = Training(betas=(0.5, 0.9)),
    objective: Annotated[str, Field(description="name (ganworks list objectives), or a design file")] = "nonsaturating",
    latent: Annotated[int, Field(ge=1, description="dimension of z")] = 64,
    law: Annotated[Literal["gaussian", "uniform"], Field(description="of z")] = "gaussian",
    width: Annotated[int, Field(ge=1, description="units of a hidden layer")] = 256,
    depth: Annotated[int, Field(ge=1, description="hidden layers")] = 3,
    norm_generator: Annotated[Norm, Field(description="the generator's normalisation")] = "none",
    norm_critic: Annotated[Norm, Field(description="the critic's normalisation")] = "none",
) -> Recipe:
    """Train fully connected networks (Goodfellow et al. 2014)."""
    widths = [width] * depth
    generator = MLPGenerator(source.shape, latent, widths, norm_generator)
    critic = MLPCritic(source.shape, widths, norm_critic)
    game = Duel(generator, critic, objective_named(objective), Latent(latent, law),
                critic_steps=training.critic_steps)
    return training.recipe(game, source)
