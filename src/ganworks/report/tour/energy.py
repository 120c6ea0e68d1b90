"""Chapter 5: energies instead of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from ganworks.measure.energy import energy_game, reconstruction_energy
from ganworks.report.drawing import PAGE, Palette, plain_axes, titled
from ganworks.report.tour.parts import Chapter, figure, heading, number, slip, table, words
from ganworks.seeds import mix

MARGIN = 1.0
STEP = 0.05
MEANS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)


def chapter(seed: int = 0) -> Chapter:
    """Return the chapter, computed."""
    x = np.arange(-6, 14, STEP)
    p = _masses(x, 0.0)
    games = [energy_game(p, _masses(x, m), MARGIN) for m in MEANS]
    draw = np.random.default_rng(mix(seed, "tour", "energy"))
    t = draw.uniform(-2, 2, 500)
    real = np.stack([t, np.sin(1.6 * t)], axis=1) + draw.normal(0, 0.06, (500, 2))
    energy = reconstruction_energy(real, seed=seed)

    def best(drawn: Any) -> None:
        axes = drawn.subplots()
        q = _masses(x, 1.5)
        game = energy_game(p, q, MARGIN)
        for masses, colour, label in ((p, PAGE.lines[2], "p, real"), (q, PAGE.lines[5], "q, generated")):
            axes.fill_between(x, masses / p.max(), color=colour, alpha=0.3, linewidth=0, label=label)
        axes.step(x, game.energy, where="mid", color=PAGE.lines[0], linewidth=1.8, label="best energy")
        axes.set_xlim(-4, 6)
        plain_axes(axes, PAGE, "x", "energy; densities scaled")
        axes.legend(fontsize=8, frameon=False, labelcolor=PAGE.ink, loc="center right")

    body = "".join([
        words("A critic may be an energy: a number D(x) of at least 0, low where data live. The energy-based GAN "
              "takes an autoencoder's reconstruction error for it. The critic minimises E_p D + E_q max(0, m - D): "
              "low on real samples, up to the margin m on generated ones and no further. The generator minimises "
              "E_q D."),
        heading("The best energy"),
        words("Point by point the best energy is 0 where p is larger and m where q is larger. With it the critic pays "
              "m ∫ min(p, q), which is m times (1 - total variation)."),
        figure(7.0, 2.8, best, "p = N(0, 1), q = N(1.5, 1), m = 1: the best energy is a step."),
        table(["mean of q", "critic pays", "generator pays", "total variation"],
              [[number(m), number(g.critic_cost), number(g.generator_cost), number(g.total_variation)]
               for m, g in zip(MEANS, games, strict=True)], "p = N(0, 1), q = N(mean, 1), on a fine grid, m = 1"),
        words(f"So the game measures total variation. At p = q the critic pays {games[0].critic_cost:.4g}, the whole "
              "margin, and far away nothing; what the generator pays is flat there, and a best energy gives it no "
              "direction. As with least squares, what helps is that the energy is a network's, smooth and not the "
              "best."),
        slip("The generator is not done when its loss is 0. At p = q every constant energy between 0 and m is a best "
             "one, and the generator pays that constant."),
        heading("Reconstruction error as an energy"),
        words("An autoencoder with a code of one number learnt a curve from real samples alone. Its error is low "
              "along the curve, and not only there: it is low wherever the network happens to reconstruct. Training "
              "on generated samples, up to the margin, is what lifts those places."),
        figure(6.4, 3.4, lambda drawn: _map(drawn, energy, real, PAGE),
               "Reconstruction error, darker is lower; dots are the real samples."),
        slip("Pre-training needs real samples only. The game itself uses generated ones in the margin's term; without "
             "it nothing keeps the error from being low everywhere.")])
    return Chapter("energy", "Energies", "A critic that reconstructs, and a margin at which it stops pushing.", body)


def _masses(x: np.ndarray, mean: float) -> np.ndarray:
    density = stats.norm(mean, 1).pdf(x)
    return density / density.sum()


def _map(drawn: Any, energy: Any, real: np.ndarray, palette: Palette) -> None:
    axes = drawn.subplots()
    across, up = np.linspace(-3, 3, 121), np.linspace(-2.4, 2.4, 97)
    points = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    height = np.log10(energy(points) + 1e-4).reshape(len(up), len(across))
    shown = axes.pcolormesh(across, up, height, cmap="Blues_r", shading="nearest", rasterized=True)
    axes.plot(*real[:200].T, ".", color=palette.lines[1], markersize=3)
    plain_axes(axes, palette, "x1", "x2")
    axes.grid(False)
    bar = drawn.colorbar(shown, ax=axes, fraction=0.05)
    bar.ax.tick_params(labelsize=8, labelcolor=palette.ink)
    titled(axes, palette, "log10 of the energy")
