"""Toy densities that are known exactly: sampled afresh for each batch, so that there is nothing to memorise."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch

from ganworks.data.source import Batch, Source
from ganworks.errors import UserError
from ganworks.seeds import mix

WIDEST = 2  # longest piece of a curve that one quadrature rule covers, in sd
HALVINGS = 8  # how often the pieces at the ends are halved
HELD = 2**20  # distances that are held in memory at once


class Toy(Source):
    """A density on R^d that can be sampled and evaluated."""

    def __len__(self) -> int:
        return 0

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``n`` independent points, float32 (n, d)."""

    @abstractmethod
    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Return the log density at ``x`` (n, d) as float64 (n,)."""

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> Batch:
        # Named "toy", so that the latents of the same batch, also a function of (seed, k), are other numbers.
        drawn = self.sample(size, np.random.default_rng(mix("toy", seed, k)))[shard]
        return {"sample": torch.from_numpy(np.ascontiguousarray(drawn))}

    def head(self, count: int) -> Batch:
        return self._drawn(count, "head")

    def unseen(self, count: int) -> Batch:
        return self._drawn(count, "unseen")

    def _drawn(self, count: int, purpose: str) -> Batch:
        return {"sample": torch.from_numpy(self.sample(count, np.random.default_rng(mix("toy", purpose))))}


class Mixture(Toy):
    """A mixture of spherical Gaussians.

    Attributes:
        modes: their means, float64 (M, d).
        sd: their standard deviations in every direction, float64 (M,).
        weights: their probabilities, float64 (M,).
    """

    def __init__(self, modes: np.ndarray | Sequence, sd: float | Sequence[float],
                 weights: Sequence[float] | None = None, name: str = "mixture") -> None:
        self.modes = np.asarray(modes, dtype=np.float64)
        if self.modes.ndim == 1:
            self.modes = self.modes[:, None]
        count = len(self.modes)
        self.sd = np.broadcast_to(np.asarray(sd, dtype=np.float64), (count,)).copy()
        given = np.full(count, 1.0) if weights is None else np.asarray(weights, dtype=np.float64)
        if given.shape != (count,) or (given <= 0).any() or (self.sd <= 0).any():
            raise UserError(f"a mixture of {count} modes with sd {sd} and weights {weights}",
                            f"positive sd, and {count} positive weights")
        self.weights = given / given.sum()
        self.name, self.shape = name, (self.modes.shape[1],)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        which = rng.choice(len(self.modes), size=n, p=self.weights)
        noise = rng.standard_normal((n, self.shape[0]))
        return (self.modes[which] + self.sd[which, None] * noise).astype(np.float32)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        return _log_sum_of_gaussians(x, self.modes, self.sd, np.log(self.weights))


class NoisyCurves(Toy):
    """Points on plane curves with Gaussian noise: x = c(t) + sd * e, where one of the curves is drawn first.

    The density is the integral of N(x; c(t), sd^2) p(t) over t. It is taken by Gauss-Legendre quadrature with 16
    nodes on every piece of a curve that is at most 2 sd long, shorter at its ends: the log density of the named
    toys is then right to 1e-9 within ten units of the curve.

    Args:
        curves: functions of t in [0, 1], (n,) -> (n, 2).
        p: density of t on [0, 1], vectorised.
        draw: maps uniform numbers to t, the inverse of p's distribution function.
        sd: the noise's standard deviation in each coordinate.
        length: an upper bound of max |c'(t)|.
    """

    def __init__(self, curves: Sequence[Callable[[np.ndarray], np.ndarray]], p: Callable[[np.ndarray], np.ndarray],
                 draw: Callable[[np.ndarray], np.ndarray], sd: float, length: float, name: str) -> None:
        self.curves, self.sd, self.name, self.shape = tuple(curves), float(sd), name, (2,)
        self._draw = draw
        # Far from a curve all the mass may come from a short stretch at its end, hence the halved pieces there.
        edges = np.linspace(0, 1, int(np.ceil(length / (WIDEST * sd))) + 1)
        halved = edges[1] * 0.5 ** np.arange(1, HALVINGS + 1)
        edges = np.sort(np.concatenate([edges, halved, 1 - halved]))
        node, weight = np.polynomial.legendre.leggauss(16)
        wide = np.diff(edges)[:, None]
        t = (edges[:-1, None] + wide * (node + 1) / 2).ravel()
        mass = (wide * weight / 2).ravel() * p(t) / len(self.curves)
        self._centres = np.concatenate([c(t) for c in self.curves])
        self._log_mass = np.log(np.tile(mass, len(self.curves)))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        which, t = rng.integers(len(self.curves), size=n), self._draw(rng.random(n))
        points = np.stack([c(t) for c in self.curves])[which, np.arange(n)]
        return (points + self.sd * rng.standard_normal((n, 2))).astype(np.float32)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        return _log_sum_of_gaussians(x, self._centres, np.full(len(self._centres), self.sd), self._log_mass)


def mixture1d(modes: Sequence[float] = (-2.0, 0.0, 2.0), sd: float | Sequence[float] = 0.3,
              weights: Sequence[float] | None = (0.3, 0.4, 0.3)) -> Mixture:
    """Return a mixture of Gaussians on the line; by default three that overlap little."""
    return Mixture(modes, sd, weights, "mixture1d")


def ring8(radius: float = 1.0, sd: float = 0.01) -> Mixture:
    """Return 8 equal Gaussians on a circle.

    Radius 1 and sd 0.01 are the 2-D ring of VEEGAN (Srivastava et al. 2017) as the public implementations of its
    protocol have it. A sample within 3 sd of a mode is of high quality.
    """
    angle = 2 * np.pi * np.arange(8) / 8
    return Mixture(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), sd, name="ring8")


def grid25(spacing: float = 2.0, sd: float = 0.05) -> Mixture:
    """Return 25 equal Gaussians on a 5 x 5 grid about the origin.

    Means (-4 + 2i, -4 + 2j) and sd 0.05 are the 2-D grid of VEEGAN (Srivastava et al. 2017) as the public
    implementations of its protocol have it.
    """
    line = spacing * (np.arange(5) - 2.0)
    return Mixture(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(25, 2), sd, name="grid25")


def moons(sd: float = 0.1) -> NoisyCurves:
    """Return two half circles of radius 1, as scikit-learn's ``make_moons(noise=sd)`` draws them."""
    def upper(t: np.ndarray) -> np.ndarray:
        return np.stack([np.cos(np.pi * t), np.sin(np.pi * t)], axis=1)

    def lower(t: np.ndarray) -> np.ndarray:
        return np.stack([1 - np.cos(np.pi * t), 0.5 - np.sin(np.pi * t)], axis=1)

    return NoisyCurves([upper, lower], np.ones_like, lambda u: u, sd, np.pi, "moons")


def spiral(turns: float = 2.0, radius: float = 2.0, sd: float = 0.05) -> NoisyCurves:
    """Return an Archimedean spiral from the origin out to ``radius``, about equally dense along its length."""
    def arm(t: np.ndarray) -> np.ndarray:
        angle = 2 * np.pi * turns * t
        return radius * t[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    # Length grows with t^2, so t = sqrt(uniform), whose density is 2t, spreads the points evenly along the arm.
    length = radius * np.hypot(1.0, 2 * np.pi * turns)
    return NoisyCurves([arm], lambda t: 2 * t, np.sqrt, sd, length, "spiral")


TOYS: dict[str, Callable[[], Toy]] = {
    "mixture1d": mixture1d, "ring8": ring8, "grid25": grid25, "moons": moons, "spiral": spiral}
"""The toys that can be asked for by name."""


def _log_sum_of_gaussians(x: np.ndarray, centres: np.ndarray, sd: np.ndarray, log_mass: np.ndarray) -> np.ndarray:
    """Return log sum_j exp(log_mass_j) N(x_i; centres_j, sd_j^2 I) as float64 (n,), for x (n, d), centres (m, d)."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != centres.shape[1]:
        raise UserError(f"points of shape {x.shape}", f"(n, {centres.shape[1]})")
    constant = log_mass - centres.shape[1] * np.log(sd * np.sqrt(2 * np.pi))
    parts = []
    for rows in np.array_split(x, max(1, -(-len(x) * len(centres) // HELD))):
        squared = sum((rows[:, None, j] - centres[None, :, j]) ** 2 for j in range(x.shape[1]))
        exponent = constant - squared / (2 * sd**2)
        most = exponent.max(axis=1, keepdims=True)
        parts.append(most[:, 0] + np.log(np.exp(exponent - most).sum(axis=1)))
    return np.concatenate(parts)
