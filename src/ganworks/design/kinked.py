"""f-divergences with corners: total variation and others whose f is not differentiable everywhere."""

from __future__ import annotations

import itertools

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import DIGITS
from ganworks.design.corners import CornerCritic
from ganworks.design.critic import Critic, DivergenceCritic
from ganworks.design.evaluate import Number, Undefined, function_of, number
from ganworks.design.kinks import kinks
from ganworks.design.symbols import T, U
from ganworks.design.terms import Trouble


def kinked_critic(f: Expr) -> Critic | CornerCritic | Trouble:
    """Return the critic of an f with corners: a choice among its slopes where f is linear between them."""
    with mp.workdps(DIGITS):
        try:
            pieces = _pieces(f)
        except (Undefined, ArithmeticError, ValueError):
            return DivergenceCritic(f)
    if pieces is None:
        return DivergenceCritic(f)
    if len(pieces) < 2:
        return Trouble("affine", "f is affine, so the divergence is 0 whatever the densities are", f"f = {f}",
                       "take an f that is strictly convex at 1")
    slopes = [a for a, _ in pieces]
    if any(b <= a for a, b in itertools.pairwise(slopes)):
        return Trouble("d.convex", "f is not convex: its slope falls", f"slopes from left to right: {slopes}",
                       "change the sign of f, if that is what was meant")
    points = sorted((-a, b) for a, b in pieces)  # t = -T, psi(t) = -f*(T)
    lines = [b1 + (b2 - b1) / (t2 - t1) * (T - t1) for (t1, b1), (t2, b2) in itertools.pairwise(points)]
    psi = lines[0] if len(lines) == 1 else sympy.Min(*lines)
    low, high = number(points[0][0]), number(points[-1][0])
    return CornerCritic(-T, sympy.expand(psi), tuple(t for t, _ in points), low, high, {"f": f})


def _pieces(f: Expr) -> list[tuple[Expr, Expr]] | None:
    """Return (slope, height at 0) of each linear piece of f from left to right; None where a piece is curved."""
    function, marks = function_of(f, U), kinks(f, U)
    spans = [mp.mpf(0), *marks, (marks[-1] if marks else mp.mpf(1)) + 10]
    pieces: list[tuple[Expr, Expr]] = []
    for left, right in itertools.pairwise(spans):
        a, b, c = (left + (right - left) * mp.mpf(x) for x in ("0.2", "0.5", "0.9"))
        slope = (function(b) - function(a)) / (b - a)
        if abs((function(c) - function(b)) / (c - b) - slope) > mp.mpf(10) ** -25 * (1 + abs(slope)):
            return None
        piece = (_exact(slope), _exact(function(a) - slope * a))
        if not pieces or pieces[-1] != piece:
            pieces.append(piece)
    return pieces


def _exact(x: Number) -> Expr:
    return sympy.nsimplify(sympy.Float(mp.nstr(x, 30), 30), rational=True, tolerance=1e-25)
