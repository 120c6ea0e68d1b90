"""A training session: a recipe, a machine and a run directory brought together."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ganworks.console import note, warn
from ganworks.errors import UserError
from ganworks.files import write_text
from ganworks.train.hook import Hook
from ganworks.train.keep import Checkpoints, Samples
from ganworks.train.machine import Machine
from ganworks.train.recipe import Recipe
from ganworks.train.run import Run
from ganworks.train.trainer import Trainer
from ganworks.train.watch import Guard, Log, NonFinite, Progress

BUILT_IN_PYTHON = "# This run was built in Python: its own script rebuilds it, this file cannot.\nrecipe: null\n"

Beside = Callable[[Run], Sequence[Hook]]

CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)


def _none(run: Run) -> Sequence[Hook]:
    return ()


def fit(recipe: Recipe, path: Path | str | None = None, *, text: str = BUILT_IN_PYTHON, resume: bool = False,
        machine: Machine | None = None, quiet: bool = False, hooks: Beside = _none,
        after: Beside = _none) -> Trainer:
    """Train a recipe, in a run directory where a path is given, and return the trainer.

    Args:
        path: directory for log, checkpoints and samples; None keeps nothing.
        text: recipe.yaml of a new run.
        resume: go on with the run in ``path`` exactly where its last checkpoint stands.
        machine: where to train.
        quiet: show no progress.
        hooks: from the run to further hooks, called before its checkpoints are saved; not where there is no run.
        after: likewise, called after its checkpoints are saved and measured.

    Raises:
        UserError: the directory exists, or is of another recipe; a cost became non-finite; the disk is full.
    """
    machine = machine or Machine(precision=recipe.precision, compile=recipe.compile)
    if path is None:
        trainer = _trainer(recipe, None, resume, machine, quiet, hooks, after)
        trainer.fit()
        return trainer
    if not resume:
        Trainer(recipe, machine).rehearse()  # what does not fit the memory leaves no directory behind
    run = ready = None
    try:
        run = _directory(recipe, path, text, resume, machine)
        ready = _trainer(recipe, run, resume, machine, quiet, hooks, after)
        ready.fit()
        run.close()
    except NonFinite as error:
        raise NonFinite(error.problem, "finite costs", f"{_last_good(run)}; lower the learning rate, or clip the "
                        f"gradient (--clip 1), and train anew{_doctor(run)}") from error
    except UserError:
        if run is not None and machine.is_main and not resume and (ready is None or ready.step == 0):
            run.withdraw()  # refused in its first step: nothing of it is worth a name that cannot be taken again
        raise
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        raise UserError(f"cannot write into {path}: {error.strerror}", "room for the log and the checkpoints",
                        f"make room, then go on: ganworks train --resume {path} ({_last_good(run)})") from error
    finally:
        if run is not None:
            with contextlib.suppress(OSError):  # told already
                run.close()
    return ready


def _trainer(recipe: Recipe, run: Run | None, resume: bool, machine: Machine, quiet: bool, beside: Beside,
           after: Beside) -> Trainer:
    guard, log = Guard(recipe.cadence.log), Log(run, recipe.cadence.log)
    hooks: list[Hook] = [guard, log]
    if run is not None:
        hooks += [*beside(run), Samples(run, recipe.cadence.sample),
                  Checkpoints(run, guard, recipe.cadence, recipe.measure), *after(run)]
    if machine.is_main and not quiet:
        hooks.append(Progress(log))
    trainer = Trainer(recipe, machine, hooks)
    if run is not None and resume:
        _take_up(trainer, run)
    return trainer


def _directory(recipe: Recipe, path: Path | str, text: str, resume: bool, machine: Machine) -> Run:
    if machine.is_main and not resume:
        run = Run.create(path, text, _described(recipe))
        certify(recipe, run)
    machine.wait()
    run = Run.open(path)
    if machine.is_main:
        run.lock()
    return run


def _described(recipe: Recipe) -> dict[str, Any]:
    # What samples can be made from when the data is gone; what they are made on is kept where the game has a condition.
    source = recipe.source
    facts: dict[str, Any] = {"name": source.name, "shape": list(source.shape),
                             "classes": list(source.classes) if source.classes else None}
    if source.vector is not None:
        facts["vector"] = source.vector
    if source.input is not None:
        facts["input"] = list(source.input)
    elif recipe.game.condition is not None:
        facts["conditions"] = source.conditions.to_json()
    return facts


def certify(recipe: Recipe, run: Run) -> None:
    """Write what is known of a recipe's objectives before a step is taken: part of what the run says of itself."""
    certificates = {name: {"objective": objective.name, **objective.design.certificate().to_json()}
                    for name, objective in recipe.game.objectives.items() if objective.design is not None}
    if not certificates:
        (run.path / "certificate.json").unlink(missing_ok=True)  # of objectives that were played before
        return
    write_text(run.path / "certificate.json", json.dumps(certificates, indent=1))
    for found in certificates.values():
        for check in found["checks"]:
            if check["status"] == "warned":
                warn(f"objective {found['objective']}: {check['reason']}")


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
    return f"the last good checkpoint is {os.fspath(found[-1])}" if found else "there is no checkpoint yet"


def _doctor(run: Run | None) -> str:
    return f"; what the doctor says: ganworks diagnose {run.path}" if run and run.checkpoints() else ""
