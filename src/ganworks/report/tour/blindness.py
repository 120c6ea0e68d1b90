"""Chapter 3: where the Jensen-Shannon divergence sees nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganworks.measure import blindness as b
from ganworks.report.drawing import PAGE, titled
from ganworks.report.measure_blindness import draw_apart, draw_felt, draw_separable
from ganworks.report.tour.parts import Chapter, figure, heading, number, slip, table, words

SHOWN = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def chapter(seed: int = 0) -> Chapter:
    """Return the chapter, computed."""
    lines, gaussians = b.parallel_lines(), b.moving_gaussians()
    force, split = b.felt(seed=seed), b.separable(seed=seed)
    few = b.moving_gaussians(SHOWN)

    def apart(drawn: Any) -> None:
        left, right = drawn.subplots(1, 2)
        draw_apart(left, lines, PAGE, "theta")
        draw_apart(right, gaussians, PAGE, "m")

    def pulls(drawn: Any) -> None:
        left, right = drawn.subplots(1, 2)
        for axes, name in ((left, "saturating"), (right, "nonsaturating")):
            draw_felt(axes, force, name, PAGE)
            titled(axes, PAGE, f"pull, {name}")

    last, first = force.force["saturating"][-1, -2], force.force["saturating"][-1, 0]
    half = int(np.argmin(np.abs(split.exact - 0.5)))
    body = "".join([
        words("Images fill no volume of the space they live in: real ones lie on a thin sheet, generated ones on "
              "another, and two thin sheets hardly meet. Where they do not, JS is log 2, near or far."),
        heading("Two parallel lines"),
        words("Real points lie on the segment x = 0, generated ones on x = theta. For every theta but 0 the supports "
              "are disjoint; bounded divergences take their largest value and infinite ones are infinite. What it "
              "costs to move one segment onto the other is |theta|, and that can be followed home."),
        figure(8.8, 3.8, apart, "Left: two parallel lines. Right: N(0, 1) against N(m, 1), whose supports overlap "
                                "everywhere in principle and nowhere in practice. Each line is scaled to its largest "
                                "value."),
        table(["m", "JS", "KL", "total variation", "Le Cam", "W1"],
              [[number(m), *(number(few.values[name][i], 6) for name in (*b.DIVERGENCES, "w1"))]
               for i, m in enumerate(SHOWN)], "N(0, 1) against N(m, 1)"),
        slip("Least squares does not mend this. Its critic measures the Vincze-Le Cam divergence, which is as flat as "
             "JS on disjoint supports. What helps in practice is that its critic is not the best one."),
        heading("What reaches the generator"),
        words("The pull on the mean of N(m, 1) is what backpropagation would give the generator, here averaged over "
              f"{b.SAMPLES:,} samples. At m = 16 the saturating loss pulls with {number(first, 2)} through a critic "
              f"that has learnt nothing and with {number(last, 2)} after {force.steps[-1]:,} steps: the better the "
              "critic, the less is left. The non-saturating loss keeps its pull; how strong it is depends on how the "
              "critic happens to slope between the supports. W1 would pull with 1 everywhere."),
        figure(8.8, 3.3, pulls, "The pull towards the data as the critic learns, for five distances. Stars: with the "
                                "best critic."),
        heading("Samples are thinner than densities"),
        words("Even equal distributions come apart when they are seen through samples. Two sets of "
              f"{split.samples} points from one and the same Gaussian can be told apart by a plane, without a fault, "
              f"in half of all draws in dimension {split.dimension[half]} and practically always beyond "
              f"{split.dimension[int(np.argmax(split.exact > 0.999))]}. Cover's count of 1965 says how often; linear "
              "programs on random draws agree."),
        figure(6.2, 3.0, lambda drawn: draw_separable(drawn.subplots(), split, PAGE),
               "Share of pairs of samples from one law that some plane separates.")])
    return Chapter("blindness", "When JS goes blind", "Supports that do not meet, and gradients that vanish.", body)
