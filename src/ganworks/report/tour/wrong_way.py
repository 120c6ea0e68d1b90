"""Of chapter 6: generators whose force is not the gradient of what their objective claims."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganworks.measure.dynamics import as_objective
from ganworks.measure.families import family_named
from ganworks.measure.force import Force, Forces
from ganworks.measure.walks import Walk, walk
from ganworks.report.drawing import PAGE, plain_axes, titled
from ganworks.report.tour.parts import figure, heading, number, slip, table, words

OBJECTIVES = ("lsgan_middle", "lsgan", "nonsaturating")
NAMES = {"lsgan_middle": "least squares, aim in the middle", "lsgan": "least squares, aim at real",
         "nonsaturating": "non-saturating"}
WIDTHS = np.linspace(0.15, 2.0, 38)
START, ATOMS = 0.9, (0.5, 0.3, 0.2)


def wrong_way() -> str:
    """Return the section, computed."""
    makers = {name: Forces(as_objective(name), family_named("normal_scale")) for name in OBJECTIVES[:2]}
    along = {name: [made.at(s) for s in WIDTHS] for name, made in makers.items()}
    walks = {name: walk(name, "normal_scale", START) for name in OBJECTIVES}
    atoms = {name: walk(name, "simplex", ATOMS) for name in OBJECTIVES}
    half = makers["lsgan_middle"].at(0.5)
    lost = walks["lsgan_middle"]

    def forces(drawn: Any) -> None:
        for axes, name in zip(drawn.subplots(1, 2), OBJECTIVES[:2], strict=True):
            _draw(axes, along[name], walks[name])
            titled(axes, PAGE, NAMES[name])

    return "".join([
        heading("A force that points the wrong way"),
        words("Mode collapse need not be bad luck. The generator follows the gradient of E_q beta at a critic that is "
              "held still, and that is the gradient of E_p H(q/p), H'(r) = beta(omega(r)), whatever else was meant. "
              "Least squares with labels a and b, and a generator that aims half-way between them, has a value "
              "proportional to E_p (r - 1)²/(r + 1), a divergence; but its H falls for r < 1."),
        words(f"For p = N(0, 1) and q = N(0, 0.5²) the generator follows {half.followed[0]:+.4f}, where the divergence "
              f"has the gradient {half.claimed[0]:+.4f}: it goes the other way. Begun at width {START:g} it comes to "
              f"rest at {lost.end[0]:.6f}, not at 1."),
        figure(8.8, 3.2, forces, "Gradient along the width of q = N(0, s²), p = N(0, 1): what is followed (solid) and "
                                 "what is claimed (dashed). Below 0 the width grows. The dots are the walk."),
        table(["generator", f"from width {START:g}", "ends at", f"from masses {_masses(ATOMS)}", "ends at"],
              [[NAMES[name], walks[name].verdict, number(walks[name].end[0], 6), atoms[name].verdict,
                _masses(atoms[name].end)] for name in OBJECTIVES],
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
