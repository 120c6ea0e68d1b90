"""The data by itself: what in it would spoil any training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ganworks.data.source import Source
from ganworks.evaluate.features import Pixels, as_tensor
from ganworks.seeds import mix

MOST = 2000
FEATURES = 1024
NEIGHBOURS = 5
SHUFFLES = 30


@dataclass(frozen=True)
class Material:
    """Figures of the data.

    Attributes:
        count: samples looked at.
        equal: share of samples that equal another one in every value.
        moving: share of the values (pixels, coordinates) that are not the same in all samples.
        low, high: the smallest and the largest value, as shares of the range of bytes for images.
        level: mean value, in the same unit.
        labels_right: share of the samples whose label is that of most of their 5 nearest others; None without labels.
        labels_by_chance: mean and standard deviation of that share with shuffled labels.
    """

    count: int
    equal: float
    moving: float
    low: float
    high: float
    level: float
    labels_right: float | None = None
    labels_by_chance: tuple[float, float] = (0.0, 0.0)

    @property
    def labels_surprise(self) -> float | None:
        """How many standard deviations the labels fit their samples better than shuffled ones do."""
        if self.labels_right is None:
            return None
        mean, sd = self.labels_by_chance
        return (self.labels_right - mean) / max(sd, 1e-9)


def material(source: Source, seed: int = 0, most: int = MOST) -> Material:
    """Return what a source's samples, at most ``most`` of them, are like."""
    batch = source.trained(most)
    rows = as_tensor(batch["sample"])
    flat = np.ascontiguousarray(rows.flatten(1).numpy())
    scale = 255 if rows.dim() == 4 else 1
    found = Material(len(flat), _equal(flat), float((flat.max(0) > flat.min(0)).mean()), float(flat.min() / scale),
                     float(flat.max() / scale), float(flat.mean() / scale))
    if "label" not in batch or len(source.classes or ()) < 2:
        return found
    right, chance = _labels(np.asarray(Pixels(tuple(rows.shape[1:]), FEATURES)(rows)), batch["label"].numpy(), seed)
    return replace(found, labels_right=right, labels_by_chance=chance)


def _equal(flat: np.ndarray) -> float:
    _, counts = np.unique(flat, axis=0, return_counts=True)
    return float(counts[counts > 1].sum() / len(flat))


def _labels(x: np.ndarray, labels: np.ndarray, seed: int) -> tuple[float, tuple[float, float]]:
    """Return how often the neighbours of a sample have its label, and how often they have when labels are shuffled."""
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(x) - 1)).fit(x).kneighbors(return_distance=False)
    random = np.random.default_rng(mix("labels", seed))
    shares = [_agree(random.permutation(labels), near) for _ in range(SHUFFLES)]
    return _agree(labels, near), (float(np.mean(shares)), float(np.std(shares, ddof=1)))


def _agree(labels: np.ndarray, near: np.ndarray) -> float:
    votes = np.zeros((len(labels), labels.max() + 1), int)
    for column in near.T:
        np.add.at(votes, (np.arange(len(labels)), labels[column]), 1)
    return float((votes.argmax(1) == labels).mean())
