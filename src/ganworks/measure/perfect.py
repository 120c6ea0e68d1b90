"""The best discriminator D* = p/(p + q) of known distributions, a trained one beside it, and what D* tells of G.

Goodfellow et al. 2014, sections 4.1 and 4.2; docs/theory.md. Everything is said in the raw output v = log p/q, of
which D* is the sigmoid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.distributions import Atoms, Distribution, Lattice, as_distribution
from ganworks.measure.divergence import divergence
from ganworks.measure.student import Student, taught
from ganworks.seeds import mix

LOG4 = math.log(4.0)
LINE, PLANE = 401, 81  # points of a map, along each axis
SEEN = 4000  # samples a side that say where a map reaches
FRESH = 50_000  # samples a side on which a trained critic is judged


def best_logit(p: Distribution, q: Distribution, x: Any) -> np.ndarray:
    """Return log p(x)/q(x), of which D*(x) is the sigmoid: float64 (n,); nan where both are 0 and D* is free."""
    with np.errstate(invalid="ignore"):
        return p.logpdf(x) - q.logpdf(x)


@dataclass(frozen=True, eq=False)
class Discriminator:
    """The best discriminator and a trained one.

    Attributes:
        axes: coordinates of the map, one array a dimension; dimension 1 or 2.
        best, said: log p/q and the trained raw output on the map, (n,) or (n, n) with rows along the second axis.
        mass: (p + q)/2 there.
        value: V(D*, G) = -log 4 + 2 JS(p, q), exact; error: its bound.
        reached: V of the trained one on fresh samples; reached_error: one standard error.
        rms: root mean square of D - D* (between 0 and 1) under (p + q)/2, on fresh samples.
        steps: of training.
    """

    axes: tuple[np.ndarray, ...]
    best: np.ndarray
    said: np.ndarray
    mass: np.ndarray
    value: float
    error: float
    reached: float
    reached_error: float
    rms: float
    steps: int


def discriminator(p: Any, q: Any, *, steps: int = 2000, hidden: tuple[int, ...] = (64, 64),
                  seed: int = 0) -> Discriminator:
    """Return D* of two known densities on the line or in the plane, and how near a trained critic comes.

    Args:
        p, q: whatever ``as_distribution`` takes, with a density.
        steps: of Adam on cross-entropy; hidden: widths of the layers; seed: the result is a function of it.

    Raises:
        UserError: discrete distributions, unequal dimensions, more than two.
    """
    real, fake = _densities(p, q)
    if steps < 1:
        raise UserError(f"{steps} steps", "1 or more")
    (student,) = taught(real, fake, (steps,), hidden=hidden, seed=seed)
    axes = _axes(real, fake, seed)
    points = axes[0] if len(axes) == 1 else np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    shape = tuple(len(axis) for axis in reversed(axes))
    js = divergence("js", real, fake)
    reached, spread, rms = _judged(student, real, fake, seed)
    mass = (real.pdf(points) + fake.pdf(points)) / 2
    return Discriminator(axes, best_logit(real, fake, points).reshape(shape), student(points).reshape(shape),
                         mass.reshape(shape), 2 * js.value - LOG4, 2 * js.error, reached, spread, rms, steps)


def _densities(p: Any, q: Any) -> tuple[Distribution, Distribution]:
    real, fake = as_distribution(p, "p"), as_distribution(q, "q")
    for one, name in ((real, "p"), (fake, "q")):
        if isinstance(one, Atoms | Lattice):
            raise UserError(f"{name} is discrete", "a density", "D* = p/(p + q) needs no training there")
    if real.dimension != fake.dimension:
        raise UserError(f"p has dimension {real.dimension}, q has {fake.dimension}", "equal dimensions")
    if real.dimension > 2:
        raise UserError(f"dimension {real.dimension}", "dimension 1 or 2: a map is drawn",
                        "for more use: ganworks measure estimate")
    return real, fake


def _axes(p: Distribution, q: Distribution, seed: int) -> tuple[np.ndarray, ...]:
    seen = np.concatenate([d.sample(SEEN, mix(seed, "seen", i)).reshape(SEEN, -1) for i, d in enumerate((p, q))])
    low, high = np.quantile(seen, (0.001, 0.999), axis=0)
    room = 0.15 * (high - low)
    count = LINE if seen.shape[1] == 1 else PLANE
    return tuple(np.linspace(a, b, count) for a, b in zip(low - room, high + room, strict=True))


def _judged(student: Student, p: Distribution, q: Distribution, seed: int) -> tuple[float, float, float]:
    """Return V on fresh samples, its standard error, and the rms distance of D from D*."""
    from scipy.special import expit

    real, fake = (d.sample(FRESH, mix(seed, "fresh", i)) for i, d in enumerate((p, q)))
    on_real, on_fake = -np.logaddexp(0, -student(real)), -np.logaddexp(0, student(fake))
    with np.errstate(invalid="ignore"):
        away = np.concatenate([expit(student(x)) - expit(best_logit(p, q, x)) for x in (real, fake)])
    spread = math.sqrt((on_real.var() + on_fake.var()) / FRESH)
    return float(on_real.mean() + on_fake.mean()), spread, float(np.sqrt(np.square(away).mean()))


@dataclass(frozen=True, eq=False)
class Path:
    """C(G) along a path of generators.

    Attributes:
        at: the parameter, (n,); value: C(G) = max over D of V(D, G), (n,); error: bounds, (n,).
        least_at, least: where it is least, and how small.
    """

    at: np.ndarray
    value: np.ndarray
    error: np.ndarray

    @property
    def least_at(self) -> float:
        return float(self.at[self.value.argmin()])

    @property
    def least(self) -> float:
        return float(self.value.min())


def path_of_generators(p: Any, generators: Sequence[Any], at: Any) -> Path:
    """Return C(G) = -log 4 + 2 JS(p, p_G) for each generator of a path.

    Args:
        generators: their distributions; at: the parameter of each.
    """
    found = [divergence("js", p, q) for q in generators]
    return Path(np.asarray(at, dtype=np.float64), np.array([2 * v.value - LOG4 for v in found]),
                np.array([2 * v.error for v in found]))


@dataclass(frozen=True)
class PushForward:
    """E over z of log(1 - D(G(z))) against E over x of log(1 - D(x)), x ~ p_G, for G(z) = z^2, which has no inverse.

    Attributes:
        over_z: the mean over samples of z; error: one standard error; samples: how many.
        over_x: the integral over x, x having the chi-square density with one degree of freedom.
        off: (over_z - over_x) / error.
    """

    over_z: float
    error: float
    samples: int
    over_x: float

    @property
    def off(self) -> float:
        return (self.over_z - self.over_x) / self.error


def push_forward(samples: int = 1_000_000, seed: int = 0) -> PushForward:
    """Return both sides of the identity for z ~ N(0, 1), G(z) = z^2 and D(x) = 1/(1 + x)."""
    from scipy import integrate

    z = np.random.default_rng(mix(seed, "push forward")).standard_normal(samples)
    x = np.square(z)
    earned = np.log(x / (1 + x))
    # With x = s^2 the density 1/sqrt(2 pi x) exp(-x/2) has no pole left: 2/sqrt(2 pi) exp(-s^2/2) ds.
    over_x, _ = integrate.quad(lambda s: (2 * math.log(s) - math.log1p(s * s)) * math.exp(-s * s / 2), 0, np.inf,
                               epsabs=1e-13)
    return PushForward(float(earned.mean()), float(earned.std() / math.sqrt(samples)), samples,
                       over_x * 2 / math.sqrt(2 * math.pi))
