"""A budget of training time: what the steps alone take, without pictures, measures and checkpoints."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from ganworks.train.hook import Hook

if TYPE_CHECKING:
    from ganworks.train.trainer import Trainer


class Budget(Hook):
    """Counts the seconds of a run's steps over all its sessions, and ends the run where they reach a limit.

    Make it the last of a recipe's hooks: what the trainer's hooks after it do (log, pictures, checkpoints with their
    measures) is not counted, what those before it do (averaging, clipping) is.

    Args:
        limit: seconds, or None to count only.

    Attributes:
        seconds: counted so far; saved with each checkpoint.
    """

    name = "budget"

    def __init__(self, limit: float | None = None) -> None:
        self.limit, self.seconds = limit, 0.0
        self._began = 0.0

    @property
    def spent(self) -> bool:
        """Whether the limit is reached."""
        return self.limit is not None and self.seconds >= self.limit

    def start(self, trainer: Trainer) -> None:
        trainer.hooks.append(_Begin(self))
        self.begin()
        trainer.stopping = trainer.stopping or self.spent

    def stepped(self, trainer: Trainer) -> None:
        cadence, step = trainer.recipe.cadence, trainer.step
        if trainer.machine.device.type == "cuda" and not all(
                step % every for every in (cadence.log, cadence.sample, cadence.checkpoint)):
            torch.cuda.synchronize()  # the steps that are still queued would be waited for in the hooks after this one
        self.seconds += time.perf_counter() - self._began
        if self.spent:
            trainer.stopping = True

    def begin(self) -> None:
        """Count from now on."""
        self._began = time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seconds = float(state["seconds"])


class _Begin(Hook):
    """Stands behind all other hooks, and says that their work is done."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def start(self, trainer: Trainer) -> None:
        self.budget.begin()

    def stepped(self, trainer: Trainer) -> None:
        self.budget.begin()
