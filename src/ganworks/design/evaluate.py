"""Exact arithmetic on formulas: a sympy expression as a function of one number, to any precision of mpmath.

The tree is walked; nothing is printed and run as code. A point at which a formula is not a real number raises
``Undefined``; infinities are values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy
from mpmath import mp

Number = Any
"""An mpf."""
Function = Callable[[Number], Number]


class Undefined(ArithmeticError):
    """The formula has no real value here."""


class OutOfReach(Undefined):
    """The formula may well have a value here, but its argument has more digits than can be worked with."""


LARGEST_MAG = 50_000
"""Binary digits before the point up to which exponentials and sines are computed: beyond, one call takes minutes."""


def _within_reach(function: Function) -> Function:
    def checked(x: Number) -> Number:
        if mp.isfinite(x) and x and mp.mag(x) > LARGEST_MAG:
            raise OutOfReach("a function that cannot be worked out of a gigantic number")
        return function(x)

    return checked


def _exp(x: Number) -> Number:
    if mp.isfinite(x) and x and mp.mag(x) > LARGEST_MAG:
        if x > 0:
            raise OutOfReach("the exponential of a gigantic number")
        return mp.mpf(0)
    return mp.exp(x)


def _tanh(x: Number) -> Number:
    return mp.tanh(x) if not mp.isfinite(x) or not x or mp.mag(x) < LARGEST_MAG else _sign(x)


def _log(x: Number) -> Number:
    if x < 0:
        raise Undefined("logarithm of a negative number")
    return mp.log(x) if x else mp.ninf


def _log1p_exp(x: Number) -> Number:
    return x + mp.log1p(mp.exp(-x)) if x > 0 else mp.log1p(mp.exp(x))


def _power(base: Number, exponent: Number) -> Number:
    if base == 0 and exponent < 0:
        if exponent == mp.floor(exponent) and int(exponent) % 2:
            raise Undefined("division by zero")
        return mp.inf
    if base < 0 and exponent != mp.floor(exponent):
        raise Undefined("fractional power of a negative number")
    if base and exponent and mp.isfinite(base) and mp.isfinite(exponent) and mp.mag(exponent) > LARGEST_MAG:
        raise OutOfReach("a gigantic power")
    return mp.power(base, exponent)


def _lambert(x: Number, *branch: Number) -> Number:
    if x < -mp.exp(-1) or (branch and branch[0]):
        raise Undefined("Lambert W off its real branch")
    return mp.lambertw(x).real


def _arcosh(x: Number) -> Number:
    if x < 1:
        raise Undefined("acosh below 1")
    return mp.acosh(x)


def _in_unit(function: Function, name: str) -> Function:
    def checked(x: Number) -> Number:
        if abs(x) > 1:
            raise Undefined(f"{name} outside [-1, 1]")
        if name == "atanh" and abs(x) == 1:
            return mp.inf * x
        return function(x)

    return checked


def _sign(x: Number) -> Number:
    return mp.mpf((x > 0) - (x < 0))


FUNCTIONS: dict[type, Callable[..., Number]] = {
    sympy.log: _log, sympy.exp: _exp, sympy.sin: mp.sin, sympy.cos: mp.cos, sympy.tan: mp.tan, sympy.asin:
    _in_unit(mp.asin, "asin"), sympy.acos: _in_unit(mp.acos, "acos"), sympy.atan: mp.atan, sympy.sinh: mp.sinh,
    sympy.cosh: mp.cosh, sympy.tanh: _tanh, sympy.coth: mp.coth, sympy.sech: mp.sech, sympy.csch: mp.csch,
    sympy.asinh: mp.asinh, sympy.acosh: _arcosh,
    sympy.atanh: _in_unit(mp.atanh, "atanh"), sympy.erf: mp.erf, sympy.erfc: mp.erfc, sympy.Abs: abs, sympy.sign: _sign,
    sympy.Max: max, sympy.Min: min, sympy.LambertW: _lambert, sympy.Heaviside: lambda x, *half: (_sign(x) + 1) / 2,
    sympy.DiracDelta: lambda x, *order: mp.mpf(0), sympy.sec: mp.sec, sympy.csc: mp.csc, sympy.cot: mp.cot,
    sympy.re: lambda x: x, sympy.im: lambda x: mp.mpf(0), sympy.conjugate: lambda x: x,
    sympy.floor: mp.floor, sympy.polylog: lambda n, z: mp.polylog(n, z).real, sympy.Ei: mp.ei, sympy.expint: mp.expint,
    sympy.li: mp.li, sympy.erfi: mp.erfi, sympy.fresnels: mp.fresnels, sympy.fresnelc: mp.fresnelc, sympy.Si: mp.si,
    sympy.Ci: mp.ci, sympy.gamma: mp.gamma, sympy.loggamma: mp.loggamma, sympy.digamma: mp.digamma,
}
for _steep in (sympy.sin, sympy.cos, sympy.tan, sympy.sec, sympy.csc, sympy.cot, sympy.sinh, sympy.cosh,
               sympy.sech, sympy.csch, sympy.coth, sympy.erfi, sympy.Ei, sympy.gamma):
    FUNCTIONS[_steep] = _within_reach(FUNCTIONS[_steep])


@lru_cache(maxsize=4096)
def function_of(expr: sympy.Expr, symbol: sympy.Symbol) -> Function:
    """Return ``expr`` as a function of the number that stands for ``symbol``, in mpmath's working precision.

    Letters without a value stand for their ``sample``.

    Raises:
        NotImplementedError: the expression holds a function that is not known here.
    """
    whole = sympy.sympify(expr)
    return _walk(whole.subs({letter: sample(letter) for letter in whole.free_symbols - {symbol}}), symbol)


def sample(letter: sympy.Symbol) -> sympy.Rational:
    """Return the value at which formulas with a letter left open are looked at: a = 0.7, b = 1.3, c = 1.9, ..."""
    rank = max(ord(letter.name[0].lower()) - ord("a"), 0)
    return sympy.Rational(7 + 6 * rank, 10)


def number(expr: sympy.Expr) -> Number:
    """Return a constant formula, or an infinity, in the working precision."""
    return _constant(sympy.sympify(expr))(mp.mpf(0))


def _walk(expr: sympy.Basic, symbol: sympy.Symbol) -> Function:
    if expr == symbol:
        return lambda x: x
    if not expr.args or expr.is_number:
        return _constant(expr)
    if isinstance(expr, sympy.Piecewise):
        return _piecewise(expr, symbol)
    parts = [_walk(part, symbol) for part in expr.args]
    if isinstance(expr, sympy.Add):
        return lambda x: mp.fsum([part(x) for part in parts])
    if isinstance(expr, sympy.Mul):
        return lambda x: _product([part(x) for part in parts])
    if isinstance(expr, sympy.Pow):
        base, exponent = parts
        if expr.exp.is_Integer and expr.exp > 0:
            n = int(expr.exp)
            return lambda x: base(x) ** n
        return lambda x: _power(base(x), exponent(x))
    function = FUNCTIONS.get(expr.func)
    if function is None:
        raise NotImplementedError(f"{expr.func.__name__} has no numeric form here")
    if len(parts) == 1:
        (only,) = parts
        return lambda x: function(only(x))
    return lambda x: function(*[part(x) for part in parts])


def _product(values: list[Number]) -> Number:
    result = mp.mpf(1)
    for value in values:
        result *= value
    return result


def _constant(expr: sympy.Basic) -> Function:
    if expr.is_Rational:
        top, bottom = mp.mpf(int(expr.p)), mp.mpf(int(expr.q))
        return (lambda x: top) if bottom == 1 else (lambda x: top / bottom)
    if expr in (sympy.oo, sympy.S.Infinity):
        return lambda x: mp.inf
    if expr == sympy.S.NegativeInfinity:
        return lambda x: mp.ninf
    if not expr.is_number or expr.has(sympy.I, sympy.zoo, sympy.nan):
        raise NotImplementedError(f"'{expr}' is no real number")
    kept: dict[int, Number] = {}

    def value(x: Number) -> Number:
        if mp.prec not in kept:
            kept[mp.prec] = mp.mpf(expr.evalf(int(mp.prec * 0.30103) + 5)._mpf_)
        return +kept[mp.prec]

    return value


def _piecewise(expr: sympy.Piecewise, symbol: sympy.Symbol) -> Function:
    pieces = [(_walk(value, symbol), _condition(condition, symbol)) for value, condition in expr.args]

    def function(x: Number) -> Number:
        for value, holds in pieces:
            if holds(x):
                return value(x)
        raise Undefined("no piece of the formula covers this point")

    return function


COMPARISONS: dict[type, Callable[[Number, Number], bool]] = {
    sympy.StrictLessThan: lambda a, b: a < b, sympy.LessThan: lambda a, b: a <= b,
    sympy.StrictGreaterThan: lambda a, b: a > b, sympy.GreaterThan: lambda a, b: a >= b,
    sympy.Equality: lambda a, b: a == b, sympy.Unequality: lambda a, b: a != b,
}


def _condition(condition: sympy.Basic, symbol: sympy.Symbol) -> Callable[[Number], bool]:
    if condition in (sympy.true, sympy.false):
        truth = bool(condition)
        return lambda x: truth
    if isinstance(condition, sympy.And | sympy.Or):
        parts = [_condition(part, symbol) for part in condition.args]
        gather = all if isinstance(condition, sympy.And) else any
        return lambda x: gather(part(x) for part in parts)
    if isinstance(condition, sympy.Not):
        inner = _condition(condition.args[0], symbol)
        return lambda x: not inner(x)
    compare = COMPARISONS.get(type(condition))
    if compare is None:
        raise NotImplementedError(f"condition '{condition}'")
    left, right = (_walk(side, symbol) for side in condition.args)
    return lambda x: compare(left(x), right(x))
