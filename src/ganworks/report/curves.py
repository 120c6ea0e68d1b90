"""Curves of a run: as one PNG, and as SVG that takes its colours from the page it stands in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from ganworks.files import write_bytes
from ganworks.report.history import Line, Panel, panels
from ganworks.train.run import Run

SIZE = (3.9, 2.45)
"""Width and height of one panel in inches."""


@dataclass(frozen=True)
class Palette:
    """Colours of a drawing: text, faint lines, and the lines in their order."""

    ink: str
    faint: str
    lines: tuple[str, ...]


PAPER = Palette("#333333", "#e3e3e0", ("#2a6fbb", "#d1641b", "#2e8b62", "#8a5cb8", "#a8842c", "#c2477f"))

# Stand-ins that no drawing uses otherwise: in the SVG each gives way to a variable of the page's style sheet.
VARIABLES = {"#010101": "--ink", "#020202": "--rule",
             **{f"#0{i}0{i}0{i}": f"--line-{i - 2}" for i in range(3, 9)}}
PAGE = Palette("#010101", "#020202", tuple(VARIABLES)[2:])

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
    figure = _figure(SIZE[0] * columns, SIZE[1] * rows)
    places = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, panel in zip(places, found, strict=False):
        _draw(axes, panel, PAPER)
        axes.set_title(panel.title, loc="left", fontsize=10, fontweight="bold", color=PAPER.ink)
    for axes in places[len(found):]:
        axes.set_visible(False)
    held = BytesIO()
    figure.savefig(held, format="png", dpi=200, facecolor="white")
    return held.getvalue()


def panel_svg(panel: Panel) -> str:
    """Return a panel without its title as an <svg> element whose colours are the page's variables.

    The page defines --ink, --rule and --line-1 to --line-6.
    """
    import matplotlib

    held = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": panel.title}):
        figure = _figure(*SIZE)
        _draw(figure.subplots(), panel, PAGE)
        figure.savefig(held, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(held.getvalue(), f"{panel.title}: {', '.join(line.name for line in panel.lines)}")


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


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


def _for_page(text: str, label: str) -> str:
    from html import escape

    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)  # matplotlib repeats each text in a comment
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)  # it would reach beyond the drawing
    text = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", text)  # numbered names, the same in every drawing of the page
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1).strip()
