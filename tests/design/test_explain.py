"""Derivations of designs: formulas against closed forms, figures against scipy, and steps broken on purpose."""

from __future__ import annotations

import json
import math
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
import sympy
from scipy import integrate, stats

from ganworks.design import explain_claims, explain_generator
from ganworks.design.building import from_divergence, from_likelihood_ratio, from_terms
from ganworks.design.certificate import Certificate
from ganworks.design.critic import RatioCritic
from ganworks.design.derivation import Derivation, Step
from ganworks.design.design import Design
from ganworks.design.explain import explain
from ganworks.design.explain_critic import convexity
from ganworks.design.explain_generator import descends
from ganworks.design.symbols import R, T, U, V

GAN, LEAST_SQUARES = ("-log(1+exp(t))", "-log(1+exp(-t))"), ("-(t+1)^2", "-(t-1)^2")
HINGE = ("-max(0,1+t)", "-max(0,1-t)")


def played(terms: tuple[str, str], beta: str, alpha: str | None = None) -> Callable[[], Design]:
    return lambda: from_terms(*terms).with_generator(beta, alpha)


def pair(omega: str, rho: str) -> Callable[[], Design]:
    return lambda: from_likelihood_ratio(omega, rho)


def divergence(f: str) -> Callable[[], Design]:
    return lambda: from_divergence(f)


GOOD: dict[str, Callable[[], Design]] = {
    "exponential": pair("log(r)/2", "exp(-t)"), "gan in probabilities": pair("r/(1+r)", "1/t"),
    "KL by a ratio": pair("r", "1/t^2"), "mean square": pair("r", "1"), "sign": pair("sign(r-1)", "1"),
    "no inverse": pair("r+sin(r)/2", "1"), "KL by f": divergence("u*log(u)"),
    "total variation": divergence("abs(u-1)/2"),
    "labels swapped": pair("-log(r)/2", "-exp(t)"), "hinge": lambda: from_terms(*HINGE),
    "hinge with t": played(HINGE, "t", "-t"), "Wasserstein": lambda: from_terms("-t", "t", lipschitz=1),
    "non-saturating": played(GAN, "log(1+exp(t))"), "omega negative": pair("-1/r", "1"),
}
MORE_GOOD: dict[str, Callable[[], Design]] = {
    "gan": pair("log(r)", "1/(1+exp(t))"), "cross-entropy of ratios": pair("r", "1/(t*(1+t))"),
    "KL(q, p)": pair("log(r)", "1"), "least squares": pair("(r-1)/(1+r)", "2*(1-t)"),
    "power": pair("r^(1/2)", "t^2"), "tanh": pair("tanh(log(r)/2)", "1"), "circle": pair("atan(r)", "cos(t)"),
    "K, linear": pair("(r-1)/(r+1)", "1"), "log1p": pair("log(1+r)", "exp(-t)"),
    "arctan": pair("log(r)", "sech(t)/2"), "skewed": pair("log(r)", "1/(3/10+7/10*exp(t))"),
    "Lambert W": pair("r+log(r)", "1"), "asinh": pair("asinh(r)", "1"), "mixed": pair("log(r)+r^2", "exp(-t)"),
    "flat at 1": pair("(r-1)^3+1", "1"), "tanh and r": pair("r+tanh(r)", "1"), "square": pair("r^2", "1"),
    "singular": pair("r", "1/sqrt(abs(t-1))"), "needs a shift": pair("log(r)", "2+sin(t)"),
    "Jensen-Shannon": divergence("u*log(u)-(u+1)*log((u+1)/2)"), "Jeffrey": divergence("(u-1)*log(u)"),
    "not least at 1": divergence("(u-2)^2"), "kink": divergence("max(u,1/u)-1"),
    "terms with real high": lambda: from_terms("-log(1+exp(-t))", "-log(1+exp(t))"),
    "linear": played(GAN, "t"), "KL(p, q) for G": played(GAN, "-exp(-t)"), "half": played(GAN, "min(t,0)"),
    "tanh for G": played(GAN, "tanh(t/2)", "t-2*log(1+exp(t))"),
    "least squares, real": played(LEAST_SQUARES, "(t+1)^2"),
    "f of a letter": lambda: from_divergence("u^a/(a*(a-1))", a=None),
    "a letter": lambda: from_likelihood_ratio("a*log(r)", "exp(-t)", a=None),
}
BAD: dict[str, Callable[[], Design]] = {
    "not monotone": pair("(r-1)^2", "1"), "minimum": pair("-log(r)", "1"), "undefined": pair("log(r-1)", "1"),
    "flat": pair("min(r,2)", "1"), "affine": divergence("2*(u-1)"), "concave": divergence("-u*log(u)"),
    "unbounded": lambda: from_terms("-t", "t"), "two terms up": lambda: from_terms("t^2", "t"),
    "climbs": played(GAN, "-t", "t*exp(t)+(exp(t)-1)^2"),
    "wrong way": lambda: from_terms("-t", "t", lipschitz=1).with_generator("-t"),
}
MORE_BAD: dict[str, Callable[[], Design]] = {
    "sign": pair("log(r)", "1-t"), "pole": pair("log(r)", "1/t^2"), "constant": played(GAN, "1"),
    "sine": played(GAN, "sin(t)"), "dead zone": played(GAN, "max(t-1,0)"), "not strict": divergence("max(u-2,0)"),
    "domain of f": divergence("sqrt(1-u^2)"), "hinge down": played(HINGE, "-t"),
}


def cases(quick: dict[str, Callable[[], Design]], slow: dict[str, Callable[[], Design]]) -> list[object]:
    return [*(pytest.param(make, id=name) for name, make in quick.items()),
            *(pytest.param(make, id=name, marks=pytest.mark.slow) for name, make in slow.items())]


def step(derivation: Derivation, title: str) -> Step:
    (found,) = [one for one in derivation.steps if title in one.title]
    return found


def words(one: Step) -> str:
    formulas = [line.formula for line in one.lines if isinstance(line.formula, str)]
    return " ".join([one.title, one.how, one.note, *formulas, *(line.words for line in one.lines)])


def shown(one: Step, name: str) -> sympy.Expr:
    """What the step says a function is: the last side of the equation or chain that begins with it."""
    for line in one.lines:
        sides = getattr(line.formula, "args", ())
        if sides and getattr(sides[0].func, "__name__", "") == name:
            return sides[-1]
    raise AssertionError(f"no formula of {name} in {one.title}")


def same(expr: sympy.Expr, symbol: sympy.Symbol, wanted: Callable[[float], float], points: tuple[float, ...]) -> None:
    for x in points:
        assert float(expr.subs(symbol, x)) == pytest.approx(wanted(x), rel=1e-12, abs=1e-12), f"at {symbol} = {x}"


def renders(derivation: Derivation) -> None:
    page = derivation.html()
    ET.fromstring(page[page.index("<html"):])
    assert derivation.latex().count(r"\section{") == len(derivation.steps)
    assert derivation.latex().count("{") == derivation.latex().count("}")
    assert derivation.markdown().count("\n## ") == len(derivation.steps)
    assert all(one.title in " ".join(derivation.text().split()) for one in derivation.steps)
    json.dumps(derivation.to_json())


@pytest.mark.parametrize("make", cases(GOOD, MORE_GOOD))
def test_a_good_design_is_derived_without_a_false_step(make: Callable[[], Design]) -> None:
    derivation = explain(make())
    assert derivation.holds, [one.how for one in derivation.steps if one.status == "refuted"]
    assert len(derivation.steps) >= 6
    assert all(one.how for one in derivation.steps)
    assert "could not be worked out" not in derivation.text()
    renders(derivation)


@pytest.mark.parametrize("make", cases(BAD, MORE_BAD))
def test_a_bad_design_ends_with_the_reason(make: Callable[[], Design]) -> None:
    derivation = explain(make())
    last = derivation.steps[-1]
    assert not derivation.holds
    assert last.status == "refuted"
    assert "Why" in last.title
    assert any(line.words.startswith("Shown by: ") for line in last.lines)
    renders(derivation)


@pytest.mark.parametrize(("name", "reason", "figures", "mend"), [
    ("minimum", "minimum", "ω(1.0) = 0.0", "t -> -t"), ("unbounded", "no maximum", "φ = -t, ψ = t", "lipschitz=1"),
    ("concave", "not convex", "f''(", "u*log(u)"), ("not monotone", "not monotone", "ω(1.0) = 0.0", "increasing"),
    ("climbs", "climbs", "β(ω(1.0)) = 0.0 > ", "-β"), ("undefined", "not a real number", "r = ", "defined")])
def test_what_the_last_step_says(name: str, reason: str, figures: str, mend: str) -> None:
    said = words(explain(BAD[name]()).steps[-1])
    assert reason in said
    assert figures in said
    assert mend in said.partition("To do: ")[2]


RATIOS = (0.05, 0.4, 1.0, 2.5, 30.0)
LOGITS = (-4.0, -0.7, 0.0, 1.3, 5.0)


def test_the_exponential_gan_is_squared_hellinger() -> None:
    derivation = explain(GOOD["exponential"]())
    same(shown(step(derivation, "least at r = 1"), "d"), R, lambda r: (math.sqrt(r) - 1) ** 2, RATIOS)
    same(shown(step(derivation, "least at r = 1"), "d''"), R, lambda r: 0.5 * r**-1.5, RATIOS)
    terms = step(derivation, "to the terms")
    same(shown(terms, "phi"), T, lambda t: -math.exp(t), (-2.0, 0.3))
    same(shown(terms, "psi"), T, lambda t: -math.exp(-t), (-2.0, 0.3))
    measured = step(derivation, "What it measures")
    assert "squared Hellinger" in words(measured)
    same(shown(measured, "f"), U, lambda u: (math.sqrt(u) - 1) ** 2, RATIOS)
    conjugate = [line.formula for line in measured.lines if "conjugate" in line.words][0].args[1]  # noqa: RUF015
    same(conjugate, sympy.Symbol("T", real=True), lambda t: t / (1 - t), (-3.0, 0.5))
    costs = [line.formula.args[1] for line in step(derivation, "raw logit").lines if line.formula is not None]
    for cost, wanted in zip(costs, (lambda v: math.exp(-v / 2), lambda v: math.exp(v / 2), lambda v: -math.exp(v / 2)),
                            strict=True):
        same(cost, V, wanted, LOGITS)
    assert "ω(1)) + ψ(ω(1)) = -2" in words(step(derivation, "constants"))
    assert "infinity = 2" in words(step(derivation, "not overlap"))


def test_kl_can_be_derived() -> None:
    for name in ("KL by a ratio", "KL by f"):
        derivation = explain(GOOD[name]())
        same(shown(step(derivation, "least at r = 1"), "d"), R, lambda r: r - 1 - math.log(r), RATIOS)
        assert "It can" in step(derivation, "What it measures").note
        assert "infinity = infinite" in words(step(derivation, "not overlap"))
    terms = step(derivation, "From f")
    same(shown(terms, "T*"), U, lambda u: math.log(u) + 1, RATIOS)
    formulas = [line.formula for line in terms.lines if "in T" in line.words]
    same(formulas[0].args[1], sympy.Symbol("T", real=True), lambda t: math.exp(t - 1), (-1.0, 2.0))


def test_non_saturating_descends_its_own_divergence() -> None:
    derivation = explain(GOOD["non-saturating"]())
    one = step(derivation, "What the generator descends")
    same(shown(one, "H'"), R, math.log1p, RATIOS)
    same(shown(one, "H"), R, lambda r: (1 + r) * math.log1p(r) - r - 2 * math.log(2) + 1, RATIOS)
    assert "KL(m, p)" in words(one)
    assert "i and -i" not in words(step(derivation, "game"))
    assert "0.5 i and -0.5 i" in words(step(derivation, "game")), "beta' = rho = 1/2 at 0"
    assert "not enough" in one.note


def force(slope: Callable[[float], float]) -> float:
    """The slope in s of a mean over q = N(0, s^2) at s = 1/2, where slope is that of the integrand in q."""
    def integrand(x: float) -> float:
        q = stats.norm.pdf(x, scale=0.5)
        return slope(q / stats.norm.pdf(x)) * q * (x * x * 8 - 2)
    return float(integrate.quad(integrand, -8, 8, epsabs=1e-12)[0])


def test_least_squares_with_the_middle_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain_generator, "PATIENCE", 5.0)  # the integral of its companion is what is tested
    derivation = explain(played(LEAST_SQUARES, "t^2", "t^2")())
    one = step(derivation, "The value is not")
    followed = force(lambda r: ((r - 1) / (r + 1)) ** 2)
    claimed = force(lambda r: (r * r + 2 * r - 3) / (r + 1) ** 2)  # of (r - 1)^2/(r + 1)
    assert f"followed {followed:+.4f}, of the value {claimed:+.4f}" in words(one)
    assert (followed, claimed) == pytest.approx((0.1215, -1.4118), abs=5e-5)
    assert one.status == "refuted"
    assert "(a + b)/2" in one.note
    assert "The signs differ" in words(one)
    same(shown(step(derivation, "least at r = 1"), "d"), R, lambda r: (r - 1) ** 2 / (r + 1), RATIOS)
    assert "warns" in derivation.steps[-1].title
    assert "degenerate" in words(step(derivation, "game"))
    companion = shown(step(derivation, "real samples moves nothing"), "alpha")
    for t in (-0.6, 0.2, 0.7):  # alpha' = -r beta', r = (1 + t)/(1 - t)
        assert float(sympy.diff(companion, T).subs(T, t)) == pytest.approx(-(1 + t) / (1 - t) * 2 * t)
    renders(derivation)


def test_a_note_on_the_middle_target_is_for_least_squares_only() -> None:
    derivation = explain(BAD["climbs"]())
    assert "(a + b)/2" not in step(derivation, "The value is not").note
    assert "saddle" in words(step(derivation, "game"))


def test_corners() -> None:
    for name in ("sign", "hinge"):
        derivation = explain(GOOD[name]())
        same(shown(step(derivation, "largest of straight lines"), "d"), R, lambda r: abs(r - 1), RATIOS)
        limit = words(step(derivation, "limit of smooth"))
        for k, wanted in ((1, 1 - 2 * math.log(1.5)), (2, 1 - 2 * math.atan(2) + math.pi / 2)):
            found = re.search(rf"k = {k}: ([\d.]+)", limit)
            assert found
            assert float(found[1]) == pytest.approx(wanted, rel=1e-6)
    lines = [line.formula for line in step(derivation, "corners").lines if line.words.startswith("t = ")]
    assert lines == [-2 * R, -2]


def test_wasserstein() -> None:
    derivation = explain(GOOD["Wasserstein"]())
    distance = stats.wasserstein_distance([0, 1, 3], [0, 1, 3], [5, 3, 2], [1, 3, 6])
    metric = step(derivation, "integral metric")
    assert f"critic {distance:.6g}, transport {distance:.6g}" in words(metric)
    assert metric.status == "stated"
    assert "Kantorovich" in words(metric)
    assert "Not proved" in words(step(derivation, "Without the bound"))


def test_no_closed_form_is_said_and_numbers_are_given() -> None:
    def slope(r: float) -> float:  # d' = psi(omega(r)) = omega(r) - omega(1)
        return r + math.log1p(math.exp(r)) - 1 - math.log1p(math.e)

    derivation = explain(pair("r + log(1 + exp(r))", "1")())
    one = step(derivation, "least at r = 1")
    assert "no closed form was found" in words(one)
    (table,) = [line.formula for line in one.lines if isinstance(line.formula, str)]
    head, values = (re.split(r"\s{2,}", row.strip()) for row in table.splitlines()[:2])
    assert (head, values[0]) == (["r", "0.1", "0.5", "2", "10"], "d(r)")
    for r, value in zip(map(float, head[1:]), map(float, values[1:]), strict=True):
        assert value == pytest.approx(integrate.quad(slope, 1, r)[0], rel=1e-7)


def test_swapped_labels_are_told_and_turned() -> None:
    one = step(explain(GOOD["labels swapped"]()), "given")
    assert "swapped" in words(one)
    formulas = [line.formula.args[1] for line in one.lines if isinstance(line.formula, sympy.Eq)]
    assert formulas == [-sympy.log(R) / 2, -sympy.exp(T), sympy.log(R) / 2, sympy.exp(-T)]


def fresh() -> Design:
    omega, rho = sympy.log(R) / 2, sympy.exp(-T)
    return Design(RatioCritic(omega, rho), {"omega": omega, "rho": rho})


@pytest.mark.parametrize("wrong", [(sympy.sqrt(R) - 1) ** 2 * 2, (R - 1) ** 2, (sympy.sqrt(R) - 1) ** 2 + 1])
def test_a_wrong_d_is_refuted(wrong: sympy.Expr) -> None:
    assert convexity(fresh()).status == "checked"
    broken = fresh()
    broken.critic.__dict__["d"] = wrong
    assert convexity(broken).status == "refuted"


def test_a_wrong_h_is_refuted() -> None:
    sound, broken = (fresh().with_generator("t") for _ in range(2))
    assert descends(sound).status in ("proved", "checked")
    broken = Design(fresh().critic, {}, beta=T)
    broken.generator.__dict__["H"] = R**2
    assert descends(broken).status == "refuted"


def test_claims_about_functions() -> None:
    assert explain_claims.identical("", sympy.log(R**2), 2 * sympy.log(R)).status == "proved"
    assert explain_claims.identical("", sympy.sin(R) ** 2 + sympy.cos(R) ** 2, sympy.S.One).status == "proved"
    near = explain_claims.identical("", R, R + sympy.Float("1e-20", 40))
    assert near.status == "refuted"
    assert "at r = " in near.figures
    assert explain_claims.agree("", lambda r: 1 / (r - r), lambda r: r).status == "refuted", "no value"
    assert explain_claims.identical("", sympy.zeta(R), sympy.zeta(R) + 1).status == "stated", "zeta has no numbers here"


def test_the_effort_is_bounded() -> None:
    with explain_claims.effort(0.0):
        assert explain_claims.tried("", sympy.expand, R) is None
        with explain_claims.effort(1.0):
            assert explain_claims.tried("", sympy.expand, R) == R
        assert explain_claims.identical("", (R + 1) ** 2, R**2 + 2 * R + 1).status == "checked", "numbers still decide"


def test_a_certificate_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Design) -> Certificate:
        raise NotImplementedError("no numbers")

    monkeypatch.setattr(Design, "certificate", fail)
    derivation = explain(fresh())
    assert "not decided" in derivation.summary
    renders(derivation)


def test_a_step_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Design) -> float:
        raise ArithmeticError("no limit")

    design = fresh()
    whole = explain(design)
    monkeypatch.setattr(Design, "disjoint", property(fail))
    partial = explain(design)
    assert len(partial.steps) == len(whole.steps)
    assert "could not be worked out" in words(step(partial, "not overlap"))


def test_greek_in_words() -> None:
    assert explain_claims._greek("omega(r), psi' and Omega; not omega.increasing or alphabet") == (
        "ω(r), ψ' and Ω; not omega.increasing or alphabet")


def test_it_is_quick() -> None:
    design = GOOD["exponential"]()
    explain(design)
    began = time.process_time()
    explain(design)
    assert time.process_time() - began < 2, "about 0.3 s of one core"


@pytest.mark.slow
def test_limits_that_are_not_found_are_said() -> None:
    # The best answer at the farthest ratios lies where phi and psi have more digits than can be worked out in time.
    design = from_terms("-exp(exp(t))", "-exp(exp(-t))")
    assert math.isnan(design.disjoint)
    one = step(explain(design), "do not overlap")
    assert one.how == "Not checked: the limits were not found in numbers."
    assert "not known" in " ".join(str(line.formula) for line in one.lines)
    assert explain(design).holds
