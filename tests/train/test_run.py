"""The directory of a run: what is kept, what is refused, and what is left when writing fails."""

from __future__ import annotations

import errno
import os
import resource
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, Latent
from ganworks.train import EMA, Adam, Cadence, Hook, Measure, Recipe, Run, fit

SOURCE = {"name": "blob", "shape": [2], "classes": None}
NS = objective_named("nonsaturating")


def steps(run):
    return [int(path.stem.split("-")[1]) for path in run.checkpoints()]


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", "recipe: gan\n", SOURCE)


def recipe(points, *hooks, width=2, **more):
    torch.manual_seed(0)
    game = Duel(nn.Sequential(nn.Linear(3, width), nn.Linear(width, 2)), nn.Linear(2, 1), NS, Latent(3))
    options = {"steps": 6, "batch": 8, "cadence": Cadence(1, 100, 2), "hooks": [EMA(0.9), *hooks], **more}
    return Recipe(game, points, {"generator": Adam(), "critic": Adam()}, **options)


# ---- what is kept

def test_a_run_that_takes_no_step_leaves_nothing_but_what_is_not_its_own(run):
    run.lock()
    (run.path / "notes.txt").write_text("mine")
    run.withdraw()
    assert [path.name for path in run.path.iterdir()] == ["notes.txt"]
    (run.path / "notes.txt").unlink()
    Run.create(run.path, "recipe: gan\n", SOURCE).withdraw()
    assert not run.path.exists()


@pytest.mark.parametrize(("at", "left"), [(0, False), (2, True)])
def test_what_is_refused_in_its_first_step_leaves_no_run(points, tmp_path, at, left):
    class Refusing(Hook):
        def moved(self, trainer, move, costs, rounds):
            if trainer.step == at:
                raise UserError("not so")

    with pytest.raises(UserError, match="not so"):
        fit(recipe(points, Refusing()), tmp_path / "run", quiet=True)
    assert (tmp_path / "run").exists() is left


def test_the_last_two_and_the_best_stay(run):
    for step, figure in enumerate([5.0, 3.0, 4.0, 2.0, 6.0, 7.0, 8.0], 1):
        run.save({"step": step}, step, figure)
    assert steps(run) == [4, 6, 7]
    assert run.load("best")[0] == {"step": 4}
    assert run.load("last")[0] == {"step": 7}
    assert run.load("6")[0] == {"step": 6}
    run.save({"step": 8}, 8, 1.0)
    assert steps(run) == [7, 8]
    run.save({"step": 9}, 9, 9.0, keep=3)
    assert steps(run) == [7, 8, 9]


def test_without_figures_the_last_ones_stay(run):
    for step in range(1, 6):
        run.save({"step": step}, step, keep=3)
    assert steps(run) == [3, 4, 5]
    assert run.best() is None
    assert run.load("best")[0] == {"step": 5}


def test_a_figure_that_is_no_number_is_never_the_best(run):
    for step, figure in enumerate([float("nan"), 2.0, 3.0, float("nan")], 1):
        run.save({"step": step}, step, figure)
    assert run.load("best")[0] == {"step": 2}


def test_a_checkpoint_that_is_not_there(run):
    with pytest.raises(UserError, match=r"no checkpoint 'last'[\s\S]*train it first"):
        run.load()
    run.save({"step": 2}, 2)
    with pytest.raises(UserError, match=r"no checkpoint '3'[\s\S]*these steps: 2"):
        run.load("3")


# ---- damage

@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_the_one_before_a_damaged_checkpoint_is_used_and_said(run, damage):
    for step in (2, 4):
        run.save({"step": step, "w": torch.ones(100)}, step, float(step))
    last = run.checkpoints()[-1]
    content = bytearray(last.read_bytes())
    content[-40] ^= 1
    last.write_bytes({"flipped": bytes(content), "cut": bytes(content[:300]), "empty": b""}[damage])
    state, passed = run.load()
    assert state["step"] == 2
    assert len(passed) == 1
    assert str(last) in passed[0]
    run.save({"step": 5}, 5, 5.0)  # goes on beside the damaged file
    assert run.load()[0] == {"step": 5}
    for path in run.checkpoints():
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"step-00000005[\s\S]*undamaged checkpoint[\s\S]*recipe.yaml"):
        run.load()


def test_a_training_goes_on_from_the_checkpoint_before(points, machine, tmp_path, capsys):
    whole = fit(recipe(points), tmp_path / "whole", machine=machine, quiet=True)
    fit(recipe(points), tmp_path / "run", machine=machine, quiet=True)
    run = Run(tmp_path / "run")
    run.checkpoints()[-1].write_bytes(b"\0" * 1000)
    again = fit(recipe(points), tmp_path / "run", machine=machine, resume=True, quiet=True)
    said = " ".join(capsys.readouterr().err.split())
    assert "step-00000006.safetensors cannot be read" in said
    assert "the one before it is used" in said
    assert "at step 4 of 6" in said
    for name, tensor in whole.game.state_dict().items():
        assert torch.equal(tensor, again.game.state_dict()[name])
    assert [record["step"] for record in run.records()] == [1, 2, 3, 4, 5, 6]
    assert run.load()[1] == []


# ---- the log

def test_rewind_forgets_what_comes_later_and_a_cut_off_line(run):
    for step in (1, 2, 3, 4):
        run.log({"step": step, "cost": step / 3})
    (run.path / "samples").mkdir()
    for step in (2, 4):
        (run.path / "samples" / f"step-{step:08d}.png").touch()
    run.close()
    with open(run.path / "log.jsonl", "a") as handle:
        handle.write('{"step": 5, "co')
    assert [record["step"] for record in run.records()] == [1, 2, 3, 4]
    run.rewind(3)
    run.log({"step": 4, "cost": 0.0})
    assert [record["step"] for record in run.records()] == [1, 2, 3, 4]
    assert run.records()[0] == {"step": 1, "cost": 1 / 3}
    assert run.records()[-1]["cost"] == 0
    assert [path.name for path in (run.path / "samples").iterdir()] == ["step-00000002.png"]


def test_time_adds_up_over_sessions(points, machine, tmp_path):
    class Stop(Hook):
        def stepped(self, trainer):
            trainer.stopping = trainer.step == 2

    fit(recipe(points, Stop()), tmp_path / "run", machine=machine, quiet=True)
    run = Run(tmp_path / "run")
    lines = (run.path / "log.jsonl").read_text().replace('"seconds": ', '"seconds": 100')
    (run.path / "log.jsonl").write_text(lines)
    fit(recipe(points), run.path, machine=machine, resume=True, quiet=True)
    times = [record["seconds"] for record in run.records()]
    assert times == sorted(times)
    assert times[-1] > 100


# ---- what is refused

def test_a_directory_that_exists_is_refused_and_untouched(tmp_path, points, machine):
    for name, content in (("some", {"my.txt": "dear"}), ("run", {"recipe.yaml": "recipe: gan\n"})):
        (tmp_path / name).mkdir()
        for file, text in content.items():
            (tmp_path / name / file).write_text(text)
        with pytest.raises(UserError, match="exists already"):
            fit(recipe(points), tmp_path / name, machine=machine, quiet=True)
        assert {path.name: path.read_text() for path in (tmp_path / name).iterdir()} == content
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="exists already"):
        Run.create(tmp_path / "file", "", SOURCE)
    (tmp_path / "empty").mkdir()
    Run.create(tmp_path / "empty", "recipe: gan\n", SOURCE)


def test_what_is_no_run_is_not_told_to_be_resumed(tmp_path):
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "my.txt").touch()
    with pytest.raises(UserError) as caught:
        Run.refuse_existing(tmp_path / "some")
    assert "--resume" not in str(caught.value)
    with pytest.raises(UserError, match="is not a run"):
        Run.open(tmp_path / "some")
    with pytest.raises(UserError, match="does not exist"):
        Run.open(tmp_path / "none")


def test_two_trainers_do_not_share_a_run(points, machine, tmp_path):
    class Second(Hook):
        """Tries to train in the same directory while the first one does."""

        def stepped(self, trainer):
            if trainer.step == 3:
                with pytest.raises(UserError, match="being trained by another process"):
                    fit(recipe(points), tmp_path / "run", machine=machine, resume=True, quiet=True)
                tried.append(trainer.step)

    tried = []
    kept = fit(recipe(points, Second()), tmp_path / "run", machine=machine, quiet=True)
    assert tried == [3]
    assert [record["step"] for record in Run(tmp_path / "run").records()] == [1, 2, 3, 4, 5, 6]
    more = fit(recipe(points, steps=8), tmp_path / "run", machine=machine, resume=True, quiet=True)
    assert (kept.step, more.step) == (6, 8)  # a trainer that is done holds the run no longer


# ---- writing that fails

@contextmanager
def room_for(size):
    """Let no file grow beyond ``size`` bytes: what a full disk does to whoever writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Fill(Hook):
    """Makes the disk full after a step."""

    def __init__(self, step, size):
        self.step, self.size, self.room = step, size, None

    def stepped(self, trainer):
        if trainer.step == self.step:
            self.room = room_for(self.size(trainer))
            self.room.__enter__()

    def close(self, trainer):
        if self.room:
            self.room.__exit__(None, None, None)


def left_over(path):
    return [file for file in path.rglob("*") if file.name.endswith(".tmp")]


def test_a_full_disk_while_saving_loses_nothing(points, machine, tmp_path):
    whole = fit(recipe(points, width=200), tmp_path / "whole", machine=machine, quiet=True)
    full = Fill(3, lambda trainer: 8000)
    with pytest.raises(UserError) as caught:
        fit(recipe(points, full, width=200), tmp_path / "run", machine=machine, quiet=True)
    said, run = str(caught.value), Run(tmp_path / "run")
    assert f"cannot write into {run.path}" in said
    assert os.strerror(errno.EFBIG) in said
    assert f"ganworks train --resume {run.path}" in said
    assert "step-00000002.safetensors" in said
    assert steps(run) == [2]
    assert run.load()[0]["step"] == 2
    assert not left_over(run.path)
    again = fit(recipe(points, width=200), run.path, machine=machine, resume=True, quiet=True)
    for name, tensor in whole.game.state_dict().items():
        assert torch.equal(tensor, again.game.state_dict()[name])
    assert [record["step"] for record in run.records()] == [1, 2, 3, 4, 5, 6]


def test_a_full_disk_while_logging_loses_nothing(points, machine, tmp_path):
    class FillLate(Fill):
        def close(self, trainer):
            pass  # it is still full when the run is closed

    full = FillLate(3, lambda trainer: (tmp_path / "run" / "log.jsonl").stat().st_size + 20)
    try:
        with pytest.raises(UserError, match=r"cannot write into[\s\S]*--resume"):
            fit(recipe(points, full), tmp_path / "run", machine=machine, quiet=True)
    finally:
        full.room.__exit__(None, None, None)
    run = Run(tmp_path / "run")
    assert [record["step"] for record in run.records()] == [1, 2]  # the third was cut off
    fit(recipe(points), run.path, machine=machine, resume=True, quiet=True)
    assert [record["step"] for record in run.records()] == [1, 2, 3, 4, 5, 6]


def test_no_space_while_syncing_is_the_same(points, machine, tmp_path, monkeypatch):
    synced = []

    def fsync(descriptor):
        synced.append(descriptor)
        if len(synced) > 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(UserError, match="No space left on device"):
        fit(recipe(points), tmp_path / "run", machine=machine, quiet=True)
    monkeypatch.undo()
    assert not left_over(tmp_path / "run")
    fit(recipe(points), tmp_path / "run", machine=machine, resume=True, quiet=True)


def test_a_log_that_cannot_be_synced_at_the_end_is_told(points, machine, tmp_path, monkeypatch):
    class FullAtTheEnd(Hook):
        def close(self, trainer):
            def fsync(descriptor):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            monkeypatch.setattr(os, "fsync", fsync)

    with pytest.raises(UserError, match="No space left on device"):
        fit(recipe(points, FullAtTheEnd()), tmp_path / "run", machine=machine, quiet=True)


def test_what_a_kill_left_half_written_is_swept_away(points, machine, tmp_path):
    fit(recipe(points), tmp_path / "run", machine=machine, quiet=True)
    halves = [tmp_path / "run" / "checkpoints" / ".step-00000008.safetensors.77-abc.tmp",
              tmp_path / "run" / "samples" / ".step-00000008.png.77-abc.tmp", tmp_path / "run" / ".log.jsonl.77-a.tmp"]
    for half in halves:
        half.write_bytes(b"half")
    fit(recipe(points, steps=7), tmp_path / "run", machine=machine, resume=True, quiet=True)
    assert not left_over(tmp_path / "run")


# ---- figures of merit

def test_each_checkpoint_is_measured_on_the_averaged_samples(points, machine, tmp_path):
    seen = []

    def figure(samples):
        seen.append(samples)
        return [3.0, 1.0, 2.0][len(seen) - 1]

    trainer = fit(recipe(points, measure=Measure("distance", 5, figure)), tmp_path / "run", machine=machine, quiet=True)
    run = Run(tmp_path / "run")
    records = [record for record in run.records() if "measure/distance" in record]
    assert records == [{"step": 2, "measure/distance": 3.0}, {"step": 4, "measure/distance": 1.0},
                       {"step": 6, "measure/distance": 2.0}]
    assert run.load("best")[0]["step"] == 4
    assert steps(run) == [4, 6]
    assert [tuple(samples.shape) for samples in seen] == [(5, 2)] * 3
    assert torch.equal(seen[-1], trainer.samples(5))


def test_pictures_are_drawn_from_the_same_latents(images, machine, tmp_path):
    class Still(nn.Module):
        """A generator without anything to learn but a scale that costs nothing."""

        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(()))

        def forward(self, z):
            return (z.view(-1, 1, 16, 16) + 0 * self.scale).tanh()

    game = Duel(Still(), nn.Sequential(nn.Flatten(), nn.Linear(256, 1)), NS, Latent(256))
    still = Recipe(game, images, {"generator": Adam(), "critic": Adam()}, 4, 8, cadence=Cadence(1, 2, 4))
    fit(still, tmp_path / "run", machine=machine, quiet=True)
    pictures = sorted((tmp_path / "run" / "samples").iterdir())
    assert [path.name for path in pictures] == ["step-00000002.png", "step-00000004.png"]
    from PIL import Image

    first, second = (np.asarray(Image.open(path)) for path in pictures)
    assert np.array_equal(first, second)
    assert first.std() > 10
