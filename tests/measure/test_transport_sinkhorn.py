"""Entropic transport: against POT, a closed form of two points, the exact cost, and a shift."""

from __future__ import annotations

import numpy as np
import pytest

from ganworks.errors import UserError
from ganworks.measure import sinkhorn, transport


def clouds(n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(n, 2)), random.normal(size=(m, 2)) + 0.5


def test_two_points_in_closed_form():
    """Costs 0 and 1, equal weights: the plan keeps s = 1 / (1 + exp(-1 / eps)) of the mass where it is."""
    for eps in (0.3, 1.0, 5.0):
        found = sinkhorn([0.0, 1.0], [0.0, 1.0], epsilon=eps)
        stays = 1 / (1 + np.exp(-1 / eps))
        assert found.cost == pytest.approx(1 - stays, rel=1e-8)
        entropy = stays * np.log(2 * stays) + (1 - stays) * np.log(2 * (1 - stays))
        assert found.regularised == pytest.approx(1 - stays + eps * entropy, rel=1e-8)
        assert found.converged


@pytest.mark.parametrize("weighted", [False, True])
def test_pot_finds_the_same_plan(weighted):
    import ot

    x, y = clouds(40, 30)
    a, b = np.full(40, 1 / 40), np.full(30, 1 / 30)
    if weighted:
        a, b = np.random.default_rng(1).dirichlet(np.ones(40)), np.random.default_rng(2).dirichlet(np.ones(30))
    plan = ot.bregman.sinkhorn_log(a, b, transport(x, y).costs, 0.1, numItermax=20_000, stopThr=1e-12)
    found = sinkhorn(x, y, a, b, epsilon=0.1, tolerance=1e-11)
    np.testing.assert_allclose(found.plan, plan, atol=1e-9)


def test_the_exact_cost_is_the_limit_and_always_between_the_bounds():
    x, y = clouds(40, 50)
    a = np.random.default_rng(1).dirichlet(np.ones(40))
    a[:3] = 0
    a /= a.sum()
    exact, last = transport(x, y, a).cost, np.inf
    for eps in (1.0, 0.1, 0.01):
        found = sinkhorn(x, y, a, epsilon=eps, most=20_000)
        assert found.lower <= exact * (1 + 1e-12)
        assert exact <= found.cost * (1 + 1e-12)
        assert found.cost - exact < last
        np.testing.assert_allclose(found.plan.sum(axis=1), a, atol=1e-14)
        np.testing.assert_allclose(found.plan.sum(axis=0), 1 / 50, atol=1e-14)
        last = (found.cost - exact) / 3
    assert found.converged
    assert found.cost == pytest.approx(exact, rel=0.01)
    hard = sinkhorn(x, y, epsilon=1e-5, most=50)  # cut short: says so, and the bounds still hold
    assert not hard.converged
    assert hard.lower <= transport(x, y).cost <= hard.cost
    assert np.isfinite(hard.plan).all()


@pytest.mark.parametrize("eps", [0.2, 0.5, 5.0])
def test_the_divergence_of_a_shifted_cloud_is_the_squared_shift(eps):
    """c(x, x' + t) = |x - x'|^2 - 2 t (x - x') + |t|^2, whose middle part is the same for every plan: 0."""
    x, _ = clouds(40, 1)
    found = sinkhorn(x, x + np.array([0.3, -0.2]), metric="sqeuclidean", epsilon=eps, debias=True, most=20_000)
    assert found.converged
    assert found.divergence == pytest.approx(0.13, abs=1e-7)
    assert found.regularised > 0.13 + 1e-3
    assert sinkhorn(x, x, epsilon=eps, debias=True).divergence == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(("given", "said"), [
    ({"epsilon": 0.0}, "take the exact transport"),
    ({"epsilon": -1.0}, "epsilon -1"),
    ({"epsilon": np.nan}, "epsilon nan"),
    ({"metric": "euclidan"}, "did you mean 'euclidean'?"),
    ({"metric": np.ones((2, 2)), "debias": True}, "with a matrix of costs"),
    ({"a": [1, 1], "b": [3, 1]}, "the weights a sum to 2"),
])
def test_bad_input_is_refused(given, said):
    with pytest.raises(UserError) as caught:
        sinkhorn([0.0, 1], [2.0, 3], **given)
    assert said in str(caught.value)
