"""The random numbers of one draw, and the latents made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.game.packing import check_packing


class Noise:
    """Random numbers for the rows of one batch, a function of the seed and of the order of the calls alone.

    A process that plays only some rows of a global batch still draws the numbers of all of them and keeps its own,
    so that many processes, or one process in several parts, see what one process would.

    Args:
        seed: any integer.
        total: rows of the global batch.
        rows: which of them are played here.
        device: where the numbers are wanted.
    """

    def __init__(self, seed: int, total: int, rows: slice = slice(None), device: torch.device | str = "cpu") -> None:
        self.total, self.rows, self.device = total, rows, torch.device(device)
        self._generator = torch.Generator(self.device)
        self._generator.manual_seed(seed)

    def __len__(self) -> int:
        return len(range(*self.rows.indices(self.total)))

    def grouped(self, size: int) -> Noise:
        """Return the same stream of numbers for rows that are groups of ``size`` rows each."""
        if size == 1:
            return self
        first, last, _ = self.rows.indices(self.total)
        check_packing(self.total, size)
        check_packing(last - first, size)
        grouped = Noise(0, self.total // size, slice(first // size, last // size), self.device)
        grouped._generator = self._generator
        return grouped

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal numbers of shape (rows, *shape)."""
        return torch.randn(self.total, *shape, generator=self._generator, device=self.device)[self.rows]

    def uniform(self, *shape: int) -> Tensor:
        """Return numbers uniform in [0, 1) of shape (rows, *shape)."""
        return torch.rand(self.total, *shape, generator=self._generator, device=self.device)[self.rows]


@dataclass(frozen=True)
class Latent:
    """The law of a generator's input z: ``size`` independent numbers.

    Attributes:
        size: dimension of z, at least 1.
        law: "gaussian" (standard normal) or "uniform" on [-1, 1].
    """

    size: int
    law: Literal["gaussian", "uniform"] = "gaussian"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UserError(f"latent size {self.size}", "a whole number of at least 1")
        if self.law not in ("gaussian", "uniform"):
            raise UserError(f"latent law '{self.law}'", "gaussian or uniform")

    def draw(self, noise: Noise) -> Tensor:
        """Return latents (rows, size), float32."""
        return noise.normal(self.size) if self.law == "gaussian" else noise.uniform(self.size) * 2 - 1

    def walk(self, start: Tensor, end: Tensor, count: int) -> Tensor:
        """Return ``count`` latents (count, size) from ``start`` to ``end`` that stay where the law has its mass.

        Gaussian latents go along the great circle, with the lengths interpolated; uniform ones go straight.
        """
        t = torch.linspace(0, 1, count).unsqueeze(1)
        straight = start + t * (end - start)
        if self.law == "uniform":
            return straight
        a, b = start.norm(), end.norm()
        angle = torch.arccos((start @ end / (a * b)).clamp(-1, 1))
        if angle.item() < 1e-4 or angle.item() > math.pi - 1e-4:
            return straight
        direction = (torch.sin((1 - t) * angle) * start / a + torch.sin(t * angle) * end / b) / torch.sin(angle)
        return direction * (a + t * (b - a))


@dataclass(frozen=True)
class Entry:
    """A generator's input where that is part of the data: images to translate.

    Attributes:
        name: of the batch entry.
    """

    name: str = "input"

    def of(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return what the generator begins with: the entry of a batch."""
        if self.name not in batch:
            raise UserError(f"a game that translates its data's '{self.name}'",
                            f"data with one of: {', '.join(batch) or 'nothing, it is not at hand'}, '{self.name}'",
                            "take pairs of images, or images of two kinds; of a finished run: ganworks translate")
        return batch[self.name]
