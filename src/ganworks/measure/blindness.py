"""Where f-divergences see nothing and the earth mover still does: supports apart, and finite samples.

Arjovsky, Chintala & Bottou 2017 (arXiv 1701.07875), example 1 and figure 2; Arjovsky & Bottou 2017 (arXiv
1701.04862), figures 2 and 3; Cover 1965 for samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.console import track
from ganworks.errors import UserError
from ganworks.seeds import mix

DIVERGENCES = ("js", "kl", "total_variation", "vincze_le_cam")
"""Compared with W1; vincze_le_cam is what least squares measures."""
POINTS = 40  # on each of two parallel lines
STOPS = (0, 10, 30, 100, 300, 1000)
SAMPLES = 4000  # on which the generator's gradient is averaged


@dataclass(frozen=True, eq=False)
class Apart:
    """Divergences against a distance.

    Attributes:
        distance: (n,).
        values: name -> (n,); "w1" is the earth mover's distance.
    """

    distance: np.ndarray
    values: Mapping[str, np.ndarray]


def parallel_lines(distances: Sequence[float] = tuple(np.linspace(-1, 1, 41))) -> Apart:
    """Return the divergences of two uniform laws on the vertical segments x = 0 and x = theta of the plane.

    Each divergence is worked out on the supports: they are one segment at theta = 0, and disjoint otherwise, where a
    divergence is f(0) + f'(infinity). W1 is the cost of the best plan between points spread evenly on both.
    """
    from ganworks.measure.divergence import divergence
    from ganworks.measure.transport import transport

    theta = np.asarray(distances, dtype=np.float64)
    same, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    apart = {name: float(divergence(name, same, other)) for name in DIVERGENCES}
    height = (np.arange(POINTS) + 0.5) / POINTS
    line = np.stack([np.zeros(POINTS), height], axis=1)
    moved = [transport(line, line + np.array([t, 0.0])).cost for t in theta]
    return Apart(theta, {**{name: np.where(theta == 0, 0.0, value) for name, value in apart.items()},
                         "w1": np.array(moved)})


def moving_gaussians(distances: Sequence[float] = tuple(np.linspace(0, 16, 33)), sd: float = 1.0) -> Apart:
    """Return the divergences of N(0, sd^2) and N(m, sd^2) for each distance m; W1 is |m|."""
    from ganworks.measure.distributions import GaussianMixture
    from ganworks.measure.divergence import divergence

    if not sd > 0:
        raise UserError(f"a standard deviation of {sd}", "a number above 0")
    m = np.asarray(distances, dtype=np.float64)

    def normal(at: float) -> GaussianMixture:
        return GaussianMixture([1.0], [[at]], [[[sd**2]]])  # type: ignore[arg-type]

    found = {name: np.array([float(divergence(name, normal(0.0), normal(float(a)))) for a in m])
             for name in DIVERGENCES}
    return Apart(m, {**found, "w1": np.abs(m)})


GENERATORS = {"saturating": "minimax: minimise log(1 - D)", "nonsaturating": "minimise -log D",
              "linear": "minimise -v, as with a Wasserstein critic, here without its constraint"}


@dataclass(frozen=True, eq=False)
class Felt:
    """The pull on the generator's mean towards the data, as its critic learns: minus the gradient of its cost.

    p = N(0, 1), q = N(m, 1).

    Attributes:
        distance: m, (k,); steps: of the critic's training, (s,).
        force: generator -> (k, s + 1); the last column is what the best critic gives.
        accuracy: share of fresh samples told apart rightly, (k, s + 1).
        wasserstein: the pull of W1, the same at every distance.
    """

    distance: np.ndarray
    steps: tuple[int, ...]
    force: Mapping[str, np.ndarray]
    accuracy: np.ndarray
    wasserstein: float = 1.0


def felt(distances: Sequence[float] = (1.0, 2.0, 4.0, 8.0, 16.0), stops: Sequence[int] = STOPS, seed: int = 0) -> Felt:
    """Return the gradient that reaches the mean of N(m, 1) through critics that have learnt for a while.

    The gradient is the mean over x ~ q of the slope of the generator's cost along v, times the slope of v along x.
    """
    from ganworks.measure.distributions import GaussianMixture
    from ganworks.measure.student import taught

    force = {name: np.empty((len(distances), len(stops) + 1)) for name in GENERATORS}
    right = np.empty((len(distances), len(stops) + 1))
    for i, m in enumerate(track(distances, len(distances), "critics at growing distance", "distance")):
        p, q = (GaussianMixture([1.0], [[a]], [[[1.0]]]) for a in (0.0, m))  # type: ignore[arg-type]
        real, fake = (d.sample(SAMPLES, mix(seed, "felt", k)) for k, d in enumerate((p, q)))
        for j, critic in enumerate([*taught(p, q, stops, seed=seed), None]):
            # log p/q = m^2/2 - m x
            said = [m * m / 2 - m * x if critic is None else critic(x) for x in (real, fake)]
            slope = np.full(SAMPLES, -m) if critic is None else critic.slope(fake)[:, 0]
            right[i, j] = ((said[0] > 0).mean() + (said[1] <= 0).mean()) / 2
            for name in GENERATORS:
                force[name][i, j] = -(_pull(name, said[1]) * slope).mean()
    return Felt(np.asarray(distances, dtype=np.float64), tuple(stops), force, right)


def _pull(name: str, v: np.ndarray) -> np.ndarray:
    """Return minus the slope of the generator's cost along the raw output v of a generated sample; positive."""
    from scipy.special import expit

    return {"saturating": expit(v), "nonsaturating": expit(-v), "linear": np.ones_like(v)}[name]


@dataclass(frozen=True, eq=False)
class Separable:
    """How often a hyperplane tells two samples of one and the same law apart without a fault.

    Attributes:
        dimension: (k,); samples: of each of the two.
        share: found by linear programs, (k,); error: one standard error of it; draws: how many pairs of samples.
        exact: by Cover's count, (k,).
    """

    dimension: np.ndarray
    samples: int
    share: np.ndarray
    error: np.ndarray
    draws: int
    exact: np.ndarray


def separable(dimensions: Sequence[int] = tuple(range(1, 41, 3)), samples: int = 20, draws: int = 100,
              seed: int = 0) -> Separable:
    """Draw two samples of N(0, I) and ask whether a linear critic separates them, for growing dimensions.

    Where one does, that critic sees two supports apart: for it JS is log 2, whatever the law.
    """
    if samples < 1 or draws < 1 or min(dimensions) < 1:
        raise UserError(f"{samples} samples, {draws} draws, dimensions from {min(dimensions)}", "numbers of 1 or more")
    d = np.asarray(dimensions, dtype=int)
    share = np.empty(len(d))
    for i, size in enumerate(track(d, len(d), "separating samples", "dimension")):
        draw = np.random.default_rng(mix(seed, "separable", int(size)))
        share[i] = np.mean([_is_separable(draw.standard_normal((2, samples, size))) for _ in range(draws)])
    return Separable(d, samples, share, np.sqrt(np.maximum(share * (1 - share), 0.25 / draws) / draws), draws,
                     np.array([cover(2 * samples, int(size) + 1) for size in d]))


def _is_separable(pair: np.ndarray) -> bool:
    """Whether a hyperplane has all of pair[0] on one side and all of pair[1] on the other."""
    from scipy.optimize import linprog

    rows = np.concatenate([pair[0], -pair[1]])
    signs = np.concatenate([np.ones(len(pair[0])), -np.ones(len(pair[1]))])
    found = linprog(np.zeros(rows.shape[1] + 1), A_ub=-np.column_stack([rows, signs]), b_ub=-np.ones(len(rows)),
                    bounds=(None, None), method="highs")
    return bool(found.status == 0)


def cover(points: int, dimension: int) -> float:
    """Return the share of the labellings of points in general position that a hyperplane through 0 separates.

    Cover 1965, theorem 1: 2^(1 - n) sum of C(n - 1, k) over k < dimension. A constant term adds one dimension.
    """
    return math.fsum(math.comb(points - 1, k) for k in range(min(dimension, points))) / 2.0 ** (points - 1)


def as_json(result: Any) -> dict[str, Any]:
    """Return a result of this module as plain values; infinite numbers as "inf"."""
    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return [plain(v) for v in value.tolist()]
        if isinstance(value, Mapping):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        if isinstance(value, float) and not math.isfinite(value):
            return "inf" if value > 0 else "-inf" if value < 0 else None
        return value

    return {key: plain(value) for key, value in vars(result).items()}
