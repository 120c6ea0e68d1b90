"""Symbolic steps that are believed only after they have been compared with exact arithmetic.

sympy returns wrong branches, complex constants and unevaluated integrals; each function here tries, checks the
candidates at several points to 25 digits or more, and returns None where nothing holds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache

import sympy
from mpmath import mp
from sympy import Expr, Symbol

from ganworks.design.evaluate import Function, Undefined, function_of
from ganworks.design.limits import attempt
from ganworks.design.symbols import R, T

DIGITS = 40
AGREE = mp.mpf(10) ** -25
RATIOS = tuple(mp.exp(mp.mpf(x)) for x in ("-7.31", "-3.12", "-1.73", "-0.631", "-0.217", "0.173", "0.587", "1.43",
                                           "2.91", "6.37"))
"""Likelihood ratios at which identities are checked."""
PARTS = 257
STEP, LONG = 1.0, 1.0  # seconds that one symbolic step, and one integral or inverse, may take


def same(left: Function, right: Function, points: Sequence[mp.mpf] = RATIOS) -> bool:
    """Whether two functions are defined and agree to 25 digits at every point."""
    with mp.workdps(DIGITS):
        try:
            return all(close(left(x), right(x)) for x in points)
        except (Undefined, ArithmeticError, ValueError, NotImplementedError):
            return False


def close(a: mp.mpf, b: mp.mpf) -> bool:
    """Whether two numbers agree to 25 digits, or are both the same infinity."""
    if mp.isnan(a) or mp.isnan(b):
        return False
    if mp.isinf(a) or mp.isinf(b):
        return bool(a == b)
    return bool(abs(a - b) <= AGREE * max(1, abs(a), abs(b)))


def numeric(expr: Expr, symbol: Symbol) -> Function | None:
    """Return the formula as a function, or None where it holds what cannot be computed."""
    try:
        return function_of(expr, symbol)
    except NotImplementedError:
        return None


@lru_cache(maxsize=4096)
def tidy(expr: Expr, symbol: Symbol = R, points: tuple[mp.mpf, ...] | None = None) -> Expr:
    """Return the shortest equal form that a few simplifications find.

    Args:
        points: where the forms must agree; by default wherever the first one is defined.
    """
    plain = numeric(expr, symbol)
    if plain is None:
        return expr
    points = points or points_of(plain)
    found = [expr]
    for way in (rational_in_ratio, sympy.cancel, simplified, sympy.expand, _split_logs):
        changed = attempt(STEP, "simplification", way, found[0])
        if changed is not None and changed not in found:
            mine = numeric(changed, symbol)
            if mine is not None and same(plain, mine, points):
                found.append(changed)
    return min(found, key=_length)


GIGANTIC = 100_000


def simplified(expr: Expr) -> Expr:
    """Return sympy's simplification. Raises ValueError where it would compute a gigantic power on the way."""
    _refuse_gigantic(expr)
    return sympy.simplify(expr)


def _refuse_gigantic(expr: Expr) -> None:
    # sympy gathers 10^20 log 2 into log(2^(10^20)), and no time limit stops an integer while it is being multiplied.
    if expr.has(sympy.log, sympy.exp) and any(max(abs(n.p), n.q) > GIGANTIC for n in expr.atoms(sympy.Rational)):
        raise ValueError("numbers too large for symbolic steps")


def _length(expr: Expr) -> tuple[int, int]:
    # log(r^r) is short and unreadable.
    towers = sum(1 for e in expr.atoms(sympy.Pow) if e.exp.free_symbols and e.base.free_symbols)
    return sympy.count_ops(expr) + 20 * towers, len(str(expr))


def _split_logs(expr: Expr) -> Expr:
    return sympy.expand_log(expr, force=True)


@lru_cache(maxsize=1024)
def points_of(function: Function) -> tuple[mp.mpf, ...]:
    """Return points of R at which the function is defined: ratios where it can be, else others of either sign."""
    tried: list[mp.mpf] = [*RATIOS, *(-x for x in RATIOS), *(x / (1 + x) for x in RATIOS)]
    good = []
    with mp.workdps(DIGITS):
        for x in tried:
            try:
                if mp.isfinite(function(x)):
                    good.append(x)
            except (Undefined, ArithmeticError, ValueError):
                continue
    return tuple(good[:12])


def rational_in_ratio(expr: Expr) -> Expr:
    """Return the formula with functions of log r written as powers of r where that can be done."""
    # tanh(k log r) and its kin are rational in a power of r, which is what the other steps can work with.
    if expr.has(sympy.log) and expr.has(sympy.functions.elementary.hyperbolic.HyperbolicFunction):
        expr = expr.replace(lambda e: isinstance(e, sympy.functions.elementary.hyperbolic.HyperbolicFunction)
                            and e.has(sympy.log), lambda e: simplified(e.rewrite(sympy.exp)))
    return sympy.powsimp(expr)


@lru_cache(maxsize=1024)
def inverse(expr: Expr, symbol: Symbol = R, value: Symbol = T, solved: Function | None = None) -> Expr | None:
    """Return the inverse function of ``expr`` (a function of ``symbol``) as a formula in ``value``, or None.

    Args:
        solved: the inverse in numbers, where it is known; without it ``symbol`` runs over (0, inf) and the inverse is
            recognised by undoing ``expr`` there.
    """
    forward = numeric(expr, symbol)
    if forward is None:
        return None
    for unknown in (sympy.Symbol("x", positive=True), sympy.Symbol("x")):
        roots = attempt(LONG, "inverse", _solve, expr.subs(symbol, unknown), value, unknown)
        if roots is None:
            return None
        for root in roots:
            for candidate in (root, _real_roots(root)):
                back = numeric(candidate, value)
                if back is not None and _undoes(back, forward, solved):
                    return tidy_inverse(candidate, value)
    return None


def _solve(expr: Expr, value: Symbol, unknown: Symbol) -> list[Expr]:
    _refuse_gigantic(expr)
    return sympy.solve(sympy.Eq(expr, value), unknown)


def _undoes(back: Function, forward: Function, solved: Function | None) -> bool:
    if solved is None:
        return same(lambda r: back(forward(r)), lambda r: r)
    return same(back, solved)


def tidy_inverse(expr: Expr, symbol: Symbol) -> Expr:
    """Return a shorter form of an inverse where a plain simplification gives one."""
    changed = attempt(STEP, "simplification", simplified, expr)
    return changed if changed is not None and sympy.count_ops(changed) < sympy.count_ops(expr) else expr


def _real_roots(expr: Expr) -> Expr:
    # (t - 1)^(1/3) is complex for t < 1 in sympy; the inverse of an increasing cube is the real root.
    def real(power: Expr) -> Expr:
        base, exponent = power.as_base_exp()
        return sympy.sign(base) * sympy.Abs(base) ** exponent

    return expr.replace(lambda e: e.is_Pow and e.exp.is_Rational and e.exp.q % 2 == 1 and e.exp.q > 1, real)


@lru_cache(maxsize=1024)
def antiderivative(expr: Expr, symbol: Symbol, points: tuple[mp.mpf, ...] | None = None,
                   patience: float = LONG) -> Expr | None:
    """Return a real antiderivative of ``expr``, or None.

    Args:
        points: increasing points in the range on which it must hold; by default wherever ``expr`` is defined.
        patience: seconds for each form that is tried.
    """
    slope = numeric(expr, symbol)
    if slope is None:
        return None
    points = tuple(sorted(points or points_of(slope)))
    simple = attempt(STEP, "simplification", simplified, expr)
    for form in dict.fromkeys(e for e in (simple, expr, sympy.expand(expr)) if e is not None):
        whole = attempt(patience, "integral", _integrate, form, symbol)
        if whole is None or (patience < LONG and whole.has(sympy.Integral)):
            break  # out of time, or a quick look that found nothing: the other forms are no easier
        for candidate in _variants(whole, symbol, points):
            if _is_antiderivative(candidate, slope, symbol, points):
                return candidate
    return None


def _integrate(expr: Expr, symbol: Symbol) -> Expr:
    _refuse_gigantic(expr)
    # Without Meijer's G-functions: what they find is slow to find and seldom a form one would want to see.
    return sympy.integrate(expr, symbol, meijerg=False)


def _variants(integral: Expr | None, symbol: Symbol, points: Sequence[mp.mpf]) -> Iterator[Expr]:
    if integral is None or integral.has(sympy.Integral):
        return
    if integral.has(sympy.RootSum):
        integral = attempt(STEP, "sum of roots", integral.doit)
        if integral is None or integral.has(sympy.RootSum):
            return
    yield integral

    # log(t - 1) for t < 1 is log(1 - t) and a constant i pi, which is dropped; where the sign changes, log|t - 1|.
    def positive(x: Expr) -> Expr:
        inner = numeric(x, symbol)
        with mp.workdps(20):
            signs = set() if inner is None else {inner(at) > 0 for at in points}
        return sympy.log(x if signs == {True} else -x if signs == {False} else sympy.Abs(x))

    with suppress(Undefined, ArithmeticError, ValueError):
        yield integral.replace(sympy.log, positive)


def _is_antiderivative(candidate: Expr, slope: Function, symbol: Symbol, points: Sequence[mp.mpf]) -> bool:
    value = numeric(candidate, symbol)
    derivative = attempt(STEP, "derivative", sympy.diff, candidate, symbol)
    again = numeric(derivative, symbol) if derivative is not None else None
    if value is None or again is None or len(points) < 4 or not same(again, slope, points):
        return False
    # A derivative does not see a jump between branches; an integral between two points does.
    ordered = sorted(points)
    try:
        with mp.workdps(20):
            for a, b in itertools.pairwise(ordered):
                if (a > 0 or b < 0) and not _adds_up(value(b) - value(a), slope, a, b):
                    return False
    except (Undefined, ArithmeticError, ValueError):
        return False
    return True


def _adds_up(rise: mp.mpf, slope: Function, a: mp.mpf, b: mp.mpf) -> bool:
    """Whether ``rise`` is the integral of the slope, to 1e-6."""
    def is_it(found: mp.mpf) -> bool:
        return bool(abs(rise - found) <= 1e-6 * (1 + abs(found)))

    # One rule over the whole does not resolve a slope that oscillates; many short ones do.
    return is_it(mp.quad(slope, [a, b], maxdegree=5)) or is_it(
        mp.quad(slope, mp.linspace(a, b, PARTS), maxdegree=3, method="gauss-legendre"))


def constant_ratio(left: Function, right: Function, points: Sequence[mp.mpf] = RATIOS) -> mp.mpf | None:
    """Return c where left = c right at every point to 25 digits (c not 0), else None."""
    with mp.workdps(DIGITS):
        try:
            ratios = [left(x) / right(x) for x in points]
        except (Undefined, ArithmeticError, ValueError):
            return None
        first = ratios[0]
        if not mp.isfinite(first) or first == 0:
            return None
        return first if all(abs(x - first) <= AGREE * abs(first) for x in ratios) else None


