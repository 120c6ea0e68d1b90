"""Summands of a player's cost beside the objective."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game.game import Round
from ganworks.game.schedule import Level, least, level_at
from ganworks.game.turn import Turn


class Term(nn.Module, ABC):
    """A summand of a player's cost. Its state, if any, lives in buffers, so that it is saved with the game.

    Attributes:
        second_order: the term differentiates through a gradient.
    """

    second_order: bool = False

    @abstractmethod
    def forward(self, turn: Turn) -> Tensor:
        """Return the unweighted cost, a scalar."""

    def check(self, critic: nn.Module) -> None:
        """Raise UserError where the term is wrong for ``critic``."""

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        """Learn from a move that has been played; see ``Game.played``."""


@dataclass(frozen=True)
class Weighted:
    """A term with its weight in a player's cost.

    Attributes:
        name: its name in logs.
        weight: factor, at least 0; a ``Ramp`` changes along the training.
        every: compute it only in steps that are multiples of this, with ``every`` times the weight, so that its mean
            pull is the same (lazy regularisation, Karras et al. 2020, section 3.1).
    """

    name: str
    term: Term
    weight: Level = 1.0
    every: int = 1

    def __post_init__(self) -> None:
        lowest = least(self.weight)
        if not (lowest >= 0 and math.isfinite(lowest) and self.every >= 1):
            raise UserError(f"term '{self.name}': weight {self.weight}, every {self.every}",
                            "weight >= 0 and every >= 1", "leave the term out to be without it")

    def due(self, step: int) -> bool:
        """Whether the term is part of the cost in this step."""
        return step % self.every == 0

    def cost(self, turn: Turn) -> Tensor:
        """Return the weighted cost."""
        return self.term(turn) * (level_at(self.weight, turn.step) * self.every)
