"""What foreseen steps keep is told before the first step, and looking changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from ganworks.data import from_torch
from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import R1, Duel, InstanceNoise, Latent, Unrolled, Weighted, unrolled
from ganworks.nets import DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator
from ganworks.train import Adam, Recipe, Trainer, fit

SHAPE = (1, 32, 32)


def recipe(steps, networks="mlp", optimiser="adam", norm="none", terms=(), batch=64, **more):
    torch.manual_seed(0)
    if networks == "mlp":
        players = MLPGenerator(SHAPE, 16, [256] * 3), MLPCritic(SHAPE, [256] * 3, norm)
    else:
        players = DCGANGenerator(SHAPE, 16, 16), DCGANCritic(SHAPE, 16, norm)
    game = Duel(*players, objective_named("nonsaturating"), Latent(16), critic_terms=terms,
                foresight=Unrolled(steps, 1e-3, optimiser), **more)
    data = torch.randint(0, 256, (128, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return Recipe(game, from_torch(data), {"generator": Adam(), "critic": Adam()}, steps=3, batch=batch)


def most_allocated(trainer):
    """Return the most that a step has in use beyond what it begins with, by the record of torch's allocator."""
    trainer.advance()  # the optimisers' moments are there from now on
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        trainer.advance()
    now = most = 0
    events = [event for event in record.profiler.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def told(trainer, monkeypatch):
    """Return what a rehearsal takes a step to keep."""
    found, keeps = [], trainer.game.foresight.keeps
    monkeypatch.setattr(trainer.game.foresight, "keeps", lambda turn, cost: found.append(keeps(turn, cost)) or found[0])
    trainer.rehearse()
    return found[0]


CASES = {"mlp": {}, "mlp, sgd": {"optimiser": "sgd"}, "mlp, batch norm": {"norm": "batch"},
         "dcgan": {"networks": "dcgan"},
         "dcgan, sgd": {"networks": "dcgan", "optimiser": "sgd"},
         "dcgan, r1": {"networks": "dcgan", "terms": [Weighted("r1", R1(), 1.0)], "norm": "spectral"}}


QUICK = ("mlp", "dcgan", "mlp, batch norm")


@pytest.mark.parametrize("case", [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow)
                                  for case in CASES])
def test_four_steps_take_what_was_told(case, machine, monkeypatch):
    one = told(Trainer(recipe(4, **CASES[case]), machine), monkeypatch)
    none, four = (most_allocated(Trainer(recipe(steps, **CASES[case]), machine)) for steps in (0, 4))
    assert 4 * one == pytest.approx(four - none, rel=0.15)


def test_the_costliest_kind_of_step_is_looked_at(machine, monkeypatch):
    """A penalty in some steps only, and pre-training, in which the generator does not move."""
    def found(**more):
        return told(Trainer(recipe(3, "dcgan", **more), machine), monkeypatch)

    plain, always = found(), found(terms=[Weighted("r1", R1(), 1.0)])
    assert always > 1.2 * plain
    assert found(terms=[Weighted("r1", R1(), 1.0, every=5)], pretrain=7) == always


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_a_rehearsal_changes_nothing(norm, machine, monkeypatch):
    ends = []
    for rehearsed in (False, True):
        terms = [] if norm == "batch" else [Weighted("r1", R1(), 1.0)]
        trainer = Trainer(recipe(2, "dcgan", norm=norm, batch=16, terms=terms, lens=InstanceNoise(0.1)), machine)
        trainer.game.critic.register_forward_pre_hook(lambda _, given: (nn.functional.dropout(given[0]), *given[1:]))
        before, dice = {k: v.clone() for k, v in trainer.game.state_dict().items()}, torch.get_rng_state()
        if rehearsed:
            trainer.rehearse()
            assert all(torch.equal(v, before[k]) for k, v in trainer.game.state_dict().items())
            assert torch.equal(torch.get_rng_state(), dice)
            assert all(p.grad is None for p in trainer.game.parameters())
            assert trainer.drawn == 0
        else:
            monkeypatch.setattr(trainer, "rehearse", lambda: None)
        trainer.fit()
        ends.append(trainer.game.state_dict())
    assert all(torch.equal(v, ends[1][k]) for k, v in ends[0].items())


def test_too_many_steps_are_refused_before_the_first_one(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(unrolled, "free_bytes", lambda device: 30_000_000)
    with pytest.raises(UserError, match=r"5000 unrolled steps are too many[\s\S]*at most (\d+) steps") as refused:
        fit(recipe(5000, "dcgan"), tmp_path / "run", machine=machine, quiet=True)
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(Trainer, "advance", lambda trainer: pytest.fail("a step was taken"))
    with pytest.raises(UserError, match="5000 unrolled steps"):
        Trainer(recipe(5000, "dcgan"), machine).fit()
    kept = told(Trainer(recipe(2, "dcgan"), machine), monkeypatch)
    fitting = int(str(refused.value).split("at most ")[1].split()[0])
    assert fitting > 1
    assert 1.25 * fitting * kept <= 30_000_000  # room for what graphs do not keep: 5,000 that just fitted filled 23 GiB
    Trainer(recipe(fitting, "dcgan"), machine).rehearse()
    with pytest.raises(UserError, match=f"at most {fitting} steps"):
        Trainer(recipe(fitting + 1, "dcgan"), machine).rehearse()
    monkeypatch.setattr(unrolled, "free_bytes", lambda device: None)  # where the system does not say
    Trainer(recipe(5000, "dcgan"), machine).rehearse()
