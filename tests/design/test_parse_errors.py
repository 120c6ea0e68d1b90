"""What cannot be read: the caret, the hint, and attacks."""
# ruff: noqa: RUF001 (signs that look like others are what is tested)

from __future__ import annotations

import builtins
import os
import subprocess
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
import sympy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sympy.parsing import sympy_parser

from ganworks.design.parse import parse, parse_constant
from ganworks.design.symbols import R, T, U
from ganworks.design.tokens import unreadable
from ganworks.errors import UserError


def refused(text: Any, symbol: sympy.Symbol = T, **parameters: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        parse(text, symbol, parameters)
    return caught.value


ERRORS = [  # the formula, the column of the caret, words of the problem, words of what is wanted
    ("log(foo)", 4, "unknown name 'foo'", "log"),
    ("sigmiod(t)", 0, "unknown name 'sigmiod'", "did you mean 'sigmoid'?"),
    ("Log(t)", 0, "unknown name 'Log'", "did you mean 'log'?"),
    ("2*(t+1", 2, "'(' is never closed", "')'"),
    ("log(t+1", 3, "'(' is never closed", "')'"),
    ("(t+1))", 5, "')' without '('", ""),
    ("t+", 2, "missing at its end", "a number"),
    ("t +   ", 3, "missing at its end", "a number"),
    ("t**", 3, "missing at its end", "a number"),
    ("*t", 0, "missing before '*'", ""),
    ("t+*2", 2, "missing before '*'", ""),
    ("t//2", 2, "missing before '/'", ""),
    ("(t,2)", 2, "unexpected ','", "')'"),
    ("2*()", 3, "nothing between '(' and ')'", ""),
    ("log()", 0, "log takes 1 argument, 0 given", ""),
    ("1+log(t, 2)", 2, "log takes 1 argument, 2 given", ""),
    ("Max(t)", 0, "Max takes 2 arguments or more, 1 given", ""),
    ("min()", 0, "min takes 2 arguments or more, 0 given", ""),
    ("log t", 0, "'log' is a function", "log(...)"),
    ("t t", 2, "operator is missing before 't'", ""),
    ("2 3", 2, "operator is missing before '3'", ""),
    ("3.5.2", 3, "operator is missing before '.2'", ""),
    ("(t)2", 3, "operator is missing before '2'", ""),
    ("t(t+1)", 0, "'t' is not a function", "t*(...)"),
    ("pi(t)", 0, "'pi' is not a function", "pi*(...)"),
    ("(t)(t)", 3, "unexpected '('", ""),
    ("1/2t", 3, "two ways", "(2*t"),
    ("t^2(t)", 3, "two ways", ""),
    ("t/-2t", 4, "two ways", ""),
    ("|t", 0, "'|' is never closed", "'|'"),
    ("t|", 1, "unexpected '|'", ""),
    ("oo", 0, "no infinity", ""),
    ("1+t−2", 3, "unexpected '−' (minus sign)", "write -"),
    ("t×2", 1, "(multiplication sign)", "write *"),
    ("2*t²", 3, "(superscript two)", "write ^2"),
    ("π*t", 0, "(greek small letter pi)", "write pi"),
    ("（t）", 0, "(fullwidth left parenthesis)", "write ("),
    ("√t", 0, "(square root)", "sqrt"),
    ("t·2", 1, "(middle dot)", "write *"),
    ("σ(t)", 0, "(greek small letter sigma)", ""),
    ("t\x00", 1, "unexpected character (U+0000)", ""),
    ("t\u200b", 1, "(zero width space)", ""),
    ("t\ud800", 1, "(U+D800)", ""),
    ("a_b", 1, "unexpected '_'", "underscores"),
    ("t.diff()", 1, "unexpected '.'", "attributes"),
    ("t = 1", 2, "unexpected '='", "domain"),
    ("t < 1", 2, "unexpected '<'", "domain"),
    ("[t]", 0, "unexpected '['", "write ("),
    ("t!", 1, "unexpected '!'", ""),
    ("", 0, "it is empty", "formula"),
    ("  \t", 0, "it is empty", "formula"),
    ("1+1/0", 3, "division by zero", ""),
    ("0/0", 1, "division by zero", ""),
    ("0^-1", 1, "division by zero", ""),
    ("1/(t-t)", 1, "division by zero", ""),
    ("1/(log(4)-2*log(2))", 1, "division by zero", ""),
    ("t+log(0)", 2, "undefined", ""),
    ("tan(pi/2)", 0, "undefined", ""),
    ("atanh(1)", 0, "undefined", ""),
    ("log(-1)", 0, "no real value", ""),
    ("t*sqrt(-2)", 2, "no real value", ""),
    ("asin(2)", 0, "no real value", ""),
    ("(-1)^0.5", 4, "no real value", ""),
    ("LambertW(-1)", 0, "no real value", ""),
    ("t^65", 1, "power that is too large", "64"),
    ("(t^9)^9", 5, "power that is too large", "64"),
    ("t^(1/1000001)", 1, "power that is too large", "1000"),
    ("exp(1000)", 0, "number that is too large", "1e+300"),
    ("1e301", 0, "too large", "300"),
    ("t*1" + "0" * 30, 2, "31 characters", "30 digits"),
]


def caret(error: UserError) -> tuple[str, int]:
    """Return the formula as it is shown and the column below which the caret stands."""
    lines = error.problem.split("\n")
    assert len(lines) == 3
    assert lines[0].startswith("cannot read the formula: ")
    assert lines[1].startswith("  ")
    assert lines[2].startswith("  ")
    assert lines[2].strip() == "^"
    return lines[1][2:], lines[2].index("^") - 2


@pytest.mark.parametrize(("text", "column", "problem", "wanted"), ERRORS)
def test_the_caret_and_the_hint(text: str, column: int, problem: str, wanted: str) -> None:
    error = refused(text)
    shown, at = caret(error)
    assert at == column
    assert problem in error.problem
    assert wanted in error.wanted
    assert len(shown) == len(text)
    assert all(a == b or b in "\t\x00\u200b\ud800" for a, b in zip(shown, text, strict=True))
    str(error).encode()


def test_a_long_formula_is_shown_in_part() -> None:
    text = "t+" * 150 + "foo" + "*2" * 40
    shown, at = caret(refused(text))
    assert len(shown) < 120
    assert shown[at:at + 3] == "foo"


def test_below_a_wide_character_stands_a_wide_space() -> None:
    """A formula is read up to its first fault, so that wide characters stand before it only where it was cut."""
    assert unreadable("（t", 1, "no").problem.split("\n")[2] == "  \u3000^"
    assert unreadable("et", 1, "no").problem.split("\n")[2] == "   ^"
    assert parse("t\u3000+\u00a01", T) == T + 1


@pytest.mark.parametrize(("text", "symbol", "words"), [
    ("t+1", R, ["this formula is in r", "'t' is the critic's output"]),
    ("r+1", T, ["this formula is in t", "'r' is the likelihood ratio q/p"]),
    ("2*r", U, ["this formula is in u", "'r' is the likelihood ratio q/p"]),
    ("u", R, ["this formula is in r", "'u' is the likelihood ratio p/q"]),
    ("v", R, ["this formula is in r", "'v' is the raw output"]),
])
def test_another_variable(text: str, symbol: sympy.Symbol, words: list[str]) -> None:
    error = refused(text, symbol)
    assert all(word in error.problem for word in words)
    assert "r = q/p, u = p/q, t = critic's output" in error.wanted


def test_a_parameter_is_offered_where_a_name_is_close_to_it() -> None:
    assert refused("t*gama", gamma=1).wanted == "did you mean 'gamma'?"


@pytest.mark.parametrize("given", [b"t", ["t"], None, ("t",), {"t"}, True, 1j, object(), T < 1, sympy.eye(2),
                                   sympy.S.true, float("nan"), float("inf"), 10**2000, 1e305])
def test_wrong_types_and_numbers(given: object) -> None:
    refused(given)
    with pytest.raises(UserError):
        parse_constant(given)  # type: ignore[arg-type]


def test_sympy_expressions_are_taken() -> None:
    plain, other = sympy.Symbol("t"), sympy.Symbol("r", real=True)
    assert parse(sympy.log(1 + sympy.exp(plain)), T) == sympy.log(1 + sympy.exp(T))
    assert parse(other * sympy.log(other), R) == R * sympy.log(R)
    assert parse(sympy.Max(0, 1 - plain) + sympy.Abs(plain), T) == sympy.Max(0, 1 - T) + sympy.Abs(T)
    assert parse(0.1 * plain, T) == T / 10
    assert parse(sympy.Symbol("a") * plain, T, {"a": "1/3"}) == T / 3
    assert parse(sympy.Symbol("a") * plain, T, {"a": None}).free_symbols == {sympy.Symbol("a", real=True), T}
    assert parse(sympy.pi, T) == sympy.pi


BIG = sympy.Pow(9, sympy.Pow(9, 9, evaluate=False), evaluate=False)
TOWER = sympy.exp(sympy.exp(sympy.exp(sympy.exp(sympy.exp(9)))))
DOUBLED = T + 1
for _ in range(200):
    DOUBLED = sympy.Mul(DOUBLED, sympy.sin(DOUBLED), evaluate=False)
DEEP = T
for _ in range(300):
    DEEP = sympy.sin(DEEP)


@pytest.mark.parametrize("given", [
    sympy.Symbol("z"), sympy.Function("f")(T), sympy.Integral(T, T), sympy.I * T, sympy.oo, sympy.nan, sympy.zoo,
    sympy.gamma(T), sympy.Derivative(sympy.Function("f")(T), T), sympy.Dummy("t"), BIG, BIG + T, TOWER, TOWER * T,
    DOUBLED, DEEP,
    T**1000, T ** sympy.Rational(1, 5_000_000), sympy.Integer(10) ** 2000 * T, sympy.re(sympy.Symbol("z")),
    sympy.Pow(T, BIG, evaluate=False), sympy.MatrixSymbol("t", 2, 2)], ids=lambda e: type(e).__name__)
def test_sympy_expressions_are_checked(given: sympy.Expr) -> None:
    start = time.thread_time()
    error = refused(given)
    assert time.thread_time() - start < 1
    assert len(str(error)) < 1000


def test_a_parameters_value_cannot_blow_up_an_expression() -> None:
    a = sympy.Symbol("a")
    for expr in (2**a, (T + 1) ** a, sympy.exp(sympy.exp(a)), sympy.Pow(sympy.Rational(1, 3), a**9)):
        refused(expr, a=10.0**30)
    refused(sympy.tanh(3 ** (T + a)), a=1e10)
    refused(sympy.exp(a * sympy.log(3)), a=1e10)
    refused(1 / a, a=0)


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note every way in which text could be run; and refuse it."""
    calls: list[str] = []

    def trap(name: str) -> Any:
        def trapped(*args: Any, **kwargs: Any) -> None:
            calls.append(name)
            raise RuntimeError(name)
        return trapped

    for place, name in ((os, "system"), (os, "popen"), (subprocess, "Popen"), (builtins, "eval"), (builtins, "exec"),
                        (builtins, "open"), (sympy_parser, "parse_expr"), (sympy_parser, "eval_expr")):
        monkeypatch.setattr(place, name, trap(name))
    yield calls
    monkeypatch.undo()


ATTACKS = [
    "__import__('os').system('x')", "().__class__", "().__class__.__bases__[0].__subclasses__()", "lambda t: t",
    "t.diff()",
    'open("x")', '"a"', "'a'", "t; t", "[t]", "{t}", "exec", "eval(t)", "exec(t)", "a if b else c", "t if t else t",
    "import os", "t\n;import os", "log(t=1)", "log(*t)", "log(**t)", "t@t", "`t`", "f'{t}'", "${t}", "t and t",
    "not t", "t:=1",
    "t[0]", "t->t", "\\x41", "#t", "None", "True", "I*t", "Symbol(t)", "S(1)", "sympify(t)", "Integral(t,t)",
    "diff(t,t)", "t'",
    "(" * 10000 + "t" + ")" * 10000, "[" * 10000, "(" * 900 + "t" + ")" * 900, "-" * 10000 + "t", "-" * 399 + "t",
    "log(" * 400 + "t" + ")" * 400, "|" * 1000, "|" * 300 + "t" + "|" * 300, "9" * 10**6, "0." + "1" * 10**6,
    "1e" + "9" * 1000, "1e999999999", "1e-999999999", "9**9**9**9", "9^9^9^9", "2**10**10", "(t+1)^100000",
    "exp(exp(exp(exp(exp(9)))))", "exp(exp(exp(exp(9))))*t", "((((99999^64)^64)^64)^64)^64", "t^(99999^64)",
    "(t+1)^(9^64)",
    "((t+1)^64)^64", "exp(exp(exp(exp(9)))-exp(exp(exp(9))))", "sin(exp(exp(exp(9))))", "2^(1/(10^30+1))",
    "2^0.123456789012",
    "tanh(99999999999^(t-99999999999))", "exp(9e9*log(7))", "exp(t+9e9*log(7))", "sqrt(2)^(t-1e9)", "(2t)^(t-1e9)",
    "2^((t-1000)^64)", "7^(sqrt(2)*10^9-1414213562)", "t+" * 300 + "t",
    "sigmoid(" * 59 + "t" + ")" * 59, "logit(" * 59 + "t" + ")" * 59, "cbrt(" * 59 + "t" + ")" * 59,
    "Max(" + ",".join(f"t^{k}" for k in range(60)) + ")", "abs(" * 59 + "log(t)" + ")" * 59, "\x00", "\x00t", "t\x00",
    "t+" * 100000 + "t", "t*" * 999 + "t", "t^" * 300 + "t", "a" * 2000, "a" * 10**6, "\ud800", "\U0001f600",
    "t" * 10**6,
]


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:30])
def test_attacks_are_refused_at_once(text: str, guarded: list[str]) -> None:
    start = time.thread_time()
    error = refused(text)
    assert time.thread_time() - start < 1
    tracemalloc.start()
    refused(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    assert guarded == []
    assert len(error.problem) < 600
    str(error).encode()


@pytest.mark.parametrize("text", ["log(1+exp(t))*tanh(t/2)^2", "cbrt(log(t))+Max(0,1-t)", "t+" * 190 + "t"])
def test_good_formulas_run_nothing_either(text: str, guarded: list[str]) -> None:
    parse(text, T)
    assert guarded == []


GOOD = ("u*log(u)-(u+1)*log((1+u)/2)", "-log(1+exp(-t))", "2t^2*|t-1|", "cbrt(1e-3t)/Max(t, 1, -t)",
"sigmoid(-t)^-0.5+pi")
WORDS = ("t", "2", "0", "1.5", "1e3", "(", ")", "(", ")", "+", "-", "*", "/", "^", "**", "|", ",", "log(", "exp(",
"Max(",
         "Min(", "abs(", "sqrt(", "cbrt(", "sign(", "tanh(", "logit(", "asin(", "LambertW(", "pi", "e", "x",
         "acosh(", "atanh(",
         "64", "0.1", " ", "foo", "_", ".")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        new = draw(st.one_of(st.just(""), st.just(text[at:end]), st.sampled_from(WORDS), st.characters()))
        text = text[:at] + new + text[end:] if draw(st.booleans()) else text[:at] + new + text[at:]
    return text


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=60), damaged(), st.lists(st.sampled_from(WORDS), max_size=25).map("".join)),
       st.sampled_from([T, R, U]))
@example("Max(t,sqrt(-1-t^2))", T)
@example("Max(0,acosh(0.1))", T)
@example("0^t^-1", T)
def test_any_text_is_a_formula_or_a_user_error(text: str, symbol: sympy.Symbol) -> None:
    start = time.thread_time()
    try:
        result = parse(text, symbol)
    except UserError as error:
        str(error).encode()
    else:
        assert result.free_symbols <= {symbol}
        assert not result.has(sympy.oo, sympy.zoo, sympy.nan, sympy.I)
    assert time.thread_time() - start < 2
