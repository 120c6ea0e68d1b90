"""The named objectives. High output = real; every function is a cost; sigma is the logistic function."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import relu

from ganworks.errors import UserError
from ganworks.objective.objective import Objective


def softplus(v: Tensor) -> Tensor:
    """Return log(1 + e^v), right to rounding in value and slope, and to the rounding of 1 in the second derivative.

    torch's default turns linear at 20, where the second derivative is still 2e-9; at 80 nothing is left to see, and
    e^80 is still a float32.
    """
    return functional.softplus(v, threshold=80.0)


def minimax() -> Objective:
    """Return the game of the first paper: the generator minimises E log(1 - D(G(z))), D = sigma(v).

    Goodfellow et al. 2014, eq. 1. At the optimal critic the generator descends 2 JS(p, q) - log 4.
    """
    return Objective("minimax", phi=lambda v: softplus(-v), psi=softplus, beta=lambda v: -softplus(v),
                     optimum=lambda s: s, reference="Goodfellow et al. 2014, eq. 1")


def nonsaturating() -> Objective:
    """Return the minimax critic with a generator that maximises E log D(G(z)).

    Goodfellow et al. 2014, section 3. At the optimal critic the generator descends 2 KL((p+q)/2, p), not JS.
    """
    return Objective("nonsaturating", phi=lambda v: softplus(-v), psi=softplus, beta=lambda v: softplus(-v),
                     optimum=lambda s: s, reference="Goodfellow et al. 2014, section 3")


def lsgan(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Objective:
    """Return least squares: the critic regresses fakes to ``a`` and reals to ``b``, the generator aims at ``c``.

    Mao et al. 2017, eq. 2. The optimal output is a + (b - a) sigma(log p/q). Only c >= b pushes the generator the
    right way at every ratio; the middle c = (a + b) / 2 does not.

    Args:
        a: label of generated samples; b: label of real ones, b > a; c: what the generator wants the critic to say.
    """
    if not b > a:
        raise UserError(f"lsgan: a = {a}, b = {b}", "b > a: the label of real samples is the higher one",
                        f"swap them: a = {b}, b = {a}")
    return Objective("lsgan", phi=lambda v: 0.5 * (v - b).square(), psi=lambda v: 0.5 * (v - a).square(),
                     beta=lambda v: 0.5 * (v - c).square(), optimum=lambda s: a + (b - a) * torch.sigmoid(s),
                     reference="Mao et al. 2017, eq. 2")


def hinge() -> Objective:
    """Return the hinge game. Lim and Ye 2017, eq. 5-7; Miyato et al. 2018, eq. 16, 17.

    The optimal output is the sign of log p/q, and the generator descends the total variation.
    """
    return Objective("hinge", phi=lambda v: relu(1 - v), psi=lambda v: relu(1 + v), beta=torch.neg,
                     optimum=torch.sign, reference="Lim and Ye 2017; Miyato et al. 2018, eq. 16, 17")


def wgan() -> Objective:
    """Return the Wasserstein game: the critic's gap in mean output, which only a Lipschitz bound keeps finite.

    Arjovsky et al. 2017, eq. 2, 3. Train it with weight clipping, a gradient penalty or spectral normalisation.
    """
    return Objective("wgan", phi=torch.neg, psi=lambda v: v, beta=torch.neg,
                     reference="Arjovsky et al. 2017, eq. 2, 3")
