"""Players, their moves, and what a move is played on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ganworks.game.noise import Noise
from ganworks.objective import Objective

if TYPE_CHECKING:
    from ganworks.game.duel import Duel

Costs = dict[str, Tensor]
"""The summands of a player's cost by name; what is minimised is their sum."""


@dataclass
class Round:
    """One batch with the random numbers that belong to it; what a move's cost is computed on.

    Attributes:
        batch: tensors by name, as networks take them (images float in [-1, 1]).
        step: the training step it belongs to.
        noise: its random numbers.
        held: another move will be played on this very round, so what is costly may be kept in ``memory``.
        memory: what one move keeps for the next.
        signals: detached tensors by name, for whoever watches.
        joint: costs are wanted as functions of all players' weights, with nothing detached (consensus dynamics).
    """

    batch: Mapping[str, Tensor]
    step: int
    noise: Noise
    held: bool = False
    memory: dict[str, Tensor] = field(default_factory=dict)
    signals: dict[str, Tensor] = field(default_factory=dict)
    joint: bool = False


def signal(rounds: Sequence[Round], name: str, mean: Callable[[Tensor], Tensor],
           of: Callable[[Tensor], Tensor] = torch.mean) -> Tensor:
    """Return ``of`` (a scalar, by default the mean) of a signal of these rounds, averaged over parts and processes."""
    return mean(torch.stack([of(round.signals[name].float()) for round in rounds]).mean())


def _never(step: int) -> bool:
    return False


@dataclass(frozen=True)
class Move:
    """One optimiser step of one player.

    Attributes:
        player: name of the player that learns.
        cost: the player's cost on a round.
        repeat: how often it is played in a step (critic steps per generator step).
        every: play it only in steps that are multiples of this.
        begin: play it from this step on.
        fresh: draw a new batch for it; otherwise it is played on the round of the move before.
        second_order: whether the cost differentiates through a gradient in a given step.
    """

    player: str
    cost: Callable[[Round], Costs]
    repeat: int = 1
    every: int = 1
    fresh: bool = True
    second_order: Callable[[int], bool] = _never
    begin: int = 0

    def due(self, step: int) -> bool:
        """Whether it is played in this step."""
        return step >= self.begin and step % self.every == 0


class Game(nn.Module, ABC):
    """Players and their moves. Everything with tensors is a submodule or a buffer, so ``state_dict`` is the game.

    Attributes:
        condition: the batch entry ("label", say) that players are told and samples are made on, or None.
        needs: batch entries that samples are made from: images to translate. Empty where noise is enough.
    """

    condition: str | None = None
    needs: tuple[str, ...] = ()

    @property
    @abstractmethod
    def players(self) -> dict[str, nn.Module]:
        """The networks that learn, by name; each has an optimiser of its own."""

    @property
    @abstractmethod
    def moves(self) -> tuple[Move, ...]:
        """What is played in one step, in this order; the first move is fresh."""

    @property
    def objectives(self) -> dict[str, Objective]:
        """What is played for, by name; kept in a run's certificate.json where it was designed."""
        return {}

    def duels(self, batch: Mapping[str, Tensor]) -> Mapping[str, tuple[Duel, Mapping[str, Tensor]]]:
        """Return its duels by name, each with a batch as it takes it, for whoever looks at generators and critics.

        The only one is named "". A game that is not made of duels has none.
        """
        return {}

    @abstractmethod
    def open(self, batch: Mapping[str, Tensor], step: int, noise: Noise, held: bool = False) -> Round:
        """Begin a round on a batch."""

    def check(self, rows: int) -> None:
        """Raise UserError where the game cannot be played on batches of ``rows``; asked before the first one."""

    def rehearse(self, draw: Callable[[int], Round]) -> None:
        """Raise UserError where a move does not fit the memory; asked before the first step, and changes nothing.

        By default nothing is asked: what a plain move takes is soon seen.

        Args:
            draw: opens a round as the training will, at a given step.
        """

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        """Learn from a move of ``player`` that has been played: steer what has a controller, move what averages.

        Args:
            rounds: those it was played on, with their signals: one, or the parts of a batch.
            mean: averages a tensor over the processes; every process must call it as often.
        """

    @abstractmethod
    def preview(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> Tensor:
        """Return samples (N, ...) made by ``players`` (averaged weights, say) with the given random numbers."""

    def panels(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> dict[str, Tensor]:
        """Return what is shown of a batch, by name: images (N, ...) of which the i-th ones belong together.

        By default nothing: samples that have no counterpart are shown as they are.
        """
        return {}
