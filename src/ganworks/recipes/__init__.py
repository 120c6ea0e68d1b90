"""Recipes: one file a family. A recipe is a typed function whose signature is its configuration."""

from ganworks.recipes.call import Call, flat_fields, function_named, options_of, recipes
from ganworks.recipes.dcgan import dcgan
from ganworks.recipes.gan import gan
from ganworks.recipes.rebuilding import rebuild
from ganworks.recipes.training import Training
from ganworks.recipes.wgan import wgan, wgan_gp

__all__ = ["Call", "Training", "dcgan", "flat_fields", "function_named", "gan", "options_of", "rebuild", "recipes",
           "wgan", "wgan_gp"]
