"""Where a formula is not smooth: found by looking for the zeros of what stands inside |.|, sign, max and powers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import sympy
from mpmath import mp
from sympy import Expr, Symbol

from ganworks.design.evaluate import Function, Number, Undefined, function_of

REACH, COUNT = 12, 241  # zeros are looked for at exp(-12) .. exp(12), on either side of 0 where the letter may be < 0


@lru_cache(maxsize=1024)
def kinks(expr: Expr, symbol: Symbol) -> tuple[Number, ...]:
    """Return the points, sorted, at which ``expr`` may fail to be smooth or finite, to 60 digits."""
    found: list[Number] = []
    with mp.workdps(60):
        for inner in {e for e in _inner(expr) if e.has(symbol)}:
            try:
                found += _zeros(function_of(inner, symbol), bool(symbol.is_positive))
                found += _touching(inner, symbol)
            except NotImplementedError:
                continue
        found.sort()
        return tuple(x for i, x in enumerate(found) if not i or abs(x - found[i - 1]) > mp.mpf(10) ** -30)


def is_smooth(expr: Expr) -> bool:
    """Whether nothing in the formula has a corner of its own (|.|, sign, max, min, pieces)."""
    return not expr.has(sympy.Abs, sympy.sign, sympy.Max, sympy.Min, sympy.Piecewise, sympy.Heaviside)


def _inner(expr: Expr) -> Iterator[Expr]:
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, sympy.Abs | sympy.sign | sympy.Heaviside | sympy.log):
            yield node.args[0]
        elif isinstance(node, sympy.Max | sympy.Min):
            yield from (a - b for i, a in enumerate(node.args) for b in node.args[:i])
        elif isinstance(node, sympy.core.relational.Relational):
            yield node.lhs - node.rhs
        elif isinstance(node, sympy.Pow) and (not node.exp.is_Integer or node.exp.is_negative):
            yield node.base
        elif isinstance(node, sympy.tan | sympy.sec):
            yield sympy.cos(node.args[0])
        elif isinstance(node, sympy.cot | sympy.csc):
            yield sympy.sin(node.args[0])
        elif isinstance(node, sympy.coth | sympy.csch):
            yield node.args[0]


def _touching(inner: Expr, symbol: Symbol) -> list[Number]:
    # t^2 - 2 t + 1 reaches 0 without changing its sign: there its slope does.
    function = function_of(inner, symbol)
    turns = _zeros(function_of(sympy.diff(inner, symbol), symbol), bool(symbol.is_positive))
    values = [(x, _value(function, x)) for x in turns]
    return [x for x, v in values if v is not None and abs(v) < mp.mpf(10) ** -50 * (1 + abs(x))]


def _zeros(function: Function, positive: bool) -> list[Number]:
    # Odd offsets keep the grid off the round numbers at which formulas like to break; those are tried by themselves.
    steps = [mp.exp(REACH * (mp.mpf(2 * k) / (COUNT - 1) - 1) + mp.mpf("0.0123")) for k in range(COUNT)]
    grid = steps if positive else [-x for x in reversed(steps)] + steps
    round_ones = [mp.mpf(k) / 2 for k in range(1 if positive else -20, 21)]
    found, before = [], None
    for x in round_ones:
        if _value(function, x) == 0:
            found.append(x)
    for x in grid:
        value = _value(function, x)
        if value is not None and before is not None and before[1] * value < 0:
            found.append(_bisect(function, before[0], x))
        before = None if value is None else (x, value)
    return [x for x in found if x is not None]


def _value(function: Function, x: Number) -> Number | None:
    try:
        value = function(x)
    except (Undefined, ArithmeticError, ValueError):
        return None
    return value if mp.isfinite(value) else None


def _bisect(function: Function, low: Number, high: Number) -> Number | None:
    sign = _value(function, low)
    for _ in range(mp.prec + 30):
        middle = (low + high) / 2
        value = _value(function, middle)
        if value is None or sign is None:
            return middle
        if value == 0:
            return middle
        low, high = (middle, high) if value * sign > 0 else (low, middle)
    return (low + high) / 2
