"""Several lenses, one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ganworks.game.game import Round
from ganworks.game.lens import Lens
from ganworks.game.noise import Noise


class Lenses(Lens):
    """Several lenses, one behind the other; the first is nearest to the samples."""

    def __init__(self, lenses: Sequence[Lens]) -> None:
        super().__init__()
        self.lenses = nn.ModuleList(lenses)

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        for lens in self.lenses:
            x = lens(x, noise, step)
        return x

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        for lens in self.lenses:
            assert isinstance(lens, Lens)
            lens.played(player, rounds, mean)
