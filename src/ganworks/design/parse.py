"""Formulas as users write them: text, numbers and sympy expressions, checked and made into sympy expressions."""

from __future__ import annotations

import numbers
import re
from collections.abc import Callable, Mapping

import sympy
from sympy import Expr, Rational, Symbol
from sympy.core.cache import clear_cache

from ganworks.design import nodes
from ganworks.design.grammar import CONSTANTS, MEANING, Parser, fraction, known
from ganworks.design.limits import TimedOut, limited
from ganworks.design.nodes import ALIASES, FUNCTIONS, Unfit
from ganworks.errors import UserError

SECONDS = 1.5  # for reading one formula: a net below the bounds, which keep it to milliseconds
RESERVED = {*FUNCTIONS, *ALIASES, *CONSTANTS, *MEANING, "oo", "inf", "I"}

Value = float | int | str | None
"""Of a parameter: a number, a constant formula such as "1/3", or None to keep the letter."""


def parse(text: str | Expr | int | float, symbol: Symbol, parameters: Mapping[str, Value] | None = None) -> Expr:
    """Return a formula of one variable as a sympy expression.

    Decimals become exact fractions. ``x`` stands for the variable too, unless a parameter has that name.

    Args:
        text: the formula; or a sympy expression or a number, which are checked the same way.
        symbol: the variable, one of ``ganworks.design.symbols``.
        parameters: other names and their values; None keeps ``Symbol(name, real=True)``.

    Raises:
        UserError: it cannot be read, is undefined or is too large; the problem shows the formula and a caret.
    """
    return _in_time(lambda: _read(text, symbol, parameters))


def parse_constant(text: str | Expr | int | float) -> Expr:
    """Return a number that is written as a formula, such as "pi/2".

    Raises:
        UserError: it cannot be read, or holds a variable.
    """
    return _in_time(lambda: _read(text, None, None))


def free_parameters(expr: Expr, symbol: Symbol) -> set[str]:
    """Return the names of the letters in ``expr`` besides its variable."""
    return {letter.name for letter in expr.free_symbols if letter != symbol}


def parse_domain(text: str) -> sympy.Interval:
    """Return the interval that ``text`` describes; see ``ganworks.design.domains``."""
    from ganworks.design import domains  # it reads the ends with this module

    return domains.parse_domain(text)


def _in_time(read: Callable[[], Expr]) -> Expr:
    limit = limited(SECONDS, "reading the formula")
    try:
        with limit:
            return read()
    except TimedOut as late:
        if late.owner is not limit:
            raise
        clear_cache()  # as in limits.attempt
    except RecursionError:
        pass
    raise UserError("cannot read the formula: it is too deeply nested or takes too long to build")


def _read(text: object, symbol: Symbol | None, parameters: Mapping[str, Value] | None) -> Expr:
    names = _names(symbol, parameters or {})
    if isinstance(text, str):
        return Parser(text, symbol, names).formula()
    try:
        if isinstance(text, Expr):
            return nodes.rebuilt(text, lambda name: known(name, names))
        return _number(text)
    except Unfit as unfit:
        kind = "sympy expression" if isinstance(text, Expr) else "number"
        raise UserError(f"cannot use this {kind} as a formula: {unfit}", unfit.wanted) from None


def _number(given: object) -> Expr:
    """Return a Python number as the fraction that its decimal digits say."""
    if isinstance(given, bool) or not isinstance(given, numbers.Real):
        raise UserError(f"a formula is text, a number or a sympy expression, not {type(given).__name__}",
                        "a formula such as 'u*log(u)'")
    if isinstance(given, numbers.Rational):
        return nodes.checked(Rational(int(given.numerator), int(given.denominator)))
    plain = float(given)
    if plain - plain != 0:
        raise Unfit("it is not finite")
    return nodes.checked(fraction(repr(plain)))


def _names(symbol: Symbol | None, parameters: Mapping[str, Value]) -> dict[str, Expr]:
    """Return what the variable's and the parameters' names stand for."""
    names: dict[str, Expr] = {} if symbol is None else {"x": symbol, symbol.name: symbol}
    for name, value in parameters.items():
        if not isinstance(name, str) or re.fullmatch("[A-Za-z][A-Za-z0-9]{0,29}", name) is None:
            raise UserError(f"'{name!s:.60}' cannot be the name of a parameter", "letters and digits, a letter first")
        if name in RESERVED or (symbol is not None and name == symbol.name):
            raise UserError(f"'{name}' cannot be the name of a parameter: it has a meaning already",
                            "another letter, such as a")
        try:
            names[name] = Symbol(name, real=True) if value is None else parse_constant(value)
        except UserError as error:
            raise UserError(f"parameter '{name}': {error.problem}", error.wanted, error.remedy) from error
    return names
