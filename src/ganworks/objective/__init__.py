"""Adversarial objectives as values that can be looked at before they are trained."""

from ganworks.objective.catalogue import hinge, lsgan, minimax, nonsaturating, wgan
from ganworks.objective.link import Link, rival, rival_mean, separate
from ganworks.objective.named import named_objectives, objective_named
from ganworks.objective.objective import Objective

__all__ = ["Link", "Objective", "hinge", "lsgan", "minimax", "named_objectives", "nonsaturating",
           "objective_named", "rival", "rival_mean", "separate",
           "wgan"]
