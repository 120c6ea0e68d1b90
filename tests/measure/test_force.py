"""The generator's force against closed forms, and against integrals and roots that scipy finds here."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from ganworks.design import from_terms
from ganworks.errors import UserError
from ganworks.measure.force import force
from ganworks.measure.walks import walk


def on_scale(function, s: float) -> float:
    """int dq/ds function(q/p) dx for q = N(0, s^2), p = N(0, 1)."""
    def integrand(x: float) -> float:
        q = norm.pdf(x, scale=s)
        return q * (x**2 / s**3 - 1 / s) * function(q / norm.pdf(x))

    return 2 * quad(integrand, 0, 12 * s, epsabs=1e-13, epsrel=1e-12, limit=200)[0]


def middle(r: float) -> float:
    return ((r - 1) / (r + 1)) ** 2


def test_least_squares_with_its_aim_in_the_middle_is_pushed_the_wrong_way() -> None:
    design = from_terms("-(t+1)^2", "-(t-1)^2").with_generator("t^2", "t^2").with_output("linear")
    found = force(design, at=0.5)
    assert found.followed[0] == pytest.approx(on_scale(middle, 0.5), abs=1e-10)
    assert found.claimed[0] == pytest.approx(on_scale(lambda r: (r - 1) * (r + 3) / (r + 1) ** 2, 0.5), abs=1e-10)
    assert found.value == pytest.approx(found.claimed, abs=1e-9)  # note 002 reads alpha + r beta = (r-1)^2/(r+1)
    assert (round(found.followed[0], 4), round(found.claimed[0], 4)) == (0.1215, -1.4118)
    assert found.agreement == -1


@pytest.mark.parametrize("s", [0.3, 0.5, 1.3, 3.0])
def test_divergences_of_normals_in_closed_form(s: float) -> None:
    forward, backward = (force(name, at=s) for name in ("kl", "reverse_kl"))
    assert forward.followed[0] == pytest.approx(1 / s - 1 / s**3, rel=1e-8)  # KL(p, q) = log s + 1/(2 s^2) - 1/2
    assert backward.followed[0] == pytest.approx(s - 1 / s, rel=1e-8)  # KL(q, p) = s^2/2 - log s - 1/2
    assert forward.claimed[0] == pytest.approx(forward.followed[0], rel=1e-8)


def test_chi_square_ends_where_its_integral_does() -> None:
    s = 1.2  # (1/2) (1/(s sqrt(2 - s^2)) - 1), finite for s^2 < 2
    wanted = -(1 / (s**2 * math.sqrt(2 - s**2)) - 1 / (2 - s**2) ** 1.5) / 2
    assert force("meansquare", at=s).followed[0] == pytest.approx(wanted, rel=1e-8)
    assert np.isnan(force("meansquare", at=1.5).followed[0])


def test_what_lies_beyond_q_is_not_made_up() -> None:
    assert np.isnan(force("kl", at=0.1).followed[0])  # -990, nearly all of it where q is 0 in float64


def test_shifted_and_general_normals() -> None:
    assert force("kl", "normal_shift", 0.7).followed[0] == pytest.approx(0.7, rel=1e-9)  # KL = m^2/2
    both = force("reverse_kl", "normal", [0.5, 0.7])  # KL(q, p) = (s^2 + m^2 - 1)/2 - log s
    np.testing.assert_allclose(both.followed, [0.5, 0.7 - 1 / 0.7], rtol=1e-8)
    assert both.agreement == pytest.approx(1)


@pytest.mark.parametrize(("name", "slope"), [
    ("nonsaturating", lambda r: math.log1p(r)),  # H' of 2 KL(m, p)
    ("minimax", lambda r: -math.log1p(1 / r)),  # d' of 2 JS
    ("bce_kl", lambda r: -1 / r), ("exponential", lambda r: -1 / math.sqrt(r)),
])
def test_what_is_followed_is_the_first_variation_of_H(name: str, slope) -> None:
    assert force(name, at=0.6).followed[0] == pytest.approx(on_scale(slope, 0.6), rel=1e-7)


def test_a_critic_that_jumps() -> None:
    """int |q - p| = 2 (Q - P)(|x| < x0) for s < 1, where q = p at x0; its slope in s is -4 x0 phi(x0/s) / s^2."""
    s = 0.5
    x0 = math.sqrt(-2 * math.log(s) / (1 / s**2 - 1))
    wanted = -4 * x0 / s**2 * norm.pdf(x0 / s)
    assert force("hinge", at=s).followed[0] == pytest.approx(wanted, rel=1e-9)


def test_masses_by_differences() -> None:
    q, p = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    found = force("minimax", "simplex", q, p)

    def twice_js(q: np.ndarray) -> float:
        m = (p + q) / 2
        return float((p * np.log(p / m) + q * np.log(q / m)).sum())

    for along in (np.array([1.0, -1.0, 0.0]), np.array([0.0, 1.0, -1.0])):
        h = 1e-5
        slope = (twice_js(q + h * along) - twice_js(q - h * along)) / (2 * h)
        assert found.followed @ along == pytest.approx(slope, abs=1e-8)
    assert found.followed.sum() == pytest.approx(0, abs=1e-15)


def test_a_scale_walks_into_the_spurious_point() -> None:
    root = brentq(lambda s: on_scale(middle, s), 0.3, 0.4, xtol=1e-13)
    assert root == pytest.approx(0.340126449962574, abs=1e-10)
    found = walk("lsgan_middle", "normal_scale", 0.9)
    assert found.verdict == "rests elsewhere"
    assert found.end[0] == pytest.approx(root, abs=1e-9)
    assert (np.diff(found.path[:, 0]) < 0).all()


@pytest.mark.parametrize("name", ["lsgan", "lsgan_ratio", "minimax", "nonsaturating", "{phi: -(t+1)^2, psi: -(t-1)^2}"])
def test_scales_that_reach_the_goal(name: str) -> None:
    """c = real label, and the zero-sum games."""
    found = walk(name, "normal_scale", 0.9)
    assert found.verdict == "reaches p"
    assert found.end[0] == pytest.approx(1, abs=1e-9)


def test_a_walk_follows_the_differential_equation() -> None:
    """For reverse_kl d(log s)/dt = -s dF/ds = 1 - s^2, hence s^2/(1 - s^2) = (s0^2/(1 - s0^2)) e^{2t}."""
    found = walk("reverse_kl", "normal_scale", 0.5)
    grown = 0.25 / 0.75 * np.exp(2 * found.times)
    np.testing.assert_allclose(found.path[:, 0], np.sqrt(grown / (1 + grown)), atol=1e-6)


def test_the_middle_drops_an_atom_and_the_others_do_not() -> None:
    start = [0.5, 0.3, 0.2]
    lost = walk("lsgan_middle", "simplex", start)
    assert lost.verdict == "drops atoms"
    np.testing.assert_allclose(lost.end, [0.5, 0.5, 0], atol=1e-6)
    for name in ("lsgan_ratio", "minimax"):
        found = walk(name, "simplex", start)
        assert found.verdict == "reaches p"
        np.testing.assert_allclose(found.end, 1 / 3, atol=1e-6)


@pytest.mark.parametrize("wrong", [
    ("wgan",), ("rpgan",), ("minmax",), ("minimax", "normals"), ("minimax", "normal_scale", 0.0),
    ("minimax", "normal_scale", [1, 2]), ("minimax", "normal_scale", math.nan), ("minimax", "simplex", [0.5, 0.6]),
    ("minimax", "simplex", [0.5, 0.5], [0.5, 0.6]), ("minimax", "normal_scale", 0.5, [0.5, 0.5]),
    ("minimax", "simplex", [0.5, 0.5], [1, 0]), ("minimax", "normal_shift", "far"),
])
def test_bad_input(wrong: tuple) -> None:
    with pytest.raises(UserError):
        force(*wrong)


def test_a_walk_from_nowhere() -> None:
    with pytest.raises(UserError):
        walk("minimax", "simplex", [1, 0, 0])
    with pytest.raises(UserError):
        walk("meansquare", "normal_scale", 1.6)
