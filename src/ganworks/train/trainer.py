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
from ganworks.train.sampling import CHUNK, Given, chunks, settled


class Trainer:
    """Plays a recipe's game on a machine.

    Args:
        recipe: what to train.
        machine: where; by default this process's device in the recipe's precision.
        hooks: further hooks after the recipe's own (a run adds logging and checkpoints).

    Attributes:
        step: finished steps.
        drawn: batches drawn so far; with the seed, all there is to know of the randomness.
        parameters: what each player learns.
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
        self.parameters = {name: [p for p in player.parameters() if p.requires_grad]
                           for name, player in self.game.players.items()}
        self.optimisers = {name: recipe.optimisers[name].build(parameters)
                           for name, parameters in self.parameters.items()}
        self.averaged: dict[str, nn.Module] = {}

    def fit(self) -> None:
        """Train to the recipe's last step. The first Ctrl-C ends after the current step, the second one at once."""
        self.stopping = False
        if self.step < self.recipe.steps:
            self.rehearse()
        with self._interruptible():
            for hook in self.hooks:
                hook.start(self)
            try:
                while self.step < self.recipe.steps and not self._told_to_stop():
                    self.advance()
                for hook in self.hooks:
                    hook.finish(self)
            finally:
                for hook in self.hooks:
                    hook.close(self)

    def rehearse(self) -> None:
        """Raise UserError where a step will not fit the memory; weights and random numbers stay as they are."""
        devices = [self.machine.device] if self.machine.device.type == "cuda" else []
        with torch.random.fork_rng(devices), self.machine.play(second_order=True):
            self.game.rehearse(lambda step: self._open(self.drawn, self._rows[0], step))

    def advance(self) -> None:
        """Play one step of the game, as the recipe's dynamics have it."""
        self._set_rates()
        self.recipe.dynamics.play(self)
        self.step += 1
        for hook in self.hooks:
            hook.stepped(self)

    def draw(self, held: bool) -> list[Round]:
        """Draw a batch and begin its rounds: one, or one for each part.

        Args:
            held: the next move goes on with them. Parts keep nothing for it, or all of them would lie in memory.
        """
        k = self.drawn
        self.drawn += 1
        self.machine.seed(self.recipe.seed, "torch", k)
        return [self._open(k, rows, self.step, held and self.recipe.accumulate == 1) for rows in self._rows]

    def learn(self, move: Move, rounds: Sequence[Round]) -> Costs:
        """Add the gradient of a move's cost to its player's, and return the costs, detached, mean over the parts."""
        parameters, share = self.parameters[move.player], 1 / len(rounds)
        sums: dict[str, Tensor] = {}
        for round in rounds:
            with self.machine.play(move.second_order(self.step)):
                costs = move.cost(round)
            self.machine.backward(costs, parameters, share)
            for name, cost in costs.items():
                cost = cost.detach()
                sums[name] = cost if share == 1 else sums[name] + cost * share if name in sums else cost * share
        return sums

    def update(self, player: str) -> None:
        """Step a player by its gradient, and forget that."""
        self.machine.update(self.optimisers[player], self.parameters[player], self.recipe.optimisers[player].clip)

    def moved(self, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        """Tell the game and the hooks that a move has been played and its player updated."""
        self.game.played(move.player, rounds, self.machine.mean)
        for hook in self.hooks:
            hook.moved(self, move, costs, rounds)

    def players(self, averaged: bool = True) -> dict[str, nn.Module]:
        """Return copies of the players that are ready to make samples, averaged where a hook keeps averages."""
        players = {**self.game.players, **(self.averaged if averaged else {})}
        return settled(self.game, players, self.given(), self.recipe.seed)

    def samples(self, count: int, seed: int = 0, averaged: bool = True, condition: Tensor | None = None) -> Tensor:
        """Return ``count`` samples on the CPU, a function of the weights and ``seed``.

        Args:
            condition: what a conditional game makes them on, a row for each; by default ``conditions(count, seed)``.

        Returns:
            uint8 images (N, C, H, W) or float32 points (N, D).
        """
        return torch.cat(list(self.chunks(count, seed, averaged, condition)))

    def chunks(self, count: int, seed: int = 0, averaged: bool = True,
               condition: Tensor | None = None) -> Iterator[Tensor]:
        """Yield what ``samples`` returns, at most 256 at a time."""
        return chunks(self.game, self.players(averaged), self.given(), count, seed, condition)

    def conditions(self, count: int, seed: int = 0) -> Tensor | None:
        """Return what ``samples`` are made on by default: labels (N,) or vectors (N, k) drawn from the data's law."""
        return self.given().conditions(count, seed)

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

    def _open(self, k: int, rows: slice, step: int, held: bool = False) -> Round:
        recipe, machine = self.recipe, self.machine
        batch = machine.feed(self.source.batch(k, recipe.batch, recipe.seed, rows))
        return self.game.open(batch, step, machine.noise(mix(recipe.seed, "noise", k), recipe.batch, rows), held)

    def _told_to_stop(self) -> bool:
        # Processes must stop at the same step; asking the others costs a message, so it is not done at every one.
        if self.machine.world > 1 and self.step % self.recipe.cadence.log:
            return False
        return self.machine.any(self.stopping)

    def given(self) -> Given:
        """Return what samples are made from beside random numbers: some of the data, and the law of its conditions."""
        return Given(self.machine.feed(self.source.head(CHUNK)), self.source.conditions, self.game.condition)

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
