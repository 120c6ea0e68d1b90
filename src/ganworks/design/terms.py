"""From loss terms to a critic: which way round the labels are, and on which piece of the domain they make sense."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import DIGITS
from ganworks.design.corners import CornerCritic, bounded_above, corners_of
from ganworks.design.critic import Critic
from ganworks.design.evaluate import Function, Number, Undefined, function_of, number
from ganworks.design.scan import out_of_reach
from ganworks.design.symbols import T
from ganworks.design.terms_critic import TermsCritic

COUNT = 400


class Trouble(Exception):
    """Why formulas make no critic.

    Args:
        code: reason code; reason: a sentence; evidence: numbers; remedy: what to do, or "".
    """

    def __init__(self, code: str, reason: str, evidence: str = "", remedy: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.evidence, self.remedy = code, reason, evidence, remedy


def critic_of_terms(phi: Expr, psi: Expr, domain: sympy.Interval) -> Critic | CornerCritic:
    """Return the critic of phi and psi (functions of t) on a domain.

    Raises:
        Trouble: no piece of the domain carries a critic that reaches t = omega(1) with a maximum.
    """
    with mp.workdps(DIGITS):
        low, high = number(domain.start), number(domain.end)
        _refuse_undefined(phi, psi, low, high)
        corner = _corner_critic(phi, psi, low, high)
        if corner is not None:
            return corner
        try:
            return _smooth(phi, psi, low, high, False)
        except Trouble as trouble:
            if trouble.code != "maximum":
                raise
            turned = (phi.subs(T, -T), psi.subs(T, -T))
            try:
                return _smooth(*turned, -high, -low, True)
            except Trouble:
                raise trouble from None


def _refuse_undefined(phi: Expr, psi: Expr, low: Number, high: Number) -> None:
    for name, term in (("phi", phi), ("psi", psi)):
        function = function_of(term, T)
        bad = [t for t in grid(low, high) if _at(function, t) is None and not out_of_reach(function, t)]
        if bad:
            t = min(bad, key=abs)
            raise Trouble("domain", f"{name} is not a finite real number on all of the domain",
                          f"{name} has no value at t = {mp.nstr(t, 6)}", _domain_remedy(phi, psi, low, high))


def _domain_remedy(phi: Expr, psi: Expr, low: Number, high: Number) -> str:
    functions = function_of(phi, T), function_of(psi, T)
    good = [t for t in grid(low, high) if all(_at(f, t) is not None for f in functions)]
    if not good:
        return "no part of the domain will do"
    return f"the terms are defined from about t = {mp.nstr(min(good), 3)} to {mp.nstr(max(good), 3)}: give that domain"


def _corner_critic(phi: Expr, psi: Expr, low: Number, high: Number) -> CornerCritic | None:
    corners = corners_of(phi, psi, low, high)
    if corners is None:
        return None
    if not corners or not bounded_above(phi, psi, low, high):
        raise Trouble("unbounded", "phi + r psi has no maximum: the critic can always raise its output and win more",
                      f"phi = {phi}, psi = {psi} on an unbounded domain",
                      "bound the domain (total variation: [-1, 1]) or the critic's slope (Wasserstein: lipschitz=1)")
    given = {"phi": phi, "psi": psi}
    # At large r the best corner is the one with the largest psi, at small r that with the largest phi.
    at_real = max(corners, key=lambda c: number(phi.subs(T, c)))
    at_generated = max(corners, key=lambda c: number(psi.subs(T, c)))
    if number(at_generated) > number(at_real):
        return CornerCritic(phi, psi, corners, low, high, given)
    turned = tuple(-c for c in reversed(corners))
    return CornerCritic(phi.subs(T, -T), psi.subs(T, -T), turned, -high, -low, given, labels_swapped=True)


def _smooth(phi: Expr, psi: Expr, low: Number, high: Number, swapped: bool) -> TermsCritic:
    """Return the critic with high t = generated; raises Trouble("maximum") where the labels must be turned."""
    rho, slope = (function_of(sympy.diff(e, T), T) for e in (psi, phi))

    def back(t: Number) -> Any:
        a, b = _at(slope, t), _at(rho, t)
        return None if a is None or not b else -a / b

    points = [t for t in grid(low, high) if (back(t) or 0) > 0]
    if not points:
        raise Trouble("stationary", "no t satisfies phi'(t) + r psi'(t) = 0 with r > 0: both terms pull the same way",
                      "-phi'/psi' is nowhere positive")
    if all(abs(back(t) - back(points[0])) < mp.mpf(10) ** -20 for t in points):
        raise Trouble("stationary", "-phi'/psi' is constant, so phi + r psi has no optimum inside the domain for any r "
                      "but one", f"it is {mp.nstr(back(points[0]), 6)} everywhere")
    ones = _at_one(back, points)
    if not ones:
        raise Trouble("range", "-phi'/psi' never is 1, so the critic has no optimum where the densities are equal",
                      f"it runs from {mp.nstr(min(map(back, points)), 6)} to {mp.nstr(max(map(back, points)), 6)}")
    value = function_of(phi + psi, T)

    def rises(t: Number) -> bool:
        step = (mp.mpf(10) ** -8) * (1 + abs(t))
        return bool((back(t + step) or mp.inf) > (back(t - step) or mp.ninf))

    # Of several local maxima the highest is the critic's answer.
    start = max(ones, key=lambda t: (rho(t) > 0 and rises(t), value(t)))
    rate, rising = rho(start), rises(start)
    if rate > 0 and rising:
        piece = _piece(back, rho, start, low, high)
        return TermsCritic(phi, psi, *piece, start, (low, high), swapped)
    kind = "a minimum" if (rate > 0) != rising else "a maximum with real and generated swapped"
    raise Trouble("maximum", f"the stationary point of phi + r psi is {kind}",
                  f"at t = {mp.nstr(start, 6)}, r = 1: psi' = {mp.nstr(rate, 6)}, and -phi'/psi' "
                  f"{'rises' if rising else 'falls'}",
                  "change the sign of both terms" if kind == "a minimum" else "labels are swapped: use t -> -t")


def _at_one(back: Function, points: list[Number]) -> list[Number]:
    """Return the t with back(t) = 1: exact points of the grid, and by bisection between two of them."""
    found = [t for t in points if back(t) == 1]
    for a, b in itertools.pairwise(points):
        fa, fb = back(a) - 1, back(b) - 1
        if fa * fb < 0:
            for _ in range(mp.prec + 10):
                middle = (a + b) / 2
                value = back(middle)
                if value is None or value <= 0:
                    break
                if (value - 1) * fa > 0:
                    a = middle
                else:
                    b = middle
            else:
                found.append((a + b) / 2)
    return found


def _piece(back: Function, rho: Function, start: Number, low: Number, high: Number) -> tuple[Number, Number]:
    """Return the ends of the piece around ``start`` on which back is positive and rising and rho is positive."""
    def good(t: Number, before: Number, up: bool) -> bool:
        value, rate = back(t), _at(rho, t)
        if value is None or rate is None or value <= 0 or rate <= 0:
            return False
        known = back(before)
        return bool(value >= known if up else value <= known)

    ends = []
    for end, up in ((low, False), (high, True)):
        side = [t for t in grid(low, high) if (t > start if up else t < start)]
        last = start
        for t in side if up else reversed(side):
            if not good(t, last, up):
                end = _edge(good, last, t, up)
                break
            last = t
        ends.append(end)
    return ends[0], ends[1]


def _edge(good: Callable[[Number, Number, bool], bool], inside: Number, outside: Number, up: bool) -> Number:
    for _ in range(mp.prec):
        middle = (inside + outside) / 2
        if good(middle, inside, up):
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def grid(low: Number, high: Number) -> list[Number]:
    """Return points inside (low, high), dense near finite ends and near 0, out to about 3e7."""
    if mp.isfinite(low) and mp.isfinite(high):
        middle, half = (low + high) / 2, (high - low) / 2
        return [middle + half * mp.tanh(8 * (mp.mpf(2 * k) / COUNT - 1)) for k in range(COUNT + 1)]
    reach = [mp.sinh(18 * (mp.mpf(2 * k) / COUNT - 1)) for k in range(COUNT + 1)]
    if mp.isinf(low) and mp.isinf(high):
        return reach
    spread = [mp.exp(26 * (mp.mpf(k) / COUNT) - 9) for k in range(COUNT + 1)]
    return [low + x for x in spread] if mp.isfinite(low) else sorted(high - x for x in spread)


def _at(function: Function, t: Number) -> Number | None:
    try:
        value = function(t)
    except (Undefined, ArithmeticError, ValueError):
        return None
    return value if mp.isfinite(value) else None
