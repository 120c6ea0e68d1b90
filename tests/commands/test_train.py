"""`ganworks train`: what it makes, what it refuses, and how it says so."""

from __future__ import annotations

import json
import re
import signal

import numpy as np
import pytest
import yaml

from ganworks.cli import main
from ganworks.train import Run

from ..conftest import same
from .conftest import state

pytestmark = pytest.mark.usefixtures("apart")
SMALL = ["--data", "ring8", "--width", "4", "--latent", "3", "--batch", "8", "--steps", "4", "--log-every", "1",
         "--checkpoint-every", "2", "--measure", "none", "--quiet", "--device", "cpu"]


def everything(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_run_holds_all_that_is_said_of_it_and_repeats_from_its_recipe(train, tmp_path):
    status, said = train("gan", "--run", "one", *SMALL)
    assert status == 0
    assert "trained 4 steps" in said
    assert "ganworks sample one" in said
    run = Run("one")
    assert {path.name for path in (tmp_path / "one").iterdir()} - {".lock"} == {
        "recipe.yaml", "versions.json", "source.json", "certificate.json", "log.jsonl", "checkpoints", "samples"}
    costs = [record for record in run.records() if "seconds" in record]
    assert [record["step"] for record in costs] == [1, 2, 3, 4]
    assert [record["step"] for record in run.records() if "vital/told apart" in record] == [1]
    assert run.source == {"name": "ring8", "shape": [2], "classes": None}
    assert yaml.safe_load(run.recipe)["recipe"] == "gan"
    assert train("one/recipe.yaml", "--run", "two", "--device", "cpu", "--quiet")[0] == 0
    assert same(state("one"), state("two"))
    assert Run("two").recipe == run.recipe
    assert train("one/recipe.yaml", "--run", "three", "--seed", "1", "--quiet")[0] == 0
    assert not same(state("one"), state("three"))


def test_a_run_keeps_the_certificate_of_a_designed_objective_alone(train, tmp_path):
    # Known before it is run: the middle coding of least squares pushes the wrong way on one side (theory.md, F6).
    for name, verdict in (("nonsaturating", "accept"), ("lsgan_middle", "warn"), ("rpgan", None)):
        assert train("gan", "--run", name, "--objective", name, *SMALL)[0] == 0
        kept = tmp_path / name / "certificate.json"
        assert kept.exists() is (verdict is not None)
        if verdict:
            (found,) = json.loads(kept.read_text()).values()
            assert (found["objective"], found["verdict"]) == (name, verdict)
            assert all(check["reason"] for check in found["checks"])


def test_an_option_without_a_default_is_asked_for_and_taken(train, capsys):
    status, said = train("designed", "--run", "one", *SMALL)
    assert status == 2
    assert "recipe 'designed' without --objective" in said
    assert "a design file" in said
    with pytest.raises(SystemExit) as ended:
        main(["train", "designed", "--help"])
    assert ended.value.code == 0
    assert re.search(r"rho: exp\(-t\)\}'\s\(always\s+needed\)", capsys.readouterr().out)
    assert train("designed", "--run", "one", "--objective", "{omega: log(r)/2, rho: exp(-t)}", *SMALL)[0] == 0
    assert yaml.safe_load(Run("one").recipe)["objective"] == "{omega: log(r)/2, rho: exp(-t)}"
    assert train("one/recipe.yaml", "--run", "two", "--quiet", "--device", "cpu")[0] == 0
    assert same(state("one"), state("two"))


def test_runs_are_numbered_where_no_name_is_given(train, tmp_path):
    for number in (1, 2):
        assert train("wgan-gp", *SMALL)[0] == 0
        assert (tmp_path / "runs" / f"wgan-gp-{number}" / "recipe.yaml").is_file()


def test_a_flag_reaches_the_recipe_wherever_it_stands(train):
    words = ["--objective=lsgan:a=-1,b=1,c=0", "--betas", "0.25,0.5", "--clip", "1", "--ema", "none", "--no-compile"]
    assert train("gan", "--run", "one", *SMALL, *words)[0] == 0
    tree = yaml.safe_load(Run("one").recipe)
    assert tree["objective"] == "lsgan:a=-1,b=1,c=0"
    assert tree["training"]["betas"] == [0.25, 0.5]
    assert (tree["training"]["clip"], tree["training"]["ema"]) == (1.0, None)
    assert train("one/recipe.yaml", "--run", "two", "--clip", "none", "--quiet")[0] == 0
    assert yaml.safe_load(Run("two").recipe)["training"]["clip"] is None
    assert train("--run", "three", "gan", *SMALL)[0] == 0  # options of the run may come first
    assert train("--quiet", "--device", "cpu", "gan", "--run=four", *SMALL)[0] == 0


def test_a_path_with_a_comma_is_one_path(train, tmp_path):
    np.save(tmp_path / "a,b.npy", np.random.default_rng(0).normal(size=(40, 2)))
    status, said = train("gan", "--run", "one", *SMALL, "--data", "a,b.npy")
    assert status == 0, said
    assert yaml.safe_load(Run("one").recipe)["data"]["path"].endswith("a,b.npy")


def test_a_resumed_run_goes_on_with_more_steps_and_nothing_else(train):
    assert train("gan", "--run", "whole", *SMALL, "--steps", 6)[0] == 0
    assert train("gan", "--run", "one", *SMALL)[0] == 0
    before = everything(Run("one").path)
    for change, said in ((["--lr", "0.5"], "lr: 0.0002, not 0.5"), (["--batch", "16"], "batch: 8, not 16")):
        status, answer = train("--resume", "one", *change, "--quiet")
        assert status == 2
        assert f"one is from another recipe: {said}" in answer
        assert "only --steps" in answer
    status, answer = train("wgan-gp", "--resume", "one", "--quiet")
    assert status == 2
    assert "recipe: gan, not wgan-gp" in answer
    assert train("--resume", "one", "--run", "two")[0] == 2
    assert everything(Run("one").path) == before
    status, answer = train("gan", "--resume", "one", "--steps", 6, "--checkpoint-every", 3, "--quiet")
    assert status == 0, answer
    assert "resuming one at step 4 of 6" in answer
    assert same(state("one"), state("whole"))


def test_nothing_is_trained_over_what_exists(train, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("dear")
    status, said = train("gan", "--run", "mine", *SMALL)
    assert status == 2
    assert "mine exists already" in said
    assert everything(tmp_path / "mine") == {"thesis.tex": b"dear"}
    for run, what in (("mine", "mine is not a run"), ("none", "none does not exist")):
        status, said = train("--resume", run)
        assert status == 2
        assert what in said
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("words", "said"), [
    (["dcgna"], "did you mean 'dcgan'?"), (["gan", "--lattent", "3"], "did you mean '--latent'?"),
    (["gan", "--batch", "0"], "--batch 0"), (["gan", "--objective", "hing"], "did you mean 'hinge'?"),
    (["gan", "--objective", "lsgan:q=1"], "no parameter 'q'"), (["gan", "--data", "ring9"], "ring8"),
    (["gan", "--lr", "fast"], "--lr fast"), ([], "nothing to train"), (["gone.yaml"], "gone.yaml does not exist"),
    (["gan", "--device", "tpu"], "invalid choice"), (["gan", "--threads", "0"], "--threads 0"),
    (["gan", "--batch", "6", "--accumulate", "4"], "in 4 parts"), (["my.py:mine"], "my.py:mine"),
    (["dcgan", "--data", "ring8"], "square images"), (["dcgan", "--data", "digits", "--batch", "9999"], "1797 samples"),
    (["dcgan", "--data", "digits", "--size", "200"], "samples of shape (1, 200, 200)"),
    (["gan", "--resume"], "expected one argument"), (["--steps", "3", "gan"], "'--steps' before the recipe"),
    (["wgan-gp", "--norm-critic", "batch"], "batch normalisation"),
    # What only a step finds out.
    (["ebgan", "--data", "digits", "--width", "4", "--batch", "1"], "pull-away in a batch of 1"),
    (["gan", "--augment", "diffaugment"], "images of 1, 3 or 4 channels"),
])
def test_bad_input_ends_with_2_and_leaves_nothing(train, tmp_path, words, said):
    more = SMALL[:2] if words[:1] in (["gan"], ["wgan-gp"]) and "--data" not in words else []
    status, answer = train(*words[:1], *more, *words[1:], *([] if "--resume" in words else ["--run", "run"]))
    assert status == 2, answer
    assert said in answer
    assert "Traceback" not in answer
    assert not (tmp_path / "run").exists()


def test_a_dry_run_shows_the_plan_and_writes_nothing(train, tmp_path):
    status, said = train("gan", *SMALL, "--steps", 5000, "--critic-steps", 2, "--dry-run", "--run", "run")
    assert status == 0
    width, latent = 4 * 4, 3
    generator = (latent + 1) * width + 2 * (width + 1) * width + (width + 1) * 2
    critic = 3 * width + 2 * (width + 1) * width + (width + 1)
    for words in (f"generator {generator} parameters", f"critic {critic} parameters", "critic x2 a step",
                  "5,000 of batch 8", "steps/s", "time about", "MiB", "MLPGenerator"):
        assert words in said, words
    assert list(tmp_path.iterdir()) == []
    assert train("gan", *SMALL, "--run", "one")[0] == 0
    before = everything(tmp_path / "one")
    assert train("--resume", "one", "--dry-run", "--quiet")[0] == 0
    assert everything(tmp_path / "one") == before


def test_help_of_a_recipe_lists_its_options_with_defaults(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "wgan", "--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in ("--clip-weights X", "(default: 0.01)", "--critic-steps N", "(default: 5)",
                  "stabilisers: Penalties, tricks", "networks: The two players",
                  "--optimiser {adam,sgd,rmsprop,optimistic,optimistic_adam}",
                  "(default: rmsprop)", "--betas X,Y", "(default: none)", "--compile, --no-compile"):
        assert words in said, words


OWN = """
import os, signal
from torch import nn
from ganworks.data import Source
from ganworks.game import Duel, Latent
from ganworks.objective import Objective
from ganworks.recipes import Training
from ganworks.train import Hook, Recipe

class Term(Hook):
    def __init__(self, at):
        self.at = at

    def stepped(self, trainer):
        if trainer.step == self.at:
            os.kill(os.getpid(), signal.SIGINT)

calls = [0]

def phi(v):
    calls[0] += 1  # once a step, and once for the look after the first one
    return v * (float("nan") if calls[0] == 6 else 1.0)

def _game(source, objective):
    return Duel(nn.Linear(3, 2), nn.Linear(2, 1), objective, Latent(3))

def broken(source: Source, training: Training = Training()) -> Recipe:
    return training.recipe(_game(source, Objective("mine", phi=phi, psi=lambda v: v, beta=lambda v: -v)), source)

def stopped(source: Source, training: Training = Training(), at: int = 3) -> Recipe:
    plain = Objective("mine", phi=lambda v: -v, psi=lambda v: v, beta=lambda v: -v)
    return training.recipe(_game(source, plain), source, hooks=[Term(at)])
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)


OWN_OPTIONS = ["--data", "ring8", "--batch", "8", "--steps", "9", "--log-every", "2", "--checkpoint-every", "2",
               "--measure", "none", "--quiet", "--device", "cpu"]


def test_a_cost_that_is_no_number_ends_with_2_and_names_it(own, train):
    status, said = train("own.py:broken", "--run", "run", *OWN_OPTIONS)
    assert status == 2
    assert "cost 'critic/adversarial' became nan in step 5" in said
    assert "last good checkpoint is run/checkpoints/step-00000004.safetensors" in said
    assert state("run")["step"] == 4


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(own, train):
    status, said = train("own.py:stopped", "--run", "run", *OWN_OPTIONS)
    assert status == 130
    assert "stopped at step 3 of 9" in said
    assert "go on: ganworks train --resume run" in said
    assert state("run")["step"] == 3
    status, said = train("--resume", "run", "--quiet", "--device", "cpu")
    assert status == 0, said
    assert state("run")["step"] == 9
    assert train("own.py:stopped", "--run", "whole", *OWN_OPTIONS, "--at", "99")[0] == 0
    assert same(state("run")["game"], state("whole")["game"])


def test_a_damaged_checkpoint_is_passed_over_and_said(train):
    assert train("gan", "--run", "one", *SMALL)[0] == 0
    whole, last = state("one"), Run("one").checkpoints()[-1]
    content = last.read_bytes()
    last.unlink()  # what was read of it above may still be a view of the file
    last.write_bytes(content[:-1])
    status, said = train("--resume", "one", "--quiet")
    assert status == 0
    assert "step-00000004.safetensors" in said
    assert "the one before it is used" in said
    assert "resuming one at step 2 of 4" in said
    assert same(state("one"), whole)


def test_the_signals_are_as_they_were(train):
    before = signal.getsignal(signal.SIGINT)
    assert train("gan", "--run", "one", *SMALL)[0] == 0
    assert signal.getsignal(signal.SIGINT) is before


FLAT = ["--data", "ring8", "--width", "4", "--latent", "3", "--batch", "8", "--lr", "1e-12", "--ema", "none",
        "--checkpoint-every", "2", "--measure", "16", "--vitals-every", "none", "--quiet", "--device", "cpu"]


def test_a_training_that_gets_no_better_ends_at_a_plateau_and_goes_on_only_when_told(train):
    # A rate of 1e-12 changes nothing: every checkpoint has the same measure.
    status, answer = train("gan", *FLAT, "--steps", "100", "--stop-when", "plateau", "--run", "flat")
    assert status == 0
    assert "stopped at step 32 of 100 (--stop-when plateau)" in answer
    assert "trained 32 steps" in answer
    status, answer = train("gan", "--resume", "flat")
    assert (status, Run("flat").load()[0]["step"]) == (0, 32)
    assert "--resume flat --stop-when none" in answer
    status, answer = train("gan", "--resume", "flat", "--stop-when", "none", "--steps", "36")
    assert (status, Run("flat").load()[0]["step"]) == (0, 36)
    assert "stopped" not in answer


def test_an_autopilot_ends_at_the_same_plateau(train):
    for run, more in (("plain", ()), ("piloted", ("--autopilot",))):
        status, answer = train("gan", *FLAT, "--steps", "100", "--stop-when", "plateau", "--run", run, *more)
        assert (status, Run(run).load()[0]["step"]) == (0, 32)
        assert "stopped at step 32 of 100" in answer
    assert same(state("plain")["game"], state("piloted")["game"])


@pytest.mark.parametrize(("words", "wanted"), [
    (("--measure", "none"), "--measure 1000"), (("--steps", "20"), "10 measured checkpoints"),
    (("--steps", "20"), "--checkpoint-every 1 or less, or --steps 32 or more")], ids=str)
def test_a_plateau_that_could_not_be_seen_is_refused(train, words, wanted):
    status, answer = train("gan", *FLAT, "--stop-when", "plateau", "--run", "flat", *words)
    assert status == 2
    assert wanted in answer
