"""`ganworks train --autopilot`: what is ill is mended, what is well is left alone, and a killed run ends the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ganworks.commands.autopilot import read
from ganworks.diagnose import Finding, Remedy
from ganworks.recipes import Call
from ganworks.recipes.treating import decide, grafted, settle, treatment, treatments
from ganworks.train import Machine, Run, Trainer
from ganworks.train.state import read_facts, read_state

from ..conftest import same
from .conftest import state

pytestmark = pytest.mark.usefixtures("apart")
SMALL = ["--data", "ring8", "--width", "4", "--latent", "3", "--batch", "8", "--steps", "40", "--log-every", "1",
         "--vitals-every", "2", "--checkpoint-every", "4", "--sample-every", "1000", "--measure", "none", "--quiet",
         "--device", "cpu"]
ILL = ["gan", *SMALL, "--lr", "0.01", "--autopilot"]


def planted(monkeypatch, *remedies, since=15, limit=0.005):
    """From step 20 on, every rate above a limit is a serious illness that began at ``since``."""
    def findings(records):
        rates = [record["rate/generator"] for record in records if "rate/generator" in record]
        ill = records[-1]["step"] >= 20 and rates[-1] > limit
        return [Finding("planted", "serious", "a planted illness", since=since, remedies=remedies)] if ill else []

    monkeypatch.setattr("ganworks.diagnose.watcher.course_findings", findings)


LOWER = Remedy("", "shorter steps", {"lr": 0.1})


def files(run):
    """Return all that a run keeps, but what tells the time."""
    log = [{key: value for key, value in record.items() if key != "seconds"} for record in Run(run).records()]
    texts = {path.name: path.read_text() for path in Run(run).path.iterdir() if path.suffix in (".yaml", ".json")}
    return [log, texts, {path.name: [read_facts(path), read_state(path)] for path in Run(run).checkpoints()}]


def test_a_healthy_training_is_bit_for_bit_the_one_without(train) -> None:
    words = ["gan", *SMALL, "--objective", "nonsaturating", "--lr", "0.0005"]
    assert train(*words, "--run", "plain")[0] == 0
    assert train(*words, "--run", "piloted", "--autopilot")[0] == 0
    assert treatments(Run("piloted")) == []
    assert state("plain")["hooks"]["watcher"]["looked"] > 30  # it was looked at
    assert same(state("plain"), state("piloted"))
    assert len(Run("plain").checkpoints()) == 2
    assert len(Run("piloted").checkpoints()) == 8


@pytest.mark.slow
def test_a_training_that_runs_away_is_mended(train) -> None:
    """The truth is the data's own: eight points on the circle of radius 1 around 0, up to 0.02."""
    words = ["gan", "--data", "ring8", "--width", "8", "--latent", "4", "--batch", "16", "--steps", "150", "--lr",
             "0.1", "--log-every", "2", "--vitals-every", "4", "--checkpoint-every", "20", "--sample-every", "1000",
             "--measure", "none", "--device", "cpu"]
    assert train(*words, "--run", "ill")[0] == 0
    status, said = train(*words, "--run", "mended", "--autopilot")
    assert status == 0
    far = {name: np.abs(np.linalg.norm(samples(name), axis=1) - 1).mean() for name in ("ill", "mended")}
    assert far["ill"] > 5
    assert far["mended"] < 1
    first = treatments(Run("mended"))[0]
    assert f"autopilot, step {first.at}" in said
    assert first.title in said
    assert f"on with {first.do}" in said


def samples(run):
    from ganworks.recipes import rebuild

    return rebuild(Run(run), device="cpu").samples(500).numpy()


def test_it_goes_on_from_the_last_healthy_checkpoint_under_the_changed_recipe(train, monkeypatch) -> None:
    planted(monkeypatch, LOWER)
    status, said = train(*ILL, "--run", "run")
    assert status == 0, said
    (one,) = treatments(Run("run"))
    # Every second step is looked at from the tenth on, each look a tenth later: 20 is the first ill one, 22 the second.
    assert (one.at, one.finding, one.do, one.back_to, one.done) == (22, "planted", "--lr 0.001", 12, True)
    assert "step 22: a planted illness; going back to step 12 and on with --lr 0.001 (shorter steps)" in said
    assert "resuming run at step 12 of 40" in said
    assert Call.load(Run("run").recipe).values["lr"] == 0.001
    rates = {record["step"]: record["rate/generator"] for record in Run("run").records() if "rate/generator" in record}
    assert list(rates) == list(range(1, 41))
    assert [rates[step] for step in (1, 12, 13, 40)] == [0.01, 0.01, 0.001, 0.001]
    # The same by hand: twelve steps of the one recipe, and the rest of the other.
    assert train(*ILL[:-1], "--run", "hand", "--steps", 12)[0] == 0
    recipe = Run("hand").path / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace(" lr: 0.01\n", " lr: 0.001\n"))
    assert train("--resume", "hand", "--steps", 40, "--quiet", "--device", "cpu")[0] == 0
    assert same(state("hand")["game"], state("run")["game"])
    assert same(state("hand")["optimisers"], state("run")["optimisers"])


@pytest.mark.slow
def test_without_a_checkpoint_from_before_it_starts_again(train, monkeypatch) -> None:
    planted(monkeypatch, LOWER, since=3)
    assert train(*ILL, "--run", "run")[0] == 0
    assert treatments(Run("run"))[0].back_to == 0
    assert train("gan", *SMALL, "--lr", "0.001", "--run", "other")[0] == 0
    assert same(state("run"), state("other"))


@pytest.mark.parametrize("stops", [pytest.param((14,), marks=pytest.mark.slow), (21, 30),
                                   pytest.param((39,), marks=pytest.mark.slow)], ids=str)
def test_a_piloted_run_that_is_stopped_and_resumed_ends_the_same(train, monkeypatch, stops) -> None:
    from ganworks.diagnose import Watcher

    planted(monkeypatch, LOWER)
    assert train(*ILL, "--run", "whole")[0] == 0
    stepped, left = Watcher.stepped, list(stops)

    def killed(self, trainer):
        if left and trainer.step == left[0]:
            left.pop(0)
            raise KeyboardInterrupt
        stepped(self, trainer)

    monkeypatch.setattr(Watcher, "stepped", killed)
    assert train(*ILL, "--run", "run")[0] == 130
    for _ in stops[1:]:
        assert train("--resume", "run", "--quiet", "--device", "cpu")[0] == 130
    assert train("--resume", "run", "--quiet", "--device", "cpu")[0] == 0
    assert same(files("run"), files("whole"))


@pytest.mark.parametrize("last", [pytest.param(at, marks=[pytest.mark.slow] if at != 3 else []) for at in range(1, 6)])
def test_a_process_that_is_killed_in_the_middle_of_a_treatment_takes_it_up_again(train, monkeypatch, last) -> None:
    import ganworks.recipes.treating as module

    planted(monkeypatch, LOWER, Remedy("--optimiser sgd", ""))
    assert train(*ILL, "--run", "whole")[0] == 0
    left = [last]

    def dying(function):
        def call(*words):
            left[0] -= 1
            if left[0] == -1:
                raise KeyboardInterrupt
            return function(*words)

        return call

    with monkeypatch.context() as patch:
        for name in ("write_state", "certify", "write_text"):
            patch.setattr(module, name, dying(getattr(module, name)))
        status = train(*ILL, "--run", "run")[0]
    assert status == 130
    status, said = train("--resume", "run", "--quiet", "--device", "cpu", "--autopilot")
    assert status == 0, said
    assert same(files("run"), files("whole"))


@pytest.mark.slow
def test_three_treatments_are_enough(train, monkeypatch, capsys) -> None:
    planted(monkeypatch, LOWER, Remedy("--r1 1", "smooth"), Remedy("--clip 1", "no leaps"), Remedy("--decay 0.1", "no"),
            limit=1e-9)
    status, _ = train(*ILL, "--run", "run")
    known = treatments(Run("run"))
    assert status == 0
    assert [one.do for one in known] == ["--lr 0.001", "--r1 1", "--clip 1"]
    assert [one.back_to for one in known] == [12, 8, 4]  # the same again: what it went on from was ill already
    assert Run("run").load()[0]["step"] == 40
    (event,) = [record for record in Run("run").records() if "event" in record]
    assert event["do"] == "--lr 0.0001"


NAN = """
from torch import nn
from ganworks.data import Source
from ganworks.game import Duel, Latent
from ganworks.objective import Objective
from ganworks.recipes import Training
from ganworks.train import Recipe

def mine(source: Source, training: Training = Training(), wrong: float = 0.0) -> Recipe:
    calls = [0]

    def phi(v):
        calls[0] += 1  # once a step, and once for the look after the first one
        return v * (float("nan") if calls[0] == 21 and training.lr > wrong else 1.0)

    objective = Objective("mine", phi=phi, psi=lambda v: v, beta=lambda v: -v)
    return training.recipe(Duel(nn.Linear(3, 2), nn.Linear(2, 1), objective, Latent(3)), source)
"""


@pytest.mark.parametrize(("wrong", "status", "treated"), [
    ("0.005", 0, ["--lr 0.001"]), ("0", 2, ["--lr 0.001", "--clip 1"])])
def test_a_cost_that_is_no_number_is_treated_too(train, tmp_path, wrong, status, treated) -> None:
    """The remedies of a divergence that this recipe knows are shorter steps and clipping; it has no --r1."""
    (tmp_path / "my.py").write_text(NAN)
    options = ["--data", "ring8", "--batch", "8", "--steps", "40", "--log-every", "1", "--checkpoint-every", "4",
               "--measure", "none", "--quiet", "--device", "cpu"]
    ended, said = train("my.py:mine", "--run", "run", *options, "--lr", "0.01", "--wrong", wrong, "--autopilot")
    assert ended == status, said
    known = treatments(Run("run"))
    assert [(one.finding, one.do) for one in known] == [("divergence", do) for do in treated]
    assert known[0].back_to == 16
    assert "cost 'critic/adversarial' became nan in step 20; going back to step 16" in said
    if status:
        assert "ganworks diagnose run" in said


def test_what_cannot_be_applied_is_passed_over(train) -> None:
    words = ["gan", *SMALL, "--steps", "12"]
    assert train(*words, "--run", "run")[0] == 0
    run = Run("run")
    call = Call.load(run.recipe)

    def chosen(since, *remedies):
        sick = Finding("x", "serious", "ill", since=since, remedies=tuple(Remedy(do, do) for do in remedies))
        found = treatment(run, call, call.build(), sick, 12, lambda do: read(do, run.path))
        return found and found.do

    vain = ["look at the data", "--pack 2", "--noise -1", "--lr 0.0002", "--no-such 3", "--lr fast", "--latent 5"]
    assert chosen(10, *vain) is None
    assert chosen(10, *vain, "--clip 1") == "--clip 1"
    assert chosen(10, "--ema none", "--clip 1") == "--ema none"
    assert chosen(5, *vain) == "--pack 2"  # from the start, there are no weights that would have to fit


def test_an_optimiser_of_another_kind_begins_anew_and_its_rates_are_the_new_ones() -> None:
    options = {"data": "ring8", "width": 4, "latent": 3, "batch": 8, "steps": 3, "measure": None}
    before = Call.make("gan", {}, options).build()
    trainer = Trainer(before, Machine("cpu"))
    trainer.fit()
    old = trainer.state_dict()
    for given, kept in (({"lr": 0.1, "betas": [0.0, 0.9], "lecam": 1.0}, True), ({"optimiser": "sgd"}, False)):
        after = Call.make("gan", {}, {**options, **given, "steps": 5}).build()
        other = Trainer(after, Machine("cpu"))
        other.load_state_dict(grafted(old, before, after))
        assert other.step == 3
        for a, b in zip(other.parameters["critic"], trainer.parameters["critic"], strict=True):
            assert torch.equal(a, b)
        optimiser = other.optimisers["critic"]
        assert bool(optimiser.state) is kept
        if kept:
            assert tuple(optimiser.param_groups[0]["betas"]) == (0.0, 0.9)
            assert same(optimiser.state_dict()["state"], trainer.optimisers["critic"].state_dict()["state"])
        other.fit()
        assert other.step == 5


def test_the_certificate_is_that_of_the_changed_objective(train, monkeypatch) -> None:
    planted(monkeypatch, Remedy("--objective lsgan --lr 0.001", ""))
    assert train(*ILL, "--run", "run")[0] == 0
    (found,) = json.loads((Run("run").path / "certificate.json").read_text()).values()
    assert found["objective"] == "lsgan"


def test_a_run_without_treatments_is_settled(train) -> None:
    assert train("gan", *SMALL, "--steps", "4", "--run", "run")[0] == 0
    before = files("run")
    settle(Run("run"))
    decide(Run("run"), [])
    settle(Run("run"))
    assert treatments(Run("run")) == []
    assert files("run")[0] == before[0]
