"""Warnings while a training runs: each once, when it is sure, and none of what is well."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ganworks.console import console
from ganworks.diagnose import Watcher
from ganworks.train import Run

OPTIONS = {"lr": 2e-4, "lr_critic": None}
TRAINER = SimpleNamespace(machine=SimpleNamespace(is_main=True))


@pytest.fixture(autouse=True)
def fresh_console():
    console.cache_clear()
    yield
    console.cache_clear()


@pytest.fixture
def run(tmp_path):
    made = Run.create(tmp_path / "run", "recipe: gan\n", {})
    yield made
    made.close()


def course(step, diversity=0.9, told_apart=0.8):
    """Return a record of a healthy training, or of one whose samples have come to be alike."""
    noise = np.random.default_rng(step).normal(size=3)
    return {"step": step, "vital/diversity": diversity, "vital/told apart": told_apart, "vital/force": 0.4,
            "vital/slope": 1.0, "vital/gradient generator": 0.1, "vital/dead generator": 0.0, "vital/dead critic": 0.0,
            "vital/step generator": 1e-3, "vital/step critic": 1e-3, "critic/adversarial": 1.2 + 0.1 * noise[0],
            "score/on_real": 0.2 * noise[1]}


def train(run, watcher, steps, diversity=lambda step: 0.9, begin=0):
    """Let a watcher see a training whose record comes before each of its looks, as with the hooks of a run."""
    trainer = SimpleNamespace(**vars(TRAINER), step=begin)
    watcher.start(trainer)
    for trainer.step in range(begin + 1, steps + 1):
        if trainer.step % 10 == 0:
            run.log(course(trainer.step, diversity(trainer.step)))
        watcher.stepped(trainer)
    watcher.close(trainer)


def events(run):
    return [record for record in run.records() if "event" in record]


def collapsing(step):
    return 0.9 if step < 300 else 0.02


def test_nothing_is_said_of_a_healthy_training(run, capsys) -> None:
    train(run, Watcher(run, OPTIONS, 10), 600)
    assert events(run) == []
    assert capsys.readouterr().err == ""


def test_a_collapse_is_told_in_one_line_with_its_remedy(run, capsys) -> None:
    train(run, Watcher(run, OPTIONS, 10), 900, collapsing)
    said = [line for line in capsys.readouterr().err.splitlines() if "collapse" in line]
    (one,) = [record for record in events(run) if record["severity"] == "serious"]
    assert len(said) == 1
    for words in (f"step {one['step']}: mode collapse", "--relativistic pair --r1 1 --r2 1",
                  f"ganworks diagnose {run.path}"):
        assert words in said[0]
    assert (one["finding"], one["since"]) == ("variety", 300)
    # Half of the last third must be collapsed before a median says so, and then it is seen twice.
    assert 360 < one["step"] < 600


def test_what_is_seen_once_is_not_told(run) -> None:
    # At the first look, 250, most of the last third is bad; at the next one, 300, a third of it.
    train(run, Watcher(run, OPTIONS, 50), 700, lambda step: 0.02 if step < 240 else 0.9)
    assert events(run) == []


def test_a_resumed_training_repeats_nothing_and_goes_on_alike(run, tmp_path, capsys) -> None:
    train(run, Watcher(run, OPTIONS, 10), 900, collapsing)
    other, state = Run.create(tmp_path / "other", "recipe: gan\n", {}), {}
    for stop in (355, 480, 640, 900):
        watcher, begin = Watcher(other, OPTIONS, 10), (other.records() or [{"step": 0}])[-1]["step"]
        if state:
            watcher.load_state_dict(state)
        train(other, watcher, stop, collapsing, begin)
        state = watcher.state_dict()
    assert events(other) == events(run)
    assert len(events(run)) == len({(one["finding"], one["severity"]) for one in events(run)})


def test_quiet_says_nothing_and_keeps_the_record(run, capsys) -> None:
    train(run, Watcher(run, OPTIONS, 10, quiet=True), 900, collapsing)
    assert capsys.readouterr().err == ""
    assert events(run)


def test_what_acts_is_told_of_each_finding_and_old_records_are_not_looked_at(run) -> None:
    seen = []
    train(run, Watcher(run, OPTIONS, 10, True, lambda finding, step: seen.append((finding.name, step))), 900,
          collapsing)
    assert seen == [(one["finding"], one["step"]) for one in events(run)]
    later = Watcher(run, OPTIONS, 10, True, lambda finding, step: seen.append(step), after=900)
    before = list(seen)
    train(run, later, 1500, begin=900)
    assert seen == before


def test_looks_are_few(run, monkeypatch) -> None:
    """Each costs as much as the log is long, so n records must not cost n looks."""
    import ganworks.diagnose.watcher as module

    looked = []
    monkeypatch.setattr(module, "wrong", lambda records: looked.append(len(records)) or [])
    train(run, Watcher(run, OPTIONS, 10), 20000)
    assert len(looked) < np.log(20000 / 50) / np.log(1.1) + 1
    assert sum(looked) < 12 * 2000  # a geometric series of ratio 1.1, for 2,000 records
