"""Weight clipping: what the first Wasserstein GAN does to its critic after each update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.game import Costs, Move, Round
from ganworks.train.hook import Hook

if TYPE_CHECKING:
    from ganworks.train.trainer import Trainer


class ClipWeights(Hook):
    """Clamp every weight of a player to [-bound, bound] after each of its updates.

    Arjovsky et al. 2017, Algorithm 1, line 7. It gives the critic some Lipschitz bound, not the bound 1.

    Args:
        bound: above 0; the paper's is 0.01.
        player: whose weights.
    """

    def __init__(self, bound: float = 0.01, player: str = "critic") -> None:
        if not bound > 0:
            raise UserError(f"weight clipping at {bound}", "a bound above 0")
        self.bound, self.player = bound, player

    @torch.no_grad()
    def moved(self, trainer: Trainer, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        if move.player == self.player:
            weights: list[Tensor] = list(trainer.game.players[self.player].parameters())
            torch._foreach_clamp_min_(weights, -self.bound)
            torch._foreach_clamp_max_(weights, self.bound)
