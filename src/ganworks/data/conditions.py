"""What comes with samples, classes and vectors, as a law to draw from: what many samples of a game are made on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

NUMBERS, LEAST, MOST = 2**15, 64, 1024
"""Vectors are kept up to so many numbers in all, but LEAST rows and no more than MOST."""


@dataclass(frozen=True)
class Conditions:
    """How often each class comes, and vectors that stand for all of them; None where there are none.

    Attributes:
        counts: samples of each class, at least one above 0.
        vectors: float32 (M, k), evenly spread over the data.
    """

    counts: tuple[int, ...] | None = None
    vectors: np.ndarray | None = None

    def draw(self, name: str, count: int, seed: int) -> Tensor | None:
        """Return ``count`` independent draws of "label", int64 (count,), or of "vector", float32 (count, k).

        A function of its arguments; None for anything else, and where none are known.
        """
        rng = np.random.default_rng(seed)
        if name == "label" and self.counts is not None:
            shares = np.asarray(self.counts, dtype=np.float64)
            return torch.from_numpy(rng.choice(len(shares), size=count, p=shares / shares.sum()))
        if name == "vector" and self.vectors is not None:
            return torch.from_numpy(self.vectors[rng.integers(len(self.vectors), size=count)])
        return None

    def to_json(self) -> dict[str, Any]:
        """Return plain values that ``from_json`` takes up again, exactly."""
        return {"counts": None if self.counts is None else list(self.counts),
                "vectors": None if self.vectors is None else self.vectors.astype(np.float64).tolist()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Conditions:
        """Return what ``to_json`` wrote."""
        counts, vectors = found.get("counts"), found.get("vectors")
        return cls(None if counts is None else tuple(int(count) for count in counts),
                   None if vectors is None else np.asarray(vectors, dtype=np.float32))


def spread_vectors(vectors: np.ndarray | None) -> np.ndarray | None:
    """Return rows of ``vectors`` (N, k) that are evenly spread over them, few enough to be kept with a run."""
    if vectors is None:
        return None
    most = min(len(vectors), vectors_kept(vectors.shape[1]))
    return np.array(vectors[evenly(len(vectors), most)], dtype=np.float32)


def vectors_kept(size: int) -> int:
    """Return how many vectors of ``size`` numbers are kept."""
    return max(LEAST, min(MOST, NUMBERS // size))


def evenly(length: int, count: int) -> np.ndarray:
    """Return ``count`` positions, at most ``length``, evenly spread over 0 .. length - 1, both ends among them."""
    return np.unique(np.linspace(0, length - 1, min(count, length)).round().astype(np.int64))


def counts_of(labels: np.ndarray | None, classes: int) -> tuple[int, ...] | None:
    """Return how many of ``labels`` there are of each class, None without labels."""
    return None if labels is None else tuple(np.bincount(labels, minlength=classes).tolist())


@functools.cache
def equal_shares(classes: int) -> Conditions:
    """Return the law under which each class comes as often: all that can be said of data that is gone."""
    return Conditions((1,) * classes)
