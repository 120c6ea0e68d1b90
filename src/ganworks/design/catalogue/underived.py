"""What sits in the catalogue and cannot be derived from a likelihood ratio, with the reason."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn.functional import relu

from ganworks.design.catalogue.games import nonsaturating
from ganworks.errors import UserError
from ganworks.objective import Objective, rival, rival_mean


def softplus(v: torch.Tensor) -> torch.Tensor:
    """Return log(1 + e^v); torch's default threshold of 20 would cut the second derivative off."""
    return torch.nn.functional.softplus(v, threshold=80.0)


def rpgan() -> Objective:
    """Return the relativistic pairing game: real and generated samples are compared in pairs; not an f-divergence.

    Jolicoeur-Martineau 2018, eq. 10, 11. The critic's gain is a sup over pairs, E_{p x q} f(v(x) - v(y)), which is no
    integral of a function of p/q, so nothing here is derived or certified. Each pair is paid once.
    """
    return Objective("rpgan", phi=lambda v: softplus(-v), psi=torch.zeros_like, beta=lambda v: softplus(-v), link=rival,
                     reference="Jolicoeur-Martineau 2018, eq. 10, 11",
                     note="not derived: pairs of samples are compared, which is no function of one likelihood ratio")


def ragan() -> Objective:
    """Return the relativistic average game: each sample is compared with the mean of the other kind.

    Jolicoeur-Martineau 2018, eq. 14, 15. Nothing is derived: the mean output of the other kind is no function of the
    likelihood ratio at the sample.
    """
    base = nonsaturating().compile()
    return replace(base, name="ragan", link=rival_mean, optimum=None, design=None, alpha=lambda v: softplus(v),
                   reference="Jolicoeur-Martineau 2018, eq. 14, 15",
                   note="not derived: each output is compared with a mean of outputs")


def margin(m: float = 1.0) -> Objective:
    """Return the margin game of energy-based GANs, with the energy softplus(-v) >= 0 of any critic.

    Zhao et al. 2017, eq. 1, 2: the critic minimises E(x) + max(0, m - E(G(z))), the generator E(G(z)). With an
    autoencoder critic the energy is its reconstruction error. The best energy is 0 or m, whichever density is larger:
    a bang-bang answer whose gain is m int min(p, q); which of the many best energies is reached is left open.

    Args:
        m: the margin, above 0.
    """
    if not m > 0:
        raise UserError(f"margin: m = {m}", "a margin above 0")
    return Objective("margin", phi=lambda v: softplus(-v), psi=lambda v: relu(m - softplus(-v)),
                     beta=lambda v: softplus(-v), reference="Zhao et al. 2017, eq. 1, 2",
                     note="not derived: the best energy is not unique, and no smooth function of the ratio")
