"""Samples that the generator made earlier, shown to the critic again (Shrivastava et al. 2017, section 2.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game.noise import Noise


class Replay(nn.Module):
    """A pool of earlier samples, from which the critic is shown about half of what it sees.

    While it is not full, new samples go in and are shown. Then each new one is shown with probability 1/2; else a
    random one of the pool is, and the new one takes its place (Zhu et al. 2017, section 4: a pool of 50). The pool lies
    in buffers, so it is saved with the game. Each of several processes has its own; only the first one's is saved.

    Args:
        size: samples in the pool, at least 1.
        shape: of a sample.
    """

    pool: Tensor
    filled: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        if size < 1:
            raise UserError(f"a replay pool of {size} samples", "at least 1", "or none at all")
        self.register_buffer("pool", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def forward(self, made: Tensor, noise: Noise) -> Tensor:
        """Return samples (N, ...) to show, and keep some of ``made`` (N, ...)."""
        shown, size = made.clone(), len(self.pool)
        chance = noise.uniform(2).tolist()
        filled = int(self.filled)
        for i, (swap, place) in enumerate(chance):
            if filled < size:
                self.pool[filled].copy_(made[i])
                filled += 1
            elif swap < 0.5:
                old = min(int(place * size), size - 1)
                shown[i].copy_(self.pool[old])
                self.pool[old].copy_(made[i])
        self.filled.fill_(filled)
        return shown
