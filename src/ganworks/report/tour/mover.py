"""Chapter 4: the earth mover and the Wasserstein critic."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganworks.measure import score, transport, wasserstein
from ganworks.measure.distributions import as_distribution
from ganworks.measure.perfect import best_logit
from ganworks.report.drawing import PAGE, plain_axes
from ganworks.report.measure_transport import draw_compared, draw_transport
from ganworks.report.tour.parts import Chapter, figure, heading, number, slip, table, words
from ganworks.seeds import mix

P, Q = np.array([3.0, 1, 2, 0, 1]), np.array([0.0, 1, 1, 3, 2])
POINTS = 400
APART = 6.0


def chapter(seed: int = 0) -> Chapter:
    """Return the chapter, computed."""
    at = np.arange(len(P), dtype=float)
    best = transport(at, at, P, Q)
    clumsy = score(np.outer(P, Q) / P.sum(), at, at, P, Q)
    draw = np.random.default_rng(mix(seed, "tour", "mover"))
    real, fake = draw.normal(0, 1, POINTS), draw.normal(APART, 1, POINTS)
    far = transport(real, fake)
    plane_real, plane_fake = draw.normal(0, 1, (1600, 2)), draw.normal(0, 1, (1600, 2)) + np.array([3.0, 0.0])
    critics = wasserstein(plane_real, plane_fake, seed=seed)

    def critic(drawn: Any) -> None:
        axes = drawn.subplots()
        x = np.linspace(-4, APART + 4, 400)
        said = best_logit(as_distribution("normal(0, 1)"), as_distribution(f"normal({APART}, 1)"), x)
        axes.plot(x, 1 / (1 + np.exp(-np.clip(said, -500, 500))), color=PAGE.lines[0], linewidth=1.8,
                  label="D*: flat where either lies")
        level = far.potential_at(x[:, None])
        axes.plot(x, (level - level.min()) / np.ptp(level), color=PAGE.lines[1], linewidth=1.8,
                  label="W1's critic, scaled: falls evenly")
        for points, colour in ((real, PAGE.lines[2]), (fake, PAGE.lines[5])):
            axes.plot(points, np.full(POINTS, -0.06), "|", color=colour, markersize=6, alpha=0.5)
        plain_axes(axes, PAGE, f"x; ticks: {POINTS} real and {POINTS} generated points", "critic")
        axes.legend(fontsize=8, frameon=False, labelcolor=PAGE.ink)

    body = "".join([
        words("Think of p and q as piles of earth. Moving a shovel of earth costs its mass times the way; the earth "
              "mover's distance is the cost of the best plan. A plan is a matrix: how much goes from each place to "
              "each other. Its rows must use up p, its columns must fill q."),
        figure(8.8, 3.8, lambda drawn: draw_transport(drawn, best, PAGE),
               f"Piles {_piles(P)} moved onto {_piles(Q)}. The best plan moves each shovel {best.cost:.4g} places on "
               "average. To the right the plan as a matrix, its sums along the edges."),
        words(f"Spreading every pile evenly is a plan too: it costs {clumsy.cost:.4g}, {clumsy.percent:.3g} % too "
              "much. That the other is the best is proved by prices: a potential at every place, with no way cheaper "
              f"than the difference it bridges, whose total differs from the cost by {abs(best.gap):.1g}."),
        figure(8.8, 7.2, lambda drawn: draw_compared(drawn, clumsy, PAGE), "An even plan beside the best one."),
        heading("The critic behind it"),
        words("The prices are a critic: W1 is the largest E_p D - E_q D over all D whose slope is nowhere above 1. "
              f"For {POINTS} samples of N(0, 1) and of N({APART:g}, 1) that critic and the plan agree to "
              f"{abs(far.gap):.1g}; its steepest slope between two points is {far.lipschitz:.6f}. It goes on falling "
              "between the two clouds, where D* has long made up its mind. Without a bound on the slope the critic "
              "would grow for ever."),
        figure(7.4, 3.2, critic, "The best discriminator and the best 1-Lipschitz critic on the same samples."),
        heading("What a constraint really bounds"),
        words(f"Training has to keep the slope down. Each critic below learnt on half of the points; W1 of the "
              f"{critics.held[0]} and {critics.held[1]} held points is {critics.exact:.4f} by linear program. The gap "
              "is what training reports; divided by the steepest slope found it is a distance."),
        table(["constraint", "reported gap", "steepest slope found", "proved bound of the slope", "gap / slope",
               "share of W1"],
              [[c.constraint, number(c.gap), number(c.slope), number(c.bound), number(c.per_slope),
                f"{100 * c.share:.0f} %"] for c in critics.critics]),
        words("Clipping bounds some slope, not 1, so its gap is no distance. A gradient penalty pulls the slope to 1 "
              "where it is looked at, and can exceed it. Spectral normalisation never exceeds 1; how near W1 it comes "
              "is up to the network."),
        slip("Penalties are enforced at points between real and generated samples. These are not points at which the "
             "slope is known to be right; they are where it is asked for.")])
    return Chapter("mover", "The earth mover", "A distance that sees how far, and the critic that measures it.", body)


def _piles(masses: np.ndarray) -> str:
    return " ".join(f"{m:g}" for m in masses)
