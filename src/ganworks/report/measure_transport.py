"""Pictures of transport: piles of earth and how they move, the plan as a matrix, clouds joined by their plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.measure import Score, Transport
from ganworks.report.drawing import PAPER, Palette, new_figure, plain_axes, png_of, titled

PILES = 24
"""Up to so many different positions on a line are drawn as piles; more become quantile functions."""
CELLS = 60
"""Up to so many rows and columns a plan is drawn as a matrix."""
LINES = 4000
"""No more moves than these are drawn between clouds: the heaviest."""
GROUND = 1.75
"""Height of the ground under the upper piles; the lower ones stand on 0, and the highest pile is 1 high."""


@dataclass(frozen=True)
class Piles:
    """Masses at the different positions of points on a line, and a plan between them.

    Attributes:
        x, y: positions, ascending, (n,) and (m,).
        a, b: masses, in the units that were given.
        plan: (n, m), in the same units.
    """

    x: np.ndarray
    y: np.ndarray
    a: np.ndarray
    b: np.ndarray
    plan: np.ndarray


def piles_of(best: Transport, plan: np.ndarray | None = None) -> Piles | None:
    """Return what lies at each position on a line, or None: more than one dimension, or too many positions.

    Args:
        best: the problem and its solution.
        plan: (n, m), in shares; the best one if None.
    """
    if best.x is None or best.y is None or best.x.shape[1] != 1:
        return None
    (x, of_x), (y, of_y) = (np.unique(side[:, 0], return_inverse=True) for side in (best.x, best.y))
    if max(len(x), len(y)) > PILES:
        return None
    whole = best.total if best.total != 1 else 1.0
    plan = best.plan if plan is None else plan
    rows = np.zeros((len(x), len(best.b)))
    np.add.at(rows, of_x, plan)
    cells = np.zeros((len(x), len(y)))
    np.add.at(cells.T, of_y, rows.T)
    return Piles(x, y, whole * np.bincount(of_x, best.a), whole * np.bincount(of_y, best.b), whole * cells)


def transport_png(best: Transport, judged: Score | None = None) -> bytes:
    """Return the picture that suits a problem: piles or quantiles on a line, else clouds; the plan beside it.

    With ``judged`` a user's plan stands to the left of the best one.
    """
    if judged is None:
        figure = new_figure(11, 4.6) if _columns(best) == 2 else new_figure(6.6, 5.4)
        draw_transport(figure, best, PAPER)
    else:
        figure = new_figure(11, 4.2 * _columns(best) + 0.4)
        draw_compared(figure, judged, PAPER)
    return png_of(figure)


def _columns(best: Transport) -> int:
    return 1 if best.x is not None and piles_of(best) is None and max(best.plan.shape) > CELLS else 2


def draw_transport(figure: Any, best: Transport, palette: Palette, plan: np.ndarray | None = None, title: str = "",
                   stacked: bool = False) -> None:
    """Draw a problem with a plan, the best one if None: what moves where, and the plan as a matrix if it is small.

    Args:
        figure: or a part of one.
        best: the problem; plan: (n, m), in shares.
        title: instead of the distance; stacked: the matrix below instead of beside.
    """
    piles = piles_of(best, plan)
    shown = best.plan if plan is None else plan
    small = piles is not None or max(shown.shape) <= CELLS
    if best.x is None:
        left, right = None, figure
    elif small:
        left, right = figure.subfigures(2, 1, height_ratios=[1, 1.05]) if stacked else figure.subfigures(
            1, 2, width_ratios=[1.5, 1])
    else:
        left, right = figure, None
    if left is not None:
        axes = left.subplots()
        if piles is not None:
            draw_piles(axes, piles, palette)
        elif best.x is not None and best.x.shape[1] == 1 and plan is None:
            draw_quantiles(axes, best, palette)
        else:
            draw_clouds(axes, best, palette, plan)
        titled(axes, palette, title or _headline(best))
    if right is not None:
        whole = best.total if best.total != 1 else 1.0
        if piles is None:
            draw_plan(right, whole * shown, whole * best.a, whole * best.b, palette)
        else:
            names = [_number(at) for at in piles.x], [_number(at) for at in piles.y]
            draw_plan(right, piles.plan, piles.a, piles.b, palette, *names)


def draw_compared(figure: Any, judged: Score, palette: Palette) -> None:
    """Draw a user's plan, to the left, and the best one."""
    left, right = figure.subfigures(1, 2)
    what = "the given plan" if judged.valid else "given, but not a plan"
    more = f", {judged.percent:.3g} % too much" if judged.valid and np.isfinite(judged.percent) else ""
    draw_transport(left, judged.best, palette, judged.plan, f"{what}: costs {judged.cost:.5g}{more}", stacked=True)
    draw_transport(right, judged.best, palette, None, f"the best: costs {judged.best.cost:.5g}", stacked=True)


def _headline(best: Transport) -> str:
    name = f"W{best.power:g}" if best.metric != "given" else "cost"
    return f"{name} = {best.distance:.5g}" + ("" if best.metric in ("euclidean", "given") else f", {best.metric}")


def draw_piles(axes: Any, piles: Piles, palette: Palette) -> None:
    """Draw piles P above, piles Q below, and bands for the earth that goes from one to the other.

    A pile of Q has the colours of the piles it is made of; a band is as wide as its share of the pile it meets.
    """
    from matplotlib.patches import PathPatch, Rectangle

    places = np.unique(np.concatenate([piles.x, piles.y]))
    width = 0.78 * (np.diff(places).min() if len(places) > 1 else 1.0)
    high = max(piles.a.max(), piles.b.max())
    moved = np.maximum(piles.plan, 0)
    out, into = _strips(moved, width), _strips(moved.T, width).transpose(1, 0, 2)
    for i in range(len(piles.x)):
        colour = palette.lines[i % len(palette.lines)]
        axes.add_patch(Rectangle((piles.x[i] - width / 2, GROUND), width, piles.a[i] / high, color=colour, linewidth=0))
        for j in np.flatnonzero(moved[i]):
            left, share = piles.y[j] - width / 2 + into[i, j, 0], into[i, j, 1]
            top = piles.b[j] / high
            axes.add_patch(Rectangle((left, 0), share, top, color=colour, linewidth=0))
            start = piles.x[i] - width / 2 + out[i, j, 0]
            axes.add_patch(PathPatch(_band((start, start + out[i, j, 1]), (left, left + share), top), facecolor=colour,
                                     alpha=0.32, linewidth=0))
    for ground, masses, at in ((GROUND, piles.a, piles.x), (0.0, piles.b, piles.y)):
        axes.axhline(ground, color=palette.ink, linewidth=0.9)
        for mass, place in zip(masses, at, strict=True):
            if mass > 0:
                axes.annotate(_number(mass), (place, ground), xytext=(0, -3), textcoords="offset points", ha="center",
                              va="top", fontsize=9, color=palette.ink, zorder=5)
    plain_axes(axes, palette, "position; the numbers under the piles are their masses")
    axes.grid(False)
    axes.set_xlim(places[0] - 0.7 * width, places[-1] + 0.7 * width)
    axes.set_ylim(-0.16, GROUND + 1.06)
    axes.set_yticks([0.5, GROUND + 0.5], ["Q", "P"])
    if len(places) <= 12:
        axes.set_xticks(places, [_number(at) for at in places])


def _strips(plan: np.ndarray, width: float) -> np.ndarray:
    """Return where each part of a pile begins and how wide it is, (n, m, 2): the parts of a row lie side by side."""
    sums = plan.sum(axis=1, keepdims=True)
    share = width * plan / np.where(sums > 0, sums, 1.0)
    return np.stack([np.cumsum(share, axis=1) - share, share], axis=2)


def _band(start: tuple[float, float], end: tuple[float, float], low: float) -> Any:
    """Return the outline of a band that falls from the upper ground to the height ``low``."""
    from matplotlib.path import Path

    middle = (GROUND + low) / 2
    points = [(start[0], GROUND), (start[0], middle), (end[0], middle), (end[0], low), (end[1], low), (end[1], middle),
              (start[1], middle), (start[1], GROUND), (start[0], GROUND)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return Path(points, codes)


def draw_plan(figure: Any, plan: np.ndarray, a: np.ndarray, b: np.ndarray, palette: Palette,
              rows: list[str] | None = None, columns: list[str] | None = None) -> None:
    """Draw a plan as a matrix, darker for more mass, with what leaves each row and what arrives in each column.

    Args:
        figure: or a part of one.
        plan: (n, m); a: (n,); b: (m,), in one unit.
        rows, columns: what to write beside them; numbers from 1 if None.
    """
    from matplotlib.patches import Rectangle

    (top, corner), (cells, side) = figure.subplots(2, 2, gridspec_kw={
        "width_ratios": [1, 0.22], "height_ratios": [0.22, 1], "wspace": 0.03, "hspace": 0.03})
    corner.axis("off")
    n, m = plan.shape
    most = np.abs(plan).max() or 1.0
    for i, j in np.argwhere(plan != 0):
        colour = palette.lines[0] if plan[i, j] > 0 else palette.lines[5]
        depth = 0.1 + 0.55 * abs(plan[i, j]) / most
        cells.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=colour, alpha=depth, linewidth=0))
        if max(n, m) <= 9:
            cells.text(j, i, _number(plan[i, j]), ha="center", va="center", fontsize=9, color=palette.ink)
    top.bar(np.arange(m), b, width=0.8, color=palette.lines[1])
    side.barh(np.arange(n), a, height=0.8, color=palette.lines[0])
    for axes in (top, side, cells):
        plain_axes(axes, palette)
        axes.grid(False)
    cells.set_xlim(-0.5, m - 0.5)
    cells.set_ylim(n - 0.5, -0.5)
    top.set_xlim(cells.get_xlim())
    side.set_ylim(cells.get_ylim())
    top.set_axis_off()
    side.set_axis_off()
    for axis, count, names in ((cells.xaxis, m, columns), (cells.yaxis, n, rows)):
        axis.set_ticks([])
        if count <= 12:
            axis.set_ticks(range(count), names or [str(k + 1) for k in range(count)])
    for line in cells.spines.values():
        line.set_visible(True)
    cells.set_xlabel("to Q", fontsize=9, color=palette.ink)
    cells.set_ylabel("from P", fontsize=9, color=palette.ink)
    titled(top, palette, "the plan, with its sums")


def draw_clouds(axes: Any, best: Transport, palette: Palette, plan: np.ndarray | None = None) -> None:
    """Draw both clouds and a line for each move, wider for more mass; more than two dimensions are projected."""
    from matplotlib.collections import LineCollection

    if best.x is None or best.y is None:
        raise ValueError("a given matrix of costs has no points to draw")
    x, y, names = _flat(best.x, best.y)
    plan = best.plan if plan is None else np.maximum(plan, 0)
    i, j = np.nonzero(plan > 1e-12)
    mass = plan[i, j]
    kept = np.argsort(-mass, kind="stable")[:LINES]
    widths = 0.35 + 1.9 * mass[kept] / mass[kept].max() if len(kept) > 0 and np.ptp(mass[kept]) > 0 else 0.9
    crowd = max(len(kept), 1)
    widths = widths * min(1.0, (200 / crowd) ** 0.5)
    axes.add_collection(LineCollection(list(np.stack([x[i[kept]], y[j[kept]]], axis=1)), linewidths=widths,
                                       colors=palette.ink, alpha=0.4 * min(1.0, (200 / crowd) ** 0.3), zorder=2))
    for points, weights, marker, colour, label in ((x, best.a, "o", palette.lines[0], "P"),
                                                   (y, best.b, "s", palette.lines[1], "Q")):
        size = (22 if len(points) <= 300 else 7) * np.clip(weights * len(weights), 0.15, 6)
        axes.scatter(points[:, 0], points[:, 1], s=size, marker=marker, color=colour, linewidths=0, label=label,
                     zorder=3)
    plain_axes(axes, palette, *names)
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend(fontsize=9, frameon=False, labelcolor=palette.ink, loc="upper right", bbox_to_anchor=(1.0, 1.09),
                ncols=2, handletextpad=0.2, columnspacing=0.8)


def _flat(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
    """Return both clouds in two dimensions and the names of these."""
    if x.shape[1] == 2:
        return x, y, ("", "")
    if x.shape[1] == 1:
        return (np.column_stack([x, np.ones(len(x))]), np.column_stack([y, np.zeros(len(y))]),
                ("position; P above, Q below", ""))
    both = np.concatenate([x, y])
    both = both - both.mean(axis=0)
    seen = both @ np.linalg.svd(both, full_matrices=False)[2][:2].T
    return seen[: len(x)], seen[len(x) :], ("first principal axis", "second principal axis")


def draw_quantiles(axes: Any, best: Transport, palette: Palette) -> None:
    """Draw the quantile functions of both sides of a line; for power 1 the area between them is the distance."""
    if best.x is None or best.y is None:
        raise ValueError("a given matrix of costs has no points to draw")
    curves = []
    for side, weights in ((best.x, best.a), (best.y, best.b)):
        order = np.argsort(side[:, 0])
        curves.append((np.concatenate([[0.0], np.cumsum(weights[order])]), side[order, 0]))
    for (ends, values), colour, label in zip(curves, palette.lines, ("P", "Q"), strict=False):
        axes.stairs(values, ends, baseline=None, color=colour, linewidth=1.6, label=label)
    cuts = np.unique(np.concatenate([ends for ends, _ in curves]).clip(0, 1))
    middles = (cuts[1:] + cuts[:-1]) / 2
    low, high = (values[np.searchsorted(ends[1:], middles).clip(0, len(values) - 1)] for ends, values in curves)
    axes.fill_between(cuts, np.append(low, low[-1]), np.append(high, high[-1]), step="post", color=palette.ink,
                      alpha=0.13, linewidth=0)
    area = "; the area between is W1" if best.power == 1 else ""
    plain_axes(axes, palette, f"share of the mass{area}", "position")
    axes.legend(fontsize=9, frameon=False, labelcolor=palette.ink, loc="upper left")


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value - round(value)) > 1e-6 else f"{round(value)}"
