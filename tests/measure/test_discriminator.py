"""The best discriminator, a trained one, C(G) and the push-forward, against closed forms and plain quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from ganworks.errors import UserError
from ganworks.measure import discriminator, path_of_generators, push_forward
from ganworks.measure.distributions import as_distribution
from ganworks.measure.student import taught


def value_of(p, q):
    """max over D of E_p log D + E_q log(1 - D), by quadrature of the best D."""
    def earned(x):
        a, b = p.pdf(x), q.pdf(x)
        return a * math.log(a / (a + b)) + b * math.log(b / (a + b))

    return integrate.quad(earned, -12, 12, epsabs=1e-12, limit=200)[0]


def test_on_the_line():
    p, q = stats.norm(0, 1), stats.norm(1, 1.5)
    found = discriminator(p, q, steps=800)
    assert found.value == pytest.approx(value_of(p, q), abs=1e-9)
    (x,) = found.axes
    np.testing.assert_allclose(found.best, p.logpdf(x) - q.logpdf(x), atol=1e-12)
    np.testing.assert_allclose(found.mass, (p.pdf(x) + q.pdf(x)) / 2, rtol=1e-10)
    assert found.rms < 0.03
    # No discriminator earns more than the best one; this one earns nearly as much.
    assert found.value - 0.02 < found.reached < found.value + 4 * found.reached_error


def test_in_the_plane():
    found = discriminator("normal2([0, 0], [[1, 0], [0, 1]])", "normal2([1, 0], [[1, 0], [0, 1]])", steps=500)
    x, y = found.axes
    assert found.best.shape == (len(y), len(x))
    # log p/q = 1/2 - x, whatever y.
    np.testing.assert_allclose(found.best, np.broadcast_to(0.5 - x, found.best.shape), atol=1e-12)
    assert found.rms < 0.05


def test_an_untrained_critic_is_far_off():
    assert discriminator(stats.norm(-2, 1), stats.norm(2, 1), steps=1).rms > 0.2


def test_the_students_slope():
    (student,) = taught(as_distribution(stats.norm()), as_distribution(stats.norm(2)), [50])
    x = np.linspace(-2, 3, 7)
    differences = (student(x + 1e-3) - student(x - 1e-3)) / 2e-3
    np.testing.assert_allclose(student.slope(x)[:, 0], differences, atol=2e-3)


def test_c_of_g_is_least_where_p_is_met_and_nowhere_else():
    at = np.linspace(-2, 2, 17)
    path = path_of_generators(stats.norm(), [stats.norm(m, 1) for m in at], at)
    assert path.least_at == 0
    assert path.least == pytest.approx(-math.log(4), abs=1e-12)
    assert (np.delete(path.value, 8) > -math.log(4) + 1e-3).all()
    assert path.value[0] == pytest.approx(value_of(stats.norm(), stats.norm(-2, 1)), abs=1e-9)


def test_push_forward_of_a_generator_without_inverse():
    found = push_forward(400_000, seed=3)
    x = stats.chi2(1)
    direct = integrate.quad(lambda v: math.log(v / (1 + v)) * x.pdf(v), 0, 1, epsabs=1e-10)[0] + integrate.quad(
        lambda v: math.log(v / (1 + v)) * x.pdf(v), 1, np.inf, epsabs=1e-12)[0]
    assert found.over_x == pytest.approx(direct, abs=1e-6)
    assert abs(found.off) < 4
    assert found.error == pytest.approx(0.0029, rel=0.05)  # sd of log(x/(1+x)) is 1.845


@pytest.mark.parametrize(("p", "q", "said"), [([0.5, 0.5], [0.2, 0.8], "discrete"),
                                              (stats.norm(), "ring8", "dimension"), (stats.poisson(3), "cauchy",
                                                                                     "discrete")])
def test_what_has_no_map(p, q, said):
    with pytest.raises(UserError, match=said):
        discriminator(p, q)
