"""What the user asks samples to be made on: classes by name or number, vectors by their numbers."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganworks.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from ganworks.train import Trainer
    from ganworks.train.portrait import Told


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Add --class and --vector."""
    parser.add_argument("--class", dest="classes", metavar="NAME[,NAME...]", help="only these classes, by name or by "
                        "number from 0: a row each in a grid, equal shares elsewhere")
    parser.add_argument("--vector", dest="vectors", metavar="X[,X...]", action="append", help="on this real vector, as "
                        "in --vector=-0.3,1.2; give it again for more of them")


def asked(trainer: Trainer, args: argparse.Namespace) -> Told | None:
    """Return the conditions that ``args`` ask for, None where they ask for none; UserError where they cannot be had."""
    if args.classes is None and args.vectors is None:
        return None
    import torch

    from ganworks.train.portrait import Told

    condition, option = trainer.game.condition, "--class" if args.classes is not None else "--vector"
    if condition is None:
        raise UserError(f"{option} for samples of {args.run}", "a run whose generator is told classes or vectors",
                        f"leave it out, or train with --condition {'label' if option == '--class' else 'vector'}")
    if args.vectors is None and condition == "label":
        names = trainer.source.classes or ()
        numbers = list(dict.fromkeys(class_number(part, names) for part in _classes(args.classes, names)))
        return Told(torch.tensor(numbers), tuple(names[number] for number in numbers))
    if args.classes is None and condition == "vector":
        rows = [_vector(text, trainer.source.vector or 0) for text in args.vectors]
        return Told(torch.tensor(rows), tuple(", ".join(f"{x:g}" for x in row) for row in rows))
    raise UserError(f"{option} for samples that are made on the {condition} of each",
                    "--class" if condition == "label" else "--vector", "leave the other one out")


def class_number(text: str, names: Sequence[str]) -> int:
    """Return the number of a class that is given by its name, or else by its number from 0."""
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    numbers = f"a number from 0 to {len(names) - 1}"
    if text.isdecimal():
        raise UserError(f"--class '{text}'", f"a name of the {len(names)} classes, or {numbers}")
    raise UserError(f"--class '{text}'", did_you_mean(text, names), f"give a name, or {numbers}")


def _classes(text: str, names: Sequence[str]) -> list[str]:
    # A name may have a comma of its own.
    return [text] if text in names else [part.strip() for part in text.split(",")]


def _vector(text: str, size: int) -> list[float]:
    try:
        row = [float(part) for part in text.split(",")]
    except ValueError:
        row = []
    if len(row) != size or not all(map(math.isfinite, row)):
        raise UserError(f"--vector {text}", f"{size} finite numbers with commas between them")
    return row
