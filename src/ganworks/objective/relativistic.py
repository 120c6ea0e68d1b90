"""Relativistic games over any objective: the critic compares real and generated samples with each other."""

from __future__ import annotations

from dataclasses import replace

from ganworks.objective.link import Link, rival, rival_mean
from ganworks.objective.objective import Objective


def relativistic(objective: Objective) -> Objective:
    """Return the relativistic pairing form of a separable objective: RpGAN for any phi and psi.

    Jolicoeur-Martineau 2018, section 4: the critic pays E phi(r - f) + E psi(f - r) over pairs of a real and a
    generated sample, the generator the same with the roles exchanged, E phi(f - r) + E psi(r - f). Where
    psi(v) = phi(-v) both halves are equal, so that each pair is paid twice.
    """
    return _compared(objective, rival, "relativistic")


def relativistic_average(objective: Objective) -> Objective:
    """Return the relativistic average form of a separable objective: RaGAN for any phi and psi.

    Jolicoeur-Martineau 2018, section 4: as ``relativistic``, each output being compared with the mean output on the
    other kind.
    """
    return _compared(objective, rival_mean, "relativistic average")


def _compared(objective: Objective, link: Link, name: str) -> Objective:
    return replace(objective, name=f"{name} {objective.name}", link=link, beta=objective.phi, alpha=objective.psi,
                   optimum=None, design=None, reference="Jolicoeur-Martineau 2018, section 4",
                   note="not derived: outputs are compared, which is no function of one likelihood ratio")
