"""q f(p/q) as a number of full relative accuracy, whatever f is and however near or far apart p and q are.

f is replaced by F(u) = f(u) - f(1) - s (u - 1), s a slope of f at 1: that changes the divergence of two distributions
by the constant f(1) only, and F touches 0 at u = 1, so that nothing cancels when p and q are near. With v = log(p/q)

    q F(p/q) = |p - q|^m (p + q)^(1 - m) g(v),

where m is the order of contact at u = 1 (2 where f is curved, 1 at a corner). g has neither a zero nor a pole, so a
table of polynomials gives it to the last digits; the table is made with 60 and more digits, where it is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp
from numpy.polynomial import chebyshev

from ganworks.errors import UserError

Number = Any
Array = np.ndarray
NEAR = 32.0
"""Up to here in |v| the table holds g itself in panels of width 1; beyond, log |g| in panels that double."""
FAR, FARTHER = 2.0**27, 2.0**900
"""The table ends at FAR. From there to the end of what floats can hold growth laws take over, fitted before FAR."""
NEAR_INTEGRAL, SURE = 8.0, 1e-4
"""Of an f that is an integral: what NEAR is, and the relative error of the growth law that takes over there."""
NODES = 18
DIGITS, FEWER = 60, 30
"""Digits of formulas, and of integrals, which cost far more."""
HALVINGS, ROUGH = 6, 1e-10
"""How often a panel is cut where a polynomial does not do; the relative error that does for integrals."""
PATIENCE = 12.0
"""Seconds of CPU time for the table of an f that is an integral; a formula takes less than one."""
LOOKS, LOOK_DIGITS = (320, 640, 1280, 2560, 5120), 2400
"""log u at which the ends of a formula are looked at, and the digits which that asks for."""
TINY = mp.mpf(10) ** -10
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class _Panel:
    """Polynomial of g (or of log |g|, with its sign) on [low, high]; ``error`` is relative to the largest g in it."""

    low: float
    high: float
    coefficients: Array
    sign: float
    error: float

    def at(self, v: Array) -> Array:
        """Return the polynomial at v."""
        return chebyshev.chebval((2 * v - self.low - self.high) / (self.high - self.low), self.coefficients)


@dataclass(frozen=True)
class _Tail:
    """log |g| = a |v| + b log |v| + c + d / |v| for v between low and high, far out."""

    low: float
    high: float
    law: tuple[float, float, float, float]
    sign: float
    error: float

    def at(self, v: Array) -> Array:
        """Return log |g(v)|."""
        a, b, c, d = self.law
        size = np.abs(v)
        return a * size + b * np.log(size) + c + d / size


class Integrand:
    """q f(p/q) from p and q or their logarithms.

    Args:
        f: a function of an mpf u > 0 in mpmath's working precision.
        breaks: u at which f is not smooth.
        closed: f is a formula; otherwise it is an integral, which is not asked for far out.

    Attributes:
        offset: f(1), the divergence where p = q.
        at_zero: F(0), what a unit of q adds where p is 0; inf where it is unbounded.
        at_infinity: lim F(u)/u, what a unit of p adds where q is 0.
        order: m.
        breaks: log u of the kinks, 0 among them where f has a corner at 1.
    """

    def __init__(self, f: Callable[[Number], Number], breaks: Sequence[Number] = (), closed: bool = True) -> None:
        self._f, self._closed, self._spent = f, closed, 0.0
        self._near, self._digits = (NEAR, DIGITS) if closed else (NEAR_INTEGRAL, FEWER)
        with mp.workdps(DIGITS + 40 if closed else FEWER):
            try:
                self._middle = f(mp.mpf(1))
                self._slope = self._slope_at_one()
            except (ArithmeticError, ValueError) as error:
                raise UserError("f has no value at u = 1", "a formula that is real for every u > 0") from error
            if not (mp.isfinite(self._middle) and mp.isfinite(self._slope)):
                raise UserError("f or its slope is infinite at u = 1", "a convex f, real for every u > 0")
            self.offset = float(self._middle) if abs(self._middle) > mp.mpf(10) ** -20 else 0.0  # rounding is no value
            self.breaks = tuple(sorted(float(mp.log(u)) for u in breaks if u > 0))
            self.order = self._contact()
        far = self._near * 2.0 ** np.arange(int(np.log2(FAR / NEAR)) + 1 if closed else 1)
        far = np.append(far, FARTHER)
        self._bounds = np.unique([*np.arange(-self._near, self._near + 1), *far, *-far, *self.breaks])
        self._rows: dict[int, list[_Panel | _Tail]] = {}
        self.at_zero = self._end(False)
        self.at_infinity = self._end(True)

    @property
    def bounded(self) -> bool:
        """Whether the divergence is finite whatever p and q are: at most offset + at_zero + at_infinity (Csiszar)."""
        return bool(np.isfinite(self.at_zero) and np.isfinite(self.at_infinity))

    @property
    def kinked(self) -> bool:
        """Whether integrals of it need to find where p/q has certain values."""
        return bool(self.breaks) or self.order < 1.9

    def excess(self, v: Number) -> Number:
        """Return F(exp(v)), an mpf in the working precision."""
        u = mp.exp(v)
        return self._f(u) - self._middle - self._slope * (u - 1)

    def atoms(self, p: Array, q: Array, difference: Array | None = None) -> Array:
        """Return q F(p/q) for p, q > 0, float64; relative error some 1e-15.

        Args:
            difference: p - q where it is known better than the rounded p and q say.
        """
        gap = np.abs(p - q if difference is None else difference)
        with np.errstate(over="ignore", divide="ignore", under="ignore"):
            ratio = p / q
            plain = np.isfinite(ratio) & (ratio > 1e-300)
            v = np.log(np.where(plain, ratio, 1.0))
            v = np.where(plain, v, np.log(p) - np.log(q))
            near = np.abs(v) <= self._near
            value, _ = self._g(np.where(near, v, 0.0))
            result = gap * (gap / (p + q)) ** (self.order - 1) * value
        far = np.flatnonzero(~near)
        exact = 20_000 if self._closed else 0
        for i in far[:exact]:
            with mp.workdps(DIGITS):
                result[i] = float(mp.mpf(float(q[i])) * self.excess(mp.log(mp.mpf(float(p[i])) / mp.mpf(float(q[i])))))
        if len(far) > exact:
            rest = far[exact:]
            logs, signs = self.logs(np.log(p[rest]), np.log(q[rest]))
            result[rest] = signs * np.exp(logs)
        return result

    def logs(self, log_p: Array, log_q: Array) -> tuple[Array, Array]:
        """Return log |q F(p/q)| and its sign for finite log p, log q."""
        v = log_p - log_q
        size = -np.abs(v)
        near = np.abs(v) <= self._near
        value, sign = self._g(v)
        with np.errstate(divide="ignore", invalid="ignore"):
            top = np.log(-np.expm1(size))
            g = np.where(near, np.log(np.abs(value)), value)
            whole = np.maximum(log_p, log_q) + self.order * top + (1 - self.order) * np.log1p(np.exp(size)) + g
        return np.where(v == 0, -np.inf, whole), sign

    def rounding(self, log_p: Array, log_q: Array) -> Array:
        """Return the relative error of what ``logs`` returns, where log p and log q are off by their last digits.

        Where p and q are near, an error in log p - log q counts for more than it does elsewhere.
        """
        slip = 8 * EPS * (1 + np.abs(log_p) + np.abs(log_q))
        v = log_p - log_q
        with np.errstate(all="ignore"):
            gap = -np.expm1(-np.abs(v))
            far = np.abs(v) > self._near
            moved = np.where(far, v, 2 * self._near)
            steep = np.where(far, np.abs(self._g(moved + np.sign(v) * slip)[0] - self._g(moved)[0]), 3 * slip)
            whole = steep + self.order * np.exp(-np.abs(v)) * slip / np.maximum(gap, slip)
            whole += 0.0 if self._closed else np.where(far, SURE, self._wrong(v))
            return whole + 8 * EPS * (1 + np.abs(np.maximum(log_p, log_q)))

    def _wrong(self, v: Array) -> Array:
        """Return the relative error of the table near v: that of the worst panel between two bounds."""
        where = np.clip(np.searchsorted(self._bounds, v, side="right") - 1, 0, len(self._bounds) - 2)
        errors = np.array([max((panel.error for panel in self._rows.get(row, [])), default=0.0)
                           for row in range(len(self._bounds) - 1)])
        return errors[where]

    def _g(self, v: Array) -> tuple[Array, Array]:
        """Return g(v), or log |g(v)| where |v| > NEAR, and the sign of g."""
        flat = np.clip(np.ravel(v), -FARTHER / 2, FARTHER / 2)
        value, sign = np.empty_like(flat), np.ones_like(flat)
        where = np.clip(np.searchsorted(self._bounds, flat, side="right") - 1, 0, len(self._bounds) - 2)
        order = np.argsort(where, kind="stable")
        cuts = np.flatnonzero(np.diff(where[order])) + 1
        for group in np.split(order, cuts):
            if len(group):
                self._fill(int(where[group[0]]), flat, group, value, sign)
        return value.reshape(np.shape(v)), sign.reshape(np.shape(v))

    def _fill(self, row: int, v: Array, group: Array, value: Array, sign: Array) -> None:
        panels = self._row(row)
        points = v[group]
        for panel in panels:
            inside = slice(None) if len(panels) == 1 else (points >= panel.low) & (points <= panel.high)
            at = group[inside]
            value[at] = panel.at(v[at])
            sign[at] = panel.sign if panel.sign else np.sign(value[at])

    def _row(self, row: int) -> list[_Panel | _Tail]:
        if row not in self._rows:
            low, high = float(self._bounds[row]), float(self._bounds[row + 1])
            far = min(abs(low), abs(high)) >= self._near
            self._rows[row] = [self._far(low, high)] if far else [*self._near_panels(low, high, HALVINGS)]
        return self._rows[row]

    def _near_panels(self, low: float, high: float, halvings: int) -> list[_Panel]:
        panel = self._panel(low, high, self._near_value)
        if panel.error <= (4 * EPS if self._closed else ROUGH) or halvings == 0:
            return [panel]
        middle = (low + high) / 2
        return self._near_panels(low, middle, halvings - 1) + self._near_panels(middle, high, halvings - 1)

    def _far(self, low: float, high: float) -> _Panel | _Tail:
        side = -1 if high < 0 else 1
        try:
            if not self._closed:
                raise ArithmeticError("an integral is not worked out so far")
            if max(abs(low), abs(high)) > FAR:
                return self._tail(low, high, [side * FAR / k for k in (8, 4, 2, 1)])
            sign = float(mp.sign(self._far_value(mp.mpf((low + high) / 2))))
            panel = self._panel(low, high, lambda v: mp.log(self._far_value(v) * sign))
            return _Panel(panel.low, panel.high, panel.coefficients, sign, panel.error)
        except (ArithmeticError, ValueError, TypeError):
            return self._tail(low, high, [side * (self._near - k) for k in (3, 2, 1, 0)])

    def _tail(self, low: float, high: float, points: list[float]) -> _Tail:
        """Return the law through log |g| at four points."""
        sizes = [mp.mpf(abs(v)) for v in points]
        with mp.workdps(2 * DIGITS if self._closed else FEWER):
            values = [self._far_value(mp.mpf(v)) for v in points]
            if any(x == 0 for x in values):
                return _Tail(low, high, (0.0, 0.0, -np.inf, 0.0), 1.0, 0.0)
            rows = mp.matrix([[k, mp.log(k), 1, 1 / k] for k in sizes])
            law = mp.lu_solve(rows, mp.matrix([mp.log(abs(x)) for x in values]))
        a, b, c, d = (float(x) if abs(x) > 1e-12 else 0.0 for x in law)
        return _Tail(low, high, (a, b, c, d), float(mp.sign(values[-1])), 1e-14 if self._closed else SURE)

    def _panel(self, low: float, high: float, function: Callable[[Number], Number]) -> _Panel:
        self._hurry()
        started = time.process_time()
        x = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
        checks = np.array([-0.93, -0.31, 0.52, 0.97])
        with mp.workdps(self._digits + int(3 * np.log10(max(abs(low), abs(high), 1)))):
            middle, half = (mp.mpf(low) + mp.mpf(high)) / 2, (mp.mpf(high) - mp.mpf(low)) / 2
            try:
                values = np.array([float(function(middle + half * mp.mpf(float(k)))) for k in [*x, *checks]])
            except (ArithmeticError, ValueError) as error:
                if max(abs(low), abs(high)) > self._near:
                    raise
                raise UserError(f"f has no real value for some u between {np.exp(low):.3g} and {np.exp(high):.3g}",
                                "a convex f, real for every u > 0") from error
        self._spent += time.process_time() - started
        turns = np.outer(np.arange(NODES), 2 * np.arange(NODES) + 1) % (4 * NODES)  # whole, so that cos is exact
        matrix = np.cos(np.pi * turns / (2 * NODES))
        coefficients = 2 / NODES * (matrix @ values[:NODES])
        coefficients[0] /= 2
        wrong = np.abs(chebyshev.chebval(checks, coefficients) - values[NODES:]).max()
        largest = np.abs(values).max()
        # Beyond NEAR the table holds a logarithm, whose absolute error is the relative error of g.
        return _Panel(low, high, coefficients, 0.0, float(wrong / largest) if largest else 0.0)

    def _hurry(self) -> None:
        """Raise UserError where the table has taken too long."""
        if self._spent > PATIENCE:
            raise UserError(f"the table of this f took more than {PATIENCE:g} s of computing: f is no formula, but an "
                            "integral", "a divergence or design whose f has a closed form",
                            "estimate it from samples: ganworks measure estimate P Q --objective NAME")

    def _near_value(self, v: Number) -> Number:
        u = mp.exp(v)
        return self.excess(v) * (1 + u) ** (self.order - 1) / abs(mp.expm1(v)) ** self.order

    def _far_value(self, v: Number) -> Number:
        # So far out |p - q|^m (p + q)^(1 - m) differs from max(p, q) by e^-32; ``logs`` keeps the difference.
        size = mp.exp(-abs(v))
        top = self.excess(v) / mp.exp(max(v, 0))
        return top / ((1 - size) ** self.order * (1 + size) ** (1 - self.order))

    def _slope_at_one(self) -> Number:
        step = mp.mpf(10) ** -(mp.dps // 3)
        return (self._f(1 + step) - self._f(1 - step)) / (2 * step)

    def _contact(self) -> float:
        orders = []
        for step in (TINY, -TINY):
            once, twice = self.excess(step), self.excess(2 * step)
            if once and twice and once * twice > 0:
                orders.append(float(mp.log(twice / once) / mp.log(2)))
        if not orders:
            return 2.0
        found = min(orders)
        return round(2 * found) / 2 if abs(found - round(2 * found) / 2) < 1e-6 else found

    def _end(self, up: bool) -> float:
        """Return lim F(u)/u at infinity, or F(0+)."""
        if not self._closed:
            law = self._tail(0.0, 0.0, [(1 if up else -1) * (self._near - k) for k in (3, 2, 1, 0)])
            return float("inf") if law.law[0] > 1e-2 or law.law[1] > 0.1 else float(np.exp(law.at(np.array(1e6))))
        values = []
        with mp.workdps(LOOK_DIGITS):
            for look in LOOKS:
                try:
                    values.append(self._scaled(mp.mpf(look if up else -look)))
                except (ArithmeticError, ValueError):
                    break
        if len(values) < 3:
            from ganworks.design.ends import limit_at

            return float(limit_at(lambda u: self._scaled(mp.log(u)), up))
        return _limit(values[-3:])

    def _scaled(self, v: Number) -> Number:
        return self.excess(v) / mp.exp(max(v, 0))


def _limit(values: Sequence[Number]) -> float:
    first, before, last = values
    if mp.isinf(last):
        return float(last)
    moved, moved_before = last - before, before - first
    if abs(moved) <= mp.mpf(10) ** -16 * (1 + abs(last)):
        return float(last)
    if abs(moved) <= 0.75 * abs(moved_before):  # what is left shrinks by such a factor at each doubling
        return float(last + moved**2 / (moved_before - moved))
    return float(mp.inf if moved > 0 else mp.ninf)
