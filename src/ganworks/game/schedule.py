"""Numbers that change along a training: weights of terms, strengths of noise, shares of a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ganworks.errors import UserError


@dataclass(frozen=True)
class Ramp:
    """A straight line from ``start`` to ``end``, level before and behind.

    Attributes:
        start, end: the two values.
        over: steps that the way takes, at least 1.
        begin: the step at which it leaves ``start``.
    """

    start: float
    end: float
    over: int
    begin: int = 0

    def __post_init__(self) -> None:
        if self.over < 1 or self.begin < 0 or not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise UserError(f"{self}", "finite ends, over >= 1 and begin >= 0")

    def at(self, step: int) -> float:
        """Return the value at ``step`` (from 0)."""
        done = min(max((step - self.begin) / self.over, 0.0), 1.0)
        # Exact at both ends: 0.3 + (0.1 - 0.3) is not 0.1, and a level has limits that it must not leave.
        return self.end if done == 1 else self.start + done * (self.end - self.start)

    @property
    def least(self) -> float:
        """The smallest value on the way."""
        return min(self.start, self.end)


Level = float | Ramp
"""A number, or a number that changes along the training."""


def level_at(level: Level, step: int) -> float:
    """Return the value of a level at ``step``."""
    return level.at(step) if isinstance(level, Ramp) else level


def least(level: Level) -> float:
    """Return the smallest value that a level takes."""
    return level.least if isinstance(level, Ramp) else level
