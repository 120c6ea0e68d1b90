"""Exact transport against linear programs, POT, assignments, closed forms and the axioms of a metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from ganworks.errors import UserError
from ganworks.measure import costs as costs_module
from ganworks.measure import line, line_plan, score, transport

ENDS = st.lists(st.integers(0, 6), min_size=2, max_size=6).filter(any)


def clouds(n: int, m: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)), random.normal(size=(m, d)) + 0.4


def by_linear_program(costs: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    n, m = costs.shape
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    done = linprog(costs.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, b]), method="highs")
    return done.fun


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cityblock", "chebyshev"])
@pytest.mark.parametrize(("n", "m"), [(12, 12), (9, 17)])
def test_the_cost_is_that_of_a_linear_program(metric, n, m):
    x, y = clouds(n, m, 3)
    a, b = np.random.default_rng(1).dirichlet(np.ones(n)), np.random.default_rng(2).dirichlet(np.ones(m))
    best = transport(x, y, a, b, metric)
    wanted = by_linear_program(cdist(x, y, metric), a, b)
    assert best.cost == pytest.approx(wanted, rel=1e-9)
    assert best.dual == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "d", "how"), [(300, 300, 2, ""), (300, 200, 5, "weights"), (200, 300, 80, ""),
                                                  (250, 250, 1, ""), (300, 300, 2, "lattice"),
                                                  (200, 150, 1, "weights")])
def test_potentials_prove_the_plan(n, m, d, how):
    x, y = clouds(n, m, d)
    a = b = None
    if how == "lattice":
        x, y = np.round(2 * x), np.round(2 * y)
    if how == "weights":
        a, b = np.random.default_rng(1).dirichlet(np.full(n, 0.2)), np.random.default_rng(2).dirichlet(np.full(m, 0.2))
        a[:20] = 0
        a /= a.sum()
    best = transport(x, y, a, b)
    own = cdist(x, y)
    np.testing.assert_allclose(best.costs, own, rtol=1e-10)
    assert (best.u[:, None] + best.v - own).max() < 1e-14 * own.max() + 1e-11 * (d > 64)  # feasible
    assert abs(best.gap) <= 1e-12 * best.cost
    assert best.cost == pytest.approx((best.plan * own).sum(), rel=1e-10)
    wanted = np.full(n, 1 / n) if a is None else a
    np.testing.assert_allclose(best.plan.sum(axis=1), wanted, atol=1e-14)
    assert best.marginal_error < 1e-14
    assert best.plan.min() >= 0
    assert (best.plan > 0).sum() <= n + m - 1  # a vertex
    assert 0.9 < best.lipschitz <= 1


def test_potentials_do_not_drift_with_the_pivots():
    x, y = clouds(600, 500, 2)
    a, b = np.random.default_rng(1).dirichlet(np.full(600, 0.1)), np.random.default_rng(2).dirichlet(np.full(500, 0.1))
    best = transport(x, y, a, b)
    assert abs(best.gap) <= 1e-14 * best.cost  # POT's own potentials leave 1e-12


def test_pot_and_an_assignment_agree():
    import ot

    x, y = clouds(120, 120, 4)
    rows, columns = linear_sum_assignment(cdist(x, y) ** 2)
    best = transport(x, y, power=2)
    assert best.cost == pytest.approx((cdist(x, y) ** 2)[rows, columns].mean(), rel=1e-12)
    assert best.distance == pytest.approx(np.sqrt(ot.emd2([], [], cdist(x, y, "sqeuclidean"))), rel=1e-12)
    assert best.cost == pytest.approx(transport(x, y, metric="sqeuclidean").cost, rel=1e-12)


def test_closed_forms():
    x, _ = clouds(80, 1, 3)
    shift = np.array([3.0, -4.0, 12.0])
    assert transport(x, x + shift).distance == pytest.approx(13, rel=1e-12)
    assert transport(x, x + shift, power=2).distance == pytest.approx(13, rel=1e-12)
    assert transport([[1.0, 2.0]], [[4.0, 6.0]]).distance == pytest.approx(5)
    assert transport([0.0], [1.0, 3.0], None, [0.25, 0.75]).cost == pytest.approx(2.5)
    # x -> s x is the gradient of a convex function, so it is optimal for W2: s - 1 times the root mean square.
    assert transport(x, 1.7 * x, power=2).distance == pytest.approx(0.7 * np.sqrt((x**2).sum(axis=1).mean()), rel=1e-12)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
@pytest.mark.parametrize("place", [0.0, 1e6])
def test_size_and_place_do_not_matter(factor, place):
    x, y = clouds(60, 50, 2)
    want = factor * by_linear_program(cdist(x, y), np.full(60, 1 / 60), np.full(50, 1 / 50))
    best = transport(factor * (x + place), factor * (y + place))
    assert best.cost == pytest.approx(want, rel=1e-8)
    assert abs(best.gap) <= 1e-12 * best.cost


def test_wasserstein_distances_are_metrics_and_grow_with_the_power():
    x, y = clouds(20, 25, 2)
    z, _ = clouds(15, 1, 2, seed=5)
    for power in (1, 2, 3):
        xy, yz, xz = (transport(p, q, power=power).distance for p, q in ((x, y), (y, z), (x, z)))
        assert transport(y, x, power=power).distance == pytest.approx(xy, rel=1e-12)
        assert transport(x, x[::-1], power=power).distance == pytest.approx(0, abs=1e-9)
        assert xz <= xy + yz
    one, two, three = (transport(x, y, power=power).distance for power in (1, 2, 3))
    assert one <= two <= three


def test_the_best_critic_reaches_the_distance_with_slope_one():
    x, y = clouds(70, 90, 2)
    best = transport(x, y)
    assert best.potential_at(x).mean() - best.potential_at(y).mean() == pytest.approx(best.distance, rel=1e-12)
    np.testing.assert_allclose(best.potential_at(x), best.u, atol=1e-12)
    far = np.random.default_rng(3).normal(size=(300, 2)) * 5
    rise = np.abs(best.potential_at(far)[:, None] - best.potential_at(far))
    assert (rise <= cdist(far, far) + 1e-12).all()
    pairs = np.concatenate([x, y])
    values = np.concatenate([best.u, -best.v])
    slopes = np.abs(values[:, None] - values) / (cdist(pairs, pairs) + np.eye(160))
    assert best.lipschitz == pytest.approx(slopes.max(), abs=1e-9)
    assert transport(x, y, power=2).lipschitz is None


def test_many_coordinates_take_the_product_and_near_points_keep_their_digits():
    x, y = clouds(40, 40, 200)
    y[:10] = x[:10] + 1e-6 * y[:10]
    y[10] = x[10]
    for metric in ("euclidean", "sqeuclidean"):
        np.testing.assert_allclose(transport(x, y, metric=metric).costs, cdist(x, y, metric), rtol=1e-10)


@settings(max_examples=60, deadline=None)
@given(ENDS, ENDS, st.integers(0, 10**6))
def test_piles_on_a_line(p, q, seed):
    p, q = np.array(p, dtype=float), np.array(q, dtype=float)
    q *= p.sum() / q.sum()
    random = np.random.default_rng(seed)
    x, y = random.integers(-5, 5, len(p)).astype(float), random.normal(size=len(q))
    wanted = wasserstein_distance(x, y, p, q)
    best = transport(x, y, p, q)
    assert best.cost == pytest.approx(wanted, abs=1e-12)
    assert line(x, y, p, q) == pytest.approx(wanted, abs=1e-12)
    assert line(x, y, p, q, 2) == pytest.approx(by_linear_program(cdist(x[:, None], y[:, None]) ** 2, p / p.sum(),
                                                                  q / q.sum()), abs=1e-9)
    assert best.total == pytest.approx(p.sum())
    assert best.marginal_error < 1e-15


def test_lines_of_unequal_sizes_are_exact():
    x, y = clouds(1000, 1337, 1)
    assert line(x, y) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-12)
    i, j, mass = line_plan(x, y)
    assert mass.sum() == pytest.approx(1, abs=1e-13)
    np.testing.assert_allclose(np.bincount(i, mass), 1 / 1000, rtol=1e-12)
    np.testing.assert_allclose(np.bincount(j, mass), 1 / 1337, rtol=1e-12)
    assert (np.diff(x[i, 0]) >= 0).all()
    assert (np.diff(y[j, 0]) >= 0).all()


def test_a_plan_is_scored_against_the_best():
    p, q, places = [3, 1, 2, 0, 1], [0, 1, 1, 3, 2], np.arange(5.0)
    plan = np.array([[0, 0, 0, 1, 2], [0, 0, 1, 0, 0], [0, 0, 0, 2, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]])
    found = score(plan, places, places, p, q)
    by_hand = 1 * 3 + 2 * 4 + 1 * 1 + 2 * 1 + 1 * 3  # mass times distance, move by move
    best = 11  # sum of |cumulative P - cumulative Q| = 3 + 3 + 4 + 1
    assert found.valid
    assert found.cost * 7 == pytest.approx(by_hand)
    assert found.best.cost * 7 == pytest.approx(best)
    assert found.percent == pytest.approx(100 * (by_hand - best) / best)
    assert score(plan / 7, places, places, p, q).excess == pytest.approx((by_hand - best) / 7)
    assert score(found.best.plan, places, places, p, q).percent == 0
    assert score(np.eye(4), np.arange(4.0), np.arange(4.0)).unit == 4


def test_what_is_no_plan_is_said_and_where():
    places, p, q = np.arange(3.0), [1, 1, 1], [1, 1, 1]
    plan = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1.0]])
    found = score(plan, places, places, p, q)
    assert not found.valid
    assert {(w.side, w.index, w.given, w.wanted) for w in found.wrong} == {("y", 0, 2, 1), ("y", 1, 0, 1)}
    minus = score(np.array([[2, -1, 0], [-1, 2, 0], [0, 0, 1.0]]), places, places, p, q)
    assert minus.negative == ((0, 1), (1, 0))
    assert not minus.valid
    assert not score(np.zeros((3, 3)), places, places, p, q).valid


GOOD = ([[0.0, 1], [2, 3]], [[1.0, 1], [5, 3]])


@pytest.mark.parametrize(("call", "said"), [
    (lambda: transport([[0.0, np.nan]], [[1.0, 1]]), "x: 1 of 1 points hold nan or inf, the first is number 1"),
    (lambda: transport([], [1.0]), "x holds no points"),
    (lambda: transport(["a"], [1.0]), "x is not an array of numbers"),
    (lambda: transport([[1.0, 2]], [[1.0]]), "x has 2 coordinates a point and y has 1"),
    (lambda: transport(*GOOD, a=[1, -1], b=[1, 1]), "weight 2 of a is negative"),
    (lambda: transport(*GOOD, a=[1, 2], b=[1, 1]), "the weights a sum to 3, the weights b to 2"),
    (lambda: transport(*GOOD, a=[0, 0]), "all zero"),
    (lambda: transport(*GOOD, a=[1, np.inf]), "nan or inf"),
    (lambda: transport(*GOOD, b=[1, 2, 3]), "shape (3,)"),
    (lambda: transport(*GOOD, metric="euclidian"), "did you mean 'euclidean'?"),
    (lambda: transport(*GOOD, metric="cosine", a=None) and transport([[0.0, 0]], [[1.0, 1]], metric="cosine"),
     "the cosine distances"),
    (lambda: transport(*GOOD, power=0.5), "power 0.5"),
    (lambda: transport(*GOOD, metric=np.ones((3, 2))), "costs of shape (3, 2) for 2 and 2 points"),
    (lambda: transport(None, None, metric=[[1, np.inf]]), "nan or inf"),
    (lambda: transport(*GOOD, metric=np.ones((2, 2)), power=2), "power 2 with a matrix of costs"),
    (lambda: transport(None, None, metric=[[1.0, 2]]).potential_at([[0.0]]), "a potential away from the points"),
    (lambda: score(np.ones((2, 3)), [0.0, 1, 2], [0.0, 1]), "transpose it"),
    (lambda: score(np.full((2, 2), np.nan), *GOOD), "the plan holds nan"),
    (lambda: line([[0.0, 1]], [[1.0, 1]]), "2 coordinates on a line"),
    (lambda: line([0.0], [1.0], power=0), "power 0"),
])
def test_bad_input_is_refused(call, said):
    with pytest.raises(UserError) as caught:
        call()
    assert said in str(caught.value)


def test_more_pairs_than_memory_holds_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(costs_module, "free_memory", lambda: 1e6)
    with pytest.raises(UserError, match=r"needs about 0\.3 GB, 0\.0 GB are free") as caught:
        transport(np.zeros((2000, 1)), np.ones((2000, 1)))
    assert "sliced" in caught.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 64, 784])
def test_two_thousand_points_in_two_seconds(d):
    import time

    transport(*clouds(10, 10, 2))  # imports
    x, y = clouds(2000, 2000, d)
    seconds = []
    for _ in range(2):
        began = time.process_time()  # of one thread: not what others do on this machine
        best = transport(x, y)
        seconds.append(time.process_time() - began)
    assert abs(best.gap) <= 1e-12 * best.cost
    assert min(seconds) < 2
