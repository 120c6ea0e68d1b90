"""Optimisers and schedules against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, Latent
from ganworks.train import SGD, Adam, Hook, Optimiser, Recipe, RMSprop, Schedule, Trainer


@pytest.mark.parametrize(("schedule", "at"), [
    (Schedule(), {0: 1, 50: 1, 99: 1}),
    (Schedule(warmup=4), {0: 1 / 5, 1: 2 / 5, 3: 4 / 5, 4: 1, 99: 1}),
    (Schedule("linear"), {0: 1, 25: 0.75, 50: 0.5, 99: 0.01}),
    (Schedule("linear", hold=0.5), {0: 1, 49: 1, 50: 1, 75: 0.5, 99: 0.02}),
    (Schedule("linear", warmup=20, hold=0.25), {0: 1 / 21, 19: 20 / 21, 20: 1, 40: 1, 70: 0.5, 85: 0.25}),
    (Schedule("cosine"), {0: 1, 50: 0.5, 25: (1 + math.sqrt(0.5)) / 2, 75: (1 - math.sqrt(0.5)) / 2}),
    (Schedule("cosine", warmup=50), {49: 50 / 51, 50: 1, 75: 0.5}),
])
def test_schedules_have_their_closed_forms(schedule, at):
    for step, factor in at.items():
        assert schedule.factor(step, 100) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize("shape", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", [0, 3, 10, 40])
def test_a_schedule_rises_once_then_never_again_and_stays_within_0_and_1(shape, warmup):
    factors = [Schedule(shape, warmup, 0.3).factor(step, 30) for step in range(30)]
    top = min(warmup, 29)
    assert all(0 < f <= 1 for f in factors)
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_the_schedule_is_what_the_optimiser_steps_with(points, machine):
    rates = []

    class Rates(Hook):
        def moved(self, trainer, move, costs, rounds):
            rates.append((move.player, trainer.optimisers[move.player].param_groups[0]["lr"]))

    game = Duel(nn.Linear(3, 2), nn.Linear(2, 1), objective_named("nonsaturating"), Latent(3))
    facts = {"generator": SGD(0.1, schedule=Schedule("linear")), "critic": Adam(0.3, schedule=Schedule(warmup=1))}
    Trainer(Recipe(game, points, facts, steps=4, batch=8, hooks=[Rates()]), machine).fit()
    assert [rate for player, rate in rates if player == "generator"] == pytest.approx([0.1, 0.075, 0.05, 0.025])
    assert [rate for player, rate in rates if player == "critic"] == pytest.approx([0.15, 0.3, 0.3, 0.3])


def test_an_optimisers_first_step_is_its_closed_form():
    gradient = torch.tensor([0.5, -2.0, 1e-3])

    def moved(facts: Optimiser) -> torch.Tensor:
        weight = nn.Parameter(torch.ones(3))
        optimiser = facts.build([weight])
        weight.grad = gradient.clone()
        optimiser.step()
        return 1 - weight.detach()

    assert torch.allclose(moved(SGD(0.1)), 0.1 * gradient, atol=1e-6)
    assert torch.allclose(moved(SGD(0.1, decay=0.5)), 0.1 * (gradient + 0.5), atol=1e-6)
    # Adam's corrected moments are g and g^2 after one step, so it moves by the rate against the sign.
    assert torch.allclose(moved(Adam(0.1)), 0.1 * gradient.sign(), rtol=1e-4, atol=1e-6)
    # RMSprop's mean square is (1 - alpha) g^2 after one step.
    assert torch.allclose(moved(RMSprop(0.1, 0.75)), 0.2 * gradient.sign(), rtol=1e-4, atol=1e-6)


def test_names_and_ranges_are_checked():
    with pytest.raises(UserError, match="did you mean 'adam'"):
        Optimiser("adm")
    with pytest.raises(UserError, match="did you mean 'linear'"):
        Schedule("liner")
    for wrong in ({"warmup": -1}, {"hold": 1.0}, {"hold": -0.1}):
        with pytest.raises(UserError, match="schedule"):
            Schedule(**wrong)
