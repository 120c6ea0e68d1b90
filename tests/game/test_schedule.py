"""Numbers that change along a training."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganworks.errors import UserError
from ganworks.game import Ramp
from ganworks.game.schedule import least, level_at

finite = st.floats(-1e6, 1e6)


@settings(max_examples=100, deadline=None)
@given(finite, finite, st.integers(1, 60), st.integers(0, 1000))
def test_a_straight_line_with_exact_ends(start: float, end: float, over: int, begin: int) -> None:
    ramp = Ramp(start, end, over, begin)
    assert [ramp.at(step) for step in (0, begin)] == [start, start]
    assert [ramp.at(step) for step in (begin + over, begin + over + 1, 10**9)] == [end] * 3
    values = [ramp.at(begin + k) for k in range(over + 1)]
    for k, value in enumerate(values):
        exact = Fraction(start) + Fraction(k, over) * (Fraction(end) - Fraction(start))
        assert value == pytest.approx(float(exact), abs=1e-9)
        assert least(ramp) <= value or math.isclose(least(ramp), value)
    assert sorted(values, reverse=end < start) == values
    assert least(ramp) == min(start, end)


@pytest.mark.parametrize(("start", "end"), [(0.3, 0.1), (0.9, 0.3), (1.0, 0.1), (0.7, 0.2), (0.1, 1.0)])
def test_ends_that_a_sum_would_miss(start: float, end: float) -> None:
    assert Ramp(start, end, 7).at(7) == end


def test_a_number_is_a_level_too() -> None:
    assert level_at(0.5, 0) == level_at(0.5, 10**6) == least(0.5) == 0.5
    assert level_at(Ramp(1.0, 0.0, 4), 1) == 0.75


@pytest.mark.parametrize("wrong", [(1.0, 0.0, 0, 0), (1.0, 0.0, 5, -1), (math.nan, 0.0, 5, 0), (1.0, math.inf, 5, 0)])
def test_bad_ramps_are_refused(wrong: tuple[float, float, int, int]) -> None:
    with pytest.raises(UserError, match="finite ends, over >= 1 and begin >= 0"):
        Ramp(*wrong)
