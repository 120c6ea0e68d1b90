"""The picture of a generator's force: followed and claimed gradient along a family, with the walks on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.measure.walks import Walk
from ganworks.report.drawing import PAPER, Palette, new_figure, plain_axes, png_of, titled

GOAL = {"s": 1.0, "m": 0.0}
VERDICTS = {"reaches p": "#2e8b62", "is still moving": "#b7791f"}
WRONG = "#c0392b"


@dataclass(frozen=True)
class Line:
    """Forces along one parameter.

    Attributes:
        name: of the objective; letter: of the parameter.
        at, followed, claimed: (n,); nan where there is no value.
        walks: with their starts and ends on this line.
    """

    name: str
    letter: str
    at: np.ndarray
    followed: np.ndarray
    claimed: np.ndarray
    walks: tuple[Walk, ...]


def lines_png(lines: Sequence[Line]) -> bytes:
    """Return a panel for each objective, side by side."""
    figure = new_figure(4.3 * len(lines), 3.7)
    for axes, line in zip(np.atleast_1d(figure.subplots(1, len(lines))), lines, strict=True):
        draw_line(axes, line, PAPER)
        titled(axes, PAPER, f"{line.name}: {line.walks[0].verdict}" if line.walks else line.name)
    return png_of(figure)


def simplex_png(walks: Sequence[Walk], p: np.ndarray) -> bytes:
    """Return the walks of several objectives on the simplex of three atoms; p is the goal, (3,)."""
    figure = new_figure(4.3 * len(walks), 4.0)
    for axes, one in zip(np.atleast_1d(figure.subplots(1, len(walks))), walks, strict=True):
        draw_simplex(axes, one, p, PAPER)
        titled(axes, PAPER, f"{one.objective}: {one.verdict}")
    return png_of(figure)


def draw_line(axes: Any, line: Line, palette: Palette) -> None:
    """Draw both gradients against the parameter, shade where their signs differ, and mark starts and ends of walks."""
    what = "scale s of q = N(0, s²)" if line.letter == "s" else "shift m of q = N(m, 1)"
    plain_axes(axes, palette, what, "gradient")
    axes.axhline(0, color=palette.ink, linewidth=0.8)
    wrong = line.followed * line.claimed < 0
    axes.fill_between(line.at, 0, 1, where=wrong, transform=axes.get_xaxis_transform(), color=WRONG, alpha=0.10,
                      linewidth=0, label="opposite signs" if wrong.any() else None)
    axes.plot(line.at, line.claimed, color=palette.lines[0], linewidth=1.6, linestyle=(0, (4, 2)), zorder=3,
              label="of the claimed divergence")
    axes.plot(line.at, line.followed, color=palette.lines[1], linewidth=2.0, label="followed")
    axes.axvline(GOAL[line.letter], color=palette.ink, linewidth=0.8, linestyle=(0, (1, 3)))
    for one in line.walks:
        colour = VERDICTS.get(one.verdict, WRONG)
        axes.annotate("", xy=(float(one.end[0]), 0), xytext=(float(one.path[0, 0]), 0), zorder=4,
                      arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0})
        axes.plot(one.path[0, 0], 0, "o", color=colour, markersize=6, zorder=5)
    values = np.concatenate([line.followed, line.claimed])
    values = values[np.isfinite(values)]
    if values.size:
        low, high = np.quantile(values, (0.04, 0.96))
        room = max(high - low, 1e-9)
        axes.set_ylim(min(low - 0.1 * room, -0.12 * room), max(high + 0.35 * room, 0.12 * room))
    axes.legend(fontsize=8.5, frameon=False, labelcolor=palette.ink, loc="upper left")


def draw_simplex(axes: Any, one: Walk, p: np.ndarray, palette: Palette) -> None:
    """Draw a walk on the simplex of three atoms: a dot where it begins, a square where it ends, a cross at p."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
    outline = np.vstack([corners, corners[:1]])
    axes.plot(outline[:, 0], outline[:, 1], color=palette.ink, linewidth=1.0)
    for k, (x, y) in enumerate(corners):
        axes.text(x + (0.06 if k == 2 else 0), y - (0.03 if k == 2 else 0.07), f"atom {k + 1}", fontsize=9,
                  ha="left" if k == 2 else "center", color=palette.ink)
    axes.plot(*(p @ corners), "+", markersize=12, markeredgewidth=1.8, color=palette.ink)
    path = one.path @ corners
    colour = VERDICTS.get(one.verdict, WRONG)
    axes.plot(path[:, 0], path[:, 1], color=colour, linewidth=1.8)
    axes.plot(*path[0], "o", color=colour, markersize=6)
    axes.plot(*(one.end @ corners), "s", color=colour, markersize=6)
    axes.set_aspect("equal")
    axes.axis("off")
