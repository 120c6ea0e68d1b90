"""f-divergences of two Gaussians in closed form, in any dimension.

With f'' = c u^(a - 2) the divergence is c (int p^a q^(1 - a) - 1) / (a (a - 1)), which holds Pearson's (a = 2),
Neyman's (a = -1) and Hellinger's (a = 1/2); a = 1 and a = 0 are the two of Kullback and Leibler (Liese and Vajda 1987).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from mpmath import mp

from ganworks.measure.distributions import GaussianMixture
from ganworks.measure.integrand import EPS, Integrand
from ganworks.measure.result import Value, infinite

Array = np.ndarray
POINTS = ("-3.7", "-1.1", "-0.3", "0.9", "2.3", "4.1")
"""log u at which an f is compared with powers."""


@dataclass(frozen=True)
class Powers:
    """F as a sum of ``factor`` times the F of power a."""

    terms: tuple[tuple[float, float], ...]


def powers_of(integrand: Integrand) -> Powers | None:
    """Return f as powers where it is one: a single power, or KL and reverse KL together (Jeffrey)."""
    with mp.workdps(50):
        try:
            points = [mp.mpf(x) for x in POINTS]
            values = [integrand.excess(v) for v in points]
            for terms in (((1, 1), (0, 1)), _single(integrand)):
                shape = [sum(mp.mpf(c) * _power(a, v) for a, c in terms) for v in points]
                factor = values[0] / shape[0]
                if all(abs(x - factor * y) < mp.mpf(10) ** -20 * abs(x) for x, y in zip(values, shape, strict=True)):
                    return Powers(tuple((float(a), float(factor * c)) for a, c in terms))
        except (ArithmeticError, ValueError, TypeError):  # a complex power among them: f is none
            return None
    return None


def _single(integrand: Integrand) -> tuple[tuple[float, float], ...]:
    # F(u) / F(1/u) = u^(2 a - 1) ... only in the limit; the slope of log F'' is a - 2 everywhere.
    step = mp.mpf(10) ** -12

    def curvature(u: float) -> mp.mpf:
        return sum(w * integrand.excess(mp.log(u + k * step)) for k, w in ((-1, 1), (0, -2), (1, 1)))

    a = 2 + mp.log(curvature(mp.mpf(2)) / curvature(mp.mpf(1))) / mp.log(2)
    return ((mp.nint(a * 2520) / 2520 if abs(a * 2520 - mp.nint(a * 2520)) < 1e-8 else mp.nint(a * 10**9) / 10**9, 1),)


def _power(a: float, v: mp.mpf) -> mp.mpf:
    u = mp.exp(v)
    if a == 1:
        return u * v - u + 1
    if a == 0:
        return u - 1 - v
    return (u**a - 1 - a * (u - 1)) / (mp.mpf(a) * (a - 1))


def closed_form(powers: Powers, offset: float, p: GaussianMixture, q: GaussianMixture) -> Value:
    """Return the divergence of two Gaussians (mixtures of one component)."""
    spread, shift = relative(p, q)
    parts = [_of_power(a, spread, shift) for a, _ in powers.terms]
    for (value, _), (a, _) in zip(parts, powers.terms, strict=True):
        if math.isinf(value):
            light = ((1 - a) * spread + a).min() <= 0
            whose = "q" if a > 1 else "p"
            return infinite(f"the integral of p^{a:g} q^{1 - a:g} diverges: the tails of {whose} are too light" if light
                            else "it is beyond the largest number, 1.8e308", "closed form")
    value = math.fsum([offset, *(c * x for (x, _), (_, c) in zip(parts, powers.terms, strict=True))])
    error = math.fsum(abs(c) * e for (_, e), (_, c) in zip(parts, powers.terms, strict=True))
    return Value(value, error + EPS * abs(offset), "closed form")


def relative(p: GaussianMixture, q: GaussianMixture) -> tuple[Array, Array]:
    """Return the variances (d,) and the mean (d,) of p in coordinates in which q is standard and p is diagonal."""
    factor = q.factors[0]
    spread, axes = np.linalg.eigh(factor @ p.covariances[0] @ factor.T)
    return spread, axes.T @ (factor @ (p.means[0] - q.means[0]))


def _of_power(a: float, spread: Array, shift: Array) -> tuple[float, float]:
    """Return the divergence of power a with its rounding error, N(shift, spread) against N(0, 1)."""
    more, logs = spread - 1, np.log(spread)
    slip = 64 * len(spread) * EPS
    if a in (0, 1):
        terms = more - logs if a == 1 else -more / spread + logs
        parts = np.concatenate([terms, np.square(shift) / (1 if a == 1 else spread)]) / 2
        return math.fsum(parts), slip * (math.fsum(np.abs(parts)) + math.fsum(np.minimum(np.abs(more), 1)))
    between = (1 - a) * spread + a
    if between.min() <= 0:
        return math.inf, 0.0
    parts = np.concatenate([((1 - a) * logs - np.log1p((1 - a) * more)), -a * (1 - a) * np.square(shift) / between]) / 2
    scale = a * (a - 1)
    log = math.fsum(parts)
    if log > 700:
        return math.inf, 0.0
    rounding = slip * (math.fsum(np.abs(parts)) + (1 + abs(a)) * math.fsum(np.minimum(np.abs(more), 1)))
    return math.expm1(log) / scale, rounding * math.exp(log) / abs(scale)
