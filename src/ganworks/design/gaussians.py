"""Two normal laws, N(0, 1) real and N(shift, 1) generated: the integrals of the game to 30 digits.

``parts`` is the number of nodes per unit of the trapezoidal rule (``claims.line_integral``); 6 and more give 30 digits
for shifts up to 1. Logits are exact, so that nothing overflows in the tails.
"""

from __future__ import annotations

from typing import Any

from mpmath import mp

from ganworks.design.claims import line_integral

Number = Any
"""A real or complex number of mpmath."""
LOW, HIGH = -14, 20


def normal(x: Number, mean: Number) -> Number:
    return mp.exp(-((x - mean) ** 2) / 2) / mp.sqrt(2 * mp.pi)


def log_ratio(x: Number, shift: Number) -> Number:
    """log p/p_G, the best critic's output."""
    return shift**2 / 2 - shift * x


def softplus(v: Number) -> Number:
    return mp.log1p(mp.exp(v)) if mp.re(v) < 0 else v + mp.log1p(mp.exp(-v))


def value(shift: Number, moved: Number, parts: int) -> Number:
    """V(D, G) where the logit of D is the best one plus ``moved``."""

    def integrand(x: mp.mpf) -> Number:
        v = log_ratio(x, shift) + moved
        return -normal(x, 0) * softplus(-v) - normal(x, shift) * softplus(v)

    return line_integral(integrand, LOW, HIGH, parts)


def kl_to_mixture(mean: Number, other: Number, parts: int) -> Number:
    """KL(N(mean, 1) || m), m the half-half mixture with N(other, 1), from the densities themselves."""

    def integrand(x: mp.mpf) -> Number:
        one, two = normal(x, mean), normal(x, other)
        return one * mp.log(2 * one / (one + two))

    return line_integral(integrand, LOW, HIGH, parts)


def jensen_shannon(shift: Number, parts: int) -> Number:
    """JS(N(0, 1), N(shift, 1))."""
    return (kl_to_mixture(0, shift, parts) + kl_to_mixture(shift, 0, parts)) / 2


def kl_from_mixture(shift: Number, parts: int) -> Number:
    """KL(m || N(0, 1)), m the half-half mixture with N(shift, 1)."""

    def integrand(x: mp.mpf) -> Number:
        real, middle = normal(x, 0), (normal(x, 0) + normal(x, shift)) / 2
        return middle * mp.log(middle / real)

    return line_integral(integrand, LOW, HIGH, parts)
