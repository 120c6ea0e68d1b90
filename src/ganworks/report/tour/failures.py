"""Chapter 6: how training fails, and what mends it."""

from __future__ import annotations

from typing import Any

from ganworks.measure.dynamics import dynamics, table_of_dynamics, vector_field
from ganworks.report.drawing import PAGE
from ganworks.report.measure_dynamics import draw_grid
from ganworks.report.tour.parts import Chapter, figure, heading, number, slip, table, words
from ganworks.report.tour.wrong_way import wrong_way

OBJECTIVES = ("minimax", "nonsaturating", "wgan", "lsgan")
MENDS = ("none", "r1", "r2", "noise", "consensus", "clip", "gp", "spectral")
DRAWN = ("none", "r1", "consensus", "clip", "gp", "noise")
TURNS = (("simultaneous", "none"), ("alternating", "none"), ("simultaneous", "extragradient"),
         ("simultaneous", "optimistic"), ("simultaneous", "unrolled"), ("simultaneous", "unrolled_first_order"))
CLAIMS = {"none": "nothing", "r1": "R1: the critic's slope on real samples", "r2": "R2: its slope on generated ones",
          "noise": "instance noise", "consensus": "consensus: both gradients, made small", "clip": "weight clipping",
          "gp": "gradient penalty, slope 1", "spectral": "spectral normalisation"}


def chapter(seed: int = 0) -> Chapter:
    """Return the chapter, computed."""
    found = table_of_dynamics(OBJECTIVES, MENDS, ("simultaneous",))
    verdicts = {(row.objective, row.stabiliser): row for row in found}
    planes = [dynamics("minimax", stabiliser=name) for name in DRAWN]
    fields = [vector_field("minimax", stabiliser=name) for name in DRAWN]
    turned = [dynamics(game="bilinear", stabiliser=name, play=how) for how, name in TURNS]
    body = "".join([
        words("Three things go wrong: the generator settles on a few kinds of sample, the two players chase each other "
              "without end, or the generator is told nothing. The last has a chapter of its own; here are the other "
              "two, in games small enough to be worked out."),
        heading("Going round in circles"),
        words("The smallest game with both players in it: the data are one point, 0; the generator is one number, "
              "theta; the critic says psi times x. The solution is theta = psi = 0. Plain gradient steps turn "
              "around it, whichever of the usual losses is played, and never come to rest. What is below was not "
              "looked up: each game was played from several starts until its fate was clear, and its eigenvalues "
              "worked out."),
        figure(8.8, 5.6, lambda drawn: _planes(drawn, planes, fields),
               "The minimax loss with different mends: what the players follow, and three trajectories."),
        table(["mend", *OBJECTIVES], [[CLAIMS[name], *(_verdict(verdicts.get((o, name))) for o in OBJECTIVES)]
                                      for name in MENDS],
              "Dirac-GAN, simultaneous steps of 0.1; in brackets the largest modulus of an eigenvalue of one step, "
              "where there is one. Below 1 a step shrinks the distance."),
        slip("A bound on the critic's slope is no cure for this. With clipping, with the penalty that asks for slope 1 "
             "and with spectral normalisation the game does not come to rest at the solution; a penalty that asks for "
             "slope 0 on the samples ends the rotation."),
        heading("Taking turns, looking ahead"),
        words("On the purest rotation, theta psi, how the steps are taken decides. Looking ahead, by an extra "
              "gradient, by extrapolating the last two or by unrolling the critic's next steps, turns a circle into a "
              "spiral inwards. Unrolling pulls with full strength only if the gradient goes through the critic's "
              "steps; leave that out, and half of what it adds is gone."),
        table(["play", "steps", "eigenvalue's modulus", "what happens"],
              [[how, name.replace("_", " "), number(row.radius if row.radius is not None else float("nan"), 7),
                row.verdict] for (how, name), row in zip(TURNS, turned, strict=True)]),
        wrong_way()])
    return Chapter("failures", "Failures and remedies", "Rotation, forces that point the wrong way, and what mends "
                                                        "them.", body)


def _planes(drawn: Any, planes: Any, fields: Any) -> None:
    draw_grid(drawn, planes, fields, PAGE, columns=3)


def _verdict(row: Any) -> str:
    if row is None:
        return ""
    return row.verdict + ("" if row.radius is None else f" ({row.radius:.4f})")
