"""Sliced Wasserstein distances: the mean, or the largest, of the distances on lines through the clouds.

Bonneel, Rabin, Peyre, Pfister 2015 (sliced); Deshpande et al. 2019 (max-sliced).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.console import track
from ganworks.errors import UserError
from ganworks.measure.costs import both_points, both_weights, check_power
from ganworks.measure.lines import equal_quantiles, quantiles

NUMBERS_A_BLOCK = 4_000_000
"""Projected points of a cloud that are held at once: it bounds the memory."""
LINES_A_TASK = 32
"""Lines that a thread sorts at a time."""


@dataclass(frozen=True, eq=False)
class Sliced:
    """A sliced distance by Monte Carlo.

    Attributes:
        distance: (mean over directions of W_power ** power on the line) ** (1 / power).
        error: its standard error over the choice of directions; 0 in one dimension.
        each: (projections,), W_power ** power on each line.
        directions: (projections, d), of length 1.
        power: 1 or more.
    """

    distance: float
    error: float
    each: np.ndarray
    directions: np.ndarray
    power: float


@dataclass(frozen=True, eq=False)
class MaxSliced:
    """The largest distance found on a line; the true one may be larger.

    Attributes:
        distance: W_power on that line, a lower bound of the max-sliced distance and of W_power in space.
        direction: (d,), of length 1; along it the clouds differ most.
        power: 1 or more.
    """

    distance: float
    direction: np.ndarray
    power: float


def sliced(x: Any, y: Any, projections: int = 512, power: float = 1, seed: int = 0, a: Any = None, b: Any = None,
           directions: Any = None) -> Sliced:
    """Return the sliced Wasserstein distance of two clouds, with its standard error.

    Every line is solved exactly, for unequal sizes and weights too. float32 points are worked on in float32, which is
    faster and good to six digits; everything else in float64.

    Args:
        x, y: points, (n, d) and (m, d).
        projections: number of random directions.
        power: 1 or more.
        seed: of the directions, which are uniform on the sphere.
        a, b: weights with equal totals, or None for equal ones.
        directions: (k, d), used instead of random ones, and made of length 1.
    """
    check_power(power)
    single = all(getattr(points, "dtype", None) == np.float32 for points in (x, y))
    x, y = both_points(x, y, np.float32 if single else np.float64)
    weights = None if a is None and b is None else both_weights(a, b, len(x), len(y))[:2]
    if single:  # spend the digits on differences, not on the place
        centre = y.mean(axis=0)
        x, y = x - centre, y - centre
    directions = _directions(directions, projections, x.shape[1], seed)
    each = costs_along(directions.astype(x.dtype), x, y, weights, power)
    mean = float(each.mean())
    spread = float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan")
    spread = 0.0 if x.shape[1] == 1 else spread
    distance = mean ** (1 / power)
    return Sliced(distance, spread / (power * distance ** (power - 1)) if mean else 0.0, each, directions, power)


def _directions(given: Any, count: int, d: int, seed: int) -> np.ndarray:
    if given is None:
        if count < 1:
            raise UserError(f"{count} projections", "1 or more")
        given = np.random.default_rng(seed).standard_normal((count, d))
    directions = np.asarray(given, dtype=np.float64)
    if directions.ndim != 2 or directions.shape[1] != d or len(directions) == 0:
        raise UserError(f"directions of shape {directions.shape}", f"shape (k, {d})")
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise UserError("a direction is zero or not finite", "vectors that point somewhere")
    return directions / lengths


def costs_along(directions: np.ndarray, x: np.ndarray, y: np.ndarray,
                weights: tuple[np.ndarray, np.ndarray] | None, power: float) -> np.ndarray:
    """Return W_power ** power on each line, float64 (k,): directions (k, d), points (n, d) and (m, d)."""
    match = equal_quantiles(len(x), len(y)) if weights is None and len(x) != len(y) else None
    together = max(LINES_A_TASK, NUMBERS_A_BLOCK // max(len(x), len(y)))
    each: list[np.ndarray] = []
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:  # numpy lets go of its lock while it sorts
        begins = range(0, len(directions), together)
        for begin in track(begins, len(begins), "sliced", "block") if len(begins) > 1 else begins:
            block = directions[begin : begin + together]
            left, right = block @ x.T, block @ y.T  # has threads of its own
            tasks = [slice(k, k + LINES_A_TASK) for k in range(0, len(block), LINES_A_TASK)]
            each += pool.map(lambda rows, left=left, right=right: _block(left[rows], right[rows], weights, match,
                                                                         power), tasks)
    return np.concatenate(each)


def _block(left: np.ndarray, right: np.ndarray, weights: tuple[np.ndarray, np.ndarray] | None,
           match: tuple[np.ndarray, np.ndarray, np.ndarray] | None, power: float) -> np.ndarray:
    """Return the cost on each of k lines from the places (k, n) and (k, m) of the points on them."""
    if weights is not None:
        by_left, by_right = np.argsort(left, axis=1), np.argsort(right, axis=1)
        i, j, mass = quantiles(weights[0][by_left], weights[1][by_right])
        places = (np.take_along_axis(by_left, i, axis=1), np.take_along_axis(by_right, j, axis=1))
        gaps = np.take_along_axis(left, places[0], axis=1) - np.take_along_axis(right, places[1], axis=1)
        return np.einsum("kn,kn->k", _powered(gaps, power), mass)
    left.sort(axis=1)  # rows lie in one piece, which numpy sorts with vector instructions
    right.sort(axis=1)
    if match is not None:
        i, j, mass = match
        return _powered(left[:, i] - right[:, j], power) @ mass
    left -= right
    return _powered(left, power).mean(axis=1, dtype=np.float64)


def _powered(gaps: np.ndarray, power: float) -> np.ndarray:
    """Return |gaps| ** power, in place."""
    if power == 2:
        return np.multiply(gaps, gaps, out=gaps)
    np.abs(gaps, out=gaps)
    return gaps if power == 1 else np.power(gaps, power, out=gaps)


def max_sliced(x: Any, y: Any, power: float = 1, a: Any = None, b: Any = None, starts: int = 16, steps: int = 100,
               seed: int = 0) -> MaxSliced:
    """Return the line on which the clouds differ most: the best of several climbs over the sphere.

    A climb begins at one of the best random directions, or between the means, and follows the gradient at the
    matching of that moment with steps that are halved whenever they lead down. The result is a lower bound.

    Args:
        x, y, power, a, b: as for ``sliced``.
        starts: climbs; steps: of each; seed: of the random directions.
    """
    check_power(power)
    x, y = both_points(x, y)
    if starts < 1 or steps < 1:
        raise UserError(f"{starts} starts of {steps} steps", "1 or more of each")
    first, second, _ = both_weights(a, b, len(x), len(y))
    weights = None if a is None and b is None else (first, second)
    if x.shape[1] == 1:  # there is one line
        return MaxSliced(float(costs_along(np.ones((1, 1)), x, y, weights, power)[0] ** (1 / power)), np.ones(1), power)
    tried = _directions(None, 32 * starts, x.shape[1], seed)
    between = first @ x - second @ y
    if between.any():
        tried[0] = between / np.linalg.norm(between)
    best = np.argsort(-costs_along(tried, x, y, weights, power))[:starts]
    at = tried[best]
    value, slope = _heights(at, x, y, first, second, power)
    stride = np.full(len(at), 1.0)
    for _ in track(range(steps), steps, "max-sliced", "step"):
        step = slope - np.einsum("kd,kd->k", slope, at)[:, None] * at  # along the sphere
        length = np.linalg.norm(step, axis=1, keepdims=True)
        to = at + stride[:, None] * step / np.where(length > 0, length, 1.0)
        to /= np.linalg.norm(to, axis=1, keepdims=True)
        new, new_slope = _heights(to, x, y, first, second, power)
        up = new > value
        at[up], value[up], slope[up] = to[up], new[up], new_slope[up]
        stride = np.where(up, stride * 1.5, stride / 2)
        if stride.max() < 1e-7:
            break
    top = int(value.argmax())
    return MaxSliced(float(value[top] ** (1 / power)), at[top], power)


def _heights(directions: np.ndarray, x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray,
             power: float) -> tuple[np.ndarray, np.ndarray]:
    """Return W ** power on each line, (k,), and its gradient in the direction, (k, d)."""
    left, right = directions @ x.T, directions @ y.T
    by_left, by_right = np.argsort(left, axis=1), np.argsort(right, axis=1)
    i, j, mass = quantiles(a[by_left], b[by_right])
    i, j = np.take_along_axis(by_left, i, axis=1), np.take_along_axis(by_right, j, axis=1)
    gaps = np.take_along_axis(left, i, axis=1) - np.take_along_axis(right, j, axis=1)
    pull = mass * power * np.abs(gaps) ** (power - 1) * np.sign(gaps)
    slopes = np.empty_like(directions)
    for k in range(len(directions)):  # the pull on each point, then one product a side
        slopes[k] = np.bincount(i[k], pull[k], len(x)) @ x - np.bincount(j[k], pull[k], len(y)) @ y
    return np.einsum("kn,kn->k", mass, np.abs(gaps) ** power), slopes
