"""The picture of a design: six panels as one PNG, and one by one as SVG in the colours of the page they stand in."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from ganworks.design import Design
from ganworks.design.summary import summarise
from ganworks.report.design_curves import Panel, panels
from ganworks.report.drawing import PAGE, PAPER, Palette, new_figure, plain_axes, png_of, svg_of

SIZE = (4.0, 2.9)
"""Width and height of a panel in inches."""
LETTERS = {"alpha": "α", "beta": "β", "phi": "φ", "psi": "ψ", "rho": "ρ", "omega": "ω", "Omega": "Ω"}  # noqa: RUF001
VERDICT = {"accept": "#2e8b62", "warn": "#b7791f", "reject": "#c0392b"}


def picture_png(design: Design) -> bytes:
    """Return the six panels under the verdict, 1800 pixels wide."""
    words = summarise(design)
    figure = new_figure(3 * SIZE[0], 2 * SIZE[1] + 0.85)
    for axes, panel in zip(figure.subplots(2, 3).flatten(), panels(design), strict=True):
        draw(axes, panel, PAPER, own_title=True)
        axes.set_title(panel.title, loc="left", fontsize=11, fontweight="bold", color=PAPER.ink, pad=20)
    colour = VERDICT.get(words.verdict, VERDICT["warn"])
    lines = textwrap.wrap(greek(words.why or _amounts_to(words.critic, words.generator)), 150)
    title = f"{title_of(design)}: {words.verdict}"
    # The two lines of the heading are outside the layout, which keeps below them.
    figure.get_layout_engine().set(rect=(0, 0, 1, 0.945 - 0.028 * len(lines[:2])), w_pad=0.08, h_pad=0.08)
    figure.text(0.012, 0.985, textwrap.shorten(title, 100, placeholder=" ..."), ha="left", va="top", fontsize=15,
                fontweight="bold", color=colour)
    figure.text(0.012, 0.94, "\n".join(lines[:2]), ha="left", va="top", fontsize=10.5, color=PAPER.ink)
    return png_of(figure)


def picture_svgs(design: Design) -> list[tuple[str, str]]:
    """Return (title, <svg>) of each panel; the page defines --ink, --rule and --line-1 to --line-6."""
    def svg(panel: Panel) -> str:
        return svg_of(*SIZE, lambda figure: draw(figure.subplots(), panel, PAGE), _label(panel))

    return [(panel.title, svg(panel)) for panel in panels(design)]


def title_of(design: Design) -> str:
    """Return the design's name, or its formulas."""
    from ganworks.design.writing import formula_text

    return design.name or greek(", ".join(f"{key} = {formula_text(formula).replace('**', '^')}"
                                          for key, formula in design.given.items()))


def greek(words: str) -> str:
    """Return words with the names of Greek letters as letters."""
    return re.sub(r"\b(alpha|beta|phi|psi|rho|omega|Omega)\b(?!-)", lambda found: LETTERS[found[1]], words)


def _amounts_to(critic: str, generator: str) -> str:
    same = "the generator descends the same" if generator == critic else f"the generator descends {generator}"
    return f"The critic measures {critic}; {same}."


def _label(panel: Panel) -> str:
    return f"{panel.title}: {', '.join(curve.name for curve in panel.curves)}" if panel.curves else panel.note


def draw(axes: Any, panel: Panel, palette: Palette, own_title: bool = False) -> None:
    """Draw a panel without its title; ``own_title``: it will get one, which leaves the room for the legend."""
    if panel.log_x:
        axes.set_xscale("log")
    shown = [curve for curve in panel.curves if np.isfinite(curve.y).any()]
    if panel.log_y and shown:
        axes.set_yscale("log")
    for curve in shown:
        axes.plot(curve.x, curve.y, color=palette.lines[curve.colour], linewidth=2.6 if curve.colour == 5 else 1.6,
                  linestyle=(0, (4, 2)) if curve.dashed else "-", label=curve.name,
                  zorder=3 if curve.colour == 5 else 2)
    _frame(axes, panel, palette, shown)
    if not shown:
        axes.text(0.5, 0.5, textwrap.fill(panel.note or "No value here is a real number.", 38), ha="center",
                  va="center", transform=axes.transAxes, fontsize=9.5, color=palette.ink)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xticks([], minor=True)
        return
    limits = _limits(shown, panel.log_y)
    if limits is not None:
        axes.set_ylim(*limits)
    if panel.mark is not None and np.isfinite(panel.mark):
        axes.axvline(panel.mark, color=palette.ink, linewidth=0.8, linestyle=(0, (1, 3)), zorder=1)
    # Above the drawing, so that no line is hidden.
    legend = axes.legend(fontsize=9, frameon=False, labelcolor=palette.ink, ncols=3, loc="lower left", borderaxespad=0,
                         bbox_to_anchor=(-0.02, 0.99), handlelength=1.4, columnspacing=1.1, handletextpad=0.5)
    legend.set_in_layout(not own_title)


def _frame(axes: Any, panel: Panel, palette: Palette, shown: Sequence[Any]) -> None:
    dotted = "" if panel.mark is None or not shown else "; dotted: p = q"
    plain_axes(axes, palette, panel.across + dotted)
    if shown and not panel.log_x:
        axes.xaxis.get_major_locator().set_params(nbins=6)
    if shown and not panel.log_y:
        axes.yaxis.get_major_locator().set_params(nbins=5)


def _limits(curves: Sequence[Any], logarithmic: bool) -> tuple[float, float] | None:
    """Return the ends of the y axis: the middle half of the points, with room around; None to leave it alone.

    Losses grow like exp(v) or faster; a line that leaves the drawing says so, one that hides the others says nothing.
    """
    if logarithmic:
        values = np.concatenate([curve.y[np.isfinite(curve.y) & (curve.y > 0)] for curve in curves])
        if values.size == 0:
            return None
        low, high = max(values.min(), 1e-6), min(values.max(), 1e6)
        return (low / 2, high * 2) if low < high else (high / 10, high * 10)
    middles = [curve.y[len(curve.y) // 4 : -(len(curve.y) // 4) or None] for curve in curves]
    values, whole = (np.concatenate([y[np.isfinite(y)] for y in some]) for some in (middles, [c.y for c in curves]))
    if values.size == 0:
        return None
    low, high = values.min(), values.max()
    room = max(high - low, 1e-9)
    return max(whole.min() - 0.06 * room, low - room), min(whole.max() + 0.06 * room, high + room)
