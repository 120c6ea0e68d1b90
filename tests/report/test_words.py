from __future__ import annotations

import pytest

from ganworks.report.words import duration, number, size


@pytest.mark.parametrize(("value", "text"), [(12345, "12,345"), (12345.6, "12,346"), (0.55049, "0.5505"), (0, "0"),
                                             (-0.01445, "\N{MINUS SIGN}0.01445"), (-3564.2, "\N{MINUS SIGN}3,564"),
                                             (1.2e-05, "1.2e-05"), (3.0, "3"), (999.96, "1000"), (1e12, "1e+12"),
                                             (float("nan"), "nan")])
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(3.84, "3.8 s"), (13.2, "13 s"), (59.7, "1 min 0 s"),
                                               (125, "2 min 5 s"), (3600 + 12 * 60, "1 h 12 min")])
def test_times(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(10, "1 kB"), (512_000, "512 kB"), (3_400_000, "3.4 MB")])
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text
