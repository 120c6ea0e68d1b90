"""A formula in v as a rational expression in a few generators: v, x = e^(v/m), and functions such as log(1 + x).

Derivatives of such an expression are rational in the same generators, and rational expressions can be brought to a
common denominator, which removes the cancellation that makes a formula useless for large outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Poly, Rational, Symbol

from ganworks.design.symbols import V

X = Symbol("x", positive=True)
"""e^(v/m)."""
HYPERBOLIC = (sympy.sinh, sympy.cosh, sympy.tanh, sympy.coth, sympy.sech, sympy.csch)
KINKED = (sympy.Max, sympy.Min, sympy.Abs, sympy.sign, sympy.Piecewise, sympy.Heaviside)
DIRECT = (sympy.atan, sympy.asinh, sympy.erf, sympy.erfc, sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos,
          sympy.acosh, sympy.atanh, sympy.LambertW, sympy.exp)
LARGEST_DEGREE = 60


class Finer(Exception):
    """A root needs x to be a smaller power of e^v; the argument says how many times smaller."""


class NoForm(NotImplementedError):
    """This formula is not of a kind that can be rewritten here."""


@dataclass(frozen=True)
class Generator:
    """A function of v that stays whole.

    Attributes:
        kind: "log" of a positive polynomial in x or of any positive argument, "root", or a name of ``DIRECT``.
        argument: what it is a function of, in generators.
        exponent: of a root, between 0 and 1.
        slope: its derivative in v, in generators.
    """

    kind: str
    argument: Expr
    exponent: Rational | None
    slope: Expr


@dataclass
class Lowering:
    """Rewrites formulas; x = e^(v/m). ``constants`` are irrational numbers, kept as positive or negative symbols."""

    m: int = 1
    generators: dict[Symbol, Generator] = field(default_factory=dict)
    constants: dict[Symbol, Expr] = field(default_factory=dict)
    _names: dict[tuple[str, Expr, Rational | None], Symbol] = field(default_factory=dict)

    def lower(self, expr: Expr) -> Expr:
        """Return ``expr`` in generators.

        Raises:
            NoForm: it holds something else; Finer: begin again with a larger m.
        """
        if isinstance(expr, Symbol):
            if expr in (V, X) or expr in self.generators or expr in self.constants:
                return expr
            raise NoForm(f"symbol {expr}")
        if expr.is_number:
            return self._number(expr)
        if isinstance(expr, sympy.Add | sympy.Mul):
            return expr.func(*[self.lower(part) for part in expr.args])
        if isinstance(expr, sympy.exp):
            return self._exp(expr.args[0])
        if isinstance(expr, sympy.Pow):
            return self._pow(expr.base, expr.exp)
        if isinstance(expr, sympy.log):
            return self._log(self.lower(expr.args[0]))
        if isinstance(expr, DIRECT) and len(expr.args) == 1:
            return self._direct(expr.func, self.lower(expr.args[0]))
        raise NoForm(type(expr).__name__)

    def slope(self, expr: Expr) -> Expr:
        """Return the derivative in v of an expression in generators, over one denominator."""
        known = {V: sympy.S.One, X: X / self.m}
        total = sympy.S.Zero
        for symbol in sorted(expr.free_symbols - set(self.constants), key=str):
            total += expr.diff(symbol) * (known[symbol] if symbol in known else self.generators[symbol].slope)
        return sympy.cancel(sympy.together(total))

    def factors(self, expr: Expr) -> tuple[Expr, list[tuple[Expr, int]]]:
        """Return the coefficient and the factors (with their powers) of a polynomial in generators."""
        symbols = sorted(expr.free_symbols - set(self.constants), key=str)
        if not symbols:
            return expr, []
        if Poly(expr, *symbols).total_degree() > LARGEST_DEGREE:
            raise NoForm("degree too high")
        coefficient, found = sympy.factor_list(expr, *symbols)
        pure = [(f, n) for f, n in found if f.free_symbols <= set(self.constants)]
        for f, n in pure:
            coefficient *= f**n
        return coefficient, [(f, n) for f, n in found if (f, n) not in pure]

    def number(self, expr: Expr) -> float:
        """Return an expression of constants as a float."""
        return float(self.exact(expr))

    def exact(self, expr: Expr) -> Expr:
        """Return an expression of constants to 40 digits."""
        return expr if expr.is_Rational else expr.xreplace(self.constants).evalf(40)

    def _number(self, expr: Expr) -> Expr:
        if expr.is_Rational:
            return expr
        if expr.is_Float:
            return Rational(str(expr))
        if not expr.is_real:
            raise NoForm(f"{expr} is not real")
        for symbol, value in self.constants.items():
            if value == expr:
                return symbol
        symbol = Symbol(f"k{len(self.constants)}", positive=bool(expr.is_positive) or None, real=True)
        self.constants[symbol] = expr
        return symbol

    def _exp(self, argument: Expr) -> Expr:
        argument = sympy.expand(argument)
        shift, moving = argument.as_independent(V, as_Add=True)
        rate = argument.coeff(V, 1)
        if rate.has(V) or moving != rate * V:
            return self._direct(sympy.exp, self.lower(argument))
        rate = self._number(rate)
        if not rate.is_Rational:
            raise NoForm("irrational rate")
        power = rate * self.m
        if power.q != 1:
            raise Finer(int(power.q))
        return X**power * (self._number(sympy.exp(shift)) if shift else 1)

    def _pow(self, base: Expr, exponent: Expr) -> Expr:
        if exponent.is_Float:
            exponent = Rational(str(exponent))
        if exponent.is_Integer:
            return self.lower(base) ** exponent
        if exponent.is_Rational:
            return self._root(self.lower(base), exponent)
        if base.is_number:
            return self._exp(exponent * sympy.log(base))
        raise NoForm("power")

    def _split(self, expr: Expr) -> Iterator[tuple[Expr, int]]:
        """Yield the factors of a rational expression with their powers, a constant (power 1) first."""
        top, bottom = sympy.fraction(sympy.cancel(sympy.together(expr)))
        c1, up = self.factors(top)
        c2, down = self.factors(bottom)
        yield c1 / c2, 1
        yield from up
        yield from ((f, -n) for f, n in down)

    def _log(self, argument: Expr) -> Expr:
        total = sympy.S.Zero
        for factor, n in self._split(argument):
            if factor == X:
                total += n * V / self.m
            elif factor.free_symbols <= set(self.constants):
                total += self._number(sympy.log(abs(factor.xreplace(self.constants))))
            else:
                c, f = self._unit(factor)
                total += n * (self._new("log", f, None) + (self._number(sympy.log(abs(c))) if abs(c) != 1 else 0))
        return total

    def _unit(self, factor: Expr) -> tuple[Expr, Expr]:
        """Write a polynomial in x as c * f with f(0) = 1; anything else stays."""
        if factor.free_symbols - set(self.constants) != {X}:
            return sympy.S.One, factor
        c = Poly(factor, X).nth(0)
        if c.free_symbols or c == 0:
            return sympy.S.One, factor
        return c, sympy.expand(factor / c)

    def _root(self, base: Expr, exponent: Rational) -> Expr:
        product = sympy.S.One
        for factor, n in self._split(base):
            q = n * exponent
            if factor == X:
                if q.q != 1:
                    raise Finer(int(q.q))
                product *= X**q
            elif factor.free_symbols <= set(self.constants):
                value = factor.xreplace(self.constants)
                if value.is_negative:
                    raise NoForm("root of a negative number")
                product *= self._number(value**q)
            else:
                whole = sympy.floor(q)
                product *= factor**whole * (self._new("root", factor, q - whole) if q != whole else 1)
        return product

    def _direct(self, function: type, argument: Expr) -> Expr:
        argument = sympy.cancel(sympy.together(argument))
        if not argument.free_symbols - set(self.constants):
            return self._number(function(argument.xreplace(self.constants)))
        return self._new(function.__name__, argument, None)

    def _new(self, kind: str, argument: Expr, exponent: Rational | None) -> Symbol:
        key = (kind, argument, exponent)
        if key not in self._names:
            symbol = Symbol(f"g{len(self._names)}", positive=(kind == "root") or None, real=True)
            self._names[key] = symbol
            inner = self.slope(argument)
            if kind == "log":
                slope = inner / argument
            elif exponent is not None:
                slope = exponent * symbol * inner / argument
            else:
                slope = self._outer(kind, symbol, argument) * inner
            self.generators[symbol] = Generator(kind, argument, exponent, sympy.cancel(sympy.together(slope)))
        return self._names[key]

    def _outer(self, kind: str, symbol: Symbol, argument: Expr) -> Expr:
        """Return the derivative of a named function at its argument."""
        if kind == "exp":
            return symbol
        if kind == "LambertW":
            return symbol / (argument * (1 + symbol))
        dummy = sympy.Dummy(real=True)
        return self.lower(getattr(sympy, kind)(dummy).diff(dummy).xreplace({dummy: argument}))


def lowered(expr: Expr) -> tuple[Lowering, Expr]:
    """Return the generators and the expression in them.

    Raises:
        NoForm: the formula has kinks, or functions without a stable form here.
    """
    if expr.has(*KINKED):
        raise NoForm("kinks")
    expr = expr.rewrite(HYPERBOLIC, sympy.exp)
    m = 1
    for _ in range(4):
        lowering = Lowering(m)
        try:
            return lowering, sympy.cancel(sympy.together(lowering.lower(expr)))
        except Finer as finer:
            m *= finer.args[0]
    raise NoForm("roots of roots")
