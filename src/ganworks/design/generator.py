"""The generator's half: with the critic at its best it descends F_H(q) = int p H(q/p), where H'(r) = beta(omega(r)).

That is the first variation of E_q beta(t) with the critic frozen, so alpha, which stands under E_p, never enters
(docs/theory.md, F4). In the zero-sum game beta = psi and H = d.
"""

from __future__ import annotations

from functools import cached_property

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import antiderivative, numeric, tidy
from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.critic import Critic
from ganworks.design.evaluate import Function, Number, function_of
from ganworks.design.kinks import kinks
from ganworks.design.quadrature import Integral
from ganworks.design.symbols import R, T

AnyCritic = Critic | CornerCritic | LipschitzCritic


class Generator:
    """What the generator minimises, E_q beta(t) (+ E_p alpha(t), which moves nothing), against a critic.

    Args:
        critic: whose output t is.
        beta: in t, or None for the zero-sum game (beta = psi).
        alpha: in t, or None.
    """

    def __init__(self, critic: AnyCritic, beta: Expr | None, alpha: Expr | None) -> None:
        self.critic, self.alpha = critic, alpha
        self.zero_sum = beta is None
        self.beta = critic.psi if beta is None else beta

    @cached_property
    def beta_along(self) -> Expr | None:
        """beta(omega(r)) = H'(r)."""
        if self.zero_sum and isinstance(self.critic, Critic):
            return self.critic.psi_along
        if self.beta is None or self.critic.omega is None:
            return None
        return tidy(self.beta.subs(T, self.critic.omega))

    @cached_property
    def H(self) -> Expr | None:
        """H with H(1) = 0; in the zero-sum game it is d."""
        if self.zero_sum:
            return self.critic.d
        if isinstance(self.critic, CornerCritic):
            return self._corner_h()
        found = None if self.beta_along is None else antiderivative(self.beta_along, R)
        if found is None:
            return None
        shifted = found - found.subs(R, 1)
        return None if shifted.has(sympy.nan, sympy.zoo, sympy.oo) else tidy(shifted)

    def _corner_h(self) -> Expr | None:
        below, above = (self.beta_of(mp.mpf(x)) for x in ("0.5", "2"))
        if any(self.beta_of(mp.mpf(x)) not in (below, above) for x in ("0.01", "0.9", "1.1", "100")):
            return None
        a, b = (sympy.nsimplify(sympy.Float(mp.nstr(x, 30), 30), rational=True) for x in (below, above))
        return tidy((a + b) / 2 * (R - 1) + (b - a) / 2 * sympy.Abs(R - 1))

    def beta_of(self, r: Number) -> Number:
        """Return beta(omega(r)); in the zero-sum game psi(omega(r)) - psi(omega(1))."""
        return self._along(r)

    @cached_property
    def _along(self) -> Function:
        if isinstance(self.critic, LipschitzCritic):
            raise TypeError("a Lipschitz critic is no function of the likelihood ratio")
        if self.zero_sum:
            return self.critic.psi_of
        closed = None if self.beta_along is None else numeric(self.beta_along, R)
        if closed is not None and isinstance(self.critic, Critic):
            return closed
        beta, omega = function_of(self.beta, T), self.critic.omega_of
        return lambda r: beta(omega(r))

    @cached_property
    def H_function(self) -> Function:
        """H as a function of r, in numbers."""
        if self.zero_sum and not isinstance(self.critic, LipschitzCritic):
            return self.critic.d_of
        closed = None if self.H is None else numeric(self.H, R)
        if closed is not None:
            return closed
        breaks = () if self.beta_along is None else kinks(self.beta_along, R)
        return Integral(self.beta_of, breaks)

    @cached_property
    def force(self) -> Function:
        """H''(r): how strongly the generator is pushed where the ratio is r."""
        if self.zero_sum and isinstance(self.critic, Critic):
            return self.critic.curvature_of
        closed = None if self.beta_along is None else numeric(sympy.diff(self.beta_along, R), R)
        return closed or (lambda r: mp.diff(self.beta_of, r))
