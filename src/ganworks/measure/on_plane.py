"""f-divergences of mixtures of Gaussians in the plane, by adaptive cubature over boxes that fit the components."""

from __future__ import annotations

import numpy as np

from ganworks.measure.adaptive import Integral, gauss_kronrod, genz_malik, integrate
from ganworks.measure.distributions import GaussianMixture
from ganworks.measure.integrand import EPS, Integrand
from ganworks.measure.result import Value, infinite

Array = np.ndarray
REACH = 9.0
"""Standard deviations around a component that the first boxes cover: what lies outside is below 1e-17."""
FINE = 3.0
"""Standard deviations of the narrowest component near a box that the box may be wide to begin with."""
CUT = 45.0
BUDGET = 4_000_000
FINEST = 1e-7
"""Relative tolerance below which the plane is not asked for, in the time there is."""
GROWTHS = 4


def of_planes(integrand: Integrand, p: GaussianMixture, q: GaussianMixture, tolerance: float) -> Value:
    """Return the divergence of two mixtures in the plane.

    Args:
        tolerance: relative; taken as 1e-7 where it is smaller.
    """
    p, q = _whitened(p, q)

    def evaluate(points: Array, tags: Array) -> tuple[Array, Array]:
        flat = points.reshape(-1, 2)
        log_p, log_q = p.logpdf(flat), q.logpdf(flat)
        log, sign = integrand.logs(log_p, log_q)
        value = np.exp(log)
        noise = np.where(value > 0, value * integrand.rounding(log_p, log_q), 0.0)
        return (sign * value).reshape(points.shape[:2]), noise.reshape(points.shape[:2])

    with np.errstate(all="ignore"):
        low, high, diverges = _region(integrand, p, q)
        if diverges:
            return infinite("the integral diverges: towards infinity p/q outgrows q", "cubature")
        tolerance = max(tolerance, FINEST)
        for _ in range(GROWTHS):
            found = _over(evaluate, integrand, p, q, low, high, tolerance)
            if found.edge <= tolerance / 10 * abs(found.value):
                break
            low, high = low - (high - low) / 4, high + (high - low) / 4
    reason = "" if found.reached else f"stopped after {found.points:,} evaluations"
    return Value(integrand.offset + found.value, found.error + 2 * found.edge + EPS * abs(integrand.offset), "cubature",
                 reason)


def profile(integrand: Integrand, p: GaussianMixture, q: GaussianMixture, points: Array) -> Array:
    """Return q F(p/q) at points (n, 2), for a picture."""
    with np.errstate(all="ignore"):
        log, sign = integrand.logs(p.logpdf(points), q.logpdf(points))
        return sign * np.exp(log)


def _over(evaluate, integrand: Integrand, p: GaussianMixture, q: GaussianMixture, low: Array, high: Array,  # type: ignore[no-untyped-def]
          tolerance: float) -> Integral:
    lows, highs = _boxes(p, q, low, high)
    rule = genz_malik() if integrand.kinked else gauss_kronrod(2)
    return integrate(evaluate, lows, highs, np.zeros(len(lows), dtype=int), rule, tolerance, BUDGET, (low, high))


def _whitened(p: GaussianMixture, q: GaussianMixture) -> tuple[GaussianMixture, GaussianMixture]:
    """Return both in coordinates in which components are round on average; no f-divergence sees the difference."""
    pooled = sum(np.einsum("k,kij->ij", m.weights, m.covariances) for m in (p, q)) / 2
    turn = np.linalg.inv(np.linalg.cholesky(pooled))
    middle = (p.weights @ p.means + q.weights @ q.means) / 2
    return tuple(GaussianMixture(m.weights, (m.means - middle) @ turn.T,  # type: ignore[return-value]
                                 turn @ m.covariances @ turn.T) for m in (p, q))


def _spreads(m: GaussianMixture) -> Array:
    """Return the standard deviations of the components along the axes, (k, 2)."""
    return np.sqrt(np.einsum("kii->ki", m.covariances))


def _region(integrand: Integrand, p: GaussianMixture, q: GaussianMixture) -> tuple[Array, Array, bool]:
    """Return corners of a box outside of which nothing counts, and whether the integrand grows towards infinity."""
    spreads = [_spreads(m) for m in (p, q)]
    low = np.min([(m.means - REACH * s).min(axis=0) for m, s in zip((p, q), spreads, strict=True)], axis=0)
    high = np.max([(m.means + REACH * s).max(axis=0) for m, s in zip((p, q), spreads, strict=True)], axis=0)
    radii = np.geomspace(min(s.min() for s in spreads), 1e6 * float(np.abs([low, high]).max()), 240)
    directions = _directions(p, q)
    points = radii[:, None, None] * directions
    log, _ = integrand.logs(p.logpdf(points.reshape(-1, 2)), q.logpdf(points.reshape(-1, 2)))
    log = log.reshape(len(radii), -1) + 2 * np.log(radii)[:, None]
    log = np.where(np.isnan(log), -np.inf, log)
    top = log[:-1].max()
    if (log[-1] > log[-20]).any():
        return low, high, True
    counts = points[log > min(top, 0.0) - CUT] if np.isfinite(top) else np.zeros((1, 2))
    return np.minimum(low, counts.min(axis=0)), np.maximum(high, counts.max(axis=0)), False


def _directions(p: GaussianMixture, q: GaussianMixture) -> Array:
    """Return unit vectors: all round, between means, and those in which two components' tails differ the most."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    found = [np.stack([np.cos(angles), np.sin(angles)], axis=1)]
    means = np.concatenate([p.means, q.means])
    between = (means[:, None] - means[None]).reshape(-1, 2)
    found.append(between[np.linalg.norm(between, axis=1) > 0][:2000])
    first, second = (np.unique(np.linalg.inv(m.covariances).round(12), axis=0) for m in (p, q))
    for one in first:
        for other in second:
            axes = np.linalg.eigh(one - other)[1].T
            found += [axes, -axes]
    whole = np.concatenate(found)
    return whole / np.linalg.norm(whole, axis=1, keepdims=True)


def _boxes(p: GaussianMixture, q: GaussianMixture, low: Array, high: Array) -> tuple[Array, Array]:
    """Return boxes that fill the region, small where a narrow component is near."""
    means = np.concatenate([p.means, q.means])
    spreads = np.concatenate([_spreads(p), _spreads(q)])
    lows, highs, done = low[None], high[None], []
    while len(lows):
        away = np.maximum(np.maximum(lows[:, None] - means, means - highs[:, None]), 0) / spreads
        near = (away <= REACH - 3).all(axis=2)
        widest = np.where(near[..., None], FINE * spreads, np.inf).min(axis=1)
        split = (highs - lows > widest).any(axis=1)
        done.append((lows[~split], highs[~split]))
        lows, highs = _halved(lows[split], highs[split], widest[split])
    return np.concatenate([a for a, _ in done]), np.concatenate([b for _, b in done])


def _halved(low: Array, high: Array, widest: Array) -> tuple[Array, Array]:
    """Return boxes cut across the axis in which they are too wide the most."""
    axis = ((high - low) / widest).argmax(axis=1)
    rows = np.arange(len(low))
    middle = (low[rows, axis] + high[rows, axis]) / 2
    left, right = high.copy(), low.copy()
    left[rows, axis], right[rows, axis] = middle, middle
    return np.concatenate([low, right]), np.concatenate([left, high])
