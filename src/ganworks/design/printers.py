"""Sympy's printers taught the notation of ``notation``: LaTeX, one line of text, and text over several lines."""

# ruff: noqa: RUF001 - the signs that look like Latin letters are meant
from __future__ import annotations

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_symbol
from sympy.printing.pretty.stringpict import prettyForm
from sympy.printing.str import StrPrinter

from ganworks.design.mathml import is_negative


class _Latex(LatexPrinter):
    def _print_Mean(self, expr: sympy.Expr) -> str:
        body, variable, law = map(self._print, expr.args)
        return rf"\mathrm{{E}}_{{{variable} \sim {law}}}\left[{body}\right]"

    def _print_Discrepancy(self, expr: sympy.Expr) -> str:
        written, p, q = expr.args
        return rf"\mathrm{{{written}}}\left({self._print(p)} \,\middle\|\, {self._print(q)}\right)"

    def _print_Extremum(self, expr: sympy.Expr) -> str:
        kind, variable, body = expr.args
        return rf"\{kind}_{{{self._print(variable)}}} {self._print(body)}"

    def _print_Reals(self, expr: sympy.Basic, exp: str | None = None) -> str:
        return r"\mathbf{R}"

    def _print_Total(self, expr: sympy.Expr) -> str:
        return _total(self, expr)

    def _print_Chain(self, expr: sympy.Basic) -> str:
        first, *others = map(self._print, expr.args)
        return r"\begin{aligned} " + first + r" \\ ".join(f" &= {side}" for side in others) + r" \end{aligned}"

    def _deal_with_super_sub(self, string: str, style: str = "plain") -> str:
        starred = string.endswith("*")
        written = str(super()._deal_with_super_sub(string.rstrip("*"), style))
        return written + "^{*}" if starred else written

    def _hprint_Function(self, func: str) -> str:
        if func.endswith("*"):
            return self._deal_with_super_sub(func)
        return str(super()._hprint_Function(func))


class _Text(StrPrinter):
    def _print_Relational(self, expr: sympy.Rel) -> str:
        sign = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥"}.get(expr.rel_op, expr.rel_op)
        return f"{self._print(expr.lhs)} {sign} {self._print(expr.rhs)}"

    def _print_Mean(self, expr: sympy.Expr) -> str:
        body, variable, law = map(self._print, expr.args)
        return f"E_{{{variable}∼{law}}}[{body}]"

    def _print_Discrepancy(self, expr: sympy.Expr) -> str:
        written, p, q = expr.args
        return f"{written}({self._print(p)} ‖ {self._print(q)})"

    def _print_Extremum(self, expr: sympy.Expr) -> str:
        kind, variable, body = expr.args
        return f"{kind}_{self._print(variable)} {self._print(body)}"

    def _print_Total(self, expr: sympy.Expr) -> str:
        return _total(self, expr)

    def _print_Chain(self, expr: sympy.Basic) -> str:
        return " = ".join(map(self._print, expr.args))

    def _print_Symbol(self, expr: sympy.Symbol) -> str:
        return str(pretty_symbol(expr.name))

    def _print_Str(self, expr: sympy.Basic) -> str:
        return str(expr)


class _Pretty(PrettyPrinter):
    def _print_Mean(self, expr: sympy.Expr) -> prettyForm:
        body, variable, law = expr.args
        drawn = prettyForm(*self._print(body).parens("[", "]"))
        return prettyForm(*drawn.left(f"E_{{{_line(variable)}∼{_line(law)}}}"), binding=prettyForm.FUNC)

    def _print_Discrepancy(self, expr: sympy.Expr) -> prettyForm:
        return prettyForm(_line(expr), binding=prettyForm.FUNC)

    def _print_Extremum(self, expr: sympy.Expr) -> prettyForm:
        kind, variable, body = expr.args
        return prettyForm(*self._print(body).left(f"{kind}_{_line(variable)} "), binding=prettyForm.MUL)

    def _print_Total(self, expr: sympy.Expr) -> prettyForm:
        return self._print_Add(sympy.Add(*expr.args, evaluate=False), order="none")


def _total(printer: LatexPrinter | StrPrinter, expr: sympy.Expr) -> str:
    first, *others = expr.args
    signed = [f" {'-' if is_negative(term) else '+'} {printer._print(-term if is_negative(term) else term)}"
              for term in others]
    return printer._print(first) + "".join(signed)


def _line(expr: sympy.Basic) -> str:
    return str(_Text().doprint(expr)).replace("**", "^")


def displayed(expr: sympy.Basic) -> sympy.Basic:
    """Return log((r + 1)/2) for log(r/2 + 1/2), which is how sympy keeps it, in every logarithm."""

    def gathered(call: sympy.Expr) -> sympy.Expr:
        content, rest = call.args[0].primitive()
        if content.q == 1:
            return call
        return call.func(sympy.Mul(content, rest, evaluate=False), evaluate=False)

    return expr.replace(lambda part: isinstance(part, sympy.log) and part.args[0].is_Add, gathered)


def math_line(expr: sympy.Basic) -> str:
    """Return a formula on one line of text."""
    return _line(displayed(expr))


def math_text(expr: sympy.Basic, width: int = 100) -> str:
    """Return a formula over several lines where it fits ``width`` columns, else on one line."""
    if type(expr).__name__ == "Chain":
        return _chain_text(expr, width)
    drawn = _pretty(expr).render(wrap_line=False)
    lines = [line.rstrip() for line in drawn.splitlines()]
    return "\n".join(lines) if max(map(len, lines)) <= width else math_line(expr)


def _pretty(expr: sympy.Basic) -> prettyForm:
    return _Pretty({"use_unicode": True, "wrap_line": False})._print(displayed(expr))


def _chain_text(expr: sympy.Basic, width: int) -> str:
    head, first, *sides = expr.args
    blocks = [math_text(sympy.Eq(head, first, evaluate=False), width)]
    before = " " * _pretty(head).width() + " = "
    for side in sides:
        drawn = math_text(side, width - len(before))
        level = _pretty(side).baseline if "\n" in drawn else 0
        blocks += [(before if row == level else " " * len(before)) + text for row, text in enumerate(drawn.split("\n"))]
    return "\n".join(blocks)


def math_latex(expr: sympy.Basic) -> str:
    """Return a formula as LaTeX, without the signs that open mathematics."""
    return str(_Latex().doprint(displayed(expr)))
