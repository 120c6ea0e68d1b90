"""Sliced, max-sliced and Gaussian distances against POT, scipy, a fine grid of directions and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from ganworks.errors import UserError
from ganworks.measure import gaussian, max_sliced, sliced, transport


def clouds(n: int, m: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)), random.normal(size=(m, d)) * 1.3 + 0.4


@pytest.mark.parametrize("power", [1, 2, 3])
@pytest.mark.parametrize(("n", "m", "weighted"), [(60, 60, False), (60, 37, False), (40, 50, True), (30, 30, True)])
def test_pot_says_the_same_for_the_same_directions(power, n, m, weighted):
    import ot

    x, y = clouds(n, m, 5)
    a, b = ((np.random.default_rng(1).dirichlet(np.ones(n)), np.random.default_rng(2).dirichlet(np.ones(m)))
            if weighted else (None, None))
    found = sliced(x, y, 70, power, a=a, b=b)
    wanted = ot.sliced_wasserstein_distance(x, y, a, b, projections=found.directions.T, p=power)
    assert found.distance == pytest.approx(wanted, rel=1e-9)
    if power == 1:
        at = found.directions[7]
        assert found.each[7] == pytest.approx(wasserstein_distance(x @ at, y @ at, a, b), rel=1e-12)


def test_blocks_and_single_precision_change_nothing_but_digits(monkeypatch):
    from ganworks.measure import slices

    x, y = clouds(200, 150, 3)
    whole = sliced(x, y, 100)
    monkeypatch.setattr(slices, "NUMBERS_A_BLOCK", 3000)
    np.testing.assert_allclose(sliced(x, y, 100).each, whole.each, rtol=1e-12)
    small = sliced((x + 1e3).astype(np.float32), (y + 1e3).astype(np.float32), 100)
    np.testing.assert_allclose(small.each, whole.each, rtol=1e-3)
    assert small.distance == pytest.approx(whole.distance, rel=1e-4)


@pytest.mark.parametrize("power", [1, 2])
def test_the_standard_error_is_that_of_the_choice_of_directions(power):
    x, y = (10 * points for points in clouds(50, 50, 3))
    found = [sliced(x, y, 200, power, seed) for seed in range(60)]
    spread = np.std([one.distance for one in found], ddof=1)
    assert np.mean([one.error for one in found]) == pytest.approx(spread, rel=0.3)


def test_a_shift_is_seen_by_its_length():
    """For y = x + t the distance along a direction is |t . direction|; in 3-D its mean is |t| / 2."""
    x, _ = clouds(40, 1, 3)
    shift = np.array([2.0, 3.0, 6.0])
    found = sliced(x, x + shift, 20_000)
    assert abs(found.distance - 3.5) < 5 * found.error
    assert found.error < 0.02
    assert max_sliced(x, x + shift).distance == pytest.approx(7, rel=1e-9)
    assert sliced([0.0, 1], [2.0, 5]).error == 0
    assert sliced([0.0, 1], [2.0, 5]).distance == pytest.approx(3)
    assert max_sliced([0.0, 1], [2.0, 5], 2).distance == pytest.approx(np.sqrt((4 + 16) / 2))
    assert sliced(x, x).distance == 0
    assert sliced(x, x, power=2).error == 0


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_max_sliced_is_the_top_of_a_fine_grid(power, weighted):
    x, y = clouds(40, 30, 2)
    y[:, 1] *= 2
    a, b = (np.random.default_rng(1).dirichlet(np.ones(40)), np.random.default_rng(2).dirichlet(np.ones(30))) \
        if weighted else (None, None)
    angles = np.linspace(0, np.pi, 4001)
    grid = sliced(x, y, power=power, directions=np.column_stack([np.cos(angles), np.sin(angles)]), a=a, b=b)
    top = grid.each.max() ** (1 / power)
    found = max_sliced(x, y, power, a, b)
    assert found.distance >= top * (1 - 1e-9)
    assert found.distance <= top * (1 + 1e-4)
    assert grid.distance <= found.distance <= transport(x, y, a, b, power=power).distance
    assert np.linalg.norm(found.direction) == pytest.approx(1)


def test_gaussians_as_pot_has_them():
    from ot.gaussian import bures_wasserstein_distance, bures_wasserstein_mapping

    random = np.random.default_rng(0)
    for d in (1, 2, 6):
        one, two = (root @ root.T for root in random.normal(size=(2, d, d)))
        m1, m2 = random.normal(size=(2, d))
        found = gaussian(m1, one, m2, two)
        assert found.distance == pytest.approx(bures_wasserstein_distance(m1, m2, one, two), rel=1e-7)
        np.testing.assert_allclose(found.matrix, bures_wasserstein_mapping(m1, m2, one, two)[0], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found.matrix @ one @ found.matrix.T, two, atol=1e-8)
        moved = random.multivariate_normal(m1, one, 5)
        np.testing.assert_allclose(found.move(moved), m2 + (moved - m1) @ found.matrix)


def test_gaussians_in_closed_form():
    assert gaussian(1, 4, 4, 25).distance == pytest.approx(np.sqrt(9 + 9))  # (5 - 2)^2
    diagonal = gaussian([0, 0], np.diag([4, 9]), [0, 0], np.diag([1, 16]))
    assert diagonal.of_covariances == pytest.approx(1 + 1)
    np.testing.assert_allclose(diagonal.matrix, np.diag([0.5, 4 / 3]), atol=1e-12)
    flat = gaussian([0, 0], np.diag([4, 0]), [0, 0], np.diag([9, 0]))  # the same line
    assert flat.distance == pytest.approx(1)
    np.testing.assert_allclose(flat.matrix @ [1, 0], [1.5, 0], atol=1e-12)
    crossed = gaussian([0, 0], np.diag([1, 0]), [0, 0], np.diag([0, 1]))
    assert crossed.distance == pytest.approx(np.sqrt(2))
    assert crossed.matrix is None
    down = gaussian([0, 0], np.eye(2), [0, 0], np.diag([1, 0]))  # a projection
    np.testing.assert_allclose(down.matrix, np.diag([1, 0]), atol=1e-12)
    near = np.array([[2, 0.3], [0.3, 1]])
    assert gaussian([0, 0], near, [0, 0], near).distance < 1e-14
    assert gaussian([0, 0], near, [0, 0], near * (1 + 1e-8) ** 2).distance == pytest.approx(1e-8 * np.sqrt(3), rel=1e-6)


@pytest.mark.parametrize(("call", "said"), [
    (lambda: sliced([[0.0, 1]], [[1.0]]), "coordinates a point"),
    (lambda: sliced([[0.0, np.inf]], [[1.0, 1]]), "nan or inf"),
    (lambda: sliced([0.0], [1.0], projections=0), "0 projections"),
    (lambda: sliced([0.0], [1.0], directions=[[0.0]]), "a direction is zero"),
    (lambda: sliced([0.0], [1.0], directions=[[1.0, 0]]), "shape (k, 1)"),
    (lambda: sliced([0.0], [1.0], power=0.5), "power 0.5"),
    (lambda: sliced([0.0], [1.0], a=[-1.0]), "negative"),
    (lambda: max_sliced([0.0], [1.0], starts=0), "0 starts"),
    (lambda: gaussian([0], [[1]], [0, 0], np.eye(2)), "means of 1 and 2"),
    (lambda: gaussian([0, 0], [[1, 2], [2, 1]], [0, 0], np.eye(2)), "negative eigenvalue -1"),
    (lambda: gaussian([0, 0], [[1, 2], [0, 9]], [0, 0], np.eye(2)), "not symmetric"),
    (lambda: gaussian([0, 0], [[1]], [0, 0], np.eye(2)), "cov1 of shape (1, 1)"),
    (lambda: gaussian([np.nan], [[1]], [0], [[1]]), "nan or inf"),
    (lambda: gaussian([0, 0], np.diag([1, 0]), [0, 0], np.eye(2)).move([[0, 0]]), "no linear map"),
])
def test_bad_input_is_refused(call, said):
    with pytest.raises(UserError) as caught:
        call()
    assert said in str(caught.value)
