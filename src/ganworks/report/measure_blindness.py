"""Pictures of what divergences see when supports come apart, and of what reaches the generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganworks.measure.blindness import Apart, Felt, Separable
from ganworks.report.drawing import PAPER, Palette, new_figure, plain_axes, png_of, titled

SIZE = (4.4, 3.2)
NAMES = {"js": "JS", "kl": "KL", "total_variation": "total variation", "vincze_le_cam": "least squares (Le Cam)",
         "w1": "W1"}
PLACES = {"js": 0, "kl": 5, "total_variation": 2, "vincze_le_cam": 3, "w1": 1}
TITLES = ("Two parallel lines, theta apart", "Two Gaussians, m apart", "Pull on the generator's mean, saturating",
          "The same, non-saturating", "Samples of one law, told apart")


def picture(lines: Apart, gaussians: Apart, force: Felt, split: Separable) -> bytes:
    """Return all five panels as one PNG."""
    figure = new_figure(3 * SIZE[0], 2 * SIZE[1] + 0.4)
    places = figure.subplots(2, 3).flatten()
    draw_apart(places[0], lines, PAPER, "theta")
    draw_apart(places[1], gaussians, PAPER, "distance m of the means, in standard deviations")
    draw_felt(places[2], force, "saturating", PAPER)
    draw_felt(places[3], force, "nonsaturating", PAPER)
    draw_separable(places[4], split, PAPER)
    places[5].set_visible(False)
    for axes, title in zip(places, TITLES, strict=False):
        titled(axes, PAPER, title)
    return png_of(figure)


def draw_apart(axes: Any, found: Apart, palette: Palette, across: str) -> None:
    """Draw each measure against the distance, as a share of its largest value; an infinite one is named only."""
    flat: list[np.ndarray] = []
    for name, values in found.values.items():
        colour = palette.lines[PLACES[name]]
        finite = np.isfinite(values)
        if not finite.all():
            axes.plot([], [], color=colour, label=f"{NAMES[name]}: infinite")
            continue
        top = values.max()
        # Lines that would lie on each other are drawn a hair apart.
        shape = values / top
        shift = 0.02 * sum(np.allclose(shape, other, atol=0.02) for other in flat)
        flat.append(shape)
        axes.plot(found.distance, shape * (1 - shift), color=colour, linewidth=2.4 if name == "w1" else 1.6,
                  label=f"{NAMES[name]}, to {top:.4g}")
    plain_axes(axes, palette, across, "share of its largest value")
    # Below the axis: there is no corner that some line does not cross.
    axes.legend(fontsize=8, frameon=False, labelcolor=palette.ink, ncols=3, loc="upper center",
                bbox_to_anchor=(0.46, -0.17), columnspacing=1.0, handlelength=1.2)


def draw_felt(axes: Any, found: Felt, generator: str, palette: Palette) -> None:
    """Draw the pull against the critic's training, a line for each distance; the last point is the best critic."""
    force = found.force[generator]
    at = np.arange(force.shape[1])
    for i, m in enumerate(found.distance):
        colour = palette.lines[i % len(palette.lines)]
        axes.plot(at[:-1], np.maximum(force[i, :-1], 1e-9), color=colour, linewidth=1.6, marker="o", markersize=3,
                  label=f"m = {m:g}")
        axes.plot(at[-1], max(force[i, -1], 1e-9), "*", color=colour, markersize=9)
    axes.axhline(found.wasserstein, color=palette.ink, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_yscale("log")
    axes.set_ylim(1e-9 if force.min() < 1e-6 else 1e-4, 60)
    plain_axes(axes, palette, "steps of the critic's training; star: the best critic", "pull (dashed: W1's)")
    axes.set_xticks(at, [*(f"{s:,}" for s in found.steps), "best"])
    axes.legend(fontsize=8, frameon=False, labelcolor=palette.ink, ncols=2)


def draw_separable(axes: Any, found: Separable, palette: Palette) -> None:
    """Draw how often a hyperplane separates two samples of one law."""
    axes.plot(found.dimension, found.exact, color=palette.lines[0], linewidth=1.8, label="Cover's count")
    axes.errorbar(found.dimension, found.share, 2 * found.error, fmt="o", color=palette.lines[1], markersize=4,
                  linewidth=1, label=f"{found.draws} draws, two standard errors")
    plain_axes(axes, palette, f"dimension; {found.samples} samples of each", "share told apart without a fault")
    axes.legend(fontsize=8, frameon=False, labelcolor=palette.ink)
