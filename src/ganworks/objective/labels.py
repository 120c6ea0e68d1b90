"""Labels that are not quite 1 and 0: smoothing and flipping, over any objective."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.objective.objective import Elementwise, Objective


def smoothed(objective: Objective, real: float = 0.9, fake: float = 0.0) -> Objective:
    """Return the objective whose critic is told soft labels; the generator's cost stays as it is.

    Salimans et al. 2016, section 3.4: a real sample costs real * phi + (1 - real) * psi, a generated one
    (1 - fake) * psi + fake * phi. With cross-entropy these are the targets ``real`` and ``fake``. One-sided smoothing
    (fake = 0) is what the paper advises: with fake > 0 the best output at generated samples depends on p there too.

    Args:
        real: the label of real samples, in (0.5, 1].
        fake: the label of generated samples, in [0, 0.5).
    """
    _check(real, fake, "label smoothing")
    phi, psi = objective.phi, objective.psi
    return replace(objective, name=f"{objective.name}, labels {real:g} and {fake:g}",
                   phi=lambda v: real * phi(v) + (1 - real) * psi(v),
                   psi=lambda v: (1 - fake) * psi(v) + fake * phi(v),
                   optimum=_told(objective.optimum, real, fake), design=None,
                   note="soft labels: the divergence is not that of the objective itself")


def flipped(objective: Objective, share: float = 0.05) -> Objective:
    """Return the objective whose critic is told the wrong label of a random ``share`` of the samples, in [0, 0.5).

    Chintala et al. 2016 ("How to train a GAN?"). On average it is smoothing with labels 1 - share and share, with
    noise in the gradient on top. The random numbers are torch's own, which a training seeds for every batch.
    """
    _check(1 - share, share, "label flipping")
    phi, psi = objective.phi, objective.psi

    def mixed(usual: Elementwise, other: Elementwise) -> Elementwise:
        return lambda v: torch.where(torch.rand_like(v) < share, other(v), usual(v))

    return replace(objective, name=f"{objective.name}, {share:g} of the labels flipped", phi=mixed(phi, psi),
                   psi=mixed(psi, phi), optimum=_told(objective.optimum, 1 - share, share), design=None,
                   note="flipped labels: the divergence is not that of the objective itself")


def _told(optimum: Elementwise | None, real: float, fake: float) -> Elementwise | None:
    # p phi' + q psi' is (real p + fake q) phi + ((1 - real) p + (1 - fake) q) psi: the same game between two mixtures.
    if optimum is None:
        return None
    known: Callable[[Tensor], Tensor] = optimum

    def best(ratio: Tensor) -> Tensor:
        return known(_log_mix(ratio, real, fake) - _log_mix(ratio, 1 - real, 1 - fake))

    return best


def _log_mix(ratio: Tensor, a: float, b: float) -> Tensor:
    """Return log(a e^ratio + b)."""
    if a == 0:
        return torch.full_like(ratio, math.log(b))
    return ratio + math.log(a) if b == 0 else torch.logaddexp(ratio + math.log(a), ratio.new_tensor(math.log(b)))


def _check(real: float, fake: float, what: str) -> None:
    if not (0.5 < real <= 1 and 0 <= fake < 0.5):
        raise UserError(f"{what}: labels {real:g} and {fake:g}", "more than 0.5 for real samples, less for generated "
                                                                 "ones: else the critic is told the opposite")
