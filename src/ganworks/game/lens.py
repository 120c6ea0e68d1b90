"""What the critic is shown instead of the samples themselves: noise on them, augmentations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ganworks.game.game import Round
from ganworks.game.noise import Noise


class Lens(nn.Module, ABC):
    """A random map of samples, through which the critic sees real and generated ones alike, and penalties too.

    The generator learns through it, so it is differentiable in the samples. Its state, if any, lives in buffers.
    """

    @abstractmethod
    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        """Return what is seen of ``x`` (N, ...), of the same shape.

        Args:
            x: single samples, not packed; images float in [-1, 1].
            noise: random numbers, N rows.
            step: the training step.
        """

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        """Learn from a move that has been played; see ``Game.played``."""
