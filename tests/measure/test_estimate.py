"""Lower bounds of divergences by trained critics, against closed forms."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import integrate, stats

from ganworks.errors import UserError
from ganworks.measure import estimate
from ganworks.measure.critics import Critics, _held_out, comparable, folds_of, split, supported
from ganworks.measure.estimate import _interval, gap
from ganworks.measure.trust import auc, effective_samples, growth, shared_points

QUICK = {"steps": 120, "hidden": (24, 24)}


def draw(law, n, seed):
    return np.asarray(law.rvs(size=n, random_state=np.random.default_rng(seed)))


def js_of(p, q):
    def half(x, a, b):
        return a.pdf(x) * (a.logpdf(x) - np.log((a.pdf(x) + b.pdf(x)) / 2))

    return sum(integrate.quad(half, -12, 14, args=pair, limit=200)[0] for pair in ((p, q), (q, p))) / 2


@pytest.mark.parametrize(("name", "factor"), [("js", 1.0), ("minimax", 2.0)])
def test_a_shifted_normal_lies_in_the_interval_whatever_the_factor(name, factor):
    p, q = stats.norm(0, 1), stats.norm(1.5, 1)
    e = estimate(name, draw(p, 1500, 1), draw(q, 1500, 2), **QUICK)
    assert e.interval[0] <= factor * js_of(p, q) <= e.interval[1]
    assert e.interval[1] - e.interval[0] < 0.35 * e.value
    assert e.interval[0] <= e.value <= e.interval[1]
    assert np.mean(e.per_fold) == pytest.approx(e.value, rel=1e-6)
    assert np.mean(e.per_seed) == pytest.approx(e.value, rel=0.1)
    assert e.trust == "good"
    assert e.ceiling == pytest.approx(factor * math.log(2))


def test_kl_of_two_widths_and_its_log_ratio():
    p, q = stats.norm(0, 1), stats.norm(0, 1.6)
    x, y = draw(p, 1500, 3), draw(q, 1500, 4)
    e = estimate("kl", x, y, known=(p, q), **QUICK)
    assert e.interval[0] <= math.log(1.6) + 1 / (2 * 1.6**2) - 0.5 <= e.interval[1]
    near = np.abs(y) < 2
    truth = p.logpdf(y) - q.logpdf(y)
    assert np.sqrt(np.mean((e.log_ratio.fake - truth)[near] ** 2)) < 0.2
    assert e.log_ratio.mean_ratio == pytest.approx(1, abs=0.15)
    # The perfect critic of KL says 1 + log p/q on real, and pays p/q on generated points.
    earned = np.mean(1 + p.logpdf(x) - q.logpdf(x)) - np.mean(np.exp(truth))
    assert e.perfect == pytest.approx(earned, rel=1e-9)


def test_hinge_measures_twice_the_total_variation():
    e = estimate("hinge", draw(stats.norm(0, 1), 1000, 5), draw(stats.norm(2, 1), 1000, 6), **QUICK)
    assert e.interval[0] <= 2 * (2 * stats.norm.cdf(1) - 1) <= e.interval[1]
    assert e.log_ratio is None
    assert e.effective_samples is None


@pytest.mark.parametrize("name", ["kl", "lsgan"])
def test_the_same_law_is_found_to_be_the_same(name):
    x, y = np.random.default_rng(7).normal(size=(2, 400, 2))
    e = estimate(name, x, y, **QUICK)
    assert e.interval[0] <= 0
    assert abs(e.value) < 0.05
    assert any("no difference" in w for w in e.warnings)
    assert e.trust == "good"


def test_disjoint_samples_bounded_and_unbounded():
    x, y = draw(stats.uniform(0, 1), 400, 8), draw(stats.uniform(3, 1), 400, 9)
    bounded, unbounded = (estimate(name, x, y, **QUICK) for name in ("js", "kl"))
    assert 0.65 < bounded.value <= math.log(2) + 1e-9
    # The divergences of disjoint supports, log 2 and infinity, are not above the intervals.
    assert bounded.interval[0] < math.log(2) <= bounded.interval[1] + 1e-12
    assert unbounded.interval[1] == math.inf
    assert bounded.trust == "good"
    assert any("maximum" in w for w in bounded.warnings)
    assert unbounded.trust == "doubtful"
    assert any("infinite" in w for w in unbounded.warnings)


def test_few_effective_samples_make_it_doubtful():
    x, y = draw(stats.norm(0, 1), 600, 10), draw(stats.norm(3, 1), 600, 11)
    e = estimate("kl", x, y, **QUICK)
    assert e.trust == "doubtful"
    assert any("effective" in w for w in e.warnings)
    assert e.effective_samples[1] < 100


def test_a_function_of_the_seed():
    x, y = np.random.default_rng(12).normal(size=(2, 100, 1))
    first, again, other = (estimate("js", x, y, steps=40, hidden=(8,), seed=s, folds=2) for s in (0, 0, 1))
    assert np.array_equal(first.outputs_real, again.outputs_real)
    assert not np.array_equal(first.outputs_real, other.outputs_real)


@pytest.mark.parametrize(("real", "fake", "words"), [
    ([], np.ones(50), "no points"),
    (np.full(50, np.nan), np.ones(50), "nan"),
    (np.ones((50, 2)), np.ones((50, 3)), "coordinates"),
    (np.arange(10.0), np.arange(50.0), "folds"),
    (["a"] * 50, np.ones(50), "numbers"),
])
def test_bad_samples_are_refused(real, fake, words):
    with pytest.raises(UserError, match=words):
        estimate("js", real, fake)


@pytest.mark.parametrize(("name", "words"), [("wgan", "Wasserstein"), ("margin", "f-divergence"), ("rpgan", "pairs"),
                                             ("jss", "did you mean")])
def test_objectives_without_a_likelihood_ratio_are_refused(name, words):
    with pytest.raises(UserError, match=words):
        estimate(name, np.arange(50.0), np.arange(50.0))


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"seeds": 0}, {"steps": 0}, {"hidden": (0,)}])
def test_bad_numbers_are_refused(wrong):
    with pytest.raises(UserError, match="or more"):
        estimate("js", np.arange(50.0), np.arange(50.0), **wrong)


def test_copies_constants_and_few_points_are_said():
    x = np.column_stack([np.random.default_rng(13).normal(size=60), np.ones(60)])
    y = np.column_stack([np.random.default_rng(14).normal(size=60), np.ones(60)])
    y[:5], x[-1] = x[:5], x[-2]
    said = " ".join(estimate("js", x, y, steps=20, hidden=(8,)).warnings)
    assert "5 of 60 real points are generated points too" in said
    assert "1 points repeat" in said
    assert "1 of 2 coordinates" in said
    assert "12 a fold" in said


def test_far_scales_change_nothing():
    x, y = np.random.default_rng(15).normal(size=(2, 300, 1)) + np.array([0, 1.5])[:, None, None]
    near, far = (estimate("js", s * x + c, s * y + c, **QUICK) for s, c in ((1, 0), (1024.0, 2.0**20)))
    assert far.value == pytest.approx(near.value, abs=0.01)


def test_a_heavy_tail_is_drawn_in_and_cauchy_kl_is_found():
    p, q = stats.cauchy(0, 1), stats.cauchy(2, 1)
    e = estimate("kl", draw(p, 1000, 16), draw(q, 1000, 17), **QUICK)
    assert e.interval[0] <= math.log((4 + 4) / 4) <= e.interval[1]  # Chyzak and Nielsen 2019, theorem 1


def test_no_critic_sees_its_own_fold():
    fold = folds_of(53, 5, 3, "real")
    assert sorted(np.bincount(fold)) == [10, 10, 11, 11, 11]
    rows = split(fold, 5, 2, 3, "real")
    for critic in range(10):
        seen = {*rows.learn[critic], *rows.watch[critic]}
        assert not seen & set(np.flatnonzero(fold == critic % 5))
        assert len(seen) == rows.learn.shape[1] + rows.watch.shape[1] >= 41


def test_each_point_is_judged_by_the_critics_of_its_fold_within_their_range():
    import torch

    fold = folds_of(23, 3, 0, "fake")
    critics = Critics(6, 2, (4,), 0.0, 0, "cpu")
    weights = [w * 0 for w in critics.weights]
    weights[-1][:, 0, 0] = torch.arange(6.0)  # critic s * folds + k says its own number
    kept = SimpleNamespace(best=weights, range=(torch.full((6,), -9.0), torch.full((6,), 4.5)))
    said = _held_out(critics, kept, torch.zeros(23, 2), fold, 2)
    assert np.array_equal(said, np.minimum([fold, fold + 3], 4.5))


def test_common_units_are_monotone_and_near_one():
    x = np.random.default_rng(18).standard_cauchy((500, 1)) * 1e6 + 1e9
    a, b = comparable(x[:250], x[250:])
    both = np.concatenate([a, b])[:, 0]
    assert (np.diff(both[np.argsort(x[:, 0])]) >= 0).all()
    assert np.abs(both).max() < 40


def test_the_largest_supported_log_ratio():
    import torch

    # 999 real points above everything, no generated one of 1000: (999.5/999)/(0.5/1000) = 2001, log 7.60.
    high, low = torch.full((1, 999), 50.0), torch.full((1, 1000), -50.0)
    assert supported(high, low).item() == pytest.approx(7.5)  # the step of 1/8 below
    low[0, :100] = 50.0  # a tenth of the generated ones: ratio 9.96, log 2.30
    assert supported(high, low).item() == pytest.approx(2.25)
    high[0, 3:], low[0] = -50.0, -50.0  # three points and none: 7, log 1.95
    assert supported(high, low).item() == pytest.approx(1.875)


def test_the_interval_of_independent_gains_covers_as_it_says():
    random, hits = np.random.default_rng(19), 0
    for _ in range(400):
        a, b = random.exponential(size=200), random.normal(size=300)
        folds = np.arange(200) % 5, np.arange(300) % 5
        (low, high) = _interval(a, b, *folds, 0.5)[1]
        hits += low <= 1.5 <= high
    assert hits >= 0.95 * 400  # t with 4 degrees of freedom is on the safe side


def test_small_helpers():
    assert effective_samples(np.zeros(7)) == pytest.approx(7)
    assert effective_samples(np.array([0.0, -800.0])) == pytest.approx(1)
    assert effective_samples(np.log([1.0, 2.0, 3.0])) == pytest.approx(36 / 14)
    a, b = np.array([1.0, 2.0, 2.0]), np.array([2.0, 0.0])
    expected = stats.mannwhitneyu(a, b).statistic / 6
    assert auc(a, b) == pytest.approx(expected)
    assert growth(lambda v: np.exp(2 * v), 1) == pytest.approx(2, abs=0.01)
    assert growth(lambda v: np.logaddexp(0, v), 1) < 0.01
    assert shared_points(np.array([[0.0], [1.0], [1.0]]), np.array([[-0.0], [2.0]])) == (1, 1)


def test_the_gap_of_two_bounds_is_paired():
    # JS of N(0, 1) and N(a, 1) is 0.0576 for a = 0.7 and 0.1114 for a = 1, by quadrature.
    def js(a):
        p, q = stats.norm().pdf, stats.norm(a).pdf
        half = [integrate.quad(lambda x, f=f: f(x) * math.log(2 * f(x) / (p(x) + q(x))), -8, 9)[0] for f in (p, q)]
        return sum(half) / 2

    random = np.random.default_rng(4)
    real, made = random.normal(size=(1500, 1)), random.normal(size=(1500, 1))
    few = {"folds": 4, "seeds": 1, "hidden": (16,), "steps": 200}
    near, far = (estimate("js", real, made + a, **few) for a in (0.7, 1.0))
    found = gap(far, near, "js", folds=4)
    assert found.value == pytest.approx(far.value - near.value)
    assert found.interval[0] < js(1.0) - js(0.7) < found.interval[1]
    assert found.error < 0.75 * math.hypot(far.error, near.error)  # what both share by chance has cancelled
    assert gap(near, far, "js", folds=4).value == pytest.approx(-found.value)
    assert gap(near, near, "js", folds=4).interval == (0, 0)
    with pytest.raises(UserError, match="different numbers"):
        gap(near, estimate("js", real[:100], made, **few), "js", folds=4)
