"""Wasserstein critics against exact transport, and what their constraints bound."""

from __future__ import annotations

import numpy as np
import ot
import pytest

from ganworks.errors import UserError
from ganworks.measure import wasserstein
from ganworks.measure.lipschitz import CONSTRAINTS, Critic, _halves


@pytest.fixture(scope="module")
def clouds():
    x, y = np.random.default_rng(0).normal(size=(2, 600, 2))
    return x, y * 0.5 + [3.0, 0.0]


@pytest.fixture(scope="module")
def found(clouds):
    return wasserstein(*clouds, steps=250, hidden=(32, 32))


def test_the_exact_distance_is_that_of_the_held_points(clouds, found):
    held = [_halves(x, 0, name)[1] for x, name in zip(clouds, ("real", "fake"), strict=True)]
    assert found.exact == pytest.approx(ot.emd2([], [], ot.dist(*held, metric="euclidean")), rel=1e-9)
    assert found.held == (300, 300)


def test_what_is_certified_never_exceeds_the_distance(found):
    assert [c.constraint for c in found.critics] == list(CONSTRAINTS)
    for c in found.critics:
        assert c.certified <= found.exact * (1 + 1e-5)
        assert c.slope <= c.bound * (1 + 1e-4)
        assert c.per_slope == pytest.approx(c.gap / c.slope)


def test_each_constraint_bounds_what_it_bounds(found):
    clip, penalty, one_sided, spectral = found.critics
    assert clip.gap < 0.5 * found.exact  # K is not 1: the gap alone is no distance
    assert clip.slope < 0.6
    assert clip.share > 0.5
    assert spectral.bound == 1
    assert 0.8 * found.exact < spectral.gap <= found.exact * (1 + 1e-5)
    for soft in (penalty, one_sided):
        assert 1 < soft.slope < 1.6
        assert soft.share > 0.7
        assert any(soft.constraint in str(c) for c in found.cautions)


def test_slopes_are_those_of_differences():
    critic = Critic("clip", 2, (16,), (np.zeros(2), 4.0), 1.0, 3, "cpu")
    x, step = np.random.default_rng(1).normal(size=(20, 2)) * 4, 1e-3
    gradient = np.stack([(critic(critic.points(x + step * e)) - critic(critic.points(x - step * e))).detach().numpy()
                         * critic.scale / (2 * step) for e in np.eye(2)], 1)
    close = np.isclose(critic.slopes(critic.points(x)).numpy(), np.linalg.norm(gradient, axis=1), rtol=0.02)
    assert close.mean() > 0.8  # float32 differences, and a kink now and then


def test_units_do_not_matter(clouds):
    one, thousand = (wasserstein(s * clouds[0], s * clouds[1], "spectral", steps=60, hidden=(16,)) for s in (1, 1024))
    assert thousand.critics[0].gap == pytest.approx(1024 * one.critics[0].gap, rel=1e-3)


def test_equal_points_have_no_distance():
    w = wasserstein(np.zeros((20, 1)), np.zeros((20, 1)), "clip", steps=5, hidden=(4,))
    assert w.exact == 0
    assert w.critics[0].gap == 0
    assert "nan" in w.table()


@pytest.mark.parametrize(("words", "arguments"), [("did you mean 'penalty'", {"constraint": "penalti"}),
                                                  ("above 0", {"clip": 0}), ("above 0", {"steps": 0})])
def test_bad_arguments_are_refused(words, arguments, clouds):
    with pytest.raises(UserError, match=words):
        wasserstein(*clouds, **arguments)


def test_bad_samples_are_refused(clouds):
    for real, fake, words in ((clouds[0], clouds[1][:, :1], "coordinates"), (clouds[0][:5], clouds[1], "8 of each"),
                              (np.array([np.inf] * 9), np.ones(9), "inf")):
        with pytest.raises(UserError, match=words):
            wasserstein(real, fake)
