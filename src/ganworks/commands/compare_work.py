"""The work of a tournament: one run after the other, trained to the end of its budget and judged."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ganworks.commands.compare_queue import Claim, Queue
from ganworks.commands.compare_tournament import Tournament, locked
from ganworks.console import note
from ganworks.data import Source
from ganworks.data.opening import Kind
from ganworks.data.options import DataOptions
from ganworks.errors import UserError
from ganworks.evaluate.features import Extractor
from ganworks.evaluate.figures import Report
from ganworks.files import write_bytes, write_text
from ganworks.recipes import Call, rebuild
from ganworks.train import Machine, Run, fit
from ganworks.train.budget import Budget

POLL = 2.0
"""Seconds between looks at the queue while others do what is left."""
PICTURE = "compare.png"
"""Samples of the finished run from the same latents in every run, in its directory."""
JUDGING_SEED = 0
"""Of the halves of the data and of the judged samples: the same for all runs."""


def opened(call: Call) -> Source:
    """Return the data of an entrant; that of the last ones is kept open."""
    return _opened(call.kind, call.options.data)


@lru_cache(maxsize=2)
def _opened(kind: Kind, options: DataOptions) -> Source:
    return kind.open(options)


class Interrupted(KeyboardInterrupt):
    """A training was told to stop; everything is saved."""


def work(out: Path, device: str = "auto", quiet: bool = False, parent: int | None = None) -> None:
    """Do runs of the tournament in ``out`` until none is left, and wait for those that others do.

    Args:
        quiet: show no bar of each run's steps.
        parent: process whose end ends this one too.
    """
    queue, told = Queue(out), False
    if parent is not None:
        threading.Thread(target=_orphaned, args=(parent,), daemon=True).start()
    while True:
        claim = queue.claim()
        if claim is not None:
            told = False
            _do(queue, claim, Tournament.open(out), device, quiet)
            continue
        left = [state for state in queue.states().values() if state.state in ("running", "waiting")]
        if not left:
            return
        if not told and parent is None:
            note(f"waiting for {len(left)} run(s) that other workers do")
        told = True
        time.sleep(POLL)


def _do(queue: Queue, claim: Claim, tournament: Tournament, device: str, quiet: bool) -> None:
    name = f"{claim.label}, seed {claim.seed}"
    with queue.alive(claim):
        if not quiet:
            done, total = _counts(queue)
            note(f"run {done + 1} of {total}: {name}")
        try:
            outcome, cost = play(tournament, claim.label, claim.seed, device, quiet)
            counts = queue.done(claim, cost, outcome)
        except KeyboardInterrupt:
            queue.give_back(claim)
            raise
        except UserError as error:
            if isinstance(error.__cause__, OSError):  # the disk is full, say: no fault of the recipe
                queue.give_back(claim)
                raise
            queue.failed(claim, error.problem)
            note(f"{_tally(queue)}: {name} failed: {error.problem}")
        except Exception as error:
            path = tournament.run_of(claim.label, claim.seed) / "failure.txt"
            write_text(path, traceback.format_exc())
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
            queue.failed(claim, f"{reason} (see {path.relative_to(tournament.out)})")
            note(f"{_tally(queue)}: {name} failed: {reason}")
        else:
            note(f"{_tally(queue)}: {name}: {_said(outcome)}{_eta(queue)}" if counts
                 else f"{_tally(queue)}: {name} was taken up by another worker, for want of a sign of life of this one")


def play(tournament: Tournament, label: str, seed: int, device: str, quiet: bool) -> tuple[dict[str, Any], float]:
    """Train a run to the end of its budget, going on where it stands, and judge it.

    Returns:
        what is known of it, as plain values: "steps", "seconds" (of training alone), "figures", "features", "n",
        "warnings"; and the figure that decides, turned such that smaller is better.

    Raises:
        Interrupted: before the end of the budget; everything is saved.
        UserError: a cost became non-finite, the recipe refuses the data, a sample is not finite.
    """
    path, call = tournament.run_of(label, seed), tournament.call_of(label, seed)
    source = opened(call)
    extractor = extractor_of(tournament, source)
    steps, seconds = train(path, call, tournament.budget.get("seconds"), source, device, quiet)
    began = time.monotonic()
    report = judge(path, source, extractor, tournament.judging["n"], device)
    from ganworks.report.standings import decides

    name = decides([figure.name for figure in report.figures])
    first = next(figure for figure in report.figures if figure.name == name)
    if not math.isfinite(first.value):
        raise UserError(f"{first.name} is not a number")
    facts = json.loads(report.to_json())
    outcome = {"steps": steps, "seconds": seconds, "judged": time.monotonic() - began,
               **{key: facts[key] for key in ("figures", "features", "n", "warnings")}}
    return outcome, first.value if first.better == "lower" else -first.value


def train(path: Path, call: Call, limit: float | None, source: Source, device: str, quiet: bool) -> tuple[int, float]:
    """Train a run, or go on with it; return its steps and the seconds that they took."""
    started = (path / "recipe.yaml").is_file()
    if path.exists() and not started:
        shutil.rmtree(path)  # its worker died while it made the directory
    if started:
        changed = Call.load(Run.open(path).recipe, where=str(path / "recipe.yaml")).differs(call)
        if changed:
            raise UserError(f"{path} is from another recipe: " + "; ".join(changed))
    budget, recipe = Budget(limit), call.build(source)
    machine = Machine(device, call.options.training.precision, call.options.training.compile)
    trainer = fit(replace(recipe, hooks=[*recipe.hooks, budget]), path, text=call.text(), resume=started,
                  machine=machine, quiet=quiet)
    if trainer.step < recipe.steps:
        if not budget.spent:
            raise Interrupted
        # What time has ended is a whole run of so many steps: it can be repeated, and its report says that it is done.
        tree = call.options.model_dump(mode="json")
        write_text(path / "recipe.yaml", Call.make(call.name, tree, {"steps": trainer.step}).text())
    return trainer.step, budget.seconds


def judge(path: Path, source: Source, extractor: Extractor, n: int | None, device: str) -> Report:
    """Judge the last checkpoint of a run as ``ganworks evaluate`` does; write metrics.json, pictures and its report."""
    from ganworks.data.pictures import picture, save
    from ganworks.report import write_curves, write_report
    from ganworks.report.compare_clouds import cloud_png
    from ganworks.report.translations import judged
    from ganworks.train.portrait import portrait

    run = Run.open(path)
    trainer = rebuild(run, device=device, source=source if source.input is not None else None)
    report, worst = judged(trainer, source, extractor, n, JUDGING_SEED)
    if worst is not None:
        worst.write(path)
    facts = {"step": trainer.step, "weights": "averaged", **json.loads(report.to_json())}
    write_text(path / "metrics.json", json.dumps(facts, indent=2) + "\n")
    if len(source.shape) == 1:
        reference = source.head(2000)["sample"].numpy()
        write_bytes(path / PICTURE, cloud_png(trainer.samples(2000).numpy(), reference))
    else:
        save(portrait(trainer) if trainer.game.needs else picture(trainer.samples(64)), path / PICTURE)
    write_curves(run)
    write_report(run)
    return report


def extractor_of(tournament: Tournament, source: Source) -> Extractor:
    """Return the one extractor of all runs. A classifier is fitted once, and kept in the tournament's directory.

    So that machines that share the directory judge by the same network to the last bit.
    """
    from ganworks.evaluate.classifier import Classifier
    from ganworks.evaluate.judge import extractor_of as named

    features = tournament.judging["features"]
    labelled = len(source.shape) == 3 and source.classes is not None and len(source.classes) > 1
    if features == "classifier" or (features == "auto" and labelled):
        with locked(tournament.out, "extractor"):
            return Classifier.of(source, JUDGING_SEED, tournament.out / "extractor")
    return named(features, source, JUDGING_SEED)


def work_in_processes(out: Path, count: int, device: str, threads: int | None) -> None:
    """Do the tournament's runs in several processes; each prints a line when it has finished a run.

    The first Ctrl-C is handed on to all of them: each ends after its step, and what it has is saved.
    """
    words = [sys.executable, "-m", "ganworks", "compare", "--out", str(out), "--device", device, "--worker",
             str(os.getpid()), "--threads", str(threads or max(1, (os.cpu_count() or 1) // count))]
    # In groups of their own, or a terminal would send them Ctrl-C beside the one that is handed on.
    workers = [subprocess.Popen(words, start_new_session=True, env={**os.environ, "TTY_COMPATIBLE": "0"})
               for _ in range(count)]  # lines and no bars: many would draw over each other
    try:
        _wait(workers)
    except KeyboardInterrupt:
        note("stopping after the current steps; Ctrl-C again ends at once")
        _hand_on(workers)
        try:
            _wait(workers)
        except KeyboardInterrupt:
            _hand_on(workers)
            _wait(workers)
        raise
    ends = [worker.returncode for worker in workers]
    left = [state for state in Queue(out).states().values() if state.state in ("running", "waiting")]
    if left:
        if 130 in ends:
            raise KeyboardInterrupt
        raise UserError(f"{len(left)} runs are left, and no worker: they ended with {', '.join(map(str, ends))}",
                        "workers that live", "see what they said above, then the same command goes on")


def _wait(workers: Sequence[subprocess.Popen]) -> None:
    for worker in workers:
        worker.wait()


def _hand_on(workers: Sequence[subprocess.Popen]) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGINT)


def _orphaned(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGINT)


def _counts(queue: Queue) -> tuple[int, int]:
    states = queue.states().values()
    return sum(state.state in ("done", "failed") for state in states), len(states)


def _tally(queue: Queue) -> str:
    done, total = _counts(queue)
    return f"{done} of {total} runs done"


def _said(outcome: dict[str, Any]) -> str:
    from ganworks.report.words import number

    first = outcome["figures"][0]
    steps, seconds = outcome["steps"], outcome["seconds"]
    rate = f", {steps / seconds:,.1f} steps/s" if seconds > 0 else ""
    return f"{first['name']} {number(first['value'])}, {steps:,} steps{rate}"


def _eta(queue: Queue) -> str:
    from ganworks.report.words import duration

    states = list(queue.states().values())
    outcomes = [state.outcome for state in states if state.outcome]
    left = sum(state.state == "waiting" for state in states)
    running = sum(state.state == "running" for state in states)
    if not left or not outcomes:
        return ""
    mean = sum(found["seconds"] + found["judged"] for found in outcomes) / len(outcomes)
    return f"; {left} wait, ETA {duration(mean * (left + 0.5 * running) / (running + 1))}"
