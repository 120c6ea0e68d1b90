"""LeCam regularisation: for critics that see few samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.game.game import Round, signal
from ganworks.game.scores import lone
from ganworks.game.terms import Term
from ganworks.game.turn import Turn


class LeCam(Term):
    """E |D(x) - a_fake|^2 + E |D(G(z)) - a_real|^2 (Tseng et al. 2021, eq. 5 to 7).

    The anchors a_real and a_fake are moving averages of the critic's mean outputs on real and on generated samples;
    the first critic move sets them, and before it the term is 0. It is the paper's formula, both sides of each anchor
    included; the authors' program counts an output only while it is on its own side of the other's anchor.

    Args:
        decay: of the moving averages, in [0, 1).
    """

    on_real: Tensor
    on_fake: Tensor
    known: Tensor

    def __init__(self, decay: float = 0.99) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise UserError(f"LeCam: decay {decay}", "a number in [0, 1)")
        self.decay = decay
        for name in ("on_real", "on_fake", "known"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, turn: Turn) -> Tensor:
        real, fake = lone(turn.on_real, "LeCam"), lone(turn.on_fake, "LeCam")
        # Multiplied, not asked: a look at ``known`` would make an accelerator wait.
        return self.known * ((real - self.on_fake).square().mean() + (fake - self.on_real).square().mean())

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        if player != "critic":
            return
        share = 1 - self.decay * self.known
        for anchor, name in ((self.on_real, "on_real"), (self.on_fake, "on_fake")):
            anchor.copy_(anchor + share * (signal(rounds, name, mean) - anchor))
        self.known.fill_(1)
