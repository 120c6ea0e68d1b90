"""Domains as users write them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Interval, Rational, S, oo, pi, sqrt

from ganworks.design.parse import parse_domain
from ganworks.errors import UserError


@pytest.mark.parametrize(("text", "interval"), [
    ("R", S.Reals), (" reals ", S.Reals), ("(-oo, oo)", S.Reals), ("(-inf,inf)", S.Reals), ("[-oo, oo]", S.Reals),
    ("(0, oo)", Interval.open(0, oo)), ("[0, inf)", Interval(0, oo)), ("[0, +oo]", Interval(0, oo)),
    ("[-1,1]", Interval(-1, 1)), ("(0,1)", Interval.open(0, 1)), ("(0,1]", Interval.Lopen(0, 1)),
    (" [ 0 , 1 ) ", Interval.Ropen(0, 1)), ("[-pi/2, pi/2]", Interval(-pi / 2, pi / 2)),
    ("((1-3)/2, (1+1))", Interval.open(-1, 2)), ("(Min(0,1), Max(1,2))", Interval.open(0, 2)),
    ("(-sqrt(2), 0.5)", Interval.open(-sqrt(2), Rational(1, 2))), ("(- oo, -1)", Interval.open(-oo, -1)),
    ("t > 0", Interval.open(0, oo)), ("t>=0", Interval(0, oo)), ("t < 1", Interval.open(-oo, 1)),
    ("t <= -1/2", Interval(-oo, -Rational(1, 2))), ("0 < t", Interval.open(0, oo)), ("1 >= t", Interval(-oo, 1)),
    ("-1 <= t <= 1", Interval(-1, 1)), ("-pi/2 < t < pi/2", Interval.open(-pi / 2, pi / 2)),
    ("1 > r >= 0", Interval.Ropen(0, 1)), ("0 < u < inf", Interval.open(0, oo)), ("-oo < x < oo", S.Reals),
    ("(1/2) < t", Interval.open(Rational(1, 2), oo)),
])
def test_domains(text: str, interval: Interval) -> None:
    assert parse_domain(text) == interval


@pytest.mark.parametrize(("text", "word"), [
    ("(1, 0)", "point"), ("[1, 1]", "point"), ("(0,0)", "point"), ("(oo, -oo)", "point"), ("(oo, oo)", "point"),
    ("1 < t < 0", "point"), ("t > oo", "point"), ("t < -oo", "point"), ("(log(2), log(2))", "point"),
    ("", "no interval"), ("foo", "no interval"), ("0, 1", "no interval"), ("(0 1)", "no interval"),
    ("(0, 1", "no interval"), ("{0, 1}", "no interval"), ("()", "no interval"), ("(0)", "no interval"),
    ("(0,1,2)", "two ends"), ("(,1)", "missing"), ("(0,)", "missing"), ("(0, foo)", "unknown name 'foo'"),
    ("(0, t)", "variable"), ("(0, --oo)", "infinity"), ("(0, 1/0)", "division by zero"), ("(0, sqrt(-1))", "real"),
    ("0 < t > 1", "comparisons"), ("0 < 1", "comparisons"), ("t < t", "comparisons"), ("t < 0 < 1", "comparisons"),
    ("0 < t < 1 < 2", "comparisons"), ("0 < s", "comparisons"), ("t >", "missing"), ("< t", "missing"),
    ("t => 0", "="), ("(0, 9^9^9^9)", "too large"), ("(0," + "(" * 90 + "1" + ")" * 90 + ")", "nested"),
    ("(0, __import__('os'))", "unexpected"), ("(0,1)" * 100, "500 characters"), ("t > 0\x00", "unexpected"),
])
def test_bad_domains(text: str, word: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_domain(text)
    assert word in caught.value.problem
    assert "(0, oo)" in caught.value.wanted


@pytest.mark.parametrize("given", [None, 3, b"R", ["R"], (0, 1)])
def test_wrong_types(given: object) -> None:
    with pytest.raises(UserError, match="a domain is text"):
        parse_domain(given)  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(
    ["(", ")", "[", "]", ",", "0", "1", "oo", "-", "pi", "t", "<", "<=", ">", "inf", " ", "R", "+", "sqrt("]),
    max_size=9).map("".join)))
def test_any_text_is_a_domain_or_a_user_error(text: str) -> None:
    start = time.thread_time()
    try:
        result = parse_domain(text)
    except UserError as error:
        str(error).encode()
    else:
        assert isinstance(result, Interval)
        assert result.inf < result.sup
    assert time.thread_time() - start < 2
