"""Critics whose best answer is an end point: total variation, hinge, margins; and the Lipschitz critic of WGAN.

Where phi and psi are linear between corners, the best t for any r is a corner, so d(r) is the largest of the lines
phi(c) + r psi(c), and omega jumps at r = 1. These are the limits of smooth designs (tanh(k log r), k to infinity).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import DIGITS
from ganworks.design.evaluate import Number, function_of, number
from ganworks.design.kinks import kinks
from ganworks.design.symbols import R, T

ONE, EDGE = mp.mpf(1), mp.mpf(10) ** -30


@dataclass(frozen=True, eq=False)
class CornerCritic:
    """Terms that are linear between corners.

    Attributes:
        phi, psi: in t.
        corners: the t among which the best one always is, increasing.
        low, high: ends of the domain.
        given: what it was made from, by name.
    """

    phi: Expr
    psi: Expr
    corners: tuple[Expr, ...]
    low: Number
    high: Number
    given: dict[str, Expr]
    labels_swapped: bool = False

    @cached_property
    def lines(self) -> tuple[tuple[Expr, Expr, Expr], ...]:
        """(corner, phi there, psi there)."""
        return tuple((c, self.phi.subs(T, c), self.psi.subs(T, c)) for c in self.corners)

    @cached_property
    def best(self) -> Expr:
        """The unshifted d(r)."""
        return sympy.Max(*[a + R * b for _, a, b in self.lines])

    @cached_property
    def d(self) -> Expr:
        """d(r) less the line that touches it at r = 1 half-way between its one-sided slopes."""
        value = self.best.subs(R, 1)
        slopes = [b for _, a, b in self.lines if sympy.simplify(a + b - value) == 0]
        middle = sympy.Rational(1, 2) * (min(slopes) + max(slopes))
        shifted = self.best - value - middle * (R - 1)
        neat = self._jump_over_two(slopes) * sympy.Abs(R - 1)
        return neat if self._equal(shifted, neat) else shifted

    @staticmethod
    def _jump_over_two(slopes: Sequence[Expr]) -> Expr:
        return (max(slopes) - min(slopes)) / 2

    @staticmethod
    def _equal(left: Expr, right: Expr) -> bool:
        points = [sympy.Rational(k, 7) for k in (1, 3, 6, 8, 15, 40)]
        return all(sympy.simplify(left.subs(R, x) - right.subs(R, x)) == 0 for x in points)

    @cached_property
    def omega(self) -> Expr:
        """The best corner as a function of r; at a tie (r = 1, say) any point between is as good."""
        with mp.workdps(DIGITS):
            below, above = self._corner(ONE - EDGE), self._corner(ONE + EDGE)
            ends = {self._corner(mp.exp(-mp.mpf(80))), self._corner(mp.exp(mp.mpf(80)))}
        if ends <= {below, above}:
            return (below + above) / 2 + (above - below) / 2 * sympy.sign(R - 1)
        pieces = []
        for (first, a1, b1), (_, a2, b2) in zip(self.lines, self.lines[1:], strict=False):
            if b1 != b2:
                pieces.append((first, (a1 - a2) / (b2 - b1) > R))
        return sympy.Piecewise(*pieces, (self.corners[-1], True))

    def _corner(self, r: Number) -> Expr:
        return max(self.lines, key=lambda line: number(line[1]) + r * number(line[2]))[0]

    def omega_of(self, r: Number) -> Number:
        if r == 1:
            return (number(self._corner(ONE - EDGE)) + number(self._corner(ONE + EDGE))) / 2
        return number(self._corner(r))

    def d_of(self, r: Number) -> Number:
        return function_of(self.d, R)(r)

    def phi_of(self, r: Number) -> Number:
        """Return phi(omega(r)) - phi(omega(1))."""
        inner = function_of(self.phi, T)
        return inner(self.omega_of(r)) - inner(self.omega_of(mp.mpf(1)))

    def psi_of(self, r: Number) -> Number:
        """Return psi(omega(r)) - psi(omega(1))."""
        inner = function_of(self.psi, T)
        return inner(self.omega_of(r)) - inner(self.omega_of(mp.mpf(1)))

    @property
    def rho(self) -> Expr:
        return sympy.diff(self.psi, T)


@dataclass(frozen=True, eq=False)
class LipschitzCritic:
    """phi(t) = -t, psi(t) = t over Lipschitz functions t: K times the Wasserstein-1 distance, no f-divergence.

    Attributes:
        bound: the Lipschitz constant K.
    """

    bound: Expr
    given: dict[str, Expr]
    phi: Expr = -T
    psi: Expr = T
    labels_swapped: bool = False
    omega: None = None
    d: None = None
    rho: Expr = sympy.S.One


def corners_of(phi: Expr, psi: Expr, low: Number, high: Number) -> tuple[Expr, ...] | None:
    """Return the corners of piecewise linear terms on [low, high], or None where a piece is curved.

    Raises:
        Undefined: a term is not defined on all of the domain.
    """
    inside = sorted({x for e in (phi, psi) for x in kinks(e, T) if low < x < high})
    ends = [x for x in (low, high) if mp.isfinite(x)]
    marks = sorted({*inside, *ends})
    spans = [mp.ninf if low == mp.ninf else low, *inside, mp.inf if high == mp.inf else high]
    for left, right in itertools.pairwise(spans):
        for term in (phi, psi):
            if not _is_linear(term, left, right):
                return None
    exact = [sympy.nsimplify(sympy.Float(mp.nstr(x, 40), 40), rational=True) for x in marks]
    return tuple(exact)


def _is_linear(term: Expr, left: Number, right: Number) -> bool:
    function = function_of(term, T)
    start = left if mp.isfinite(left) else (right - 7 if mp.isfinite(right) else mp.mpf(-3))
    width = right - start if mp.isfinite(right) else mp.mpf(7)
    points = [start + width * mp.mpf(x) for x in ("0.11", "0.32", "0.57", "0.93")]
    values = [function(x) for x in points]
    slopes = [(b - a) / (y - x) for a, b, x, y in zip(values, values[1:], points, points[1:], strict=False)]
    return all(abs(x - slopes[0]) < mp.mpf(10) ** -25 * (1 + abs(slopes[0])) for x in slopes)


def bounded_above(phi: Expr, psi: Expr, low: Number, high: Number) -> bool:
    """Whether phi + r psi of piecewise linear terms is bounded on the domain for every r > 0."""
    far = mp.mpf(10) ** 6
    for end, sign in ((low, -1), (high, 1)):
        for term in (phi, psi) if mp.isinf(end) else ():
            function = function_of(term, T)
            if function(2 * sign * far) > function(sign * far):  # at small r phi decides, at large r psi
                return False
    return True
