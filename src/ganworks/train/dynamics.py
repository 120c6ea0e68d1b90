"""In which order players look and step: the inner loop of a training as a value."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game import Costs, Game, Move, Round

if TYPE_CHECKING:
    from ganworks.train.trainer import Trainer

Played = list[tuple[Move, list[Round], Costs]]


class Dynamics(ABC):
    """Plays one step of a game: every move that is due, with one update of its player each, or each ``repeat``."""

    @abstractmethod
    def check(self, game: Game) -> None:
        """Raise UserError where ``game`` cannot be played this way."""

    @abstractmethod
    def play(self, trainer: Trainer) -> None:
        """Play one step. ``trainer.moved`` is called once for each update of a player, behind it."""


@dataclass(frozen=True)
class Alternating(Dynamics):
    """Each player looks at what the one before it has become (Goodfellow et al. 2014, Algorithm 1)."""

    def check(self, game: Game) -> None:
        """Any game can be played in turn."""

    def play(self, trainer: Trainer) -> None:
        for move, rounds in dealt(trainer):
            costs = trainer.learn(move, rounds)
            trainer.update(move.player)
            trainer.moved(move, costs, rounds)


@dataclass(frozen=True)
class Simultaneous(Dynamics):
    """All players look at the same weights, then all of them step."""

    def check(self, game: Game) -> None:
        _check_one_move_each(self, game)

    def play(self, trainer: Trainer) -> None:
        _step(trainer, _looked(trainer))


@dataclass(frozen=True)
class Extragradient(Dynamics):
    """All players step ahead, look at each other there, and step from where they were (Korpelevich 1976).

    Gidel et al. 2019, Algorithms 2 and 4: each of the two looks has a batch of its own, and the optimiser's state
    (Adam's moments and its count, momentum) is updated at both, so a step costs two batches and about twice the time.
    The steps ahead belong to the step: no hook sees them, averages and weight clipping act on the final ones, and the
    costs are those of the second look. An optimiser's weight decay looks at the weights where the players were.
    """

    def check(self, game: Game) -> None:
        _check_one_move_each(self, game)

    def play(self, trainer: Trainer) -> None:
        weights: list[Tensor] = [p for parameters in trainer.parameters.values() for p in parameters]
        before = [p.detach().clone() for p in weights]
        for move, _, _ in _looked(trainer):
            trainer.update(move.player)
        played = _looked(trainer)
        with torch.no_grad():
            torch._foreach_copy_(weights, before)
        _step(trainer, played)


@dataclass(frozen=True)
class Consensus(Dynamics):
    """All players also descend gamma |v|^2 / 2, v being all their gradients (Mescheder et al. 2017, Algorithm 2).

    The added gradient differentiates each player's gradient by every player's weights, so costs are computed with
    nothing detached (``Round.joint``), eagerly, and their graphs are kept until all players have been looked at: an
    accumulated batch takes as much memory as a whole one. Costs in the log are the players' own, without the
    added one.

    Args:
        gamma: at least 0. The players' learning rates apply to the added gradient too.
    """

    gamma: float = 0.1

    def __post_init__(self) -> None:
        if not (self.gamma >= 0 and math.isfinite(self.gamma)):
            raise UserError(f"consensus: gamma {self.gamma}", "a number of at least 0")

    def check(self, game: Game) -> None:
        _check_one_move_each(self, game)

    def play(self, trainer: Trainer) -> None:
        played: Played = []
        pulls: list[tuple[nn.Parameter, Tensor]] = []
        for move, rounds in dealt(trainer):
            costs, found = _pull(trainer, move, rounds)
            played.append((move, rounds, costs))
            pulls += zip(trainer.parameters[move.player], found, strict=True)
        field = [pull.detach().clone() for _, pull in pulls]
        trainer.machine.average(field)
        # The gradient of |v|^2 / 2 is J^T v. With v the mean over the processes, so is their mean of J^T v.
        # A player whose cost is linear in a weight has a constant pull there.
        bent = [(pull, self.gamma * v) for (_, pull), v in zip(pulls, field, strict=True) if pull.requires_grad]
        if bent:
            torch.autograd.backward([pull for pull, _ in bent], [v for _, v in bent], inputs=[p for p, _ in pulls])
        for p, pull in pulls:
            p.grad = pull.detach() if p.grad is None else p.grad + pull.detach()
        _step(trainer, played)


def dealt(trainer: Trainer) -> Iterator[tuple[Move, list[Round]]]:
    """Yield each move that is due with the rounds it is played on, as often as it is repeated; draw them when due.

    A move never goes on with the rounds of an earlier step: a resumed run would not have them.
    """
    rounds: list[Round] = []
    moves = trainer.game.moves
    for number, move in enumerate(moves):
        if not move.due(trainer.step):
            continue
        following = moves[number + 1] if number + 1 < len(moves) else None
        for again in range(move.repeat):
            if move.fresh or not rounds:
                shared = again == move.repeat - 1 and following is not None and not following.fresh
                rounds = trainer.draw(held=shared)
            yield move, rounds


def _looked(trainer: Trainer) -> Played:
    return [(move, rounds, trainer.learn(move, rounds)) for move, rounds in dealt(trainer)]


def _step(trainer: Trainer, played: Played) -> None:
    for move, rounds, costs in played:
        trainer.update(move.player)
        trainer.moved(move, costs, rounds)


def _pull(trainer: Trainer, move: Move, rounds: list[Round]) -> tuple[Costs, tuple[Tensor, ...]]:
    """Return a player's costs and the gradient of their sum with its graph, both means over the parts."""
    parts = []
    for round in rounds:
        round.joint = True
        with trainer.machine.play(second_order=True):
            parts.append(move.cost(round))
    costs = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
    total = functools.reduce(torch.add, costs.values())
    pull = torch.autograd.grad(total, trainer.parameters[move.player], create_graph=True, allow_unused=True,
                               materialize_grads=True)
    return {name: cost.detach() for name, cost in costs.items()}, pull


def _check_one_move_each(dynamics: Dynamics, game: Game) -> None:
    players = [move.player for move in game.moves]
    if max(move.repeat for move in game.moves) > 1 or len(set(players)) < len(players):
        times = ", ".join(f"{move.player} x{move.repeat}" for move in game.moves)
        raise UserError(f"{type(dynamics).__name__.lower()} dynamics of a game with the moves {times}",
                        "one move for each player: all look at the same weights, so a second look would see the same",
                        "take --critic-steps 1, or --dynamics alternating")
