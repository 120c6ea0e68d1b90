"""A training session: a recipe, a machine and a run directory brought together."""

from __future__ import annotations

import os
from pathlib import Path

from ganworks.console import note, warn
from ganworks.errors import UserError
from ganworks.train.hook import Hook
from ganworks.train.keep import Checkpoints, Samples
from ganworks.train.machine import Machine
from ganworks.train.recipe import Recipe
from ganworks.train.run import Run
from ganworks.train.trainer import Trainer
from ganworks.train.watch import Guard, Log, NonFinite, Progress

BUILT_IN_PYTHON = "# This run was built in Python: its own script rebuilds it, this file cannot.\nrecipe: null\n"


def fit(recipe: Recipe, path: Path | str | None = None, *, text: str = BUILT_IN_PYTHON, resume: bool = False,
        machine: Machine | None = None, quiet: bool = False) -> Trainer:
    """Train a recipe, in a run directory where a path is given, and return the trainer.

    Args:
        path: directory for log, checkpoints and samples; None keeps nothing.
        text: recipe.yaml of a new run.
        resume: go on with the run in ``path`` exactly where its last checkpoint stands.
        machine: where to train.
        quiet: show no progress.

    Raises:
        UserError: the directory exists, or is of another recipe; a cost became non-finite; the disk is full.
    """
    machine = machine or Machine(precision=recipe.precision, compile=recipe.compile)
    run = _directory(recipe, path, text, resume, machine) if path is not None else None
    guard, log = Guard(recipe.cadence.log), Log(run, recipe.cadence.log)
    hooks: list[Hook] = [guard, log]
    if run is not None:
        hooks += [Samples(run, recipe.cadence.sample), Checkpoints(run, guard, recipe.cadence, recipe.measure)]
    if machine.is_main and not quiet:
        hooks.append(Progress(log))
    trainer = Trainer(recipe, machine, hooks)
    try:
        if run is not None and resume:
            _take_up(trainer, run)
        trainer.fit()
    except NonFinite as error:
        raise NonFinite(error.problem, "finite costs", _last_good(run)) from error
    except OSError as error:
        if run is None:
            raise
        raise UserError(f"cannot write into {run.path}: {error.strerror or error}", "room for a checkpoint",
                        f"make room, then go on: ganworks train --resume {run.path}. {_last_good(run)}") from error
    finally:
        if run is not None:
            run.close()
    return trainer


def _directory(recipe: Recipe, path: Path | str, text: str, resume: bool, machine: Machine) -> Run:
    if machine.is_main and not resume:
        source = recipe.source
        facts = {"name": source.name, "shape": list(source.shape),
                 "classes": list(source.classes) if source.classes else None}
        Run.create(path, text, facts)
    machine.wait()
    run = Run.open(path)
    if machine.is_main:
        run.lock()
    return run


def _take_up(trainer: Trainer, run: Run) -> None:
    if run.checkpoints():
        state, damaged = run.load("last")
        for problem in damaged if trainer.machine.is_main else []:
            warn(f"{problem}; the one before it is used")
        trainer.load_state_dict(state)
    trainer.machine.wait()
    if trainer.machine.is_main:
        run.rewind(trainer.step)
        note(f"resuming {run.path} at step {trainer.step} of {trainer.recipe.steps}")


def _last_good(run: Run | None) -> str:
    found = run.checkpoints() if run else []
    if not found:
        return "there is no checkpoint to go back to; lower the learning rate, or clip the gradient (--clip 1)"
    return (f"the last good checkpoint is {os.fspath(found[-1])}; lower the learning rate, or clip the gradient "
            "(--clip 1), and train anew")
