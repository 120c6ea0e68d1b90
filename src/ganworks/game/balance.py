"""The balance between the two sides of a critic that is an autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.game.game import Round, signal
from ganworks.game.scores import lone
from ganworks.game.terms import Term
from ganworks.game.turn import Turn


class Balance(Term):
    """-k E L(G(z)), with L = -D the loss of an autoencoder, and k steered (Berthelot et al. 2017, sections 3.3, 3.4).

    Added to the critic's cost E L(x) it makes the paper's E L(x) - k E L(G(z)). After each critic move
    k <- k + rate (gamma L(x) - L(G(z))), kept in [0, 1], from 0 on.

    Args:
        gamma: the wanted L(G(z)) / L(x), in [0, 1]: small for the best samples, large for the most various ones.
        rate: the paper's lambda_k, above 0.

    Attributes:
        k: the present share (a buffer).
        convergence: the paper's measure M = L(x) + |gamma L(x) - L(G(z))| of the last critic move (a buffer).
    """

    k: Tensor
    convergence: Tensor

    def __init__(self, gamma: float = 0.5, rate: float = 1e-3) -> None:
        super().__init__()
        if not (0 <= gamma <= 1 and 0 < rate < float("inf")):
            raise UserError(f"balance: gamma {gamma}, rate {rate}", "gamma in [0, 1] and rate above 0")
        self.gamma, self.rate = gamma, rate
        self.register_buffer("k", torch.zeros(()))
        self.register_buffer("convergence", torch.zeros(()))

    def forward(self, turn: Turn) -> Tensor:
        return self.k * lone(turn.on_fake, "Balance").mean()

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        if player != "critic":
            return
        real, fake = -signal(rounds, "on_real", mean), -signal(rounds, "on_fake", mean)
        lead = self.gamma * real - fake
        self.k.add_(self.rate * lead).clamp_(0, 1)
        self.convergence.copy_(real + lead.abs())
