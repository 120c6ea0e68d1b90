"""The value of a divergence, with its error and how it was found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganworks.measure.integrand import Integrand


@dataclass(frozen=True)
class Value:
    """A divergence.

    Attributes:
        value: the number; inf where it is infinite.
        error: a bound on how far the number is off, estimated from above; inf where nothing can be said.
        method: "sum", "closed form", "quadrature", "cubature" or "supports" (which decided).
        reason: why it is infinite, or what is wrong with the error; "" otherwise.
    """

    value: float
    error: float
    method: str
    reason: str = ""

    def __float__(self) -> float:
        return self.value


def infinite(reason: str, method: str = "sum") -> Value:
    """Return an infinite divergence."""
    return Value(math.inf, 0.0, method, reason)


def lone(integrand: Integrand, alone: float, missing: float) -> Value | None:
    """Return inf with the reason where mass without a counterpart makes the divergence infinite, else None.

    Args:
        alone: mass of p where q has none; missing: mass of q where p has none.
    """
    if alone > 0 and math.isinf(integrand.at_infinity):
        return infinite(f"p has mass {alone:.6g} where q has none, and f(u)/u grows without bound", "supports")
    if missing > 0 and math.isinf(integrand.at_zero):
        return infinite(f"q has mass {missing:.6g} where p has none, and f(0) is infinite", "supports")
    return None
