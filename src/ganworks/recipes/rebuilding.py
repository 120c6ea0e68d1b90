"""From a run on disk back to a trainer with its weights."""

from __future__ import annotations

from ganworks.console import warn
from ganworks.data.conditions import Conditions
from ganworks.data.source import Described, Source
from ganworks.recipes.call import Call
from ganworks.train import Machine, Run, Trainer


def rebuild(run: Run, checkpoint: str = "last", device: str = "auto", source: Source | None = None) -> Trainer:
    """Return a trainer with the weights of a checkpoint, ready to make samples; the data need not be at hand.

    Args:
        checkpoint: "last", "best", or a step.
        source: the data, where it is at hand and samples are made from it.
    """
    call, facts = Call.load(run.recipe, where=str(run.path / "recipe.yaml")), run.source
    state, damaged = run.load(checkpoint)
    for problem in damaged:
        warn(f"{problem}; the one before it is used")
    classes = tuple(facts["classes"]) if facts["classes"] else None
    law = Conditions.from_json(facts["conditions"]) if facts.get("conditions") else None
    given = tuple(facts["input"]) if facts.get("input") else None
    known = Described(facts["name"], tuple(facts["shape"]), classes, facts.get("vector"), law, given)
    recipe = call.build(known if source is None else source)
    trainer = Trainer(recipe, Machine(device, recipe.precision))
    trainer.load_state_dict(state)
    for hook in trainer.hooks:
        hook.start(trainer)
    return trainer
