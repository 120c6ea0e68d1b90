"""Of chapter 6: generators whose force is not the gradient of what their objective claims."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganworks.design import from_terms
from ganworks.measure.dynamics import as_objective
from ganworks.measure.families import family_named
from ganworks.measure.force import Force, Forces
from ganworks.measure.walks import Walk, walk
from ganworks.report.drawing import PAGE, plain_axes, titled
from ganworks.report.tour.parts import figure, heading, number, slip, table, words

LEAST_SQUARES = ("-(t + 1)^2", "-(t - 1)^2")
MIDDLE, REAL, OTHER = "least squares, aim in the middle", "least squares, aim at real", "non-saturating"
WIDTHS = np.linspace(0.15, 2.0, 38)
START, ATOMS = 0.9, (0.5, 0.3, 0.2)


def wrong_way() -> str:
    """Return the section, computed."""
    critic = from_terms(*LEAST_SQUARES)
    objectives = {MIDDLE: as_objective(critic.with_generator("t^2")), REAL: as_objective(
        critic.with_generator("(t + 1)^2")), OTHER: as_objective("nonsaturating")}
    makers = {name: Forces(objectives[name], family_named("normal_scale")) for name in (MIDDLE, REAL)}
    along = {name: [made.at(s) for s in WIDTHS] for name, made in makers.items()}
    walks = {name: walk(objective, "normal_scale", START) for name, objective in objectives.items()}
    atoms = {name: walk(objective, "simplex", ATOMS) for name, objective in objectives.items()}
    half, lost = makers[MIDDLE].at(0.5), walks[MIDDLE]

    def forces(drawn: Any) -> None:
        for axes, name in zip(drawn.subplots(1, 2), (MIDDLE, REAL), strict=True):
            _draw(axes, along[name], walks[name])
            titled(axes, PAGE, name)

    return "".join([
        heading("A force that points the wrong way"),
        words("Mode collapse need not be bad luck. The generator follows the gradient of E_q beta at a critic that is "
              "held still, and that is the gradient of E_p H(q/p), H'(r) = beta(omega(r)), whatever else was meant. "
              "Least squares with labels -1 for real and 1 for generated samples, and a generator that aims at 0, has "
              "the value E_p (r - 1)²/(r + 1), a divergence; but its H falls for r < 1."),
        words(f"For p = N(0, 1) and q = N(0, 0.5²) the generator follows {half.followed[0]:+.4f}, where the divergence "
              f"has the gradient {half.claimed[0]:+.4f}: it goes the other way. Begun at width {START:g} it comes to "
              f"rest at {lost.end[0]:.6f}, not at 1."),
        figure(8.8, 3.2, forces, "Gradient along the width of q = N(0, s²), p = N(0, 1): what is followed (solid) and "
                                 "what is claimed (dashed). Below 0 the width grows. The dots are the walk."),
        table(["generator", f"from width {START:g}", "ends at", f"from masses {_masses(ATOMS)}", "ends at"],
              [[name, walks[name].verdict, number(walks[name].end[0], 6), atoms[name].verdict,
                _masses(atoms[name].end)] for name in objectives],
              "Gradient flows against the best critic; the masses are those of three atoms, p is uniform."),
        slip("It is not enough that the value E_p alpha + E_q beta is a divergence of p and q. The generator does not "
             "see how the best critic moves with it. The sound test is that beta increases and is not flat at "
             "p = q; it is part of every certificate.")])


def _draw(axes: Any, forces: list[Force], walked: Walk) -> None:
    followed, claimed = (np.array([getattr(f, name)[0] for f in forces]) for name in ("followed", "claimed"))
    axes.axhline(0, color=PAGE.ink, linewidth=0.7)
    axes.axvline(1, color=PAGE.ink, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.plot(WIDTHS, followed, color=PAGE.lines[0], linewidth=2, label="followed")
    axes.plot(WIDTHS, claimed, color=PAGE.lines[1], linewidth=1.4, linestyle=(0, (4, 2)), label="claimed")
    axes.plot(walked.path[:, 0], np.zeros(len(walked.path)), ".", color=PAGE.lines[5], markersize=4)
    axes.plot(walked.end[0], 0, "o", color=PAGE.lines[5], markersize=7, label=f"comes to rest at {walked.end[0]:.4f}")
    low = min(np.nanmin(followed), -0.5)
    axes.set_ylim(max(low, -2.5) * 1.1, max(np.nanmax(followed), 0.5) * 1.6)
    plain_axes(axes, PAGE, "width s of q; dotted: p", "gradient")
    axes.legend(fontsize=8, frameon=False, labelcolor=PAGE.ink, loc="lower right")


def _masses(values: Any) -> str:
    return " / ".join(f"{v:.3g}" if v > 1e-6 else "0" for v in values)
