"""What sits in the catalogue and cannot be derived from a likelihood ratio, with the reason."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn.functional import relu

from ganworks.design.catalogue.games import nonsaturating
from ganworks.errors import UserError
from ganworks.objective import Objective, rival, rival_mean, softmax


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


def ebgan(m: float = 10.0) -> Objective:
    """Return the energy-based game: the output of the critic is minus an energy, as of an autoencoder.

    Zhao et al. 2017, eq. 1, 2: the critic minimises E(x) + max(0, m - E(G(z))), the generator E(G(z)). For critics
    whose energy cannot be negative; ``margin`` makes an energy of any output.

    Args:
        m: the margin, above 0, in the units of the energy.
    """
    if not m > 0:
        raise UserError(f"ebgan: m = {m}", "a margin above 0", "take one well above what an even grey image costs: "
                        "ebgan:m=10, or recipe ebgan with --margin 0.2")
    return Objective("ebgan", phi=lambda v: -v, psi=lambda v: relu(m + v), beta=lambda v: -v,
                     reference="Zhao et al. 2017, eq. 1, 2",
                     note="not derived: the best energy is not unique, and no smooth function of the ratio")


def began() -> Objective:
    """Return the boundary equilibrium game without its balance: both players pay energies, the critic on real samples.

    Berthelot et al. 2017, section 3.4: the critic minimises L(x) - k L(G(z)), the generator L(G(z)), L = -v being
    the reconstruction error. The term -k L(G(z)) and the controller of k are ``ganworks.game.Balance``; without them
    the critic never looks at a generated sample.
    """
    return Objective("began", phi=lambda v: -v, psi=torch.zeros_like, beta=lambda v: -v,
                     reference="Berthelot et al. 2017, section 3.4",
                     note="not derived: the weight of the generated samples is steered along the training")


def softmax_gan() -> Objective:
    """Return the softmax game: cross-entropy of the whole batch against all its real samples, or all its samples.

    Lin 2017, eq. 3, 5: the critic minimises -E v(x) + log Z with Z the sum of e^v over real and generated samples; the
    generator wants every sample of the batch to be equally likely: -E (v(x) + v(G(z))) / 2 + log Z.
    """
    return Objective("softmax_gan", phi=lambda v: -v, psi=torch.zeros_like, beta=lambda v: -v / 2,
                     alpha=lambda v: -v / 2, link=softmax, reference="Lin 2017, eq. 3, 5",
                     note="not derived: each output is compared with all of its batch")
