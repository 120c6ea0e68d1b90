"""Plain PyTorch objects as sources: a tensor, a pair of tensors, a map-style Dataset."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from ganworks.data.arrays import Images, Points
from ganworks.data.conditions import evenly
from ganworks.data.levels import Levels, channels_are_last, channels_first, levels
from ganworks.data.source import Batch, Finite, Source
from ganworks.errors import UserError

LOOKED_AT = 64  # items whose values decide the range of a Dataset


def from_torch(x: Source | Tensor | tuple[Tensor, Tensor] | Dataset, name: str = "your data") -> Source:
    """Return ``x`` as a source.

    Args:
        x: a Source (returned as it is); a tensor of images (N, C, H, W), (N, H, W, C) or (N, H, W), uint8 or float
            in 0..1, -1..1 or 0..255, or of points (N, D) or (N,), float; a pair (samples, labels) or (samples,
            vectors), vectors float (N, k); or a map-style Dataset whose items are samples, (sample, label), (sample,
            vector), or dicts with "sample" or "image", and "label" or "vector" or both.
        name: what to call it in reports.

    Images become uint8. Raises UserError for anything else, and for values that are not finite.
    """
    if isinstance(x, Source):
        return x
    if isinstance(x, Tensor):
        return _tensors(x, None, name)
    if isinstance(x, tuple | list) and len(x) == 2 and all(isinstance(part, Tensor) for part in x):
        return _tensors(x[0], x[1], name)
    if isinstance(x, Dataset) and not isinstance(x, IterableDataset):
        return MapData(x, name)
    kind = "an iterable Dataset" if isinstance(x, IterableDataset) else f"a {type(x).__name__}"
    raise UserError(f"{name}: {kind}", "a tensor, a pair (samples, labels or vectors), a map-style Dataset, a Source",
                    "batch k is a function of (seed, k), so items must be reachable by number")


class Item(NamedTuple):
    """One item of a Dataset: a sample, with its label or its float32 vector (k,) if it has one."""

    sample: np.ndarray
    label: int | None
    vector: np.ndarray | None


class MapData(Finite):
    """A map-style Dataset.

    Its items are fetched one by one, in this process. Random transforms that draw from torch's generator see a
    seed made of (seed, k, row), so that batches stay functions of (seed, k); other generators are not controlled.
    """

    def __init__(self, dataset: Dataset, name: str = "your data") -> None:
        self._dataset, self.name = dataset, name
        self._length = len(dataset)  # type: ignore[arg-type]
        if not self._length:
            raise UserError(f"{name}: a Dataset without items", "at least one item")
        looked = [self._item(int(i), 0.5) for i in evenly(self._length, LOOKED_AT)]
        first = looked[0].sample
        self._raw = tuple(first.shape)
        self._last, self._levels = False, None
        if first.ndim in (2, 3):
            self._last = channels_are_last((1, *self._raw), name)
            self._levels = levels((item.sample[None] for item in looked), first.dtype, name)
        elif first.ndim > 3:
            raise UserError(f"{name}: items of shape {self._raw}",
                            "images (C, H, W), (H, W, C), (H, W), or points (D,)")
        self.shape = tuple(self._bytes(first[None]).shape[1:])
        self._labelled = looked[0].label is not None
        self.classes = self._classes(max(item.label or 0 for item in looked)) if self._labelled else None
        self.vector = None if looked[0].vector is None else looked[0].vector.size

    def __len__(self) -> int:
        return self._length

    def take(self, index: np.ndarray, chance: np.ndarray) -> Batch:
        items = [self._item(int(i), float(c)) for i, c in zip(index, chance[:, 0], strict=True)]
        for i, item in zip(index, items, strict=True):
            self._check(int(i), item)
        batch = {"sample": torch.from_numpy(self._bytes(np.stack([item.sample for item in items])))}
        if self._labelled:
            batch["label"] = torch.tensor([item.label for item in items], dtype=torch.int64)
        if self.vector is not None:
            batch["vector"] = torch.from_numpy(np.stack([item.vector for item in items if item.vector is not None]))
        return batch

    def _check(self, i: int, item: Item) -> None:
        if tuple(item.sample.shape) != self._raw:
            raise UserError(f"{self.name}: item {i} has shape {tuple(item.sample.shape)}", f"{self._raw}, as the first",
                            "resize in the Dataset")
        if item.sample.dtype.kind == "f" and not np.isfinite(item.sample).all():
            raise UserError(f"{self.name}: item {i} holds NaN or infinity", "finite numbers")
        if (item.label is not None) != self._labelled:
            raise UserError(f"{self.name}: item {i} has {'a' if item.label is not None else 'no'} label", "all or none")
        if self.vector is not None or item.vector is not None:
            found = None if item.vector is None else item.vector.size
            if found != self.vector or item.vector is None:
                raise UserError(f"{self.name}: item {i} has a vector of {found or 'no'} numbers",
                                f"{self.vector or 'no'} numbers, as the first")
            if not np.isfinite(item.vector).all():
                raise UserError(f"{self.name}: the vector of item {i} holds NaN or infinity", "finite numbers")

    def _bytes(self, samples: np.ndarray) -> np.ndarray:
        if self._levels is None:
            return samples.reshape(len(samples), -1).astype(np.float32)
        return np.ascontiguousarray(self._levels.apply(channels_first(samples, self._last)))

    def _item(self, i: int, chance: float) -> Item:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(chance * 2**53))
            item: Any = self._dataset[i]
        label = vector = None
        if isinstance(item, dict):
            item, label, vector = item.get("sample", item.get("image")), item.get("label"), item.get("vector")
        elif isinstance(item, tuple | list):
            item, label = item[0], item[1] if len(item) > 1 else None
            if label is not None and np.ndim(label) == 1 and _array(label).dtype.kind == "f":
                label, vector = None, label
        if item is None:
            raise UserError(f"{self.name}: item {i} is a dict without 'sample' or 'image'", "one of these keys")
        return Item(_array(item), None if label is None else int(label),
                    None if vector is None else _array(vector).reshape(-1).astype(np.float32))

    def _classes(self, most: int) -> tuple[str, ...]:
        named = getattr(self._dataset, "classes", None)  # torchvision's convention
        return tuple(str(n) for n in named) if named else tuple(str(n) for n in range(most + 1))


def _tensors(samples: Tensor, told: Tensor | None, name: str) -> Source:
    array, labels, vectors = _array(samples), None, None
    if told is not None:
        # Floats with an axis of their own are vectors, everything else is labels.
        vectors = _array(told) if told.dim() == 2 and told.is_floating_point() else None
        labels = _array(told) if vectors is None else None
    if array.ndim in (1, 2) and array.dtype.kind == "f":
        values = array.reshape(len(array), -1).astype(np.float32)
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise UserError(f"{name}: NaN or infinity in row {row}", "finite numbers")
        return Points(values, labels, None, name, vectors=vectors)
    if array.ndim not in (3, 4) or not len(array):
        raise UserError(f"{name}: a tensor of shape {tuple(array.shape)} and type {samples.dtype}",
                        "images (N, C, H, W), (N, H, W, C), (N, H, W), or float points (N, D)")
    last = channels_are_last(array.shape, name)
    scale: Levels = levels([array], array.dtype, name)
    return Images(np.ascontiguousarray(scale.apply(channels_first(array, last))), labels, None, name, vectors=vectors)


def _array(x: Any) -> np.ndarray:
    # np.asarray takes arrays, numbers and Pillow images alike
    return x.detach().cpu().numpy() if isinstance(x, Tensor) else np.asarray(x)
