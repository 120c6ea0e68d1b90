"""Known distributions: vectors of probabilities, lattices, densities on the line, mixtures of Gaussians anywhere."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ganworks.errors import UserError

Array = np.ndarray
SUM = 1e-9
"""How far a sum of probabilities may be from 1; what is nearer is scaled to 1."""
SUM_OF_SHORT = 1e-5
"""The same of numbers in float32, such as what a softmax gives."""
LOG_2PI = math.log(2 * math.pi)


class Distribution(ABC):
    """A distribution that is known.

    Attributes:
        dimension: of its points; a vector of probabilities lies on the points 0, 1, 2, ...
    """

    dimension: int = 1

    @abstractmethod
    def logpdf(self, x: Any) -> Array:
        """Return the log density (log probability where it is discrete) at x (n,) or (n, dimension): float64 (n,)."""

    @abstractmethod
    def sample(self, n: int, seed: int) -> Array:
        """Return n samples, float64 (n,) on the line and (n, dimension) elsewhere; a function of the seed."""

    def pdf(self, x: Any) -> Array:
        """Return the density at x."""
        return np.exp(self.logpdf(x))


class Atoms(Distribution):
    """Probabilities of the points 0, 1, 2, ...

    Args:
        masses: not negative, of any shape, with sum 1 within 1e-9 (1e-5 in float32).
        name: for errors.
    """

    def __init__(self, masses: Any, name: str = "p") -> None:
        self.masses = checked_masses(masses, name)
        self.shape = np.shape(masses)

    @cached_property
    def total(self) -> float:
        """The sum of the masses as they were given, by which they are meant to be divided."""
        return math.fsum(self.masses)

    def logpdf(self, x: Any) -> Array:
        at = np.asarray(x, dtype=np.float64)
        inside = (at == np.floor(at)) & (at >= 0) & (at < len(self.masses))
        with np.errstate(divide="ignore"):
            logs = np.log(self.masses / self.total)
        return np.where(inside, logs[np.where(inside, at, 0).astype(int)], -np.inf)

    def sample(self, n: int, seed: int) -> Array:
        draw = np.random.default_rng(seed)
        return draw.choice(len(self.masses), n, p=self.masses / self.masses.sum()).astype(np.float64)


def checked_masses(masses: Any, name: str) -> Array:
    """Return probabilities as float64 (n,). Raises UserError: empty, not numbers, nan, negative, a sum not 1."""
    wanted = "probabilities that sum to 1"
    masses = masses.detach().cpu() if hasattr(masses, "detach") else masses  # a tensor of torch
    try:
        exact = SUM if np.asarray(masses).dtype.name not in ("float32", "float16") else SUM_OF_SHORT
        found = np.asarray(masses, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise UserError(f"{name} is not an array of numbers", wanted) from None
    if not len(found):
        raise UserError(f"{name} is empty", wanted)
    if not np.isfinite(found).all():
        at = int((~np.isfinite(found)).argmax())
        raise UserError(f"{name} holds nan or inf, the first at place {at + 1}", wanted)
    if (found < 0).any():
        at = int((found < 0).argmax())
        raise UserError(f"{name} holds the negative number {found[at]:g} at place {at + 1}", wanted)
    total = math.fsum(found)
    if abs(total - 1) > exact:
        raise UserError(f"{name} sums to {total:.12g}", wanted,
                        "divide it by its sum" if total > 0 else "give at least one positive number")
    return found


class Lattice(Distribution):
    """A discrete distribution of scipy.stats, frozen."""

    def __init__(self, frozen: Any) -> None:
        self.frozen = frozen

    def logpdf(self, x: Any) -> Array:
        return self.frozen.logpmf(np.asarray(x, dtype=np.float64))

    def sample(self, n: int, seed: int) -> Array:
        return self.frozen.rvs(n, random_state=np.random.default_rng(seed)).astype(np.float64)


QUANTILES = (1e-30, 1e-12, 1e-6, 1e-3, 0.03, 0.25, 0.5)
"""Quantiles at which panels of an integral begin, with their mirror images."""
MIRRORED = ("beta", "arcsine")
"""Distributions of scipy whose density near the upper end of the support is asked for from that end."""


class Line(Distribution):
    """A density on the line: a mixture of frozen continuous distributions of scipy.stats.

    Args:
        weights: positive, with sum 1. parts: frozen distributions.
    """

    def __init__(self, weights: Sequence[float], parts: Sequence[Any]) -> None:
        self.weights, self.parts = np.asarray(weights, dtype=np.float64), tuple(parts)

    def logpdf(self, x: Any) -> Array:
        return self.beside(0.0, np.asarray(x, dtype=np.float64))

    def beside(self, base: float, offset: Array) -> Array:
        """Return the log density at base + offset, with all digits of offset where the density begins at base."""
        with np.errstate(all="ignore"):
            return self._together([_beside(part, base, offset) for part in self.parts])

    def _together(self, logs: list[Array]) -> Array:
        if len(logs) == 1:
            return np.asarray(logs[0], dtype=np.float64)
        return np.logaddexp.reduce([log + math.log(w) for log, w in zip(logs, self.weights, strict=True)], axis=0)

    def sample(self, n: int, seed: int) -> Array:
        draw = np.random.default_rng(seed)
        counts = draw.multinomial(n, self.weights)
        found = [part.rvs(int(c), random_state=draw) for part, c in zip(self.parts, counts, strict=True)]
        return draw.permutation(np.concatenate(found).astype(np.float64))

    @cached_property
    def edges(self) -> tuple[float, ...]:
        """Finite ends of supports, and points at which the density is infinite."""
        found = set()
        for part in self.parts:
            found |= {float(x) for x in part.support() if np.isfinite(x)}
            with np.errstate(all="ignore"):
                middle = _loc_scale(part)[1]
                if np.isinf(part.logpdf(middle)) and part.support()[0] < middle < part.support()[1]:
                    found.add(middle)
        return tuple(sorted(found))

    @cached_property
    def landmarks(self) -> tuple[float, ...]:
        """Quantiles of every part, far out ones too."""
        found = [x for part in self.parts for x in [*part.ppf(QUANTILES), *part.isf(QUANTILES)]]
        return tuple(sorted({float(x) for x in found if np.isfinite(x)}))

    def covers(self, x: float) -> bool:
        """Whether x lies inside the support of a part."""
        return any(part.support()[0] < x < part.support()[1] for part in self.parts)

    def mass(self, low: float, high: float) -> float:
        """Return the probability of [low, high]."""
        total = 0.0
        for weight, part in zip(self.weights, self.parts, strict=True):
            upper = part.cdf(low) > 0.5
            total += weight * float(part.sf(low) - part.sf(high) if upper else part.cdf(high) - part.cdf(low))
        return total


def _loc_scale(part: Any) -> tuple[tuple[Any, ...], float, float]:
    shapes, loc, scale = part.dist._parse_args(*part.args, **part.kwds)
    return shapes, float(loc), float(scale)


def _beside(part: Any, base: float, offset: Array) -> Array:
    shapes, loc, scale = _loc_scale(part)
    if part.dist.name in MIRRORED and base == loc + scale:
        return part.dist.logpdf(-offset / scale, *shapes[::-1]) - math.log(scale)
    z = ((base - loc) + offset) / scale
    if part.dist.name == "laplace":  # scipy takes the logarithm of the density, which is 0 far out
        return -np.abs(z) - math.log(2 * scale)
    return part.dist.logpdf(z, *shapes) - math.log(scale)


@dataclass(frozen=True, eq=False)
class GaussianMixture(Distribution):
    """A mixture of Gaussians in any dimension; one component is a Gaussian.

    Args:
        weights: (k,), positive, with sum 1 within 1e-9.
        means: (k, d), or (k,) on the line.
        covariances: (k, d, d), positive definite; (d, d) for all; variances (k,) or a number on the line.

    Raises:
        UserError: shapes that do not fit, not finite, weights, a covariance that is not positive definite.
    """

    weights: Array
    means: Array
    covariances: Array

    def __post_init__(self) -> None:
        weights = checked_masses(self.weights, "weights")
        if (weights == 0).any():
            raise UserError("a weight is 0", "positive weights", "leave that component out")
        try:
            means = np.asarray(self.means, dtype=np.float64).reshape(len(weights), -1)
            d = means.shape[1]
            given = np.asarray(self.covariances, dtype=np.float64)
            whole = np.broadcast_to(given.reshape(-1, d, d), (len(weights), d, d)).copy()
        except (TypeError, ValueError):
            raise UserError(f"{len(weights)} weights, means of shape {np.shape(self.means)}, covariances of shape "
                            f"{np.shape(self.covariances)}", "shapes (k,), (k, d) and (k, d, d)") from None
        if not (np.isfinite(means).all() and np.isfinite(whole).all()):
            raise UserError("a mean or a covariance holds nan or inf", "finite numbers")
        if d == 0:
            raise UserError("means without coordinates", "shape (k, d) with d of at least 1")
        for i, covariance in enumerate(whole):
            if np.abs(covariance - covariance.T).max() > 1e-8 * np.abs(covariance).max():
                raise UserError(f"covariance {i + 1} is not symmetric", "a covariance matrix")
            if np.linalg.eigvalsh(covariance)[0] <= 0:
                raise UserError(f"covariance {i + 1} is not positive definite", "a density",
                                "a Gaussian on a subspace has none; give it some width")
        for name, value in (("weights", weights / weights.sum()), ("means", means), ("covariances", whole)):
            object.__setattr__(self, name, value)

    @property
    def dimension(self) -> int:  # type: ignore[override]
        return self.means.shape[1]

    @cached_property
    def factors(self) -> Array:
        """Inverses of the covariances' lower triangular factors, (k, d, d)."""
        return np.linalg.inv(np.linalg.cholesky(self.covariances))

    def logpdf(self, x: Any) -> Array:
        points = np.asarray(x, dtype=np.float64).reshape(-1, self.dimension)
        logs = np.empty((len(self.weights), len(points)))
        columns = np.ascontiguousarray(points.T)
        for row, weight, mean, factor in zip(logs, self.weights, self.means, self.factors, strict=True):
            row[:] = math.log(weight) + np.log(np.diagonal(factor)).sum() - 0.5 * self.dimension * LOG_2PI
            for i in range(self.dimension):  # a column at a time: narrow matrices are slow to multiply
                away = sum(factor[i, j] * (columns[j] - mean[j]) for j in range(i + 1) if factor[i, j])
                row -= 0.5 * np.square(away)
        if len(logs) == 1:
            return logs[0]
        top = logs.max(axis=0)
        logs -= top
        return top + np.log(np.exp(logs, out=logs).sum(axis=0))

    def sample(self, n: int, seed: int) -> Array:
        draw = np.random.default_rng(seed)
        which = draw.choice(len(self.weights), n, p=self.weights)
        noise = draw.standard_normal((n, self.dimension))
        found = self.means[which] + np.einsum("nij,nj->ni", np.linalg.cholesky(self.covariances)[which], noise)
        return found[:, 0] if self.dimension == 1 else found

    def as_line(self) -> Line:
        """Return the same density as a ``Line``; for dimension 1."""
        from scipy import stats

        spreads = np.sqrt(self.covariances[:, 0, 0])
        return Line(list(self.weights), [stats.norm(m, s) for m, s in zip(self.means[:, 0], spreads, strict=True)])


def as_line(given: Distribution) -> Line:
    """Return a density on the line as a ``Line``."""
    if isinstance(given, GaussianMixture) and given.dimension == 1:
        return given.as_line()
    if not isinstance(given, Line):
        raise UserError(f"a {type(given).__name__}", "a density on the line")
    return given


def as_distribution(given: Any, name: str = "p") -> Distribution:
    """Return a distribution as one of this module's.

    Args:
        given: a ``Distribution``, text (see ``distribution``), an array of probabilities, or a distribution of
            scipy.stats, frozen or without parameters.

    Raises:
        UserError: none of these.
    """
    if isinstance(given, Distribution):
        return given
    if isinstance(given, str):
        from ganworks.measure.texts import distribution

        return distribution(given)
    kind = type(given).__module__
    if kind.startswith("scipy.stats"):
        return _from_scipy(given, name)
    return Atoms(given, name)


def _from_scipy(given: Any, name: str) -> Distribution:
    from scipy import stats

    if isinstance(given, stats.rv_continuous | stats.rv_discrete):
        try:
            given = given()
        except TypeError:
            raise UserError(f"{name}: scipy.stats.{given.name} without its parameters", "a distribution",
                            f"freeze it: scipy.stats.{given.name}({given.shapes}=...)") from None
    inner = getattr(given, "dist", None)
    if isinstance(inner, stats.rv_discrete):
        return Lattice(given)
    if isinstance(inner, stats.rv_continuous):
        if np.ndim(given.mean()) or (not np.isfinite(given.support()[0]) and np.isnan(given.support()[0])):
            raise UserError(f"{name}: scipy.stats.{inner.name} with parameters outside their ranges, or arrays of them",
                            "one distribution")
        if inner.name == "norm":
            _, loc, scale = _loc_scale(given)
            return GaussianMixture([1.0], [[loc]], [[[scale**2]]])  # type: ignore[arg-type]
        return Line([1.0], [given])
    if hasattr(given, "mean") and hasattr(given, "cov"):
        return GaussianMixture([1.0], np.atleast_2d(given.mean), np.atleast_2d(given.cov)[None])  # type: ignore[arg-type]
    raise UserError(f"{name} is a {type(given).__name__} of scipy.stats", "a univariate distribution or "
                                                                         "multivariate_normal, frozen")
