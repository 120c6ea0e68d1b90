"""Chapter 1: the minimax game."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from ganworks.design import entry_named, minimax_proof
from ganworks.measure import discriminator, path_of_generators, push_forward
from ganworks.measure.perfect import LOG4
from ganworks.report.drawing import PAGE, titled
from ganworks.report.measure_discriminator import draw_error, draw_line, draw_path, draw_planes
from ganworks.report.tour.parts import Chapter, figure, folded, heading, slip, words


def chapter(seed: int = 0) -> Chapter:
    """Return the chapter, computed."""
    line = discriminator(stats.norm(0, 1), stats.norm(1.5, 1), seed=seed)
    plane = discriminator("0.5*normal2([-1, 0], [[0.2, 0], [0, 0.2]]) + 0.5*normal2([1, 0], [[0.2, 0], [0, 0.2]])",
                          "normal2([0, 0.5], [[0.5, 0], [0, 0.5]])", seed=seed)
    at = np.linspace(-4, 4, 41)
    path = path_of_generators(stats.norm(), [stats.norm(m, 1) for m in at], at)
    widths = np.linspace(0.2, 3, 29)
    scales = path_of_generators(stats.norm(), [stats.norm(0, s) for s in widths], widths)

    def both_lines(drawn: Any) -> None:
        left, right = drawn.subplots(1, 2)
        draw_line(left, line, PAGE)
        draw_error(right, line, PAGE)

    def both_paths(drawn: Any) -> None:
        left, right = drawn.subplots(1, 2, sharey=True)
        draw_path(left, path, PAGE, "mean of p_G; p = N(0, 1)")
        draw_path(right, scales, PAGE, "standard deviation of p_G")

    def planes(drawn: Any) -> None:
        places = drawn.subplots(1, 3)
        draw_planes(drawn, places, plane, PAGE)
        for axes, title in zip(places, ("D*", "trained D", "D - D*"), strict=True):
            titled(axes, PAGE, title)

    body = "".join([
        words("A discriminator D is shown real samples x ~ p and generated ones G(z), and says how likely a sample is "
              "real. It maximises V(D, G) = E_p log D(x) + E_z log(1 - D(G(z))); the generator minimises the same."),
        heading("The best discriminator"),
        words("Where the densities are known, the best answer is known point by point: D*(x) = p(x) / (p(x) + "
              "p_G(x)), the sigmoid of log p/p_G. A small network finds it from samples alone: on this pair it ends "
              f"within {line.rms:.4f} of D* (root mean square), and earns {line.reached:.4f} ± "
              f"{2 * line.reached_error:.4f} where D* earns {line.value:.4f}."),
        figure(8.6, 3.0, both_lines, f"p = N(0, 1) against p_G = N(1.5, 1). Left: D*, and a critic after "
                                     f"{line.steps:,} steps. Right: their difference; where hardly any sample falls, "
                                     "nobody corrects it."),
        figure(8.6, 2.6, planes, "The same in the plane: two clumps of real samples, one of generated ones. Blue: "
                                 "real is likelier."),
        heading("What the generator is told"),
        words(f"With D* the value becomes C(G) = -log 4 + 2 JS(p, p_G). Its minimum is -log 4 = {-LOG4:.6f}, and it "
              "is reached only where p_G = p. Along both paths below the least value found is "
              f"{path.least:.6f} at mean {path.least_at:g} and {scales.least:.6f} at width {scales.least_at:g}. Far "
              "away C(G) comes to 0 and is flat: a chapter of its own."),
        figure(8.6, 3.0, both_paths, "C(G) along two paths of generators. The floor is touched at one point of each."),
        slip("It is the distribution p_G that is unique, not the generator: any map of z that keeps its law, followed "
             "by G, is as good a generator. And C(G) has a minimum there, not a maximum."),
        _beyond(seed)])
    return Chapter("minimax", "The minimax game", "What the discriminator can know, and what it tells the generator.",
                   body)


def _beyond(seed: int) -> str:
    """Return what follows: the push-forward, the generator's usual loss, and the proof."""
    pushed, proof = push_forward(seed=seed), minimax_proof()
    statuses = [step.status for step in proof.steps]
    saturating, other = entry_named("minimax"), entry_named("nonsaturating")
    return "".join([
        heading("No inverse is needed"),
        words("Nothing asks G to be invertible. The mean over z of any function of G(z) is the mean over x ~ p_G. For "
              "G(z) = z², which takes z and -z to the same place, and D(x) = 1/(1 + x): "
              f"E_z log(1 - D(G(z))) = {pushed.over_z:.5f} ± {2 * pushed.error:.5f} from {pushed.samples:,} samples, "
              f"and the integral over x is {pushed.over_x:.5f}."),
        heading("The generator's own loss"),
        words("In practice the generator rarely minimises log(1 - D). It minimises -log D, which pulls hard when D is "
              f"sure. That is another game: against the best critic the first descends {_descends(saturating)}, the "
              f"second {_descends(other)}. The two agree on the sign of the pull, not on the divergence."),
        folded(f"The whole proof: {len(statuses)} steps, {statuses.count('proved')} proved, "
               f"{statuses.count('checked')} checked in numbers", proof.fragment())])


def _descends(design: Any) -> str:
    return str(design.generator_divergence)
