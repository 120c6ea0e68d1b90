"""Formulas as text in the grammar of ``parse``, so that what is written can be read again."""

from __future__ import annotations

from typing import Any

from sympy import Basic
from sympy.printing.str import StrPrinter


class _Writer(StrPrinter):
    """sympy's own text, with the functions that the grammar names otherwise or lacks."""

    def _print_Abs(self, expr: Basic) -> str:
        return f"abs({self._print(expr.args[0])})"

    def _print_Heaviside(self, expr: Basic) -> str:
        return f"((1 + sign({self._print(expr.args[0])}))/2)"

    def _print_erfc(self, expr: Basic) -> str:
        return f"(1 - erf({self._print(expr.args[0])}))"

    def _print_csch(self, expr: Basic) -> str:
        return f"(1/sinh({self._print(expr.args[0])}))"


_WRITER = _Writer({"full_prec": False})


def formula_text(expr: Any) -> str:
    """Return a formula as text. All that ``parse`` can make reads back; other nodes come as sympy writes them."""
    return str(_WRITER.doprint(expr))
