"""Recording vitals changes no training, and a resumed run records what an uninterrupted one would."""

from __future__ import annotations

import json

import pytest
import torch

from ganworks.data import Images
from ganworks.data.pairs import Crops, Pairs, Unpaired
from ganworks.diagnose import Vitals
from ganworks.errors import UserError
from ganworks.recipes import Call
from ganworks.report.history import VITALS
from ganworks.train import Machine, Run, Trainer, fit

SMALL = {"steps": 6, "batch": 8, "width": 4, "latent": 5, "log_every": 1, "checkpoint_every": 3, "sample_every": 100,
         "measure": None}


def images(channels=1):
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, channels, 16, 16), dtype=np.uint8), rng.integers(0, 3, 40)


def recipe_of(name, **given):
    pixels, labels = images()
    source = Images(pixels, labels, ("a", "b", "c"))
    if name.startswith("cyclegan"):
        source = Unpaired(Crops(images(3)[0], 12), Crops(images(3)[0][::-1], 12))
    if name.startswith("pix2pix"):
        source = Pairs(images(6)[0], 3, 16, kept=Pairs(images(6)[0][:5], 3, 16))
    options = {**SMALL, **given}
    if name.endswith("-small"):
        options = {**{k: v for k, v in options.items() if k != "latent"}, "width_critic": 4, "blocks": 1,
                   "patch_layers": 1}
    return Call.make(name, {}, options).build(source)


class Shelf:
    """A run that keeps its records in memory."""

    def __init__(self):
        self.records = []

    def log(self, record):
        self.records.append(json.loads(json.dumps(record)))


@pytest.mark.parametrize(("name", "given"), [
    ("dcgan", {}), ("sngan", {"network": "dcgan"}), ("wgan-gp", {"network": "dcgan", "critic_steps": 2}),
    ("cgan", {"network": "dcgan"}), ("acgan", {"network": "dcgan"}), ("pacgan", {"network": "dcgan", "pack": 2}),
    ("nsgan", {"network": "dcgan", "augment": "ada", "accumulate": 2}), ("pix2pix-small", {}), ("cyclegan-small", {}),
    ("ebgan", {"network": "dcgan"}), ("rpgan", {"network": "dcgan"}),
], ids=lambda value: value if isinstance(value, str) else "-")
def test_looking_changes_nothing(name, given) -> None:
    ends = []
    for every in (None, 1):
        recipe, shelf = recipe_of(name, **given), Shelf()
        trainer = Trainer(recipe, Machine("cpu"), [] if every is None else [Vitals(shelf, every, 12)])
        trainer.fit()
        ends.append(recipe.game.state_dict())
    assert len(shelf.records) == 6
    assert all(torch.equal(ends[0][key], value) for key, value in ends[1].items())
    vitals = {key for key in shelf.records[-1] if key.startswith("vital/")}
    assert {"vital/step generator", "vital/onward critic"} <= vitals
    of = " AtoB" if name == "cyclegan-small" else ""
    assert {f"vital/force{of}", f"vital/told apart{of}", f"vital/diversity{of}"} <= vitals
    assert ("vital/known by heart" in vitals) == (name == "pix2pix-small")
    assert all(isinstance(shelf.records[-1][key], float) for key in vitals)


def test_a_resumed_run_records_what_an_uninterrupted_one_does(tmp_path) -> None:
    logs = []
    for pauses in ((), (2, 3, 4)):
        path = tmp_path / f"run{len(logs)}"
        for number, stop in enumerate((*pauses, 6)):
            recipe = recipe_of("dcgan", checkpoint_every=1)

            class Until(Vitals):
                def stepped(self, trainer, last=stop):
                    super().stepped(trainer)
                    trainer.stopping = trainer.step == last

            fit(recipe, path, resume=number > 0, quiet=True, hooks=lambda run, made=Until: [made(run, 2, 12)])
        logs.append([r for r in Run.open(path).records() if any(key.startswith("vital/") for key in r)])
    assert [record["step"] for record in logs[0]] == [1, 2, 4, 6]
    assert logs[0] == logs[1]


def test_how_far_weights_move_is_measured() -> None:
    # plain gradient descent without averages: lr times the gradient is the step, and a constant one goes straight on
    recipe = recipe_of("wgan", network="mlp", optimiser="sgd", lr=1e-6, betas=(0.0, 0.9), ema=0.9, critic_steps=1)
    shelf, before = Shelf(), {}

    class Watch(Vitals):
        def stepped(self, trainer):
            before[trainer.step] = torch.cat([p.detach().flatten() for p in trainer.game.generator.parameters()])
            super().stepped(trainer)

    Trainer(recipe, Machine("cpu"), [Watch(shelf, 3, 12)]).fit()
    ratio = (before[6] - before[5]).norm() / before[6].norm()
    assert shelf.records[1]["vital/step generator"] == pytest.approx(ratio.item(), rel=0.2)
    assert shelf.records[1]["vital/lag generator"] > 0
    assert "vital/onward generator" not in shelf.records[1]  # it takes three looks to see two ways


def test_all_that_is_drawn_is_recorded() -> None:
    recipe, shelf = recipe_of("pix2pix-small"), Shelf()
    Trainer(recipe, Machine("cpu"), [Vitals(shelf, 2, 8)]).fit()
    drawn = {f"vital/{name}" for _, _, names in VITALS for name in names}
    assert drawn <= set(shelf.records[-1])


def test_what_is_no_number_is_left_out() -> None:
    recipe, shelf = recipe_of("dcgan"), Shelf()
    trainer = Trainer(recipe, Machine("cpu"), [Vitals(shelf, 1, 8)])
    trainer.hooks[-1].start(trainer)
    with torch.no_grad():
        next(recipe.game.critic.parameters()).fill_(float("nan"))
    trainer.step = 1
    trainer.hooks[-1].stepped(trainer)
    assert "vital/diversity" in shelf.records[0]
    assert "vital/told apart" not in shelf.records[0] or shelf.records[0]["vital/told apart"] == 0
    json.dumps(shelf.records[0], allow_nan=False)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UserError, match="every 0"):
        Vitals(Shelf(), 0)
