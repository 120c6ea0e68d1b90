"""A generator that plays against the critic as it will be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

from ganworks.game.turn import Turn


class Foresight(ABC):
    """Gives the generator's turn a critic of the future, through which it differentiates."""

    @abstractmethod
    def __call__(self, turn: Turn, cost: Callable[[Turn], Tensor]) -> Turn:
        """Return the turn against the foreseen critic.

        Args:
            turn: the generator's, against the critic as it is.
            cost: the critic's whole cost, a scalar, on a turn that learns "both" (see ``Turn.against``).
        """

    @abstractmethod
    def check(self, critic: nn.Module) -> None:
        """Raise UserError where ``critic`` cannot be foreseen."""

    @abstractmethod
    def rehearse(self, turn: Turn, cost: Callable[[Turn], Tensor]) -> None:
        """Raise UserError where such a turn does not fit the memory; leave all as it is. See ``Game.rehearse``."""
