"""Remedies that are rates: those with which steps become as long as they should be, from how long they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ganworks.diagnose.finding import Finding, Remedy
from ganworks.diagnose.past import Course

USUAL_FIRST, USUAL_STEP = 5e-3, 3e-4
"""Lengths of a training's first step and of later ones, as shares of the weights' own, as they usually are. Adam's
first step is its longest: every weight moves by the whole rate."""
SHORT_STEP, LONG_STEP = 3e-7, 0.03
"""Lengths of later steps beyond which they are too short or too long."""
FAR = 20
"""Steps so many times as long as usual are far too long."""
UNLIKE = 10
"""Players whose paces differ so many times do not keep up with each other."""
STILL, GROWTH = 1e-12, 10
PENALTIES = ("gradient_penalty", "r1", "r2", "div", "lecam")
RATES = {"generator": "lr", "critic": "lr_critic"}


def before(found: Finding, remedy: Remedy | None) -> Finding:
    """Return a finding with one more remedy, the first one, where something is wrong."""
    if remedy is None or found.severity == "healthy":
        return found
    return replace(found, remedies=(remedy, *found.remedies))


def usual(course: Course) -> Remedy | None:
    """Return that both players' steps become as long as they usually are."""
    scale = _scale(course)
    return Remedy("", "steps become as long as they usually are for such weights; train anew", scale) if scale else None


def shorter(course: Course) -> Remedy | None:
    """Return that steps should become as long as usual, where some were far too long."""
    if max(_paces(course).values(), default=0.0) < FAR:
        return None
    return Remedy("", "some steps were far too long for the weights, and these become as long as usual; train anew, "
                  "since dead units do not come back", _scale(course))


def balanced(course: Course, smooth: bool = True) -> Remedy | None:
    """Return that both players' steps become as long as usual, where one is far behind the other.

    Args:
        smooth: ask for a gradient penalty too, where the critic has none, and no batch normalisation, with which it
            could have none.
    """
    paces = _paces(course)
    if len(paces) < 2 or max(paces.values()) < UNLIKE * min(paces.values()):
        return None
    slow, quick = sorted(paces, key=lambda player: paces[player])
    smooth &= not course.looks("told apart mixed") and not any(f"critic/{term}" in course.known for term in PENALTIES)
    return Remedy("--r1 1" if smooth else "", f"the {slow} keeps up with the {quick}: both take steps as long as usual"
                  + (", and the critic stays smooth" if smooth else ""), _scale(course))


def _scale(course: Course) -> Mapping[str, float]:
    # A player that never moved, for want of a gradient, is told what the other one is: both mostly have one rate.
    paces = _paces(course)
    return {RATES[player]: rounded(1 / paces.get(player, max(paces.values()))) for player in RATES} if paces else {}


def _paces(course: Course) -> dict[str, float]:
    """Return how many times as long as usual each player's steps were."""
    found = {player: _pace(course, player) for player in RATES}
    return {player: pace for player, pace in found.items() if pace is not None}


def _pace(course: Course, player: str) -> float | None:
    line = course.looks(f"step {player}").get("")
    if line is None:
        return None
    # A player that has come to a halt had longer steps before.
    later, (at, first) = max(float(np.quantile(line[1], 0.9)), 1e-30), (line[0][0], float(line[1][0]))
    # Where later steps are much longer, the rate was raised slowly; growing gradients make Adam's at most 10 times so.
    pace = first / USUAL_FIRST if at == 1 and GROWTH * first >= later else later / USUAL_STEP
    return pace if pace > STILL else None


def rounded(factor: float) -> float:
    """Return a factor with one digit: no more is known of what fits."""
    return float(f"{factor:.1g}")
