"""Where a generator ends that follows its force with the critic always at its best."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.families import Family, Normal, Simplex, family_named
from ganworks.measure.force import Forces

Chart = Callable[[np.ndarray], np.ndarray]
LONGEST, SLOWEST, CLOSE, MOST = 1e4, 1e-9, 1e-6, 4000
"""Units of time that a walk may take; a speed at which it has ended; what counts as the goal;
forces asked for."""


@dataclass(frozen=True)
class Walk:
    """The path of a generator.

    Attributes:
        objective, family: names; letters: of the parameters.
        path: (n, k), parameters on the way; times: (n,), units of gradient flow.
        end: (k,), where it rests; for one parameter the zero of the force, to 1e-12.
        verdict: "reaches p", "rests elsewhere", "drops atoms" (an atom of the simplex loses its mass), "leaves" (out
            of the range where the force has a value) or "is still moving".
    """

    objective: str
    family: str
    letters: tuple[str, ...]
    path: np.ndarray
    times: np.ndarray
    end: np.ndarray
    verdict: str


def walk(objective: Any, family: str = "normal_scale", start: Any = 0.9, p: Any = None,
         longest: float = LONGEST) -> Walk:
    """Return the path of a generator that follows its force, as a gradient flow.

    A scale moves in log s, masses in their logarithms (the natural gradient, which keeps them positive and of sum 1).
    Other coordinates change the speed, and the zeros of the force stay where they are.

    Args:
        objective, family, p: as for ``force.force``.
        start: parameters to begin with.
        longest: units of time.
    """
    if family == "simplex" and p is None and np.ndim(start) == 1 and len(start) > 1:
        p = np.full(len(start), 1 / len(start))
    known = family_named(family, p)
    forces = Forces(objective, known)
    begin = known.checked(start)
    if isinstance(known, Simplex) and begin.min() <= 0:
        raise UserError("a walk from a simplex's border", "masses above 0: an atom without mass never comes back")
    if not (np.isfinite(longest) and longest > 0):
        raise UserError(f"longest = {longest}", "units of time above 0")
    inner, outer = _charts(known)

    # Masses move in logarithms; what counts is how fast the masses themselves move.
    weigh: Chart = (lambda at: at) if isinstance(known, Simplex) else np.ones_like

    def speed(_: float, u: np.ndarray) -> np.ndarray:
        return _speed(forces, known, outer(u))

    if not np.isfinite(speed(0.0, inner(begin))).all():
        raise UserError(f"the force at {begin.tolist()} has no value: its integral diverges",
                        "a start nearer to p", "look at it: ganworks measure force")
    times, path, ending = _followed(speed, inner(begin), outer, weigh, longest)
    rests = ending == "rest"
    end = _polished(forces.followed, path[-1]) if rests and len(begin) == 1 else path[-1]
    verdict = "leaves" if ending == "lost" else _verdict(known, end, rests)
    return Walk(forces.objective.name, known.name, known.letters, path, times, end, verdict)


def _followed(speed: Callable[[float, np.ndarray], np.ndarray], start: np.ndarray, outer: Chart,
              weigh: Chart, longest: float) -> tuple[np.ndarray, np.ndarray, str]:
    """Return times, parameters, and how it ended: "rest", "late" or "lost"."""
    from scipy.integrate import LSODA

    times, path = [0.0], [outer(start)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LSODA warns of what the verdict says
        solver = LSODA(speed, 0.0, start, longest, rtol=1e-7, atol=1e-11)
        while solver.status == "running":
            moves = speed(solver.t, solver.y)
            if np.abs(moves * weigh(path[-1])).max() < SLOWEST:
                return np.array(times), np.stack(path), "rest"
            # A force that jumps at its goal (hinge) is tried from both sides in ever smaller steps.
            if solver.nfev > MOST:
                break
            solver.step()
            if not np.isfinite(speed(solver.t, solver.y)).all() or solver.status == "failed":
                return np.array(times), np.stack(path), "lost"
            times.append(solver.t)
            path.append(outer(solver.y))
    return np.array(times), np.stack(path), "late"


def _charts(family: Family) -> tuple[Chart, Chart]:
    """Return maps from parameters to free coordinates and back."""
    if isinstance(family, Simplex):
        def masses(u: np.ndarray) -> np.ndarray:
            q = np.exp(u - u.max())
            return q / q.sum()

        return np.log, masses
    scales = np.array([letter == "s" for letter in family.letters])

    def inner(at: np.ndarray) -> np.ndarray:
        return np.where(scales, np.log(np.where(scales, at, 1.0)), at)

    def outer(u: np.ndarray) -> np.ndarray:
        return np.where(scales, np.exp(np.where(scales, u, 0.0)), u)

    return inner, outer


def _speed(forces: Forces, family: Family, at: np.ndarray) -> np.ndarray:
    """Return the velocity in free coordinates."""
    if isinstance(family, Simplex):
        alive = at > 1e-300
        pull = np.zeros(len(at))
        pull[alive] = forces.followed(np.where(alive, at, 0.0))[alive]
        return np.where(alive, -(pull - (at * pull).sum()), 0.0)
    assert isinstance(family, Normal)
    followed = forces.followed(at)
    scales = np.array([letter == "s" for letter in family.letters])
    return -np.where(scales, at * followed, followed)


def _polished(followed: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """Return the zero of a force of one parameter that changes its sign near ``at``."""
    from scipy.optimize import brentq

    def pull(x: float) -> float:
        return float(followed(np.array([x]))[0])

    low, high = at[0] - 1e-4, at[0] + 1e-4
    if not pull(low) * pull(high) < 0:
        return at
    return np.array([brentq(pull, low, high, xtol=1e-15, rtol=1e-14)])


def _verdict(family: Family, end: np.ndarray, rests: bool) -> str:
    goal = family.p if isinstance(family, Simplex) else np.array([1.0 if x == "s" else 0.0 for x in family.letters])
    if np.abs(end - goal).max() < CLOSE:
        return "reaches p"
    if isinstance(family, Simplex) and end.min() < CLOSE:
        return "drops atoms"
    return "rests elsewhere" if rests else "is still moving"
