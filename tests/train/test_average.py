"""The moving average against its recursion by hand, and weight clipping against its bound."""

from __future__ import annotations

import copy

import pytest
import torch

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, Latent
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.train import EMA, SGD, Adam, ClipWeights, Hook, Recipe, Trainer

RATES = {"generator": SGD(0.2), "critic": SGD(0.2)}
NS = objective_named("nonsaturating")


class Path(Hook):
    """Keeps a player's state after each of its moves."""

    def __init__(self, player="generator"):
        self.player, self.states = player, []

    def moved(self, trainer, move, costs, rounds):
        if move.player == self.player:
            self.states.append(copy.deepcopy(trainer.game.players[self.player].state_dict()))


def game(norm="batch", **more):
    torch.manual_seed(0)
    return Duel(MLPGenerator((2,), 3, (6,), norm), MLPCritic((2,), (6,)), NS, Latent(3), **more)


@pytest.mark.parametrize("decay", [0.9, 0.3])
def test_the_average_is_the_recursion_with_its_warm_up(decay, points, machine):
    duel, path = game(critic_steps=2), Path()
    first = copy.deepcopy(duel.generator.state_dict())
    trainer = Trainer(Recipe(duel, points, RATES, steps=30, batch=8, hooks=[EMA(decay), path]), machine)
    trainer.fit()
    assert len(path.states) == 30
    average = {name: tensor.double() for name, tensor in first.items()}
    for t, state in enumerate(path.states):
        d = min(decay, (1 + t) / (10 + t))
        average = {name: d * average[name] + (1 - d) * state[name].double() for name in average}
    kept = trainer.averaged["generator"].state_dict()
    assert any("running_mean" in name for name in kept)
    for name, tensor in kept.items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor.double(), average[name], rtol=1e-5, atol=1e-6), name
            assert not torch.equal(tensor, path.states[-1][name])


def test_the_average_can_be_the_critics(points, machine):
    duel, path = game(critic_steps=3), Path("critic")
    trainer = Trainer(Recipe(duel, points, RATES, steps=2, batch=8, hooks=[EMA(0.5, "critic"), path]), machine)
    average = copy.deepcopy(duel.critic.state_dict())
    trainer.fit()
    for number, state in enumerate(path.states):
        d = min(0.5, (1 + number // 3) / (10 + number // 3))
        average = {name: d * average[name] + (1 - d) * state[name] for name in average}
    for name, tensor in trainer.averaged["critic"].state_dict().items():
        assert torch.allclose(tensor, average[name], atol=1e-6)


def test_samples_come_from_the_average_and_change_nothing(points, machine):
    trainer = Trainer(Recipe(game(), points, RATES, steps=20, batch=8, hooks=[EMA(0.99)]), machine)
    trainer.fit()
    before = copy.deepcopy(trainer.state_dict())
    averaged, live = trainer.samples(10), trainer.samples(10, averaged=False)
    assert not torch.allclose(averaged, live)
    assert torch.equal(averaged, trainer.samples(10))
    assert torch.equal(averaged, trainer.samples(300)[:10])
    assert not torch.equal(averaged, trainer.samples(10, seed=1))
    after = trainer.state_dict()
    for part in ("game", "hooks"):
        for name, value in before[part].items():
            assert torch.equal(value, after[part][name]) if part == "game" else all(
                torch.equal(value[key], after[part][name][key]) for key in value)
    assert trainer.game.generator.training


def test_batch_norm_of_an_average_is_measured_on_its_own_maps(points, machine):
    """The statistics in use are those of the averaged weights, not an average of what the live ones saw."""
    trainer = Trainer(Recipe(game(), points, RATES, steps=15, batch=8, hooks=[EMA(0.9)]), machine)
    trainer.fit()
    ready = trainer.players()["generator"]
    linear, norm = ready.layers[0], ready.layers[1]
    weight = linear.weight.detach().double()  # W z with z ~ N(0, I): mean 0, variance the rows' squared norms
    assert not ready.training
    assert torch.allclose(norm.running_var.double(), weight.square().sum(1), rtol=0.25)
    assert (norm.running_mean.double().abs() < 0.2 * weight.norm(dim=1)).all()


def test_a_session_that_goes_on_keeps_the_average(points, machine):
    ends = []
    for stops in ((), (4, 9)):
        stop = Stop(stops)
        trainer = Trainer(Recipe(game(), points, RATES, steps=12, batch=8, hooks=[EMA(0.9), stop]), machine)
        for _ in range(len(stops) + 1):
            trainer.fit()
        ends.append(trainer.averaged["generator"].state_dict())
    for name, tensor in ends[0].items():
        assert torch.equal(tensor, ends[1][name]), name


class Stop(Hook):
    def __init__(self, steps):
        self.steps = steps

    def stepped(self, trainer):
        if trainer.step in self.steps:
            trainer.stopping = True


def test_clipped_weights_stay_within_the_bound_and_reach_it(points, machine):
    worst = []

    class Worst(Hook):
        def moved(self, trainer, move, costs, rounds):
            if move.player == "critic":
                worst.append(max(p.abs().max().item() for p in trainer.game.critic.parameters()))

    torch.manual_seed(0)
    duel = Duel(MLPGenerator((2,), 3, (6,)), MLPCritic((2,), (6,)), objective_named("wgan"), Latent(3), critic_steps=2)
    free = max(p.abs().max().item() for p in duel.generator.parameters())
    recipe = Recipe(duel, points, {"generator": Adam(1e-3), "critic": Adam(0.05)}, steps=5, batch=8,
                    hooks=[ClipWeights(0.04), Worst()])
    Trainer(recipe, machine).fit()
    assert worst == pytest.approx([0.04] * 10)
    assert max(p.abs().max().item() for p in duel.generator.parameters()) > free / 2


def test_what_is_refused():
    with pytest.raises(UserError, match="EMA decay 1"):
        EMA(1.0)
    with pytest.raises(UserError, match="weight clipping at 0"):
        ClipWeights(0)
