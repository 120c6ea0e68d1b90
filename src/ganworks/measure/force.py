"""The force that a generator really follows, against the gradient of the divergence that its objective claims.

With the critic at its best and held there, the generator's gradient is int dq/dtheta beta(v*(log p/q)) dx. That is the
gradient of int p H(q/p), H'(r) = beta(omega(r)), and of nothing else (docs/theory.md, F4). The divergence that the
critic measures has the gradient int dq/dtheta d'(q/p) dx, where d' is what the critic earns on generated samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ganworks.errors import UserError
from ganworks.measure.dynamics import as_objective
from ganworks.measure.families import Family, family_named
from ganworks.objective import Objective, rival, rival_mean

STILL = 1e-11
"""A force below it, relative to the costs, is none."""


@dataclass(frozen=True)
class Force:
    """Two gradients at one generator.

    Attributes:
        objective, family: names; letters: of the parameters.
        at: (k,), the parameters.
        followed: (k,), what the generator follows: the gradient of int p H(q/p).
        claimed: (k,), of the divergence that the critic measures.
        value: (k,), of E_p alpha + E_q beta at the best critic, where the design gives an alpha (note 002's reading);
            None where it does not.
        agreement: cosine between followed and claimed, in one dimension +1 or -1; nan where one of them is 0. Two
            divergences need not have parallel gradients: below 0 the generator goes uphill.
    """

    objective: str
    family: str
    letters: tuple[str, ...]
    at: np.ndarray
    followed: np.ndarray
    claimed: np.ndarray
    value: np.ndarray | None
    agreement: float


def force(objective: Any, family: str = "normal_scale", at: Any = 0.5, p: Any = None) -> Force:
    """Return the gradient that a generator follows, and that of the claimed divergence.

    Args:
        objective: a name, a design file, a Design or an Objective whose best critic is known.
        family: "normal_scale", "normal_shift", "normal" or "simplex", see ``families.FAMILIES``.
        at: the parameters: s, m, (m, s) or the masses of q.
        p: of the simplex; uniform by default.

    Raises:
        UserError: an objective whose best critic is no function of the ratio, an unknown family, bad parameters.
    """
    forces = Forces(objective, family_named(family, _p(family, at, p)))
    return forces.at(at)


def _p(family: str, at: Any, p: Any) -> Any:
    if family != "simplex" or p is not None or not isinstance(at, Sequence | np.ndarray) or len(at) < 2:
        return p
    return np.full(len(at), 1 / len(at))


class Forces:
    """The forces of an objective along a family.

    Args:
        objective: as for ``force``; family: as ``family_named`` makes one.
    """

    def __init__(self, objective: Any, family: Family) -> None:
        self.objective: Objective = as_objective(objective)
        self.family = family
        if self.objective.optimum is None or self.objective.link in (rival, rival_mean):
            raise UserError(f"objective '{self.objective.name}': its best critic is no function of the ratio p/q",
                            "an objective with an f-divergence behind it", "see: ganworks list objectives")

    def followed(self, at: np.ndarray) -> np.ndarray:
        """Return what the generator follows, (k,).

        nan where the integral has no value, or lies where q is 0 in float64.
        """
        log_ratio, _, changes = self.family.places(at)
        return _summed(changes, self._of("beta", log_ratio))

    def claimed(self, at: np.ndarray) -> np.ndarray:
        """Return the gradient of the critic's divergence, (k,)."""
        log_ratio, _, changes = self.family.places(at)
        return -_summed(changes, self._of("psi", log_ratio))

    def value(self, at: np.ndarray) -> np.ndarray | None:
        """Return the gradient of E_p alpha + E_q beta with the critic moving along, (k,); None without an alpha."""
        slopes = self._value_slopes(self.family.places(at)[0])
        return None if slopes is None else _summed(self.family.places(at)[2], slopes)

    def at(self, at: Any) -> Force:
        """Return all gradients at these parameters."""
        where = self.family.checked(at)
        followed, claimed = self.followed(where), self.claimed(where)
        lengths = np.linalg.norm(followed) * np.linalg.norm(claimed)
        cosine = float(followed @ claimed / lengths) if lengths > STILL**2 else float("nan")
        return Force(self.objective.name, self.family.name, self.family.letters, where, followed, claimed,
                     self.value(where), cosine)

    def _of(self, cost: str, log_ratio: np.ndarray) -> np.ndarray:
        assert self.objective.optimum is not None
        with torch.no_grad():
            best = self.objective.optimum(torch.from_numpy(log_ratio))
            return getattr(self.objective, cost)(best).numpy()

    def _value_slopes(self, log_ratio: np.ndarray) -> np.ndarray | None:
        from mpmath import mp

        from ganworks.design.evaluate import Undefined, function_of
        from ganworks.design.symbols import T

        design = self.objective.design
        if design is None or design.alpha is None or design.beta is None:
            return None
        alpha, beta, omega = function_of(design.alpha, T), function_of(design.beta, T), design.critic.omega_of

        def whole(r: Any) -> Any:
            return alpha(omega(r)) + r * beta(omega(r))

        def slope(v: float) -> float:
            try:
                r = mp.exp(-v)
                return float(mp.diff(whole, r, h=r * mp.mpf(10) ** -12))
            except (Undefined, ArithmeticError, ValueError, OverflowError):
                return float("nan")

        with mp.workdps(40):
            return np.array([slope(float(v)) for v in log_ratio])


def _summed(changes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return sum over places; nan where the integrand does not die out, or is not finite where it counts."""
    with np.errstate(all="ignore"):
        parts = np.where(changes == 0, 0.0, changes * values)
    total = parts.sum(axis=1)
    if len(values) > 100:  # an integral: its ends must be small
        ends = np.abs(parts[:, [0, -1]]).max(axis=1)
        total = np.where(ends < 1e-9 * np.abs(parts).max(axis=1) + 1e-300, total, np.nan)
    return np.where(np.isfinite(parts).all(axis=1), total, np.nan)
