"""Wasserstein GANs: weight clipping, and the gradient penalty."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.game import Duel, GradientPenalty, Latent, Weighted
from ganworks.nets import DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator
from ganworks.nets.layers import Norm
from ganworks.recipes.training import Training
from ganworks.train import ClipWeights, Recipe


def wgan(
    source: Source,
    training: Training = Training(optimiser="rmsprop", lr=5e-5, betas=(0.0, 0.99), critic_steps=5),
    bound: Annotated[float, Field(gt=0, description="weights are clipped to [-bound, bound]")] = 0.01,
    latent: Annotated[int, Field(ge=1, description="dimension of z")] = 100,
    law: Annotated[Literal["gaussian", "uniform"], Field(description="of z")] = "gaussian",
    width: Annotated[int, Field(ge=1, description="channels of the widest maps, or units of a layer")] = 64,
    norm_generator: Annotated[Norm, Field(description="the generator's normalisation")] = "batch",
    norm_critic: Annotated[Norm, Field(description="the critic's normalisation")] = "batch",
) -> Recipe:
    """Train the Wasserstein game with weight clipping (Arjovsky, Chintala and Bottou 2017, Algorithm 1)."""
    generator, critic = _networks(source, latent, width, norm_generator, norm_critic)
    game = Duel(generator, critic, objective_named("wgan"), Latent(latent, law), critic_steps=training.critic_steps)
    return training.recipe(game, source, hooks=[ClipWeights(bound)])


def wgan_gp(
    source: Source,
    training: Training = Training(lr=1e-4, betas=(0.0, 0.9), critic_steps=5),
    objective: Annotated[str, Field(description="name (ganworks list objectives), or a design file")] = "wgan",
    penalty: Annotated[float, Field(gt=0, description="weight of the gradient penalty")] = 10.0,
    target: Annotated[float, Field(gt=0, description="norm of the gradient that costs nothing")] = 1.0,
    one_sided: Annotated[bool, Field(description="leave smaller norms alone (WGAN-LP)")] = False,
    latent: Annotated[int, Field(ge=1, description="dimension of z")] = 128,
    law: Annotated[Literal["gaussian", "uniform"], Field(description="of z")] = "gaussian",
    width: Annotated[int, Field(ge=1, description="channels of the widest maps, or units of a layer")] = 64,
    norm_generator: Annotated[Norm, Field(description="the generator's normalisation")] = "batch",
    norm_critic: Annotated[Norm, Field(description="the critic's: instance, spectral or none")] = "none",
) -> Recipe:
    """Train the Wasserstein game with a gradient penalty (Gulrajani et al. 2017, Algorithm 1)."""
    generator, critic = _networks(source, latent, width, norm_generator, norm_critic)
    term = Weighted("gradient_penalty", GradientPenalty(target, one_sided), penalty)
    game = Duel(generator, critic, objective_named(objective), Latent(latent, law), critic_terms=[term],
                critic_steps=training.critic_steps)
    return training.recipe(game, source)


def _networks(source: Source, latent: int, width: int, norm_generator: Norm,
              norm_critic: Norm) -> tuple[nn.Module, nn.Module]:
    # Convolutions for images, fully connected layers for points.
    if len(source.shape) == 3:
        return (DCGANGenerator(source.shape, latent, width, norm_generator),
                DCGANCritic(source.shape, width, norm_critic))
    widths = [4 * width] * 3
    return MLPGenerator(source.shape, latent, widths, norm_generator), MLPCritic(source.shape, widths, norm_critic)
