"""Formulas as presentation MathML, the part of it that browsers draw (MathML Core).

Sympy's own MathML printer writes named entities and bare '<' signs, which are not well-formed XML, and leaves out
brackets after a minus. This printer writes strings that parse, for the functions that formulas here are made of;
anything else is printed as sympy's text.
"""

# ruff: noqa: RUF001 - the signs that look like Latin letters are meant
from __future__ import annotations

import re
from html import escape

import sympy
from sympy.core.function import AppliedUndef
from sympy.printing.pretty.pretty_symbology import greek_unicode
from sympy.printing.printer import Printer
from sympy.simplify.radsimp import fraction

NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh",
    "Max": "max", "Min": "min", "LambertW": "W", "sigmoid": "σ", "sigma": "σ", "Heaviside": "θ",
}
RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}
APPLY, TIMES, THIN = "\u2061", "\u2062", "0.17em"


def tag(name: str, *parts: str, **attributes: str) -> str:
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{''.join(parts)}</{name}>"


def mi(text: str) -> str:
    return tag("mi", escape(text))


def mn(text: str) -> str:
    return tag("mn", escape(text))


def mo(text: str, **attributes: str) -> str:
    return tag("mo", escape(text), **attributes)


def row(*parts: str) -> str:
    return parts[0] if len(parts) == 1 else tag("mrow", *parts)


def fenced(inner: str, left: str = "(", right: str = ")") -> str:
    return row(mo(left), inner, mo(right))


def name(text: str) -> str:
    """Return a name such as ``x``, ``omega``, ``p_G``, ``x_1`` or ``D*``, with its index and star in place."""
    base, _, index = text.partition("_")
    stem, mark = re.fullmatch(r"(.*?)(\*|'*)", base, re.S).groups()  # type: ignore[union-attr]
    drawn = mi(greek_unicode.get(stem, NAMES.get(stem, stem)))
    star = mo("∗" if mark == "*" else "′" * len(mark))
    if index:
        below = mn(index) if index.isdigit() else name(index)
        return tag("msubsup", drawn, below, star) if mark else tag("msub", drawn, below)
    return tag("msup", drawn, star) if mark else drawn


def is_negative(term: sympy.Expr) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


class MathML(Printer):
    """``MathML().doprint(expr)`` is the MathML of a formula without the ``math`` element around it."""

    def emptyPrinter(self, expr: object) -> str:
        return tag("mtext", escape(str(expr)))

    flat = False
    """True within an exponent, where fractions are written with a slash."""

    def _fraction(self, top: str, bottom: str, divisor: sympy.Basic) -> str:
        if not self.flat:
            return tag("mfrac", top, bottom)
        return row(top, mo("/", lspace="0", rspace="0"), bottom if divisor.is_Atom else fenced(bottom))

    def _exponent(self, expr: sympy.Basic) -> str:
        outside, self.flat = self.flat, True
        drawn = self._print(expr)
        self.flat = outside
        return str(drawn)

    def _print_Symbol(self, expr: sympy.Symbol) -> str:
        return name(expr.name)

    def _print_Dummy(self, expr: sympy.Dummy) -> str:
        return name(expr.name)

    def _print_Str(self, expr: sympy.Basic) -> str:
        return name(str(expr))

    def _print_Integer(self, expr: sympy.Integer) -> str:
        return row(mo("−"), mn(str(-expr))) if expr < 0 else mn(str(expr))

    def _print_int(self, number: int) -> str:
        return self._print_Integer(sympy.Integer(number))

    def _print_Rational(self, expr: sympy.Rational) -> str:
        drawn = self._fraction(mn(str(abs(expr.p))), mn(str(expr.q)), sympy.S.One)
        return row(mo("−"), drawn) if expr < 0 else drawn

    def _print_Float(self, expr: sympy.Float) -> str:
        mantissa, _, exponent = str(abs(expr)).partition("e")
        drawn = mn(mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa)
        if exponent:
            drawn = row(drawn, mo("·"), tag("msup", mn("10"), self._print(int(exponent))))
        return row(mo("−"), drawn) if expr < 0 else drawn

    def _print_Infinity(self, expr: sympy.Expr) -> str:
        return mi("∞")

    def _print_NegativeInfinity(self, expr: sympy.Expr) -> str:
        return row(mo("−"), mi("∞"))

    def _print_Pi(self, expr: sympy.Expr) -> str:
        return mi("π")

    def _print_Exp1(self, expr: sympy.Expr) -> str:
        return mi("e")

    def _print_ImaginaryUnit(self, expr: sympy.Expr) -> str:
        return mi("i")

    def _print_Add(self, expr: sympy.Add) -> str:
        return self._sum(expr.as_ordered_terms())

    def _print_Total(self, expr: sympy.Expr) -> str:
        return self._sum(list(expr.args))

    def _sum(self, terms: list[sympy.Expr]) -> str:
        parts: list[str] = []
        for term in terms:
            size = -term if is_negative(term) else term
            if is_negative(term):
                parts.append(mo("−"))
            elif parts:
                parts.append(mo("+"))
            parts.append(self._factor(size) if size.is_Add else self._print(size))
        return row(*parts)

    def _print_Mul(self, expr: sympy.Mul) -> str:
        if is_negative(expr):
            return row(mo("−"), self._factor(-expr) if (-expr).is_Add else self._print(-expr))
        top, bottom = fraction(expr, exact=True)
        if bottom != 1:
            drawn = self._factor(top) if self.flat else self._print(top)
            return self._fraction(drawn, self._print(bottom), bottom)
        if not isinstance(expr, sympy.Mul):
            return self._print(expr)
        factors = expr.as_ordered_factors()
        parts: list[str] = []
        for before, factor in zip([None, *factors], factors, strict=False):
            if before is not None:
                parts.append(mo("·") if factor.is_Number and before.is_Number else mo(TIMES))
                if self._is_word(factor):
                    parts.append(tag("mspace", width=THIN))
            parts.append(self._factor(factor, last=factor is factors[-1]))
        return row(*parts)

    def _is_word(self, expr: sympy.Basic) -> bool:
        """Say whether a factor begins with a word, such as log, that a letter before it would run into."""
        if isinstance(expr, sympy.Pow):
            return self._is_word(expr.base)
        if isinstance(expr, sympy.exp | sympy.Abs):
            return False
        return type(expr).__name__ == "Discrepancy" or (isinstance(expr, sympy.Function) and len(self._name(expr)) > 1)

    def _factor(self, expr: sympy.Expr, last: bool = True) -> str:
        """Return a factor of a product, in brackets where it would run into its neighbours."""
        open_ended = type(expr).__name__ in ("Integral", "Derivative", "Sum", "Mean", "Extremum") and not last
        bare = not (expr.is_Add or expr.is_Relational or open_ended or is_negative(expr))
        bare = bare and type(expr).__name__ not in ("Piecewise", "Total")
        return self._print(expr) if bare else fenced(self._print(expr))

    def _print_Pow(self, expr: sympy.Pow) -> str:
        base, exponent = expr.base, expr.exp
        if is_negative(exponent):
            under = base ** (-exponent)
            return self._fraction(mn("1"), self._print(under), under)
        if exponent == sympy.S.Half:
            return tag("msqrt", self._print(base))
        if exponent.is_Rational and exponent.p == 1 and exponent != 1:
            return tag("mroot", self._print(base), mn(str(exponent.q)))
        plain = base.is_Symbol or (base.is_Integer and base >= 0) or isinstance(base, sympy.Abs | AppliedUndef)
        named = isinstance(base, sympy.Function) and not isinstance(base, sympy.exp | sympy.Abs | AppliedUndef)
        if named and exponent.is_Integer:
            return self._call(base, tag("msup", name(self._name(base)), self._exponent(exponent)))
        return tag("msup", self._print(base) if plain else fenced(self._print(base)), self._exponent(exponent))

    def _print_exp(self, expr: sympy.Expr) -> str:
        exponent = expr.args[0]
        if exponent.has(sympy.exp, sympy.Piecewise) or exponent.count_ops() > 8:
            return row(mi("exp"), mo(APPLY), fenced(self._print(exponent)))
        return tag("msup", mi("e"), self._exponent(exponent))

    def _name(self, expr: sympy.Expr) -> str:
        written = getattr(expr.func, "__name__", str(expr.func))
        return NAMES.get(written, written)

    def _call(self, expr: sympy.Expr, head: str) -> str:
        inner = [part for arg in expr.args for part in (mo(","), self._print(arg))][1:]
        return row(head, mo(APPLY), fenced(row(*inner) if inner else ""))

    def _print_Function(self, expr: sympy.Expr) -> str:
        return self._call(expr, name(self._name(expr)))

    _print_Max = _print_Min = _print_LambertW = _print_Function

    def _print_Abs(self, expr: sympy.Expr) -> str:
        return fenced(self._print(expr.args[0]), "|", "|")

    def _print_Relational(self, expr: sympy.Rel) -> str:
        return row(self._print(expr.lhs), mo(RELATIONS.get(expr.rel_op, expr.rel_op)), self._print(expr.rhs))

    def _join(self, parts: tuple[sympy.Basic, ...], word: str) -> str:
        drawn = [part for arg in parts for part in (tag("mtext", f"\u00a0{word}\u00a0"), self._print(arg))]
        return row(*drawn[1:])

    def _print_And(self, expr: sympy.And) -> str:
        return self._join(expr.args, "and")

    def _print_Or(self, expr: sympy.Or) -> str:
        return self._join(expr.args, "or")

    def _print_BooleanTrue(self, expr: sympy.Basic) -> str:
        return tag("mtext", "otherwise")

    def _print_Piecewise(self, expr: sympy.Piecewise) -> str:
        rows = [tag("mtr", tag("mtd", self._print(value)), tag("mtd", tag("mtext", "if\u00a0") if case != True else "",  # noqa: E712
                                                              self._print(case))) for value, case in expr.args]
        return row(mo("{"), tag("mtable", *rows, **{"class": "cases"}))

    def _print_Integral(self, expr: sympy.Integral) -> str:
        signs: list[str] = []
        ends: list[str] = []
        for variable, *limits in expr.limits:
            drawn = [self._print(limit) for limit in limits]
            sign = mo("∫")
            signs.insert(0, tag("msubsup", sign, *drawn) if len(drawn) == 2 else sign)
            ends += [tag("mspace", width=THIN), mi("d") + self._print(variable)]
        return row(*signs, self._factor(expr.function), *ends)

    def _print_Derivative(self, expr: sympy.Derivative) -> str:
        order = sum(count for _, count in expr.variable_count)
        top = tag("msup", mi("d"), self._print(order)) if order > 1 else mi("d")
        under = []
        for variable, count in expr.variable_count:
            drawn = self._print(variable)
            under += [mi("d"), tag("msup", drawn, self._print(count)) if count > 1 else drawn]
        return row(tag("mfrac", top, row(*under)), self._factor(expr.expr))

    def _print_Interval(self, expr: sympy.Interval) -> str:
        left, right = "(" if expr.left_open else "[", ")" if expr.right_open else "]"
        return fenced(row(self._print(expr.start), mo(","), self._print(expr.end)), left, right)

    def _print_Reals(self, expr: sympy.Basic) -> str:
        return mi("ℝ")

    def _print_Tuple(self, expr: sympy.Tuple) -> str:
        inner = [part for arg in expr.args for part in (mo(","), self._print(arg))][1:]
        return fenced("".join(inner))

    def _print_Contains(self, expr: sympy.Basic) -> str:
        return row(self._print(expr.args[0]), mo("∈"), self._print(expr.args[1]))

    def _print_Mean(self, expr: sympy.Expr) -> str:
        body, variable, law = expr.args
        under = row(self._print(variable), mo("∼"), self._print(law))
        return row(tag("msub", mi("𝔼"), under), fenced(self._print(body), "[", "]"))

    def _print_Discrepancy(self, expr: sympy.Expr) -> str:
        written, p, q = expr.args
        bars = mo("‖", stretchy="false", lspace="0.2em", rspace="0.2em")
        return row(mi(str(written)), mo(APPLY), fenced(row(self._print(p), bars, self._print(q))))

    def _print_Extremum(self, expr: sympy.Expr) -> str:
        kind, variable, body = expr.args
        head = tag("munder", mo(str(kind), movablelimits="false"), self._print(variable))
        return row(head, tag("mspace", width=THIN), self._factor(body))

    def _print_Chain(self, expr: sympy.Basic) -> str:
        first, *others = expr.args
        rows = [tag("mtr", tag("mtd", self._print(first) if not i else ""), tag("mtd", mo("=")),
                    tag("mtd", self._print(side))) for i, side in enumerate(others)]
        return tag("mtable", *rows, displaystyle="true", **{"class": "chain"})
