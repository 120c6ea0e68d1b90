"""What the README shows: plain torch networks, an objective of one's own, and data as torch has it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import ganworks.recipes
from ganworks.data import Points, Source, from_torch
from ganworks.errors import UserError
from ganworks.game import Duel, Latent
from ganworks.objective import Objective
from ganworks.train import Adam, Machine, Recipe, Run, Trainer, fit
from ganworks.train.plan import plan

HALF = Objective("half", phi=lambda v: (1 - v).square() / 2, psi=lambda v: v.square() / 2,
                 beta=lambda v: (1 - v).square() / 2)
RATES = {"generator": Adam(5e-3), "critic": Adam(5e-3)}


def duel():
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    critic = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    return Duel(generator, critic, HALF, Latent(4))


def data():
    return torch.randn(500, 2, generator=torch.Generator().manual_seed(3)) * 0.1 + torch.tensor([2.0, -1.0])


def test_plain_networks_learn_plain_data(tmp_path):
    trainer = fit(Recipe(duel(), data(), RATES, steps=300), tmp_path / "run", quiet=True)
    samples = trainer.samples(500)
    assert samples.shape == (500, 2)
    assert (samples.mean(0) - torch.tensor([2.0, -1.0])).norm() < 0.7  # it began at about 0, 2.2 away
    assert {path.name for path in (tmp_path / "run").iterdir() if path.name[0] != "."} == {
        "recipe.yaml", "versions.json", "source.json", "log.jsonl", "checkpoints", "samples"}


@pytest.mark.parametrize("given", [
    data(), (data(), torch.arange(500) % 2), TensorDataset(data()), from_torch(data())], ids=lambda g: type(g).__name__)
def test_whatever_holds_the_same_samples_trains_the_same(given, machine):
    recipe = Recipe(duel(), given, RATES, steps=2, batch=8)
    assert isinstance(recipe.source, Source)
    assert recipe.source.shape == (2,)
    trainer = Trainer(recipe, machine)
    trainer.fit()
    expected = Trainer(Recipe(duel(), Points(data().numpy()), RATES, steps=2, batch=8), machine)
    expected.fit()
    for a, b in zip(trainer.game.parameters(), expected.game.parameters(), strict=True):
        assert torch.equal(a, b)


def test_what_is_no_data_is_refused():
    for wrong in ([1, 2, 3], "digits", torch.full((9, 2), torch.nan)):
        with pytest.raises(UserError, match="your data"):
            Recipe(duel(), wrong, RATES, steps=1, batch=2)


def test_a_run_built_in_python_says_that_its_script_rebuilds_it(tmp_path):
    fit(Recipe(duel(), data(), RATES, steps=2), tmp_path / "run", quiet=True)
    with pytest.raises(UserError, match=r"built in Python[\s\S]*resume=True"):
        ganworks.recipes.Call.load(Run(tmp_path / "run").recipe)
    assert fit(Recipe(duel(), data(), RATES, steps=3), tmp_path / "run", resume=True, quiet=True).step == 3


def test_hooks_of_ones_own_see_each_move(machine):
    from ganworks.train import Hook

    class Count(Hook):
        name = "count"

        def __init__(self):
            self.events = []

        def start(self, trainer):
            self.events.append("start")

        def moved(self, trainer, move, costs, rounds):
            assert not any(cost.requires_grad for cost in costs.values())
            self.events.append(move.player)

        def stepped(self, trainer):
            self.events.append(trainer.step)

        def finish(self, trainer):
            self.events.append("finish")

        def close(self, trainer):
            self.events.append("close")

        def state_dict(self):
            return {"seen": len(self.events)}

    count = Count()
    trainer = Trainer(Recipe(duel(), data(), RATES, steps=2, hooks=[count]), machine)
    trainer.fit()
    assert count.events == ["start", "critic", "generator", 1, "critic", "generator", 2, "finish", "close"]
    assert trainer.state_dict()["hooks"] == {"count": {"seen": 9}}


def test_a_plan_counts_by_hand_and_leaves_nothing_behind(machine):
    from ganworks.train import EMA

    recipe = Recipe(duel(), data(), RATES, steps=5000, hooks=[EMA()])
    before = {name: tensor.clone() for name, tensor in recipe.game.state_dict().items()}
    seen = plan(recipe, machine)
    assert seen.players == {"generator": 4 * 16 + 16 + 16 * 2 + 2, "critic": 2 * 16 + 16 + 16 + 1}
    numbers, weights = 114 + 65, 4 * 2
    # Weights, gradients and Adam's two moments; a step count for each tensor; the generator's average.
    assert seen.state_bytes == 4 * (4 * numbers + weights + 114)
    assert seen.activation_bytes > 64 * 16 * 4
    assert seen.seconds_a_step > 0
    text = seen.text("runs/x")
    assert "114 parameters" in text
    assert "5,000 of batch 64" in text
    for name, tensor in recipe.game.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize("first", ["cpu", "cuda"])
def test_a_machine_is_where_it_was_asked_to_be_whatever_the_first_one_was(first, monkeypatch):
    state = Machine("cpu")._state
    monkeypatch.setitem(state.__dict__, "device", torch.device(first))  # what the first one leaves to all later ones
    assert Machine("cpu").device == torch.device("cpu")
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for asked in ("auto", "cuda"):
        assert Machine(asked).device == torch.device("cuda")
