"""The picture of an estimate: what critics say of points they have not seen, beside what the densities say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ganworks.measure.estimate import Estimate, log_ratio_at
from ganworks.report.drawing import PAPER, Palette, new_figure, plain_axes, png_of, titled

SIZE = (6.4, 3.6)
"""Width and height of a panel in inches."""
CENTRAL = 0.002  # share of the points on either side of the picture that it leaves out
FAR = 25.0  # log ratios beyond are drawn at this one


def picture_png(estimates: Sequence[Estimate], real: np.ndarray, fake: np.ndarray,
                known: tuple[Any, Any] | None = None) -> bytes:
    """Return a panel for each estimate, one above the other; for the arguments see ``draw_estimate``."""
    figure = new_figure(SIZE[0], SIZE[1] * len(estimates))
    for axes, e in zip(np.atleast_1d(figure.subplots(len(estimates))), estimates, strict=True):
        draw_estimate(axes, e, real, fake, known, PAPER)
    return png_of(figure)


def draw_estimate(axes: Any, e: Estimate, real: np.ndarray, fake: np.ndarray, known: tuple[Any, Any] | None,
                  palette: Palette) -> None:
    """Draw the critics' outputs: over the points where they lie on a line, otherwise as histograms of both kinds.

    Args:
        real, fake: the points of the estimate, (n, d) and (m, d).
        known: p and q with ``logpdf``, for the exact log ratio, or None.
    """
    says = "critics' log p/q" if e.log_ratio is not None else "critics' output"
    exact = known if e.log_ratio is not None else None
    if real.shape[1] == 1:
        _over_points(axes, e, real[:, 0], fake[:, 0], exact, palette)
        plain_axes(axes, palette, "x", says)
    else:
        _histograms(axes, e, real, fake, exact, palette)
        plain_axes(axes, palette, "log p/q" if e.log_ratio is not None else says, "density of points")
    bound = f"{e.value:.3g}, 95 % {e.interval[0]:.3g} to {e.interval[1]:.3g}"
    titled(axes, palette, f"{e.objective}: {bound}" + ("" if e.exact is None else f"; exact {e.exact:.3g}")
           + (" (doubtful)" if e.trust == "doubtful" else ""))
    axes.legend(frameon=False, fontsize=8, labelcolor=palette.ink)


def _over_points(axes: Any, e: Estimate, real: np.ndarray, fake: np.ndarray, known: tuple[Any, Any] | None,
                 palette: Palette) -> None:
    both = np.concatenate([real, fake])
    low, high = np.quantile(both, (CENTRAL, 1 - CENTRAL))
    for x, v, label, colour in ((real, e.outputs_real, "real points", palette.lines[0]),
                                (fake, e.outputs_fake, "generated points", palette.lines[1])):
        axes.plot(x, v, ".", color=colour, markersize=2.5, alpha=0.5, label=label)
    if known is not None:
        grid = np.linspace(low, high, 800)
        truth = log_ratio_at(known, grid[:, None])
        axes.plot(grid, np.where(np.isfinite(truth), truth, np.nan), color=palette.ink, linewidth=1.2, label="exact")
    axes.set_xlim(low, high)
    shown = np.concatenate([e.outputs_real, e.outputs_fake])[(both >= low) & (both <= high)]
    room = 0.15 * (np.ptp(shown) + 0.1)
    axes.set_ylim(shown.min() - room, shown.max() + room)


def _histograms(axes: Any, e: Estimate, real: np.ndarray, fake: np.ndarray, known: tuple[Any, Any] | None,
                palette: Palette) -> None:
    sides = ((e.outputs_real, "real points", palette.lines[0]),
             (e.outputs_fake, "generated points", palette.lines[1]))
    values = np.concatenate([e.outputs_real, e.outputs_fake])
    truths = [] if known is None else [log_ratio_at(known, points).clip(-FAR, FAR) for points in (real, fake)]
    ends = [values.min(), values.max(), *(x for truth in truths for x in np.quantile(truth, (0.01, 0.99)))]
    edges = np.linspace(min(ends) - 0.1, max(ends) + 0.1, 61)
    for i, (v, label, colour) in enumerate(sides):
        axes.hist(v, edges, density=True, color=colour, alpha=0.45, label=label)
        if known is not None:
            axes.hist(truths[i].clip(edges[0], edges[-1]), edges, density=True, histtype="step", color=colour,
                      linewidth=1.4, label=f"{label}, exact")
