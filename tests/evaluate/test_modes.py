"""Mode figures against closed forms, and the transport distance against POT and shifts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import chi, wasserstein_distance

from ganworks.data.toys import grid25, ring8
from ganworks.errors import UserError
from ganworks.evaluate.modes import mode_figures, transport_distance


@pytest.mark.parametrize("toy", [ring8(), grid25()], ids=["ring8", "grid25"])
def test_of_the_truth(toy):
    found = mode_figures(toy.sample(20_000, np.random.default_rng(0)), toy.modes, toy.sd, toy.weights)
    assert found.found == found.modes == len(toy.modes)
    assert found.high_quality == pytest.approx(chi.cdf(3, df=2), abs=0.003)  # 98.9 % of a plane Gaussian is within 3 sd
    assert found.kl == pytest.approx((found.modes - 1) / (2 * 20_000), abs=0.001)  # half a chi square over n


def test_collapse_to_two_of_eight():
    toy = ring8()
    found = mode_figures(np.repeat(toy.modes[[1, 4]], 50, axis=0), toy.modes, toy.sd, toy.weights)
    assert (found.found, found.high_quality) == (2, 1.0)
    assert found.kl == pytest.approx(np.log(4))  # KL of (1/2, 1/2) to eight eighths


def test_weights_count():
    counts, weights = np.array([1, 3]), np.array([3, 1])
    samples = np.repeat([[0.0], [10.0]], counts, axis=0)
    found = mode_figures(samples, [[0.0], [10.0]], 1.0, weights)
    assert found.kl == pytest.approx(0.25 * np.log(0.25 / 0.75) + 0.75 * np.log(0.75 / 0.25))


def test_three_standard_deviations_is_the_border():
    found = mode_figures([[2.9], [3.1], [96.0], [-3.1]], [[0.0], [100.0], [-100.0]], [1.0, 2.0, 1.0])
    assert (found.found, found.high_quality) == (2, 0.5)


def test_between_the_modes_nothing_is_found():
    toy = ring8()
    found = mode_figures(np.zeros((10, 2)), toy.modes, toy.sd)
    assert (found.found, found.high_quality) == (0, 0.0)


def test_transport_of_a_shift_is_its_length():
    x = np.random.default_rng(0).standard_normal((300, 2))
    assert transport_distance(x, x + np.array([3.0, 4.0])) == pytest.approx(5)
    assert transport_distance(x, x[::-1]) == pytest.approx(0, abs=1e-12)


def test_transport_equals_scipy():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((200, 3)), rng.standard_normal((200, 3)) * 2
    cost = cdist(x, y)
    assert transport_distance(x, y) == pytest.approx(cost[linear_sum_assignment(cost)].mean())
    assert transport_distance(x[:, 0], y[:, 0]) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]))


def test_bad_input_is_told():
    with pytest.raises(UserError, match="NaN"):
        mode_figures([[np.nan, 0]], [[0, 0]], 1.0)
    with pytest.raises(UserError, match="dimensions"):
        mode_figures(np.zeros((4, 3)), np.zeros((2, 2)), 1.0)
    with pytest.raises(UserError, match="one positive number"):
        mode_figures(np.zeros((4, 2)), np.zeros((2, 2)), 0.0)
