"""A whole GAN as mathematics: what the critic maximises, what the generator descends, and what both amount to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import DIGITS, constant_ratio, inverse, tidy
from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.critic import Critic, DivergenceCritic
from ganworks.design.divergences import TOTAL_VARIATION, Named, recognise
from ganworks.design.ends import exact_limit, limit_at
from ganworks.design.evaluate import Number, Undefined, function_of
from ganworks.design.generator import AnyCritic, Generator
from ganworks.design.induced import Induced
from ganworks.design.symbols import R, T, U
from ganworks.design.terms import Trouble
from ganworks.errors import UserError

if TYPE_CHECKING:
    from ganworks.design.certificate import Certificate
    from ganworks.design.derivation import Derivation
    from ganworks.objective import Objective


class Design:
    """An adversarial objective as mathematics. Make one with ``from_divergence``, ``from_likelihood_ratio`` or
    ``from_terms``, and change what the generator minimises with ``with_generator``.

    p is the real density, q the generated one, r = q/p, u = p/q; t is the critic's output in the notation of
    likelihood-ratio designs (high = generated). Attributes that are formulas are sympy expressions, or None where no
    closed form was found or where the formulas make no GAN; ``phi_at`` and its kin then give numbers, or raise
    UserError with the reason.

    Attributes:
        given: the formulas as they were read, by name.
        name: a name, or "".
        reference: paper and equation, or "".
        given_domain: the domain that was given with loss terms.
        output: what it is compiled for by default, as for ``compile``.
    """

    def __init__(self, critic: AnyCritic | Trouble, given: Mapping[str, Expr], beta: Expr | None = None,
                 alpha: Expr | None = None, name: str = "", reference: str = "",
                 domain: sympy.Interval | None = None, output: str | None = None) -> None:
        self.given, self.name, self.reference = dict(given), name, reference
        self.trouble = critic if isinstance(critic, Trouble) else None
        self._critic = None if isinstance(critic, Trouble) else critic
        self._beta, self._alpha, self.given_domain, self.output = beta, alpha, domain, output

    def with_generator(self, beta: Any, alpha: Any = None, **parameters: Any) -> Design:
        """Return the same critic against a generator that minimises E_q beta(t) (+ E_p alpha(t)).

        Args:
            beta, alpha: formulas in t, the critic's output with high = generated. alpha does not move the generator.
            parameters: values of further letters.
        """
        from ganworks.design.parse import parse

        return self._with(*(None if text is None else parse(text, T, parameters) for text in (beta, alpha)))

    def _with(self, beta: Expr | None, alpha: Expr | None) -> Design:
        given = {k: v for k, v in self.given.items() if k not in ("beta", "alpha")}
        given |= {k: v for k, v in (("beta", beta), ("alpha", alpha)) if v is not None}
        return self._copy(given=given, beta=beta, alpha=alpha)

    def named(self, name: str, reference: str = "") -> Design:
        """Return the same design under a name."""
        return self._copy(name=name, reference=reference)

    def with_output(self, output: str | None) -> Design:
        """Return the same design, to be compiled for this output where ``compile`` is not told otherwise."""
        return self._copy(output=output)

    def _copy(self, **changes: Any) -> Design:
        facts = {"critic": self._critic or self.trouble, "given": self.given, "beta": self._beta, "alpha": self._alpha,
                 "name": self.name, "reference": self.reference, "domain": self.given_domain, "output": self.output}
        return Design(**{**facts, **changes})

    @property
    def open_letters(self) -> tuple[str, ...]:
        """Names of the parameters that have no value."""
        letters = {s for e in self.given.values() for s in e.free_symbols} - {T, R, U}
        return tuple(sorted(s.name for s in letters))

    def _settled(self) -> None:
        if self.open_letters:
            raise UserError(f"{', '.join(self.open_letters)} without a value", "numbers for all letters",
                            "give them where the formulas are given, as in a=1")

    @property
    def critic(self) -> AnyCritic:
        """The critic's half. Raises UserError where the formulas make none."""
        if self._critic is None:
            assert self.trouble is not None
            raise UserError(f"this is no GAN: {self.trouble.reason}", "", self.trouble.remedy)
        return self._critic

    @cached_property
    def generator(self) -> Generator:
        """The generator's half."""
        return Generator(self.critic, self._beta, self._alpha)

    @property
    def zero_sum(self) -> bool:
        """Whether the generator minimises what the critic maximises."""
        return self._beta is None

    @property
    def phi(self) -> Expr | None:
        return None if self._critic is None else self._critic.phi

    @property
    def psi(self) -> Expr | None:
        return None if self._critic is None else self._critic.psi

    @property
    def omega(self) -> Expr | None:
        return self.given.get("omega") if self._critic is None else self._critic.omega

    @property
    def rho(self) -> Expr | None:
        return self.given.get("rho") if self._critic is None else self._critic.rho

    @property
    def d(self) -> Expr | None:
        return None if self._critic is None else self._critic.d

    @property
    def beta(self) -> Expr | None:
        return self._beta if self._critic is None else self.generator.beta

    @property
    def alpha(self) -> Expr | None:
        return self._alpha

    @property
    def H(self) -> Expr | None:
        return None if self._critic is None or isinstance(self._critic, LipschitzCritic) else self.generator.H

    @cached_property
    def domain(self) -> sympy.Set | None:
        """Omega, the range of the best critic."""
        if isinstance(self._critic, LipschitzCritic):
            return sympy.S.Reals
        if isinstance(self._critic, CornerCritic):
            corners = self._critic.corners
            return sympy.Interval(corners[0], corners[-1])
        if self._critic is None:
            return self.given_domain
        critic = self._critic
        closed = critic.omega is not None
        ends = [exact_limit(critic.omega, up, limit_at(critic.omega_of, up, closed)) for up in (False, True)]
        try:
            return None if sympy.nan in ends else sympy.Interval.open(*ends)
        except (ValueError, TypeError):
            return None

    def phi_at(self, t: Any) -> np.ndarray:
        """Return phi(t) - phi(omega(1)), float64, for t in Omega; nan outside."""
        critic = self._ratio_critic()
        if critic.phi is not None:
            plain = function_of(critic.phi, T)
            return _array(lambda x: plain(x) - plain(critic.omega_of(mp.mpf(1))), t)
        assert isinstance(critic, Critic)
        return _array(lambda x: critic.phi_of(critic.ratio_of(x)), t)

    def psi_at(self, t: Any) -> np.ndarray:
        """Return psi(t) - psi(omega(1)), float64, for t in Omega; nan outside."""
        critic = self._ratio_critic()
        if critic.psi is not None:
            plain = function_of(critic.psi, T)
            return _array(lambda x: plain(x) - plain(critic.omega_of(mp.mpf(1))), t)
        assert isinstance(critic, Critic)
        return _array(lambda x: critic.psi_of(critic.ratio_of(x)), t)

    def omega_at(self, r: Any) -> np.ndarray:
        """Return the best critic at r = q/p > 0, float64."""
        return _array(self._ratio_critic().omega_of, r)

    def d_at(self, r: Any) -> np.ndarray:
        """Return d(r) with d(1) = d'(1) = 0, float64; the divergence is E_p d(q/p)."""
        return _array(self._ratio_critic().d_of, r)

    def H_at(self, r: Any) -> np.ndarray:
        """Return H(r) with H(1) = 0, float64; the generator descends E_p H(q/p)."""
        self._ratio_critic()
        return _array(self.generator.H_function, r)

    def beta_at(self, t: Any) -> np.ndarray:
        """Return beta(t) as it was given, float64."""
        if self.beta is None:
            raise UserError("this design has no closed form of beta", "", "give one: with_generator(beta=...)")
        return _array(function_of(self.beta, T), t)

    def _ratio_critic(self) -> Critic | CornerCritic:
        self._settled()
        if isinstance(self.critic, LipschitzCritic):
            raise UserError("the Wasserstein critic is no function of the likelihood ratio",
                            "a design with an f-divergence behind it")
        return self.critic

    @cached_property
    def disjoint(self) -> float:
        """The divergence of two densities that do not overlap: d(0) + lim d(r)/r; inf where it is unbounded."""
        if isinstance(self.critic, LipschitzCritic):
            return float("nan")  # it depends on how far apart they are
        critic = self.critic
        assert not isinstance(critic, LipschitzCritic)
        if isinstance(critic, CornerCritic):
            return float(limit_at(critic.d_of, False) + limit_at(lambda r: critic.d_of(r) / r, True))
        return float(limit_at(critic.d_of, False, critic.closed) + limit_at(critic.psi_of, True, critic.closed))

    @cached_property
    def at_equality(self) -> float:
        """What the critic earns where p = q: phi(omega(1)) + psi(omega(1)), as the terms were given."""
        critic = self.critic
        if isinstance(critic, LipschitzCritic) or critic.phi is None or critic.psi is None:
            return 0.0
        with mp.workdps(DIGITS):
            t = critic.omega_of(mp.mpf(1))
            return float(function_of(critic.phi, T)(t) + function_of(critic.psi, T)(t))

    @cached_property
    def divergence(self) -> Named | None:
        """The divergence behind the critic where it has a name (up to affine terms and a factor), else None."""
        if isinstance(self._critic, CornerCritic):
            return self._corner_name()
        return recognise(self._critic.curvature_of) if isinstance(self._critic, Critic) else None

    def _corner_name(self) -> Named | None:
        critic = self.critic
        assert isinstance(critic, CornerCritic)
        factor = constant_ratio(critic.d_of, lambda r: abs(r - 1) / 2)
        return None if factor is None else Named("total_variation", TOTAL_VARIATION, float(factor))

    @property
    def divergence_name(self) -> str | None:
        """Name of the divergence, with its factor, or None."""
        if isinstance(self._critic, LipschitzCritic):
            bound = self._critic.bound
            return ("" if bound == 1 else f"{bound} x ") + "Wasserstein-1 distance (earth mover's)"
        return None if self.divergence is None else str(self.divergence)

    @cached_property
    def generator_divergence(self) -> Named | None:
        """The divergence that the generator descends against the best critic, where it has a name."""
        if self.zero_sum:
            return self.divergence
        if isinstance(self._critic, Critic):
            return recognise(self.generator.force)
        if isinstance(self._critic, CornerCritic):
            factor = constant_ratio(lambda r: self.generator.beta_of(r) - self.generator.beta_of(mp.mpf(1)),
                                    lambda r: mp.mpf(1 if r > 1 else -1) / 2)
            return None if factor is None or factor < 0 else Named("total_variation", TOTAL_VARIATION, float(factor))
        return None

    def same_divergence(self, other: Design) -> bool:
        """Whether both critics measure the same divergence, up to affine terms and a positive factor."""
        mine, theirs = self.critic, other.critic
        if isinstance(mine, Critic) and isinstance(theirs, Critic):
            factor = constant_ratio(mine.curvature_of, theirs.curvature_of)
            return factor is not None and factor > 0
        if isinstance(mine, CornerCritic) and isinstance(theirs, CornerCritic):
            factor = constant_ratio(mine.d_of, theirs.d_of)
            return factor is not None and factor > 0
        return isinstance(mine, LipschitzCritic) and isinstance(theirs, LipschitzCritic)

    @cached_property
    def induced(self) -> Induced:
        """The same divergence on the f-GAN side: f(u) = u d(1/u), T = f'(u), f*."""
        if isinstance(self.critic, DivergenceCritic):
            return Induced(self.critic, self.critic.f)
        return Induced(self._ratio_critic(), None)

    @property
    def f(self) -> Expr | None:
        """f(u) of the f-divergence: as given, or u d(1/u)."""
        return self.induced.f

    def conjugate_at(self, t: Any) -> np.ndarray:
        """Return f*(T) = sup over u >= 0 of u T - f(u), float64; inf above the domain."""
        return _array(self.induced.conjugate_of, t)

    def optimal_T_at(self, u: Any) -> np.ndarray:
        """Return T*(u) = f'(u) at u = p/q > 0, float64."""
        return _array(self.induced.slope_of, u)

    def generator_activation(self, v: Any) -> np.ndarray:
        """Return T = f'(exp(v)), the output activation under which the best raw output is v = log p/q, float64."""
        return _array(self.induced.activation_of, v)

    @cached_property
    def eigenvalues(self) -> tuple[complex, complex] | None:
        """Eigenvalues of the Dirac-GAN's Jacobian without a penalty, +- sqrt(-beta'(t0) rho(t0)), t0 = omega(1)."""
        product = self.stiffness
        if product is None:
            return None
        root = complex(mp.sqrt(mp.mpc(-product)))
        return root, -root

    @cached_property
    def stiffness(self) -> Number | None:
        """beta'(t0) rho(t0) at t0 = omega(1): > 0 the game rotates, 0 it is degenerate, < 0 it is a saddle."""
        from ganworks.design.local import stiffness

        return stiffness(self)

    def certificate(self) -> Certificate:
        """Return the verdict with every check behind it."""
        return self._certificate

    @cached_property
    def _certificate(self) -> Certificate:
        from ganworks.design.certificate import certify

        return certify(self)

    def derivation(self) -> Derivation:
        """Return the derivation, step by step."""
        from ganworks.design.explain import explain

        return explain(self)

    def compile(self, output: str | None = None) -> Objective:
        """Return the design as torch functions of the critic's raw output v, high = real.

        Args:
            output: "logit": the best output is v = log p/q for every design; "linear": v = -t, where the terms hold
                for every t. By default "logit" where the best critic is a smooth function of the ratio.
        """
        from ganworks.design.compiling import compile_design

        self._settled()
        return compile_design(self, output or self.output)


def _array(function: Callable[[Number], Number], x: Any) -> np.ndarray:
    points = np.asarray(x, dtype=np.float64)
    with mp.workdps(DIGITS):
        return np.array([_float(function, value) for value in points.ravel()], dtype=np.float64).reshape(points.shape)


def _float(function: Callable[[Number], Number], x: float) -> float:
    try:
        return float(function(mp.mpf(float(x))))
    except (Undefined, ArithmeticError, ValueError):
        return float("nan")


def solve_generator(critic: Design, d: Any, **parameters: Any) -> Design:
    """Return the design whose generator has alpha = beta and alpha(omega(r)) + r beta(omega(r)) = d(r).

    The inverse step of note 002: with alpha = beta, beta(t) = d(r) / (1 + r) at r = omega^{-1}(t). What comes out is
    only as good as its certificate: the generator descends H with H'(r) = beta(omega(r)), not d.

    Args:
        critic: a design with a smooth critic; d: formula in r; parameters: values of further letters.

    Raises:
        UserError: omega has no closed inverse.
    """
    from ganworks.design.parse import parse

    wanted = parse(d, R, parameters)
    half = critic.critic
    back = half.back if isinstance(half, Critic) else None
    if back is None and isinstance(half, Critic) and half.omega is not None:
        back = inverse(half.omega)
    if back is None:
        raise UserError("this critic has no closed omega^{-1}, so beta cannot be solved for",
                        "a smooth critic whose omega can be inverted", "give beta yourself: with_generator(beta=...)")
    beta = tidy((wanted / (1 + R)).subs(R, back), T)
    return critic._with(beta, beta)
