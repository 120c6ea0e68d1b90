"""Who won: figures of several runs a side, means with intervals over seeds, and what is within noise of the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from ganworks.errors import UserError, did_you_mean
from ganworks.report.words import number

LEVEL = 0.95
"""Probability of the intervals; a difference is noise where the test's p is not below 1 - LEVEL."""


@dataclass(frozen=True)
class Result:
    """One run of a tournament; what is not known yet is None.

    Attributes:
        state: "done", "failed", "running" or "waiting". reason: why it failed.
        steps, seconds: of its training.
        figures: records with "name", "value", "floor", "better".
    """

    label: str
    seed: int
    state: str
    reason: str = ""
    steps: int | None = None
    seconds: float | None = None
    figures: tuple[Mapping[str, Any], ...] = ()

    def value(self, name: str) -> float | None:
        """Return a figure's value, None where there is none or where it is not finite."""
        found = next((figure["value"] for figure in self.figures if figure["name"] == name), None)
        return float(found) if found is not None and math.isfinite(found) else None


@dataclass(frozen=True)
class Standing:
    """An entrant by one figure.

    Attributes:
        values: seed -> figure, of the runs that are done.
        mean, half: their mean, and half the width of Student's interval over seeds (None with fewer than two).
        best, worst: seeds; None without values.
        p: of Welch's test of this entrant's seeds against the leader's; None where either has fewer than two.
        leads: whether it is the one with the best mean.
        steps: fewest and most steps of its runs. pace: seconds a step.
        of, failed: how many runs it has, and how many of them failed.
    """

    label: str
    values: Mapping[int, float]
    mean: float | None
    half: float | None
    best: int | None
    worst: int | None
    steps: tuple[int, int] | None
    pace: float | None
    of: int
    failed: int
    p: float | None = None
    leads: bool = False

    @property
    def mark(self) -> str:
        """What can be said of its distance to the leader."""
        if self.mean is None:
            return ""
        if self.leads:
            return "best"
        if self.p is None:
            return "too few seeds to tell"
        return "within noise of the best" if self.p >= 1 - LEVEL else "worse"


@dataclass(frozen=True)
class Table:
    """All entrants by one figure, the best one first.

    Attributes:
        floor: the figure of other real data against the real data; the same for all runs, since all are judged on the
            same samples.
    """

    name: str
    better: str
    floor: float | None
    rows: tuple[Standing, ...]


def interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float | None]:
    """Return the mean and half the width of Student's interval of the mean: t s / sqrt(n) with n - 1 degrees.

    Half the width is None for a single value.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None
    t = float(stats.t.ppf((1 + level) / 2, len(values) - 1))
    return mean, t * float(np.std(values, ddof=1)) / math.sqrt(len(values))


def welch(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return the two-sided p of Welch's t test, which allows unequal variances; None with fewer than two values.

    Where neither side varies, 1 for equal means and 0 for others.
    """
    if min(len(a), len(b)) < 2:
        return None
    if np.ptp(a) == np.ptp(b) == 0:
        return 1.0 if a[0] == b[0] else 0.0
    sides = [value for side in (a, b) for value in (np.mean(side), np.std(side, ddof=1), len(side))]
    return float(stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue)


def figure_names(results: Sequence[Result]) -> list[str]:
    """Return the names of all figures, in their order."""
    return list(dict.fromkeys(figure["name"] for result in results for figure in result.figures))


def decides(names: Sequence[str]) -> str:
    """Return the figure by which entrants are sorted if no other is asked for: W1 where it is known, or the first.

    On points the first is a count of modes, which few samples anywhere near them raise.
    """
    return "W1" if "W1" in names else names[0]


def table(results: Sequence[Result], name: str | None = None) -> Table:
    """Return the standings by a figure: "name", its name without the brackets, or the one that ``decides``.

    Those who lost runs come after those who did not, since the mean of what survived flatters; without a figure, last.

    Raises:
        UserError: no such figure.
    """
    names = figure_names(results)
    chosen = decides(names) if names and name is None else next(
        (known for known in names if name in (known, known.split(" (")[0])), None)
    labels = dict.fromkeys(result.label for result in results)
    if chosen is None:
        if name is not None and names:
            raise UserError(f"no figure '{name}'", did_you_mean(name, names))
        return Table(name or "", "lower", None, tuple(_standing(results, label, "", "lower") for label in labels))
    figure = next(f for result in results for f in result.figures if f["name"] == chosen)
    better = str(figure["better"])
    sign = 1 if better == "lower" else -1
    rows = sorted((_standing(results, label, chosen, better) for label in labels),
                  key=lambda row: (row.mean is None, row.failed > 0, 0.0 if row.mean is None else sign * row.mean))
    return Table(chosen, better, figure["floor"], _against_the_first(rows))


def text(found: Table) -> str:
    """Return the standings as text, a line an entrant."""
    figure = f"{found.name or 'figure'}, {found.better} is better"
    head = ("entrant", figure, "best (seed)", "worst (seed)", "real vs real", "s/step", "steps", "runs", "")
    rows = [head, *((row.label, with_half(row.mean, row.half), seeded(row, row.best), seeded(row, row.worst),
                     _or_dash(found.floor), _or_dash(row.pace, 3), span(row.steps), runs(row), row.mark)
                    for row in found.rows)]
    return columns(rows, left=(0, 8))


def means_text(results: Sequence[Result], order: Sequence[str]) -> str:
    """Return the means of all figures as text, a line a figure, a column an entrant."""
    tables = [table(results, name) for name in figure_names(results)]
    rows = [("mean over seeds", *order, "real vs real", "better")]
    for found in tables:
        by = {row.label: row for row in found.rows}
        rows.append((found.name, *(with_half(by[label].mean, by[label].half, 3) for label in order),
                     _or_dash(found.floor, 3), found.better))
    return columns(rows, left=(0, len(order) + 2))


def columns(rows: Sequence[Sequence[str]], left: Sequence[int]) -> str:
    """Return rows of words in columns under a head; all but the columns ``left`` stand to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def with_half(mean: float | None, half: float | None, digits: int = 4) -> str:
    """Return a mean with its interval: 12.3 ± 1.2."""
    if mean is None:
        return "-"
    return number(mean, digits) + ("" if half is None else f" ± {number(half, 2)}")


def seeded(row: Standing, seed: int | None) -> str:
    return "-" if seed is None else f"{number(row.values[seed])} ({seed})"


def span(steps: tuple[int, int] | None) -> str:
    if steps is None:
        return "-"
    low, high = steps
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def runs(row: Standing) -> str:
    """Return how many of an entrant's runs are done: "3", or "1 of 3, 1 failed"."""
    words = f"{len(row.values)}" if len(row.values) == row.of else f"{len(row.values)} of {row.of}"
    return words + (f", {row.failed} failed" if row.failed else "")


def to_json(found: Table) -> dict[str, Any]:
    """Return the standings as plain values."""
    return {"figure": found.name, "better": found.better, "floor": found.floor, "level": LEVEL, "entrants": [
        {"label": row.label, "mean": row.mean,
         "interval": None if row.half is None or row.mean is None else [row.mean - row.half, row.mean + row.half],
         "values": {str(seed): value for seed, value in row.values.items()}, "best_seed": row.best,
         "worst_seed": row.worst, "seconds_a_step": row.pace, "steps": row.steps, "runs": row.of,
         "failed": row.failed, "p_against_best": row.p, "mark": row.mark} for row in found.rows]}


def _standing(results: Sequence[Result], label: str, name: str, better: str) -> Standing:
    mine = [result for result in results if result.label == label]
    known = {result.seed: value for result in mine if (value := result.value(name)) is not None}
    mean, half = interval(list(known.values())) if known else (None, None)
    ranked = sorted(known, key=lambda seed: known[seed], reverse=better == "higher")
    steps = [result.steps for result in mine if result.steps]
    seconds = [result.seconds for result in mine if result.steps and result.seconds is not None]
    return Standing(label, known, mean, half, ranked[0] if ranked else None, ranked[-1] if ranked else None,
                    (min(steps), max(steps)) if steps else None, sum(seconds) / sum(steps) if seconds else None,
                    len(mine), sum(result.state == "failed" for result in mine))


def _against_the_first(rows: Sequence[Standing]) -> tuple[Standing, ...]:
    if not rows or rows[0].mean is None:
        return tuple(rows)
    first = rows[0]
    return (replace(first, leads=True), *(
        replace(row, p=welch(list(row.values.values()), list(first.values.values()))) for row in rows[1:]))


def _or_dash(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else number(value, digits)
