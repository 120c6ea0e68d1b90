"""The budget of training time, on a clock of its own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganworks.design import objective_named
from ganworks.game import Duel, Latent
from ganworks.train import Adam, Cadence, Hook, Recipe, Run, fit
from ganworks.train.budget import Budget


class Clock:
    """Stands still, but for what hooks and batches add to it."""

    now = 100.0

    def __call__(self):
        return self.now


class Costs(Hook):
    """Takes so long in each move, and so long after each step."""

    def __init__(self, clock, move=0.0, step=0.0):
        self.clock, self.move, self.step = clock, move, step

    def moved(self, trainer, move, costs, rounds):
        self.clock.now += self.move

    def stepped(self, trainer):
        self.clock.now += self.step


@pytest.fixture
def clock(monkeypatch):
    import ganworks.train.budget

    found = Clock()
    monkeypatch.setattr(ganworks.train.budget.time, "perf_counter", found)
    return found


def recipe(points, *hooks, steps=100):
    torch.manual_seed(0)
    game = Duel(nn.Linear(3, 2), nn.Linear(2, 1), objective_named("nonsaturating"), Latent(3))
    return Recipe(game, points, {"generator": Adam(), "critic": Adam()}, steps, 8, hooks=hooks,
                  cadence=Cadence(1, 1000, 3))


def test_the_moves_count_and_the_hooks_before_it_and_no_hook_after_it(points, machine, clock):
    budget = Budget(10.0)
    # Two moves of 0.5 s, and 1 s of averaging or the like, are a step of 2 s; the 50 s of a picture are not counted.
    trainer = fit(recipe(points, Costs(clock, move=0.5, step=1.0), budget, Costs(clock, step=50.0)),
                  machine=machine, quiet=True)
    assert trainer.step == 5
    assert budget.seconds == pytest.approx(10.0)
    assert budget.spent
    assert trainer.stopping


def test_without_a_limit_it_counts_and_ends_nothing(points, machine, clock):
    budget = Budget()
    assert fit(recipe(points, Costs(clock, move=0.5), budget, steps=7), machine=machine, quiet=True).step == 7
    assert budget.seconds == pytest.approx(7.0)
    assert not budget.spent


def test_a_resumed_run_goes_on_counting_and_a_spent_one_takes_no_step(points, machine, clock, tmp_path):
    first = Budget(3.0)
    assert fit(recipe(points, Costs(clock, move=0.5), first), tmp_path / "run", machine=machine, quiet=True).step == 3
    clock.now += 1e6  # the time between two sessions is no training
    second = Budget(5.5)
    trainer = fit(recipe(points, Costs(clock, move=0.5), second), tmp_path / "run", machine=machine, resume=True,
                  quiet=True)
    assert trainer.step == 6
    assert second.seconds == pytest.approx(6.0)
    third = Budget(5.5)
    assert fit(recipe(points, Costs(clock, move=0.5), third), tmp_path / "run", machine=machine, resume=True,
               quiet=True).step == 6
    assert third.seconds == pytest.approx(6.0)
    assert [r["step"] for r in Run(tmp_path / "run").records()] == [1, 2, 3, 4, 5, 6]
