"""What every drawing shares: colours, the figure, the frame of its axes, and how it becomes a PNG or an <svg>."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from io import BytesIO, StringIO
from typing import Any


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


def new_figure(width: float, height: float) -> Any:
    """Return an empty matplotlib figure of so many inches, laid out by itself, without pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: Any, dpi: int = 150) -> bytes:
    """Return the figure as a PNG on white."""
    held = BytesIO()
    figure.savefig(held, format="png", dpi=dpi, facecolor="white")
    return held.getvalue()


def svg_of(width: float, height: float, draw: Callable[[Any], None], label: str) -> str:
    """Return what ``draw(figure)`` draws with the colours of PAGE, as an <svg> in the colours of the page around it.

    The page defines --ink, --rule and --line-1 to --line-6.

    Args:
        width, height: in inches; the shape, since the page decides the size.
        label: what is seen, for those who do not see it; it also makes the names inside the drawing its own.
    """
    import matplotlib

    held = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": label}):
        figure = new_figure(width, height)
        draw(figure)
        figure.savefig(held, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(held.getvalue(), label)


def plain_axes(axes: Any, palette: Palette, across: str = "", up: str = "") -> None:
    """Give axes the house's frame: faint grid behind the lines, small labels, no top and right border."""
    axes.set_xlabel(across, fontsize=9, color=palette.ink)
    axes.set_ylabel(up, fontsize=9, color=palette.ink)
    axes.tick_params(labelsize=9, labelcolor=palette.ink, color=palette.faint, which="both")
    axes.grid(True, color=palette.faint, linewidth=0.7)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_color(palette.faint)
        spine.set_visible(side in ("left", "bottom"))


def titled(axes: Any, palette: Palette, title: str) -> None:
    """Put a title over axes."""
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=palette.ink)


def _for_page(text: str, label: str) -> str:
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
