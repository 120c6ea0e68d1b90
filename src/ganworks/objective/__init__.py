"""Adversarial objectives as values: what critic and generator minimise. Named and designed ones: ganworks.design."""

from ganworks.objective.link import Link, rival, rival_mean, separate
from ganworks.objective.objective import Objective

__all__ = ["Link", "Objective", "rival", "rival_mean", "separate"]
