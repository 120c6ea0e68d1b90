"""Distances of supports that come apart, the generator's pull and separable samples, against closed forms."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import integrate, stats

from ganworks.errors import UserError
from ganworks.measure.blindness import as_json, cover, felt, moving_gaussians, parallel_lines, separable


def test_parallel_lines():
    found = parallel_lines((-0.5, 0.0, 0.01, 2.0))
    np.testing.assert_allclose(found.values["w1"], [0.5, 0, 0.01, 2], atol=1e-12)
    np.testing.assert_allclose(found.values["js"], np.log(2) * np.array([1, 0, 1, 1]))
    np.testing.assert_allclose(found.values["total_variation"], [1, 0, 1, 1])
    np.testing.assert_allclose(found.values["vincze_le_cam"], [2, 0, 2, 2])
    assert found.values["kl"].tolist() == [np.inf, 0, np.inf, np.inf]
    assert json.loads(json.dumps(as_json(found)))["values"]["kl"] == ["inf", 0.0, "inf", "inf"]


def test_gaussians():
    m = np.array([0.5, 4.0, 16.0])
    found = moving_gaussians(m)
    np.testing.assert_allclose(found.values["js"], [0.0303, 0.6327, 0.6931], atol=5e-5)  # docs/theory.md, A
    np.testing.assert_allclose(found.values["kl"], m**2 / 2, rtol=1e-12)
    np.testing.assert_allclose(found.values["total_variation"], 2 * stats.norm.cdf(m / 2) - 1, rtol=1e-9)
    np.testing.assert_allclose(moving_gaussians(m, sd=2).values["kl"], m**2 / 8, rtol=1e-12)
    with pytest.raises(UserError):
        moving_gaussians(sd=0)


def test_the_pull_of_the_best_critic_and_of_a_trained_one():
    found = felt((1.0, 6.0), (0, 50, 400))
    for i, m in enumerate((1.0, 6.0)):
        def density(x, m=m):
            return stats.norm.pdf(x, m)

        def logit(x, m=m):
            return m * m / 2 - m * x

        for name, share in (("saturating", lambda v: 1 / (1 + math.exp(-v))),
                            ("nonsaturating", lambda v: 1 / (1 + math.exp(v)))):
            exact = integrate.quad(lambda x, m=m, s=share: m * s(logit(x)) * density(x), m - 10, m + 10)[0]
            # Far away the saturating pull comes from the few samples near the data: 4,000 draws know it roughly.
            assert found.force[name][i, -1] == pytest.approx(exact, rel=0.5 if exact < 0.05 else 0.05)
        assert found.accuracy[i, -1] == pytest.approx(stats.norm.cdf(m / 2), abs=0.02)
    # Far away, the more the critic learns the less the saturating generator feels; the other one feels more.
    assert found.force["saturating"][1, 2] < 0.3 * found.force["saturating"][1, 0]
    assert found.force["nonsaturating"][1, 2] > found.force["nonsaturating"][1, 0]


def test_covers_count_is_the_count():
    points = np.random.default_rng(0).standard_normal((7, 3))
    # A labelling is separable by a plane through 0 iff some direction has those signs; many directions find all.
    directions = np.random.default_rng(1).standard_normal((200_000, 3))
    found = {tuple(row) for row in (directions @ points.T > 0)}
    assert len(found) / 2**7 == cover(7, 3)
    assert cover(10, 10) == 1
    assert cover(40, 20) == 0.5


def test_samples_of_one_law_are_separable_in_high_dimension():
    found = separable((1, 5, 9, 13), samples=6, draws=60)
    assert (np.abs(found.share - found.exact) < 4 * found.error).all()
    assert found.exact.tolist() == [cover(12, d + 1) for d in (1, 5, 9, 13)]
    assert found.share[-1] == 1


def test_bad_counts():
    for wrong in itertools.product([0, 5], [0, 5]):
        if 0 in wrong:
            with pytest.raises(UserError):
                separable((2,), *wrong)
