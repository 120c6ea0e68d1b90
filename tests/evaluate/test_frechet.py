"""The Frechet distance against closed forms, scipy's matrix square root and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import ortho_group

from ganworks.errors import UserError
from ganworks.evaluate.frechet import Moments, _gram, frechet_distance

torchmetrics_fid = pytest.importorskip("torchmetrics.image.fid")


def cloud(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) / np.sqrt(d) + rng.standard_normal(d)


def by_sqrtm(x: np.ndarray, y: np.ndarray) -> float:
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    return np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b)).real


def by_torchmetrics(x: np.ndarray, y: np.ndarray) -> float:
    class Identity(torch.nn.Module):
        num_features = x.shape[1]

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return rows

    metric = torchmetrics_fid.FrechetInceptionDistance(feature=Identity()).set_dtype(torch.float64)
    metric.update(torch.from_numpy(x), real=True)
    metric.update(torch.from_numpy(y), real=False)
    return metric.compute().item()


@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 6), (200, 500, 40), (45, 60, 40), (400, 700, 300)])
def test_equals_scipy_and_torchmetrics(n, m, d):
    x, y = cloud(n, d, 1), cloud(m, d, 2)
    found = frechet_distance(x, y)
    assert found == pytest.approx(by_sqrtm(x, y), rel=1e-8)
    assert found == pytest.approx(by_torchmetrics(x, y), rel=1e-8)


@pytest.mark.parametrize(("n", "m", "d"), [(12, 15, 40), (12, 200, 40), (200, 12, 40), (40, 41, 40)])
def test_fewer_samples_than_dimensions(n, m, d):
    x, y = cloud(n, d, 3), cloud(m, d, 4)
    assert frechet_distance(x, y) == pytest.approx(by_torchmetrics(x, y), rel=1e-6)  # theirs is good to sqrt(eps)


def test_closed_form_of_gaussians_with_equal_axes():
    # Commuting covariances: sum of (sd1 - sd2)^2 besides the means; one axis has no spread at all.
    turn = ortho_group.rvs(4, random_state=0)
    first, second = np.array([1.0, 2.0, 0.0, 0.05]), np.array([2.0, 0.5, 1.0, 3.0])
    mean = np.array([1.0, -1.0, 0.5, 0.0])
    found = frechet_distance(Moments.from_covariance(np.zeros(4), turn * first**2 @ turn.T),
                             Moments.from_covariance(mean, turn * second**2 @ turn.T))
    assert found == pytest.approx(np.sum((first - second) ** 2) + mean @ mean, rel=1e-12)


def test_two_lines_at_an_angle():
    # Rank one each, along unit vectors at 60 degrees: 1 + 1 - 2 |cos 60| = 1. sqrtm is lost on the singular product.
    u, v = np.array([1.0, 0.0, 0.0]), np.array([0.5, np.sqrt(0.75), 0.0])
    zero = np.zeros(3)
    first, second = (Moments.from_covariance(zero, np.outer(axis, axis)) for axis in (u, v))
    found = frechet_distance(first, second)
    assert found == pytest.approx(1.0, abs=1e-12)


def constant_columns(n: int, d: int, seed: int) -> np.ndarray:
    x = cloud(n, d, seed) * 30
    x[:, : d // 3] = 7.0
    return x


@pytest.mark.parametrize("x", [cloud(3000, 64, 0) * 30, cloud(50, 200, 1) * 30, cloud(201, 200, 1) * 30,
                               constant_columns(900, 64, 2), np.repeat(cloud(1, 9, 3), 100, axis=0),
                               cloud(500, 20, 4) * np.logspace(-9, 2, 20)],
                         ids=["tall", "wide", "square", "constant columns", "one point", "ill-conditioned"])
def test_of_itself_is_zero(x):
    assert 0 <= frechet_distance(x, x) < 1e-8
    assert 0 <= frechet_distance(x, x[::-1].copy()) < 1e-8


def test_dead_columns_change_nothing():
    x, y = cloud(300, 12, 5), cloud(400, 12, 6)
    padded = [np.hstack([z, np.full((len(z), 5), 2.5), z[:, :1] * 0]) for z in (x, y)]
    assert frechet_distance(*padded) == pytest.approx(frechet_distance(x, y), rel=1e-10)


def test_moments_from_covariance_agree_with_features():
    x, y = cloud(300, 12, 5), constant_columns(300, 12, 6)
    a, b = (Moments.from_covariance(z.mean(0), np.cov(z, rowvar=False)) for z in (x, y))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(x, y), rel=1e-7)
    assert frechet_distance(a, y) == pytest.approx(frechet_distance(x, y), rel=1e-7)


def test_the_product_in_strips_is_the_product():
    x = cloud(20, 600, 9)
    assert _gram(x) == pytest.approx(x.T @ x, abs=1e-12)


def test_invariances():
    x, y = cloud(300, 12, 7), cloud(200, 12, 8)
    turn, base = ortho_group.rvs(12, random_state=1), frechet_distance(x, y)
    assert frechet_distance(y, x) == pytest.approx(base, rel=1e-10)
    assert frechet_distance(x @ turn + 3, y @ turn + 3) == pytest.approx(base, rel=1e-9)
    assert frechet_distance(x[np.random.default_rng(0).permutation(300)], y) == pytest.approx(base, rel=1e-10)
    assert frechet_distance(2 * x, 2 * y) == pytest.approx(4 * base, rel=1e-10)


def test_float32_and_tensors_are_taken_in_float64():
    x, y = cloud(300, 12, 7).astype(np.float32), cloud(200, 12, 8).astype(np.float32)
    exact = by_sqrtm(x.astype(np.float64) + 1000, y.astype(np.float64) + 1000)
    assert frechet_distance(torch.from_numpy(x).double() + 1000, torch.from_numpy(y).double() + 1000) == pytest.approx(
        exact, rel=1e-7)


def test_bad_input_is_told():
    with pytest.raises(UserError, match="NaN"):
        frechet_distance(np.full((5, 2), np.nan), np.zeros((5, 2)))
    with pytest.raises(UserError, match="width 2 against features of width 3"):
        frechet_distance(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(UserError, match="shape"):
        frechet_distance(np.zeros((1, 2)), np.zeros((5, 2)))
    with pytest.raises(UserError, match="negative eigenvalue"):
        Moments.from_covariance(np.zeros(2), np.diag([1.0, -1.0]))
    with pytest.raises(UserError, match="not symmetric"):
        Moments.from_covariance(np.zeros(2), np.array([[1.0, 0.5], [0.0, 1.0]]))
