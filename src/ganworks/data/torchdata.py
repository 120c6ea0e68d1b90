"""Plain PyTorch objects as sources: a tensor, a pair of tensors, a map-style Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from ganworks.data.arrays import Images, Points
from ganworks.data.levels import Levels, channels_are_last, channels_first, levels
from ganworks.data.source import Batch, Finite, Source
from ganworks.errors import UserError

LOOKED_AT = 64  # items whose values decide the range of a Dataset


def from_torch(x: Source | Tensor | tuple[Tensor, Tensor] | Dataset, name: str = "your data") -> Source:
    """Return ``x`` as a source.

    Args:
        x: a Source (returned as it is); a tensor of images (N, C, H, W), (N, H, W, C) or (N, H, W), uint8 or float
            in 0..1, -1..1 or 0..255, or of points (N, D) or (N,), float; a pair (samples, labels); or a map-style
            Dataset whose items are samples, (sample, label), or dicts with "sample" or "image", and "label".
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
    raise UserError(f"{name}: {kind}", "a tensor, a pair (samples, labels), a map-style Dataset, or a Source",
                    "batch k is a function of (seed, k), so items must be reachable by number")


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
        looked = np.unique(np.linspace(0, self._length - 1, LOOKED_AT).astype(int))
        pairs = [self._item(int(i), 0.5) for i in looked]
        self._raw = tuple(pairs[0][0].shape)
        self._last, self._levels = False, None
        first = pairs[0][0]
        if first.ndim in (2, 3):
            self._last = channels_are_last((1, *self._raw), name)
            self._levels = levels((p[0][None] for p in pairs), first.dtype, name)
        elif first.ndim > 3:
            raise UserError(f"{name}: items of shape {self._raw}",
                            "images (C, H, W), (H, W, C), (H, W), or points (D,)")
        self._labelled = pairs[0][1] is not None
        self.shape = tuple(self._bytes(first[None]).shape[1:])
        self.classes = self._classes(max((p[1] or 0) for p in pairs)) if self._labelled else None

    def __len__(self) -> int:
        return self._length

    def take(self, index: np.ndarray, chance: np.ndarray) -> Batch:
        pairs = [self._item(int(i), float(c)) for i, c in zip(index, chance[:, 0], strict=True)]
        for i, (sample, _) in zip(index, pairs, strict=True):
            if tuple(sample.shape) != self._raw:
                raise UserError(f"{self.name}: item {i} has shape {tuple(sample.shape)}", f"{self._raw}, as the first",
                                "resize in the Dataset")
            if sample.dtype.kind == "f" and not np.isfinite(sample).all():
                raise UserError(f"{self.name}: item {i} holds NaN or infinity", "finite numbers")
        batch = {"sample": torch.from_numpy(self._bytes(np.stack([p[0] for p in pairs])))}
        if self._labelled:
            batch["label"] = torch.tensor([p[1] for p in pairs], dtype=torch.int64)
        return batch

    def _bytes(self, samples: np.ndarray) -> np.ndarray:
        if self._levels is None:
            return samples.reshape(len(samples), -1).astype(np.float32)
        return np.ascontiguousarray(self._levels.apply(channels_first(samples, self._last)))

    def _item(self, i: int, chance: float) -> tuple[np.ndarray, int | None]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(chance * 2**53))
            item: Any = self._dataset[i]
        label = None
        if isinstance(item, dict):
            item, label = item.get("sample", item.get("image")), item.get("label")
        elif isinstance(item, tuple | list):
            item, label = item[0], item[1] if len(item) > 1 else None
        if item is None:
            raise UserError(f"{self.name}: item {i} is a dict without 'sample' or 'image'", "one of these keys")
        # np.asarray takes tensors, arrays and Pillow images alike
        array = item.detach().cpu().numpy() if isinstance(item, Tensor) else np.asarray(item)
        return array, None if label is None else int(label)

    def _classes(self, most: int) -> tuple[str, ...]:
        named = getattr(self._dataset, "classes", None)  # torchvision's convention
        return tuple(str(n) for n in named) if named else tuple(str(n) for n in range(most + 1))


def _tensors(samples: Tensor, labels: Tensor | None, name: str) -> Source:
    array = samples.detach().cpu().numpy()
    known = None if labels is None else labels.detach().cpu().numpy()
    if array.ndim in (1, 2) and array.dtype.kind == "f":
        values = array.reshape(len(array), -1).astype(np.float32)
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise UserError(f"{name}: NaN or infinity in row {row}", "finite numbers")
        return Points(values, known, None, name)
    if array.ndim not in (3, 4) or not len(array):
        raise UserError(f"{name}: a tensor of shape {tuple(array.shape)} and type {samples.dtype}",
                        "images (N, C, H, W), (N, H, W, C), (N, H, W), or float points (N, D)")
    last = channels_are_last(array.shape, name)
    scale: Levels = levels([array], array.dtype, name)
    return Images(np.ascontiguousarray(scale.apply(channels_first(array, last))), known, None, name)
