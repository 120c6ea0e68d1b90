"""Samples of a game's players, a function of their weights and a seed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganworks.data.conditions import Conditions
from ganworks.data.source import Batch, as_bytes
from ganworks.errors import UserError
from ganworks.game import Game, Noise
from ganworks.seeds import mix

CHUNK = 256


@dataclass(frozen=True)
class Given:
    """What samples are made from beside random numbers.

    Attributes:
        some: some of the data as networks take it, for games that translate it.
        law: of the conditions that come with the data.
        name: the batch entry that is the game's condition, or None.
    """

    some: Mapping[str, Tensor]
    law: Conditions
    name: str | None = None

    def conditions(self, count: int, seed: int) -> Tensor | None:
        """Return independent draws from the law on the CPU, the i-th a function of (seed, i).

        None where the game has no condition, or one that the law does not know: then they are those of ``some``.
        """
        if self.name is None:
            return None
        parts = [self.law.draw(self.name, CHUNK, mix(seed, "condition", k)) for k in range(-(-count // CHUNK))]
        known = [part for part in parts if part is not None]
        return torch.cat(known)[:count] if known else None

    def batch(self, size: int, condition: Tensor | None, device: torch.device) -> Batch:
        """Return a batch of ``size`` to make samples from, on these conditions; too few rows are repeated."""
        whole = filled(self.some, size)
        if condition is None:
            return whole
        if self.name is None:
            raise UserError("a condition for a game that has none", "a conditional game, or no condition")
        return whole | filled({self.name: condition.to(device)}, size)


def chunks(game: Game, ready: Mapping[str, nn.Module], given: Given, count: int, seed: int,
           condition: Tensor | None = None) -> Iterator[Tensor]:
    """Yield ``count`` samples, at most CHUNK at a time, on the CPU: uint8 images (n, C, H, W) or float32 points (n, D).

    Args:
        ready: players as ``settled`` returns them.
        condition: what the samples are made on, a row for each; by default ``given.conditions(count, seed)``.
    """
    if condition is None:
        condition = given.conditions(count, seed)
    elif len(condition) != count:
        raise UserError(f"{len(condition)} conditions for {count} samples", "one for each")
    device = _device(ready)
    for k in range(-(-count // CHUNK)):
        noise = Noise(mix(seed, "sample", k), CHUNK, device=device)
        part = None if condition is None else condition[k * CHUNK : (k + 1) * CHUNK]
        with torch.no_grad():
            made = game.preview(ready, given.batch(CHUNK, part, device), noise)
        yield plain(made)[: count - k * CHUNK]


@torch.no_grad()
def across(game: Game, ready: Mapping[str, nn.Module], given: Given, conditions: Tensor, columns: int,
           seed: int) -> Tensor:
    """Return ``columns`` samples on each of ``conditions`` (R, ...), as (R, columns, ...) on the CPU.

    Every row is made with the same random numbers, so that a column shows what the condition alone changes.
    """
    device = _device(ready)
    return torch.stack([plain(game.preview(ready, given.batch(columns, row[None], device),
                                           Noise(mix(seed, "sample", 0), columns, device=device)))
                        for row in conditions])


@torch.no_grad()
def panels(game: Game, ready: Mapping[str, nn.Module], given: Given, columns: int, seed: int) -> dict[str, Tensor]:
    """Return what a game shows of ``columns`` samples, by name, as ``plain`` images; empty where it shows samples."""
    device = _device(ready)
    noise = Noise(mix(seed, "sample", 0), columns, device=device)
    shown = game.panels(ready, given.batch(columns, None, device), noise)
    return {name: plain(images) for name, images in shown.items()}


def plain(made: Tensor) -> Tensor:
    """Return what a generator made as people keep it, on the CPU: images as bytes, all else as float32."""
    return (as_bytes(made) if made.dim() == 4 else made.float()).cpu()


@torch.no_grad()
def settled(game: Game, players: Mapping[str, nn.Module], given: Given, seed: int, size: int = 128,
            rounds: int = 8) -> dict[str, nn.Module]:
    """Return copies of ``players`` ready to make samples: in evaluation mode, with exact batch-norm statistics.

    Averaged weights have no running statistics of their own, so those are measured on ``rounds`` batches of ``size``
    made with fixed random numbers, on conditions drawn from their law.
    """
    ready = {name: copy.deepcopy(player).eval() for name, player in players.items()}
    norms = [m for player in ready.values() for m in player.modules() if isinstance(m, _BatchNorm)]
    if not norms or game.needs:  # images that were kept out must not teach a translator: its own statistics stay
        return ready
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean
        norm.train()
    device, conditions = _device(ready), given.conditions(rounds * size, mix(seed, "settle"))
    for k in range(rounds):
        part = None if conditions is None else conditions[k * size : (k + 1) * size]
        game.preview(ready, given.batch(size, part, device), Noise(mix(seed, "settle", k), size, device=device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
    return ready


def filled(batch: Mapping[str, Tensor], size: int) -> Batch:
    """Return ``size`` rows of ``batch``: repeated where there are too few, evenly spread where there are too many."""
    filled = {}
    for name, value in batch.items():
        rows = torch.arange(size, device=value.device)
        filled[name] = value[rows % len(value) if size >= len(value) else rows * len(value) // size]
    return filled


def _device(players: Mapping[str, nn.Module]) -> torch.device:
    return next(p.device for player in players.values() for p in player.parameters())
