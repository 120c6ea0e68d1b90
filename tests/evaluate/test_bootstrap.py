"""Half-sample intervals: the textbook error of a mean, and their coverage on Gaussians with a known distance."""

from __future__ import annotations

import numpy as np
import pytest

from ganworks.errors import UserError
from ganworks.evaluate.bootstrap import intervals
from ganworks.evaluate.frechet import frechet_distance
from ganworks.evaluate.prdc import prdc


def test_the_error_of_a_mean():
    x = np.random.default_rng(0).exponential(2.0, (900, 1))
    found, = intervals(lambda rows: rows.mean(), [x], resamples=600)
    assert found.value == pytest.approx(x.mean())
    assert found.error == pytest.approx(x.std(ddof=1) / 30, rel=0.1)  # s / sqrt(n)
    assert found.high - found.value == pytest.approx(1.964 * found.error, rel=0.01)
    assert found.value - found.low == pytest.approx(found.high - found.value)


@pytest.mark.parametrize("n", [11, 12, 101])
def test_odd_numbers_are_halved_without_bias(n):
    x = np.random.default_rng(1).standard_normal((n, 1))
    found, = intervals(lambda rows: rows.mean(), [x], resamples=2000)
    assert found.error == pytest.approx(x.std(ddof=1) / np.sqrt(n), rel=0.07)


def test_several_figures_at_once_and_equal_seeds():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((100, 2)), rng.standard_normal((100, 2))
    first = intervals(lambda a, b: (a.mean(), b.var()), [x, y], seed=5)
    assert len(first) == 2
    assert first == intervals(lambda a, b: (a.mean(), b.var()), [x, y], seed=5)
    assert first != intervals(lambda a, b: (a.mean(), b.var()), [x, y], seed=6)


def test_a_wider_level_is_a_wider_interval():
    x = np.random.default_rng(3).standard_normal((100, 1))
    narrow, wide = (intervals(lambda rows: rows.mean(), [x], level=level)[0] for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def coverage(draw, expected: float, repeats: int, statistic=frechet_distance) -> float:
    hits = 0
    for i in range(repeats):
        found, = intervals(statistic, draw(np.random.default_rng(i)), seed=i)
        hits += found.low <= expected <= found.high
    return hits / repeats


@pytest.mark.slow
def test_coverage_for_gaussians_with_a_known_distance():
    # N(0, I) and N((1, 0, 0, 0), diag(4, 1, 1, 1/4)): FD = 1 + 1 + 1/4. At n = 2,000 the bias is a tenth of the error.
    sd = np.array([2.0, 1.0, 1.0, 0.5])

    def draw(rng):
        return rng.standard_normal((2000, 4)), rng.standard_normal((2000, 4)) * sd + [1, 0, 0, 0]

    assert 0.92 <= coverage(draw, 2.25, 600) <= 0.975


@pytest.mark.slow
def test_coverage_of_the_figure_at_this_n_where_the_bias_is_large():
    # 120 samples in 20 dimensions: the bias is several errors wide, and the interval is about the figure at this n.
    def draw(rng):
        return rng.standard_normal((120, 20)), rng.standard_normal((120, 20)) + 0.5

    expected = np.mean([frechet_distance(*draw(np.random.default_rng(10_000 + i))) for i in range(1500)])
    assert expected > 5 + 2  # known distance 20 x 0.25
    assert 0.9 <= coverage(draw, expected, 400) <= 0.99


@pytest.mark.slow
def test_at_a_distance_of_zero_it_errs_on_the_wide_side():
    def draw(rng):
        return rng.standard_normal((200, 5)), rng.standard_normal((200, 5))

    expected = np.mean([frechet_distance(*draw(np.random.default_rng(10_000 + i))) for i in range(1500)])
    assert coverage(draw, expected, 400) >= 0.95


@pytest.mark.slow
def test_coverage_of_recall():
    def draw(rng):
        return rng.standard_normal((400, 4)), rng.standard_normal((400, 4)) * 0.7

    def recall(a, b):
        return prdc(a, b).recall

    expected = np.mean([recall(*draw(np.random.default_rng(10_000 + i))) for i in range(600)])
    assert coverage(draw, expected, 200, recall) >= 0.9


def test_bad_input_is_told():
    with pytest.raises(UserError, match="too few to halve"):
        intervals(np.mean, [np.zeros((3, 1))])
    with pytest.raises(UserError, match="level 95"):
        intervals(np.mean, [np.zeros((30, 1))], level=95)
