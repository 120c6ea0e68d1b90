"""Hooks that write a run's checkpoints and pictures."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from ganworks.files import replacing
from ganworks.train.cadence import Cadence, Measure
from ganworks.train.hook import Hook
from ganworks.train.run import Run
from ganworks.train.watch import Guard

if TYPE_CHECKING:
    from ganworks.train.trainer import Trainer


class Checkpoints(Hook):
    """Saves the whole state every ``every`` steps and at the end; never one with a number that is not finite."""

    def __init__(self, run: Run, guard: Guard, cadence: Cadence, measure: Measure | None) -> None:
        self.run, self.guard, self.cadence, self.measure = run, guard, cadence, measure
        self._saved = -1

    def start(self, trainer: Trainer) -> None:
        self._saved = trainer.step

    def stepped(self, trainer: Trainer) -> None:
        if trainer.step % self.cadence.checkpoint == 0 or trainer.step == trainer.recipe.steps:
            self.save(trainer)

    def finish(self, trainer: Trainer) -> None:
        if trainer.step != self._saved:
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Write a checkpoint of the trainer's state now."""
        self.guard.check(trainer, weights=True)
        trainer.machine.agree(trainer.game)
        self._saved = trainer.step
        if not trainer.machine.is_main:
            return
        figure = None
        if self.measure is not None:
            figure = self.measure.figure(trainer.samples(self.measure.count))
            self.run.log({"step": trainer.step, f"measure/{self.measure.name}": figure})
        self.run.save(trainer.state_dict(), trainer.step, figure, self.cadence.keep)


class Samples(Hook):
    """Draws a picture of samples from the same latents every ``every`` steps and at the end."""

    def __init__(self, run: Run, every: int) -> None:
        self.run, self.every = run, every

    def stepped(self, trainer: Trainer) -> None:
        if not trainer.machine.is_main:
            return
        from ganworks.train.portrait import portrait

        if trainer.step % self.every == 0 or trainer.step == trainer.recipe.steps:
            points = len(trainer.source.shape) == 1
            image = portrait(trainer, reference=trainer.source.head(2000)["sample"] if points else None)
            with replacing(self.run.path / "samples" / f"step-{trainer.step:08d}.png") as handle:
                image.save(handle, "PNG")
            gc.collect(1)  # a plot is a web of cycles, a megabyte each, that Python would leave lying for hours
