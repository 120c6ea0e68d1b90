"""A training run as a value: everything that decides how it goes, and nothing of where it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganworks.data import Source, from_torch
from ganworks.errors import UserError
from ganworks.game import Game
from ganworks.train.cadence import Cadence, Measure
from ganworks.train.dynamics import Alternating, Dynamics
from ganworks.train.hook import Hook
from ganworks.train.machine import Precision
from ganworks.train.optimiser import Optimiser


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what, how, and for how long.

    Attributes:
        game: players and moves.
        source: what it learns from: a ``Source``, or samples as a Tensor (N, ...), a tuple (samples, labels) or a
            map-style ``torch.utils.data.Dataset``, which become one.
        optimisers: one for each player.
        steps: training steps; in each, every move of the game is played.
        batch: samples of one draw, over all processes.
        accumulate: parts in which each draw is played, to save memory; gradients are averaged over them.
        hooks: what else happens: averaging, clipping, measures.
        seed: of data order, latents and all other randomness.
        precision, compile: see ``Machine``.
        cadence: how often a run is logged, sampled and saved.
        measure: what decides which checkpoint is the best.
        dynamics: in which order the players look and step.
    """

    game: Game
    source: Source
    optimisers: Mapping[str, Optimiser]
    steps: int
    batch: int = 64
    accumulate: int = 1
    hooks: Sequence[Hook] = ()
    seed: int = 0
    precision: Precision = "tf32"
    compile: bool = False
    cadence: Cadence = Cadence()
    measure: Measure | None = None
    dynamics: Dynamics = Alternating()

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", from_torch(self.source))
        if self.steps < 1 or self.batch < 1 or self.accumulate < 1:
            raise UserError(f"recipe: {self.steps} steps, batch {self.batch}, accumulate {self.accumulate}",
                            "at least 1 of each")
        players = set(self.game.players)
        if set(self.optimisers) != players:
            raise UserError(f"optimisers for {sorted(self.optimisers)}", f"one for each player: {sorted(players)}")
        if self.batch % self.accumulate:
            raise UserError(f"a batch of {self.batch} in {self.accumulate} parts", "parts of equal size",
                            "change --batch or --accumulate")
        if 0 < len(self.source) < self.batch:
            raise UserError(f"{self.source.name}: {len(self.source)} samples are fewer than a batch of {self.batch}",
                            f"at least {self.batch} samples", f"add data, or take --batch {len(self.source)} or less")
        self.dynamics.check(self.game)
        self.game.check(self.batch // self.accumulate)
