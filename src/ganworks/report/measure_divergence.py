"""The picture of an f-divergence: the two densities, what is integrated, and the value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ganworks.measure.distributions import Atoms, Distribution, GaussianMixture, Lattice, as_line
from ganworks.measure.integrand import Integrand
from ganworks.measure.result import Value
from ganworks.report.drawing import PAPER, Palette, new_figure, plain_axes, png_of, titled

POINTS, PLANE = 1200, 220
MOST_ATOMS = 60
NAMES = ("p (real)", "q (generated)")


def picture_png(p: Distribution, q: Distribution, name: str, integrand: Integrand, value: Value) -> bytes:
    """Return the picture as a PNG, 1500 pixels wide."""
    figure = new_figure(10, 4 if p.dimension == 2 else 5.4)
    draw_divergence(figure, p, q, name, integrand, value, PAPER)
    return png_of(figure)


def draw_divergence(figure: Any, p: Distribution, q: Distribution, name: str, integrand: Integrand, value: Value,
                    palette: Palette) -> None:
    """Draw two densities and the integrand q F(p/q), F = f less its tangent at u = 1, with the divergence over it."""
    said = f"{value.value:.6g}" if math.isfinite(value.value) else f"inf: {value.reason}"
    title = f"{name}: {said}"
    if p.dimension == 2:
        _draw_plane(figure, p, q, title, integrand, palette)
        return
    above, below = figure.subplots(2, 1, sharex=True)
    if isinstance(p, Atoms | Lattice):
        x, heights, terms = _atoms(p, q, integrand)
        for k, height in enumerate(heights):
            above.bar(x + 0.4 * k - 0.2, height, 0.4, color=palette.lines[k], label=NAMES[k])
        below.bar(x, terms, 0.8, color=palette.lines[2])
    else:
        x, heights, terms = _densities(p, q, integrand)
        for k, height in enumerate(heights):
            above.plot(x, height, color=palette.lines[k], label=NAMES[k])
        below.fill_between(x, terms, color=palette.lines[2], alpha=0.35, linewidth=0)
        below.plot(x, terms, color=palette.lines[2], linewidth=1.2)
    top = np.quantile(np.concatenate(heights), 0.998) * 1.6
    above.set_ylim(0, min(np.max(heights) * 1.08, top) or None)
    above.legend(frameon=False, fontsize=9, labelcolor=palette.ink)
    finite = terms[np.isfinite(terms)]
    if len(finite) and finite.max() > 0:
        below.set_ylim(min(0.0, finite.min()) * 1.08, min(finite.max(), 4 * np.quantile(finite, 0.98) or np.inf) * 1.08)
    plain_axes(above, palette, "", "probability" if isinstance(p, Atoms | Lattice) else "density")
    plain_axes(below, palette, "x", "q F(p/q)")
    titled(above, palette, title)
    titled(below, palette, "what is integrated (f less its tangent at p = q)")


def _atoms(p: Any, q: Any, integrand: Integrand) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    count = next((len(d.masses) for d in (p, q) if isinstance(d, Atoms)), MOST_ATOMS)
    x = np.arange(min(count, 2000), dtype=np.float64)
    logs = [d.logpdf(x) for d in (p, q)]
    heights = [np.exp(log) for log in logs]
    with np.errstate(all="ignore"):
        log, sign = integrand.logs(*logs)
        terms = sign * np.exp(log)
        terms = np.where(np.isneginf(logs[0]), np.nan_to_num(heights[1] * integrand.at_zero, posinf=np.inf), terms)
        terms = np.where(np.isneginf(logs[1]), np.nan_to_num(heights[0] * integrand.at_infinity, posinf=np.inf), terms)
    return x, heights, np.where(np.isfinite(terms), terms, 0.0)


def _densities(p: Distribution, q: Distribution, integrand: Integrand
               ) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    from ganworks.measure.on_line import profile

    lines = [as_line(d) for d in (p, q)]
    ends = [part.ppf([0.004, 0.996]) for line in lines for part in line.parts]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    room = 0.08 * (high - low)
    x = np.linspace(low - room, high + room, POINTS)
    marks = [part.ppf(np.linspace(0.001, 0.999, 120)) for line in lines for part in line.parts]
    x = np.unique(np.concatenate([x, *marks]))
    x = x[(x >= low - room) & (x <= high + room)]
    heights = [np.nan_to_num(line.pdf(x), posinf=np.nan) for line in lines]
    return x, heights, profile(integrand, lines[0], lines[1], x)


def _draw_plane(figure: Any, p: Distribution, q: Distribution, title: str, integrand: Integrand,
                palette: Palette) -> None:
    from ganworks.measure.on_plane import profile

    assert isinstance(p, GaussianMixture)
    assert isinstance(q, GaussianMixture)
    spread = [3.5 * np.sqrt(np.einsum("kii->ki", m.covariances)) for m in (p, q)]
    low = np.min([(m.means - s).min(axis=0) for m, s in zip((p, q), spread, strict=True)], axis=0)
    high = np.max([(m.means + s).max(axis=0) for m, s in zip((p, q), spread, strict=True)], axis=0)
    across, up = (np.linspace(low[i], high[i], PLANE) for i in range(2))
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    images = [p.pdf(grid), q.pdf(grid), profile(integrand, p, q, grid)]
    names = (*NAMES, title)
    for axes, image, name in zip(figure.subplots(1, 3), images, names, strict=True):
        image = np.nan_to_num(image).reshape(PLANE, PLANE)
        axes.imshow(image, origin="lower", extent=(low[0], high[0], low[1], high[1]), aspect="auto", cmap="Blues",
                    vmin=min(0.0, image.min()), vmax=np.quantile(image, 0.999) or image.max() or 1.0)
        plain_axes(axes, palette)
        axes.grid(False)
        titled(axes, palette, name)
