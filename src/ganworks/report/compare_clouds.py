"""Clouds of points that are to be compared: each over the same data, on the same axes."""

from __future__ import annotations

import numpy as np

from ganworks.report.drawing import PAPER, new_figure, png_of

SIDE = 3.2
"""Width and height in inches."""
ROOM = 0.3
"""How far the axes reach beyond the data, as a share of its width."""


def cloud_png(samples: np.ndarray, reference: np.ndarray) -> bytes:
    """Return a picture of points (N, D) over the data's (M, D): the first two coordinates, or histograms where D = 1.

    The axes depend on the data alone; how many points lie beyond them, or are not finite, is said in the picture.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(SIDE, SIDE)
    axes = figure.subplots()
    low, high = reference[:, :2].min(axis=0), reference[:, :2].max(axis=0)
    room = ROOM * max(float((high - low).max()), 1e-6)
    low, high = low - room, high + room
    with np.errstate(invalid="ignore"):
        inside = np.all((samples[:, :2] >= low) & (samples[:, :2] <= high), axis=1)
    if reference.shape[1] == 1:
        edges = np.linspace(low[0], high[0], 81)
        axes.hist(samples[inside, 0], edges, color=PAPER.lines[0], alpha=0.6, weights=np.full(inside.sum(), 1 / len(
            samples)))
        axes.hist(reference[:, 0], edges, histtype="step", color=PAPER.ink, weights=np.full(len(reference), 1 / len(
            reference)))
        axes.set_yticks([])
    else:
        axes.scatter(*samples[inside, :2].T, s=3, alpha=0.5, linewidths=0, color=PAPER.lines[0])
        axes.scatter(*reference[:, :2].T, s=3, alpha=0.6, linewidths=0, color=PAPER.lines[1])
        axes.set_aspect("equal")
        axes.set_ylim(low[1], high[1])
    axes.set_xlim(low[0], high[0])
    if not inside.all():
        axes.set_title(f"{(~inside).mean():.1%} of the samples lie beyond", fontsize=10, color=PAPER.ink)
    axes.xaxis.set_major_locator(MaxNLocator(4, prune="both"))  # few and large: many entrants make small pictures
    if reference.shape[1] > 1:
        axes.yaxis.set_major_locator(MaxNLocator(4, prune="both"))
    axes.tick_params(labelsize=9, labelcolor=PAPER.ink, color=PAPER.faint)
    for spine in axes.spines.values():
        spine.set_color(PAPER.faint)
    return png_of(figure, dpi=200)
