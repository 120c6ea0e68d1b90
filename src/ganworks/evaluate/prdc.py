"""Precision, recall, density and coverage from nearest neighbours, in blocks: memory does not grow with n x m."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ganworks.errors import UserError

TILE = 1024
"""Side of the square of distances that is in memory at once (4 MiB of float32)."""


@dataclass(frozen=True)
class Prdc:
    """Shares in [0, 1]; ``density`` may exceed 1, and is 1 in expectation for equal distributions."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: ArrayLike | Tensor, fake: ArrayLike | Tensor, k: int = 5) -> Prdc:
    """Return the four figures of ``fake`` (m, d) against ``real`` (n, d); n, m > k.

    A ball around each sample reaches to its k-th neighbour among its own kind (itself not counted).
    Precision: share of fakes in some real ball; recall: share of reals in some fake ball (Kynkaanniemi et al. 2019,
    equations 1 and 2). Density: real balls that a fake lies in, over k; coverage: share of real balls that hold a fake
    (Naeem et al. 2020, equations 3 and 4). k = 5 as in the latter; the former used 3.

    Distances are float32 about the mean of the reals (radii: about each set's own mean), so that their rounding
    is relative to the spread of the data and not to its offset.
    """
    a, b = _floats(real), _floats(fake)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise UserError(f"features of shapes {tuple(a.shape)} and {tuple(b.shape)}", "(n, d) and (m, d)")
    if k < 1 or min(len(a), len(b)) <= k:
        raise UserError(f"{len(a)} real and {len(b)} generated samples with k = {k}",
                        "more samples than k, and k >= 1", "take more samples or a smaller k")
    centre = a.mean(dim=0)
    return _count((a - centre).float(), (b - centre).float(), squared_radii(a, k), squared_radii(b, k), k)


def squared_radii(x: Tensor, k: int) -> Tensor:
    """Return the squared distance (n,) from each row of ``x`` (n, d) to its k-th nearest other row."""
    x = (x - x.mean(dim=0)).float()
    squares = x.square().sum(dim=1)
    best = torch.full((len(x), k + 1), torch.inf)
    for i in range(0, len(x), TILE):
        for j in range(i, len(x), TILE):  # the square is symmetric: its lower half would say the same again
            tile = _distances(x[i : i + TILE], x[j : j + TILE], squares[i : i + TILE], squares[j : j + TILE])
            if i == j:
                tile.fill_diagonal_(0.0)
            else:
                best[j : j + TILE] = _smallest(best[j : j + TILE], tile.T.contiguous(), k + 1)
            best[i : i + TILE] = _smallest(best[i : i + TILE], tile, k + 1)
    return best.amax(dim=1)


def _count(real: Tensor, fake: Tensor, real_radii: Tensor, fake_radii: Tensor, k: int) -> Prdc:
    real_squares, fake_squares = real.square().sum(dim=1), fake.square().sum(dim=1)
    precise = torch.zeros(len(fake), dtype=torch.bool)
    recalled, covered = torch.zeros(len(real), dtype=torch.bool), torch.zeros(len(real), dtype=torch.bool)
    inside = 0
    for i in range(0, len(real), TILE):
        rows = slice(i, i + TILE)
        for j in range(0, len(fake), TILE):
            columns = slice(j, j + TILE)
            tile = _distances(real[rows], fake[columns], real_squares[rows], fake_squares[columns])
            recalled[rows] |= (tile - fake_radii[columns]).amin(dim=1) <= 0
            held = tile <= real_radii[rows, None]
            precise[columns] |= held.any(dim=0)
            counts = held.sum(dim=1)
            covered[rows] |= counts > 0
            inside += int(counts.sum())
    return Prdc(precise.double().mean().item(), recalled.double().mean().item(), inside / (k * len(fake)),
                covered.double().mean().item())


def _distances(x: Tensor, y: Tensor, x_squares: Tensor, y_squares: Tensor) -> Tensor:
    """Return squared distances (n, m), not below zero."""
    return torch.addmm(y_squares, x, y.T, alpha=-2.0).add_(x_squares[:, None]).clamp_(min=0.0)


def _smallest(best: Tensor, candidates: Tensor, count: int) -> Tensor:
    count_here = min(count, candidates.shape[1])
    found = candidates.topk(count_here, dim=1, largest=False, sorted=False).values
    return torch.cat([best, found], dim=1).topk(count, dim=1, largest=False, sorted=False).values


def _floats(x: ArrayLike | Tensor) -> Tensor:
    tensor = x.detach() if isinstance(x, Tensor) else torch.from_numpy(np.ascontiguousarray(x))
    return tensor if tensor.is_floating_point() else tensor.double()
