"""Faults planted in data are found, and real digits have none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mode
from sklearn.datasets import load_digits

from ganworks.data import Images, Points
from ganworks.diagnose.material import material

BUNCH = load_digits()
PIXELS = np.rint(BUNCH.images / 16 * 255).astype(np.uint8)[:, None]
LABELS = BUNCH.target


def test_digits_are_sound() -> None:
    found = material(Images(PIXELS, LABELS))
    assert found.count == len(PIXELS)
    assert found.equal == 0
    assert (found.low, found.high) == (0, 1)
    assert found.level == pytest.approx(PIXELS.mean() / 255)
    assert found.moving == pytest.approx((PIXELS.std(0) > 0).mean())
    assert found.labels_right > 0.98
    assert found.labels_surprise > 50


def test_neighbours_vote_as_they_do_by_brute_force() -> None:
    far = cdist(PIXELS[:300].reshape(300, -1) / 255, PIXELS[:300].reshape(300, -1) / 255) + np.diag(np.full(300, 99.0))
    votes = mode(LABELS[:300][far.argsort(1)[:, :5]], axis=1).mode
    assert material(Images(PIXELS[:300], LABELS[:300])).labels_right == pytest.approx((votes == LABELS[:300]).mean())


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_labels_fit_no_better_than_chance(seed) -> None:
    shuffled = np.random.default_rng(seed).permutation(LABELS)
    found = material(Images(PIXELS, shuffled))
    assert abs(found.labels_surprise) < 4
    assert found.labels_by_chance[0] == pytest.approx(0.1, abs=0.02)


def test_repeated_and_dark_and_constant_data_are_seen() -> None:
    assert material(Images(PIXELS[np.r_[0:150, 0:50]])).equal == pytest.approx(100 / 200)
    dark = material(Images(PIXELS // 255))  # values of 0 and 1 that were meant as shares
    assert dark.high == pytest.approx(1 / 255)
    constant = material(Images(np.repeat(PIXELS[:1], 100, axis=0)))
    assert (constant.moving, constant.equal) == (0, 1)


def test_points_keep_their_unit() -> None:
    found = material(Points(np.array([[0.0, 5], [2, 5], [-7, 5]], np.float32)))
    assert (found.low, found.high, found.moving) == (-7, 5, 0.5)
    assert found.labels_surprise is None
