"""Adaptive cubature over many boxes at once: all boxes whose error is too large are cut in one pass."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Evaluate = Callable[[Array, Array], tuple[Array, Array]]
"""(points (n, k, d), tags (n,)) -> values (n, k), rounding errors of the values (n, k)."""

_NODES = np.array([0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
                   0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
                   0.586087235467691130294144691645693, 0.405845151377397166906606412076961,
                   0.207784955007898467600689403773245, 0.0])
_KRONROD = np.array([0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
                     0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
                     0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
                     0.204432940075298892414161999234649, 0.209482141084727828012999174891714])
_GAUSS = np.array([0, 0.129484966168869693270611432679082, 0, 0.279705391489276667901467771423780,
                   0, 0.381830050505118944950369775488975, 0, 0.417959183673469387755102040816327])


@dataclass(frozen=True, eq=False)
class Rule:
    """Nodes in [-1, 1]^d, (k, d), with the weights of a rule and of a weaker one on the same nodes, (k,)."""

    nodes: Array
    weights: Array
    weaker: Array


@dataclass(frozen=True)
class Integral:
    """An integral.

    Attributes:
        value: its value.
        error: an upper estimate: differences of the two rules, and rounding.
        points: how many times the function was evaluated.
        reached: whether the wanted tolerance was.
        edge: what the boxes on the rim of the region hold, in absolute value.
    """

    value: float
    error: float
    points: int
    reached: bool
    edge: float = 0.0


def gauss_kronrod(dimension: int) -> Rule:
    """Return the product of Gauss-Kronrod rules of 15 and 7 nodes (QUADPACK, Piessens et al. 1983)."""
    nodes = np.concatenate([-_NODES, _NODES[-2::-1]])
    strong, weak = (np.concatenate([half, half[-2::-1]]) for half in (_KRONROD, _GAUSS))
    grid = np.stack(np.meshgrid(*[nodes] * dimension, indexing="ij"), -1).reshape(-1, dimension)
    weights, weaker = strong, weak
    for _ in range(dimension - 1):
        weights, weaker = np.multiply.outer(weights, strong), np.multiply.outer(weaker, weak)
    return Rule(grid, np.ravel(weights), np.ravel(weaker))


def genz_malik() -> Rule:
    """Return the plane's rule of degree 7 in 17 nodes with its rule of degree 5 (Genz and Malik 1980).

    Few nodes: the right rule where corners, not polynomials, decide the error.
    """
    inner, outer, corner = math.sqrt(9 / 70), math.sqrt(9 / 10), math.sqrt(9 / 19)
    axes = [np.array(x) for x in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))]
    signs = [np.array(x) for x in itertools.product((1.0, -1.0), repeat=2)]
    nodes = [np.zeros(2), *[inner * a for a in axes], *[outer * a for a in axes], *[outer * s for s in signs],
             *[corner * s for s in signs]]
    counts = (1, 4, 4, 4, 4)
    strong = (4 * -3816 / 19683, 4 * 980 / 6561, 4 * 1020 / 19683, 4 * 200 / 19683, 6859 / 19683)
    weak = (4 * -971 / 729, 4 * 245 / 486, 4 * 65 / 1458, 4 * 25 / 729, 0.0)
    return Rule(np.array(nodes), np.repeat(strong, counts), np.repeat(weak, counts))


def integrate(evaluate: Evaluate, low: Array, high: Array, tags: Array, rule: Rule, tolerance: float,
              budget: int, within: tuple[Array, Array] | None = None) -> Integral:
    """Return the integral over boxes.

    Args:
        low, high: corners, (n, d); tags: handed to ``evaluate`` with each box, (n,).
        tolerance: relative; the error of what is returned may be larger where the budget was spent.
        budget: most evaluations.
        within: corners of a region: what the boxes on its rim hold is returned as ``edge``.
    """
    done: list[tuple[Array, Array, Array]] = []  # value, error, noise of the boxes that stay
    points, dimension, rim = 0, low.shape[1], 0.0
    value = error = noise = np.zeros(0)
    total = 0.0
    while len(low):
        value, error, noise = _boxes(evaluate, low, high, tags, rule)
        points += len(low) * len(rule.weights)
        total = math.fsum([*(math.fsum(part[0]) for part in done), math.fsum(value)])
        settled = math.fsum(math.fsum(part[1]) for part in done)
        count = len(low) + sum(len(part[0]) for part in done)
        room = tolerance * abs(total)
        split = (error > room / count) & (error > 4 * noise) & _divisible(low, high)
        if settled + math.fsum(error) <= room or points >= budget or not split.any():
            split[:] = False
        keep = ~split
        done.append((value[keep], error[keep], noise[keep]))
        if within is not None:
            on_rim = keep & ((low <= within[0]) | (high >= within[1])).any(axis=1)
            rim += math.fsum(np.abs(value[on_rim]))
        low, high, tags = _cut(low[split], high[split], tags[split], dimension)
    whole = [np.concatenate(parts) for parts in zip(*done, strict=True)] if done else [value, error, noise]
    bar = math.fsum(whole[1]) + math.fsum(whole[2])
    return Integral(math.fsum(whole[0]), bar, points, bar <= tolerance * abs(total), rim)


def _boxes(evaluate: Evaluate, low: Array, high: Array, tags: Array, rule: Rule) -> tuple[Array, Array, Array]:
    size = max(1, 200_000 // len(rule.weights))
    parts = []
    for start in range(0, len(low), size):
        at = slice(start, start + size)
        middle, half = (low[at] + high[at]) / 2, (high[at] - low[at]) / 2
        values, rounding = evaluate(middle[:, None] + half[:, None] * rule.nodes, tags[at])
        volume = half.prod(axis=1)
        strong, weak = values @ rule.weights * volume, values @ rule.weaker * volume
        noise = (rounding + 4e-16 * np.abs(values)) @ np.abs(rule.weights) * volume
        parts.append((strong, np.abs(strong - weak), noise))
    value, error, noise = (np.concatenate(x) for x in zip(*parts, strict=True))
    return value, error, noise


def _divisible(low: Array, high: Array) -> Array:
    return ((high - low) > 64 * np.finfo(float).eps * np.maximum(np.abs(low), np.abs(high))).all(axis=1)


def _cut(low: Array, high: Array, tags: Array, dimension: int) -> tuple[Array, Array, Array]:
    middle = (low + high) / 2
    lows, highs = [], []
    for upper in itertools.product((False, True), repeat=dimension):
        lows.append(np.where(upper, middle, low))
        highs.append(np.where(upper, high, middle))
    return np.concatenate(lows), np.concatenate(highs), np.tile(tags, 2**dimension)
