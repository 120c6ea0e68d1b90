"""Formulas mean what arithmetic says, and what cannot be read is shown at the place where it stops."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from ganworks.design.evaluate import Undefined, function_of
from ganworks.design.parse import free_parameters, parse, parse_constant
from ganworks.design.symbols import R, T, U, V
from ganworks.errors import UserError

POINTS = ("-2.3", "-0.7", "0.4", "1.9")

FORMULAS: dict[str, Callable[[Any], Any]] = {
    "t": lambda t: t, "x": lambda t: t, " 3 ": lambda t: 3, "2.50": lambda t: mpf(5) / 2, ".5t": lambda t: t / 2,
    "5.": lambda t: 5, "1e-3": lambda t: 1 / mpf(1000), "1.5E+2t": lambda t: 150 * t, "2e": lambda t: 2 * mp.e,
    "2exp(t)": lambda t: 2 * mp.exp(t), "2(t+1)": lambda t: 2 * (t + 1), "3 t": lambda t: 3 * t,
    "5-2t^2": lambda t: 5 - 2 * t**2, "2t/3": lambda t: 2 * t / 3, "2pi": lambda t: 2 * mp.pi,
    "-t^2": lambda t: -(t**2), "(-t)^2": lambda t: t**2, "2^-t": lambda t: mpf(2) ** -t, "2^3^2": lambda t: 2**9,
    "t**2": lambda t: t**2, "-2^-2": lambda t: -mpf(1) / 4, "2--t": lambda t: 2 + t, "+-+t": lambda t: -t,
    "1/t/2": lambda t: 1 / t / 2, "1-t-2": lambda t: 1 - t - 2, "6/2*3": lambda t: 9, "-t*-t": lambda t: t * t,
    "|t|": abs, "||t|-1|": lambda t: abs(abs(t) - 1), "2*|t-1|/3": lambda t: 2 * abs(t - 1) / 3,
    "log(1+t^2)": lambda t: mp.log(1 + t * t), "ln(exp(t)+1)": lambda t: mp.log(mp.exp(t) + 1),
    "log1p(t^2)": lambda t: mp.log1p(t * t), "expm1(t)": mp.expm1, "sqrt(t^2+1)": lambda t: mp.sqrt(t * t + 1),
    "cbrt(t)": lambda t: mp.sign(t) * mp.cbrt(abs(t)), "cbrt(-8)": lambda t: -2, "square(t-1)": lambda t: (t - 1) ** 2,
    "tanh(t)": mp.tanh, "sinh(t)": mp.sinh, "cosh(t)": mp.cosh, "sech(t)": mp.sech, "coth(t)": mp.coth,
    "sigmoid(t)": lambda t: 1 / (1 + mp.exp(-t)), "logistic(-t)": lambda t: 1 / (1 + mp.exp(t)),
    "logit(1/(1+exp(-t)))": lambda t: t, "softplus(t)": lambda t: mp.log(1 + mp.exp(t)),
    "relu(t)": lambda t: max(mpf(0), t), "sign(t)": mp.sign, "sgn(-t)": lambda t: -mp.sign(t), "abs(t)": abs,
    "Min(t, 1, -t)": lambda t: min(t, 1, -t), "max(0,t)": lambda t: max(0, t), "Max(t,1)": lambda t: max(t, 1),
    "min(t,0)": lambda t: min(t, 0), "sin(t)": mp.sin, "cos(t)": mp.cos, "tan(t)": mp.tan,
    "asin(t/3)": lambda t: mp.asin(t / 3), "arccos(t/3)": lambda t: mp.acos(t / 3), "atan(t)": mp.atan,
    "arctan(t)": mp.atan, "asinh(t)": mp.asinh, "arcsinh(t)": mp.asinh, "acosh(1+t^2)": lambda t: mp.acosh(1 + t * t),
    "atanh(t/3)": lambda t: mp.atanh(t / 3), "erf(t)": mp.erf,
    "LambertW(exp(t))": lambda t: mp.lambertw(mp.exp(t)).real,
    "lambertw(1)": lambda t: mp.lambertw(1).real, "E^t": mp.exp, "e^t": mp.exp, "pi*t": lambda t: mp.pi * t,
    "tanh(t/2)/2": lambda t: mp.tanh(t / 2) / 2,
    "abs(log(t^2)-1)": lambda t: abs(mp.log(t * t) - 1), "sign(log(t^2))": lambda t: mp.sign(mp.log(t * t)),
    "cbrt(asin(t/3))": lambda t: mp.sign(t) * mp.cbrt(abs(mp.asin(t / 3))),
}


def agree(a: Any, b: Any, digits: int = 25) -> bool:
    return bool(abs(a - b) <= mpf(10) ** -digits * (1 + abs(b)))


@pytest.mark.parametrize("text", list(FORMULAS))
def test_formulas_mean_what_they_say(text: str) -> None:
    true = FORMULAS[text]
    with mp.workdps(40):
        function = function_of(parse(text, T), T)
        for point in map(mpf, POINTS):
            assert agree(function(point), true(point)), point


@pytest.mark.parametrize(("symbol", "text", "true"), [
    (R, "-1/r", lambda r: -1 / r), (R, "log(r)/2", lambda r: mp.log(r) / 2), (R, "x-1", lambda r: r - 1),
    (R, "cbrt(log(r))", lambda r: mp.sign(mp.log(r)) * mp.cbrt(abs(mp.log(r)))),
    (R, "abs(log(r))", lambda r: abs(mp.log(r))),
    (U, "u*log(u)-(u+1)*log((1+u)/2)", lambda u: u * mp.log(u) - (u + 1) * mp.log((1 + u) / 2)),
    (U, "(sqrt(u)-1)^2", lambda u: (mp.sqrt(u) - 1) ** 2), (V, "log1p(exp(-v))", lambda v: mp.log1p(mp.exp(-v))),
    (U, "u^0.35", lambda u: u ** (mpf(35) / 100)), (U, "u^(-1/3)", lambda u: u ** (-mpf(1) / 3)),
])
def test_other_letters(symbol: sympy.Symbol, text: str, true: Callable[[Any], Any]) -> None:
    with mp.workdps(40):
        function = function_of(parse(text, symbol), symbol)
        assert all(agree(function(x), true(x)) for x in (mpf("0.3"), mpf("2.6")))


def test_decimals_are_exact() -> None:
    assert parse("0.1+0.2", T) == sympy.Rational(3, 10)
    assert parse("123456789.123456789e-9", T) == sympy.Rational(123456789123456789, 10**18)
    assert parse(0.1, T) == sympy.Rational(1, 10)
    assert parse(7, T) == 7
    assert parse(Fraction(1, 3), T) == sympy.Rational(1, 3)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["+", "-", "*", "/", "**", "^"]), st.sampled_from(["", "", "-", "+"]),
                          st.integers(1, 3)), min_size=1, max_size=9), st.sampled_from(["", "-", "--"]))
def test_precedence_is_pythons(rest: list[tuple[str, str, int]], sign: str) -> None:
    """Sums, products, signs and powers in a row, without brackets, against Python's own fractions."""
    text = python = f"{sign}2"
    powers = 0
    for operator, before, number in rest:
        powers = powers + 1 if operator in ("**", "^") else 0
        if powers > 2:
            operator, powers = "*", 0
        before = "" if powers == 2 else before  # no root
        text += f"{operator}{before}{number}"
        exact = number if powers else f"Fraction({number})"
        python += f"{operator.replace('^', '**')}{before}{exact}"
    python = python.replace("2", "Fraction(2)", 1)
    value = eval(python, {"Fraction": Fraction})  # of digits and signs made right here
    assert parse(text, T) == sympy.Rational(value.numerator, value.denominator)


class Out(ArithmeticError):
    """This tree has no value at this point, or one that rounding decides."""


def plain(x: Any) -> Any:
    if not mp.isfinite(x) or abs(x) > 1e12:
        raise Out
    return x


def away_from_zero(x: Any) -> Any:
    if abs(x) < 1e-9:
        raise Out
    return x


SMOOTH = {"exp": mp.exp, "tanh": mp.tanh, "atan": mp.atan, "asinh": mp.asinh, "sin": mp.sin, "cos": mp.cos,
          "erf": mp.erf, "expm1": mp.expm1, "sech": mp.sech, "square": lambda x: x * x,
          "sigmoid": lambda x: 1 / (1 + mp.exp(-x)), "softplus": lambda x: mp.log(1 + mp.exp(x))}
KINKED = {"abs": abs, "relu": lambda x: max(x, mpf(0)), "sign": mp.sign, "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
          "log": lambda x: mp.log(abs(x)) if x > 0 else plain(mp.inf),
          "sqrt": lambda x: mp.sqrt(x) if x > 0 else plain(mp.inf)}
Tree = tuple[str, int, Callable[[Any], Any]]  # the text, how strongly it binds, the value
SUM, PRODUCT, SIGNED, POWER, ATOM = range(5)


def within(tree: Tree, least: int) -> str:
    return tree[0] if tree[1] >= least else f"({tree[0]})"


def added(a: Tree, b: Tree) -> Tree:
    return f"{within(a, SUM)} + {within(b, PRODUCT)}", SUM, lambda x: plain(a[2](x) + b[2](x))


def taken(a: Tree, b: Tree) -> Tree:
    return f"{within(a, SUM)}-{within(b, PRODUCT)}", SUM, lambda x: plain(a[2](x) - b[2](x))


def times(a: Tree, b: Tree) -> Tree:
    return f"{within(a, PRODUCT)}*{within(b, SIGNED)}", PRODUCT, lambda x: plain(a[2](x) * b[2](x))


def over(a: Tree, b: Tree) -> Tree:
    return f"{within(a, PRODUCT)} / {within(b, SIGNED)}", PRODUCT, lambda x: plain(a[2](x) / away_from_zero(b[2](x)))


def minus(a: Tree) -> Tree:
    return f"-{within(a, SIGNED)}", SIGNED, lambda x: -a[2](x)


def raised(a: Tree, n: int) -> Tree:
    return f"{within(a, ATOM)}^{n}", POWER, lambda x: plain((away_from_zero(a[2](x)) if n < 0 else a[2](x)) ** n)


def called(name: str, a: Tree) -> Tree:
    if name in SMOOTH:
        return f"{name}({a[0]})", ATOM, lambda x: plain(SMOOTH[name](plain(a[2](x)) if name != "exp" else a[2](x)))
    return f"{name}( {a[0]} )", ATOM, lambda x: plain(KINKED[name](away_from_zero(a[2](x))))


def bars(a: Tree) -> Tree:
    return f"|{a[0]}|", ATOM, lambda x: abs(away_from_zero(a[2](x)))


LEAVES = st.one_of(st.just(("t", ATOM, lambda x: x)), st.integers(0, 9).map(lambda n: (str(n), ATOM, lambda x: mpf(n))),
                   st.integers(1, 99).map(lambda n: (f"{n / 10}", ATOM, lambda x: mpf(n) / 10)))
TREES = st.recursive(LEAVES, lambda t: st.one_of(
    st.builds(added, t, t), st.builds(taken, t, t), st.builds(times, t, t), st.builds(over, t, t), st.builds(minus, t),
    st.builds(raised, t, st.integers(-3, 4)), st.builds(called, st.sampled_from([*SMOOTH, *KINKED]), t),
    st.builds(bars, t)),
    max_leaves=8)


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_random_formulas_have_their_value(tree: Tree) -> None:
    text, _, true = tree
    with mp.workdps(50):
        values = {}
        for point in map(mpf, POINTS):
            try:
                values[point] = true(point)
            except (ArithmeticError, ValueError):
                continue
        refusal, function = "", None
        try:
            function = function_of(parse(text, T), T)
        except UserError as error:
            refusal = error.problem
        if function is None:
            assert not values or "too large" in refusal, refusal
            return
        for point, value in values.items():
            assert agree(function(point), value, 20), (text, point)


def test_parameters() -> None:
    a = sympy.Symbol("a", real=True)
    assert parse("a*t+b", T, {"a": 0.1, "b": 2}) == T / 10 + 2
    assert parse("t^a", T, {"a": "1/3"}) == T ** sympy.Rational(1, 3)
    assert parse("2a*t", T, {"a": "pi/2"}) == sympy.pi * T
    assert parse("exp(a*t)", T, {"a": None}) == sympy.exp(a * T)
    assert parse("2^a", T, {"a": -0.5}) == 1 / sympy.sqrt(2)
    assert parse("x*t", T, {"x": 3}) == 3 * T
    assert parse("alpha+beta1", T, {"alpha": 1, "beta1": -2.5}) == sympy.Rational(-3, 2)
    assert free_parameters(parse("a*t+b", T, {"a": None, "b": None}), T) == {"a", "b"}
    assert free_parameters(parse("t^2", T), T) == set()


@pytest.mark.parametrize(("parameters", "words"), [
    ({"a": "t"}, ["parameter 'a'", "'t' is a variable"]), ({"a": "1/0"}, ["parameter 'a'", "division by zero"]),
    ({"a": "b"}, ["parameter 'a'", "unknown name 'b'"]), ({"a": float("nan")}, ["not finite"]),
    ({"a": float("inf")}, ["not finite"]), ({"a": [1]}, ["parameter 'a'", "list"]), ({"a": True}, ["bool"]),
    ({"a_b": 1}, ["'a_b'", "name"]), ({"pi": 3}, ["'pi'"]), ({"t": 3}, ["'t'"]),
    ({"r": 3}, ["'r'"]), ({"log": 3}, ["'log'"]),
    ({"": 3}, ["name"]),
    ({3: 3}, ["name"]), ({"a": 10**2000}, ["too large"]), ({"a": "9^9^9"}, ["too large"]),
])
def test_bad_parameters(parameters: dict[Any, Any], words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parse("t", T, parameters)
    assert all(word in caught.value.problem for word in words), caught.value.problem


def test_constants() -> None:
    assert parse_constant("pi/2") == sympy.pi / 2
    assert parse_constant(" -1/3 ") == sympy.Rational(-1, 3)
    assert parse_constant(2) == 2
    assert mpmath.almosteq(mpf(str(parse_constant("sqrt(2)*e").evalf(20))), mp.sqrt(2) * mp.e, 1e-12)
    for letter in "trux":
        with pytest.raises(UserError, match="variable"):
            parse_constant(f"1+{letter}")


def test_an_undefined_point_is_no_error_of_the_formula() -> None:
    function = function_of(parse("log(t)", T), T)
    with pytest.raises(Undefined):
        function(mpf(-1))
