"""The critic's half of a design: max over t of E_p phi(t) + E_q psi(t), along t and along the likelihood ratio r.

With rho = psi' and omega^{-1} = -phi'/psi' the best t is omega(r), and d(r) = phi(omega(r)) + r psi(omega(r)) has
d''(r) = rho(omega(r)) omega'(r) (Designing GANs; docs/theory.md, F1). Whatever has a closed form is a sympy
expression, whatever has none is None; the numeric functions always work, in mpmath's working precision, and are
shifted so that phi, psi and d are 0 at r = 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import (
    DIGITS,
    RATIOS,
    STEP,
    antiderivative,
    inverse,
    numeric,
    rational_in_ratio,
    same,
    tidy,
)
from ganworks.design.evaluate import Function, Number, Undefined, function_of
from ganworks.design.kinks import kinks
from ganworks.design.limits import attempt
from ganworks.design.quadrature import Integral, solve_increasing
from ganworks.design.symbols import R, T, U

ONE = mp.mpf(1)
QUICK = 0.3  # seconds


class Critic(ABC):
    """Base of the smooth kinds. All expressions are in the letters of ``symbols``; ``*_along`` are in r.

    Attributes:
        given: the formulas it was made from, by name.
        labels_swapped: the formulas had real high; they were turned by t -> -t.
    """

    given: Mapping[str, Expr]
    labels_swapped: bool = False

    @property
    @abstractmethod
    def omega(self) -> Expr | None:
        """The best critic t = omega(r)."""

    @property
    @abstractmethod
    def curvature(self) -> Expr | None:
        """d''(r) = rho(omega(r)) omega'(r)."""

    @property
    @abstractmethod
    def rho(self) -> Expr | None:
        """psi'(t)."""

    @property
    @abstractmethod
    def phi(self) -> Expr | None:
        """What the critic earns on a real sample, up to a constant."""

    @property
    @abstractmethod
    def psi(self) -> Expr | None:
        """What the critic earns on a generated sample, up to a constant."""

    @property
    @abstractmethod
    def phi_along(self) -> Expr | None:
        """phi(omega(r)), up to a constant."""

    @property
    @abstractmethod
    def psi_along(self) -> Expr | None:
        """psi(omega(r)), up to a constant."""

    @cached_property
    def back(self) -> Expr | None:
        """omega^{-1}(t)."""
        return None if self.omega is None else inverse(self.omega)

    @cached_property
    def d(self) -> Expr | None:
        """The divergence's function, with d(1) = d'(1) = 0."""
        if self.phi_along is None or self.psi_along is None:
            return None
        shifted = [e - e.subs(R, 1) for e in (self.phi_along, self.psi_along)]
        whole = shifted[0] + R * shifted[1]
        return None if whole.has(sympy.nan, sympy.zoo, sympy.oo) else tidy(whole)

    @cached_property
    def outputs(self) -> tuple[Number, ...]:
        """Points t = omega(r) of Omega at which identities in t are checked."""
        return self._reached(self.omega_of)

    @staticmethod
    def _reached(omega: Function) -> tuple[Number, ...]:
        found = []
        with mp.workdps(DIGITS):
            for r in RATIOS:
                with suppress(Undefined, ArithmeticError, ValueError):  # which the certificate finds
                    found.append(omega(r))
        return tuple(found)

    @cached_property
    def breaks(self) -> tuple[Number, ...]:
        """Ratios at which d'' is not smooth, or infinite."""
        return kinks(self.curvature, R) if self.curvature is not None else ()

    def omega_of(self, r: Number) -> Number:
        return self._omega_function(r)

    def curvature_of(self, r: Number) -> Number:
        """Return d''(r)."""
        return self._curvature_function(r)

    def psi_of(self, r: Number) -> Number:
        """Return psi(omega(r)) - psi(omega(1)) = d'(r)."""
        return self._psi_function(r)

    def phi_of(self, r: Number) -> Number:
        """Return phi(omega(r)) - phi(omega(1))."""
        return self._phi_function(r)

    def d_of(self, r: Number) -> Number:
        return self.phi_of(r) + r * self.psi_of(r)

    def ratio_of(self, t: Number) -> Number:
        """Return omega^{-1}(t). Raises Undefined outside Omega."""
        if self._back_function is not None:
            return self._back_function(t)
        return mp.exp(solve_increasing(lambda s: self.omega_of(mp.exp(s)), t, mp.mpf(0), mp.ninf, mp.inf))

    def rho_of(self, t: Number) -> Number:
        if self.rho is None:
            raise Undefined("rho has no form here")
        return function_of(self.rho, T)(t)

    @property
    def closed(self) -> bool:
        """Whether phi and psi along r are formulas, not integrals."""
        return not any(isinstance(f, Integral) for f in (self._phi_function, self._psi_function))

    @cached_property
    def _back_function(self) -> Function | None:
        return None if self.back is None else numeric(self.back, T)

    @cached_property
    def _omega_function(self) -> Function:
        assert self.omega is not None
        return function_of(self.omega, R)

    @cached_property
    def _curvature_function(self) -> Function:
        assert self.curvature is not None
        return function_of(self.curvature, R)

    @cached_property
    def _psi_function(self) -> Function:
        return shifted(self.psi_along) or Integral(self.curvature_of, self.breaks)

    @cached_property
    def _phi_function(self) -> Function:
        return shifted(self.phi_along) or Integral(lambda r: -r * self.curvature_of(r), self.breaks)


def shifted(expr: Expr | None) -> Function | None:
    """Return the function less its value at 1, or None where there is no such number."""
    plain = None if expr is None else numeric(expr, R)
    if plain is None:
        return None
    try:
        with mp.workdps(DIGITS):
            if not mp.isfinite(plain(ONE)):
                return None
    except (Undefined, ArithmeticError, ValueError):
        return None
    return lambda r: plain(r) - plain(ONE)


class RatioCritic(Critic):
    """A pair (omega, rho): Designing GANs' own input.

    Args:
        omega: in r, the wanted best critic; rho: in t, the slope of psi.
    """

    def __init__(self, omega: Expr, rho: Expr) -> None:
        self.given = {"omega": omega, "rho": rho}
        plain, self._rho = attempt(STEP, "simplification", rational_in_ratio, omega) or omega, rho
        before, after = numeric(omega, R), numeric(plain, R)
        self._omega = plain if before and after and same(before, after) else omega

    @property
    def omega(self) -> Expr:
        return self._omega

    @property
    def rho(self) -> Expr:
        return self._rho

    @cached_property
    def curvature(self) -> Expr:
        return tidy(self._rho.subs(T, self._omega) * sympy.diff(self._omega, R))

    @cached_property
    def psi(self) -> Expr | None:
        found = antiderivative(self._rho, T, self.outputs)
        if found is None and self._psi_from_ratio is not None and self.back is not None:
            found = self._psi_from_ratio.subs(R, self.back)
        return None if found is None else tidy(found, T, self.outputs)

    @cached_property
    def _psi_from_ratio(self) -> Expr | None:
        return antiderivative(self.curvature, R)

    @cached_property
    def psi_along(self) -> Expr | None:
        if self.psi is not None:
            composed = tidy(self.psi.subs(T, self._omega))
            if _differ_by_a_constant(composed, self.curvature_of):
                return composed
        return self._psi_from_ratio

    @cached_property
    def phi_along(self) -> Expr | None:
        found = antiderivative(-R * self.curvature, R)
        if found is None and self._phi_from_t is not None:
            composed = tidy(self._phi_from_t.subs(T, self._omega))
            if _differ_by_a_constant(composed, lambda r: -r * self.curvature_of(r)):
                return composed
        return None if found is None else tidy(found)

    @cached_property
    def _phi_from_t(self) -> Expr | None:
        # Where it is quick it gives the neater form; where it is not, the integral along r is easier.
        return None if self.back is None else antiderivative(-self.back * self._rho, T, self.outputs, QUICK)

    @cached_property
    def phi(self) -> Expr | None:
        if self._phi_from_t is not None:
            return tidy(self._phi_from_t, T, self.outputs)
        if self.phi_along is None or self.back is None:
            return None
        return tidy(self.phi_along.subs(R, self.back), T, self.outputs)


def _differ_by_a_constant(expr: Expr, slope: Function) -> bool:
    derivative = numeric(sympy.diff(expr, R), R)
    return derivative is not None and same(derivative, slope)


class DivergenceCritic(Critic):
    """An f-divergence: phi(t) = -t, psi(t) = -f*(-t), so that t = -T = -f'(p/q) (docs/theory.md, F2).

    Args:
        f: in u = p/q.
    """

    def __init__(self, f: Expr) -> None:
        self.given = {"f": f}
        self.f = f
        self.slope = sympy.diff(f, U)

    @cached_property
    def omega(self) -> Expr:
        return tidy(-self.slope.subs(U, 1 / R))

    @cached_property
    def curvature(self) -> Expr:
        return tidy(sympy.diff(self.f, U, 2).subs(U, 1 / R) / R**3)

    @property
    def phi(self) -> Expr:
        return -T

    @cached_property
    def phi_along(self) -> Expr:
        return -self.omega

    @cached_property
    def psi_along(self) -> Expr:
        return tidy((self.f - U * self.slope).subs(U, 1 / R))

    @cached_property
    def psi(self) -> Expr | None:
        return None if self.back is None else tidy(self.psi_along.subs(R, self.back), T, self.outputs)

    @cached_property
    def rho(self) -> Expr | None:
        return None if self.back is None else tidy(1 / self.back, T, self.outputs)

    def rho_of(self, t: Number) -> Number:
        return 1 / self.ratio_of(t)  # psi' = -phi'/omega^{-1}, and phi' = -1
