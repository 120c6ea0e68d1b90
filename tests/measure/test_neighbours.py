"""Nearest-neighbour estimates against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ganworks.errors import UserError
from ganworks.measure import neighbours
from ganworks.measure.neighbours import kl_terms


def normals(n, d, shift, seed):
    x, y = np.random.default_rng(seed).normal(size=(2, n, d))
    y[:, 0] += shift
    return x, y


@pytest.mark.parametrize(("d", "shift"), [(1, 1.0), (2, 1.0), (2, 0.0)])
def test_kl_of_shifted_normals(d, shift):
    found = neighbours(*normals(2000, d, shift, 1))
    assert found.kl == pytest.approx(shift**2 / 2, abs=0.08)
    assert found.reverse_kl == pytest.approx(shift**2 / 2, abs=0.08)


def test_unequal_sizes_and_directions():
    random = np.random.default_rng(2)
    found = neighbours(random.normal(size=1500), 2 * random.normal(size=3000), k=7)
    assert found.kl == pytest.approx(math.log(2) + 1 / 8 - 1 / 2, abs=0.06)
    assert found.kl + 0.05 < found.reverse_kl < -math.log(2) + 2 - 1 / 2  # too low: q's tails are beyond p


def test_the_terms_by_hand():
    # x = 0, 1, 3; y = 0.5, 4; k = 1. Around 0: max(1, 0.5) = 1 holds 1 of x, 1 of y. Around 1: max(1, 0.5) = 1 holds
    # 1 and 1. Around 3: max(2, 1) = 2 holds 1 of x, and 4 of y only. All terms are log(2 / 2) = 0.
    x, y = np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [4.0]])
    assert kl_terms(x, y, 1) == pytest.approx([0, 0, 0], abs=1e-12)
    # With y = 0.5, 5 the ball around 3 has radius 2 still, and both edges count.
    assert kl_terms(x, np.array([[0.5], [0.75]]), 1)[0] == pytest.approx(-1.0)  # digamma(1) - digamma(2)


@pytest.mark.parametrize(("name", "expected"), [
    ("js", 0.1114), ("squared_hellinger", 2 - 2 * math.exp(-1 / 8)), ("minimax", 2 * 0.1114)])
def test_the_plug_in_on_a_shifted_normal(name, expected):  # 0.1114: quadrature with scipy
    found = neighbours(*normals(2000, 1, 1.0, 3), objective=name)
    assert found.value == pytest.approx(expected, rel=0.15)
    assert 0 < found.at_equality < 0.2 * found.value


def test_at_equality_is_what_equal_laws_give():
    found = neighbours(*normals(1000, 2, 0.0, 4))
    assert found.value == pytest.approx(found.at_equality, rel=0.25)


def test_kl_by_name_is_the_kl_estimate():
    x, y = normals(300, 1, 1.0, 5)
    assert neighbours(x, y, objective="kl").value == neighbours(x, y).kl
    assert neighbours(x, y, objective="reverse_kl").value == neighbours(x, y).reverse_kl


def test_disjoint_supports_come_near_the_maximum():
    x = np.random.default_rng(6).random((2, 1000))
    assert 0.9 * math.log(2) < neighbours(x[0], x[1] + 5).value <= math.log(2)


def test_atoms_are_counted():
    p, q = stats.poisson(3), stats.poisson(5)
    x, y = p.rvs(3000, random_state=1), q.rvs(3000, random_state=2)
    found = neighbours(x.astype(float), y.astype(float))
    assert found.kl == pytest.approx(5 - 3 + 3 * math.log(3 / 5), abs=0.08)
    i = np.arange(60)
    m = (p.pmf(i) + q.pmf(i)) / 2
    js = 0.5 * np.sum(p.pmf(i) * np.log(p.pmf(i) / m) + q.pmf(i) * np.log(q.pmf(i) / m))
    assert found.value - found.at_equality == pytest.approx(js, rel=0.15)
    assert any("atoms" in str(c) for c in found.cautions)


def test_all_points_in_one_place():
    found = neighbours(np.zeros(50), np.zeros(40))
    assert abs(found.kl) < 0.05
    assert math.isfinite(found.value)


@pytest.mark.parametrize(("n", "k"), [(50, 0), (50, 50), (1, 1)])
def test_k_must_fit(n, k):
    with pytest.raises(UserError, match="neighbours"):
        neighbours(np.arange(float(n)), np.arange(60.0), k=k)


def test_many_coordinates_are_said():
    assert any("coordinates" in str(c) for c in neighbours(*normals(60, 12, 0.0, 7)).cautions)
