"""Curves of a run: as one PNG, and as SVG that takes its colours from the page it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganworks.files import write_bytes
from ganworks.report.drawing import PAGE, PAPER, Palette, new_figure, png_of, svg_of, titled
from ganworks.report.history import Line, Panel, panels
from ganworks.train.run import Run

SIZE = (3.9, 2.45)
"""Width and height of one panel in inches."""


COLOURS = {"on real": 0, "on fake": 1, "critic": 0, "generator": 1}
"""Names that keep one colour in all panels."""


def write_curves(run: Run) -> Path | None:
    """Draw RUN/curves.png, all curves of the log side by side; None where the log has nothing to draw yet."""
    found = panels(run.records())
    if not found:
        return None
    path = run.path / "curves.png"
    write_bytes(path, curves_png(found))
    return path


def curves_png(found: Sequence[Panel]) -> bytes:
    """Return panels as one PNG, two in a row, at twice the usual resolution."""
    columns = min(2, len(found))
    rows = -(-len(found) // columns)
    figure = new_figure(SIZE[0] * columns, SIZE[1] * rows)
    places = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, panel in zip(places, found, strict=False):
        _draw(axes, panel, PAPER)
        titled(axes, PAPER, panel.title)
    for axes in places[len(found):]:
        axes.set_visible(False)
    return png_of(figure, dpi=200)


def panel_svg(panel: Panel) -> str:
    """Return a panel without its title as an <svg> element whose colours are the page's variables.

    The page defines --ink, --rule and --line-1 to --line-6.
    """
    return svg_of(*SIZE, lambda figure: _draw(figure.subplots(), panel, PAGE),
                  f"{panel.title}: {', '.join(line.name for line in panel.lines)}")


def _draw(axes: Any, panel: Panel, palette: Palette) -> None:
    if panel.logarithmic:
        axes.set_yscale("log")
    for i, line in enumerate(panel.lines):
        colour = palette.lines[COLOURS.get(line.name, i) % len(palette.lines)]
        if (line.low < line.high).any():
            axes.fill_between(line.steps, line.low, line.high, color=colour, alpha=0.18, linewidth=0)
        # A dot where there are few, so that a single record is seen and each measure is told from the line between.
        dots = {"marker": "o", "markersize": 3} if len(line.steps) <= 30 else {}
        axes.plot(line.steps, line.values, color=colour, linewidth=1.4, label=line.name, **dots)
        if panel.marks_best:
            _mark_best(axes, line, colour, palette)
    if panel.since is not None:
        axes.axvline(panel.since, color=palette.ink, linewidth=0.9, linestyle=":")
    axes.set_xlabel("step", fontsize=9, color=palette.ink)
    axes.set_ylabel(panel.axis + (" (log)" if panel.logarithmic else ""), fontsize=9, color=palette.ink)
    axes.set_xlim(left=0)
    if panel.from_zero:
        axes.set_ylim(0, 1.15 * max(line.high.max() for line in panel.lines) or 1)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=6)
    if not panel.logarithmic:
        axes.yaxis.get_major_locator().set_params(nbins=6)
    axes.tick_params(labelsize=9, labelcolor=palette.ink, color=palette.faint, which="both")
    axes.grid(axis="y", color=palette.faint, linewidth=0.7)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(palette.faint)
    if len(panel.lines) > 1:
        axes.legend(fontsize=9, frameon=False, labelcolor=palette.ink, ncols=min(3, len(panel.lines)),
                    loc="lower right", bbox_to_anchor=(1, 0.99), borderaxespad=0, handlelength=1.2)


def _mark_best(axes: Any, line: Line, colour: str, palette: Palette) -> None:
    best = int(line.values.argmin())
    axes.plot(line.steps[best], line.values[best], "o", color=colour, markersize=6)
    axes.annotate(f"best {line.values[best]:.4g}", (line.steps[best], line.values[best]), (0, -5),
                  textcoords="offset points", ha="right" if best > len(line.steps) / 2 else "left", va="top",
                  fontsize=9, color=palette.ink)
    axes.margins(y=0.18)  # nothing is below the smallest value: there is room for its words

