"""A part of a source, the rest of which is never trained on."""

from __future__ import annotations

import numpy as np

from ganworks.data.conditions import evenly
from ganworks.data.source import CHANCES, Batch, Finite, Source
from ganworks.errors import UserError
from ganworks.seeds import mix


class Part(Finite):
    """All of a source but a share that is held out; which samples those are depends on their number alone.

    Args:
        whole: the source.
        share: of it that is held out, in (0, 1); at least one sample.
    """

    def __init__(self, whole: Finite, share: float) -> None:
        order = np.random.default_rng(mix("held out", len(whole))).permutation(len(whole))
        out = max(1, round(share * len(whole)))
        if out >= len(whole):
            raise UserError(f"--held-out {share:g} of {len(whole)} samples", "a share that leaves some to train on")
        self.whole, self.rows, self.held = whole, np.sort(order[out:]), np.sort(order[:out])
        self.name, self.shape, self.classes, self.vector = whole.name, whole.shape, whole.classes, whole.vector
        self.random = whole.random

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: np.ndarray, chance: np.ndarray) -> Batch:
        return self.whole.take(self.rows[index], chance)

    def unseen(self, count: int) -> Batch:
        index = self.held[evenly(len(self.held), count)]
        return self.whole.take(index, np.full((len(index), CHANCES), 0.5))


def parted(source: Source, share: float) -> Source:
    """Return a source without a share of it that is held out; ``share`` 0 holds nothing out."""
    if not share:
        return source
    if not isinstance(source, Finite):
        raise UserError(f"--held-out {share:g} of {source.name}, of which no sample comes twice", "data with a length",
                        "leave it out")
    return Part(source, share)
