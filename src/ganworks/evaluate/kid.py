"""The kernel distance (KID): squared maximum mean discrepancy under a cubic kernel, unbiased, with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from ganworks.errors import UserError
from ganworks.seeds import mix

ROWS = 1024
"""Rows of the kernel matrix that are in memory at once."""


@dataclass(frozen=True)
class Kid:
    """``value`` of the squared discrepancy (an unbiased estimate: it may be slightly negative) and its ``error``."""

    value: float
    error: float


def kernel_distance(x: ArrayLike, y: ArrayLike) -> Kid:
    """Return the unbiased MMD^2 between ``x`` (n, d) and ``y`` (m, d) with its jackknife standard error.

    Kernel k(a, b) = (a.b / d + 1)^3 (Binkowski et al. 2018, section 4); the estimate is the U-statistic of Gretton
    et al. 2012, equation 3, over *all* pairs: it has the expectation of the published mean over subsets of 1,000 and a
    smaller variance. The error is that of deleting one sample at a time, on both sides; where the two distributions
    are equal it is somewhat too large, never too small.
    """
    a, b = _checked(x, y)
    n, m = len(a), len(b)
    xx, yy, (xy, yx) = _within(a), _within(b), _across(a, b)
    value = xx.sum() / (n * (n - 1)) + yy.sum() / (m * (m - 1)) - 2 * xy.sum() / (n * m)
    return Kid(float(value), float(np.sqrt(_jackknife(xx, xy, m) + _jackknife(yy, yx, n))))


def kernel_distance_of_subsets(x: ArrayLike, y: ArrayLike, subsets: int = 100, size: int = 1000, seed: int = 0) -> Kid:
    """Return the published protocol's figure: the mean over random subsets, and the standard deviation *between* them.

    ``size`` samples of each side are drawn without replacement, ``subsets`` times (Binkowski et al. 2018, section 4).
    The second number is what papers print after the plus-minus; it is not the error of the mean.
    """
    a, b = _checked(x, y)
    if size > min(len(a), len(b)):
        raise UserError(f"subsets of {size} out of {len(a)} and {len(b)} samples", "subsets no larger than the samples",
                        f"take size={min(len(a), len(b)) // 2}")
    rng = np.random.default_rng(mix("kid", seed))
    values = []
    for _ in range(subsets):
        p, q = a[rng.choice(len(a), size, replace=False)], b[rng.choice(len(b), size, replace=False)]
        pairs = size * (size - 1)
        values.append((_within(p).sum() + _within(q).sum()) / pairs - 2 * _across(p, q)[0].sum() / size**2)
    return Kid(float(np.mean(values)), float(np.std(values)))


def _checked(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = (np.ascontiguousarray(z, dtype=np.float64) for z in (x, y))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 3:
        raise UserError(f"features of shapes {a.shape} and {b.shape}", "(n, d) and (m, d) with n, m >= 3")
    return a, b


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    base = torch.from_numpy(a) @ torch.from_numpy(b).T
    return base.div_(a.shape[1]).add_(1.0).pow_(3).numpy()


def _within(a: np.ndarray) -> np.ndarray:
    """Return for each row the sum of its kernel values with the *other* rows."""
    sums = [_kernel(a[i : i + ROWS], a).sum(axis=1) for i in range(0, len(a), ROWS)]
    return np.concatenate(sums) - (np.einsum("ij,ij->i", a, a) / a.shape[1] + 1.0) ** 3


def _across(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums over b for each row of a, and the sums over a for each row of b."""
    rows, columns = [], np.zeros(len(b))
    for i in range(0, len(a), ROWS):
        block = _kernel(a[i : i + ROWS], b)
        rows.append(block.sum(axis=1))
        columns += block.sum(axis=0)
    return np.concatenate(rows), columns


def _jackknife(within: np.ndarray, across: np.ndarray, others: int) -> float:
    """Return the variance that one side contributes: the estimate is linear in what leaving out row i removes."""
    n = len(within)
    left_out = (within.sum() - 2 * within) / ((n - 1) * (n - 2)) - 2 * (across.sum() - across) / ((n - 1) * others)
    return (n - 1) / n * float(np.sum((left_out - left_out.mean()) ** 2))
