"""What transport starts from: points, weights and the cost of every pair, checked; and what a problem will need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ganworks.errors import UserError, did_you_mean

METRICS = {"euclidean": True, "sqeuclidean": False, "cityblock": True, "chebyshev": True, "canberra": True,
           "hamming": True, "cosine": False, "correlation": False}
"""Metrics by their names in scipy, and whether each keeps the triangle inequality."""

AGREE = 1e-9
"""Totals that differ by less, relatively, are rounding and not a mistake."""
BYTES_A_PAIR = 72
"""Peak memory of the exact solver per pair of points: its network, the costs, the plan and a scratch matrix."""
MANY_COORDINATES = 64
NEAR = 1e-3


def as_points(x: Any, name: str, kind: type = np.float64) -> np.ndarray:
    """Return points as ``kind`` (n, d): (n,) becomes (n, 1), images (n, ...) are flattened.

    Raises:
        UserError: empty, not numbers, not finite.
    """
    try:
        points: np.ndarray = np.asarray(x, dtype=kind)
    except (TypeError, ValueError):
        raise UserError(f"{name} is not an array of numbers", "points, shape (n, d) or (n,)") from None
    if points.ndim == 0 or points.size == 0:
        raise UserError(f"{name} holds no points: shape {points.shape}", "at least one point, shape (n, d) or (n,)")
    points = points.reshape(len(points), -1)
    if not np.isfinite(points.sum()) and (bad := ~np.isfinite(points).all(axis=1)).any():
        raise UserError(f"{name}: {int(bad.sum())} of {len(points)} points hold nan or inf, the first is number "
                        f"{int(bad.argmax()) + 1}", "finite numbers", "leave those points out")
    return points


def both_points(x: Any, y: Any, kind: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Return both clouds as ``kind`` (n, d) and (m, d).

    Raises:
        UserError: also when their dimensions differ.
    """
    x, y = as_points(x, "x", kind), as_points(y, "y", kind)
    if x.shape[1] != y.shape[1]:
        raise UserError(f"x has {x.shape[1]} coordinates a point and y has {y.shape[1]}", "points of one space",
                        "look whether one file holds one more column, such as a row number or a label")
    return x, y


def both_weights(a: Any, b: Any, n: int, m: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the weights, (n,) and (m,), each with total 1, and the total that was given (1 if none was).

    None stands for equal weights.

    Raises:
        UserError: wrong length, negative, not finite, all zero, or totals that differ.
    """
    first, second = as_weights(a, n, "a"), as_weights(b, m, "b")
    total, other = float(first.sum()), float(second.sum())
    if a is not None and b is not None and abs(total - other) > AGREE * max(total, other):
        raise UserError(f"the weights a sum to {total:.10g}, the weights b to {other:.10g}",
                        "the same total: transport neither makes nor loses mass",
                        "divide each by its sum, if only proportions matter")
    given = total if a is not None else other
    return first / total, second / other, 1.0 if abs(given - 1) <= AGREE else given


def as_weights(w: Any, n: int, name: str) -> np.ndarray:
    """Return weights as float64 (n,), as they were given; None gives 1/n each."""
    if w is None:
        return np.full(n, 1 / n)
    try:
        weights = np.asarray(w, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError(f"the weights {name} are not numbers", f"{n} numbers") from None
    if weights.shape != (n,):
        raise UserError(f"the weights {name} have shape {weights.shape}", f"a weight a point: shape ({n},)")
    if not np.isfinite(weights).all():
        raise UserError(f"the weights {name} hold nan or inf", "finite numbers")
    if (weights < 0).any():
        at = int((weights < 0).argmax())
        raise UserError(f"weight {at + 1} of {name} is negative: {weights[at]:.6g}", "weights of 0 or more")
    if not weights.any():
        raise UserError(f"the weights {name} are all zero", "a positive total")
    return weights


def check_metric(metric: str) -> None:
    """Raise UserError for a metric that is not known."""
    if metric not in METRICS:
        raise UserError(f"unknown metric '{metric}'", did_you_mean(metric, METRICS))


def check_power(power: float) -> None:
    """Raise UserError for a power below 1, for which the root of the cost is no distance."""
    if not (np.isfinite(power) and power >= 1):
        raise UserError(f"power {power}", "a number of 1 or more: the cost is distance ** power")


def cost_matrix(x: np.ndarray, y: np.ndarray, metric: str = "euclidean", power: float = 1) -> np.ndarray:
    """Return metric(x_i, y_j) ** power, float64 (n, m), of points (n, d) and (m, d).

    Raises:
        UserError: unknown metric, power below 1, a metric that these points do not have (cosine of a zero vector),
            numbers too large for float64.
    """
    check_metric(metric)
    check_power(power)
    from scipy.spatial.distance import cdist

    with np.errstate(all="ignore"):
        fast = x.shape[1] > MANY_COORDINATES and metric in ("euclidean", "sqeuclidean")
        costs = _by_product(x, y) if fast else cdist(x, y, metric)  # type: ignore[call-overload]
        if fast and metric == "euclidean":
            np.sqrt(costs, out=costs)
        if power != 1:
            costs **= power
    if not np.isfinite(costs).all():
        raise UserError(f"the {metric} distances of these points to the power {power:g} are not all finite numbers",
                        "points that have such a distance", "scale the points, or take another metric: euclidean")
    return costs


def _by_product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return squared distances by one matrix product, which is eight times as fast in 784 dimensions.

    |x|^2 + |y|^2 - 2xy loses digits where points are near each other; those pairs are worked out again from the
    difference, so that every entry is good to about 1e-12.
    """
    from scipy.spatial.distance import cdist

    centre = (x.mean(axis=0) + y.mean(axis=0)) / 2
    x, y = x - centre, y - centre
    size = np.einsum("id,id->i", x, x)[:, None] + np.einsum("jd,jd->j", y, y)
    squares = x @ y.T
    squares *= -2
    squares += size
    size *= NEAR
    rows, columns = np.nonzero(~(squares > size))
    if rows.size > squares.size / 8:
        return cdist(x, y, "sqeuclidean")
    for block in range(0, rows.size, 10_000):
        i, j = rows[block : block + 10_000], columns[block : block + 10_000]
        squares[i, j] = np.square(x[i] - y[j]).sum(axis=1)
    return squares


def given_costs(costs: Any, x: Any, y: Any) -> np.ndarray:
    """Return a user's matrix of costs as float64 (n, m), checked against the points where there are some."""
    try:
        matrix = np.array(costs, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("the costs are not numbers", "a metric's name, or a matrix of costs (n, m)") from None
    if matrix.ndim != 2 or matrix.size == 0:
        raise UserError(f"costs of shape {matrix.shape}", "a matrix (n, m): a row for each x, a column for each y")
    wanted = tuple(len(matrix) if points is None and axis == 0 else matrix.shape[1] if points is None else len(points)
                   for axis, points in enumerate((x, y)))
    if matrix.shape != wanted:
        raise UserError(f"costs of shape {matrix.shape} for {wanted[0]} and {wanted[1]} points", f"shape {wanted}")
    if not np.isfinite(matrix).all():
        raise UserError("the costs hold nan or inf", "finite numbers", "forbid a move by a large cost, not by inf")
    return matrix


def expected(n: int, m: int) -> tuple[float, float]:
    """Return what an exact plan of n by m points will need: bytes at the peak, and seconds on one core, roughly.

    Seconds are measured on random clouds (benchmarks/transport.py) and can be off by a factor of three.
    """
    return BYTES_A_PAIR * float(n) * m, 1.0 * (np.sqrt(float(n) * m) / 2000) ** 2.3


def refuse_beyond_memory(n: int, m: int) -> None:
    """Raise UserError when the exact problem does not fit into the memory that is free."""
    needed, _ = expected(n, m)
    free = free_memory()
    if needed > free:
        most = int(np.sqrt(free / BYTES_A_PAIR) / 100) * 100
        raise UserError(f"an exact plan of {n:,} by {m:,} points needs about {needed / 1e9:.1f} GB, "
                        f"{free / 1e9:.1f} GB are free", f"about {most:,} points a side here",
                        "take the sliced distance, which keeps no matrix, or a random part of the points")


def free_memory() -> float:
    """Return the bytes of memory that are free, or 4 GB where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    except OSError:
        pass
    return 4e9
