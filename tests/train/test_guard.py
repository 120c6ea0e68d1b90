"""A cost that is no longer a finite number stops the run, by name and step, and is never saved."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, Latent, Term, Weighted
from ganworks.train import EMA, Adam, Cadence, Hook, Recipe, Run, fit
from ganworks.train.watch import NonFinite

NS = objective_named("nonsaturating")


class BreaksAt(Term):
    """A cost of 0 that turns into ``value`` in a step, counted from 1."""

    def __init__(self, step, value):
        super().__init__()
        self.at, self.value, self.calls = step, value, 0

    def forward(self, turn):
        self.calls += 1
        return turn.on_fake.scores[0].sum() * 0 + (self.value if self.calls == self.at else 0.0)


def recipe(points, step, value=float("nan"), rates=None, **more):
    torch.manual_seed(0)
    game = Duel(nn.Linear(3, 2), nn.Linear(2, 1), NS, Latent(3),
                critic_terms=[Weighted("mine", BreaksAt(step, value))])
    rates = rates or {"generator": Adam(), "critic": Adam()}
    return Recipe(game, points, rates, **{"steps": 20, "batch": 8, "cadence": Cadence(10, 100, 4), **more})


@pytest.mark.parametrize(("step", "value", "said"), [(7, float("nan"), "nan"), (10, float("inf"), "inf")])
def test_the_cost_the_step_and_the_last_good_checkpoint_are_named(points, machine, tmp_path, step, value, said):
    with pytest.raises(NonFinite) as caught:
        fit(recipe(points, step, value, hooks=[EMA(0.9)]), tmp_path / "run", machine=machine, quiet=True)
    run = Run(tmp_path / "run")
    last = 4 * ((step - 1) // 4)
    assert f"cost 'critic/mine' became {said} in step {step}" in str(caught.value)
    assert f"step-{last:08d}.safetensors" in str(caught.value)
    assert [path.name for path in run.checkpoints()][-1] == f"step-{last:08d}.safetensors"
    assert all(torch.isfinite(t).all() for t in tensors(run.load()[0]))
    assert all(value == value for record in run.records() for value in record.values())
    assert isinstance(caught.value, UserError)


def tensors(tree):
    if isinstance(tree, torch.Tensor):
        yield tree
    elif isinstance(tree, dict | list):
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from tensors(inner)


def test_before_the_first_checkpoint_there_is_nothing_to_go_back_to(points, machine, tmp_path):
    with pytest.raises(NonFinite, match=r"in step 2\b[\s\S]*no checkpoint yet"):
        fit(recipe(points, 2), tmp_path / "run", machine=machine, quiet=True)
    assert Run(tmp_path / "run").checkpoints() == []


def test_an_interrupted_run_does_not_save_it_either(points, machine, tmp_path):
    class Stop(Hook):
        def stepped(self, trainer):
            trainer.stopping = trainer.step == 6

    with pytest.raises(NonFinite, match=r"in step 5\b"):
        fit(recipe(points, 5, hooks=[Stop()]), tmp_path / "run", machine=machine, quiet=True)
    assert [path.name for path in Run(tmp_path / "run").checkpoints()] == ["step-00000004.safetensors"]


@pytest.mark.parametrize("last", [13, 20])
def test_the_last_steps_are_looked_at_without_a_run_too(points, machine, last):
    with pytest.raises(NonFinite, match=rf"in step {last}\b"):
        fit(recipe(points, last, steps=last), machine=machine, quiet=True)


def test_weights_that_run_away_behind_finite_costs_are_not_saved(points, machine, tmp_path):
    """The critic's gradient overflows in the very step that is saved, so no cost has shown it yet."""

    class Explode(Hook):
        def moved(self, trainer, move, costs, rounds):
            if trainer.step == 3 and move.player == "generator":
                trainer.game.generator.weight.data[0, 0] = float("inf")

    with pytest.raises(NonFinite, match="weights of the generator"):
        fit(recipe(points, 99, hooks=[Explode()]), tmp_path / "run", machine=machine, quiet=True)
    assert Run(tmp_path / "run").checkpoints() == []




def test_finite_costs_stop_nothing(points, machine):
    assert fit(recipe(points, 999), machine=machine, quiet=True).step == 20
