"""Findings about series that were made to have them, and none about series that were made without."""

from __future__ import annotations

import numpy as np
import pytest

from ganworks.diagnose import Vitals
from ganworks.diagnose.course import course_findings, since, swing
from ganworks.recipes import Call
from ganworks.train import Run, fit

RNG = np.random.default_rng(0)
STEPS = np.arange(10, 3001, 10)


def records(**series):
    """Return a healthy log of 3,000 steps with some of its series replaced; None takes one out."""
    n = len(STEPS)
    looks = {"told apart": 0.85, "told apart mixed": 0.85, "known by heart": 0.5,
             "diversity": 0.95, "force": 0.4, "slope": 1.0, "gradient generator": 0.1,
             "dead generator": 0.02, "dead critic": 0.0, "step generator": 3e-4, "step critic": 3e-4}
    lines = {f"vital/{name}": value + 0.02 * value * RNG.normal(size=n) for name, value in looks.items()}
    lines |= {"critic/adversarial": 1.2 + 0.1 * RNG.normal(size=n),
              "generator/adversarial": 0.9 + 0.1 * RNG.normal(size=n),
              "score/on_real": 0.5 + 0.2 * RNG.normal(size=n), "score/on_fake": -0.5 + 0.2 * RNG.normal(size=n),
              "measure/FD (pixels)": 50 * np.exp(-STEPS / 2000) + 0.3 * RNG.normal(size=n)}
    for name, values in series.items():
        key = next(key for key in lines if key.replace(" ", "_").endswith(name))
        lines[key] = values
    every = {"vital": 100, "measure": 100}
    return [{"step": int(step)} | {key: float(values[i]) for key, values in lines.items() if values is not None
                                   and step % every.get(key.split("/")[0], 10) == 0} for i, step in enumerate(STEPS)]


def found(**series):
    return {one.name: one for one in course_findings(records(**series))}


def test_a_healthy_log_has_no_findings() -> None:
    assert {name: one.severity for name, one in found().items() if one.severity != "healthy"} == {}


@pytest.mark.parametrize(("series", "name", "severity", "began"), [
    ({"diversity": np.where(STEPS < 1200, 0.9, 0.05)}, "variety", "serious", 1200),
    ({"force": np.where(STEPS < 900, 0.3, 1e-6)}, "vanishing gradient", "serious", 900),
    ({"dead_critic": np.where(STEPS < 1500, 0.0, 0.95)}, "dead units", "serious", 1500),
    ({"told_apart": np.ones(len(STEPS)), "FD_(pixels)": 40 + RNG.normal(size=len(STEPS))}, "critic too strong",
     "warning", 100),
    ({"told_apart": np.full(len(STEPS), 0.1)}, "critic too weak", "warning", 100),
    ({"told_apart_mixed": np.where(STEPS < 1500, 0.85, 0.5)}, "batch-norm leak", "warning", 1500),
    ({"known_by_heart": 0.5 + np.minimum(STEPS / 3000, 0.4)}, "critic overfits", "serious", 500),
    ({"step_generator": np.full(len(STEPS), 0.2), "FD_(pixels)": None}, "learning rate", "warning", None),
    ({"step_critic": np.full(len(STEPS), 1e-9)}, "learning rate", "warning", None),
    ({"critic/adversarial": 1.2 * np.exp(np.maximum(STEPS - 1500, 0) / 200)}, "divergence", "serious", None),
    ({"on_real": np.sin(STEPS / 40) + 0.2 * RNG.normal(size=len(STEPS))}, "cycling", "warning", None),
    ({"FD_(pixels)": np.maximum(50 - STEPS / 20, 10) + RNG.normal(size=len(STEPS))}, "plateau", "note", None),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_was_built_in_is_found(series, name, severity, began) -> None:
    one = found(**series)[name]
    assert one.severity == severity
    assert one.remedies
    assert one.evidence
    if began is not None:
        assert one.since == began
    if name == "divergence":
        assert 1500 < one.since < 2500


def test_a_rate_that_falls_to_0_at_the_end_is_no_finding() -> None:
    assert found(step_generator=1e-3 * np.clip(2 - 2 * STEPS / 3000, 0, 1))["learning rate"].severity == "healthy"


def test_vitals_that_are_no_numbers_any_more_are_said_to_be_lacking() -> None:
    # As after a divergence: what could be told is told, and nothing breaks.
    log = [{key: value for key, value in record.items() if record["step"] < 1500 or "diversity" not in key}
           for record in records()]
    log = [{key: value for key, value in record.items() if "slope" not in key} for record in log]
    told = {one.name: one for one in course_findings(log)}
    assert told["variety"].severity == told["vanishing gradient"].severity == "unknown"
    assert "'diversity'" in told["variety"].title
    assert told["dead units"].severity == "healthy"


def test_few_measures_do_not_tell_a_plateau() -> None:
    few = [{"step": 100 * i, "measure/FD": 9.0} for i in range(1, 8)]
    assert {one.name: one.severity for one in course_findings(few)}["plateau"] == "unknown"


def test_without_held_out_data_nobody_knows_what_is_known_by_heart() -> None:
    one = found(known_by_heart=None)["critic overfits"]
    assert one.severity == "unknown"
    assert "--held-out" in one.title


def test_a_log_without_vitals_says_what_is_lacking() -> None:
    few = [{"step": 10 * i, "critic/adversarial": 1.0} for i in range(5)]
    names = {one.name: one for one in course_findings(few)}
    assert {one.severity for one in names.values()} == {"unknown"}
    assert "0 records of vitals, 5 are needed" in names["vitals"].title
    assert {one.severity for one in course_findings([])} == {"unknown"}


def test_a_steady_swing_is_told_from_noise_and_drift() -> None:
    x = np.arange(200)
    share, period = swing(np.sin(2 * np.pi * x / 25) + 0.01 * x)
    assert period == pytest.approx(25, abs=1)
    assert share > 0.9
    for other in (RNG.normal(size=200), RNG.normal(size=200).cumsum() * 0 + x**2 / 1e3, np.exp(-x / 50)):
        assert swing(other)[0] < 0.5


def test_a_critic_that_wins_while_samples_get_better_is_not_too_strong() -> None:
    wins = {"told_apart": np.ones(len(STEPS))}
    assert found(**wins, **{"FD_(pixels)": 40 - STEPS / 100})["critic too strong"].severity == "healthy"
    assert found(**wins, **{"FD_(pixels)": None})["critic too strong"].severity == "unknown"


def test_a_cost_that_has_grown_and_stands_is_no_divergence() -> None:
    grown = {"critic/adversarial": np.where(STEPS < 400, 0.01, 5.0)}
    assert found(**grown)["divergence"].severity == "healthy"


def test_without_a_gradient_the_length_of_steps_is_not_judged() -> None:
    none = {"gradient_generator": np.zeros(len(STEPS)), "step_generator": np.full(len(STEPS), 1e-20)}
    assert found(**none)["learning rate"].severity == "healthy"  # the critic's
    assert found(**none, step_critic=np.full(len(STEPS), 1e-9))["learning rate"].severity == "warning"


BARE = {"diversity": np.full(len(STEPS), 0.1)}


@pytest.mark.parametrize(("series", "name", "scale"), [
    ({"told_apart": np.full(len(STEPS), 0.1), "step_critic": np.full(len(STEPS), 1e-6)}, "critic too weak",
     {"lr": 1, "lr_critic": 300}),
    ({"told_apart": np.ones(len(STEPS)), "FD_(pixels)": np.ones(len(STEPS)),
      "step_generator": np.full(len(STEPS), 1.5e-5)},
     "critic too strong", {"lr": 20, "lr_critic": 1}),
    ({**BARE, "step_critic": np.full(len(STEPS), 1e-5)}, "variety", {"lr": 1, "lr_critic": 30}),
    ({**BARE, "step_critic": np.full(len(STEPS), 1e-5), "step_generator": np.where(STEPS < 900, 3e-3, 0)}, "variety",
     {"lr": 0.1, "lr_critic": 30}),
    ({"dead_generator": np.ones(len(STEPS)), "step_generator": np.where(STEPS < 900, 0.3, 0)}, "dead units",
     {"lr": 0.001, "lr_critic": 1}),
    ({"force": np.full(len(STEPS), 1e-6), "step_critic": np.where(STEPS < 900, 0.3, 0)}, "vanishing gradient",
     {"lr": 1, "lr_critic": 0.001}),
    ({**BARE, "step_generator": np.where(STEPS < 900, 0.3, 3e-4)}, "variety", {"lr": 0.001, "lr_critic": 1}),
    ({"step_generator": np.full(len(STEPS), 3e-8)}, "learning rate", {"lr": 1e4, "lr_critic": 1}),
    ({"step_critic": np.full(len(STEPS), 0.3), "FD_(pixels)": None}, "learning rate", {"lr": 1, "lr_critic": 1e-3}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_the_first_remedy_is_the_rate_that_would_fit(series, name, scale) -> None:
    assert found(**series)[name].remedies[0].scale == pytest.approx(scale)


@pytest.mark.parametrize(("first", "scale"), [
    ({"generator": 1.0, "critic": 0.05}, {"lr": 0.005, "lr_critic": 0.1}),  # usual are 0.005 of the weights
    ({"generator": 1.0}, {"lr": 0.005, "lr_critic": 0.005}),  # a critic that stood still has the same rate
    ({"generator": 1e-5, "critic": 1e-5}, None)])  # the rate was raised slowly: later steps tell
def test_the_first_step_tells_how_long_steps_were_before_units_died(first, scale) -> None:
    dead = {"dead_generator": np.ones(len(STEPS)), "step_generator": np.where(STEPS < 300, 1e-3, 0)}
    dead |= {} if "critic" in first else {"step_critic": None}
    log = [{"step": 1} | {f"vital/step {player}": length for player, length in first.items()}, *records(**dead)]
    remedy = next(one for one in course_findings(log) if one.name == "dead units").remedies[0]
    assert remedy.scale == (pytest.approx(scale) if scale else {"lr": 0.1})


@pytest.mark.parametrize(("recipe", "more", "smooth"), [
    ("gan", {}, True), ("gan", {"r1": 1.0}, False), ("wgan-gp", {}, False), ("gan", {"lecam": 0.1}, False),
    ("gan", {"div": 2.0}, False), ("gan", {"norm_critic": "batch"}, False)])
def test_a_critic_that_can_be_smoother_is_told_to(recipe, more, smooth, tmp_path) -> None:
    # Names of costs and vitals are those that a training writes.
    call = Call.make(recipe, {}, {"data": "ring8", "steps": 2, "log_every": 1, "vitals_every": 1, "measure": None,
                                  "width": 4, "batch": 8, **more})
    fit(call.build(), tmp_path / "run", text=call.text(), quiet=True, hooks=lambda run: [Vitals(run, 1)])
    kept = Run.open(tmp_path / "run").records()
    costs = {key: 0.1 for record in kept for key in record if key.startswith("critic/")}
    mixed = None if all("vital/told apart mixed" not in record for record in kept) else np.full(len(STEPS), 0.85)
    log = records(**BARE, step_critic=np.full(len(STEPS), 1e-6), told_apart_mixed=mixed)
    found = course_findings([record | costs for record in log])
    assert next(one for one in found if one.name == "variety").remedies[0].do == ("--r1 1" if smooth else "")


def test_where_steps_are_alike_no_rate_is_blamed() -> None:
    from ganworks.diagnose import prescribed

    weak = found(told_apart=np.full(len(STEPS), 0.1))["critic too weak"]
    told = [prescribed([weak], {"lr_critic": 1e-4, **more})[0].remedies[0].do
            for more in ({}, {"noise": 2.0}, {"noise": 0.1, "r1": 100.0}, {"r1": 1.0})]
    assert told == ["--lr-critic 0.0004", "--noise 0.1 --noise-fade 0.5", "--r1 1", "--lr-critic 0.0004"]


def seen(precision):
    from ganworks.diagnose import Exam

    return Exam(500, {"precision": (precision, 0.8)}, (), (), ())


@pytest.mark.parametrize(("apart", "precision", "severity"), [
    (np.full(len(STEPS), 0.5), 0.1, "warning"), (np.full(len(STEPS), 0.5), 0.7, "healthy"),
    (np.full(len(STEPS), 0.5), None, "healthy"), (np.where(STEPS < 1500, 0.95, 0.5), 0.1, "healthy")],
    ids=["sees nothing", "nothing to see", "nobody looked", "has seen much"])
def test_a_critic_that_never_told_rough_samples_from_data_is_weak(apart, precision, severity) -> None:
    found = course_findings(records(told_apart=apart), None if precision is None else seen(precision))
    assert next(one for one in found if one.name == "critic too weak").severity == severity


def test_without_variety_a_critic_that_is_unsure_is_weak() -> None:
    for apart, varied, severity in ((0.6, 0.1, "warning"), (0.6, 0.9, "healthy"), (0.9, 0.1, "healthy")):
        series = {"told_apart": np.full(len(STEPS), apart), "diversity": np.full(len(STEPS), varied)}
        assert found(**series)["critic too weak"].severity == severity


def test_what_began_is_what_has_not_ended() -> None:
    steps = np.array([1, 2, 3, 4])
    assert since((steps, np.array([0, 5, 0, 5])), lambda v: v > 1) == 4
    assert since((steps, np.array([5, 5, 5, 5])), lambda v: v > 1) == 1
    assert since((steps, np.array([5, 5, 5, 0])), lambda v: v > 1) is None


def test_a_remedy_is_written_out_with_the_options_of_the_recipe() -> None:
    from ganworks.diagnose import Finding, Remedy, prescribed

    sick = Finding("x", "warning", "", remedies=(Remedy("--r1 1", "", {"lr": 0.1, "lr_critic": 2, "width": 2}),))
    told = prescribed([sick], {"lr": 2e-4, "lr_critic": None, "width": 16})[0].remedies[0]
    assert told.do == "--r1 1 --lr 2e-05 --lr-critic 0.0004 --width 32"
    alike = Finding("x", "warning", "", remedies=(Remedy("", "", {"lr": 0.1, "lr_critic": 0.1}),))
    for own, do in ((None, "--lr 2e-05"), (1e-3, "--lr 2e-05 --lr-critic 0.0001")):
        assert prescribed([alike], {"lr": 2e-4, "lr_critic": own})[0].remedies[0].do == do
    assert prescribed([sick])[0].remedies[0].do.startswith("--r1 1 --lr X, 0.1 times what it was")
