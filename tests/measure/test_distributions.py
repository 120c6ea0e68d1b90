"""Distributions as text, and what they say of themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ganworks.errors import UserError
from ganworks.measure import GaussianMixture, distribution

X = np.linspace(-3.3, 4.1, 9)


@pytest.mark.parametrize(("text", "wanted"), [
    ("normal(1, 2)", stats.norm(1, 2)), ("normal(sd=2, mean=1)", stats.norm(1, 2)), ("normal", stats.norm()),
    ("uniform(0, 2)", stats.uniform(0, 2)), ("laplace(0,1)", stats.laplace()), ("cauchy", stats.cauchy()),
    ("student(3)", stats.t(3)), ("beta(0.5, 0.5)", stats.beta(0.5, 0.5)), ("gamma(2)", stats.gamma(2)),
    ("gamma(1/2, 3)", stats.gamma(0.5, scale=3)), ("exponential(2)", stats.expon(scale=0.5)),
    ("logistic(1, 2)", stats.logistic(1, 2)), ("lognormal(0, 1)", stats.lognorm(1)), ("1*normal(-1)", stats.norm(-1)),
])
def test_densities(text, wanted):
    assert distribution(text).logpdf(X) == pytest.approx(wanted.logpdf(X), rel=1e-12)


def test_mixtures():
    mixed = distribution("0.3*normal(-1, 0.5) + 0.7*laplace(2, 1)")
    wanted = 0.3 * stats.norm(-1, 0.5).pdf(X) + 0.7 * stats.laplace(2, 1).pdf(X)
    assert mixed.pdf(X) == pytest.approx(wanted, rel=1e-12)
    plane = distribution("0.25*normal2([0,0], [[1,0.3],[0.3,1]]) + 0.75*normal2([2,1])")
    points = np.stack([X, X[::-1]], axis=1)
    wanted = (0.25 * stats.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]]).pdf(points)
              + 0.75 * stats.multivariate_normal([2, 1]).pdf(points))
    assert plane.pdf(points) == pytest.approx(wanted, rel=1e-12)
    assert plane.dimension == 2


@pytest.mark.parametrize(("text", "modes", "radius"), [("ring8", 8, 1.0), ("grid25", 25, np.sqrt(32))])
def test_rings_and_grids(text, modes, radius):
    found = distribution(text)
    assert found.means.shape == (modes, 2)
    assert np.linalg.norm(found.means, axis=1).max() == pytest.approx(radius)


def test_vectors_and_lattices():
    assert np.exp(distribution("0.2 0.3, 1/2").logpdf([0, 1, 2, 3, 0.5])) == pytest.approx([0.2, 0.3, 0.5, 0, 0])
    assert distribution("poisson(3)").logpdf([0, 2]) == pytest.approx(stats.poisson(3).logpmf([0, 2]))


@pytest.mark.parametrize("text", ["normal(1, 2)", "0.5*normal(-3, 1) + 0.5*laplace(3, 1)", "beta(2, 3)", "poisson(4)"])
def test_samples_follow_it(text):
    found = distribution(text)
    drawn = found.sample(4000, seed=5)
    assert np.array_equal(drawn, found.sample(4000, seed=5))
    assert not np.array_equal(drawn, found.sample(4000, seed=6))
    if text == "poisson(4)":
        assert drawn.mean() == pytest.approx(4, abs=0.15)
        return
    x = np.linspace(-12, 12, 20_001)
    cdf = np.cumsum(found.pdf(x)) * (x[1] - x[0])
    assert stats.kstest(drawn, lambda y: np.interp(y, x, cdf)).pvalue > 1e-3


def test_samples_in_the_plane():
    drawn = distribution("normal2([1,2], [[1,0.8],[0.8,2]])").sample(20_000, seed=1)
    assert drawn.mean(axis=0) == pytest.approx([1, 2], abs=0.05)
    assert np.cov(drawn.T).ravel() == pytest.approx([1, 0.8, 0.8, 2], abs=0.08)


@pytest.mark.parametrize(("text", "words", "at"), [
    ("nromal(0, 1)", "did you mean 'normal'", 0), ("normal(0, -1)", "sd of normal is -1", 0),
    ("normal(0, 1", r"the end where ','", 11), ("normal(0, 1, 2)", "too many parameters", 13),
    ("0.3*normal + 0.6*laplace", "weights sum to 0.9", 4), ("0.3*normal + laplace", "laplace has no weight", 13),
    ("normal(mu=1)", "no parameter 'mu'", 7), ("beta(1)", "beta needs a, b", 0), ("uniform(2, 1)", "from 2 to 1", 0),
    ("", "it is empty", 0), ("normal; import os", "unexpected ';'", 6),
    ("0.5*normal2 + 0.5*normal", "in one mixture", 18),
    ("0.2 0.3", "sums to 0.5", None), ("1.5 -0.5", "is negative", 4), ("normal2([0,0], [[1,2],[2,1]])", "positive", 0),
    ("normal2([0,0,0])", "do not fit", 0), ("3", "a number alone", 0), ("normal([1])", "is a list", 0),
    ("normal(1/0)", "division by zero", 9), ("__import__('os')", "unexpected '_'", 0),
    ("0.5*ring8+0.5*ring8", "alone", 4),
    ("normal(sd=2)(3)", r"unexpected '\('", 12), ("student(mean=1)", "without degrees", 0),
])
def test_errors_point_at_the_character(text, words, at):
    with pytest.raises(UserError, match=words) as caught:
        distribution(text)
    if at is not None:
        assert str(caught.value.problem).splitlines()[2].index("^") - 2 == at


def test_defaults_by_name():
    assert distribution("normal(sd=2)").logpdf(X) == pytest.approx(stats.norm(0, 2).logpdf(X))


@pytest.mark.parametrize(("weights", "means", "covariances", "words"), [
    ([0.5, 0.6], [[0], [1]], np.ones((2, 1, 1)), "sums to 1.1"), ([1.0], [[0, 0]], np.zeros((1, 2, 2)), "positive"),
    ([1.0], [[0, 0]], [[[1, 0.5], [0.4, 1]]], "symmetric"), ([1.0], [[np.nan]], [[[1.0]]], "nan"),
    ([0.5, 0.5], [[0, 0]], np.eye(2), "shape"),
])
def test_mixtures_that_are_none(weights, means, covariances, words):
    with pytest.raises(UserError, match=words):
        GaussianMixture(weights, means, covariances)


@pytest.mark.parametrize("given", [None, 3, b"normal", "1/" * 9000 + "1", "lognormal(1000, 1)", "exponential(1e-320)",
                                   "uniform(-1e308, 1e308)", "1/0 1", "0.5/"], ids=str)
def test_odd_texts_are_refused(given):
    with pytest.raises(UserError):
        distribution(given)
