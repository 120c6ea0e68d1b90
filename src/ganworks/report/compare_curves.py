"""Curves of a tournament: what was measured while training, a line an entrant with the range of its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.report.drawing import PAGE, plain_axes, svg_of
from ganworks.report.history import Line, Panel, measures
from ganworks.train.run import Run

SIZE = (6.0, 3.0)
"""Width and height of a panel in inches."""
DASHES = ("-", "--", ":")
"""More entrants than colours get the next kind of line."""


def curves_html(paths: Mapping[tuple[str, int], Path], order: Sequence[str]) -> str:
    """Return the curves of all measures with a legend, "" where nothing was measured.

    Args:
        paths: directory of each run, by (label, seed).
        order: labels, the first one gets the first colour.
    """
    found = panels(paths, order)
    if not found:
        return ""
    legend = "".join(f"<span><svg viewBox='0 0 26 8'><line x1='0' x2='26' y1='4' y2='4' stroke='var(--line-{i % 6 + 1})"
                     f"' stroke-width='3' stroke-dasharray='{('none', '8 4', '3 3')[i // 6 % 3]}'/></svg>"
                     f"{escape(label)}</span>" for i, label in enumerate(order))
    drawn = "".join(f'<div class="card"><h3>{escape(panel.title)}</h3>{_svg(panel, order)}</div>' for panel in found)
    return f'<div class="legend">{legend}</div><div class="curves compared">{drawn}</div>'


def panels(paths: Mapping[tuple[str, int], Path], order: Sequence[str]) -> list[Panel]:
    """Return a panel for each measure that was taken while training, a line an entrant."""
    held: dict[str, dict[str, list[tuple[np.ndarray, np.ndarray]]]] = {}
    for (label, _), path in paths.items():
        try:
            records = Run.open(path).records()
        except (UserError, OSError):
            continue
        for name, line in measures(records).items():
            held.setdefault(name, {}).setdefault(label, []).append(line)
    return [Panel(f"{name} by step", "smaller is better", tuple(
        mean_line(label, by[label]) for label in order if label in by)) for name, by in held.items()]


def mean_line(label: str, lines: Sequence[tuple[np.ndarray, np.ndarray]]) -> Line:
    """Return the mean of several seeds' (steps, values), with their range, at the steps that all of them have.

    Where they share no step, at all steps.
    """
    known: dict[int, list[float]] = {}
    for steps, values in lines:
        for step, value in zip(steps, values, strict=True):
            known.setdefault(int(step), []).append(float(value))
    shared = [step for step, values in known.items() if len(values) == len(lines)] or list(known)
    at = np.array(sorted(shared))
    mean, low, high = (np.array([of(known[int(step)]) for step in at]) for of in (np.mean, np.min, np.max))
    return Line(label, at, mean, low, high)


def _svg(panel: Panel, order: Sequence[str]) -> str:
    def draw(figure: Any) -> None:
        axes = figure.subplots()
        if panel.logarithmic:
            axes.set_yscale("log")
        plain_axes(axes, PAGE, "step", panel.axis + (" (log)" if panel.logarithmic else ""))
        for line in panel.lines:
            place = list(order).index(line.name)
            colour, dash = PAGE.lines[place % len(PAGE.lines)], DASHES[place // len(PAGE.lines) % len(DASHES)]
            axes.fill_between(line.steps, line.low, line.high, color=colour, alpha=0.15, linewidth=0)
            axes.plot(line.steps, line.values, dash, color=colour, linewidth=1.6,
                      marker="o" if len(line.steps) <= 30 else None, markersize=3)
        axes.set_xlim(left=0)
        axes.xaxis.get_major_locator().set_params(integer=True, nbins=6)

    return svg_of(*SIZE, draw, f"{panel.title}: {', '.join(line.name for line in panel.lines)}")
