"""Deep convolutional GAN, for images of 8 to 128 pixels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.game import R1, Duel, Latent, Weighted
from ganworks.nets import DCGANCritic, DCGANGenerator
from ganworks.nets.layers import Norm
from ganworks.recipes.training import Training
from ganworks.train import Recipe


def dcgan(
    source: Source,
    training: Training = Training(),
    objective: Annotated[str, Field(description="name (ganworks list objectives), or a design file")] = "nonsaturating",
    latent: Annotated[int, Field(ge=1, description="dimension of z")] = 100,
    law: Annotated[Literal["gaussian", "uniform"], Field(description="of z")] = "gaussian",
    width: Annotated[int, Field(ge=1, description="channels of the widest maps")] = 64,
    norm_generator: Annotated[Norm, Field(description="the generator's normalisation")] = "batch",
    norm_critic: Annotated[Norm, Field(description="the critic's normalisation")] = "batch",
    r1: Annotated[float | None, Field(gt=0, description="gamma of the R1 penalty on real samples, or none")] = None,
    r1_every: Annotated[int, Field(ge=1, description="steps between R1 penalties (lazy regularisation)")] = 1,
) -> Recipe:
    """Train convolutional networks (Radford, Metz and Chintala 2016) with any objective."""
    generator = DCGANGenerator(source.shape, latent, width, norm_generator)
    critic = DCGANCritic(source.shape, width, norm_critic)
    terms = [Weighted("r1", R1(), r1, r1_every)] if r1 is not None else []
    game = Duel(generator, critic, objective_named(objective), Latent(latent, law), critic_terms=terms,
                critic_steps=training.critic_steps)
    return training.recipe(game, source)
