"""The kernel distance against torchmetrics, closed forms and repeated sampling."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganworks.errors import UserError
from ganworks.evaluate.kid import kernel_distance, kernel_distance_of_subsets


def test_equals_torchmetrics():
    kid = pytest.importorskip("torchmetrics.image.kid")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((1500, 7)), rng.standard_normal((1500, 7)) * 1.2 + 0.3
    theirs = kid.poly_mmd(torch.from_numpy(x), torch.from_numpy(y)).item()
    assert kernel_distance(x, y).value == pytest.approx(theirs, rel=1e-10)


def test_subsets_of_everything_are_the_whole():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((60, 5)), rng.standard_normal((60, 5)) + 1
    kept = kernel_distance_of_subsets(x, y, subsets=3, size=60)
    assert kept.value == pytest.approx(kernel_distance(x, y).value, rel=1e-12)
    assert kept.error == pytest.approx(0, abs=1e-12)


def test_subsets_have_the_same_expectation():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((400, 5)), rng.standard_normal((400, 5)) + 0.5
    kept = kernel_distance_of_subsets(x, y, subsets=300, size=100)
    assert kept.value == pytest.approx(kernel_distance(x, y).value, abs=4 * kept.error / np.sqrt(300))


def test_closed_form_in_one_dimension():
    # k(a, b) = (ab + 1)^3, so MMD^2 = sum over i of C(3, i) (E x^i - E y^i)^2. Here x is -1 or 1 (moments 0, 1, 0) and
    # y is 0 or 2 (1, 2, 4): 3 * 1 + 3 * 1 + 16 = 22.
    rng = np.random.default_rng(3)
    x, y = rng.choice([-1.0, 1.0], (5000, 1)), rng.choice([0.0, 2.0], (5000, 1))
    found = kernel_distance(x, y)
    assert found.value == pytest.approx(22, abs=4 * found.error)
    assert found.error < 1


@pytest.mark.parametrize(("mean", "shift", "most"), [(0.0, 1.0, 1.25), (1.0, 0.3, 1.25), (0.0, 0.0, 2.5)])
def test_the_error_is_the_spread_of_repeated_draws(mean, shift, most):
    rng = np.random.default_rng(4)
    draws = [kernel_distance(rng.standard_normal((120, 4)) + mean, rng.standard_normal((90, 4)) + mean + shift)
             for _ in range(300)]
    ratio = np.sqrt(np.mean([d.error**2 for d in draws])) / np.std([d.value for d in draws])
    assert 0.8 < ratio < most
    if shift == 0:  # unbiased: zero on average for equal distributions
        assert abs(np.mean([d.value for d in draws])) < 4 * np.std([d.value for d in draws]) / np.sqrt(300)


def test_bad_input_is_told():
    with pytest.raises(UserError, match="shapes"):
        kernel_distance(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(UserError, match="subsets of 1000"):
        kernel_distance_of_subsets(np.zeros((50, 2)), np.zeros((50, 2)))
