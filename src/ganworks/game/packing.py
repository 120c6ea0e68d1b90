"""Samples that a critic judges several at a time (PacGAN: Lin et al. 2018, section 2)."""

from __future__ import annotations

from torch import Tensor

from ganworks.errors import UserError


def packed(x: Tensor, size: int) -> Tensor:
    """Return samples (N, C, ...) joined along their first dimension: (N / size, size * C, ...)."""
    if size == 1:
        return x
    check_packing(len(x), size)
    return x.reshape(len(x) // size, size * x.shape[1], *x.shape[2:])


def unpacked(x: Tensor, size: int) -> Tensor:
    """Return single samples from packed ones; undoes ``packed``."""
    return x if size == 1 else x.reshape(len(x) * size, x.shape[1] // size, *x.shape[2:])


def check_packing(rows: int, size: int) -> None:
    """Raise UserError where ``rows`` samples cannot be packed."""
    if size < 1 or rows % size:
        raise UserError(f"packs of {size} samples from {rows}", f"a size that divides {rows}",
                        "change --pack or --batch (of which each process and each part has its share)")
