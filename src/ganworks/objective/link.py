"""How raw critic outputs become the arguments of an objective's functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ganworks.errors import UserError


@runtime_checkable
class Link(Protocol):
    """Maps the raw outputs on real and on fake to what phi and psi (critic), alpha and beta (generator) are given.

    Attributes:
        paired: the generator's cost needs the outputs on real samples too.
    """

    @property
    def paired(self) -> bool: ...

    def __call__(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True)
class Separate:
    """Each sample is judged by itself: (r, f)."""

    paired: bool = False

    def __call__(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        return real, fake


@dataclass(frozen=True)
class Rival:
    """Relativistic pairing: (r - f, f - r), sample by sample (Jolicoeur-Martineau 2018, eq. 10, 11)."""

    paired: bool = True

    def __call__(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        if real.shape != fake.shape:
            raise UserError(f"relativistic pairing: {tuple(real.shape)} outputs on real, {tuple(fake.shape)} on fake",
                            "as many real samples as fake ones", "take equal batch sizes")
        return real - fake, fake - real


@dataclass(frozen=True)
class RivalMean:
    """Relativistic average: (r - mean f, f - mean r) (Jolicoeur-Martineau 2018, eq. 14, 15).

    The mean is over the samples (dimension 0), so a patch critic is compared place by place.
    """

    paired: bool = True

    def __call__(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        return real - fake.mean(0, keepdim=True), fake - real.mean(0, keepdim=True)


@dataclass(frozen=True)
class Softmax:
    """Log shares of a softmax over all the batch: (r - log Z, f - log Z), Z the sum of e^v over both kinds.

    Lin 2017 (Softmax GAN), eq. 1-5, whose mu is -v. Z is over the samples (dimension 0).
    """

    paired: bool = True

    def __call__(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        whole = torch.logsumexp(torch.cat([real, fake]), 0, keepdim=True)
        return real - whole, fake - whole


separate, rival, rival_mean, softmax = Separate(), Rival(), RivalMean(), Softmax()
