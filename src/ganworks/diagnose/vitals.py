"""The hook that records what a doctor wants to know: one look every so many steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganworks.diagnose.look import Look, look
from ganworks.errors import UserError
from ganworks.seeds import mix
from ganworks.train.hook import Hook

if TYPE_CHECKING:
    from ganworks.train.run import Run
    from ganworks.train.trainer import Trainer

COUNT = 64
MORE = 4
"""So many times as many samples of each kind tell whether data is known by heart, where some is held out: an area under
the curve of 64 beside 64 is off by 0.05 by chance alone."""
SOME = 4096
"""Of larger players, so many weights, evenly spread, stand for all when it is asked how far they move."""


class Vitals(Hook):
    """Writes a record of vitals ("vital/...") after the first step and every ``every`` steps, and changes nothing.

    Args:
        run: where the records go.
        every: steps between looks; a look costs about one step of a batch of ``count``.
        count: samples looked at.

    Attributes:
        last: the last record.
    """

    name = "vitals"

    def __init__(self, run: Run, every: int = 100, count: int = COUNT) -> None:
        if every < 1 or count < 2:
            raise UserError(f"vitals every {every} steps of {count} samples", "every 1 or more, of 2 or more")
        self.run, self.every, self.count = run, every, count
        self.last: dict[str, Any] = {}
        self._stood: dict[str, Tensor] = {}
        self._shift: dict[str, Tensor] = {}
        self._before: dict[str, Tensor] = {}
        self._size: dict[str, float] = {}

    def start(self, trainer: Trainer) -> None:
        feed = trainer.machine.feed
        unseen = trainer.source.unseen(MORE * self.count)
        self._trained = feed(trainer.source.trained(self.count))
        self._unseen = None if unseen is None else feed(unseen)
        self._seen = self._trained if unseen is None else feed(trainer.source.trained(MORE * self.count))
        if trainer.step == 0:  # the first step tells how long steps are before there is any other trouble
            self._before = _weights(trainer.game.players)

    def stepped(self, trainer: Trainer) -> None:
        if not trainer.machine.is_main:
            return
        if trainer.step == 1 or trainer.step % self.every == 0:
            self._record(trainer)
        if (trainer.step + 1) % self.every == 0:
            self._before = _weights(trainer.game.players)

    def state_dict(self) -> dict[str, Any]:
        return {"stood": self._stood, "shift": self._shift, "before": self._before, "size": self._size}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._stood, self._shift, self._before = state["stood"], state["shift"], state["before"]
        self._size = state["size"]

    def _record(self, trainer: Trainer) -> None:
        vitals: dict[str, float] = {}
        layers: dict[str, dict[str, float]] = {}
        for name, found in self._looks(trainer).items():
            suffix = f" {name}" if name else ""
            vitals |= {key + suffix: value for key, value in _numbers(found.vitals).items()}
            layers |= {player + suffix: _numbers(norms) for player, norms in found.layers.items()}
        vitals |= _numbers(self._moves(trainer))
        self.last = {"step": trainer.step} | {f"vital/{key}": value for key, value in vitals.items()}
        self.run.log(self.last | {"layers": layers})

    def _looks(self, trainer: Trainer) -> dict[str, Look]:
        duels = trainer.game.duels(self._trained)
        unseen = {} if self._unseen is None else trainer.game.duels(self._unseen)
        seen = trainer.game.duels(self._seen)
        seed, found = mix(trainer.recipe.seed, "vitals"), {}
        for name, (duel, batch) in duels.items():
            others = unseen[name][1] if name in unseen else None
            with trainer.machine.play(second_order=True):  # eager: a look has other shapes than a step
                found[name] = look(duel, _whole(batch, duel.pack), others and _whole(others, duel.pack), seed,
                                   trainer.step, _whole(seen[name][1], duel.pack))
        return found

    def _moves(self, trainer: Trainer) -> dict[str, Tensor]:
        """Return how far each player's weights move in a step, whether they turn back, how far averages lag."""
        found: dict[str, Tensor] = {}
        for name, now in _weights(trainer.game.players).items():
            if name in self._before:
                found[f"step {name}"] = (now - self._before[name]).norm() / self._largest(name, now)
            if name in self._stood:
                shift = now - self._stood[name]
                if name in self._shift:
                    found[f"onward {name}"] = torch.cosine_similarity(shift, self._shift[name], dim=0)
                self._shift[name] = shift
            self._stood[name] = now
            if name in trainer.averaged:
                found[f"lag {name}"] = (some_weights(trainer.averaged[name]) - now).norm() / now.norm()
        self._before = {}
        return found

    def _largest(self, name: str, now: Tensor) -> float:
        """Return the largest norm a player's weights have had before a step.

        Weights that go to 0, as they should in some games, do not make steps long.
        """
        self._size[name] = max(self._size.get(name, 0.0), float(self._before[name].norm()))
        return self._size[name] or float(now.norm()) or 1.0


def some_weights(player: nn.Module) -> Tensor:
    """Return at most about 4,096 of a player's weights on the CPU, evenly spread over it, float32 (n,)."""
    sizes = [p.numel() for p in player.parameters()]
    stride = max(1, sum(sizes) // SOME)
    return torch.cat([p.detach().reshape(-1)[::stride].float() for p in player.parameters()]).cpu()


def _weights(players: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    return {name: some_weights(player) for name, player in players.items()}


def _whole(batch: Mapping[str, Tensor], pack: int) -> Mapping[str, Tensor]:
    rows = len(next(iter(batch.values())))
    return {name: value[: rows - rows % pack] for name, value in batch.items()}


def _numbers(values: Mapping[str, Tensor]) -> dict[str, float]:
    # Stacked, so that a GPU is waited for once; in four digits, which is more than a look is worth. What is no finite
    # number is left out: JSON knows none.
    if not values:
        return {}
    found = torch.stack([value.float() for value in values.values()]).tolist()
    return {name: float(f"{value:.4g}") for name, value in zip(values, found, strict=True) if math.isfinite(value)}
