"""Straight-line programs of elementwise torch operations; a repeated subexpression is computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Register = int
"""Where a tape keeps a result; 0 is the input."""
Step = tuple[Callable[..., Tensor], tuple[Register, ...], tuple[float, ...]]
"""An operation, the registers and the constants it is given."""


class Tape:
    """A program under construction. ``add`` returns the register of a result, the old one where it is known."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._known: dict[Any, Register] = {}

    def add(self, operation: Callable[..., Tensor], *at: Register, constants: tuple[float, ...] = ()) -> Register:
        """Append ``operation(*registers, *constants)``."""
        key = (operation, at, constants)
        if key not in self._known:
            self.steps.append(key)
            self._known[key] = len(self.steps)
        return self._known[key]

    def scaled(self, at: Register, factor: float) -> Register:
        """factor * x"""
        if factor == 1:
            return at
        return self.add(torch.neg, at) if factor == -1 else self.add(times, at, constants=(factor,))

    def line(self, factor: float, shift: float) -> Register:
        """factor * v + shift"""
        return self.shifted(self.scaled(0, factor), shift)

    def shifted(self, at: Register, shift: float) -> Register:
        """x + shift"""
        return self.add(plus, at, constants=(shift,)) if shift else at

    def power(self, at: Register, exponent: float) -> Register:
        """x ** exponent for x >= 0, or any x and an integer exponent."""
        if exponent == 1:
            return at
        named = {2.0: torch.square, 0.5: torch.sqrt, -0.5: torch.rsqrt, -1.0: torch.reciprocal}.get(exponent)
        if named is not None:
            return self.add(named, at)
        return self.add(torch.pow, at, constants=(exponent,))

    def product(self, factors: Sequence[Register]) -> Register:
        """The product of one or more registers."""
        result, *rest = factors
        for factor in rest:
            result = self.add(torch.mul, result, factor)
        return result

    def total(self, terms: Sequence[tuple[float, Register]], constant: float = 0.0) -> Register:
        """constant + sum of factor * register; a program whose total has no terms gives the constant everywhere."""
        if not terms:
            return self.add(everywhere, 0, constants=(constant,))
        # A term with factor 1 goes first, since the others are added with their factor in one operation.
        first, *rest = sorted(terms, key=lambda term: term[0] != 1)
        if not rest and constant and first[0] == -1:
            return self.add(torch.rsub, first[1], constants=(constant,))
        result = self.scaled(first[1], first[0])
        for factor, at in rest:
            result = self.add(add_scaled, result, at, constants=() if factor == 1 else (factor,))
        return self.shifted(result, constant)

    def program(self, result: Register) -> Callable[[Tensor], Tensor]:
        """The tape as a function of the input."""
        return _runner(tuple(self.steps[:result]), result)

    def sparing(self, result: Register) -> Callable[[Tensor], Tensor]:
        """The same, for use without a graph: results that are not needed again are overwritten."""
        return _runner(self._frugal((result,)), result)

    def sparing_pair(self, first: Register, second: Register) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """Two results in one run, which share what they have in common, for use without a graph."""
        fill = _filler(self._frugal((first, second)))

        def run(v: Tensor) -> tuple[Tensor, Tensor]:
            values = fill(v)
            return values[first], values[second]

        return run

    def _frugal(self, results: tuple[Register, ...]) -> tuple[Step, ...]:
        steps = self.steps[:max(results)]
        last = {at: i for i, (_, registers, _) in enumerate(steps) for at in registers}
        last |= dict.fromkeys(results, len(steps))
        return tuple((IN_PLACE.get(operation, operation), at, constants)
                     if at[0] and last[at[0]] == i and at.count(at[0]) == 1 else (operation, at, constants)
                     for i, (operation, at, constants) in enumerate(steps))


def _filler(steps: tuple[Step, ...]) -> Callable[[Tensor], list[Tensor]]:
    def run(v: Tensor) -> list[Tensor]:
        values = [v]
        for operation, at, constants in steps:
            values.append(operation(*[values[i] for i in at], *constants))
        return values

    return run


def _runner(steps: tuple[Step, ...], result: Register) -> Callable[[Tensor], Tensor]:
    fill = _filler(steps)
    return lambda v: fill(v)[result]


def times(x: Tensor, factor: float) -> Tensor:
    return x * factor


def plus(x: Tensor, shift: float) -> Tensor:
    return x + shift


def add_scaled(x: Tensor, y: Tensor, factor: float = 1.0) -> Tensor:
    return torch.add(x, y, alpha=factor)


def times_(x: Tensor, factor: float) -> Tensor:
    return x.mul_(factor)


def plus_(x: Tensor, shift: float) -> Tensor:
    return x.add_(shift)


def add_scaled_(x: Tensor, y: Tensor, factor: float = 1.0) -> Tensor:
    return x.add_(y, alpha=factor)


IN_PLACE: dict[Callable[..., Tensor], Callable[..., Tensor]] = {
    times: times_, plus: plus_, add_scaled: add_scaled_, torch.mul: Tensor.mul_, torch.neg: torch.neg_, torch.exp:
    torch.exp_, torch.expm1: torch.expm1_, torch.sigmoid: torch.sigmoid_, torch.square: torch.square_, torch.sqrt:
    torch.sqrt_, torch.rsqrt: torch.rsqrt_, torch.reciprocal: torch.reciprocal_, torch.pow: Tensor.pow_, torch.atan:
    torch.atan_, torch.log1p: torch.log1p_, torch.log: torch.log_,
}


def everywhere(v: Tensor, constant: float) -> Tensor:
    """The constant, NaN where v is NaN."""
    return v * 0.0 + constant


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x); torch's own threshold 20 would lose digits of float64."""
    return functional.softplus(x, threshold=80.0)


def log_mix(v: Tensor, rate: float, *coefficients: float) -> Tensor:
    """log(c_0 + c_1 x + ... + c_n x^n) at x = e^(rate v), for a polynomial that is positive with c_0, c_n > 0."""
    x = v * rate
    z = torch.exp(-x.abs())
    n = len(coefficients) - 1
    right = n * x.clamp(min=0.0) + _log_of(z, coefficients[::-1])
    return torch.where(x > 0, right, _log_of(z, coefficients))


def _log_of(z: Tensor, coefficients: Sequence[float]) -> Tensor:
    lowest, *others = coefficients
    rest = torch.zeros_like(z)
    for c in reversed(others):
        rest = (rest + c) * z
    return torch.log1p(rest) if lowest == 1 else torch.log(lowest + rest)


def asinh_exp(x: Tensor) -> Tensor:
    """asinh(e^x), also where e^x overflows."""
    right = x + torch.log1p(torch.sqrt(1 + torch.exp(-2 * x.clamp(min=0.0))))
    return torch.where(x > 0, right, torch.asinh(torch.exp(x.clamp(max=0.0))))


def lambert_exp(x: Tensor) -> Tensor:
    """W(e^x), the solution w of w + log w = x: three steps of Fritsch, Shafer and Crowley 1973."""
    small = torch.exp(x.clamp(max=-20.0))
    inner = x.clamp(min=-20.0)
    below = torch.exp(inner.clamp(max=1.0))
    w = torch.where(inner < 1, below / (1 + below), inner - torch.log(inner.clamp(min=1.0)))
    for _ in range(3):
        rest = inner - w - torch.log(w)
        top = (1 + w) * (1 + w + 2 / 3 * rest)
        w = w * (1 + rest / (1 + w) * (top - rest / 2) / (top - rest))
    return torch.where(x < -20, small * (1 - small), w)
