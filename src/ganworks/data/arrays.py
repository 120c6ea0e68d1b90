"""Arrays as sources: images in uint8, points in float32, in memory or memory-mapped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch

from ganworks.data.conditions import Conditions, counts_of, spread_vectors
from ganworks.data.facts import Facts
from ganworks.data.source import Batch, Finite
from ganworks.errors import UserError


class Images(Finite):
    """Images of one shape.

    Args:
        pixels: uint8 (N, C, H, W); a memory-mapped array is read only where it is used.
        labels: integers (N,) in 0 .. len(classes) - 1, or None.
        classes: names of the labels; "0", "1", ... where none are given.
        name: what to call it in reports.
        flip: mirror an image left to right where the first of its chances is below 1/2.
        facts: what was found in the files the images came from.
        vectors: numbers (N, k), finite: a real vector for each image, or None.
    """

    def __init__(self, pixels: np.ndarray, labels: np.ndarray | None = None, classes: Sequence[str] | None = None,
                 name: str = "images", flip: bool = False, facts: Facts | None = None,
                 vectors: np.ndarray | None = None) -> None:
        if pixels.ndim != 4 or pixels.dtype != np.uint8 or not len(pixels):
            raise UserError(f"images of shape {pixels.shape} and type {pixels.dtype}", "uint8 (N, C, H, W), N > 0")
        self.pixels, self.name, self.flip, self.facts = pixels, name, flip, facts
        self.random = flip
        self.shape = tuple(int(side) for side in pixels.shape[1:])
        self.labels, self.classes = _checked_labels(labels, classes, len(pixels))
        self.vectors, self.vector = _checked_vectors(vectors, len(pixels))

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, index: np.ndarray, chance: np.ndarray) -> Batch:
        chosen = np.asarray(self.pixels[index])
        if self.flip:
            mirrored = chance[:, 0] < 0.5
            chosen[mirrored] = chosen[mirrored][..., ::-1]
        return _batch(chosen, self.labels, self.vectors, index)

    @cached_property
    def conditions(self) -> Conditions:  # type: ignore[override]  # computed once
        return _conditions(self.labels, self.classes, self.vectors)


class Points(Finite):
    """Vectors.

    Args:
        values: float32 (N, D), finite.
        labels, classes, name, facts, vectors: as for ``Images``.
    """

    random = False

    def __init__(self, values: np.ndarray, labels: np.ndarray | None = None, classes: Sequence[str] | None = None,
                 name: str = "points", facts: Facts | None = None, vectors: np.ndarray | None = None) -> None:
        if values.ndim != 2 or values.dtype != np.float32 or not len(values):
            raise UserError(f"points of shape {values.shape} and type {values.dtype}", "float32 (N, D), N > 0")
        self.values, self.name, self.shape, self.facts = values, name, (int(values.shape[1]),), facts
        self.labels, self.classes = _checked_labels(labels, classes, len(values))
        self.vectors, self.vector = _checked_vectors(vectors, len(values))

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: np.ndarray, chance: np.ndarray) -> Batch:
        return _batch(np.asarray(self.values[index]), self.labels, self.vectors, index)

    @cached_property
    def conditions(self) -> Conditions:  # type: ignore[override]  # computed once
        return _conditions(self.labels, self.classes, self.vectors)


def named_labels(labels: np.ndarray, names: Sequence[str] | None, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels of any kind as int64 (count,) in 0 .. K - 1 and the K class names.

    Where ``names`` are given, labels are positions in them. Otherwise the distinct labels, sorted, are the classes:
    numbers need not start at 0 or be without gaps, and text is its own name.
    """
    if labels.shape != (count,) and labels.shape != (count, 1):
        raise UserError(f"labels of shape {labels.shape} for {count} samples", f"one label a sample, ({count},)",
                        "leave out the samples without a label, or the labels")
    labels = labels.reshape(count)
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        missing = np.flatnonzero(~np.isfinite(labels))
        raise UserError(f"{len(missing)} of {count} labels are no numbers, the first at index {missing[0]}: "
                        f"{labels[missing[0]]}", "a label for each sample", "leave out the samples without a label")
    if labels.dtype.kind == "f" and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iubUS":
        raise UserError(f"labels of type {labels.dtype}", "whole numbers or text", "real numbers that samples come "
                        f"with are vectors: give them the shape ({count}, 1)" if labels.dtype.kind == "f" else "")
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    missing = _without_label(labels)
    if missing.any():
        first = int(missing.argmax())
        raise UserError(f"{missing.sum()} of {count} labels are {str(labels[first])!r}, the first at index {first}, as "
                        "samples without a label have it", "a label for each sample", "leave out the samples without "
                        "a label; where this is a class, give all labels as text")
    if names is None:
        distinct, index = np.unique(labels, return_inverse=True)
        return index.astype(np.int64), tuple(str(value) for value in distinct)
    if labels.dtype.kind == "U" or (count and (labels.min() < 0 or labels.max() >= len(names))):
        raise UserError(f"labels {labels.min()} to {labels.max()} with {len(names)} class names",
                        f"labels from 0 to {len(names) - 1}", "name all classes, or give no names: each label is then "
                        "a class of its own")
    return labels.astype(np.int64), tuple(str(name) for name in names)


def _without_label(labels: np.ndarray) -> np.ndarray:
    """Return which labels say that there is none: empty text, or -1 before classes that are counted from 0."""
    if labels.dtype.kind == "U":
        return np.char.strip(labels) == ""
    counted = labels.dtype.kind == "i" and len(labels) > 0 and labels.min() == -1 and bool((labels == 0).any())
    return (labels == -1) if counted else np.zeros(len(labels), bool)


def real_vectors(vectors: np.ndarray, count: int, name: str = "vectors") -> np.ndarray:
    """Return real vectors that come with ``count`` samples as float32 (count, k); UserError where they are none.

    Single numbers, (count,), become vectors of one. ``name`` is what to call them.
    """
    vectors = vectors[:, None] if vectors.ndim == 1 else vectors
    if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1] or vectors.dtype.kind not in "fiub":
        raise UserError(f"{name} of shape {vectors.shape} and type {vectors.dtype} for {count} samples",
                        f"numbers ({count}, k), a row for each sample", "leave out the samples without a vector")
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and told below
        vectors = vectors.astype(np.float32)
    if not np.isfinite(vectors).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(vectors))[0])
        raise UserError(f"{name}: {vectors[row, column]} at index ({row}, {column})", "finite numbers",
                        "leave out the samples whose vector is not known")
    return vectors


def _checked_vectors(vectors: np.ndarray | None, count: int) -> tuple[np.ndarray | None, int | None]:
    if vectors is None:
        return None, None
    checked = real_vectors(np.asarray(vectors), count)
    return checked, checked.shape[1]


def _conditions(labels: np.ndarray | None, classes: Sequence[str] | None, vectors: np.ndarray | None) -> Conditions:
    return Conditions(counts_of(labels, len(classes or ())), spread_vectors(vectors))


def _checked_labels(labels: np.ndarray | None, classes: Sequence[str] | None,
                    count: int) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    return (None, None) if labels is None else named_labels(np.asarray(labels), classes, count)


def _batch(chosen: np.ndarray, labels: np.ndarray | None, vectors: np.ndarray | None, index: np.ndarray) -> Batch:
    batch = {"sample": torch.from_numpy(chosen)}
    if labels is not None:
        batch["label"] = torch.from_numpy(labels[index])
    if vectors is not None:
        batch["vector"] = torch.from_numpy(vectors[index])
    return batch
