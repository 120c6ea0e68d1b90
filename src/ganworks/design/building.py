"""The three ways to write an objective down: a divergence, a likelihood-ratio pair, loss terms."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import DIGITS, RATIOS, numeric
from ganworks.design.corners import LipschitzCritic, corners_of
from ganworks.design.critic import DivergenceCritic, RatioCritic
from ganworks.design.design import Design
from ganworks.design.evaluate import Number, Undefined, number
from ganworks.design.generator import AnyCritic
from ganworks.design.kinks import is_smooth
from ganworks.design.parse import parse, parse_constant, parse_domain
from ganworks.design.symbols import R, T, U
from ganworks.design.terms import Trouble, critic_of_terms
from ganworks.errors import UserError


def from_divergence(f: Any, name: str = "", reference: str = "", **parameters: Any) -> Design:
    """Return the GAN of an f-divergence D_f(p, q) = int q f(p/q).

    Nowozin, Cseke and Tomioka 2016; in the letters of a likelihood-ratio design t = -T, so that high is generated.

    Args:
        f: convex, a formula in u = p/q (text or sympy).
        parameters: values of further letters in it, numbers or constant formulas.

    Raises:
        UserError: the formula cannot be read.
    """
    return _from_divergence(parse(f, U, parameters), name, reference)


def from_likelihood_ratio(omega: Any, rho: Any, name: str = "", reference: str = "", **parameters: Any) -> Design:
    """Return the GAN whose best critic is t = omega(r), with psi' = rho.

    Moustakides and Basioti 2020, "Designing GANs: a likelihood ratio approach".

    Args:
        omega: increasing, a formula in r = q/p; rho: positive on the range of omega, a formula in t.
        parameters: values of further letters.

    Raises:
        UserError: a formula cannot be read.
    """
    return _from_ratio(parse(omega, R, parameters), parse(rho, T, parameters), name, reference)


def from_terms(phi: Any, psi: Any, domain: str | sympy.Interval = "R", lipschitz: Any = None, name: str = "",
               reference: str = "", **parameters: Any) -> Design:
    """Return the GAN whose critic maximises E_p phi(t) + E_q psi(t) over t in ``domain``.

    Args:
        phi, psi: formulas in t; t high = generated (terms with real high are recognised and turned).
        domain: of t, as in "R", "(0, oo)", "[-1, 1]".
        lipschitz: for phi = -t, psi = t: the bound on the critic's slope, which makes it a Wasserstein GAN.
        parameters: values of further letters.

    Raises:
        UserError: a formula cannot be read.
    """
    interval = domain if isinstance(domain, sympy.Interval) else parse_domain(domain)
    bound = None if lipschitz is None else parse_constant(str(lipschitz))
    return _from_terms(parse(phi, T, parameters), parse(psi, T, parameters), interval, bound, name, reference)


@lru_cache(maxsize=256)
def _from_divergence(f: Expr, name: str, reference: str) -> Design:
    given = {"f": f}
    if f.is_polynomial(U) and sympy.diff(f, U, 2) == 0:
        trouble = Trouble("affine", "f is affine, so the divergence is 0 whatever the densities are",
                          f"int q ({f}) is the same number for all p, q", "take an f that is strictly convex at 1")
        return Design(trouble, given, name=name, reference=reference)
    critic: AnyCritic | Trouble = DivergenceCritic(f)
    if not is_smooth(f):
        critic = _kinked(f)
    return Design(critic, given, name=name, reference=reference)


def _kinked(f: Expr) -> AnyCritic | Trouble:
    from ganworks.design.kinked import kinked_critic

    return kinked_critic(f)


@lru_cache(maxsize=256)
def _from_ratio(omega: Expr, rho: Expr, name: str, reference: str) -> Design:
    given = {"omega": omega, "rho": rho}
    critic: AnyCritic | Trouble = RatioCritic(omega, rho)
    if omega.has(sympy.sign):
        critic = _jumping(omega, rho)
    elif _falls(omega, R) and _negative(rho, omega):
        critic = RatioCritic(-omega, -rho.subs(T, -T))
        critic.labels_swapped = True
    return Design(critic, given, name=name, reference=reference)


def _falls(omega: Expr, symbol: sympy.Symbol) -> bool:
    value = numeric(omega, symbol)
    with mp.workdps(DIGITS):
        try:
            return value is not None and value(RATIOS[0]) > value(RATIOS[4]) > value(RATIOS[-1])
        except (Undefined, ArithmeticError, ValueError):
            return False


def _negative(rho: Expr, omega: Expr) -> bool:
    along = numeric(rho.subs(T, omega), R)
    with mp.workdps(DIGITS):
        try:
            return along is not None and all(along(r) < 0 for r in RATIOS)
        except (Undefined, ArithmeticError, ValueError):
            return False


def _jumping(omega: Expr, rho: Expr) -> AnyCritic | Trouble:
    # omega = a + b sign(r - 1) is the limit of tanh(k log r); only its two values and psi between them matter.
    below, above = ([sympy.simplify(omega.subs(R, sympy.Rational(*x))) for x in at] for at in (
        ((1, 50), (1, 2), (99, 100)), ((101, 100), (2, 1), (50, 1))))
    low, high = below[0], above[0]
    if len({*below}) > 1 or len({*above}) > 1:
        return Trouble("jump", "omega jumps, and it is not a step at r = 1 with a constant on either side",
                       f"omega = {omega}", "take a smooth omega, as tanh(k*log(r)/2), or a + b*sign(r - 1)")
    if number(low) > number(high) and _negative(rho, omega):
        low, high, rho = -low, -high, -rho.subs(T, -T)  # real and generated are swapped
    if not number(low) < number(high):
        return Trouble("omega.increasing", "omega falls while rho > 0: the stationary point is a minimum of what the "
                       "critic maximises", f"omega(1/2) = {low}, omega(2) = {high}", "did you mean t -> -t?")
    psi = sympy.integrate(rho, T)
    if not _is_line(psi, number(low), number(high)):
        return Trouble("jump", "omega jumps, and rho is not constant between its two values", f"omega = {omega}",
                       "take a smooth omega, as tanh(k*log(r)/2)")
    if not number(psi.subs(T, high)) > number(psi.subs(T, low)):
        return Trouble("rho.positive", "rho is not positive between the two values of omega", f"rho = {rho}",
                       "change the sign of rho")
    return critic_of_terms(-psi, psi, sympy.Interval(low, high))


def _is_line(psi: Expr, low: Number, high: Number) -> bool:
    try:
        return corners_of(-psi, psi, low, high) is not None
    except (Undefined, ArithmeticError, ValueError, NotImplementedError):
        return False


@lru_cache(maxsize=256)
def _from_terms(phi: Expr, psi: Expr, domain: sympy.Interval, bound: Expr | None, name: str,
                reference: str) -> Design:
    given = {"phi": phi, "psi": psi}
    critic: AnyCritic | Trouble
    if bound is not None:
        if sympy.simplify(phi + T) != 0 or sympy.simplify(psi - T) != 0 or not bound.is_positive:
            raise UserError(f"a Lipschitz bound of {bound} with phi = {phi}, psi = {psi}",
                            "phi = -t, psi = t and a positive bound: the Wasserstein game")
        critic = LipschitzCritic(bound, {**given, "lipschitz": bound})
    else:
        try:
            critic = critic_of_terms(phi, psi, domain)
        except Trouble as trouble:
            critic = trouble
    return Design(critic, given, name=name, reference=reference, domain=domain)

