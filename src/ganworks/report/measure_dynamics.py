"""The pictures of a small game: its phase plane, its eigenvalues, and planes of several games side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ganworks.measure.dynamics import Dynamics, Field
from ganworks.report.drawing import PAPER, Palette, new_figure, plain_axes, png_of, titled

GOOD, MIDDLE, BAD = "#2e8b62", "#b7791f", "#c0392b"
COLOURS = {"converges": GOOD, "creeps in": MIDDLE, "circles": MIDDLE, "rests elsewhere": BAD, "runs away": BAD,
           "diverges": BAD}


def picture_png(result: Dynamics, field: Field | None) -> bytes:
    """Return phase plane and eigenvalues side by side; the amplitudes in place of a plane that cannot be drawn."""
    figure = new_figure(10.4, 5.2)
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    if field is None:
        draw_amplitudes(left, result, PAPER)
    else:
        draw_plane(left, result, field, PAPER)
    titled(left, PAPER, _name(result))
    draw_eigenvalues(right, result, PAPER)
    titled(right, PAPER, f"{result.play} steps of {result.step:g}: {result.verdict}")
    return png_of(figure)


def grid_png(results: Sequence[Dynamics], fields: Sequence[Field], columns: int = 4) -> bytes:
    """Return a phase plane for each of several games."""
    rows = -(-len(results) // columns)
    figure = new_figure(2.9 * columns, 2.9 * rows)
    draw_grid(figure, results, fields, PAPER, columns)
    return png_of(figure)


def draw_grid(figure: Any, results: Sequence[Dynamics], fields: Sequence[Field], palette: Palette,
              columns: int = 4) -> None:
    """Draw the planes of several games, a panel each, with the verdict beside the name."""
    rows = -(-len(results) // columns)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, result, field in zip(panels, results, fields, strict=False):
        draw_plane(axes, result, field, palette, small=True)
        axes.set_title(f"{result.stabiliser}: {result.verdict}", loc="left", fontsize=9, fontweight="bold",
                       color=COLOURS[result.verdict])
    for axes in panels[len(results):]:
        axes.axis("off")


def draw_plane(axes: Any, result: Dynamics, field: Field, palette: Palette, small: bool = False) -> None:
    """Draw the phase plane: the field as streamlines, the trajectories, and the solution as a cross.

    Args:
        result: of a game with two components; field: on a square grid, which is what is shown.
        small: a panel of many: no labels on the axes.
    """
    reach = float(field.theta.max())
    plain_axes(axes, palette, "" if small else "generator θ (the data are at 0)", "" if small else "critic ψ")
    axes.grid(False)
    if np.hypot(field.d_theta, field.d_psi).max() > 0:
        axes.streamplot(field.theta[0], field.psi[:, 0], field.d_theta, field.d_psi, color=palette.faint,
                        density=0.6 if small else 1.1, linewidth=0.9, arrowsize=0.8, zorder=1)
    for k, path in enumerate(result.trajectories):
        colour = palette.lines[k % len(palette.lines)]
        shown = path[: _leaves(path, 3 * reach)]
        axes.plot(shown[:, 0], shown[:, 1], color=colour, linewidth=0.7 if small else 1.0, zorder=2)
        axes.plot(*path[0], marker="o", markersize=3 if small else 5, color=colour, zorder=3)
    axes.plot(0, 0, marker="+", markersize=9 if small else 13, markeredgewidth=1.8, color=palette.ink, zorder=4)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")


def _leaves(path: np.ndarray, far: float) -> int:
    gone = ~(np.abs(path) < far).all(axis=1)
    return int(np.argmax(gone)) + 1 if gone.any() else len(path)


def draw_amplitudes(axes: Any, result: Dynamics, palette: Palette) -> None:
    """Draw the length of the state against the rounds: for games of more than two components."""
    plain_axes(axes, palette, "round", "length of the state")
    axes.set_yscale("log")
    for k, path in enumerate(result.trajectories):
        size = np.linalg.norm(path, axis=1)
        shown = size[: _leaves(size[:, None], 1e12)]
        axes.plot(np.maximum(shown, 1e-16), color=palette.lines[k % len(palette.lines)], linewidth=1.2)


def draw_eigenvalues(axes: Any, result: Dynamics, palette: Palette) -> None:
    """Draw the multipliers of a round with the unit circle: inside it the round shrinks."""
    plain_axes(axes, palette, "real part", "imaginary part")
    axes.set_aspect("equal")
    if result.multipliers is None or result.radius is None:
        axes.text(0.5, 0.5, "No derivative at the solution:\nwhat trajectories do decides.", ha="center", va="center",
                  transform=axes.transAxes, fontsize=9.5, color=palette.ink)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    angle = np.linspace(0, 2 * np.pi, 400)
    axes.plot(np.cos(angle), np.sin(angle), color=palette.ink, linewidth=0.9, linestyle=(0, (4, 3)))
    inside = np.abs(result.multipliers) < 1 - 1e-9
    for chosen, marker, words in ((inside, "o", "inside: a round shrinks"), (~inside, "D", "on or outside the circle")):
        if chosen.any():
            values = result.multipliers[chosen]
            axes.plot(values.real, values.imag, marker, markersize=7, color=palette.lines[0 if marker == "o" else 1],
                      linestyle="", label=words)
    reach = max(1.15, 1.1 * result.radius)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    legend = axes.legend(fontsize=9, frameon=False, labelcolor=palette.ink, loc="center",
                         title=f"spectral radius {result.radius:.6g}", title_fontsize=9, alignment="left")
    legend.get_title().set_color(palette.ink)


def _name(result: Dynamics) -> str:
    helped = "" if result.stabiliser == "none" else f", {result.stabiliser}"
    what = result.objective if result.game == "dirac" else f"{result.game} game"
    return f"{what}{helped}"
