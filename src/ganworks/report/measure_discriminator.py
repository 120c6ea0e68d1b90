"""Pictures of the best discriminator beside a trained one, and of C(G) along a path of generators."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganworks.measure.perfect import LOG4, Discriminator, Path
from ganworks.report.drawing import PAPER, Palette, new_figure, plain_axes, png_of, titled

SIZE = (4.4, 3.1)


def picture(found: Discriminator) -> bytes:
    """Return the map as a PNG: densities and both discriminators, and where they differ."""
    columns = 2 if len(found.axes) == 1 else 3
    figure = new_figure(columns * SIZE[0], SIZE[1] + 0.2)
    places = figure.subplots(1, columns)
    if len(found.axes) == 1:
        draw_line(places[0], found, PAPER)
        draw_error(places[1], found, PAPER)
    else:
        draw_planes(figure, places, found, PAPER)
    for axes, title in zip(places, titles(found), strict=True):
        titled(axes, PAPER, title)
    return png_of(figure)


def titles(found: Discriminator) -> list[str]:
    """Return a title for each panel."""
    if len(found.axes) == 1:
        return ["D* = p/(p + q) and the trained D", "Where they differ"]
    return ["D* = p/(p + q)", f"D after {found.steps:,} steps", "D - D*, shown where p + q has mass"]


def sigmoid(v: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(v)


def draw_line(axes: Any, found: Discriminator, palette: Palette) -> None:
    """Draw both discriminators over the mass, on the line."""
    (x,) = found.axes
    mass = found.mass / found.mass.max()
    axes.fill_between(x, mass, color=palette.faint, linewidth=0, label="(p + q)/2, scaled")
    axes.plot(x, sigmoid(found.best), color=palette.lines[0], linewidth=2.4, label="D*")
    axes.plot(x, sigmoid(found.said), color=palette.lines[1], linewidth=1.4, linestyle=(0, (4, 2)), label="trained D")
    plain_axes(axes, palette, "x", "D(x)")
    axes.set_ylim(-0.02, 1.04)
    axes.legend(fontsize=8, frameon=False, labelcolor=palette.ink)


def draw_error(axes: Any, found: Discriminator, palette: Palette) -> None:
    """Draw D - D*, and the part of it that the mass gives weight to."""
    (x,) = found.axes
    gap = sigmoid(found.said) - sigmoid(found.best)
    axes.plot(x, gap, color=palette.lines[5], linewidth=1.2, label="D - D*")
    axes.fill_between(x, gap * found.mass / found.mass.max(), color=palette.lines[5], alpha=0.3, linewidth=0,
                      label="weighted by the mass")
    plain_axes(axes, palette, "x", "D - D*")
    axes.legend(fontsize=8, frameon=False, labelcolor=palette.ink)


def draw_planes(figure: Any, places: Any, found: Discriminator, palette: Palette) -> None:
    """Draw the maps of D*, of D and of their difference in the plane."""
    best, said = sigmoid(found.best), sigmoid(found.said)
    gap = np.where(found.mass > 1e-4 * found.mass.max(), said - best, np.nan)
    # Ticks of the difference are its own: it is small where training went well.
    most = max(float(np.nanmax(np.abs(gap))), 1e-3)
    for axes, values, (low, high), colours in zip(places, (best, said, gap), ((0, 1), (0, 1), (-most, most)),
                                                  ("RdBu", "RdBu", "PuOr"), strict=True):
        shown = axes.pcolormesh(*found.axes, values, vmin=low, vmax=high, cmap=colours, shading="nearest",
                                rasterized=True)
        plain_axes(axes, palette, "x1", "x2")
        axes.grid(False)
        bar = figure.colorbar(shown, ax=axes, fraction=0.05)
        bar.ax.tick_params(labelsize=8, labelcolor=palette.ink)


def draw_path(axes: Any, path: Path, palette: Palette, across: str) -> None:
    """Draw C(G) along a path with its floor -log 4."""
    axes.axhline(-LOG4, color=palette.ink, linewidth=0.8, linestyle=(0, (1, 3)), label="-log 4")
    axes.axhline(0.0, color=palette.ink, linewidth=0.8, linestyle=(0, (4, 3)), label="0: supports apart")
    axes.plot(path.at, path.value, color=palette.lines[0], linewidth=2, label="C(G)")
    axes.plot(path.least_at, path.least, "o", color=palette.lines[1], markersize=6)
    plain_axes(axes, palette, across, "C(G)")
    axes.legend(fontsize=8, frameon=False, labelcolor=palette.ink)
