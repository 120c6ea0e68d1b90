"""sympy nodes for formulas that users wrote, built so that no step can hang or fill the memory.

sympy works out constants as soon as it sees them (9^9^9 would be computed). Each node is therefore checked when it is
built, before anything is built on it: exact numbers have bounded size, constants are real and below 1e300, powers are
small, formulas have a bounded number of nodes.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy
from sympy import Add, Expr, Float, Integer, Mul, Pow, Rational, S

LARGEST, MOST_BITS = 1e300, 4096
LARGEST_POWER, LARGEST_ROOT, LARGEST_SPREAD = 64, 1_000_000, 1000
MOST_NODES, MOST_LEVELS, MOST_ARGUMENTS, MOST_DOUBLED = 2000, 120, 16, 200


class Unfit(ValueError):
    """This node is undefined or too large; the arguments are what is wrong and what would be accepted."""

    def __init__(self, problem: str, wanted: str = "") -> None:
        super().__init__(problem)
        self.wanted = wanted


def _absolute(x: Expr) -> Expr:
    # Where sympy cannot tell that x is real (log t), Abs has derivatives in real and imaginary parts; Max has not.
    return sympy.Abs(x) if x.is_extended_real else sympy.Max(x, -x)


def _sign(x: Expr) -> Expr:
    return sympy.sign(x) if x.is_extended_real else 2 * sympy.Heaviside(x) - 1


def _real_root(x: Expr) -> Expr:
    return _sign(x) * _absolute(x) ** Rational(1, 3)


def _exp(x: Expr) -> Expr:
    # sympy turns exp(n log 2) into 2^n at once, and works that out.
    for term in Add.make_args(x):
        if term.has(sympy.log):
            _check_exponent(term)
    return sympy.exp(x)


FUNCTIONS: dict[str, Callable[..., Expr]] = {
    "log": sympy.log, "log1p": lambda x: sympy.log(1 + x), "exp": _exp, "expm1": lambda x: _exp(x) - 1,
    "sqrt": lambda x: power(x, S.Half), "cbrt": _real_root, "square": lambda x: power(x, Integer(2)),
    "tanh": sympy.tanh, "sinh": sympy.sinh, "cosh": sympy.cosh, "sech": sympy.sech, "coth": sympy.coth,
    "sigmoid": lambda x: 1 / (1 + _exp(-x)), "logit": lambda x: sympy.log(quotient(x, 1 - x)),
    "softplus": lambda x: sympy.log(1 + _exp(x)), "relu": lambda x: sympy.Max(0, x), "sign": _sign,
    "abs": _absolute, "Min": sympy.Min, "Max": sympy.Max, "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan,
    "asin": sympy.asin, "acos": sympy.acos, "atan": sympy.atan, "asinh": sympy.asinh, "acosh": sympy.acosh,
    "atanh": sympy.atanh, "erf": sympy.erf, "LambertW": sympy.LambertW,
}
"""The functions of formulas, of one argument except ``VARIADIC``."""
VARIADIC = frozenset({"Min", "Max"})
DOUBLING = frozenset({"abs", "sign", "cbrt", "logit"})  # they may hold their argument twice
ALIASES = {"ln": "log", "logistic": "sigmoid", "sgn": "sign", "min": "Min", "max": "Max", "arcsin": "asin", "arccos":
           "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "lambertw": "LambertW"}
CLASSES: dict[type, Callable[..., Expr]] = {
    sympy.Abs: _absolute, sympy.sign: _sign, sympy.exp: _exp, **{kind: kind for kind in (
        sympy.log, sympy.tanh, sympy.sinh, sympy.cosh, sympy.sech, sympy.coth, sympy.csch, sympy.Min,
        sympy.Max, sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan, sympy.asinh, sympy.acosh,
        sympy.atanh, sympy.erf, sympy.erfc, sympy.LambertW, sympy.Heaviside)}}
"""The functions that a sympy expression may have."""


def call(name: str, arguments: list[Expr]) -> Expr:
    """Return the function of that name in ``FUNCTIONS``, checked."""
    if len(arguments) > MOST_ARGUMENTS:
        raise Unfit(f"{len(arguments)} arguments are too many", f"at most {MOST_ARGUMENTS}")
    for argument in arguments:
        count(argument, MOST_DOUBLED if name in DOUBLING else MOST_NODES)
    return built(FUNCTIONS[name], *arguments)


def built(function: Callable[..., Expr], *arguments: Expr) -> Expr:
    """Return ``function(*arguments)``, checked; sympy refuses to compare what is not real."""
    try:
        return checked(function(*arguments))
    except Unfit:
        raise
    except (ValueError, TypeError, ArithmeticError, NotImplementedError, AttributeError) as error:
        raise Unfit("this has no real value") from error


def quotient(top: Expr, bottom: Expr) -> Expr:
    """Return top / bottom, checked."""
    if bottom.is_zero or (bottom.is_number and value(bottom) == 0):
        raise Unfit("division by zero")
    return built(lambda a, b: a / b, top, bottom)


def power(base: Expr, exponent: Expr) -> Expr:
    """Return base ^ exponent, checked before sympy computes it."""
    small = f"constant powers from -{LARGEST_POWER} to {LARGEST_POWER}, and roots up to the {LARGEST_ROOT}th"
    if exponent.is_number:
        if abs(value(exponent)) > LARGEST_POWER or (exponent.is_Rational and exponent.q > LARGEST_ROOT):
            raise Unfit("a power that is too large", small)
        if base.is_Rational and exponent.is_Rational and _bits(base) * abs(exponent) > MOST_BITS:
            raise Unfit("a power that is too large", small)
        if value(exponent) < 0 and (base.is_zero or (base.is_number and value(base) == 0)):
            raise Unfit("division by zero")
    if base == S.Exp1:
        return built(_exp, exponent)
    _check_exponent(exponent)
    return built(Pow, base, exponent)


def checked(expr: Expr) -> Expr:
    """Return ``expr`` if it is defined and small, given that its parts are.

    Raises:
        Unfit: it is not.
    """
    if not isinstance(expr, Expr):
        raise Unfit("this is no number")
    for node in (expr, *expr.args):
        if node in (S.ComplexInfinity, S.NaN, S.Infinity, S.NegativeInfinity):
            raise Unfit("this is undefined or infinite")
        if node.has(S.ImaginaryUnit) if node.is_number else node is S.ImaginaryUnit:
            raise Unfit("this has no real value")
        if node.is_Rational and _bits(node) > MOST_BITS:
            raise Unfit("an exact number that is too large", f"at most {MOST_BITS} bits")
        for part in Mul.make_args(node):
            if part.is_Pow and part.exp.is_Rational and abs(part.exp) > LARGEST_POWER:
                raise Unfit("a power that is too large", f"at most {LARGEST_POWER}")
            if part.is_Pow:
                _check_exponent(part.exp)
    if expr.is_number:
        value(expr)
    return expr


def value(constant: Expr) -> float:
    """Return the constant to double precision; 0 where it cannot be told from 0 with a hundred digits.

    Raises:
        Unfit: it is not real, not finite or too large.
    """
    try:
        number = constant if constant.is_Rational else constant.evalf(15)
    except (ArithmeticError, ValueError, TypeError, NotImplementedError) as error:
        raise Unfit("this has no real value") from error
    if not number.is_extended_real:
        raise Unfit("this has no real value")
    if not (number.is_finite and abs(number) <= LARGEST):
        raise Unfit("a number that is too large", f"constants up to {LARGEST:g}")
    return 0.0 if number.is_Float and number._prec == 1 else float(number)


def _check_exponent(exponent: Expr) -> None:
    # Multiplied out, 2^(t - n) is 2^-n 2^t, and sympy works out 2^-n whenever it does that.
    if not exponent.is_Rational and _spread(exponent) > LARGEST_SPREAD:
        raise Unfit("a power that is too large", f"numbers up to {LARGEST_SPREAD} in exponents")


def _spread(expr: Expr) -> float:
    """Return a bound on the numbers that multiplying ``expr`` out can give; functions are not entered."""
    if expr.is_Rational:
        return min(float(abs(expr)), LARGEST) if expr.is_finite else LARGEST
    if expr.is_Add:
        return min(sum(map(_spread, expr.args)), LARGEST)
    if expr.is_Mul:
        result = 1.0
        for part in expr.args:
            result = min(result * max(1.0, _spread(part)), LARGEST)
        return result
    if expr.is_Pow and expr.exp.is_Integer:
        base = max(1.0, _spread(expr.base))
        return LARGEST if base > 1e4 else float(min(base ** abs(int(expr.exp)), LARGEST))
    return 1.0


def _bits(number: Rational) -> int:
    return max(int(number.p).bit_length(), int(number.q).bit_length())


def count(expr: Expr, most: int = MOST_NODES) -> None:
    """Refuse a tree of too many nodes or levels, without walking more of it than that."""
    seen, waiting = 0, [(expr, 0)]
    while waiting:
        node, level = waiting.pop()
        seen += 1
        if seen > most:
            raise Unfit("the formula is too large")
        if level > MOST_LEVELS:
            raise Unfit("the formula is nested too deeply", f"at most {MOST_LEVELS} levels")
        waiting.extend((part, level + 1) for part in node.args)


def rebuilt(expr: Expr, symbols: Callable[[str], Expr]) -> Expr:
    """Return a sympy expression built again from nodes that formulas may have, each checked.

    Args:
        expr: any expression.
        symbols: gives what stands for the symbol of that name; raises ``Unfit`` for unknown names.

    Raises:
        Unfit: a node of another kind, an undefined or a too large one.
    """
    count(expr)
    return _again(expr, symbols)


def _again(expr: Expr, symbols: Callable[[str], Expr]) -> Expr:
    if isinstance(expr, Float):
        return built(lambda: rational(expr))
    if isinstance(expr, Rational) or expr in (S.Pi, S.Exp1):
        return checked(expr)
    if type(expr) is sympy.Symbol:
        return symbols(expr.name)
    parts = [_again(part, symbols) for part in expr.args]
    if type(expr) in (Add, Mul):
        return built(expr.func, *parts)
    if type(expr) is Pow:
        return power(*parts)
    if type(expr) in CLASSES:
        return built(CLASSES[type(expr)], *parts)
    raise Unfit(f"sympy's {type(expr).__name__} is not part of formulas", "one of: " + ", ".join(
        sorted(kind.__name__ for kind in CLASSES)))


def rational(number: Float) -> Expr:
    """Return the shortest decimal number that is this float."""
    return Rational(repr(float(number))) if number._prec <= 53 else Rational(str(number))
