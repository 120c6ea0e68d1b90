"""Hooks that read the costs: the guard against non-finite ones, the log, and the progress bar."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganworks.console import bar, console, note
from ganworks.errors import UserError
from ganworks.game import Costs, Move, Round
from ganworks.train.hook import Hook

if TYPE_CHECKING:
    from ganworks.train.run import Run
    from ganworks.train.trainer import Trainer


class NonFinite(UserError):
    """A cost or a weight is no longer a finite number."""


class Guard(Hook):
    """Stops a run whose cost turns non-finite.

    Costs stay tensors; every ``every`` steps, and before each save, those that have come up are looked at together,
    so that a GPU is not waited for at each step and the step is still named exactly.
    """

    def __init__(self, every: int = 10) -> None:
        self.every = every
        self._pending: list[tuple[int, str, Tensor]] = []

    def moved(self, trainer: Trainer, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        self._pending += [(trainer.step, f"{move.player}/{name}", cost) for name, cost in costs.items()]

    def stepped(self, trainer: Trainer) -> None:
        if trainer.step % self.every == 0:
            self.check(trainer)

    def finish(self, trainer: Trainer) -> None:
        self.check(trainer)

    def check(self, trainer: Trainer, weights: bool = False) -> None:
        """Raise NonFinite for the first non-finite cost since the last look, or for a non-finite weight."""
        pending, self._pending = self._pending, []
        if pending:
            values = torch.stack([cost.float() for _, _, cost in pending])
            values = trainer.machine.mean(values)
            finite = torch.isfinite(values)
            if not bool(finite.all()):
                first = int((~finite).nonzero()[0])
                step, name, _ = pending[first]
                raise NonFinite(f"cost '{name}' became {values[first].item()} in step {step + 1}")
        if weights:
            for name, player in trainer.game.players.items():
                if not all(bool(torch.isfinite(p).all()) for p in player.parameters()):
                    raise NonFinite(f"weights of the {name} are no longer finite after step {trainer.step}")


class Log(Hook):
    """Writes a record of costs, mean signals and learning rates every ``every`` steps.

    Attributes:
        last: the last record; costs are under "player/name", mean critic outputs under "score/...".
    """

    def __init__(self, run: Run | None, every: int = 10) -> None:
        self.run, self.every = run, every
        self.last: dict[str, Any] = {}
        self._fresh: dict[str, Tensor] = {}
        self._began, self._before = 0.0, 0.0

    def start(self, trainer: Trainer) -> None:
        self._began = time.monotonic()
        self._before = self.run.seconds() if self.run else 0.0

    def moved(self, trainer: Trainer, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        if (trainer.step + 1) % self.every:
            return
        self._fresh |= {f"{move.player}/{name}": cost for name, cost in costs.items()}
        for name in rounds[0].signals:
            parts = [round.signals[name].float().mean() for round in rounds]
            self._fresh[f"score/{name}"] = torch.stack(parts).mean()

    def stepped(self, trainer: Trainer) -> None:
        if not self._fresh:
            return
        values = trainer.machine.mean(torch.stack([v.float() for v in self._fresh.values()])).tolist()
        record: dict[str, Any] = {"step": trainer.step, **dict(zip(self._fresh, values, strict=True))}
        record |= {f"rate/{name}": o.param_groups[0]["lr"] for name, o in trainer.optimisers.items()}
        record["seconds"] = round(self._before + time.monotonic() - self._began, 3)
        self._fresh, self.last = {}, record
        if self.run and trainer.machine.is_main and all(map(math.isfinite, values)):
            self.run.log(record)


class Progress(Hook):
    """Shows steps, steps/s, images/s, ETA and the costs; off a terminal, a line every ten seconds."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def start(self, trainer: Trainer) -> None:
        self._first, self._began = trainer.step, time.monotonic()
        self._last = self._began
        self._bar = bar("steps", transient=False) if console().is_terminal else None
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task("training", total=trainer.recipe.steps, completed=trainer.step, info="")

    def stepped(self, trainer: Trainer) -> None:
        now = time.monotonic()
        if now - self._last < (0.2 if self._bar else 10.0):
            return
        self._last = now
        done, left = trainer.step - self._first, trainer.recipe.steps - trainer.step
        rate = done / (now - self._began)
        costs = "  ".join(f"{name} {value:.3g}" for name, value in self._log.last.items()
                          if "/" in name and not name.startswith("rate/"))
        info = f"{rate * trainer.recipe.batch:,.0f} samples/s  {costs}"
        if self._bar:
            self._bar.update(self._task, completed=trainer.step, info=info)
        else:
            note(f"step {trainer.step}/{trainer.recipe.steps}  {rate:,.1f} steps/s  ETA {left / rate:,.0f} s  {info}")

    def close(self, trainer: Trainer) -> None:
        if self._bar:
            self._bar.update(self._task, completed=trainer.step)
            self._bar.stop()
