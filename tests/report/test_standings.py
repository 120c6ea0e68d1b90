"""Means, intervals and tests over seeds, against formulas written out here and against scipy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from ganworks.errors import UserError
from ganworks.report.standings import Result, decides, interval, means_text, runs, table, text, to_json, welch

A, B, C = (1.0, 2.0, 4.0), (3.0, 3.5, 9.0, 4.0), (30.0, 31.0, 32.0)


def result(label, seed, value, better="lower", state="done", steps=100, seconds=5.0):
    if state != "done":
        return Result(label, seed, state, "cost became nan" if state == "failed" else "")
    return Result(label, seed, state, "", steps, seconds, (
        {"name": "FD (pixels)", "value": value, "floor": 0.25, "better": better},
        {"name": "recall (pixels)", "value": 1 / (1 + abs(value)), "floor": 0.9, "better": "higher"}))


def results(**sides):
    return [result(label, seed, value) for label, values in sides.items() for seed, value in enumerate(values)]


@pytest.mark.parametrize("values", [A, B, C])
def test_the_interval_is_students(values):
    mean, half = interval(values)
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (mean - half, mean + half) == (pytest.approx(low), pytest.approx(high))


def test_the_interval_of_two_and_of_one():
    # With two values: half the width is t_0.975,1 |a - b| / 2 = 12.706 |a - b| / 2.
    assert interval([1.0, 3.0]) == (2.0, pytest.approx(math.tan(0.475 * math.pi), rel=1e-9))  # t of one degree: Cauchy
    assert interval([5.0]) == (5.0, None)


def test_welch_is_welchs():
    mean = [sum(x) / len(x) for x in (A, B)]
    var = [sum((v - m) ** 2 for v in x) / (len(x) - 1) / len(x) for x, m in zip((A, B), mean, strict=True)]
    degrees = sum(var) ** 2 / (var[0] ** 2 / (len(A) - 1) + var[1] ** 2 / (len(B) - 1))  # Welch-Satterthwaite
    p = 2 * stats.t.sf(abs(mean[0] - mean[1]) / math.sqrt(sum(var)), degrees)
    assert welch(A, B) == pytest.approx(p)
    assert welch(A, C) < 0.001
    assert welch(A, [1.0]) is None
    assert (welch([8, 8], [8, 8, 8]), welch([8, 8], [7, 7])) == (1.0, 0.0)
    assert 0 < welch([8, 8, 8], [7, 7, 8]) < 1  # one side that does not vary


def test_standings_are_sorted_and_marked():
    found = table(results(far=C, near=B, best=A))
    assert [row.label for row in found.rows] == ["best", "near", "far"]
    assert [row.mark for row in found.rows] == ["best", "within noise of the best", "worse"]
    best = found.rows[0]
    assert (best.mean, best.best, best.worst, best.steps, best.pace) == (pytest.approx(7 / 3), 0, 2, (100, 100), 0.05)
    assert found.floor == 0.25


def test_of_a_figure_that_should_be_high_the_highest_is_the_best():
    found = table(results(far=C, best=A), "recall")
    assert found.name == "recall (pixels)"
    assert [row.label for row in found.rows] == ["best", "far"]
    assert (found.rows[0].best, found.rows[0].worst) == (0, 2)
    with pytest.raises(UserError, match="no figure 'recal'"):
        table(results(far=C), "recal")


def test_w1_decides_where_it_is_known():
    assert decides(["modes found of 8", "high quality", "W1"]) == "W1"
    assert decides(["FD (pixels)", "KD (pixels)"]) == "FD (pixels)"


def test_one_seed_tells_nothing():
    found = table(results(a=[1.0], b=[2.0]))
    assert [(row.half, row.p, row.mark) for row in found.rows] == [
        (None, None, "best"), (None, None, "too few seeds to tell")]


def test_what_failed_comes_after_what_did_not_and_is_counted():
    held = [*results(b=B[:3]), result("a", 0, 0.1), result("a", 1, 0.1), result("a", 2, 0, state="failed"),
            *(result("c", seed, 0, state="failed") for seed in range(3))]
    found = table(held)
    assert [row.label for row in found.rows] == ["b", "a", "c"]
    assert [runs(row) for row in found.rows] == ["3", "2 of 3, 1 failed", "0 of 3, 3 failed"]
    assert found.rows[2].mean is None
    assert "2 of 3, 1 failed" in text(found)


def test_nothing_done_is_a_table_too():
    found = table([result("a", 0, 0, state="waiting"), result("b", 0, 0, state="running")])
    assert [row.label for row in found.rows] == ["a", "b"]
    assert "0 of 1" in text(found)


def test_texts_and_json_hold_the_numbers():
    held = results(a=(1.0, 3.0), b=(2.0, 2.5))
    lines = text(table(held)).splitlines()
    assert len(lines) == 4
    assert lines[2].split()[:3] == ["a", "2", "±"]
    assert "recall (pixels)" in means_text(held, ["a", "b"])
    first = to_json(table(held))["entrants"][0]
    assert first["interval"] == [pytest.approx(2 - 12.7062047), pytest.approx(2 + 12.7062047)]
    assert first["values"] == {"0": 1.0, "1": 3.0}


def test_a_value_that_is_no_number_is_left_out():
    held = [*results(a=(1.0, 3.0)), result("a", 2, float("nan"))]
    assert table(held).rows[0].values == {0: 1.0, 1: 3.0}
