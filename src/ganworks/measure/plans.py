"""A plan that somebody made, beside the best one: what it costs too much, and whether it is a plan at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.transport import Transport, transport

TOLERANCE = 1e-6
"""Sums that are off by less than this share of the mass are taken as right: plans are often written with few digits."""


@dataclass(frozen=True)
class Wrong:
    """A sum of the plan that is not the weight it should be.

    Attributes:
        side: "x" (a row: what leaves a point) or "y" (a column: what arrives at one).
        index: of the point, from 0.
        given, wanted: in the units of the plan.
    """

    side: str
    index: int
    given: float
    wanted: float


@dataclass(frozen=True, eq=False)
class Score:
    """A plan against the best one.

    Attributes:
        cost: sum of plan * costs a unit of mass.
        excess: cost - best.cost; percent: the same in per cent of the best, inf where the best costs nothing.
        valid: whether it is a plan: no negative entries, all sums right. The cost of one that is not says little: it
            may even be less than the best.
        wrong: the sums that are not right, the worst first.
        negative: (i, j) of the negative entries.
        marginal_error: the largest error of a sum, as a share of the mass.
        plan: (n, m), divided by ``unit``, the mass that stands for 1: the plan may be in shares or in the units of
            the weights.
        best: the best plan and its proof.
    """

    cost: float
    excess: float
    percent: float
    valid: bool
    wrong: tuple[Wrong, ...]
    negative: tuple[tuple[int, int], ...]
    marginal_error: float
    plan: np.ndarray
    unit: float
    best: Transport


def score(plan: Any, x: Any, y: Any, a: Any = None, b: Any = None, metric: Any = "euclidean",
          power: float = 1) -> Score:
    """Score a plan that moves x to y against the best one.

    Args:
        plan: (n, m), the mass moved from x_i to y_j: in the units of the weights, in shares that sum to 1, or, without
            weights, in points, so that a row sums to 1.
        x, y, a, b, metric, power: as for ``transport``.

    Raises:
        UserError: a plan of another shape, or not of finite numbers; all that ``transport`` refuses.
    """
    return score_against(plan, transport(x, y, a, b, metric, power))


def score_against(plan: Any, best: Transport) -> Score:
    """Score a plan against a best one that is known already; as ``score``."""
    try:
        plan = np.asarray(plan, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("the plan is not an array of numbers", f"shape {best.plan.shape}") from None
    if plan.shape != best.plan.shape:
        turned = " It is the other way round: transpose it." if plan.shape == best.plan.shape[::-1] else ""
        raise UserError(f"a plan of shape {plan.shape} for {len(best.a)} and {len(best.b)} points",
                        f"shape {best.plan.shape}: a row for each x, a column for each y.{turned}")
    if not np.isfinite(plan).all():
        raise UserError("the plan holds nan or inf", "finite numbers")
    unit = _unit(float(plan.sum()), best)
    shares = plan / unit
    wrong = _wrong("x", shares.sum(axis=1), best.a, unit) + _wrong("y", shares.sum(axis=0), best.b, unit)
    negative = tuple((int(i), int(j)) for i, j in np.argwhere(shares < -TOLERANCE))
    error = max(np.abs(shares.sum(axis=1) - best.a).max(), np.abs(shares.sum(axis=0) - best.b).max())
    cost = float(np.vdot(shares, best.costs))
    excess = cost - best.cost
    nothing = abs(excess) <= 1e-12 * np.abs(best.costs).max()
    percent = 0.0 if nothing else 100 * excess / abs(best.cost) if best.cost else float("inf") * np.sign(excess)
    return Score(cost, excess, float(percent), not (wrong or negative),
                 tuple(sorted(wrong, key=lambda item: -abs(item.given - item.wanted))), negative, float(error), shares,
                 unit, best)


def _unit(total: float, best: Transport) -> float:
    """Return which of the possible units the plan's total is nearest to, as a ratio."""
    units = [1.0, best.total]
    if np.ptp(best.a) == 0 and best.total == 1:
        units.append(float(len(best.a)))
    return min(units, key=lambda unit: abs(np.log(total / unit)) if total > 0 else unit)


def _wrong(side: str, sums: np.ndarray, wanted: np.ndarray, unit: float) -> list[Wrong]:
    return [Wrong(side, int(k), float(sums[k] * unit), float(wanted[k] * unit))
            for k in np.flatnonzero(np.abs(sums - wanted) > TOLERANCE)]
