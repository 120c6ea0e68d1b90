"""The only training loop. It knows players, moves and hooks; it knows no loss, no network and no file."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game import Costs, Move, Round
from ganworks.seeds import mix
from ganworks.train.hook import Hook
from ganworks.train.machine import Machine
from ganworks.train.recipe import Recipe
from ganworks.train.sampling import CHUNK, chunks, settled


class Trainer:
    """Plays a recipe's game on a machine.

    Args:
        recipe: what to train.
        machine: where; by default this process's device in the recipe's precision.
        hooks: further hooks after the recipe's own (a run adds logging and checkpoints).

    Attributes:
        step: finished steps.
        drawn: batches drawn so far; with the seed, all there is to know of the randomness.
        stopping: set it true to end after the current step.
    """

    def __init__(self, recipe: Recipe, machine: Machine | None = None, hooks: Sequence[Hook] = ()) -> None:
        self.recipe = recipe
        self.machine = machine or Machine(precision=recipe.precision, compile=recipe.compile)
        self.game, self.source = recipe.game, recipe.source
        self.hooks = [*recipe.hooks, *hooks]
        self.step = self.drawn = 0
        self.stopping = False
        parts = recipe.accumulate
        self._rows = [self.machine.rows(recipe.batch, part, parts) for part in range(parts)]
        self.machine.prepare(self.game)
        self._parameters = {name: [p for p in player.parameters() if p.requires_grad]
                            for name, player in self.game.players.items()}
        self.optimisers = {name: recipe.optimisers[name].build(parameters)
                           for name, parameters in self._parameters.items()}
        self._rounds: list[Round] = []
        self.averaged: dict[str, nn.Module] = {}

    def fit(self) -> None:
        """Train to the recipe's last step. The first Ctrl-C ends after the current step, the second one at once."""
        self.stopping = False
        with self._interruptible():
            for hook in self.hooks:
                hook.start(self)
            try:
                while self.step < self.recipe.steps and not self._told_to_stop():
                    self.advance()
                for hook in self.hooks:
                    hook.finish(self)
            finally:
                self._rounds = []
                for hook in self.hooks:
                    hook.close(self)

    def advance(self) -> None:
        """Play one step: every move of the game in its order."""
        self._set_rates()
        self._rounds = []  # a move never goes on with the round of an earlier step: a resumed run would not have it
        moves = self.game.moves
        for number, move in enumerate(moves):
            if self.step % move.every:
                continue
            following = moves[number + 1] if number + 1 < len(moves) else None
            for again in range(move.repeat):
                if move.fresh or not self._rounds:
                    shared = again == move.repeat - 1 and following is not None and not following.fresh
                    self._rounds = self._draw(held=shared and self.recipe.accumulate == 1)
                costs = self._play(move)
                for hook in self.hooks:
                    hook.moved(self, move, costs, self._rounds)
        self.step += 1
        for hook in self.hooks:
            hook.stepped(self)

    def players(self, averaged: bool = True) -> dict[str, nn.Module]:
        """Return copies of the players that are ready to make samples, averaged where a hook keeps averages."""
        players = {**self.game.players, **(self.averaged if averaged else {})}
        return settled(self.game, players, self.some(), self.recipe.seed)

    def samples(self, count: int, seed: int = 0, averaged: bool = True) -> Tensor:
        """Return ``count`` samples on the CPU, a function of the weights and ``seed``.

        uint8 images (N, C, H, W) or float32 points (N, D).
        """
        return torch.cat(list(self.chunks(count, seed, averaged)))

    def chunks(self, count: int, seed: int = 0, averaged: bool = True) -> Iterator[Tensor]:
        """Yield what ``samples`` returns, at most 256 at a time."""
        return chunks(self.game, self.players(averaged), self.some(), count, seed)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later session needs to go on exactly."""
        return {"step": self.step, "drawn": self.drawn, "game": self.game.state_dict(),
                "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
                "hooks": {hook.name: hook.state_dict() for hook in self.hooks if hook.name}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up the state of another session of the same recipe."""
        try:
            self.game.load_state_dict(state["game"])
            for name, optimiser in self.optimisers.items():
                optimiser.load_state_dict(state["optimisers"][name])
                _like_parameters(optimiser)
            for hook in self.hooks:
                if hook.name:
                    hook.load_state_dict(state["hooks"][hook.name])
        except (KeyError, ValueError, RuntimeError) as error:
            raise UserError(f"the saved state is not of this recipe: {str(error).splitlines()[0]}",
                            "a checkpoint of the same recipe and the same version") from error
        self.step, self.drawn = int(state["step"]), int(state["drawn"])

    def _told_to_stop(self) -> bool:
        # Processes must stop at the same step; asking the others costs a message, so it is not done at every one.
        if self.machine.world > 1 and self.step % self.recipe.cadence.log:
            return False
        return self.machine.any(self.stopping)

    def some(self) -> dict[str, Tensor]:
        """Return some of the data, as networks take it: what conditional and translating games make samples from."""
        return self.machine.feed(self.source.head(CHUNK))

    def _draw(self, held: bool) -> list[Round]:
        recipe, machine, k = self.recipe, self.machine, self.drawn
        self.drawn += 1
        machine.seed(recipe.seed, "torch", k)
        seed = mix(recipe.seed, "noise", k)
        return [self.game.open(machine.feed(self.source.batch(k, recipe.batch, recipe.seed, rows)), self.step,
                               machine.noise(seed, recipe.batch, rows), held) for rows in self._rows]

    def _play(self, move: Move) -> Costs:
        parameters, share = self._parameters[move.player], 1 / len(self._rounds)
        sums: dict[str, Tensor] = {}
        for round in self._rounds:
            with self.machine.play(move.second_order(self.step)):
                costs = move.cost(round)
            self.machine.backward(costs, parameters, share)
            for name, cost in costs.items():
                cost = cost.detach()
                sums[name] = cost if share == 1 else sums[name] + cost * share if name in sums else cost * share
        self.machine.update(self.optimisers[move.player], parameters, self.recipe.optimisers[move.player].clip)
        self.game.played(move.player, self._rounds, self.machine.mean)
        return sums

    def _set_rates(self) -> None:
        for name, optimiser in self.optimisers.items():
            facts = self.recipe.optimisers[name]
            rate = facts.rate * facts.schedule.factor(self.step, self.recipe.steps)
            for group in optimiser.param_groups:
                group["lr"] = rate

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        # Signals can be caught only in the main thread; elsewhere whoever runs the thread sets ``stopping``.
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: object) -> None:
            if self.stopping:
                raise KeyboardInterrupt
            self.stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _like_parameters(optimiser: torch.optim.Optimizer) -> None:
    # Fused steps want each moment laid out in memory as its parameter is (channels last, say).
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.dim() > 1:
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
