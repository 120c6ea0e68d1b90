from __future__ import annotations

import numpy as np
import pytest

from ganworks.report.history import POINTS, evidence_panel, last_step, measures, pace, panels
from ganworks.train.series import series

from .conftest import records


def test_series_are_in_order_of_step_and_hold_finite_numbers_only() -> None:
    found = series([{"step": 20, "a/b": 2.0}, {"step": 10, "a/b": 1}, {"step": 30, "a/b": float("nan")},
                    {"step": 40, "a/b": float("inf")}, {"step": 50, "a/b": "5"}, {"step": "60", "a/b": 6.0},
                    {"a/b": 7.0}, {"step": 20, "a/b": 9.0}, ["step", 80]])  # type: ignore[list-item]
    steps, values = found["a/b"]
    assert steps.tolist() == [10, 20]
    assert values.tolist() == [1.0, 9.0]  # of two records of one step, the later


def test_a_long_line_keeps_its_mean_and_its_extremes() -> None:
    values = np.random.default_rng(0).normal(size=POINTS * 50)
    values[1234] = 40.0
    (panel,) = panels([{"step": i + 1, "critic/adversarial": v} for i, v in enumerate(values)])
    (line,) = panel.lines
    assert len(line.steps) == POINTS
    assert line.values.mean() == pytest.approx(values.mean())  # the parts are equally large
    assert line.high.max() == 40.0
    assert line.low.min() == values.min()
    assert (line.low <= line.values).all()
    assert (line.values <= line.high).all()
    assert line.steps.mean() == pytest.approx((len(values) + 1) / 2)


def test_a_short_line_is_left_as_it_is() -> None:
    (panel,) = panels([{"step": i, "critic/adversarial": float(i * i)} for i in range(1, POINTS + 1)])
    assert panel.lines[0].values.tolist() == [float(i * i) for i in range(1, POINTS + 1)]


def test_each_player_has_a_panel_with_all_its_costs() -> None:
    found = {panel.title: [line.name for line in panel.lines] for panel in panels(records())}
    assert found == {"FD (pixels) by step": ["FD (pixels)"],
                     "Cost of the critic": ["adversarial", "gradient penalty"],
                     "Cost of the generator": ["adversarial"], "Critic's score": ["on real", "on fake"],
                     "Learning rates": ["generator and critic"]}


def test_vitals_are_drawn_apart_from_costs_for_each_duel() -> None:
    log = [{"step": step, "vital/told apart AtoB": 0.9, "vital/told apart BtoA": 0.8, "vital/step critic": 1e-3,
            "vital/score real": 1.0, "layers": {"critic": {"0.weight": 1.0}}} for step in (100, 200)]
    found = {panel.title: [line.name for line in panel.lines] for panel in panels(log)}
    assert found == {"Whom the critic tells apart AtoB": ["told apart"],
                     "Whom the critic tells apart BtoA": ["told apart"], "Steps of the weights": ["step critic"]}


def test_rates_that_differ_are_two_lines() -> None:
    log = [{"step": 1, "rate/generator": 1e-4, "rate/critic": 4e-4}, {"step": 2, "rate/generator": 1e-4,
                                                                       "rate/critic": 2e-4}]
    (panel,) = panels(log)
    assert [(line.name, line.values.tolist()) for line in panel.lines] == [("generator", [1e-4, 1e-4]),
                                                                           ("critic", [4e-4, 2e-4])]


def test_players_of_any_game_are_found() -> None:
    log = [{"step": 1, "generator_ab/adversarial": 1.0, "critic_b/adversarial": 2.0}]
    assert [panel.title for panel in panels(log)] == ["Cost of the generator ab", "Cost of the critic b"]


@pytest.mark.parametrize(("values", "wanted"), [([100.0, 1.0], True), ([2.0, 1.0], False), ([100.0, 0.0], False),
                                                ([100.0, -1.0], False)])
def test_the_axis_is_logarithmic_where_positive_values_span_much(values: list[float], wanted: bool) -> None:
    (panel,) = panels([{"step": i, "measure/FD": v} for i, v in enumerate(values)])
    assert panel.logarithmic is wanted


def test_steps_time_and_measures() -> None:
    log = records(200)
    assert last_step(log) == 200
    assert pace(log) == pytest.approx(50.0)
    assert {name: line[1].tolist() for name, line in measures(log).items()} == {"FD (pixels)": [10.0, 5.0]}


def test_an_empty_log() -> None:
    assert panels([]) == []
    assert last_step([]) == 0
    assert pace([]) is None
    assert measures([]) == {}


def test_a_finding_is_shown_by_the_curves_that_it_rests_on() -> None:
    log = [{"step": step, "vital/told apart": 0.9, "vital/told apart mixed": 0.5, "vital/diversity": 1.0,
            "generator/adversarial": 1.0} for step in (10, 20)]
    found = evidence_panel("batch-norm leak", 20, log)
    assert found is not None
    assert [line.name for line in found.lines] == ["told apart", "told apart mixed"]
    assert found.since == 20
    costs = evidence_panel("divergence", None, log)
    assert costs is not None
    assert [line.name for line in costs.lines] == ["generator adversarial"]
    assert evidence_panel("collapse", None, log) is None
    assert evidence_panel("plateau", None, log) is None


def test_every_finding_about_the_course_has_curves() -> None:
    from ganworks.diagnose.course import JUDGES
    from ganworks.report.history import EVIDENCE

    assert set(JUDGES) <= set(EVIDENCE)
