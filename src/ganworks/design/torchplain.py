"""Formulas with kinks, and polynomials, as torch operations in the order in which they are written."""

from __future__ import annotations

import sympy
import torch
from sympy import Expr

from ganworks.design.symbols import V
from ganworks.design.torchforms import Emitter, Program
from ganworks.design.torchlower import KINKED, NoForm, lowered
from ganworks.design.torchtape import Register, Tape


def plain(expr: Expr) -> Program:
    """Return a program for a formula with kinks or a polynomial, operation by operation, for autograd.

    Raises:
        NoForm: it holds something that is not known here.
    """
    tape = Tape()
    return tape.program(_walk(expr, tape))


def _walk(expr: Expr, tape: Tape) -> Register:
    if expr == V:
        return 0
    if expr.is_number:
        return tape.total([], float(expr))
    if not expr.has(*KINKED) and not expr.is_polynomial(V):
        lowering, value = lowered(expr)
        return Emitter(lowering, tape).expression(value)
    if isinstance(expr, sympy.Add):
        constant, moving = expr.as_coeff_add()
        return tape.total([_scaled(part, tape) for part in moving], float(constant))
    if isinstance(expr, sympy.Mul):
        factor, at = _scaled(expr, tape)
        return tape.scaled(at, factor)
    if isinstance(expr, sympy.Pow) and expr.exp.is_Integer:
        return tape.power(_walk(expr.base, tape), float(expr.exp))
    if isinstance(expr, sympy.Abs | sympy.sign):
        return tape.add(torch.abs if isinstance(expr, sympy.Abs) else torch.sign, _walk(expr.args[0], tape))
    if isinstance(expr, sympy.Max | sympy.Min):
        return _extreme(expr, tape)
    raise NoForm(type(expr).__name__)


def _scaled(expr: Expr, tape: Tape) -> tuple[float, Register]:
    """Return a number and the register of the rest of a product."""
    numbers = [part for part in sympy.Mul.make_args(expr) if part.is_number]
    others = [_walk(part, tape) for part in sympy.Mul.make_args(expr) if not part.is_number]
    if not others:
        return 1.0, _walk(expr, tape)
    return float(sympy.Mul(*numbers)), tape.product(others)


def _extreme(expr: Expr, tape: Tape) -> Register:
    """Max(0, y) is relu(y) and Min(0, y) is -relu(-y): the slope at the kink is 0, as in hand-written losses."""
    largest = isinstance(expr, sympy.Max)
    if sympy.S.Zero in expr.args:
        other = expr.func(*[part for part in expr.args if part != 0])
        if largest:
            return tape.add(torch.relu, _walk(other, tape))
        return tape.add(torch.neg, tape.add(torch.relu, _walk(-other, tape)))
    result, *rest = [_walk(part, tape) for part in expr.args]
    for at in rest:
        result = tape.add(torch.maximum if largest else torch.minimum, result, at)
    return result
