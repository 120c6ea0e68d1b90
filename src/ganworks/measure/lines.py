"""Transport on the line: sort both sides and match equal quantiles. Exact for any weights and sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.costs import both_points, both_weights, check_power


def line(x: Any, y: Any, a: Any = None, b: Any = None, power: float = 1) -> float:
    """Return the cost of the best plan on the line: the integral over q of |F^-1(q) - G^-1(q)| ** power.

    Its 1/power-th root is W_power. Time grows like n log n.

    Args:
        x, y: positions, (n,) and (m,).
        a, b: weights with equal totals, or None for equal ones.
        power: 1 or more.
    """
    left, right, mass = line_plan(x, y, a, b)
    check_power(power)
    x, y = np.asarray(x, dtype=float).ravel(), np.asarray(y, dtype=float).ravel()
    return float(mass @ np.abs(x[left] - y[right]) ** power)


def line_plan(x: Any, y: Any, a: Any = None, b: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (i, j, mass), arrays of at most n + m - 1 entries: mass goes from x_i to y_j; it sums to 1.

    This monotone plan is optimal for every cost |x - y| ** power with power of 1 or more.
    """
    x, y = both_points(x, y)
    if x.shape[1] != 1:
        raise UserError(f"points of {x.shape[1]} coordinates on a line", "one number a point", "use transport")
    first, second, _ = both_weights(a, b, len(x), len(y))
    by_x, by_y = np.argsort(x[:, 0], kind="stable"), np.argsort(y[:, 0], kind="stable")
    if a is None and b is None:
        i, j, mass = equal_quantiles(len(x), len(y))
    else:
        i, j, mass = (array[0] for array in quantiles(first[by_x][None], second[by_y][None]))
        kept = mass > 0
        i, j, mass = i[kept], j[kept], mass[kept]
    return by_x[i], by_y[j], mass


def equal_quantiles(n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (i, j, mass) of matching n equal weights with m equal weights in order, in whole numbers until the end."""
    ends = np.union1d(np.arange(1, n + 1, dtype=np.int64) * m, np.arange(1, m + 1, dtype=np.int64) * n)
    return (ends - 1) // m, (ends - 1) // n, np.diff(ends, prepend=0) / (n * m)


def quantiles(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (i, j, mass), each (k, n + m), of matching weights a (k, n) with b (k, m) in order, row by row.

    The ends of all steps of both distribution functions, sorted, cut [0, 1] into pieces; on a piece both quantile
    functions are constant. The index into a side is the number of its steps that ended before.
    """
    n, m = a.shape[1], b.shape[1]
    ends = np.concatenate([np.cumsum(a, axis=1), np.cumsum(b, axis=1)], axis=1)
    ends[:, n - 1] = ends[:, -1] = 1.0
    order = np.argsort(ends, axis=1, kind="stable")
    mass = np.diff(np.take_along_axis(ends, order, axis=1), axis=1, prepend=0.0)
    np.maximum(mass, 0.0, out=mass)
    of_a = order < n
    i = np.cumsum(of_a, axis=1) - of_a
    j = np.arange(n + m) - i
    return np.minimum(i, n - 1), np.minimum(j, m - 1), mass
