"""Training on autopilot: what turns seriously ill goes back to its last healthy checkpoint and on with a remedy."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganworks.errors import UserError

if TYPE_CHECKING:
    from ganworks.diagnose import Finding
    from ganworks.diagnose.watcher import Act
    from ganworks.recipes import Call
    from ganworks.recipes.treating import Treatment
    from ganworks.train import Cadence, Hook, Machine, Recipe, Run, Trainer
    from ganworks.train.session import Beside

KEEP = 8
"""Checkpoints that are kept at least: what is found out at step n may have begun by 2 n / 3."""

Watching = Callable[["Call", "Cadence", bool, "Act | None", int, "Run"], Sequence["Hook"]]


class Ill(Exception):
    """Ends a training that is to go on with a treatment."""

    def __init__(self, treatment: Treatment) -> None:
        super().__init__(treatment.title)
        self.treatment = treatment


def prepared(call: Call) -> Call:
    """Return a call whose run keeps enough checkpoints to go back to."""
    from ganworks.recipes import Call

    return Call.load(call.text(), {"keep": max(KEEP, call.values["keep"])})


def fly(call: Call, recipe: Recipe, path: Path, machine: Machine, quiet: bool, resume: bool,
        watching: Watching, after: Beside) -> Trainer:
    """Train, as ``fit`` does, and treat what is found to be seriously wrong on the way, at most three times."""
    from ganworks.recipes import Call
    from ganworks.recipes.treating import decide, settle, treatments
    from ganworks.train import Run

    if machine.world > 1:
        raise UserError(f"--autopilot in {machine.world} processes", "one process", "leave --autopilot out")
    while True:
        try:
            return _trained(call, recipe, path, machine, quiet, resume, watching, after)
        except Ill as ill:
            treatment = ill.treatment
        run = Run.open(path)
        decide(run, [*treatments(run), treatment])
        _tell(treatment)
        settle(run)
        call, resume = Call.load(treatment.recipe), True
        recipe = call.build()


def _trained(call: Call, recipe: Recipe, path: Path, machine: Machine, quiet: bool, resume: bool,
             watching: Watching, after: Beside) -> Trainer:
    from ganworks.recipes.treating import decide, piloted, treatment, treatments
    from ganworks.train import Run, fit
    from ganworks.train.watch import NonFinite

    def act(finding: Finding, step: int) -> None:
        found = None
        if finding.severity == "serious":
            found = treatment(Run.open(path), call, recipe, finding, step, lambda do: read(do, path))
        if found is not None:
            raise Ill(found)

    def hooks(run: Run) -> Sequence[Hook]:
        if not piloted(run):
            decide(run, [])
        done = treatments(run)
        return watching(call, recipe.cadence, quiet, act, done[-1].back_to if done else 0, run)

    try:
        return fit(recipe, path, text=call.text(), resume=resume, machine=machine, quiet=quiet, hooks=hooks,
                   after=after)
    except NonFinite as error:
        act(*_diverged(Run.open(path), call, error))
        raise


def _diverged(run: Run, call: Call, error: UserError) -> tuple[Finding, int]:
    """Return the finding that a cost which is no number amounts to, and the last step that is logged."""
    from ganworks.diagnose import prescribed
    from ganworks.diagnose.advice import finding
    from ganworks.diagnose.watcher import wrong
    from ganworks.recipes.treating import treatments

    after = max((one.back_to for one in treatments(run)[-1:]), default=0)
    records = [record for record in run.records() if record["step"] > after]
    last = max((record["step"] for record in records), default=after)
    since = next((one.since for one in wrong(records) if one.name == "divergence"), None)
    found = replace(finding("divergence", "serious", (), last + 1 if since is None else since), title=error.problem)
    return prescribed([found], call.values)[0], last


def read(do: str, path: Path) -> Mapping[str, Any]:
    """Return the options of a remedy by their names, read as the command line of the run's recipe would be."""
    from ganworks.cli import Parser
    from ganworks.commands.train import add_options

    parser = Parser(prog="ganworks train", add_help=False)
    add_options(parser, str(path / "recipe.yaml"))
    return vars(parser.parse_args(shlex.split(do)))


def _tell(one: Treatment) -> None:
    from ganworks.console import warn

    where = f"step {one.back_to:,}" if one.back_to else "the start"
    warn(f"autopilot, step {one.at:,}: {one.title}; going back to {where} and on with {one.do} ({one.why})")
