"""Precision, recall, density and coverage against brute force with scipy, and against what they must say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group

from ganworks.errors import UserError
from ganworks.evaluate.prdc import prdc, squared_radii


def brute(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, float, float, float]:
    real_radii = np.sort(cdist(real, real), axis=1)[:, k]
    fake_radii = np.sort(cdist(fake, fake), axis=1)[:, k]
    between = cdist(real, fake)
    held = between <= real_radii[:, None]
    recall = (between <= fake_radii[None]).any(1).mean()
    return held.any(0).mean(), recall, held.sum() / (k * len(fake)), held.any(1).mean()


def values(real, fake, k=5):
    found = prdc(real, fake, k)
    return found.precision, found.recall, found.density, found.coverage


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("n", "m", "d"), [(50, 70, 2), (1024, 1025, 8), (1500, 2300, 30), (7, 3000, 4)])
def test_equals_brute_force(n, m, d, k):
    rng = np.random.default_rng(n + k)
    real, fake = rng.standard_normal((n, d)) + 100, rng.standard_normal((m, d)) * 0.8 + 100.2
    assert values(real, fake, k) == pytest.approx(brute(real, fake, k), abs=1e-12)


def test_radii_are_those_of_the_neighbours():
    x = np.random.default_rng(0).standard_normal((2100, 3))
    expected = np.sort(cdist(x, x), axis=1)[:, 4]
    assert np.sqrt(squared_radii(torch.from_numpy(x), 4).numpy()) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_radii_on_a_line():
    # Points 0, 1, 3, 7: second neighbours at 3, 2, 3, 6.
    found = squared_radii(torch.tensor([[0.0], [1.0], [3.0], [7.0]]), 2)
    assert found.tolist() == pytest.approx([9, 4, 9, 36])


def test_a_collapsed_cloud_is_precise_and_recalls_little():
    rng = np.random.default_rng(1)
    centres = np.eye(8) * 20
    real = centres[rng.integers(8, size=1600)] + rng.standard_normal((1600, 8))
    fake = centres[np.zeros(1600, int)] + rng.standard_normal((1600, 8))
    found = prdc(real, fake)
    assert found.precision > 0.9
    assert found.recall < 0.3
    assert found.coverage < 0.2
    scattered = prdc(fake, real)  # roles turned: too much variety, and little of it right
    assert scattered.precision < 0.3
    assert scattered.recall > 0.9


def test_equal_distributions_have_density_one():
    rng = np.random.default_rng(2)
    found = prdc(rng.standard_normal((3000, 5)), rng.standard_normal((3000, 5)))
    assert found.density == pytest.approx(1, abs=0.05)  # Naeem et al. 2020, lemma 1
    assert found.coverage == pytest.approx(1 - 0.5**5, abs=0.02)  # and 1 - 2^-k for many samples


def test_far_apart_is_zero_and_itself_is_one():
    x = np.random.default_rng(3).standard_normal((300, 4))
    assert values(x, x + 100) == (0, 0, 0, 0)
    found = prdc(x, x)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


def test_invariances():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((400, 6)), rng.standard_normal((500, 6)) + 0.5
    turn = ortho_group.rvs(6, random_state=0)
    assert values(x @ turn, y @ turn) == pytest.approx(values(x, y), abs=0.003)
    assert values(x[::-1].copy(), y[::-1].copy()) == pytest.approx(values(x, y), abs=1e-12)


def test_bad_input_is_told():
    with pytest.raises(UserError, match="k = 5"):
        prdc(np.zeros((5, 2)), np.zeros((50, 2)))
    with pytest.raises(UserError, match="shapes"):
        prdc(np.zeros((50, 2)), np.zeros((50, 3)))
