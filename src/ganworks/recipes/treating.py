"""What is done about a sick training: its recipe is changed, and it goes on from its last healthy checkpoint.

A treatment is first written down (``decide``), then carried out (``settle``). A process that is killed in between
leaves one that is not done, and ``settle`` begins it again: each of its steps may be taken twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import nn

from ganworks.diagnose import Finding
from ganworks.diagnose.past import LAST
from ganworks.errors import UserError
from ganworks.files import write_text
from ganworks.recipes.call import Call
from ganworks.train import Recipe, Run
from ganworks.train.session import certify
from ganworks.train.state import read_facts, read_state, write_state

MOST = 3
"""A training that so many treatments have not mended is not mended by more."""
FILE = "interventions.json"

Read = Callable[[str], Mapping[str, Any]]
"""From options as they are typed to their values by name; raises UserError."""


@dataclass(frozen=True)
class Treatment:
    """What was done to a run at a step, and why.

    Attributes:
        at: the step at which it was decided.
        finding, title: what was wrong, by its short name and in a line.
        do, why: the remedy.
        back_to: the step of the checkpoint from which it goes on; 0 is the start.
        recipe: text of the changed recipe.yaml.
        done: it has been carried out.
    """

    at: int
    finding: str
    title: str
    do: str
    why: str
    back_to: int
    recipe: str
    done: bool = False


def piloted(run: Run) -> bool:
    """Whether a run is trained on autopilot."""
    return (run.path / FILE).is_file()


def treatments(run: Run) -> list[Treatment]:
    """Return what has been done to a run, the first one first."""
    if not piloted(run):
        return []
    return [Treatment(**one) for one in json.loads((run.path / FILE).read_text(encoding="utf-8"))]


def decide(run: Run, known: list[Treatment]) -> None:
    """Write down what has been done to a run; an empty list says that it is on autopilot."""
    write_text(run.path / FILE, json.dumps([asdict(one) for one in known], indent=1) + "\n")


def treatment(run: Run, call: Call, recipe: Recipe, finding: Finding, at: int, read: Read) -> Treatment | None:
    """Return what to do about a finding: its first remedy that can be applied and has not been tried in vain.

    Args:
        call, recipe: what is trained now.
        finding: with its remedies written out; those in words are passed over.
        at: the step that has been reached.
        read: the parser of options.
    """
    known = treatments(run)
    if len(known) >= MOST:
        return None
    back_to = _healthy(run, finding, at, known)
    tried = {(one.finding, one.why) for one in known}
    for remedy in finding.remedies:
        if remedy.do.startswith("-") and (finding.name, remedy.why) not in tried:
            changed = _changed(call, recipe, remedy.do, read, afresh=back_to == 0)
            if changed is not None:
                return Treatment(at, finding.name, finding.title, remedy.do, remedy.why, back_to, changed.text())
    return None


def settle(run: Run) -> None:
    """Carry out the treatment that was decided on last, unless it is done: afterwards the run can be resumed."""
    known = treatments(run)
    if not known or known[-1].done:
        return
    one = known[-1]
    run.lock()
    try:
        after = Call.load(one.recipe).build()
        if one.back_to:
            path = run.checkpoints()[run.steps.index(one.back_to)]
            write_state(path, grafted(read_state(path), Call.load(run.recipe).build(), after), read_facts(path))
        run.go_back(one.back_to)
        certify(after, run)
        write_text(run.path / "recipe.yaml", one.recipe)
        decide(run, [*known[:-1], replace(one, done=True)])
    finally:
        run.close()


def grafted(state: Mapping[str, Any], before: Recipe, after: Recipe) -> dict[str, Any]:
    """Return a trainer's state under one recipe as one under another, whose players have the same shapes.

    Weights and averages stay. What an optimiser remembers stays where it is of the same kind; its rates are the new
    recipe's. What the new game has beside its players begins anew where the old one had nothing like it.
    """
    old, optimisers = state["game"], {}
    game = {name: old[name] if name in old and old[name].shape == value.shape else value
            for name, value in after.game.state_dict().items()}
    for name, player in after.game.players.items():
        facts = after.optimisers[name]
        fresh = facts.build(p for p in player.parameters() if p.requires_grad).state_dict()
        same = facts.kind == before.optimisers[name].kind
        optimisers[name] = {**fresh, "state": state["optimisers"][name]["state"]} if same else fresh
    return {**state, "game": game, "optimisers": optimisers}


def _healthy(run: Run, finding: Finding, at: int, known: list[Treatment]) -> int:
    # A course is judged by its last part, so that is where it began when nothing more exact is known. Where the same
    # came again after a treatment, what that went on from was ill already.
    began = at * (1 - LAST) if finding.since is None else finding.since
    before = min([began, *(one.back_to for one in known if one.finding == finding.name)])
    return next((step for step in reversed(run.steps) if step < before and _readable(run, step)), 0)


def _readable(run: Run, step: int) -> bool:
    try:
        run.load(str(step))
    except UserError:
        return False
    return True


def _changed(call: Call, recipe: Recipe, do: str, read: Read, afresh: bool) -> Call | None:
    """Return a call with options changed; None where that cannot be, changes nothing, or a checkpoint would not fit."""
    try:
        changed = Call.load(call.text(), read(do))
        after = changed.build()
    except UserError:
        return None
    fits = afresh or (_shapes(after) == _shapes(recipe) and _kept(after) <= _kept(recipe))
    return changed if changed.options != call.options and fits else None


def _shapes(recipe: Recipe) -> dict[str, dict[str, Any]]:
    def of(player: nn.Module) -> dict[str, Any]:
        return {name: value.shape for name, value in player.state_dict().items()}

    return {name: of(player) for name, player in recipe.game.players.items()}


def _kept(recipe: Recipe) -> set[str]:
    return {hook.name for hook in recipe.hooks if hook.name}
