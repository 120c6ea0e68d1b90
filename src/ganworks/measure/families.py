"""Families of generated distributions on which the generator's force is an integral one can trust."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np

from ganworks.errors import UserError, did_you_mean

FAMILIES = {
    "normal_scale": "q = N(0, s^2) against p = N(0, 1); parameter s",
    "normal_shift": "q = N(m, 1) against p = N(0, 1); parameter m",
    "normal": "q = N(m, s^2) against p = N(0, 1); parameters m, s",
    "simplex": "q on a few atoms against p, uniform unless given; parameters: the masses of q",
}
FARTHEST, PANELS, NODES = 37.0, 50, 12
"""How many standard deviations of q an integral reaches (beyond, its density is 0); its panels; nodes of each."""


class Family(Protocol):
    """Distributions q(theta) against a fixed p, as places with weights at which integrands are summed.

    Attributes:
        name: of FAMILIES; letters: of the parameters.
    """

    @property
    def name(self) -> str: ...

    @property
    def letters(self) -> tuple[str, ...]: ...

    def checked(self, at: Any) -> np.ndarray:
        """Return parameters as an array, or raise UserError."""

    def places(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return log p/q (n,), the weights of sums over q (n,), and those of sums over dq/dtheta (k, n)."""


@dataclass(frozen=True)
class Normal:
    """N(m, s^2) against N(0, 1); ``free`` names the parameters that may move, the others are m = 0, s = 1."""

    name: str
    free: tuple[str, ...]

    @property
    def letters(self) -> tuple[str, ...]:
        return self.free

    def checked(self, at: Any) -> np.ndarray:
        values = _vector(at, len(self.free), self.name)
        scale = dict(zip(self.free, values, strict=True)).get("s", 1.0)
        if not 1e-3 <= scale <= 1e3 or np.abs(values).max() > 1e3:
            raise UserError(f"{self.name} at {_shown(values)}", "s from 0.001 to 1000, m up to 1000 from 0")
        return values

    def places(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean, scale = self._both(at)
        breaks = self._crossings(mean, scale)
        if not 0.5 <= scale <= 2 or abs(mean) > 2:  # p is narrower or wider than q, or elsewhere
            breaks += ((np.linspace(-FARTHEST, FARTHEST, PANELS + 1) - mean) / scale).tolist()
        z, weights = _panels(np.array(breaks))
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        x = mean + scale * z
        log_ratio = -(x**2) / 2 + z**2 / 2 + np.log(scale)
        # dq/dm and dq/ds, over q: z/s and (z^2 - 1)/s.
        scores = {"m": z / scale, "s": (z**2 - 1) / scale}
        return log_ratio, weights * density, np.stack([weights * density * scores[letter] for letter in self.free])

    def _both(self, at: np.ndarray) -> tuple[float, float]:
        values = dict(zip(self.free, at.tolist(), strict=True))
        return values.get("m", 0.0), values.get("s", 1.0)

    @staticmethod
    def _crossings(mean: float, scale: float) -> list[float]:
        # Where p = q: z^2/2 - (mean + scale z)^2/2 + log scale = 0. Costs with a corner have it there.
        roots = np.roots([(1 - scale**2) / 2, -mean * scale, np.log(scale) - mean**2 / 2])
        return [float(root.real) for root in roots if abs(root.imag) < 1e-12 and abs(root.real) < FARTHEST]


def _panels(breaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Gauss-Legendre nodes and weights on [-FARTHEST, FARTHEST] with panels that end at the breaks."""
    inside = breaks[np.abs(breaks) < FARTHEST]
    edges = np.unique(np.concatenate([np.linspace(-FARTHEST, FARTHEST, PANELS + 1), inside]))
    nodes, weights = _gauss()
    half = np.diff(edges)[:, None] / 2
    return ((edges[:-1, None] + half) + half * nodes).ravel(), (half * weights).ravel()


@cache
def _gauss() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(NODES)


@dataclass(frozen=True)
class Simplex:
    """Masses on k atoms against p.

    The gradient is with respect to the masses themselves, less its mean: what is left on the plane of sum 1. An atom
    that q has lost stays lost: nothing is generated there.
    """

    p: np.ndarray

    @property
    def name(self) -> str:
        return "simplex"

    @property
    def letters(self) -> tuple[str, ...]:
        return tuple(f"q{k + 1}" for k in range(len(self.p)))

    def checked(self, at: Any) -> np.ndarray:
        values = _vector(at, len(self.p), "simplex")
        if values.min() < 0 or abs(values.sum() - 1) > 1e-9:
            raise UserError(f"masses {_shown(values)}", f"{len(self.p)} numbers, none negative, that sum to 1")
        return values

    def places(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        alive = at > 0
        log_ratio = np.log(self.p[alive]) - np.log(at[alive])
        moves = np.zeros((len(at), int(alive.sum())))
        moves[alive] = np.eye(int(alive.sum())) - 1 / alive.sum()
        return log_ratio, at[alive], moves


def family_named(family: str, p: Any = None) -> Family:
    """Return a family.

    Args:
        family: of FAMILIES; p: of the simplex, positive masses that sum to 1; three equal ones by default.
    """
    if family not in FAMILIES:
        raise UserError(f"unknown family '{family}'", did_you_mean(family, FAMILIES))
    if family == "simplex":
        masses = np.full(3, 1 / 3) if p is None else _vector(p, None, "p")
        if len(masses) < 2 or masses.min() <= 0 or abs(masses.sum() - 1) > 1e-9:
            raise UserError(f"p = {_shown(masses)}", "two or more positive numbers that sum to 1")
        return Simplex(masses)
    if p is not None:
        raise UserError(f"p beside the family '{family}'", "p for the simplex; it is N(0, 1) here")
    return Normal(family, {"normal_scale": ("s",), "normal_shift": ("m",), "normal": ("m", "s")}[family])


def _vector(given: Any, length: int | None, what: str) -> np.ndarray:
    try:
        values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise UserError(f"{what}: {given!r}", "numbers") from None
    if values.ndim != 1 or not np.isfinite(values).all() or (length is not None and len(values) != length):
        raise UserError(f"{what}: {given!r}", f"{length or 'several'} finite number{'s' if length != 1 else ''}")
    return values


def _shown(values: np.ndarray) -> str:
    return ", ".join(f"{value:.6g}" for value in values)
