"""Local dynamics: the generic Dirac-GAN around p = q (docs/theory.md, F7).

With t = omega(1) + psi x the Jacobian is [[0, -beta'(t0)], [rho(t0), -gamma]], t0 = omega(1), gamma the weight of R1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy
from mpmath import mp

from ganworks.design.calculus import DIGITS
from ganworks.design.corners import LipschitzCritic
from ganworks.design.critic import Critic
from ganworks.design.evaluate import Number, Undefined, function_of
from ganworks.design.symbols import T

if TYPE_CHECKING:
    from ganworks.design.design import Design


def stiffness(design: Design) -> Number | None:
    """Return beta'(t0) rho(t0), or None where a slope at t0 does not exist."""
    critic, generator = design.critic, design.generator
    if critic.rho is None and not isinstance(critic, Critic):
        return None
    with mp.workdps(DIGITS):
        try:
            at = mp.mpf(0) if isinstance(critic, LipschitzCritic) else critic.omega_of(mp.mpf(1))
            rho = critic.rho_of(at) if isinstance(critic, Critic) else function_of(critic.rho, T)(at)
            if generator.beta is None:
                return rho * rho  # zero-sum: beta' = psi' = rho
            beta = function_of(sympy.diff(generator.beta, T), T)
            near = [beta(at + side * mp.mpf(10) ** -30) for side in (-1, 1)]
            if abs(near[0] - near[1]) > mp.mpf(10) ** -15 * (1 + abs(near[0])):
                return None
            product = beta(at) * rho
        except (Undefined, ArithmeticError, ValueError, NotImplementedError):
            return None
        return product if mp.isfinite(product) else None
