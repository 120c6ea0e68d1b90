"""Averages of weights along the training path."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game import Costs, Move, Round
from ganworks.train.hook import Hook

if TYPE_CHECKING:
    from ganworks.train.trainer import Trainer


class EMA(Hook):
    """Exponential moving average of a player's weights, one update for each of the player's.

    The decay warms up as (1 + t) / (10 + t) until it reaches ``decay``, so that the first weights are soon forgotten.

    Args:
        decay: in [0, 1).
        player: whose weights.
    """

    def __init__(self, decay: float = 0.999, player: str = "generator") -> None:
        if not 0 <= decay < 1:
            raise UserError(f"EMA decay {decay}", "a number in [0, 1)")
        self.decay, self.player, self.name = decay, player, f"ema_{player}"
        self._average: nn.Module | None = None
        self._state: dict[str, Any] | None = None

    def start(self, trainer: Trainer) -> None:
        live = trainer.game.players[self.player]
        if self._average is None or trainer.averaged.get(self.player) is not self._average:
            self._average = copy.deepcopy(live).requires_grad_(False)  # else a session of this trainer goes on
            trainer.averaged[self.player] = self._average
        if self._state is not None:
            self._average.load_state_dict(self._state)
            self._state = None
        self._pairs = [(a, b) for a, b in zip(_tensors(self._average), _tensors(live), strict=True)
                       if a.is_floating_point()]

    @torch.no_grad()
    def moved(self, trainer: Trainer, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        if move.player == self.player:
            decay = min(self.decay, (1 + trainer.step) / (10 + trainer.step))
            averages, lives = zip(*self._pairs, strict=True)
            torch._foreach_lerp_(averages, lives, 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        if self._state is not None or self._average is None:
            return self._state or {}
        return self._average.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._state = state


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*(p.detach() for p in module.parameters()), *module.buffers()]
