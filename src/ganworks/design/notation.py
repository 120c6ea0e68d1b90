"""Notation that sympy lacks and that derivations need: expectations, divergences, extrema, chains of equalities.

These objects carry structure only; they are never evaluated. ``rendering`` and ``mathml`` print them.
"""

from __future__ import annotations

import sympy
from sympy.core.symbol import Str
from sympy.printing.precedence import PRECEDENCE


class Mean(sympy.Expr):
    """The expectation of ``body`` where ``variable`` has the law ``law``: E_{x~p} body."""

    is_commutative = True
    precedence = PRECEDENCE["Func"]

    def __new__(cls, body: sympy.Expr, variable: sympy.Basic, law: sympy.Basic) -> Mean:
        return super().__new__(cls, sympy.sympify(body), variable, law)


class Discrepancy(sympy.Expr):
    """A divergence between two laws, KL(p ‖ q); ``name`` is 'KL', 'JS', ... (sympy has a Divergence, of vectors)."""

    is_commutative = True
    precedence = PRECEDENCE["Func"]

    def __new__(cls, name: str | Str, p: sympy.Basic, q: sympy.Basic) -> Discrepancy:
        return super().__new__(cls, Str(str(name)), p, q)


class Extremum(sympy.Expr):
    """``kind`` (min, max, sup, inf) of ``body`` over ``variable``: max_D V."""

    is_commutative = True
    precedence = PRECEDENCE["Mul"]

    def __new__(cls, kind: str | Str, variable: sympy.Basic, body: sympy.Expr) -> Extremum:
        return super().__new__(cls, Str(str(kind)), variable, sympy.sympify(body))


class Total(sympy.Expr):
    """A sum printed in the order given, where sympy would sort the terms."""

    is_commutative = True
    precedence = PRECEDENCE["Add"]

    def __new__(cls, *terms: sympy.Expr) -> Total:
        return super().__new__(cls, *map(sympy.sympify, terms))


class Chain(sympy.Basic):
    """Equalities in a row, a = b = c, printed one under the other where they are long."""

    def __new__(cls, *sides: sympy.Expr) -> Chain:
        return super().__new__(cls, *map(sympy.sympify, sides))
