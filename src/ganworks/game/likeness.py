"""How far a translation is from the very image that it should be."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ganworks.errors import UserError, did_you_mean
from ganworks.game.scores import full
from ganworks.game.terms import Term
from ganworks.game.turn import Turn


def distance(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean of |x - y| over all values, a scalar in float32 or better."""
    return torch.nn.functional.l1_loss(full(x), full(y))


class Likeness(Term):
    """The generator's samples should be like the real ones of the same rows: "l1" E |y - G(x)| or "l2" its square.

    For games with pairs. Isola et al. 2017, eq. 3, where L1 blurs less; the mean is over all values.
    """

    def __init__(self, form: Literal["l1", "l2"] = "l1") -> None:
        super().__init__()
        if form not in ("l1", "l2"):
            raise UserError(f"likeness '{form}'", did_you_mean(form, ("l1", "l2")))
        self.form = form

    def forward(self, turn: Turn) -> Tensor:
        if self.form == "l1":
            return distance(turn.fake, turn.real)
        return torch.nn.functional.mse_loss(full(turn.fake), full(turn.real))
