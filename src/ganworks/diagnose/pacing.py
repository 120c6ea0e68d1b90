"""Remedies that are rates: those with which steps become as long as they should be, from how long they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ganworks.diagnose.finding import Finding, Remedy
from ganworks.diagnose.past import Course

USUAL_STEP, SHORT_STEP, LONG_STEP = 3e-4, 3e-7, 0.03
"""Lengths of steps, as shares of the weights' own: what is usual, and beyond what they are too short or too long."""
FAR_SHORTER = 10
"""Steps so many times shorter than the other player's do not keep up."""


def before(found: Finding, remedy: Remedy | None) -> Finding:
    """Return a finding with one more remedy, the first one, where something is wrong."""
    if remedy is None or found.severity == "healthy":
        return found
    return replace(found, remedies=(remedy, *found.remedies))


def quicker(course: Course, player: str) -> Remedy | None:
    """Return that a player's steps should become as long as the other's, where they are much shorter.

    Where the other's are far longer than usual, it is those that should become shorter.
    """
    other = "critic" if player == "generator" else "generator"
    mine, theirs = (_stride(course, name) for name in (player, other))
    if mine is None or theirs is None or theirs < FAR_SHORTER * mine:
        return None
    options = {"generator": "lr", "critic": "lr_critic"}
    if theirs > FAR_SHORTER * USUAL_STEP:
        scale = {"lr": 1.0, "lr_critic": 1.0} | {options[other]: rounded(mine / theirs)}
        return Remedy("", f"the {other}'s steps become as short as the {player}'s, which keeps up", scale)
    scale = {"lr": 1.0, "lr_critic": 1.0} | {options[player]: rounded(theirs / mine)}
    return Remedy("", f"the {player}'s steps become as long as the {other}'s, and it keeps up", scale)


def shorter(course: Course) -> Remedy | None:
    """Return that steps should become as long as they usually are, where some were far too long."""
    longest = max(_stride(course, name) or 0.0 for name in ("generator", "critic"))
    if longest < LONG_STEP:
        return None
    return Remedy("", "some steps were far too long for the weights, and these become as long as usual; train anew, "
                  "since dead units do not come back", {"lr": rounded(USUAL_STEP / longest)})


def _stride(course: Course, player: str) -> float | None:
    """Return how long a player's longer steps were: nine of ten were shorter. At its end it may not move any more."""
    line = course.looks(f"step {player}").get("")
    return None if line is None else max(float(np.quantile(line[1], 0.9)), 1e-30)


def rounded(factor: float) -> float:
    """Return a factor with one digit: no more is known of what fits."""
    return float(f"{factor:.1g}")
