"""Trainings in processes of their own that are killed and interrupted, then gone on with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from ganworks.design import objective_named
from ganworks.game import Duel, Latent
from ganworks.train import Adam, Cadence, Hook, Recipe, Run, fit

from ..conftest import same

OPTIONS = ["--data", "digits", "--width", "4", "--latent", "8", "--batch", "16", "--log-every", "1",
           "--checkpoint-every", "20", "--sample-every", "1000000", "--measure", "none", "--threads", "1", "--quiet"]
PROOF = Path(__file__).parents[2] / "benchmarks" / "kill_and_resume.py"
PROGRAM = "import sys; from ganworks.cli import main; sys.exit(main(sys.argv[1:]))"


def ganworks(*words, where):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GANWORKS_CACHE": str(where / "cache")}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, "train", *map(str, words)], cwd=where, env=environment,
                            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def logged(run):
    """Return the last step in the log of a run that may be in the making."""
    try:
        return json.loads((run / "log.jsonl").read_text().splitlines()[-1])["step"]
    except (OSError, IndexError, ValueError):
        return 0


def until(run, step, process):
    end = time.monotonic() + 120
    while logged(run) < step and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert process.poll() is None, process.stderr.read()


def finished(process, status=0):
    said = process.communicate(timeout=240)[1]
    assert process.returncode == status, said
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_after_the_step_and_two_at_once(points, machine, tmp_path, number):
    class Signal(Hook):
        def __init__(self, times):
            self.times = times

        def moved(self, trainer, move, costs, rounds):
            if trainer.step == 4 and move.player == "critic":
                for _ in range(self.times):
                    os.kill(os.getpid(), number)

    def recipe(*hooks):
        torch.manual_seed(0)
        game = Duel(nn.Linear(3, 2), nn.Linear(2, 1), objective_named("nonsaturating"), Latent(3))
        return Recipe(game, points, {"generator": Adam(), "critic": Adam()}, 8, 8, hooks=hooks,
                      cadence=Cadence(1, 100, 3))

    before = signal.getsignal(number)
    trainer = fit(recipe(Signal(1)), tmp_path / "once", machine=machine, quiet=True)
    assert trainer.step == 5
    assert Run(tmp_path / "once").load()[0]["step"] == 5
    with pytest.raises(KeyboardInterrupt):
        fit(recipe(Signal(2)), tmp_path / "twice", machine=machine, quiet=True)
    assert Run(tmp_path / "twice").load()[0]["step"] == 3
    assert signal.getsignal(number) is before
    whole = fit(recipe(), tmp_path / "whole", machine=machine, quiet=True)
    for name in ("once", "twice"):
        end = fit(recipe(), tmp_path / name, machine=machine, resume=True, quiet=True)
        assert same(end.state_dict(), whole.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "kills", "steps"), [("dcgan", 10, 1500), ("wgan-gp", 2, 300)])
def test_killed_at_random_moments_a_run_ends_bit_for_bit_as_if_nothing_had_been(tmp_path, recipe, kills, steps):
    words = [PROOF, "--recipe", recipe, "--kills", kills, "--steps", steps, "--every", 20]
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bit-identical to an uninterrupted run: yes" in done.stdout
    assert f"{steps:,} records of the log" in done.stdout
    assert len(re.findall(r"^\| \d+ \| \d+ \| \d+ \|$", done.stdout, re.MULTILINE)) == kills


@pytest.mark.slow
def test_a_signal_saves_says_how_to_go_on_and_exits_130(tmp_path):
    """SIGTERM as a queue sends it; then kill -9 before the next checkpoint; then to the end."""
    run = tmp_path / "run"
    first = ganworks("gan", "--run", "run", *OPTIONS, "--steps", 100000, "--checkpoint-every", 100000, where=tmp_path)
    until(run, 30, first)
    first.send_signal(signal.SIGTERM)
    said = " ".join(finished(first, 130).split())
    step = Run(run).load()[0]["step"]
    assert step >= 30
    assert f"stopped at step {step} of 100000" in said
    assert "ganworks train --resume run" in said
    assert logged(run) == step

    second = ganworks("--resume", "run", "--quiet", where=tmp_path)
    until(run, step + 20, second)
    second.kill()
    second.communicate()
    assert Run(run).load()[0]["step"] == step
    finished(ganworks("--resume", "run", "--steps", step + 3, "--quiet", where=tmp_path))
    assert [record["step"] for record in Run(run).records()] == list(range(1, step + 4))
    assert Run(run).load()[0]["step"] == step + 3


SLOW_STEP = """
import os, time, torch
from torch import nn
from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.game import Duel, Latent
from ganworks.recipes import Training
from ganworks.train import Hook, Recipe

class Sleep(Hook):
    def stepped(self, trainer):
        if trainer.step == 3:
            open("sleeping", "w").close()
            time.sleep(60)

def mine(source: Source, training: Training = Training(steps=5, batch=16, checkpoint_every=2)) -> Recipe:
    game = Duel(nn.Linear(2, 2), nn.Linear(2, 1), objective_named("nonsaturating"), Latent(2))
    return training.recipe(game, source, hooks=[Sleep()])
"""


@pytest.mark.slow
def test_the_first_ctrl_c_waits_for_the_step_and_the_second_does_not(tmp_path):
    (tmp_path / "my.py").write_text(SLOW_STEP)
    process = ganworks("my.py:mine", "--run", "run", "--data", "ring8", "--measure", "none", where=tmp_path)
    end = time.monotonic() + 60
    while not (tmp_path / "sleeping").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(0.7)
    assert process.poll() is None  # still in its step
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    said = finished(process, 130)
    assert time.monotonic() - began < 20
    assert "Traceback" not in said
    assert Run(tmp_path / "run").load()[0]["step"] == 2
