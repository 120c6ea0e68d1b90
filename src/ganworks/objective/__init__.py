"""Adversarial objectives as values: what critic and generator minimise. Named and designed ones: ganworks.design."""

from ganworks.objective.labels import flipped, smoothed
from ganworks.objective.link import Link, rival, rival_mean, separate, softmax
from ganworks.objective.objective import Objective
from ganworks.objective.relativistic import relativistic, relativistic_average
from ganworks.objective.scaled import scaled

__all__ = ["Link", "Objective", "flipped", "relativistic", "relativistic_average", "rival", "rival_mean", "scaled",
           "separate", "smoothed", "softmax"]
