"""The f-GAN side of a design: f, its slope, its conjugate, and the output activation T = f'(exp(v))."""

from __future__ import annotations

from functools import cached_property

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import inverse, tidy
from ganworks.design.corners import CornerCritic
from ganworks.design.critic import Critic, DivergenceCritic
from ganworks.design.ends import limit_at
from ganworks.design.evaluate import Number, function_of
from ganworks.design.quadrature import solve_increasing
from ganworks.design.symbols import R, T, U

READABLE = 40
"""Operations up to which a formula for f* is worth showing."""


class Induced:
    """An f-divergence with D_f(p, q) = int q f(p/q).

    Args:
        critic: the critic it comes from.
        f: as it was given; by default f(u) = u d(1/u), which has f(1) = f'(1) = 0.
    """

    def __init__(self, critic: Critic | CornerCritic, f: Expr | None) -> None:
        self._critic, self._given = critic, f

    @cached_property
    def f(self) -> Expr | None:
        """f(u), or None without a closed form."""
        if self._given is not None:
            return self._given
        d = self._critic.d
        return None if d is None else tidy(sympy.expand(sympy.expand_log(U * d.subs(R, 1 / U), force=True)), U)

    @cached_property
    def conjugate(self) -> Expr | None:
        """f*(T) on the range of f', or None without a closed form."""
        critic = self._critic
        if isinstance(critic, DivergenceCritic):
            return None if critic.psi is None else sympy.simplify(-critic.psi.subs(T, -T))
        if self.f is None or isinstance(critic, CornerCritic):
            return None
        best = inverse(sympy.diff(self.f, U), U, T)
        if best is None:
            return None
        found = tidy(T * best - self.f.subs(U, best), T)
        return found if sympy.count_ops(found) <= READABLE else None

    def value_of(self, u: Number) -> Number:
        """Return f(u)."""
        return function_of(self.f, U)(u) if self.f is not None else u * self._critic.d_of(1 / u)

    def slope_of(self, u: Number) -> Number:
        """Return f'(u): the best critic T where p/q = u."""
        if self._given is not None:
            return function_of(sympy.diff(self._given, U), U)(u)
        if isinstance(self._critic, CornerCritic):
            return function_of(sympy.diff(self.f, U), U)(u)
        return self._critic.phi_of(1 / u)  # f'(u) = d(r) - r d'(r) = phi(omega(r)) at r = 1/u

    def conjugate_of(self, t: Number) -> Number:
        """Return f*(t) = sup over u >= 0 of u t - f(u): flat below f'(0), infinite above f'(inf)."""
        low, high = self._slopes
        if t <= low:
            return -self._at_zero
        if t > high or (t == high and mp.isinf(high)):
            return mp.inf
        if t == high:
            return limit_at(lambda u: u * t - self.value_of(u), True)
        if isinstance(self._critic, CornerCritic):
            return max(u * t - self.value_of(u) for u in (mp.mpf(10) ** -30, mp.mpf(1)))
        u = mp.exp(solve_increasing(lambda s: self.slope_of(mp.exp(s)), t, mp.mpf(0), mp.ninf, mp.inf))
        return u * t - self.value_of(u)

    @cached_property
    def _slopes(self) -> tuple[Number, Number]:
        closed = self._closed
        return limit_at(self.slope_of, False, closed), limit_at(self.slope_of, True, closed)

    @cached_property
    def _at_zero(self) -> Number:
        return limit_at(self.value_of, False, self._closed)

    @property
    def _closed(self) -> bool:
        return self.f is not None

    def activation_of(self, v: Number) -> Number:
        """Return T = f'(exp(v)); for total variation, whose f' jumps, a tanh between its two values."""
        if isinstance(self._critic, CornerCritic):
            low, high = self._slopes
            return (low + high) / 2 + (high - low) / 2 * mp.tanh(v)
        return self.slope_of(mp.exp(v))
