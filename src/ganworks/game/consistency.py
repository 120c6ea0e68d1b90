"""A critic that should not mind how samples are augmented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor

from ganworks.errors import UserError, did_you_mean
from ganworks.game.game import Round
from ganworks.game.lens import Lens
from ganworks.game.packing import packed, unpacked
from ganworks.game.scores import full, sum_of_means
from ganworks.game.terms import Term
from ganworks.game.turn import Turn


class Consistency(Term):
    """E |D(x) - D(T(x))|^2 with T a random augmentation: on real samples CR (Zhang et al. 2020, weight 10).

    bCR (Zhao et al. 2020) is two of these terms, one on real and one on generated samples, each with a weight and a
    lens of its own. Heads are summed, positions averaged.

    Args:
        lens: T; a game with a lens of its own sees T(x) through that one too.
        on: "real" or "fake".
    """

    def __init__(self, lens: Lens, on: Literal["real", "fake"] = "real") -> None:
        super().__init__()
        if on not in ("real", "fake"):
            raise UserError(f"consistency on '{on}'", did_you_mean(on, ("real", "fake")))
        self.lens, self.on = lens, on

    def forward(self, turn: Turn) -> Tensor:
        x, verdict = (turn.real, turn.on_real) if self.on == "real" else (turn.fake, turn.on_fake)
        changed = packed(self.lens(unpacked(x, turn.pack), turn.single_noise, turn.step), turn.pack)
        return sum_of_means([(full(plain) - full(other)).square()
                             for plain, other in zip(verdict.scores, turn.judge(changed).scores, strict=True)])

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        self.lens.played(player, rounds, mean)
