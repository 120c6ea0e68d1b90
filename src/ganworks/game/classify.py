"""The auxiliary classifier's cost."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganworks.errors import UserError
from ganworks.game.terms import Term
from ganworks.game.turn import Turn


class Classify(Term):
    """Cross-entropy of the critic's class logits with the condition (Odena et al. 2017, eq. 3), in nats.

    Args:
        on: "real" or "fake": on which samples. On generated ones it is a cost of both players.
    """

    def __init__(self, on: Literal["real", "fake"] = "real") -> None:
        super().__init__()
        self.on = on

    def forward(self, turn: Turn) -> Tensor:
        logits = (turn.on_real if self.on == "real" else turn.on_fake).classes
        if logits is None or turn.condition is None:
            raise UserError("a classification cost on a critic that names no classes",
                            "a conditional game whose critic returns class logits in its Verdict",
                            "take --condition label --told-critic auxiliary")
        return cross_entropy(logits.float(), turn.condition)
