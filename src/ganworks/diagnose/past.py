"""A training as its log has it: every quantity by name, and the part of it by which it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganworks.diagnose.exam import Exam
from ganworks.diagnose.plateau import measured
from ganworks.train.series import Records, Series, series

LOOKS = 5
"""Fewer records of a quantity than this say nothing of its course."""
LAST = 1 / 3
"""The share of the training, at its end, by which it is judged."""


@dataclass(frozen=True)
class Course:
    """A training as its log has it.

    Attributes:
        records: of the log.
        exam: of samples from its end, where there is one.
    """

    records: Records
    exam: Exam | None = None

    @cached_property
    def known(self) -> dict[str, Series]:
        """Every quantity "group/name" with its steps and values."""
        return series(self.records)

    @property
    def steps(self) -> int:
        """The last step that is told of."""
        return max((int(steps[-1]) for steps, _ in self.known.values()), default=0)

    def looks(self, name: str) -> dict[str, Series]:
        """Return a vital of each duel, by the duel's name, where there are enough records of it."""
        key = f"vital/{name}"
        found = {other.removeprefix(key).strip(): line for other, line in self.known.items()
                 if other == key or other.startswith(key + " ")}
        return {duel: line for duel, line in found.items() if len(line[0]) >= LOOKS and len(self.last(line))}

    def last(self, line: Series) -> np.ndarray:
        """Return the values of the last third of the training."""
        steps, values = line
        return values[steps > self.steps * (1 - LAST)]

    @cached_property
    def left(self) -> float | None:
        """The checkpoints' measure at the end, as a share of its first value; None where there are too few of it."""
        found = measured(self.known)
        if found is None or len(found[1][0]) < LOOKS:
            return None
        return float(np.median(self.last(found[1])) / max(found[1][1][0], 1e-30))


def since(line: Series, bad: Callable[[np.ndarray], np.ndarray]) -> int | None:
    """Return the step from which on every value is bad; None where the last one is not."""
    wrong = bad(line[1])
    if not wrong.size or not wrong[-1]:
        return None
    fine = np.flatnonzero(~wrong)
    return int(line[0][fine[-1] + 1 if fine.size else 0])
