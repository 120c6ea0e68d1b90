"""What a run's log says, as lines ready to be drawn: one panel for each thing a reader asks about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ganworks.train.series import Records, series

POINTS = 240
"""A line of more points is drawn as the means of this many parts, with the range of each part behind it."""

VITALS = (
    ("Whom the critic tells apart", "area under the ROC curve", ("told apart", "unseen told apart", "known by heart")),
    ("How varied samples are", "the data's is 1", ("diversity", "nearest")),
    ("Force on the samples", "norm of a gradient", ("force", "slope")),
    ("Gradients of the weights", "norm", ("gradient generator", "gradient critic")),
    ("Steps of the weights", "length, of that of the weights", ("step generator", "step critic")))
"""What is drawn of the vitals that ``diagnose.Vitals`` records: title, axis, names."""

EVIDENCE: Mapping[str, tuple[tuple[str, ...], str]] = {
    "variety": (("vital/diversity", "vital/nearest"), "the data's is 1"),
    "vanishing gradient": (("vital/force", "vital/slope"), "norm of a gradient"),
    "critic too strong": (("vital/told apart", "vital/unseen told apart"), "area under the ROC curve"),
    "critic too weak": (("vital/told apart", "vital/unseen told apart"), "area under the ROC curve"),
    "critic overfits": (("vital/known by heart",), "area under the ROC curve"),
    "batch-norm leak": (("vital/told apart",), "area under the ROC curve"),
    "dead units": (("vital/dead",), "share of a layer"),
    "learning rate": (("vital/step",), "length, of that of the weights"),
    "divergence": (("/adversarial",), "cost"), "cycling": (("score/",), "mean output"),
    "plateau": (("measure/",), "smaller is better")}
"""By a finding's name: beginnings of the quantities that show it (endings, where they begin with a stroke), an axis."""

WIDE = 50.0
"""Positive values whose largest is more than this many times their smallest are drawn on a logarithmic axis."""


@dataclass(frozen=True)
class Line:
    """One quantity over the steps.

    Attributes:
        name: its name in the legend.
        steps, values: (n,) each, steps rising.
        low, high: (n,) each, the range that each mean covers; equal to ``values`` where nothing was averaged.
    """

    name: str
    steps: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Panel:
    """One picture of curves: its title, what its vertical axis shows, and its lines.

    Attributes:
        marks_best: the smallest value is the best one, and is to be marked.
        from_zero: the vertical axis begins at 0.
        since: a step that is marked, or None.
    """

    title: str
    axis: str
    lines: tuple[Line, ...]
    marks_best: bool = False
    from_zero: bool = False
    since: int | None = None

    @property
    def logarithmic(self) -> bool:
        """Whether the values span so much that only a logarithmic axis shows them all."""
        low, high = (min(line.values.min() for line in self.lines), max(line.values.max() for line in self.lines))
        return bool(not self.from_zero and low > 0 and high > WIDE * low)


def panels(records: Records) -> list[Panel]:
    """Return what is worth drawing of a log: measures, each player's cost, the critic's scores, learning rates."""
    known = series(records)
    groups: dict[str, list[Line]] = {}
    for key, (steps, values) in known.items():
        group, _, name = key.partition("/")
        groups.setdefault(group, []).append(_line(name.replace("_", " "), steps, values))
    found = [Panel(f"{line.name} by step", "smaller is better", (line,), True) for line in groups.pop("measure", [])]
    scores, rates, vitals = groups.pop("score", []), groups.pop("rate", []), groups.pop("vital", [])
    found += [Panel(f"Cost of the {player.replace('_', ' ')}", "cost", tuple(lines))
              for player, lines in groups.items()]
    if scores:
        found.append(Panel("Critic's score", "mean output, high = real", tuple(scores)))
    if rates:
        found.append(Panel("Learning rates", "learning rate", _merged(rates), from_zero=True))
    return [*found, *_vital_panels(vitals)]


def _vital_panels(lines: Sequence[Line]) -> list[Panel]:
    """Return a panel for each kind of vitals, and for each duel where there are several."""
    found: dict[tuple[str, str], list[Line]] = {}
    for title, _, names in VITALS:
        for line in lines:
            for name in names:
                if line.name == name or line.name.startswith(name + " "):
                    duel = line.name.removeprefix(name)
                    found.setdefault((title, duel), []).append(replace(line, name=name))
    axes = {title: axis for title, axis, _ in VITALS}
    return [Panel(title + duel, axes[title], tuple(own)) for (title, duel), own in found.items()]


def evidence_panel(finding: str, since: int | None, records: Records) -> Panel | None:
    """Return the curves of a log on which a finding about the course rests; None where it has none of them.

    Args:
        finding: its short name.
        since: the step at which it began.
    """
    wanted, axis = EVIDENCE.get(finding, ((), ""))
    lines = tuple(_line(key.removeprefix("vital/").replace("/", " ").replace("_", " "), *line)
                  for key, line in series(records).items() if any(
                      key.startswith(name) or (name[0] == "/" and key.endswith(name)) for name in wanted))
    return Panel(finding, axis, lines, since=since) if lines else None


def measures(records: Records) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return (steps, values) of each measure of the checkpoints, by its name ("FD (pixels)", say)."""
    return {key.partition("/")[2]: line for key, line in series(records).items() if key.startswith("measure/")}


def last_step(records: Records) -> int:
    """Return the last step that the log tells of, 0 where it tells of none."""
    return max((step for step in _numbers(records, "step") if float(step).is_integer()), default=0)


def pace(records: Records) -> float | None:
    """Return steps per second over the whole training, None where the log does not say."""
    seconds = max(_numbers(records, "seconds"), default=0.0)
    timed = [record for record in records if isinstance(record, Mapping) and "seconds" in record]
    return last_step(timed) / seconds if seconds > 0 else None


def _numbers(records: Records, key: str) -> Iterable[Any]:
    found = (record.get(key) for record in records if isinstance(record, Mapping))
    return (value for value in found if isinstance(value, int | float) and math.isfinite(value))


def _line(name: str, steps: np.ndarray, values: np.ndarray) -> Line:
    if len(steps) <= POINTS:
        return Line(name, steps, values, values, values)
    parts = [(part, values[part]) for part in np.array_split(np.arange(len(steps)), POINTS)]
    return Line(name, np.array([steps[part].mean() for part, _ in parts]),
                *(np.array([of(held) for _, held in parts]) for of in (np.mean, np.min, np.max)))


def _merged(lines: Sequence[Line]) -> tuple[Line, ...]:
    # Equal lines would hide each other: they become one, under both names.
    kept: list[Line] = []
    for line in lines:
        for i, other in enumerate(kept):
            if np.array_equal(line.steps, other.steps) and np.array_equal(line.values, other.values):
                kept[i] = replace(other, name=f"{other.name} and {line.name}")
                break
        else:
            kept.append(line)
    return tuple(kept)
