from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ganworks.evaluate.figures import Figure, Report
from ganworks.report.judgement import Judged, judgements, table


def report(**changed: object) -> Report:
    figures = (Figure("FD (pixels)", 8.0, 7.0, 9.0, 0.5, 900, "lower"),
               Figure("recall (pixels)", 0.25, 0.2, 0.3, 1.0, 900, "higher"),
               Figure("W1", float("nan"), None, None, 0.1, 300, "lower"))
    known: dict[str, object] = {"source": "digits", "features": "pixels", "facts": {"dimensions": 64}, "n": 900,
                                "seed": 0, "level": 0.95, "figures": figures, "warnings": ("few <b>samples</b>",),
                                "seconds": 2.0}
    return Report(**{**known, **changed})  # type: ignore[arg-type]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "metrics.json"
    path.write_text(text)
    return path


def test_what_evaluate_writes_is_read(tmp_path: Path) -> None:
    (found,), missing = judgements(written(tmp_path, report().to_json()))
    assert not missing
    assert found.figures == (Judged("FD (pixels)", 8.0, 7.0, 9.0, 0.5, 900, "lower"),
                             Judged("recall (pixels)", 0.25, 0.2, 0.3, 1.0, 900, "higher"),
                             Judged("W1", None, None, None, 0.1, 300, "lower"))
    assert "features: pixels" in found.about
    assert "dimensions 64" in found.about
    assert "95%" in found.about


@pytest.mark.parametrize("wrap", [lambda one: [one, one], lambda one: {"last": one, "best": one}])
def test_several_evaluations_in_one_file(tmp_path: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    found, _ = judgements(written(tmp_path, json.dumps(wrap(json.loads(report().to_json())))))
    assert len(found) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3", "null", '"x"', '{"figures": 3}', '[{"figures": {}}]',
                                  '{"a": 1}', "\x00"])
def test_broken_metrics_are_said(tmp_path: Path, text: str) -> None:
    found, missing = judgements(written(tmp_path, text))
    assert found == []
    assert "metrics.json" in missing


@pytest.mark.parametrize("text", ['{"figures": []}', '{"figures": [1, null, {}]}', '{"figures": [{"name": 3, "value": '
                                  '"x", "low": null, "floor": true, "n": 1e400}], "level": "a", "facts": [], '
                                  '"warnings": 3}'])
def test_odd_figures_make_a_table_still(tmp_path: Path, text: str) -> None:
    (found,), _ = judgements(written(tmp_path, text))
    assert table(found).startswith("<div")


def test_no_metrics(tmp_path: Path) -> None:
    assert judgements(tmp_path / "metrics.json") == ([], "not judged yet")


@pytest.mark.parametrize(("value", "low", "high", "floor", "better", "ratio", "state"), [
    (8.0, 7.0, 9.0, 0.5, "lower", "16\N{MULTIPLICATION SIGN} that", ""),
    (0.6, 0.4, 0.8, 0.5, "lower", "as good", "good"),  # the interval reaches the floor
    (0.4, None, None, 0.5, "lower", "as good", "good"),
    (0.3, 0.2, 0.4, -0.01, "lower", "", ""),  # no ratio to a floor that is not positive
    (0.25, 0.2, 0.3, 1.0, "higher", "25% of that", "bad"),
    (0.5, 0.4, 0.6, 1.0, "higher", "50% of that", "warn"),
    (0.9, 0.85, 0.95, 1.0, "higher", "90% of that", "good"),
    (0.97, 0.95, 1.0, 1.0, "higher", "as good", "good"),
    (-3.0, None, None, 4.0, "higher", "", "bad"),
    (None, None, None, 4.0, "higher", "", "bad"),
    (1.0, None, None, None, "lower", "", ""),
])
def test_a_figure_against_its_floor(value, low, high, floor, better, ratio, state) -> None:  # type: ignore[no-untyped-def]
    figure = Judged("x", value, low, high, floor, 10, better)
    assert figure.ratio == ratio
    assert figure.state == state


def test_the_drawing_is_to_scale(tmp_path: Path) -> None:
    (found,), _ = judgements(written(tmp_path, report().to_json()))
    first = table(found).split("</tr>")[1]
    places = {kind: (float(left), float(width)) for kind, left, width in
              re.findall(r'class="(\w+)" style="left:([\d.]+)%;width:([\d.]+)%"', first)}
    # From 0 to the interval's upper end, 9.
    assert places["dot"] == pytest.approx((100 * 8 / 9, 0), abs=0.06)
    assert places["floor"] == pytest.approx((100 * 0.5 / 9, 0), abs=0.06)
    assert places["gap"] == pytest.approx((100 * 0.5 / 9, 100 * 7.5 / 9), abs=0.06)
    assert places["interval"] == pytest.approx((100 * 7 / 9, 100 * 2 / 9), abs=0.06)


def test_words_are_escaped_and_the_odd_count_is_said(tmp_path: Path) -> None:
    (found,), _ = judgements(written(tmp_path, report().to_json()))
    text = table(found)
    assert "few &lt;b&gt;samples" in text
    assert "n = 900 of each kind" in text
    assert "n = 300" in text
