"""What a training would be: networks, memory and time, from a few timed steps that leave nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ganworks.nets import count_parameters
from ganworks.train.machine import Machine
from ganworks.train.recipe import Recipe
from ganworks.train.trainer import Trainer

WARM, TIMED = 2, 5


@dataclass(frozen=True)
class Plan:
    """A training before it happens.

    Attributes:
        players: trainable numbers of each.
        networks: each player as torch prints it.
        state_bytes: weights, gradients, optimiser states and averages.
        activation_bytes: the largest move's tensors that are kept for its backward pass.
        seconds_a_step: median of a few timed steps.
    """

    recipe: Recipe
    machine: str
    players: dict[str, int]
    networks: dict[str, str]
    state_bytes: int
    activation_bytes: int
    seconds_a_step: float

    def text(self, path: Path | str) -> str:
        """Return the plan as text."""
        recipe, source = self.recipe, self.recipe.source
        lines = [f"run         {path}",
                 f"data        {source.name}: {len(source) or 'endless'} samples of shape {tuple(source.shape)}"]
        for name, network in self.networks.items():
            lines += [f"{name:<11} {self.players[name]:,} parameters", *(f"    {line}" for line in network.split("\n"))]
        for move in recipe.game.moves:
            optimiser = recipe.optimisers[move.player]
            lines.append(f"move        {move.player} x{move.repeat} a step, {optimiser.kind} at {optimiser.rate:g}")
        total = self.seconds_a_step * recipe.steps
        lines += [f"machine     {self.machine}",
                  f"memory      {_mib(self.state_bytes)} of weights, gradients, optimiser and averages, "
                  f"{_mib(self.activation_bytes)} of activations at batch {recipe.batch}",
                  f"steps       {recipe.steps:,} of batch {recipe.batch}: {1 / self.seconds_a_step:,.1f} steps/s, "
                  f"{recipe.batch / self.seconds_a_step:,.0f} samples/s",
                  f"time        about {_duration(total)} (measures and pictures not counted)"]
        return "\n".join(lines)


def plan(recipe: Recipe, machine: Machine) -> Plan:
    """Build the recipe on the machine, play a few steps, and return what was seen. Writes nothing."""
    trainer = Trainer(replace(recipe, steps=WARM + TIMED), machine)
    before = {name: tensor.clone() for name, tensor in trainer.game.state_dict().items()}
    for hook in trainer.hooks:
        hook.start(trainer)
    kept = 0
    times = []
    for step in range(WARM + TIMED):
        began = time.perf_counter()
        if step == 0:
            with _counting() as counted:
                trainer.advance()
            kept = counted[0] // sum(move.repeat for move in recipe.game.moves)
        else:
            trainer.advance()
        if machine.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    trainer.game.load_state_dict(before)
    return Plan(recipe, f"{machine.device}, {machine.world} process(es), {machine.arithmetic}, "
                f"{torch.get_num_threads()} threads",
                {name: count_parameters(player) for name, player in recipe.game.players.items()},
                {name: str(player) for name, player in recipe.game.players.items()},
                _state_bytes(trainer), kept, sorted(times[WARM:])[TIMED // 2])


def _state_bytes(trainer: Trainer) -> int:
    weights = [*trainer.game.parameters(), *trainer.game.buffers()]
    gradients = [p for p in trainer.game.parameters() if p.requires_grad]
    states = [v for o in trainer.optimisers.values() for s in o.state.values() for v in s.values()
              if isinstance(v, Tensor)]
    averages = [t for m in trainer.averaged.values() for t in (*m.parameters(), *m.buffers())]
    return sum(t.numel() * t.element_size() for t in (*weights, *gradients, *states, *averages))


@contextmanager
def _counting() -> Iterator[list[int]]:
    # Every tensor that autograd keeps passes here once; storage that is kept twice is counted once.
    seen: set[int] = set()
    total = [0]

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if not tensor.is_leaf and storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total[0] += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield total


def _mib(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
