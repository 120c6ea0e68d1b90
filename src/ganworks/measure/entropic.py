"""Entropic transport: Sinkhorn's iterations in scalings that never overflow, and the debiased divergence.

min over plans P of sum P c + epsilon KL(P | a b^T) (Cuturi 2013). Its plan is P = a b exp((f + g - c) / epsilon). The
divergence S(x, y) = OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2 of these minima is zero for equal clouds, which OT itself is
not (Feydy et al. 2019, equation 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.costs import (
    both_points,
    both_weights,
    check_power,
    cost_matrix,
    given_costs,
    refuse_beyond_memory,
)
from ganworks.measure.transport import feasible

FAR = 1e50
"""Scalings beyond this, or below its inverse, are taken into the potentials."""
CHECK_EVERY = 10


@dataclass(frozen=True, eq=False)
class Sinkhorn:
    """An entropic plan, and how far it is from the cheapest one.

    Attributes:
        cost: sum of plan * costs. The plan's sums are made exact, so that no plan is cheaper than ``lower`` and the
            cheapest costs at most ``cost``.
        lower: a proven lower bound of the cost of any plan, from the potentials.
        regularised: the minimum of the entropic problem, cost + epsilon KL(plan | a b^T), by its dual.
        divergence: the Sinkhorn divergence, or None where it was not asked for.
        plan: (n, m), summing to 1.
        f, g: potentials, (n,) and (m,).
        epsilon: strength of the entropy, in the units of the cost.
        converged: whether the sums of the plan were right to the tolerance when the iterations ended.
        marginal_error: sum of the absolute errors of the sums, before they were made exact; with a divergence, the
            largest of its three problems.
        iterations: of all temperatures together.
    """

    cost: float
    lower: float
    regularised: float
    divergence: float | None
    plan: np.ndarray
    f: np.ndarray
    g: np.ndarray
    epsilon: float
    converged: bool
    marginal_error: float
    iterations: int


def sinkhorn(x: Any, y: Any, a: Any = None, b: Any = None, metric: Any = "euclidean", epsilon: float = 0.05,
             debias: bool = False, power: float = 1, tolerance: float = 1e-9, most: int = 5000) -> Sinkhorn:
    """Return the entropic plan between two clouds; as epsilon falls to 0, its cost falls to that of the best plan.

    Args:
        x, y, a, b, metric, power: as for ``transport``.
        epsilon: positive, in the units of the cost. Below a hundredth of the mean cost it needs many iterations.
        debias: also work out the Sinkhorn divergence, which needs points and not a matrix of costs.
        tolerance: of the sums of the plan, as a share of the mass.
        most: iterations at the last temperature; fewer than it takes are not an error: see ``converged``.

    Raises:
        UserError: bad points, weights, metric or epsilon.
    """
    check_power(power)
    if not (np.isfinite(epsilon) and epsilon > 0):
        raise UserError(f"epsilon {epsilon}", "a positive number, in the units of the cost",
                        "for epsilon = 0 take the exact transport")
    if not isinstance(metric, str):
        if debias or power != 1:
            raise UserError("the divergence, or a power, with a matrix of costs", "points and the name of a metric")
        costs = given_costs(metric, x, y)
    else:
        x, y = both_points(x, y)
        refuse_beyond_memory(len(x), len(y))
        costs = cost_matrix(x, y, metric, power)
    a, b, _ = both_weights(a, b, *costs.shape)
    f, g, error, count = _potentials(costs, a, b, epsilon, tolerance, most)
    regularised, divergence = float(a @ f + b @ g), None
    if debias:
        halves = [_own_minimum(cost_matrix(z, z, metric, power), w, epsilon, tolerance, most)
                  for z, w in ((x, a), (y, b))]
        divergence = regularised - sum(value for value, _ in halves) / 2
        error = max(error, *(off for _, off in halves))
    plan = _exact_sums(_kernel(costs, a, b, f, g, epsilon), a, b)
    u, v = feasible(costs, f, np.arange(len(a)))
    return Sinkhorn(float(np.vdot(plan, costs)), float(a @ u + b @ v), regularised, divergence, plan, f, g, epsilon,
                    error <= tolerance, error, count)


def _kernel(costs: np.ndarray, a: np.ndarray, b: np.ndarray, f: np.ndarray, g: np.ndarray, eps: float) -> np.ndarray:
    """Return the plan of the potentials."""
    plan = f[:, None] + g
    plan -= costs
    plan /= eps
    np.exp(plan, out=plan)
    plan *= a[:, None]
    plan *= b
    return plan


def _softmin(costs: np.ndarray, weights: np.ndarray, potential: np.ndarray, eps: float) -> np.ndarray:
    """Return -eps log sum_j weights_j exp((potential_j - costs_ij) / eps), (n,), safe at any size."""
    with np.errstate(divide="ignore"):
        power = (potential - costs) / eps + np.log(weights)
    top = power.max(axis=1)
    power -= top[:, None]
    return -eps * (top + np.log(np.exp(power).sum(axis=1)))


def _potentials(costs: np.ndarray, a: np.ndarray, b: np.ndarray, epsilon: float, tolerance: float,
                most: int) -> tuple[np.ndarray, np.ndarray, float, int]:
    """Return f, g, the error of the sums and the number of iterations.

    The temperature falls by halves to epsilon: each is a good start for the next. The potentials of points without
    mass follow from the others by one soft minimum.
    """
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    used, first, second = costs[np.ix_(rows, columns)], a[rows], b[columns]
    f, g = np.zeros(len(rows)), np.zeros(len(columns))
    eps, count = max(float(np.ptp(used)) / 2, epsilon), 0
    while True:
        last = eps <= epsilon
        f, g, error, more = _iterated(used, first, second, f, g, eps, tolerance if last else 1e-2, most if last else 30)
        count += more
        if last:
            break
        eps = max(eps / 2, epsilon)
    full_f, full_g = np.empty(len(a)), np.empty(len(b))
    full_f[rows], full_g[columns] = f, g
    if len(rows) < len(a):
        full_f[a == 0] = _softmin(costs[np.ix_(a == 0, columns)], second, g, epsilon)
    if len(columns) < len(b):
        full_g[b == 0] = _softmin(costs[np.ix_(rows, b == 0)].T, first, f, epsilon)
    return full_f, full_g, error, count


def _own_minimum(costs: np.ndarray, a: np.ndarray, epsilon: float, tolerance: float, most: int) -> tuple[float, float]:
    """Return the entropic minimum of moving a cloud to itself, and the error of the sums.

    Both potentials are one, and half the way to the next soft minimum converges in a few steps where whole steps swing.
    """
    kept = a > 0
    costs, a = costs[np.ix_(kept, kept)], a[kept]
    f, eps, error = np.zeros(len(a)), max(float(np.ptp(costs)) / 2, epsilon), np.inf
    while True:
        for _ in range(most if eps <= epsilon else 5):
            new = _softmin(costs, a, f, eps)
            error = float(np.abs(a * np.expm1((f - new) / eps)).sum())
            if error <= tolerance:
                break
            f = (f + new) / 2
        if eps <= epsilon:
            return 2 * float(a @ f), error
        eps = max(eps / 2, epsilon)


def _iterated(costs: np.ndarray, a: np.ndarray, b: np.ndarray, f: np.ndarray, g: np.ndarray, eps: float,
              tolerance: float, most: int) -> tuple[np.ndarray, np.ndarray, float, int]:
    """Iterate at one temperature: products with a kernel, which is made anew whenever the scalings leave its range."""
    count = 0
    while True:
        f = _softmin(costs, b, g, eps)
        g = _softmin(costs.T, a, f, eps)
        count += 1
        kernel = _kernel(costs, a, b, f, g, eps)
        error = float(np.abs(kernel.sum(axis=1) - a).sum())  # the sums of the columns are exact
        right = np.ones(len(b))
        while error > tolerance and count < most:
            kept = right
            with np.errstate(all="ignore"):
                left = a / (kernel @ right)
                right = b / (kernel.T @ left)
            count += 1
            if not (_in_range(left) and _in_range(right)):
                g = g + eps * np.log(kept)
                break
            if count % CHECK_EVERY == 0 or count == most:
                error = float(np.abs(left * (kernel @ right) - a).sum())
                if error <= tolerance or count >= most:
                    return f + eps * np.log(left), g + eps * np.log(right), error, count
        else:
            return f, g, error, count


def _in_range(scaling: np.ndarray) -> bool:
    return bool(np.isfinite(scaling).all() and scaling.max() < FAR and scaling.min() > 1 / FAR)


def _exact_sums(plan: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a plan near ``plan`` with the sums a and b: scale what is too much, spread what is missing.

    Altschuler, Weed, Rigollet 2017, algorithm 2.
    """
    for axis, wanted in ((1, a), (0, b)):
        sums = plan.sum(axis=axis)
        share = np.minimum(1.0, wanted / np.where(sums > 0, sums, 1.0))
        plan *= share[:, None] if axis == 1 else share
    short, lacking = a - plan.sum(axis=1), b - plan.sum(axis=0)
    if short.sum() > 0:
        plan += np.outer(np.maximum(short, 0), np.maximum(lacking, 0)) / np.maximum(short, 0).sum()
    return plan
