"""A run that is stopped and gone on with ends bit for bit where an uninterrupted one does."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from torch import nn

from ganworks.data import Images
from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, GradientPenalty, Latent, Weighted
from ganworks.recipes import Call
from ganworks.train import EMA, Adam, Cadence, Hook, Recipe, Run, Schedule, Trainer, fit

STEPS = 7
HINGE, NS = objective_named("hinge"), objective_named("nonsaturating")


def same(a, b, where="state"):
    """Return where two trees of tensors and plain values first differ, to the bit; None where they do not."""
    if isinstance(a, torch.Tensor):
        equal = isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
        return None if equal else where
    if isinstance(a, dict):
        if list(a) != list(b):
            return f"{where}: {list(a)} {list(b)}"
        return next((found for key in a if (found := same(a[key], b[key], f"{where}/{key}"))), None)
    if isinstance(a, list | tuple):
        return next((found for i, pair in enumerate(zip(a, b, strict=True)) if (found := same(*pair, f"{where}/{i}"))),
                    None)
    return None if a == b else where


class StopAt(Hook):
    def __init__(self, *steps):
        self.steps = steps

    def stepped(self, trainer):
        if trainer.step in self.steps:
            trainer.stopping = True


class Plugged(nn.Module):
    """A critic of plain layers with dropout, whose masks come from torch's own generator."""

    def __init__(self, shape):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 8), nn.Dropout(0.5), nn.ReLU(),
                                    nn.Linear(8, 1))

    def forward(self, x):
        return self.layers(x)


def named(name, **given):
    options = {"steps": STEPS, "batch": 12, "width": 4, "latent": 5, "log_every": 1, "checkpoint_every": 3,
               "sample_every": 100, "measure": None, "seed": 5, **given}
    return lambda source: Call.make(name, {}, options).build(source)


def custom(source):
    torch.manual_seed(5)
    generator = nn.Sequential(nn.Linear(5, 16 * 16), nn.BatchNorm1d(256), nn.Dropout(0.2), nn.Unflatten(1, (1, 16, 16)),
                              nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1), nn.Tanh())
    penalty = Weighted("penalty", GradientPenalty(), 10, every=2)
    game = Duel(generator, Plugged(source.shape), HINGE, Latent(5), critic_terms=[penalty], critic_steps=2,
                fresh=True)
    facts = {"generator": Adam(1e-3, schedule=Schedule("cosine", 2)), "critic": Adam(1e-3, clip=0.1, decay=0.01)}
    return Recipe(game, source, facts, STEPS, batch=12, hooks=[EMA(0.5), EMA(0.9, "critic")], seed=5,
                  cadence=Cadence(1, 100, 3))


CASES = {
    "dcgan": named("dcgan"),
    "dcgan, accumulated": named("dcgan", accumulate=3),
    "dcgan, spectral, lazy R1": named("dcgan", norm_generator="spectral", norm_critic="spectral", r1=1.0, r1_every=3),
    "dcgan, bfloat16, SGD": named("dcgan", precision="bf16", optimiser="sgd", schedule="linear"),
    "gan": named("gan", optimiser="rmsprop", clip=0.1, warmup=3),
    "wgan": named("wgan"),
    "wgan-gp": named("wgan-gp", critic_steps=2),
    "dropout, penalty, two averages": custom,
}


def costs(run):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in run.records()]


@pytest.mark.parametrize(("case", "stop"), [*((case, 4) for case in CASES), ("dropout, penalty, two averages", 1),
                                            ("dropout, penalty, two averages", 6), ("dcgan", 3)])
def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(case, stop, images, machine, tmp_path):
    make = CASES[case]
    whole = fit(make(images), tmp_path / "whole", machine=machine, quiet=True)
    first = make(images)
    stopped = fit(dataclasses.replace(first, hooks=[*first.hooks, StopAt(stop)]), tmp_path / "cut", machine=machine,
                  quiet=True)
    assert stopped.step == stop
    del stopped
    torch.manual_seed(99)  # what torch's own generator stood at does not matter
    resumed = fit(make(images), tmp_path / "cut", machine=machine, resume=True, quiet=True)
    assert same(whole.state_dict(), resumed.state_dict()) is None
    assert whole.step == resumed.step == STEPS
    assert costs(Run(tmp_path / "whole")) == costs(Run(tmp_path / "cut"))
    assert len(costs(Run(tmp_path / "cut"))) == STEPS
    stored = [Run(tmp_path / name).load("last")[0] for name in ("whole", "cut")]
    assert same(*stored) is None
    assert torch.equal(whole.samples(4), resumed.samples(4))


def test_moments_take_the_layout_of_their_weights(images, machine, tmp_path):
    recipe = CASES["dcgan"](images)
    fit(dataclasses.replace(recipe, hooks=[*recipe.hooks, StopAt(2)]), tmp_path / "run", machine=machine, quiet=True)
    trainer = Trainer(CASES["dcgan"](images), machine)
    trainer.load_state_dict(Run(tmp_path / "run").load()[0])
    convolutions = [(p, state) for p, state in trainer.optimisers["generator"].state.items() if p.dim() == 4]
    assert convolutions
    for parameter, state in convolutions:
        for moment in ("exp_avg", "exp_avg_sq"):
            assert state[moment].stride() == parameter.stride()


def test_a_longer_recipe_goes_on_where_a_shorter_one_ended(images, machine, tmp_path):
    whole = fit(named("gan", steps=9)(images), tmp_path / "whole", machine=machine, quiet=True)
    fit(named("gan", steps=4)(images), tmp_path / "cut", machine=machine, quiet=True)
    longer = fit(named("gan", steps=9)(images), tmp_path / "cut", machine=machine, resume=True, quiet=True)
    assert same(whole.state_dict(), longer.state_dict()) is None
    assert costs(Run(tmp_path / "whole")) == costs(Run(tmp_path / "cut"))


def test_a_run_without_a_checkpoint_begins_anew(images, machine, tmp_path):
    make = named("gan", checkpoint_every=100, steps=5)
    whole = fit(make(images), tmp_path / "whole", machine=machine, quiet=True)
    text = "recipe: gan\n"
    run = Run.create(tmp_path / "cut", text, {"name": "speckles", "shape": [1, 16, 16], "classes": None})
    run.log({"step": 1, "critic/adversarial": 0.0})  # killed after this
    run.close()
    again = fit(make(images), tmp_path / "cut", machine=machine, resume=True, quiet=True)
    assert same(whole.state_dict(), again.state_dict()) is None
    assert costs(Run(tmp_path / "whole")) == costs(Run(tmp_path / "cut"))


def test_the_state_of_another_recipe_is_refused(images, machine, tmp_path):
    fit(named("gan")(images), tmp_path / "run", machine=machine, quiet=True)
    for other in (named("gan", width=5), named("gan", depth=2), named("gan", ema=None), named("dcgan")):
        recipe = other(images)
        if not any(hook.name for hook in recipe.hooks):
            continue
        with pytest.raises(UserError, match="not of this recipe"):
            fit(recipe, tmp_path / "run", machine=machine, resume=True, quiet=True)
    assert Run(tmp_path / "run").load()[0]["step"] == STEPS


def test_order_of_data_and_latents_follow_the_seed_alone(images, machine):
    def end(seed):
        torch.manual_seed(0)
        trainer = Trainer(named("gan", seed=seed)(images), machine)
        trainer.fit()
        return trainer.state_dict()

    assert same(end(1), end(1)) is None
    assert same(end(1), end(2)) is not None


def test_a_stopped_game_with_moves_of_their_own_rhythm_resumes_exactly(images, machine, tmp_path):
    """The generator moves each step and the critic every second one: nothing of the step before may leak in."""

    class Slow(Duel):
        @property
        def moves(self):
            critic, generator = super().moves
            return dataclasses.replace(critic, every=2), generator

    def make():
        torch.manual_seed(1)
        game = Slow(nn.Sequential(nn.Linear(3, 256), nn.Unflatten(1, (1, 16, 16))),
                    nn.Sequential(nn.Flatten(), nn.Linear(256, 1)), NS, Latent(3))
        return Recipe(game, images, {"generator": Adam(), "critic": Adam()}, 6, 12, cadence=Cadence(1, 100, 3))

    whole = fit(make(), tmp_path / "whole", machine=machine, quiet=True)
    first = make()
    fit(dataclasses.replace(first, hooks=[StopAt(3)]), tmp_path / "cut", machine=machine, quiet=True)
    resumed = fit(make(), tmp_path / "cut", machine=machine, resume=True, quiet=True)
    assert same(whole.state_dict(), resumed.state_dict()) is None


def test_records_hold_costs_outputs_rates_and_time(images, machine, tmp_path):
    fit(named("wgan-gp", critic_steps=2, lr=1e-3, lr_critic=2e-3, log_every=3)(images), tmp_path / "run",
        machine=machine, quiet=True)
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [3, 6]
    for record in records:
        assert {"critic/adversarial", "critic/gradient_penalty", "generator/adversarial", "score/on_real",
                "score/on_fake", "rate/generator", "rate/critic", "seconds"} < set(record)
        # The Wasserstein critic's cost is its mean output on fakes less that on reals.
        gap = record["score/on_fake"] - record["score/on_real"]
        assert record["critic/adversarial"] == pytest.approx(gap, rel=1e-4, abs=1e-6)
        assert (record["rate/generator"], record["rate/critic"]) == (1e-3, 2e-3)


def test_an_image_set_smaller_than_a_batch_is_refused():
    few = Images(torch.zeros(3, 1, 8, 8, dtype=torch.uint8).numpy())
    with pytest.raises(UserError, match="3 samples are fewer than a batch of 12"):
        named("gan")(few)
