"""Images read at moved places: linear in the image, and differentiable in it as often as one likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_BILINEAR, _NEAREST = 0, 1  # numbers that torch's own operators take
_ZEROS, _MIRRORED = 0, 2


def warped(x: Tensor, linear: Tensor, shift: Tensor, rows: Tensor | None = None) -> Tensor:
    """Return images read along affine maps, between pixels bilinearly, beyond the rim from their mirror image.

    The pixel at place u of the result, in pixels from the centre, is that of ``x`` at linear u + shift.

    Args:
        x: images (N, C, H, W).
        linear: (n, 2, 2), in the order (across, down).
        shift: (n, 2), in pixels.
        rows: numbers of the n images that are read so, each at most once; the others are returned as they are.
            By default all.
    """
    height, width = x.shape[-2:]
    # Torch's grids count in half images, -1 and 1 being the outer edges of the outer pixels.
    half = torch.tensor([width / 2, height / 2], device=x.device, dtype=x.dtype)
    linear, shift = linear.to(x.dtype) * (half / half[:, None]), shift.to(x.dtype) / half
    across, down = _centres(width, x)[:, None], _centres(height, x)[:, None]
    # (n, 1, W, 2) for the way across, (n, H, 1, 2) for the way down, and together the grid.
    grid = ((across * linear[:, None, :, 0] + shift[:, None])[:, None] + (down * linear[:, None, :, 1])[:, :, None])
    return _Warp.apply(x, grid, rows)  # type: ignore[no-untyped-call, no-any-return]


def shifted(x: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Return images (N, C, H, W) moved by whole pixels, each by its own ``right`` (N,) and ``down`` (N,), on zeros."""
    return _Shift.apply(x, right, down)  # type: ignore[no-untyped-call, no-any-return]


class _Warp(torch.autograd.Function):
    # Torch's grid_sample has no second derivative. With the grid held fixed it is a linear map of the image: its
    # backward is the adjoint map, whose own backward is the map again.
    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Tensor, rows: Tensor | None) -> Tensor:
        ctx.save_for_backward(grid, rows)
        return _changed(x, rows, lambda part: torch.ops.aten.grid_sampler_2d(part, grid, _BILINEAR, _MIRRORED, False))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        return _Unwarp.apply(g, *ctx.saved_tensors), None, None  # type: ignore[no-untyped-call]


class _Unwarp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, g: Tensor, grid: Tensor, rows: Tensor | None) -> Tensor:
        ctx.save_for_backward(grid, rows)
        return _changed(g, rows, lambda part: torch.ops.aten.grid_sampler_2d_backward(
            part, part, grid, _BILINEAR, _MIRRORED, False, [True, False])[0])

    @staticmethod
    def backward(ctx: Any, gg: Tensor) -> tuple[Tensor, None, None]:
        return _Warp.apply(gg, *ctx.saved_tensors), None, None  # type: ignore[no-untyped-call]


class _Shift(torch.autograd.Function):
    # On zeros, the adjoint of a shift is the shift back: reading again, where torch's own backward would add up.
    @staticmethod
    def forward(ctx: Any, x: Tensor, right: Tensor, down: Tensor) -> Tensor:
        ctx.save_for_backward(right, down)
        height, width = x.shape[-2:]
        across = _centres(width, x) - (right.to(x.dtype) * (2 / width))[:, None]
        along = _centres(height, x) - (down.to(x.dtype) * (2 / height))[:, None]
        grid = torch.stack(torch.broadcast_tensors(across[:, None, :], along[:, :, None]), -1)
        return torch.ops.aten.grid_sampler_2d(x, grid, _NEAREST, _ZEROS, False)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        right, down = ctx.saved_tensors
        return _Shift.apply(g, -right, -down), None, None  # type: ignore[no-untyped-call]


def _centres(size: int, x: Tensor) -> Tensor:
    return (torch.arange(size, device=x.device, dtype=x.dtype) * 2 + 1) / size - 1


def _changed(x: Tensor, rows: Tensor | None, change: Callable[[Tensor], Tensor]) -> Tensor:
    return change(x) if rows is None else x.index_copy(0, rows, change(x.index_select(0, rows)))
