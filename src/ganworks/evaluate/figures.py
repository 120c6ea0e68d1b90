"""What an evaluation says: figures with their intervals and floors, as a table and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from ganworks.errors import UserError, did_you_mean

EACH_END = 5
"""Classes that are printed from each end; all of them where there are no more than twice as many."""


@dataclass(frozen=True)
class Figure:
    """One number of an evaluation.

    Attributes:
        name: with the extractor's name in brackets.
        value: the figure of the generated samples against the reals.
        low, high: ends of its interval; None where an interval has no meaning.
        floor: the same figure of *other reals* against the same reals, at equal n: what a perfect generator would get.
        n: samples on each side.
        better: which way is better.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    floor: float
    n: int
    better: Literal["lower", "higher"]


@dataclass(frozen=True)
class ClassFigures:
    """How well samples are of one class that they were asked to be of.

    Attributes:
        name: the class.
        accuracy: the share of them that a classifier of real data gives that name.
        confused: the name it gives most often instead, None where it never errs.
        confused_share: how often, as a share of all.
        distance: their Frechet distance to real samples of the class; None where there are too few of either.
    """

    name: str
    accuracy: Figure
    confused: str | None
    confused_share: float
    distance: Figure | None


@dataclass(frozen=True)
class Report:
    """An evaluation: what was measured on which features, what to beware of, and how long it took.

    Attributes:
        source: name of the real data.
        features: name of the extractor.
        facts: what the extractor says of itself.
        n: samples of each kind: generated, real, and other real for the floor.
        level: probability of the intervals.
        figures: in the order of the metrics.
        warnings: sentences for the reader.
        seconds: for all of it, sampling included.
        classes: class by class, where the samples were asked to be of classes; the worst accuracy first.
    """

    source: str
    features: str
    facts: Mapping[str, str | int | float]
    n: int
    seed: int
    level: float
    figures: tuple[Figure, ...]
    warnings: tuple[str, ...]
    seconds: float
    classes: tuple[ClassFigures, ...] = ()

    def __getitem__(self, name: str) -> Figure:
        """Return the figure called ``name``, with or without its brackets."""
        for figure in self.figures:
            if name in (figure.name, figure.name.split(" (")[0]):
                return figure
        raise UserError(f"no figure '{name}' in this report", did_you_mean(name, (f.name for f in self.figures)))

    def to_json(self) -> str:
        """Return the report as JSON; a number that is not finite becomes null."""
        return json.dumps(_finite(asdict(self)), indent=2, allow_nan=False) + "\n"

    def table(self) -> str:
        """Return the report as text: one line a figure, the floor beside it, warnings below."""
        head = ("figure", "value", f"{self.level:.0%} interval", "real vs real", "n", "better")
        lines = _aligned([head] + [(f.name, _short(f.value), _interval(f), _short(f.floor), str(f.n), f.better)
                                   for f in self.figures], left=(0, 5))
        if self.classes:
            lines += ["", *_class_lines(self.classes)]
        about = ", ".join([self.features, *(f"{key} {value}" for key, value in self.facts.items())])
        lines.append(f"{self.source}; features: {about}; seed {self.seed}; {self.seconds:.1f} s")
        lines += [f"note: {warning}" for warning in self.warnings]
        return "\n".join(lines)


def _class_lines(classes: Sequence[ClassFigures]) -> list[str]:
    """Return the worst and the best classes by their accuracy, as lines."""
    shown = list(classes) if len(classes) <= 2 * EACH_END else [*classes[:EACH_END], *classes[-EACH_END:]]
    distance = next((one.distance.name for one in shown if one.distance), "")
    head = ("class, worst first", "accuracy", "interval", "of reals", "n", "taken for")
    rows = [head + ((distance, "real vs real") if distance else ())]
    for one in shown:
        rate = one.accuracy
        row = (one.name, _short(rate.value), _interval(rate), _short(rate.floor), str(rate.n),
               f"{one.confused} ({one.confused_share:.0%})" if one.confused else "-")
        far = ("-", "-") if one.distance is None else (_short(one.distance.value), _short(one.distance.floor))
        rows.append(row + (far if distance else ()))
    lines = _aligned(rows, left=(0, 5))
    if len(classes) > len(shown):
        lines.insert(2 + EACH_END, f"... {len(classes) - len(shown)} more")
    return lines


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Return rows as lines of columns, those in ``left`` to the left, with a rule below the first."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _interval(figure: Figure) -> str:
    return "-" if figure.low is None or figure.high is None else f"{_short(figure.low)} .. {_short(figure.high)}"


def _short(value: float) -> str:
    if math.isnan(value):
        return "-"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e6 else f"{value:.4g}"


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value
