"""What is known of a run from its files, whatever state they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ganworks.errors import UserError
from ganworks.report.history import last_step, pace
from ganworks.train.run import Run


@dataclass(frozen=True)
class Facts:
    """A run in short; None stands for what its files do not say.

    Attributes:
        path, name: its directory as it was given, and the directory's name.
        recipe: text of recipe.yaml.
        recipe_name: which recipe it is.
        data: what it learns from, in words.
        step, steps: the last logged step, and how many were planned.
        batch: samples of one step.
        seconds: training time.
        pace: steps per second.
        averaged: samples are made with averaged weights.
        records: the log.
        has_checkpoint: whether there is one to go on from.
    """

    path: str
    name: str
    recipe: str
    recipe_name: str | None
    data: str
    step: int
    steps: int | None
    batch: int | None
    seconds: float
    pace: float | None
    averaged: bool
    records: Sequence[Mapping[str, Any]]
    has_checkpoint: bool


def facts_of(run: Run) -> Facts:
    """Read a run's files. None of them is trusted: a missing or broken one leaves gaps, and raises nothing."""
    records = [record for record in run.records() if isinstance(record, Mapping)]
    recipe = run.recipe
    tree = _tree(recipe)
    training = tree.get("training")
    training = training if isinstance(training, Mapping) else {}
    name = tree.get("recipe")
    seconds = max((record["seconds"] for record in records if isinstance(record.get("seconds"), int | float)),
                  default=0.0)
    return Facts(str(run.path), run.path.resolve().name, recipe, str(name) if name else None, _data(run),
                 last_step(records), _whole(training.get("steps")), _whole(training.get("batch")), seconds,
                 pace(records), training.get("ema") is not None, records, bool(run.checkpoints()))


def _tree(text: str) -> Mapping[str, Any]:
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return tree if isinstance(tree, Mapping) else {}


def _data(run: Run) -> str:
    try:
        source = run.source
        name, shape = str(source["name"]), [int(n) for n in source["shape"]]
        classes = source.get("classes")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UserError):
        return "data that source.json does not tell of"
    if len(shape) == 3:
        kind = {1: "grey", 3: "RGB", 4: "RGBA"}.get(shape[0], f"{shape[0]}-channel")
        words = f"{name} ({kind} images, {shape[2]}\N{MULTIPLICATION SIGN}{shape[1]}"
    else:
        words = f"{name} (points of {shape[0]} numbers" if len(shape) == 1 else f"{name} (shape {shape}"
    return words + (f", {len(classes)} classes)" if isinstance(classes, list) and classes else ")")


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
