"""Numbers without formulas: formulas at a point, integrals from r = 1, inverses, kinks, limits at 0 and infinity."""

from __future__ import annotations

import time

import pytest
import sympy
from mpmath import mp, mpf

from ganworks.design.calculus import RATIOS, _is_antiderivative, antiderivative
from ganworks.design.ends import exact_limit, limit_at
from ganworks.design.evaluate import OutOfReach, Undefined, function_of, number
from ganworks.design.kinks import kinks
from ganworks.design.parse import parse
from ganworks.design.quadrature import Integral, solve_increasing
from ganworks.design.symbols import R, T


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(40):
        yield


def at(text, x, symbol=T):
    return function_of(parse(text, symbol), symbol)(mpf(x))


@pytest.mark.parametrize(("text", "x", "wanted"), [
    ("log(1 + exp(t))", 3, lambda: mp.log1p(mp.exp(3))), ("t^(1/3)", 8, 2),
    ("max(t, 2*t, 1 - t)", "0.25", "0.75"),
    ("LambertW(2*t)", 1, lambda: mp.lambertw(2).real),
    ("atanh(t)", 1, lambda: mp.inf), ("1/t^2", 0, lambda: mp.inf), ("sign(t)*abs(t)", -2, -2),
    ("asinh(t)", "0.5", lambda: mp.log((1 + mp.sqrt(5)) / 2)), ("pi*t", 1, lambda: +mp.pi), ("erf(t)", 0, 0)])
def test_formulas_at_a_point(text, x, wanted):
    wanted = mpf(wanted() if callable(wanted) else wanted)
    found = at(text, x)
    assert found == wanted or abs(found - wanted) < mpf(10)**-38 * max(1, abs(wanted))


@pytest.mark.parametrize(("text", "x"), [("log(t)", -1), ("sqrt(t)", -1), ("1/t", 0), ("acosh(t)", "0.5"),
                                         ("asin(t)", 2), ("LambertW(t)", -1), ("t^(1/2)", -4)])
def test_no_real_value(text, x):
    with pytest.raises(Undefined):
        at(text, x)


def test_the_precision_is_the_working_one():
    with mp.workdps(100):
        assert mp.nstr(number(sympy.pi), 100) == mp.nstr(mp.pi, 100)
        assert abs(at("sqrt(t)", 2)**2 - 2) < mpf(10)**-98


def test_gigantic_numbers_are_given_up_at_once():
    """sin(exp(exp(320))) would need pi to 10^138 digits."""
    began = time.monotonic()
    for text in ("sin(exp(exp(t)))", "exp(exp(exp(t)))", "cosh(exp(exp(t)))", "exp(exp(t))^exp(exp(t))"):
        with pytest.raises(OutOfReach):
            at(text, 320)
    assert at("exp(-exp(exp(t)))", 320) == 0
    assert at("tanh(exp(exp(t)))", 320) == 1
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(("slope", "whole"), [
    (lambda r: 1 / r, mp.log), (lambda r: mp.exp(-r), lambda r: mp.exp(-1) - mp.exp(-r)),
    (lambda r: r**9, lambda r: (r**10 - 1) / 10), (lambda r: mp.sqrt(r), lambda r: (r * mp.sqrt(r) - 1) * 2 / 3)])
def test_integrals(slope, whole):
    integral = Integral(slope)
    for r in map(mpf, ("0.001", "0.37", "1", "1.01", "4", "900")):
        assert abs(integral(r) - whole(r)) < mpf(10)**-33 * max(1, abs(whole(r)))


def test_an_integrable_singularity():
    integral = Integral(lambda r: 1 / mp.sqrt(abs(r - 3)), (mpf(3),))
    assert abs(integral(mpf(2)) - 2 * (mp.sqrt(2) - 1)) < mpf(10)**-15
    assert abs(integral(mpf(7)) - 2 * (mp.sqrt(2) + 2)) < mpf(10)**-15


@pytest.mark.parametrize("steepness", [50, 10**3, 10**6])
def test_a_step_within_a_panel(steepness):
    """A step at r = 1, where it hides between the first nodes, and one in the middle of a panel."""
    k = mpf(steepness)
    integral = Integral(lambda r: k / mp.cosh(k * (r - 1))**2 if abs(k * (r - 1)) < 200 else mpf(0))
    assert abs(integral(mpf(2)) - 1) < mpf(10)**-20
    assert abs(integral(mpf("0.5")) + 1) < mpf(10)**-9
    if steepness < 100:
        inside = Integral(lambda r: k / mp.cosh(k * (r - 2))**2)
        assert abs(inside(mpf(10)) - mp.tanh(8 * k) - mp.tanh(k)) < mpf(10)**-20


def test_a_logistic_step_of_a_steep_design():
    """omega = 10^6 log r and a logistic rho: psi along r is log 2 but for r - 1 of about 1e-6."""
    k = mpf(10)**6
    psi = Integral(lambda r: k / r / (1 + mp.exp(min(k * mp.log(r), mpf(300)))))
    assert abs(psi(mpf(2)) - mp.log(2)) < mpf(10)**-25


def test_inverses():
    for target in map(mpf, ("-30", "-1", "0.001", "40")):
        x = solve_increasing(lambda x: x + mp.sinh(x), target, mpf(0), mp.ninf, mp.inf)
        assert abs(x + mp.sinh(x) - target) < mpf(10)**-36 * max(1, abs(target))
    t = solve_increasing(lambda t: mp.atanh(t), mpf(30), mpf(0), mpf(-1), mpf(1))
    assert abs(t - mp.tanh(30)) < mpf(10)**-38
    assert solve_increasing(lambda x: mp.sign(x - 2), mpf(0), mpf(0), mp.ninf, mp.inf) == pytest.approx(2, abs=1e-30)
    with pytest.raises(Undefined):
        solve_increasing(mp.tanh, mpf(2), mpf(0), mp.ninf, mp.inf)


@pytest.mark.parametrize(("text", "wanted"), [
    ("abs(r - 2)", [2]), ("max(r, 1/r)", [1]), ("1/(r - 3)", [3]), ("sqrt(abs(log(r) - 1))", [lambda: +mp.e]),
    ("1/(r^2 - 66*r/10 + 1089/100)", ["3.3"]),  # 0 is reached, not crossed
    ("(r^2 + 1)^3 + exp(r)", []), ("1/(1 + r)", []), ("abs(r + 1)", []), ("r^(1/3)", []),
    ("tan(r/100) + abs(r - 200)", [lambda: 50 * mp.pi, 200])])
def test_kinks(text, wanted):
    found = [x for x in kinks(parse(text, R), R) if x < 300]
    wanted = [mpf(x() if callable(x) else x) for x in wanted]
    assert len(found) == len(wanted)
    assert all(abs(x - y) < mpf(10)**-35 for x, y in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("text", "up", "wanted"), [
    ("atan(r)", True, lambda: mp.pi / 2), ("log(r)", True, mp.inf), ("log(r)", False, -mp.inf),
    ("(2*r + 1)/(r + 3)", True, 2), ("(2*r + 1)/(r + 3)", False, lambda: mpf(1) / 3),
    ("r^(1/10)", False, 0), ("log(log(1 + r))", True, mp.inf),
    ("1/log(3 + r)", False, lambda: 1 / mp.log(3)),
    ("exp(-r)", True, 0), ("-exp(r)", True, -mp.inf)])
def test_limits(text, up, wanted):
    formula, wanted = parse(text, R), wanted() if callable(wanted) else wanted
    found = limit_at(function_of(formula, R), up)
    assert found == wanted or abs(found - wanted) < mpf(10)**-6
    exact = exact_limit(formula, up, found)
    assert number(exact) == wanted or abs(number(exact) - wanted) < mpf(10)**-30


def test_an_antiderivative_of_a_slope_that_oscillates_is_believed() -> None:
    wanted = -(R**2) / 2 - R * sympy.sin(R) / 2 - sympy.cos(R) / 2
    found = antiderivative(-R * (1 + sympy.cos(R) / 2), R)
    assert found is not None
    assert sympy.simplify(sympy.diff(found - wanted, R)) == 0


def test_an_antiderivative_with_a_step_is_not() -> None:
    slope = function_of(R - 1 / ((R - 40) ** 2 + 1), R)
    smooth, steps = R**2 / 2 - sympy.atan(R - 40), R**2 / 2 + sympy.atan(1 / (R - 40))
    assert sympy.simplify(sympy.diff(smooth - steps, R)) == 0
    assert _is_antiderivative(smooth, slope, R, RATIOS)
    assert not _is_antiderivative(steps, slope, R, RATIOS)
