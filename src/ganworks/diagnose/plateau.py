"""When a measure has stopped falling: the one rule for it, and the hook that ends a training by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.stats import kendalltau

from ganworks.console import note
from ganworks.errors import UserError
from ganworks.train.hook import Hook
from ganworks.train.series import Series, series

if TYPE_CHECKING:
    from ganworks.train.run import Run
    from ganworks.train.trainer import Trainer

LEAST = 16
"""Fewer measures than this tell nothing: after 12, one in eight series that fall by 0.2 sd each would be stopped."""
SURE = 0.05
"""A fall is there where chance alone would make one as steady this seldom or more seldom ..."""
HINT = 0.3
"""... and not even hinted at where chance would make it this often or more often."""
CLEAR = 0.5
"""The best of the second half is clearly better where it lies so many standard deviations below what was before."""

State = Literal["falls", "unclear", "stopped"]


@dataclass(frozen=True)
class Trend:
    """Whether a measure, of which less is better, still falls.

    Attributes:
        state: "falls", "stopped", or "unclear" where neither can be said.
        chance: how often values in a random order would fall as steadily as those of the second half do, or more so
            (one-sided Kendall's tau).
        gain: how far the best of the second half lies below the best of the first, in standard deviations of the
            second half; negative where it lies above.
        since: the step with which the second half begins.
        best: the step of the smallest value.
    """

    state: State
    chance: float
    gain: float
    since: int
    best: int


def trend(line: Series) -> Trend | None:
    """Return whether a measure still falls; None where there are fewer than 16 of it.

    The second half is judged, however long: so a run that gets better in proportion to the time it has had is waited
    for. That no fall is proved does not show that there is none: a run that gets better slowly has such a half often
    enough. So a measure has stopped only where there is not even a hint of a fall (chance 0.3 or more) and where the
    second half has brought no value clearly better than the best of the first.

    Judged after each of 80 measures with noise of sd 1 (``benchmarks/plateau.py``), flat series are stopped at the 17th
    (median), nine of ten before the 31st; those that fall far and are flat from the 10th on, at the 31st, nine of ten
    before the 53rd. Of those that fall steadily by 0.2 a measure or more none is stopped, of those by 0.1 (less than
    the noise in the 8 measures that are looked at first) three in ten.

    Args:
        line: (steps, values) of the measure, as ``train.series`` returns them.
    """
    steps, values = line
    if len(values) < LEAST:
        return None
    middle = len(values) // 2
    before, half = values[:middle], values[middle:]
    chance = chance_of_fall(half)
    gain = float((before.min() - half.min()) / max(half.std(ddof=1), 1e-12 * max(abs(half).max(), 1e-300)))
    state: State = ("falls" if chance < SURE else "stopped" if chance >= HINT and gain < CLEAR else "unclear")
    return Trend(state, chance, gain, int(steps[middle]), int(steps[values.argmin()]))


def ended(line: Series) -> int | None:
    """Return the step at which ``--stop-when plateau`` would have ended a training, None where it would not have.

    A fluctuation may hint at a fall at any one look, but not at many in a row.
    """
    steps, values = line
    for n in range(LEAST, len(values) + 1):
        judged = trend((steps[:n], values[:n]))
        if judged is not None and judged.state == "stopped":
            return int(steps[n - 1])
    return None


def chance_of_fall(values: np.ndarray) -> float:
    """Return how often a random order of ``values`` would fall as steadily as theirs; 1 where all are equal."""
    found = float(kendalltau(np.arange(len(values)), values, alternative="less").pvalue)
    return found if np.isfinite(found) else 1.0


def measured(known: Mapping[str, Series]) -> tuple[str, Series] | None:
    """Return the measure of checkpoints among a log's series, its name and its values; None where there is none."""
    return next(((key.partition("/")[2], line) for key, line in known.items() if key.startswith("measure/")), None)


class Plateau(Hook):
    """Ends a training whose measure has stopped falling, as if it had come to its last step.

    It stands behind the hook that saves checkpoints and measures them, so that the last one is saved and counted. It
    has no state: what it says is a function of the log. So a run that was killed is stopped where it would have been
    without that, and one that was stopped, at once when it is resumed.

    Args:
        run: whose log is judged.

    Attributes:
        reason: why the training was ended, "" where it was not.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.reason = run, ""

    @staticmethod
    def check(steps: int, every: int, measured: bool) -> None:
        """Raise UserError where a training has too few measured checkpoints to be stopped.

        Args:
            steps: of the training; every: steps between checkpoints; measured: whether they are measured.
        """
        if not measured:
            raise UserError("--stop-when plateau with --measure none", f"measured checkpoints, at least {LEAST}",
                            "leave --measure out, or take --measure 1000")
        if steps // every < LEAST:
            sooner = f"--checkpoint-every {steps // LEAST} or less, or " if steps >= LEAST else ""
            raise UserError(f"--stop-when plateau with {steps // every} measured checkpoints ({steps} steps, one every "
                            f"{every})", f"at least {LEAST} of them", f"take {sooner}--steps {LEAST * every} or more")

    def start(self, trainer: Trainer) -> None:
        self._judge(trainer)

    def stepped(self, trainer: Trainer) -> None:
        if trainer.step % trainer.recipe.cadence.checkpoint == 0:
            self._judge(trainer)

    def _judge(self, trainer: Trainer) -> None:
        if not trainer.machine.is_main or trainer.step >= trainer.recipe.steps:
            return
        found = measured(series(self.run.records()))
        judged = None if found is None else trend(found[1])
        if found is None or judged is None or judged.state != "stopped":
            return
        best = found[1][1].min()
        self.reason = (f"{found[0]} has not fallen since step {judged.since:,}; the best checkpoint is that of step "
                       f"{judged.best:,} ({best:.4g})")
        note(f"stopped at step {trainer.step:,} of {trainer.recipe.steps:,} (--stop-when plateau): {self.reason}")
        note(f"to go on all the same: ganworks train --resume {self.run.path} --stop-when none")
        trainer.stopping = True
