"""The critic that is given by its loss terms phi and psi: omega is found by solving -phi'(t)/psi'(t) = r."""

from __future__ import annotations

from functools import cached_property

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import inverse, tidy
from ganworks.design.critic import ONE, Critic, shifted
from ganworks.design.evaluate import Function, Number, Undefined, function_of
from ganworks.design.quadrature import solve_increasing
from ganworks.design.symbols import R, T


class TermsCritic(Critic):
    """Loss terms phi and psi on a domain.

    Args:
        phi, psi: in t, smooth on the domain.
        low, high: ends of Omega, the connected piece of the domain on which rho > 0 and omega^{-1} increases.
        start: omega(1).
        ends: of the whole domain.
        labels_swapped: phi and psi have been turned by t -> -t already.
    """

    def __init__(self, phi: Expr, psi: Expr, low: Number, high: Number, start: Number,
                 ends: tuple[Number, Number], labels_swapped: bool = False) -> None:
        self.given, self.ends = {"phi": phi, "psi": psi}, ends
        self._phi, self._psi, self.low, self.high, self._start = phi, psi, low, high, start
        self.labels_swapped = labels_swapped

    @property
    def phi(self) -> Expr:
        return self._phi

    @property
    def psi(self) -> Expr:
        return self._psi

    @cached_property
    def rho(self) -> Expr:
        return tidy(sympy.diff(self._psi, T), T, self.outputs)

    @cached_property
    def back(self) -> Expr:
        return tidy(-sympy.diff(self._phi, T) / sympy.diff(self._psi, T), T, self.outputs)

    @cached_property
    def omega(self) -> Expr | None:
        found = inverse(self.back, T, R, self.solve)
        return None if found is None else tidy(found)

    @cached_property
    def outputs(self) -> tuple[Number, ...]:
        return self._reached(self.solve)

    def solve(self, r: Number) -> Number:
        """Return omega(r) by solving omega^{-1}(t) = r on Omega."""
        key = (r, mp.prec)
        if key not in self._solved:
            self._solved[key] = self._newton(r) or self._bracketed(r)
        return self._solved[key]

    @cached_property
    def _solved(self) -> dict[tuple[Number, int], Number]:
        return {}

    @cached_property
    def _log_back(self) -> Function:
        back = function_of(-sympy.diff(self._phi, T) / sympy.diff(self._psi, T), T)

        def log_back(t: Number) -> Number:
            value = back(t)
            return mp.log(value) if value > 0 else mp.ninf

        return log_back

    def _bracketed(self, r: Number) -> Number:
        return solve_increasing(self._log_back, mp.log(r), self._start, self.low, self.high)

    def _newton(self, r: Number) -> Number | None:
        # Ratios are asked for in turn, so from the last solution a few steps do; the bracket takes what goes wrong.
        if not self._solved:
            return None
        t, target = next(reversed(self._solved.values())), mp.log(r)
        for _ in range(12):
            try:
                step = (self._log_back(t) - target) / self._steepness(t)
            except (Undefined, ArithmeticError, ValueError):  # the last solution lay on an end of Omega
                return None
            if not (mp.isfinite(step) and self.low < t - step < self.high):
                return None
            t -= step
            if abs(step) <= mp.mpf(2) ** (6 - mp.prec) * max(abs(t), mp.mpf(2) ** -60):
                return t
        return None

    @cached_property
    def _steepness(self) -> Function:
        plain = -sympy.diff(self._phi, T) / sympy.diff(self._psi, T)
        return function_of(sympy.diff(plain, T) / plain, T)

    @cached_property
    def _omega_function(self) -> Function:
        return self.solve if self.omega is None else function_of(self.omega, R)

    @cached_property
    def curvature(self) -> Expr | None:
        if self.omega is None:
            return None
        return tidy(self.rho.subs(T, self.omega) * sympy.diff(self.omega, R))

    @cached_property
    def _curvature_function(self) -> Function:
        if self.curvature is not None:
            return function_of(self.curvature, R)
        rho, steep = function_of(self.rho, T), function_of(sympy.diff(self.back, T), T)

        def curvature(r: Number) -> Number:
            t = self.solve(r)
            return rho(t) / steep(t)

        return curvature

    @cached_property
    def phi_along(self) -> Expr | None:
        return None if self.omega is None else tidy(self._phi.subs(T, self.omega))

    @cached_property
    def psi_along(self) -> Expr | None:
        return None if self.omega is None else tidy(self._psi.subs(T, self.omega))

    @cached_property
    def _phi_function(self) -> Function:
        return shifted(self.phi_along) or self._through(self._phi)

    @cached_property
    def _psi_function(self) -> Function:
        return shifted(self.psi_along) or self._through(self._psi)

    def _through(self, term: Expr) -> Function:
        inner = function_of(term, T)
        return lambda r: inner(self.omega_of(r)) - inner(self.omega_of(ONE))
