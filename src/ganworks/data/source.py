"""What a game learns from. Batch k is a function of (seed, k): there is no state to save or to restore."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from ganworks.data.conditions import MOST, Conditions, counts_of, equal_shares, evenly, spread_vectors
from ganworks.errors import UserError
from ganworks.seeds import mix

Batch = dict[str, Tensor]
"""Tensors of one batch by name: "sample" always; "label" (int64) where there are labels, "vector" (float32 (N, k))
where there are vectors; "input", images like samples, where there is something to translate."""

CHANCES = 8
"""How many uniform numbers each sample of a batch brings for its random crop, flip and the like."""


class Source(ABC):
    """Samples to learn from.

    Attributes:
        name: what to call it in reports.
        shape: shape of one sample as the networks see it, (C, H, W) for images, (D,) for points.
        classes: label names, or None where there are no labels.
        vector: numbers in the real vector that comes with each sample, or None where there is none.
        input: shape of the "input" that comes with each sample, (C, H, W), or None where there is none.
    """

    name: str
    shape: tuple[int, ...]
    classes: tuple[str, ...] | None = None
    vector: int | None = None
    input: tuple[int, ...] | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Number of distinct samples, 0 where they never repeat (a density that is sampled afresh)."""

    @abstractmethod
    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> Batch:
        """Return rows ``shard`` of the k-th batch of ``size`` samples, on the CPU.

        The rows are the same however the batch is cut, so that several processes, or one process in several
        parts, see exactly the batch that one process would. Images are uint8 (N, C, H, W), else float32.
        """

    @abstractmethod
    def head(self, count: int) -> Batch:
        """Return ``count`` fixed samples, evenly spread over the source, for pictures and measures.

        A source with fewer samples returns all of them.
        """

    def trained(self, count: int) -> Batch:
        """Return ``count`` samples, evenly spread, of those that are trained on, with nothing random in them."""
        return self.head(count)

    def unseen(self, count: int) -> Batch | None:
        """Return at most ``count`` samples of the same law that are never trained on, None where there are none."""
        return None

    @property
    def conditions(self) -> Conditions:
        """The law of what comes with its samples."""
        return Conditions()


class Finite(Source):
    """A source with a length: it is shuffled anew for each epoch, and every sample is used once an epoch.

    Attributes:
        random: whether ``take`` looks at its chances; where it does not, they are not drawn.
    """

    random: bool = True

    @abstractmethod
    def take(self, index: np.ndarray, chance: np.ndarray) -> Batch:
        """Return the samples at ``index`` (n,); ``chance`` (n, 8) in [0, 1) decides whatever is random in them."""

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> Batch:
        if len(self) < size:
            raise UserError(f"{self.name}: {len(self)} samples are fewer than a batch of {size}",
                            f"at least {size} samples", f"add data, or take a batch of {len(self)} or less")
        index = self._order(k * size, size, seed)[shard]
        if not self.random:
            return self.take(index, _still(len(index)))
        return self.take(index, np.random.default_rng(mix("chance", seed, k)).random((size, CHANCES))[shard])

    def head(self, count: int) -> Batch:
        index = evenly(len(self), count)
        return self.take(index, _still(len(index)))

    @cached_property
    def conditions(self) -> Conditions:  # type: ignore[override]  # computed once
        if self.classes is None and self.vector is None:
            return Conditions()
        batch = {name: value.numpy() for name, value in self.head(MOST).items() if name in ("label", "vector")}
        return Conditions(counts_of(batch.get("label"), len(self.classes or ())),
                          spread_vectors(batch.get("vector")))

    def chunks(self, size: int = 1024) -> Iterator[Batch]:
        """Yield every sample once, in order, ``size`` at a time, with no randomness in them."""
        for start in range(0, len(self), size):
            index = np.arange(start, min(start + size, len(self)))
            yield self.take(index, _still(len(index)))

    def _order(self, start: int, count: int, seed: int) -> np.ndarray:
        """Return positions start .. start + count of the endless sequence of shuffled epochs."""
        length, parts = len(self), []
        if start % length + count <= length:
            return self._epoch(start // length, seed)[start % length : start % length + count]
        while count > 0:
            epoch, offset = divmod(start, length)
            part = self._epoch(epoch, seed)[offset : offset + count]
            parts.append(part)
            start, count = start + len(part), count - len(part)
        return np.concatenate(parts)

    def _epoch(self, epoch: int, seed: int) -> np.ndarray:
        # A shuffle of 60,000 takes a millisecond; keep the last one, since its batches are asked for in turn.
        key = (epoch, seed, len(self))
        kept = self.__dict__.get("_kept_epoch")
        if kept is None or kept[0] != key:
            order = np.random.default_rng(mix("epoch", seed, epoch)).permutation(len(self))
            self.__dict__["_kept_epoch"] = kept = (key, order)
        return kept[1]


@lru_cache(maxsize=8)
def _still(count: int) -> np.ndarray:
    # The chances with which nothing happens.
    return np.broadcast_to(0.5, (count, CHANCES))


class Described(Source):
    """What is known of a source that is not at hand: enough to rebuild networks and to make samples.

    Args:
        conditions: what is known of the law of its labels and vectors; without it, each class comes as often.
    """

    def __init__(self, name: str, shape: tuple[int, ...], classes: tuple[str, ...] | None = None,
                 vector: int | None = None, conditions: Conditions | None = None,
                 input: tuple[int, ...] | None = None) -> None:
        self.name, self.shape, self.classes, self.vector, self.input = name, tuple(shape), classes, vector, input
        self._conditions = conditions or (equal_shares(len(classes)) if classes else Conditions())

    def __len__(self) -> int:
        return 0

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> Batch:
        raise UserError(f"the data '{self.name}' is not at hand", "the data the run was trained on")

    def head(self, count: int) -> Batch:
        return {}  # what its samples are made on is drawn from ``conditions``

    @property
    def conditions(self) -> Conditions:
        return self._conditions


def as_floats(x: Tensor) -> Tensor:
    """Map uint8 0..255 to float32 -1..1; return any other tensor as it is."""
    return x.float().div_(127.5).sub_(1.0) if x.dtype == torch.uint8 else x


def as_bytes(x: Tensor) -> Tensor:
    """Map floats -1..1 to uint8 0..255, rounded and clipped; return a uint8 tensor as it is."""
    if x.dtype == torch.uint8:
        return x
    return x.detach().float().add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
