"""Numbers where there is no formula: integrals from r = 1 and inverses of monotone functions, to full precision."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mpmath import mp

from ganworks.design.evaluate import LARGEST_MAG, Function, Number, Undefined

PANEL = mp.mpf(1) / 2
"""Length of a panel in log r."""
HALVINGS = 12
"""How often a panel or part of it is halved: enough for a step or two, and not for ever where it oscillates."""


class Integral:
    """The integral of a function of r from 1, panel by panel in log r; panels are kept.

    Args:
        slope: the integrand, defined on (0, inf), perhaps singular but integrable at ``breaks``.
        breaks: ratios at which it is not smooth.
    """

    def __init__(self, slope: Function, breaks: Sequence[Number] = ()) -> None:
        self._slope = slope
        self._breaks = sorted(mp.log(x) for x in breaks)
        self._kept: dict[tuple[int, int], Number] = {}

    def __call__(self, r: Number) -> Number:
        s = mp.log(r)
        whole = int(mp.floor(abs(s) / PANEL))
        sign = 1 if s >= 0 else -1
        total = mp.fsum([self._panel(sign, k) for k in range(whole)])
        return sign * (total + self._between(sign * whole * PANEL, s) * sign)

    def _panel(self, sign: int, k: int) -> Number:
        key = (sign * (k + 1), mp.prec)
        if key not in self._kept:
            self._kept[key] = sign * self._between(sign * k * PANEL, sign * (k + 1) * PANEL)
        return self._kept[key]

    def _between(self, a: Number, b: Number) -> Number:
        if a == b:
            return mp.mpf(0)
        low, high = min(a, b), max(a, b)
        inner = [x for x in self._breaks if low <= x <= high]
        points = [a, *(inner if a < b else reversed(inner)), b]
        # Gauss-Legendre is for smooth panels; beside a break the doubly exponential rule takes the singular end. So it
        # does beside r = 1, where steep designs (tanh(k log r), k large) hide all that they have.
        method = "tanh-sinh" if inner or a == 0 else "gauss-legendre"

        def along(s: Number) -> Number:
            r = mp.exp(s)
            value = self._slope(r)
            return r * value if mp.isfinite(value) else mp.mpf(0)

        return mp.fsum([_quad(along, x, y, method) for x, y in itertools.pairwise(points) if x != y])


def _quad(function: Function, a: Number, b: Number, method: str) -> Number:
    """Integrate from a to b, in halves where mpmath is not sure of its result."""
    # The nodes of Gauss-Legendre rules of high degree take seconds to find; halving takes none.
    degree = {"maxdegree": 5} if method == "gauss-legendre" else {}
    todo, done, halvings = [(a, b)], [], HALVINGS
    while todo:
        low, high = todo.pop()
        whole, error = mp.quad(function, [low, high], method=method, error=True, **degree)
        if halvings and error > mp.mpf(10) ** (10 - mp.dps) * (1 + abs(whole)):
            halvings -= 1
            todo += [(low, (low + high) / 2), ((low + high) / 2, high)]
        else:
            done.append(whole)
    return mp.fsum(done)


def solve_increasing(function: Function, target: Number, start: Number, low: Number, high: Number) -> Number:
    """Return x in (low, high) with function(x) = target, for an increasing function.

    Args:
        start: a point inside, from which the search steps out.
        low, high: the ends of the domain, which may be infinite; the function need not be defined there.

    Raises:
        Undefined: the function does not reach the target within the domain.
    """
    below, above = _bracket(function, target, start, low, high)
    tolerance = mp.mpf(2) ** (4 - mp.prec)
    f_below, f_above = function(below) - target, function(above) - target
    for _ in range(20 * mp.prec):
        if f_below == 0 or above - below <= tolerance * max(abs(below), abs(above), tolerance):
            return below
        if f_above == 0:
            return above
        # A secant step inside the bracket, with a bisection whenever it would hug one end.
        middle = _middle(below, above)
        if mp.isfinite(f_below) and mp.isfinite(f_above):
            guess = below - f_below * (above - below) / (f_above - f_below)
            if below + (above - below) / 64 < guess < above - (above - below) / 64:
                middle = guess
        f_middle = function(middle) - target
        if f_middle <= 0:
            below, f_below = middle, f_middle
        if f_middle >= 0:
            above, f_above = middle, f_middle
        below, f_below, above, f_above = _polish(function, target, below, f_below, above, f_above)
    return (below + above) / 2


def _middle(below: Number, above: Number) -> Number:
    # Between 1 and exp(10^6) the middle is exp(10^6 / 2).
    far = below * above > 0 and max(below / above, above / below) > 4
    return mp.sign(below) * mp.sqrt(below * above) if far else (below + above) / 2


def _polish(function: Function, target: Number, below: Number, f_below: Number, above: Number,
            f_above: Number) -> tuple[Number, Number, Number, Number]:
    # Near the root a secant through both ends is almost right; two points around it close the bracket fast.
    if not (mp.isfinite(f_below) and mp.isfinite(f_above)) or f_above == f_below:
        return below, f_below, above, f_above
    guess = below - f_below * (above - below) / (f_above - f_below)
    reach = (above - below) ** 2
    for x in (guess - reach, guess + reach):
        if below < x < above:
            value = function(x) - target
            if value <= 0:
                below, f_below = x, value
            else:
                above, f_above = x, value
    return below, f_below, above, f_above


def _bracket(function: Function, target: Number, start: Number, low: Number, high: Number) -> tuple[Number, Number]:
    at_start = function(start) - target
    if at_start == 0:
        return start, start
    up = at_start < 0
    end, step, last = (high if up else low), mp.mpf(1), start
    for k in range(1, 100 if mp.isinf(end) else 400):
        if mp.isinf(end):
            x = start + step if up else start - step
            step = 2 * step if k < 40 else step * mp.sqrt(step)  # exponentials are inverses too
            if mp.mag(x) > LARGEST_MAG:  # beyond, a single exponential eats all memory
                break
        else:
            x = end - (end - start) * mp.mpf(2) ** -k
        value = function(x) - target
        if (value >= 0) if up else (value <= 0):
            return (last, x) if up else (x, last)
        last = x
    raise Undefined("the function does not reach this value")
