"""The generator's true force on a family one can look at: p = N(0, 1), q = N(0, s^2), the critic at its best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mpmath import mp

from ganworks.design.evaluate import Function, Number, Undefined

if TYPE_CHECKING:
    from ganworks.design.design import Design

SCALE = 0.5


@dataclass(frozen=True)
class Force:
    """Two derivatives with respect to s.

    Attributes:
        followed: of E_q beta(t) with the critic held at its best: what the generator follows.
        claimed: of the value E_p alpha + E_q beta at the best critic: what it is said to descend.
        words: both, as a sentence.
    """

    followed: float
    claimed: float
    words: str


def force_on_scale(design: Design, s: float = SCALE) -> Force:
    """Return the force on the scale of q = N(0, s^2) against p = N(0, 1), and the gradient of the claimed value.

    With dq/ds = q (x^2 / s^3 - 1/s) they are int dq/ds beta(omega(r)) dx and int dq/ds (alpha + r beta)'(r) dx.
    """
    from ganworks.design.checks_generator import value_function

    whole, beta = value_function(design), design.generator.beta_of
    with mp.workdps(20):
        followed = float(_integral(beta, s))
        claimed = float(_integral(lambda r: mp.diff(whole, r), s))
    same = np.sign(followed) == np.sign(claimed)
    words = (f"at p = N(0, 1), q = N(0, {s}^2) the followed gradient is {followed:+.4f}, that of the value "
             f"{claimed:+.4f}"
             f"{'' if same else ': opposite signs'}")
    return Force(followed, claimed, words)


def _integral(function: Function, s: float) -> Number:
    # Gauss-Legendre on [0, 12 s]; the integrand is even and q has no mass beyond.
    nodes, weights = np.polynomial.legendre.leggauss(80)
    x = 6 * s * (nodes + 1)
    total = mp.mpf(0)
    for at, weight in zip(x, weights, strict=True):
        log_ratio = -at**2 / (2 * s**2) - np.log(s) + at**2 / 2
        change = np.exp(-at**2 / (2 * s**2)) / (s * np.sqrt(2 * np.pi)) * (at**2 / s**3 - 1 / s)
        try:
            total += mp.mpf(weight * change) * function(mp.exp(mp.mpf(log_ratio)))
        except (Undefined, ArithmeticError, ValueError):
            return mp.nan
    return total * 12 * s


