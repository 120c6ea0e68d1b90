"""The minimax proof: its figures against scipy and closed forms, and steps that are broken on purpose."""

from __future__ import annotations

import math
import re
import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import sympy
from mpmath import mp
from scipy import integrate, stats

from ganworks.design import claims, gaussians, minimax, minimax_consequences
from ganworks.design.derivation import Derivation, Step


@pytest.fixture(scope="module")
def proof() -> Derivation:
    return minimax.minimax_proof()


def step(proof: Derivation, title: str) -> Step:
    (found,) = [one for one in proof.steps if title in one.title]
    return found


def words(one: Step) -> str:
    formulas = [line.formula for line in one.lines if isinstance(line.formula, str)]
    return " ".join([one.how, one.note, *formulas, *(line.words for line in one.lines)])


def figure(text: str, after: str) -> float:
    """The number that follows some words."""
    found = re.search(re.escape(after) + r"\s*(-?\d+\.?\d*(?:e-?\d+)?)", text)
    assert found, f"no figure after '{after}' in: {text}"
    return float(found[1])


def quad(function, low: float = -12, high: float = 14) -> float:  # type: ignore[no-untyped-def]
    return float(integrate.quad(function, low, high, epsabs=1e-13, epsrel=1e-12, limit=300)[0])


def js(shift: float) -> float:
    """JS(N(0, 1), N(shift, 1)) by adaptive quadrature."""
    def integrand(x: float) -> float:
        p, q = stats.norm.pdf(x), stats.norm.pdf(x - shift)
        return 0.5 * (p * math.log(2 * p / (p + q)) + q * math.log(2 * q / (p + q)))
    return quad(integrand)


def kl_mixture_real(shift: float) -> float:
    def integrand(x: float) -> float:
        p, q = stats.norm.pdf(x), stats.norm.pdf(x - shift)
        return (p + q) / 2 * math.log((p + q) / (2 * p))
    return quad(integrand)


def test_every_step_holds_and_says_how(proof: Derivation) -> None:
    assert proof.holds
    statuses = [one.status for one in proof.steps]
    assert statuses == ["proved", "checked", "proved", "proved", "proved", "proved", "proved", "stated", "proved",
                        "proved", "proved"]
    assert all(one.how for one in proof.steps)
    assert "2003" in words(step(proof, "distance")), "a theorem that is cited names its source"


def test_it_is_quick() -> None:
    minimax.minimax_proof.cache_clear()
    began = time.process_time()
    minimax.minimax_proof()
    assert time.process_time() - began < 4, "about 1.4 s of one core"


def test_reciprocals_of_logarithms_are_no_cross_entropy(proof: Derivation) -> None:
    note = step(proof, "cross-entropy").note
    for d in (0.9, 0.99):
        assert figure(note, f"at D = {d} it is") == pytest.approx(1 / math.log(d), rel=1e-5)
        assert figure(note[note.index(f"D = {d}"):], "the cross-entropy") == pytest.approx(-math.log(d), rel=1e-5)


def test_push_forward_through_a_map_without_inverse(proof: Derivation) -> None:
    one = step(proof, "no inverse")
    by_noise = quad(lambda z: stats.norm.pdf(z) * -math.log1p(math.exp(-z * z)))
    by_chi2 = stats.chi2(1).expect(lambda x: -np.log1p(np.exp(-x)), epsabs=1e-12)
    shown = figure(words(one), "E log(1 - D) =")
    assert shown == pytest.approx(by_noise, abs=1e-11)
    assert shown == pytest.approx(by_chi2, abs=1e-7)
    assert figure(one.how, "difference") < 1e-25


def test_pointwise_maximum_is_where_a_search_finds_it() -> None:
    a, b = 0.7, 0.2
    grid = np.linspace(1e-6, 1 - 1e-6, 2_000_001)
    curve = a * np.log(grid) + b * np.log1p(-grid)
    best = grid[np.argmax(curve)]
    assert best == pytest.approx(a / (a + b), abs=1e-6)
    h = 1e-3
    top = a / (a + b)
    bend = sum(w * (a * math.log(top + k * h) + b * math.log(1 - top - k * h)) for k, w in ((-1, 1), (0, -2), (1, 1)))
    assert bend / h**2 == pytest.approx(-((a + b) ** 3) / (a * b), rel=1e-3)
    drawn = [line.formula for line in minimax.pointwise_maximum().lines]
    found = drawn[-1].rhs.subs(dict(zip(sympy.symbols("a b", positive=True), (a, b), strict=True)))
    assert float(found) == pytest.approx(bend / h**2, rel=1e-3)


def test_cost_of_two_gaussians(proof: Derivation) -> None:
    text = words(step(proof, "cost is a divergence"))
    assert figure(text, "JS =") == pytest.approx(js(1), abs=1e-12)
    assert figure(text, "C =") == pytest.approx(-math.log(4) + 2 * js(1), abs=1e-11)


def test_moved_logit_lowers_the_value(proof: Derivation) -> None:
    def value(moved: float) -> float:
        def integrand(x: float) -> float:
            v = 0.5 - x + moved
            return stats.norm.pdf(x) * -np.logaddexp(0, -v) + stats.norm.pdf(x - 1) * -np.logaddexp(0, v)
        return quad(integrand)
    how = step(proof, "best discriminator").how
    low, top = (float(x) for x in re.search(r"too low is below V at the optimum \((\S+) < (\S+)\)", how).groups())  # type: ignore[union-attr]
    assert low == pytest.approx(value(-0.1), abs=1e-5)
    assert top == pytest.approx(value(0), abs=1e-5)
    assert low < top


def test_minimum_and_its_neighbours(proof: Derivation) -> None:
    one = step(proof, "minimum, and where")
    assert figure(words(one), "-log 4 =") == pytest.approx(-1.3862943611198906, abs=1e-15)
    found = re.search(r"at t = 0, 1/2, 1 and 2 \((.*?)\)", one.how)
    assert found
    values = [float(x) for x in found[1].split(" < ")]
    assert values == pytest.approx([-math.log(4) + 2 * js(t) for t in (0, 0.5, 1, 2)], abs=1e-5)


def test_two_generators_with_one_law(proof: Derivation) -> None:
    how = step(proof, "generator is not").how
    rng = np.random.default_rng(0)
    z = rng.normal(size=1_000_000)
    assert figure(how, "(both") == pytest.approx(np.exp(-((z + z * z / 4) ** 2) / 2).mean(), abs=2e-3)


def test_triangle_inequality(proof: Derivation) -> None:
    text = words(step(proof, "distance"))
    far, near = math.log(2), 0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3) + 0.25 * math.log(2)
    assert figure(text, "JS(A, C) =") == pytest.approx(far, abs=1e-6)
    assert figure(text, "> JS(A, B) + JS(B, C) =") == pytest.approx(2 * near, abs=1e-6)
    assert figure(text, "√JS(A, C) =") == pytest.approx(math.sqrt(far), abs=1e-6)
    assert figure(text, "< √JS(A, B) + √JS(B, C) =") == pytest.approx(2 * math.sqrt(near), abs=1e-6)


def test_two_gradients(proof: Derivation) -> None:
    text = words(step(proof, "two gradients"))
    sigma = 1 / (1 + math.exp(10))
    assert figure(text, "minimax") == pytest.approx(-sigma, rel=1e-5)
    assert figure(text, "non-saturating") == pytest.approx(-(1 - sigma), rel=1e-5)
    assert figure(text, "by a factor of") == pytest.approx(math.exp(10), rel=1e-5)


def test_each_generator_descends_its_own_divergence(proof: Derivation) -> None:
    text = words(step(proof, "two divergences"))
    h = 1e-4
    assert figure(text, "minimax") == pytest.approx((js(1 + h) - js(1 - h)) / h, abs=1e-5)
    kl = (kl_mixture_real(1 + h) - kl_mixture_real(1 - h)) / h
    assert figure(text, "non-saturating") == pytest.approx(kl, abs=1e-5)


def test_gradient_play_turns(proof: Derivation) -> None:
    one = step(proof, "does not prove")
    assert np.allclose(sorted(np.linalg.eigvals([[0, 0.5], [-0.5, 0]]).imag), [-0.5, 0.5])
    theta, psi = 1.0, 0.0
    for _ in range(1000):
        # D(x) = sigmoid(psi x): G descends and D ascends log(1 - sigmoid(psi theta)), whose slope is -sigmoid
        force = -1 / (1 + np.exp(-psi * theta))
        theta, psi = theta - 0.1 * psi * force, psi + 0.1 * theta * force
    assert figure(one.how, "(1 <") == pytest.approx(math.hypot(theta, psi), rel=1e-5)


def test_it_renders(proof: Derivation) -> None:
    assert max(map(len, proof.text(100).splitlines())) <= 100
    assert max(map(len, proof.text(72).splitlines())) <= 72
    page = ET.fromstring(proof.html())
    assert sum(element.tag.endswith("}math") for element in page.iter()) >= 20
    assert not re.search(r"[^\x00-\u017f]", proof.latex()), "the article needs no fonts but LaTeX's own"
    assert "U+" not in proof.latex()
    assert "Where notes slip" in proof.html()


# Broken on purpose: what is false must be refuted.

p, q, x = sympy.symbols("p q x", positive=True)


def test_false_identities_are_refuted() -> None:
    assert claims.identity("", sympy.log(p * q), sympy.log(p) + sympy.log(q)).status == "proved"
    wrong = claims.identity("", sympy.log(p * q), sympy.log(p) - sympy.log(q))
    assert wrong.status == "refuted"
    assert "at p = " in wrong.figures
    assert claims.identity("", p, p + sympy.Rational(1, 10**12)).status == "refuted"
    assert claims.identity("", p, sympy.log(0) * p).status == "refuted"


def test_a_true_identity_out_of_reach_of_symbols_is_checked_in_numbers() -> None:
    found = claims.identity("", sympy.LambertW(x * sympy.exp(x)), x)
    assert found.status == "checked"
    assert "12 points" in found.figures


def test_numbers_must_agree_to_25_digits() -> None:
    with mp.workdps(30):
        one = mp.mpf(1) / 3
        assert claims.equal("", one, one + mp.mpf(10) ** -27).status == "checked"
        assert claims.equal("", one, one + mp.mpf(10) ** -23).status == "refuted"
        assert claims.equal("", one, mp.nan).status == "refuted"
        assert claims.ordered("", one, one).status == "refuted"
        assert claims.ordered("", one, one + 1, one).status == "refuted"
    assert claims.negative("", p - q).status == "refuted"
    assert claims.negative("", -p - q).status == "proved"


def test_a_refuted_check_breaks_a_proved_step() -> None:
    good, bad = claims.Finding("proved", "a"), claims.Finding("refuted", "b", "1 against 2")
    assert claims.resting_on([good], [bad]) == "refuted"
    assert claims.resting_on([good], [claims.Finding("checked", "c")]) == "proved"
    assert claims.resting_on([good, claims.Finding("checked", "c")]) == "checked"
    assert claims.account([good, bad]).startswith("Refuted: b (1 against 2).")


@pytest.mark.parametrize(("module", "name", "wrong", "build"), [
    (minimax, "kl_to_mixture", lambda mean, other, parts: mp.mpf(0), minimax.generator_cost),
    (minimax, "normal", lambda z, mean: mp.exp(-abs(z)) / 2, minimax.push_forward),
    (minimax, "A", sympy.Symbol("a", negative=True), minimax.pointwise_maximum),
    (minimax, "value", lambda shift, moved, parts: mp.mpf(moved), minimax.optimal_discriminator),
    (minimax_consequences, "SATURATING", -minimax_consequences.SATURATING, minimax_consequences.two_slopes),
    (minimax_consequences, "NON_SATURATING", minimax_consequences.SATURATING, minimax_consequences.two_divergences),
    (minimax_consequences, "kl_from_mixture", gaussians.jensen_shannon, minimax_consequences.two_divergences),
    (minimax_consequences, "discrete_js", lambda one, two: abs(one[0] - two[0]), minimax_consequences.metric),
    (minimax_consequences, "jensen_shannon", lambda mean, parts: -mp.mpf(mean), minimax_consequences.minimum),
    (minimax_consequences, "normal", lambda z, m: mp.exp(-((z - 1) ** 2)), minimax_consequences.generator_not_unique),
    (minimax_consequences, "_played", lambda step, times: 0.5, minimax_consequences.not_proved),
])
def test_a_step_built_on_a_mistake_is_refuted(module, name, wrong, build, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    with mp.workdps(claims.DIGITS):
        assert build().status != "refuted"
        monkeypatch.setattr(module, name, wrong)
        broken = build()
    assert broken.status == "refuted"
    assert "Refuted: " in broken.how
    assert not Derivation("t", (broken,)).holds
