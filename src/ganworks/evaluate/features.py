"""Feature extractors: what the distances are measured in. A distance carries its extractor's name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganworks.console import track
from ganworks.errors import UserError

Samples = np.ndarray | Tensor
"""Images uint8 (N, C, H, W), or points of any float type (N, D)."""


class Extractor(ABC):
    """Maps samples to features.

    Attributes:
        name: what stands in brackets behind a figure, as in "FD (pixels)".
        dim: number of features d.
        facts: what a reader must know of it, by name.
    """

    name: str
    dim: int
    facts: Mapping[str, str | int | float]
    batch: int = 256

    @abstractmethod
    def features(self, samples: Tensor) -> Tensor:
        """Return features (n, d) of one batch: uint8 images (n, C, H, W), or float points (n, D)."""

    def __call__(self, samples: Samples) -> np.ndarray:
        """Return features (N, d), float32 or float64, batch by batch behind a progress bar."""
        rows = as_tensor(samples)
        starts = range(0, len(rows), self.batch)
        with torch.inference_mode():
            parts = [self.features(rows[i : i + self.batch]).cpu().numpy()
                     for i in track(starts, len(starts), f"features ({self.name})", "batch")]
        return np.concatenate(parts) if parts else np.zeros((0, self.dim), np.float32)

    def figure(self, short: str, own: str | None = None) -> str:
        """Return the name of a figure: "FD (pixels)". Only Inception has names of its ``own``, as FID."""
        del own
        return f"{short} ({self.name})"


class Pixels(Extractor):
    """The samples themselves: pixels in [0, 1], or for points the coordinates.

    Images of more than ``limit`` numbers are averaged down, halving their sides, until they fit; the name says to what.

    Args:
        shape: (C, H, W) of the images, or (D,) of the points.
        limit: most features an image may have.
    """

    batch = 4096

    def __init__(self, shape: tuple[int, ...], limit: int = 4096) -> None:
        self.shape, self.facts = tuple(shape), {}
        if len(self.shape) == 1:
            self.name, self.dim = "points", self.shape[0]
            return
        channels, *sides = self.shape
        while channels * math.prod(sides) > limit:
            sides = [(side + 1) // 2 for side in sides]
        self.height, self.width = sides
        self.whole = tuple(sides) == self.shape[1:]
        self.dim = channels * math.prod(sides)
        self.name = "pixels" if self.whole else f"pixels {self.width}x{self.height}"
        if not self.whole:
            self.facts = {"averaged down from": f"{self.shape[2]}x{self.shape[1]}"}

    def features(self, samples: Tensor) -> Tensor:
        if tuple(samples.shape[1:]) != self.shape:
            raise UserError(f"samples of shape {tuple(samples.shape[1:])}", f"shape {self.shape}")
        if len(self.shape) == 1:
            return samples.double()
        scaled = samples.float() / 255
        return (scaled if self.whole else adaptive_avg_pool2d(scaled, (self.height, self.width))).flatten(1)


def as_tensor(samples: Samples | ArrayLike) -> Tensor:
    """Return the samples as a tensor on the CPU (sharing memory where that is possible)."""
    if isinstance(samples, Tensor):
        return samples.detach().cpu()
    array = np.ascontiguousarray(samples)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
