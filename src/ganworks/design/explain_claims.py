"""What the derivation of a design is built from: claims about functions of one letter, tables, and display names.

A formula is compared in 40-digit arithmetic first, and only what agrees to 25 digits is then tried by symbols: sympy
alone calls true identities false and, off its branch, false ones true.
"""

# ruff: noqa: RUF001 - the signs that look like Latin letters are meant
from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import sympy
from mpmath import mp
from sympy import Expr, Function, Symbol

from ganworks.design.calculus import AGREE, DIGITS, RATIOS
from ganworks.design.claims import Finding, shown
from ganworks.design.critic import Critic, DivergenceCritic
from ganworks.design.derivation import Line, Status, Step
from ganworks.design.evaluate import Number, Undefined, function_of, sample
from ganworks.design.induced import Induced
from ganworks.design.limits import attempt
from ganworks.design.scan import SCAN_DIGITS
from ganworks.design.symbols import R, V

if TYPE_CHECKING:
    from ganworks.design.design import Design

PHI, PSI, OMEGA, RHO, BETA, ALPHA, D, H, F = (
    Function(name) for name in ("phi", "psi", "omega", "rho", "beta", "alpha", "d", "H", "f"))
D1, D2, H1, F1, STAR = (Function(name) for name in ("d'", "d''", "H'", "f'", "f*"))
PATIENCE = 0.3
"""Seconds that one attempt at a proof or at a shorter form may take."""
EFFORT = 0.6
"""Seconds of one core that all such attempts of a derivation may take together; later formulas stay as they are."""
LONGEST = 90
"""Operations beyond which a difference is not tried by symbols: numbers decide."""
NO_FORM = ("no closed form was found; numbers come from the integral of d'' / the numeric inverse of omega in the "
           "log-ratio parametrisation, r = exp(-v)")
LOGITS = tuple(-mp.log(r) for r in RATIOS)
"""Raw outputs v at which costs are compared: those of ``RATIOS``."""
SHOWN = ("0.1", "0.5", "2", "10")
"""Ratios of the small tables."""
Numeric = Callable[[Number], Number]
Result = TypeVar("Result")


class _Effort(threading.local):
    left = float("inf")


_effort = _Effort()


@contextmanager
def effort(seconds: float = EFFORT) -> Iterator[None]:
    """Bound the time that ``tried`` takes in this block, in this thread."""
    before, _effort.left = _effort.left, seconds
    try:
        yield
    finally:
        _effort.left = before


def tried(what: str, way: Callable[[Expr], Result], expr: Expr) -> Result | None:
    """Return ``way(expr)``, or None where it takes too long, sympy cannot do it or the effort is spent."""
    if _effort.left <= 0:
        return None
    began = time.thread_time()
    found = attempt(PATIENCE, what, way, expr)
    _effort.left -= time.thread_time() - began
    return found


def prime(function: type[sympy.Function], letter: Symbol, order: int = 1) -> Expr:
    """Return the derivative of a function that has a name only, to be shown."""
    return sympy.Derivative(function(letter), (letter, order), evaluate=False)


def eq(left: Expr, right: Expr) -> sympy.Eq:
    """Return an equation that sympy does not decide by itself."""
    return sympy.Eq(left, right, evaluate=False)


def agree(what: str, left: Numeric, right: Numeric, points: Sequence[Number] = RATIOS, letter: str = "r",
          digits: int = 25, precision: int = DIGITS) -> Finding:
    """Compare two functions at points; they must agree to ``digits`` of ``precision`` digits at each."""
    worst = mp.mpf(0)
    with mp.workdps(precision):
        for x in points:
            try:
                a, b = left(x), right(x)
            except (Undefined, ArithmeticError, ValueError):
                return Finding("refuted", what, f"a side has no value at {letter} = {shown(x)}")
            gap = abs(a - b) / max(1, abs(a), abs(b)) if a != b else mp.mpf(0)
            if not gap <= AGREE * mp.mpf(10) ** (25 - digits):
                return Finding("refuted", what, f"{shown(a, 10)} against {shown(b, 10)} at {letter} = {shown(x)}")
            worst = max(worst, gap)
    return Finding("checked", what, f"{len(points)} values of {letter}, largest difference {small(worst)}")


def identical(what: str, left: Expr, right: Expr, symbol: Symbol = R, points: Sequence[Number] = RATIOS) -> Finding:
    """Compare two formulas: in numbers, and what agrees there also by symbols."""
    try:
        found = agree(what, function_of(left, symbol), function_of(right, symbol), points, str(symbol))
    except NotImplementedError:
        # A function without numbers here: only symbols can tell, and where they do not, nothing is claimed.
        return Finding("proved" if vanishes(left - right) else "stated", what)
    return Finding("proved", what) if found.status == "checked" and vanishes(left - right) else found


def vanishes(difference: Expr) -> bool:
    """Whether a few quick rules reduce a formula to 0."""
    if difference == 0:
        return True
    if sympy.count_ops(difference) > LONGEST:
        return False
    return any(tried("proof", way, difference) == 0 for way in (sympy.expand, _of_logs, sympy.cancel, sympy.simplify))


def _of_logs(expr: Expr) -> Expr:
    apart = expr.replace(sympy.log, lambda x: sympy.expand_log(sympy.log(sympy.factor(x)), force=True))
    return sympy.expand(apart)


def short(expr: Expr, symbol: Symbol = V, points: Sequence[Number] = LOGITS) -> Expr:
    """Return an equal form that reads better, where a plain simplification finds one."""
    best = expr
    for way in (sympy.factor, sympy.simplify):
        changed = tried("simplification", way, expr)
        if changed is not None and sympy.count_ops(changed) < sympy.count_ops(best):
            with suppress(NotImplementedError):
                if agree("", function_of(expr, symbol), function_of(changed, symbol), points).status == "checked":
                    best = changed
    return best


def small(gap: Number) -> str:
    return "0" if gap == 0 else str(mp.nstr(gap, 2))


def quoted(design: Design, *codes: str) -> list[Finding]:
    """Return the certificate's findings on some codes as findings; warnings have a step of their own."""
    known: dict[str, Status] = {"proved": "proved", "checked": "checked", "refuted": "refuted"}
    return [Finding(known[check.status], check.reason, check.evidence) for check in design.certificate().checks
            if check.code in codes and check.status in known]


def induced_of(design: Design) -> Induced:
    """Return the f-GAN side of a design, also where letters without a value are left: formulas can have them."""
    critic = design.critic
    if not design.open_letters or not isinstance(critic, Critic):
        return design.induced
    return Induced(critic, critic.f if isinstance(critic, DivergenceCritic) else None)


def samples(design: Design) -> str:
    """Return the values at which letters without a value are looked at, as "a = 7/10", or ""."""
    return ", ".join(f"{name} = {sample(Symbol(name))}" for name in design.open_letters)


def table(letter: str, rows: dict[str, Numeric], points: Sequence[str] = SHOWN) -> Line:
    """Return a small table of numbers as a line; a function without a value somewhere shows '-' there."""
    columns = [[letter, *points]]
    with mp.workdps(SCAN_DIGITS):  # the certificate has integrals of this precision already
        for name, function in rows.items():
            columns.append([name, *(_cell(function, mp.mpf(x)) for x in points)])
    widths = [max(len(row[k]) for row in columns) for k in range(len(points) + 1)]
    lines = ("   ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in columns)
    return Line("", "\n".join(lines))


def _cell(function: Numeric, x: Number) -> str:
    try:
        return shown(function(x), 8)
    except (Undefined, ArithmeticError, ValueError):
        return "-"


GREEK = {"phi": "φ", "psi": "ψ", "omega": "ω", "rho": "ρ", "beta": "β", "alpha": "α", "gamma": "γ", "Omega": "Ω"}


def lettered(step: Step) -> Step:
    """Return the step with Greek letters for their names in its words, as its formulas have them."""
    lines = tuple(Line(_greek(line.words), _greek(line.formula) if isinstance(line.formula, str) else line.formula)
                  for line in step.lines)
    return Step(_greek(step.title), lines, step.status, _greek(step.how), _greek(step.note))


def _greek(words: str) -> str:
    return re.sub(rf"(?<![A-Za-z])({'|'.join(GREEK)})(?!\.?[A-Za-z])", lambda found: GREEK[found[1]], words)


REAL_LAW, MADE_LAW = ([mp.mpf(k) / 20 for k in law] for law in ((10, 6, 4), (4, 7, 9)))
"""Two laws on three points, p and q, for checks of divergences without integrals."""


def on_three_points(function: Numeric) -> Number:
    """Return the sum of p d(q/p) over three points."""
    return mp.fsum(p * function(q / p) for p, q in zip(REAL_LAW, MADE_LAW, strict=True))
