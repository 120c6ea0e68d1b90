"""Recipes: one file a family. A recipe is a typed function whose signature is its configuration."""

from ganworks.recipes.call import Call, flat_fields, function_named, options_of, recipes
from ganworks.recipes.networks import Networks
from ganworks.recipes.rebuilding import rebuild
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training

__all__ = ["Call", "Networks", "Stabilisers", "Training", "flat_fields", "function_named", "options_of", "rebuild",
           "recipes"]
