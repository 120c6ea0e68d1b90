"""Samples of a game's players, a function of their weights and a seed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganworks.data.source import Batch, as_bytes
from ganworks.game import Game, Noise
from ganworks.seeds import mix

CHUNK = 256


def chunks(game: Game, ready: Mapping[str, nn.Module], batch: Mapping[str, Tensor], count: int,
           seed: int) -> Iterator[Tensor]:
    """Yield ``count`` samples, at most CHUNK at a time, on the CPU: uint8 images (n, C, H, W) or float32 points (n, D).

    Args:
        ready: players as ``settled`` returns them.
        batch: some samples of the data, on the players' device, for games that translate them.
    """
    for k in range(-(-count // CHUNK)):
        noise = Noise(mix(seed, "sample", k), CHUNK, device=_device(ready))
        with torch.no_grad():
            made = game.preview(ready, filled(batch, CHUNK), noise)
        yield plain(made)[: count - k * CHUNK]


def plain(made: Tensor) -> Tensor:
    """Return what a generator made as people keep it, on the CPU: images as bytes, all else as float32."""
    return (as_bytes(made) if made.dim() == 4 else made.float()).cpu()


@torch.no_grad()
def settled(game: Game, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], seed: int, size: int = 128,
            rounds: int = 8) -> dict[str, nn.Module]:
    """Return copies of ``players`` ready to make samples: in evaluation mode, with exact batch-norm statistics.

    Averaged weights have no running statistics of their own, so those are measured on ``rounds`` batches of ``size``
    made with fixed random numbers.
    """
    ready = {name: copy.deepcopy(player).eval() for name, player in players.items()}
    norms = [m for player in ready.values() for m in player.modules() if isinstance(m, _BatchNorm)]
    if not norms:
        return ready
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean
        norm.train()
    for k in range(rounds):
        game.preview(ready, filled(batch, size), Noise(mix(seed, "settle", k), size, device=_device(ready)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
    return ready


def filled(batch: Mapping[str, Tensor], size: int) -> Batch:
    """Return ``batch`` with its rows repeated until there are ``size`` of them."""
    return {name: value[torch.arange(size, device=value.device) % len(value)] for name, value in batch.items()}


def _device(players: Mapping[str, nn.Module]) -> torch.device:
    return next(p.device for player in players.values() for p in player.parameters())
