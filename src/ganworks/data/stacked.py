"""Stacked samples: several independent draws of one source as the channels of one sample."""

from __future__ import annotations

import copy

import torch

from ganworks.data.source import Batch, Finite, Source
from ganworks.errors import UserError
from ganworks.seeds import mix


class Stacked(Source):
    """Images whose channels are independent draws from one source: of digits, 1000 modes when three are stacked.

    Stacked MNIST (Metz et al. 2017, section 3.3.1). Each channel goes through the source in epochs of its own
    shuffling, so the pairings never repeat and there is no telling of lengths: ``len`` is 0. Labels are left behind.

    Args:
        source: images (C, H, W), or anything whose first axis may be lengthened.
        count: draws that become one sample (count * C, H, W), at least 2.
    """

    def __init__(self, source: Finite, count: int = 3) -> None:
        if count < 2:
            raise UserError(f"{count} samples stacked", "2 or more")
        # A source keeps the order of its last epoch, and here each channel has another.
        self._channels = tuple(copy.copy(source) for _ in range(count))
        self.name = f"{source.name}, {count} stacked"
        self.shape = (count * source.shape[0], *source.shape[1:])

    def __len__(self) -> int:
        return 0

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> Batch:
        return _joined([channel.batch(k, size, mix("stacked", seed, number), shard)["sample"]
                        for number, channel in enumerate(self._channels)])

    def head(self, count: int) -> Batch:
        return self.batch(0, min(count, len(self._channels[0])), seed=mix("stacked", "head"))


def _joined(samples: list[torch.Tensor]) -> Batch:
    return {"sample": torch.cat(samples, dim=1)}
