"""What happens where the densities do not overlap: limits at r = 0 and r = infinity."""

from __future__ import annotations

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import STEP
from ganworks.design.evaluate import Function, Number, Undefined, function_of
from ganworks.design.limits import attempt
from ganworks.design.symbols import R

LOOKS, DIGITS = (20, 40, 80, 160, 320), 330
"""log r at which a limit is looked at (doubling tells r^-a and log r apart), and the digits that exp(320) asks for."""
SHORT, FEWER = (4, 8, 16, 32), 30
"""The same where each look costs an integral."""
PATIENCE = 3.0
"""Seconds for a look: three times what an integral past a pole takes."""


def limit_at(function: Function, up: bool, closed: bool = True) -> Number:
    """Return the limit of a function of r at infinity (``up``) or at 0, with inf where it grows without end.

    It is found in numbers: doubling log r must shrink the differences.

    Args:
        closed: the function is a formula; otherwise it is an integral, and fewer and nearer points must do.
    """
    with mp.workdps(DIGITS if closed else FEWER):
        values = []
        for k in LOOKS if closed else SHORT:
            # An inverse may be sought among numbers like exp(exp(320)): a look has its time, and none means no more.
            found = attempt(PATIENCE, "a limit", function, mp.exp(k if up else -k))
            if found is None:
                break
            values.append(found)
        if len(values) < 3:
            return mp.nan
        last, before, first = values[-1], values[-2], values[-3]
        if mp.isinf(last):
            return last
        moved, moved_before = abs(last - before), abs(before - first)
        if moved <= mp.mpf(10) ** -6 * (1 + abs(last)) and moved <= moved_before:
            return last
        return mp.inf if last > before else mp.ninf


def exact_limit(expr: Expr | None, up: bool, found: Number) -> Expr:
    """Return a limit as a formula where sympy's agrees with the number that was found, else that number."""
    if mp.isinf(found):
        return sympy.oo if found > 0 else -sympy.oo
    if mp.isnan(found):
        return sympy.nan
    if expr is not None:
        guess = attempt(STEP, "limit", sympy.limit, expr, R, sympy.oo if up else 0, "-" if up else "+")
        if guess is not None and _is_near(guess, found):
            return guess
    near = sympy.nsimplify(sympy.Float(mp.nstr(found, 20), 20), [sympy.pi], tolerance=1e-15, rational=False)
    return near if len(str(near)) < 12 else sympy.Float(mp.nstr(found, 15))


def _is_near(guess: Expr, found: Number) -> bool:
    try:
        with mp.workdps(30):
            return bool(abs(function_of(guess, R)(mp.mpf(1)) - found) < 1e-6 * (1 + abs(found)))
    except (NotImplementedError, Undefined, ArithmeticError, ValueError):
        return False
