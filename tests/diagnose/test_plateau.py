"""When a measure has stopped falling: on series of which it is known, and in trainings whose measures are made up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ganworks.data import Points
from ganworks.design import objective_named
from ganworks.diagnose.plateau import LEAST, Plateau, chance_of_fall, ended, trend
from ganworks.errors import UserError
from ganworks.game import Duel, Latent
from ganworks.train import Adam, Cadence, Machine, Measure, Recipe, Run, fit

N, RUNS = 48, 25
X = np.arange(1, N + 1)


def noise(seed, memory=0.0):
    """Return unit noise that remembers a share of what it was before."""
    fresh = np.random.default_rng(seed).normal(size=N)
    for i in range(1, N):
        fresh[i] = memory * fresh[i - 1] + np.sqrt(1 - memory**2) * fresh[i]
    return fresh


def stops(make):
    """Return after how many measures each of 25 series is stopped, N + 1 where it is not."""
    found = []
    for seed in range(RUNS):
        values = make(seed)
        found.append(ended((X, values)) or N + 1)
    return np.array(found)


@pytest.mark.parametrize(("make", "at_most"), [
    (lambda seed: noise(seed) - 0.3 * X, 1), (lambda seed: noise(seed) - 0.2 * X, 3),
    (lambda seed: noise(seed, 0.5) - 0.5 * X, 1), (lambda seed: X**-0.5 * np.exp(0.1 * noise(seed)), 1),
    (lambda seed: 30 * np.exp(-X / 30.0) + 0.1 * noise(seed), 1), (lambda seed: -1e-9 * X, 0),
], ids=["line", "flatter line", "memory", "power law", "exponential", "no noise"])
def test_what_still_falls_is_seldom_stopped(make, at_most) -> None:
    assert (stops(make) <= N).sum() <= at_most


@pytest.mark.parametrize(("make", "half", "most"), [
    (noise, 20, 40), (lambda seed: noise(seed, 0.5), 20, 40), (lambda seed: noise(seed) + 0.1 * X, 17, 22),
    (lambda seed: np.ones(N), LEAST, LEAST),
    (lambda seed: np.maximum(30.0 - 3 * X, 0) + noise(seed), 36, N + 1),  # flat from the 10th on
], ids=["flat", "memory", "rising", "constant", "a fall before"])
def test_what_is_flat_is_stopped_before_long(make, half, most) -> None:
    found = stops(make)
    assert found.min() >= LEAST
    assert np.median(found) <= half
    assert np.quantile(found, 0.9) <= most


def test_a_late_record_is_no_plateau_and_a_clear_fall_falls() -> None:
    values = noise(0)[:20]
    values[-1] = values.min() - 3
    assert trend((X[:20], values)).state != "stopped"
    assert trend((X[:20], values)).best == 20
    assert trend((X[:20], -X[:20] * 1.0)).state == "falls"
    assert trend((X[: LEAST - 1], values[: LEAST - 1])) is None


def test_the_chance_of_a_fall_is_that_of_orders() -> None:
    assert chance_of_fall(np.array([3.0, 2.0, 1.0])) == pytest.approx(1 / 6)  # one order of six
    assert chance_of_fall(np.array([1.0, 2.0, 3.0])) == pytest.approx(1)
    assert chance_of_fall(np.ones(5)) == 1


def recipe(values, steps=200):
    """Return a training whose checkpoints, one every 2 steps, measure as ``values`` say."""
    torch.manual_seed(0)
    points = Points(np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32), name="blob")
    game = Duel(nn.Linear(3, 2), nn.Linear(2, 1), objective_named("nonsaturating"), Latent(3))
    told = iter(values)
    return Recipe(game, points, {"generator": Adam(), "critic": Adam()}, steps, 8, cadence=Cadence(100, 1000, 2),
                  measure=Measure("made up", 4, lambda samples: float(next(told))))


def trained(path, values, resume=False, **options):
    hooks = []
    trainer = fit(recipe(values, **options), path, resume=resume, machine=Machine("cpu"), quiet=True,
                  after=lambda run: hooks.append(Plateau(run)) or hooks)
    return trainer.step, hooks[0].reason


def test_a_training_ends_with_the_checkpoint_after_which_nothing_fell(tmp_path) -> None:
    values = np.r_[9, 1, np.full(98, 5.0)]
    step, reason = trained(tmp_path / "run", values)
    assert step == 2 * LEAST
    assert "made up has not fallen since step 18" in reason
    assert "that of step 4 (1)" in reason
    run = Run(tmp_path / "run")
    assert [path.stem for path in run.checkpoints()] == ["step-00000004", "step-00000030", "step-00000032"]
    # Resumed, it stops at once, and measures nothing anew.
    assert trained(tmp_path / "run", [], resume=True) == (step, reason)


@pytest.mark.slow
def test_one_that_was_killed_stops_where_it_would_have(tmp_path) -> None:
    values = np.r_[9, 1, np.full(98, 5.0)]
    assert trained(tmp_path / "run", values, steps=20) == (20, "")
    assert trained(tmp_path / "run", values[10:], resume=True)[0] == 2 * LEAST


def test_one_that_gets_better_goes_to_its_last_step(tmp_path) -> None:
    assert trained(tmp_path / "run", -np.arange(50.0), steps=80) == (80, "")


@pytest.mark.parametrize(("arguments", "words"), [
    ((1000, 100, True), "10 measured checkpoints"), ((1000, 100, True), "--checkpoint-every 62 or less"),
    ((1000, 100, True), "--steps 1600 or more"), ((10, 1, True), "--steps 16 or more"),
    ((1000, 10, False), "--measure 1000"),
], ids=str)
def test_too_few_measures_are_refused(arguments, words) -> None:
    with pytest.raises(UserError, match=words):
        Plateau.check(*arguments)
    Plateau.check(1000, 62, measured=True)
