"""sqrt(JS) is a metric and JS is none (Endres and Schindelin 2003; Osterreicher and Vajda 2003): looked at on triples.

The third distribution of a triple is the middle of the other two, through which the way is often shorter by JS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.measure.distributions import Atoms, Distribution, GaussianMixture, Line, as_line
from ganworks.measure.divergence import divergence

SLACK = 1e-12


@dataclass(frozen=True)
class Triangle:
    """JS of p and q, of p and a third, of the third and q."""

    whole: float
    first: float
    second: float

    @property
    def divergence_holds(self) -> bool:
        """Whether JS itself keeps the triangle inequality here."""
        return self.whole <= (self.first + self.second) * (1 + SLACK)

    @property
    def root_holds(self) -> bool:
        """Whether sqrt(JS) keeps it, as it always must."""
        return math.sqrt(self.whole) <= (math.sqrt(self.first) + math.sqrt(self.second)) * (1 + SLACK)

    def text(self) -> str:
        """Return both inequalities in two lines."""
        roots = [math.sqrt(x) for x in (self.whole, self.first, self.second)]
        broken = "" if self.divergence_holds else ": broken, JS is no metric"
        return (f"triangle by the middle m = (p + q)/2:  JS(p,q) {self.whole:.6g}, JS(p,m) + JS(m,q) "
                f"{self.first + self.second:.6g}{broken}\n"
                f"{'':39}sqrt JS {roots[0]:.6g}, {roots[1] + roots[2]:.6g}"
                f"{': holds, sqrt(JS) is one' if self.root_holds else ': broken, which cannot be'}")


def is_metric(p: Any, q: Any, third: Any) -> Triangle:
    """Return JS of the three pairs of a triple, and whether JS and sqrt(JS) keep the triangle inequality."""
    return Triangle(*(divergence("js", x, y).value for x, y in ((p, q), (p, third), (third, q))))


def triangle(p: Distribution, q: Distribution) -> Triangle | None:
    """Return the triple of p, q and their middle; None where there is none, or it would take long."""
    middle = _middle(p, q)
    return None if middle is None else is_metric(p, q, middle)


def _middle(p: Distribution, q: Distribution) -> Distribution | None:
    if isinstance(p, Atoms) and isinstance(q, Atoms):
        return Atoms(((p.masses / p.total + q.masses / q.total) / 2).reshape(p.shape))
    if isinstance(p, GaussianMixture) and isinstance(q, GaussianMixture) and p.dimension == 1:
        return GaussianMixture(np.concatenate([p.weights, q.weights]) / 2, np.concatenate([p.means, q.means]),
                               np.concatenate([p.covariances, q.covariances]))
    if p.dimension == 1 and isinstance(p, Line | GaussianMixture) and isinstance(q, Line | GaussianMixture):
        first, second = as_line(p), as_line(q)
        return Line(list(np.concatenate([first.weights, second.weights]) / 2), [*first.parts, *second.parts])
    return None
