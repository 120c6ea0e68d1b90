"""Compilation of a function of the raw output to a stable elementwise torch function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from mpmath import mp
from torch import Tensor

from ganworks.design.evaluate import function_of
from ganworks.design.limits import attempt
from ganworks.design.symbols import V
from ganworks.design.tables import table
from ganworks.design.torchcheck import LIMIT, Reference, worst
from ganworks.design.torchforms import programs, recorded
from ganworks.design.torchlower import KINKED, NoForm
from ganworks.design.torchplain import plain
from ganworks.design.torchtower import Caps, Levels, Program, capped_native, tower

LONGEST = 3.0
"""Seconds for one attempt at a formula."""


@dataclass(frozen=True)
class Exact:
    """A real function of the raw output v that is to be compiled.

    Attributes:
        value: its exact value at any real v, to mpmath's working precision.
        expr: the closed form of the value in V, where there is one.
        slope: the closed form of the first derivative in V, which may be known where the value has none.
        kinks: points at which it has no derivative.
    """

    value: Callable[[Any], Any]
    expr: sympy.Expr | None = None
    slope: sympy.Expr | None = None
    kinks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Compiled:
    """An elementwise torch function.

    Attributes:
        function: float32 or float64 of any shape to the same; differentiable twice.
        form: "native" (plain torch operations), "tower" (own derivatives) or "table" (piecewise polynomials).
        capped: the outputs below and above which float32 cannot hold value, slope or curvature, and the slope stays
            what it is there (infinite on a side without one); None where there is none within |v| <= 100.
        error: worst relative error in float64 for |v| <= 30, over value, slope and curvature.
    """

    function: Callable[[Tensor], Tensor]
    form: str
    capped: tuple[float, float] | None
    error: float


def compile_function(exact: Exact) -> Compiled:
    """Return the cheapest form whose value, slope and curvature are right; a table where no formula is.

    Raises:
        Undefined: the exact function is not real somewhere in |v| <= 100.
    """
    reference = _reference(exact)
    caps = {dtype: (reference.cap(-1, dtype), reference.cap(1, dtype)) for dtype in LIMIT}
    ways: list[tuple[str, Callable[[Exact, Caps], Program]]] = [("native", _native), ("tower", _tower),
                                                                ("tower", _folded)]
    if _span(caps) is not None:
        ways = [*ways[1:], ways[0]]  # what autograd records for a continuation costs more than own derivatives
    for form, make in ways:
        function = attempt(LONGEST, "a stable form", make, exact, caps)
        found = None if function is None else _verified(function, reference, caps, form == "native")
        if function is not None and found is not None:
            return Compiled(function, form, _span(caps), found)
    return _tabled(exact, reference, caps)


def _tabled(exact: Exact, reference: Reference, caps: Caps) -> Compiled:
    """Return a table of the value, with formulas for slope and curvature where they have stable ones."""
    levels = table(exact.value, _slope(exact), exact.kinks)
    choices = [levels]
    if exact.slope is not None:
        found = attempt(LONGEST, "a stable form", programs, exact.slope)
        choices = [_joined(levels.value, found), levels] if found is not None else choices
    for chosen in choices:
        function = tower(chosen, caps)
        error = _verified(function, reference, caps, False)
        if error is not None:
            break
    else:
        error = worst(function, reference, torch.float64, caps[torch.float64], False)[1]
    return Compiled(function, "table", _span(caps), error)


def _joined(value: Program, slope: Levels) -> Levels:
    return Levels(value, slope.value, slope.slope, lambda v: (value(v), slope.value(v)))


def _reference(exact: Exact) -> Reference:
    kinks = tuple(float(kink) for kink in exact.kinks)
    if exact.expr is not None:
        reference = Reference(function_of(exact.expr, V), kinks=kinks)
        if _agree(exact.value, reference.function):
            return reference
    if exact.slope is not None and exact.expr is None:
        return Reference(function_of(exact.slope, V), order=1, kinks=kinks)
    return Reference(exact.value, digits=100, step="1e-16", kinks=kinks)


def _agree(value: Callable[[Any], Any], other: Callable[[Any], Any]) -> bool:
    """Whether a closed form is the function it is said to be, at three points to 20 digits."""
    with mp.workdps(40):
        pairs = [(value(mp.mpf(v)), other(mp.mpf(v))) for v in ("-1.7", "0.4", "2.3")]
        return all(abs(a - b) <= mp.mpf("1e-20") * (1 + abs(a)) for a, b in pairs)


def _slope(exact: Exact) -> Callable[[Any], Any] | None:
    return function_of(exact.slope, V) if exact.slope is not None and exact.expr is None else None


def _native(exact: Exact, caps: Caps) -> Program:
    if exact.expr is None:
        raise NoForm("no closed form")
    whole = exact.expr.has(*KINKED) or exact.expr.is_polynomial(V)
    function = plain(exact.expr) if whole else recorded(exact.expr)

    def slope(v: Tensor) -> Tensor:
        v = v.requires_grad_()
        return torch.autograd.grad(function(v).sum(), v)[0]

    return capped_native(function, slope, caps)


def _tower(exact: Exact, caps: Caps) -> Program:
    if exact.expr is None:
        raise NoForm("no closed form")
    return tower(programs(exact.expr), caps)


def _folded(exact: Exact, caps: Caps) -> Program:
    if exact.expr is None:
        raise NoForm("no closed form")
    return tower(programs(exact.expr, fold=True), caps)


def _verified(function: Program, reference: Reference, caps: Caps, native: bool) -> float | None:
    """Return the worst error in float64, None where the function is wrong somewhere."""
    for dtype in (torch.float32, torch.float64):
        right, error = worst(function, reference, dtype, caps[dtype], native)
        if not right:
            return None
    return error


def _span(caps: Caps) -> tuple[float, float] | None:
    low, high = caps[torch.float32]
    if low is None and high is None:
        return None
    return (-float("inf") if low is None else low, float("inf") if high is None else high)
