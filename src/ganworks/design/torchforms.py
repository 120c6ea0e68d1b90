"""Stable torch programs for expressions in generators (see torchlower).

A sum over a common denominator is written term by term as a product of powers of sigmoids and exponentials, none of
which overflows or cancels before the value itself does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import sympy
import torch
from sympy import Expr, Poly, Symbol

from ganworks.design.symbols import V
from ganworks.design.torchlower import Generator, Lowering, NoForm, X, lowered
from ganworks.design.torchtape import Register, Tape, asinh_exp, lambert_exp, log_mix, softplus
from ganworks.design.torchtower import Levels, Program

BRANCHING = (asinh_exp, lambert_exp, log_mix)
Powers = dict[Expr, sympy.Rational]
"""Positive polynomials p(x) with the power q of 1/p."""
TwoTerms = tuple[float, float, int]
"""c0, log(c1/c0) and j of c0 + c1 x^j."""


@dataclass
class Kernel:
    """Terms that share x^k / (p_1^q_1 ...): the rest of each is a monomial in generators with a coefficient."""

    k: sympy.Rational
    powers: Powers
    rest: dict[tuple[tuple[Symbol, int], ...], Expr] = field(default_factory=dict)


def programs(expr: Expr, fold: bool = False) -> Levels:
    """Return stable programs of ``expr`` and its first two derivatives, to be run without a graph.

    Args:
        fold: write c e^x with c < 1 as e^(x + log c): less exact, but it overflows no sooner than the product.

    Raises:
        NoForm: there is none.
    """
    lowering, value, slope, curvature = _derivatives(expr)

    def written(level: Expr) -> Program:
        tape = Tape()
        return tape.sparing(Emitter(lowering, tape, fold).expression(level))

    both = Tape()
    first, second = (Emitter(lowering, both, fold).expression(level) for level in (value, slope))
    return Levels(written(value), written(slope), written(curvature), both.sparing_pair(first, second))


@lru_cache(maxsize=64)
def _derivatives(expr: Expr) -> tuple[Lowering, Expr, Expr, Expr]:
    # Kept, since a form that is not exact enough is written in another way.
    lowering, value = lowered(expr)
    slope = lowering.slope(value)
    return lowering, value, slope, lowering.slope(slope)


def recorded(expr: Expr) -> Program:
    """Return a program of ``expr`` whose derivatives autograd finds.

    Raises:
        NoForm: there is none, or it chooses between branches (autograd computes the other one too).
    """
    lowering, value = lowered(expr)
    tape = Tape()
    result = Emitter(lowering, tape).expression(value)
    if any(operation in BRANCHING for operation, _, _ in tape.steps):
        raise NoForm("branches")
    return tape.program(result)


class Emitter:
    """Writes expressions of one lowering on a tape."""

    def __init__(self, lowering: Lowering, tape: Tape, fold: bool = False) -> None:
        self.lowering, self.tape, self.m, self.fold = lowering, tape, lowering.m, fold

    def expression(self, expr: Expr) -> Register:
        """Write a cancelled rational expression in generators."""
        top, bottom = sympy.fraction(expr)
        scale, powers, others, shift = self._denominator(bottom)
        kernels = self._kernels(top, scale, powers, shift)
        terms, constant = [], 0.0
        exponentials = not self.fold and self._meets_zero(kernels)
        for kernel in kernels:
            found, alone = self._terms(kernel, exponentials)
            terms += found
            constant += alone
        result = self.tape.total(terms, constant)
        return self.tape.product([result, *others]) if others else result

    def _denominator(self, bottom: Expr) -> tuple[Expr, Powers, list[Register], sympy.Rational]:
        """Return the constant, the positive polynomials, registers of what else divides, and the power of x."""
        scale, found = self.lowering.factors(bottom)
        powers: Powers = {}
        others, shift = [], sympy.S.Zero
        for factor, n in found:
            known = self.lowering.generators.get(factor)
            if factor == X:
                shift -= n
            elif known is not None and known.kind == "root" and self.positive(known.argument):
                powers[known.argument] = powers.get(known.argument, sympy.S.Zero) + n * (known.exponent or 1)
            elif self.positive(factor):
                powers[factor] = powers.get(factor, sympy.S.Zero) + n
            else:
                others.append(self.tape.power(self.expression(factor), -float(n)))
        return scale, powers, others, shift

    def _kernels(self, top: Expr, scale: Expr, powers: Powers, shift: sympy.Rational) -> list[Kernel]:
        symbols = sorted(top.free_symbols - set(self.lowering.constants), key=str)
        if not symbols:
            return [Kernel(shift, dict(powers), {(): top / scale})]
        kernels: dict[object, Kernel] = {}
        for exponents, coefficient in Poly(top, *symbols).terms():
            k, own, rest = shift, dict(powers), []
            for symbol, n in zip(symbols, exponents, strict=True):
                known = self.lowering.generators.get(symbol)
                if symbol == X:
                    k += n
                elif n and known is not None and known.kind == "root" and self.positive(known.argument):
                    own[known.argument] = own.get(known.argument, sympy.S.Zero) - n * (known.exponent or 1)
                elif n:
                    rest.append((symbol, n))
            own = {p: q for p, q in own.items() if q}
            kernel = kernels.setdefault((k, tuple(sorted(own.items(), key=str))), Kernel(k, own))
            kernel.rest[tuple(rest)] = coefficient / scale
        return list(kernels.values())

    def _meets_zero(self, kernels: list[Kernel]) -> bool:
        """Whether constants and coefficients of exponentials sum to 0, so that each e^kx may be written expm1."""
        alone = [kernel.rest[()] for kernel in kernels if () in kernel.rest]
        constant = any(kernel.k == 0 and () in kernel.rest for kernel in kernels)
        if not constant or any(kernel.powers for kernel in kernels):
            return False
        return bool(abs(self.lowering.exact(sum(alone))) < sympy.Rational(1, 10**30))

    def _terms(self, kernel: Kernel, exponentials: bool) -> tuple[list[tuple[float, Register]], float]:
        """Return (factor, register) of the terms of a kernel, and a constant to add."""
        rest = dict(kernel.rest)
        if kernel.k == 0 and not kernel.powers:
            return self._plain(rest, exponentials)
        if exponentials and list(rest) == [()]:
            rate = float(kernel.k) / self.m
            return [(self.lowering.number(rest[()]), self.tape.add(torch.expm1, self.tape.scaled(0, rate)))], 0.0
        if self.fold and list(rest) == [()] and not kernel.powers:
            c = self.lowering.number(rest[()])
            if abs(c) < 1:
                line = self.tape.line(float(kernel.k) / self.m, math.log(abs(c)))
                return [(math.copysign(1.0, c), self.tape.add(torch.exp, line))], 0.0
        alone = list(rest) == [()]
        factor, registers = self._product(kernel, self.lowering.number(rest[()]) if alone else 1.0)
        if alone:
            return [(factor, self.tape.product(registers))], 0.0
        inner, constant = self._plain(rest, False)
        if len(inner) == 1 and not constant:
            registers, factor = [*registers, inner[0][1]], factor * inner[0][0]
        else:
            registers = [*registers, self.tape.total(inner, constant)]
        return [(factor, self.tape.product(registers))], 0.0

    def _plain(self, rest: dict[tuple[tuple[Symbol, int], ...], Expr],
               exponentials: bool) -> tuple[list[tuple[float, Register]], float]:
        """Return the terms of a polynomial in v and generators, and its constant."""
        rest = dict(rest)
        constant = self.lowering.number(rest.pop((), sympy.S.Zero))
        if exponentials:
            constant = 0.0
        incline = rest.pop(((V, 1),), sympy.S.Zero)
        terms = []
        for monomial, coefficient in rest.items():
            generator = self.lowering.generators.get(monomial[0][0])
            line = self._line(generator) if monomial[1:] == () and monomial[0][1] == 1 else None
            if line is not None and not incline.free_symbols and not coefficient.free_symbols:
                # softplus(y) = y + softplus(-y): the one that leaves less of v cancels less.
                rate, shift = line
                turned = abs(incline + coefficient * rate) < abs(incline)
                if turned:
                    incline, constant = incline + coefficient * rate, constant + float(coefficient) * shift
                terms.append((float(coefficient), self._softplus(float(rate), shift, turned)))
                continue
            factors = [self.tape.power(self._generator(symbol), n) for symbol, n in monomial]
            terms.append((self.lowering.number(coefficient), self.tape.product(factors)))
        if incline:
            terms.append((self.lowering.number(incline), 0))
        return terms, constant

    def _softplus(self, rate: float, shift: float, turned: bool) -> Register:
        return self.tape.add(softplus, self.tape.line(-rate, -shift) if turned else self.tape.line(rate, shift))

    def _line(self, generator: Generator | None) -> tuple[sympy.Rational, float] | None:
        """Return (a, b) where a generator is log(1 + e^(a v + b))."""
        if generator is None or generator.kind != "log" or not self.positive(generator.argument):
            return None
        two = self._two(generator.argument)
        if two is None or two[0] != 1:
            return None
        return sympy.Rational(two[2], self.m), two[1]

    def _two(self, p: Expr) -> TwoTerms | None:
        """Return (c0, log(c1/c0), j) of c0 + c1 x^j."""
        terms = Poly(p, X).terms()
        if len(terms) != 2:
            return None
        ((j,), c1), (_, c0) = terms
        ratio = self.lowering.exact(c1 / c0)
        return self.lowering.number(c0), float(sympy.log(ratio).evalf(20)) if ratio != 1 else 0.0, j

    def _product(self, kernel: Kernel, scale: float) -> tuple[float, list[Register]]:
        """Write scale x^k / (p^q ...) as a factor and registers to multiply."""
        twos = {p: self._two(p) for p in kernel.powers}
        if all(twos.values()) and all(q > 0 for q in kernel.powers.values()):
            return self._sigmoids(kernel, twos, scale)
        k, constant, terms = kernel.k, 0.0, []
        for p, q in kernel.powers.items():
            two = twos[p]
            if two is None:
                terms.append((-float(q), self._log_of(p)))
                continue
            c0, shift, j = two
            turned = abs(k - q * j) < abs(k)
            if turned:
                k, constant = k - q * j, constant - float(q) * shift
            constant -= float(q) * float(sympy.log(c0))
            terms.append((-float(q), self._softplus(j / self.m, shift, turned)))
        if k:
            terms.append((float(k) / self.m, 0))
        return scale, [self.tape.add(torch.exp, self.tape.total(terms, constant))]

    def _sigmoids(self, kernel: Kernel, twos: dict[Expr, TwoTerms | None],
                  scale: float) -> tuple[float, list[Register]]:
        """1/p = sigmoid(-y)/c0 and e^y/p = sigmoid(y)/c0 with y = j v/m + b: nothing overflows, both ends are exact."""
        k, factor, registers = kernel.k, scale, []
        for p, q in kernel.powers.items():
            two = twos[p]
            if two is None:
                raise NoForm("not two terms")
            c0, shift, j = two
            share = min(max(k / j, sympy.S.Zero), q)
            k -= j * share
            factor *= c0 ** -float(q) * float(sympy.exp(-share * shift))
            for side, exponent in ((1, share), (-1, q - share)):
                if exponent.is_Integer and exponent:
                    at = self.tape.line(side * j / self.m, side * shift)
                    registers.append(self.tape.power(self.tape.add(torch.sigmoid, at), float(exponent)))
                elif exponent:  # the root of a sigmoid that underflows need not be 0
                    logarithm = self._softplus(side * -j / self.m, side * -shift, False)
                    registers.append(self.tape.add(torch.exp, self.tape.scaled(logarithm, -float(exponent))))
        if k:
            line = self.tape.scaled(0, float(k) / self.m)
            if self.fold and 0 < abs(factor) < 1:
                line, factor = self.tape.line(float(k) / self.m, math.log(abs(factor))), math.copysign(1.0, factor)
            registers.append(self.tape.add(torch.exp, line))
        return factor, registers

    def _generator(self, symbol: Symbol) -> Register:
        if symbol == V:
            return 0
        generator = self.lowering.generators[symbol]
        argument = generator.argument
        if generator.kind == "log":
            return self._log_of(argument)
        if generator.kind == "root":
            return self.tape.power(self.expression(argument), float(generator.exponent or 1))
        whole = {"asinh": asinh_exp, "LambertW": lambert_exp}.get(generator.kind)
        line = self._exponential(argument)
        if whole is not None and line is not None:
            return self.tape.add(whole, self.tape.line(*line))
        if generator.kind == "LambertW":
            raise NoForm("Lambert W of a sum")
        return self.tape.add(getattr(torch, generator.kind), self.expression(argument))

    def _exponential(self, argument: Expr) -> tuple[float, float] | None:
        """Return (a, b) where the argument is e^(a v + b)."""
        c, power = argument.as_independent(X, as_Add=False)
        base, k = power.as_base_exp()
        if base != X or c.free_symbols - set(self.lowering.constants) or not self.lowering.number(c) > 0:
            return None
        return float(k) / self.m, float(sympy.log(self.lowering.exact(c)).evalf(20))

    def _log_of(self, argument: Expr) -> Register:
        if self.positive(argument):
            two = self._two(argument)
            if two is not None:
                inner = self._softplus(two[2] / self.m, two[1], False)
                return self.tape.shifted(inner, float(sympy.log(two[0])))
            coefficients = tuple(self.lowering.number(c) for c in reversed(Poly(argument, X).all_coeffs()))
            return self.tape.add(log_mix, 0, constants=(1 / self.m, *coefficients))
        less = sympy.expand(argument - 1)
        if not less.as_coeff_Add()[0]:
            return self.tape.add(torch.log1p, self.expression(sympy.cancel(less)))
        return self.tape.add(torch.log, self.expression(argument))

    def positive(self, expr: Expr) -> bool:
        """Whether this is a polynomial in x alone, of degree 1 or more, positive at every x >= 0."""
        if expr.free_symbols - set(self.lowering.constants) != {X} or not expr.is_polynomial(X):
            return False
        poly = Poly(expr, X)
        if not poly.nth(0):
            return False
        if all(self.lowering.exact(c) > 0 for c in poly.coeffs()):
            return True
        if not poly.domain.is_QQ and not poly.domain.is_ZZ:
            return False
        return bool(poly.LC() > 0 and poly.nth(0) > 0 and poly.count_roots(0, None) == 0)
