"""Claims that a derivation makes, put to the test: identities by symbols, equalities in numbers.

A claim that fails is a ``Finding`` with the status 'refuted' and a place where the two sides differ; nothing is taken
on trust, so a step built from findings cannot say 'proved' of what is false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy
from mpmath import mp
from sympy import Expr, Symbol

from ganworks.design.derivation import Status

DIGITS = 30
"""The working precision of the numerical claims."""
ORDER: tuple[Status, ...] = ("refuted", "stated", "checked", "defined", "proved")
"""From the weakest to the strongest."""


@dataclass(frozen=True)
class Finding:
    """What became of a claim: its status, the claim in words, and the figures found (none for a proof by symbols)."""

    status: Status
    claim: str
    figures: str = ""


def weakest(*findings: Finding) -> Status:
    """Return the status of a step that rests on all of these findings."""
    return min((finding.status for finding in findings), key=ORDER.index)


def resting_on(carrying: Sequence[Finding], checks: Sequence[Finding] = ()) -> Status:
    """Return the status of a step that some findings carry and others only confirm; none of them may be refuted."""
    return "refuted" if weakest(*carrying, *checks) == "refuted" else weakest(*carrying)


def account(findings: Sequence[Finding]) -> str:
    """Return the findings in words, those of one kind together, what is refuted first."""
    heads: dict[Status, str] = {"refuted": "Refuted", "proved": "Proved by symbols", "checked": "Checked in numbers"}
    parts = []
    for status, head in heads.items():
        of_kind = [one for one in findings if one.status == status]
        claims = [f"{one.claim} ({one.figures})" if one.figures else one.claim for one in of_kind]
        if claims:
            parts.append(f"{head}: {'; '.join(claims)}.")
    return " ".join(parts)


def identity(what: str, left: Expr, right: Expr) -> Finding:
    """Prove left = right by symbols; the letters must carry their assumptions (positive, real).

    Where the difference does not simplify to 0 the two sides are compared at a point: refuted if they differ.
    """
    difference = sympy.expand((left - right).replace(sympy.log, lambda x: sympy.expand_log(sympy.log(sympy.factor(x)))))
    if difference == 0 or sympy.simplify(difference) == 0:
        return Finding("proved", what)
    return _at_points(what, left, right)


def _at_points(what: str, left: Expr, right: Expr) -> Finding:
    letters = sorted(left.free_symbols | right.free_symbols, key=str)
    worst = sympy.S.Zero
    for shift in range(12):
        place = {letter: sympy.Rational(3 + 2 * shift + 5 * k, 37) for k, letter in enumerate(letters)}
        a, b = (side.subs(place).evalf(DIGITS) for side in (left, right))
        gap = abs(a - b)
        if not (gap.is_finite and gap < sympy.Float(10) ** (10 - DIGITS) * max(1, abs(a))):
            return Finding("refuted", what, f"{_number(a)} on the left, {_number(b)} on the right{_where(place)}")
        worst = max(worst, gap)
    return Finding("checked", what, f"at 12 points, largest difference {_small(worst)}")


def _where(place: Mapping[Symbol, Expr]) -> str:
    return " at " + ", ".join(f"{letter} = {value}" for letter, value in place.items()) if place else ""


def negative(what: str, expr: Expr) -> Finding:
    """Prove by its letters' assumptions that an expression is negative."""
    if expr.is_negative:
        return Finding("proved", f"{what} is negative")
    return Finding("refuted", f"{what} is negative", "the signs of its terms do not say so")


def equal(what: str, left: mp.mpf, right: mp.mpf, digits: int = 25) -> Finding:
    """Compare two numbers that were computed in different ways; they must agree to ``digits`` digits."""
    gap = abs(left - right)
    if not gap <= mp.mpf(10) ** -digits * max(1, abs(left)):
        return Finding("refuted", what, f"{_number(left)} against {_number(right)}")
    return Finding("checked", what, f"both {shown(left)}, difference {_small(gap)}")


def ordered(what: str, *numbers: mp.mpf) -> Finding:
    """Check that each number is clearly below the next."""
    figures = " < ".join(map(shown, numbers))
    if all(small < large - mp.mpf(10) ** -20 for small, large in pairwise(numbers)):
        return Finding("checked", what, figures)
    return Finding("refuted", what, f"not {figures}")


def shown(number: mp.mpf, digits: int = 6) -> str:
    """Return a number in words, with ``digits`` digits."""
    return str(mp.nstr(mp.mpf(number), digits)).removesuffix(".0")


def _number(number: Expr | mp.mpf) -> str:
    return str(mp.nstr(mp.mpf(str(number)), 10)) if sympy.sympify(number).is_real else str(number)


def _small(gap: Expr | mp.mpf) -> str:
    return "0" if gap == 0 else str(mp.nstr(mp.mpf(str(gap)), 2))


def line_integral(function: Callable[[mp.mpf], mp.mpf], low: int, high: int, parts: int) -> mp.mpf:
    """Integrate over the line by the trapezoidal rule with ``parts`` nodes per unit, from ``low`` to ``high``.

    For functions that are analytic around the line and vanish at both ends the error falls as exp(-2 pi a parts),
    where a is the distance to the nearest singularity: 30 digits for the functions used here. Two sides of an
    equality take different ``parts``, so that they agree only if both integrals are right.
    """
    return mp.fsum(function(mp.mpf(k) / parts) for k in range(low * parts, high * parts + 1)) / parts


def slope(function: Callable[[mp.mpc], mp.mpc], place: float) -> mp.mpf:
    """Return the derivative of an analytic function from one step along the imaginary axis: no digits cancel."""
    step = mp.mpf(10) ** -20
    return mp.im(function(mp.mpc(place, step))) / step
