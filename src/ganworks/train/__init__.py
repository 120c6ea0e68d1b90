"""Training: recipes, the only loop, the machine, hooks, and runs on disk."""

from ganworks.train.average import EMA
from ganworks.train.cadence import Cadence, Measure
from ganworks.train.clip import ClipWeights
from ganworks.train.dynamics import Alternating, Consensus, Dynamics, Extragradient, Simultaneous
from ganworks.train.hook import Hook
from ganworks.train.machine import Machine
from ganworks.train.optimiser import SGD, Adam, Optimiser, Optimistic, OptimisticAdam, RMSprop, Schedule
from ganworks.train.recipe import Recipe
from ganworks.train.run import Run
from ganworks.train.session import fit
from ganworks.train.trainer import Trainer

__all__ = ["EMA", "SGD", "Adam", "Alternating", "Cadence", "ClipWeights", "Consensus", "Dynamics", "Extragradient",
           "Hook", "Machine", "Measure", "Optimiser", "Optimistic", "OptimisticAdam", "RMSprop", "Recipe", "Run",
           "Schedule", "Simultaneous", "Trainer", "fit"]
