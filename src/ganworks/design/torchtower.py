"""Elementwise functions with their own first and second derivative, and what happens where a dtype ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Program = Callable[[Tensor], Tensor]
Caps = dict[torch.dtype, tuple[float | None, float | None]]
"""For each dtype the outputs below and above which it cannot hold a function."""
FAR_SLOPE = {torch.float64: 1e302, torch.float32: 1e32}
"""The steepest continuation: added up from the cap to 1e5 it is still below the largest number."""


def tower(levels: Sequence[Program]) -> Program:
    """Return a function whose n-th derivative is ``levels[n]``; the last level cannot be differentiated.

    Each level runs without a graph, so that it may choose between branches and overflow in the one not taken.
    """
    above = tower(levels[1:]) if len(levels) > 1 else None
    level, slope = levels[0], levels[1] if len(levels) > 1 else None

    class Level(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, v: Tensor) -> Tensor:
            ctx.save_for_backward(v)
            return level(v)

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Tensor:
            (v,) = ctx.saved_tensors
            if above is None or slope is None:
                raise RuntimeError("this function can be differentiated twice, not three times")
            if torch.is_grad_enabled():  # a double backward needs the graph of the slope
                return grads[0] * above(v)
            found = slope(v)
            return grads[0] * v if found is v else found.mul_(grads[0])

    def function(v: Tensor) -> Tensor:
        return Level.apply(v)

    return function


def capped_levels(levels: Sequence[Program], caps: Caps) -> list[Program]:
    """Return the levels with a linear continuation beyond the caps."""
    if not any(end is not None for ends in caps.values() for end in ends):
        return list(levels)
    slopes = far_slopes(levels[1], caps)
    value = levels[0]

    def capped_value(v: Tensor) -> Tensor:
        low, high = caps[v.dtype]
        if low is None and high is None:
            return value(v)
        inside = v.clamp(low, high)
        beyond = v - inside
        below, above = slopes[v.dtype]
        if low is None or high is None:
            return torch.add(value(inside), beyond, alpha=above if low is None else below)
        return value(inside) + beyond.clamp(max=0.0) * below + beyond.clamp(min=0.0) * above

    def straight(level: Program, order: int) -> Program:
        # Programs may overflow where torch.where takes the other branch: no graph runs through here.
        def capped(v: Tensor) -> Tensor:
            result = level(v)
            for end, side, beyond in zip(caps[v.dtype], (0, 1), (torch.lt, torch.gt), strict=True):
                if end is not None:
                    result = torch.where(beyond(v, end), slopes[v.dtype][side] if order == 1 else 0.0, result)
            return result

        return capped

    return [capped_value, *[straight(level, order) for order, level in enumerate(levels[1:], 1)]]


def capped_native(function: Program, slope: Program, caps: Caps) -> Program:
    """Return a function of plain torch operations with a linear continuation beyond the caps."""
    if not any(end is not None for ends in caps.values() for end in ends):
        return function
    slopes = far_slopes(slope, caps)

    def capped(v: Tensor) -> Tensor:
        return _continued(function, v, caps, slopes)

    return capped


def far_slopes(slope: Program, caps: Caps) -> dict[torch.dtype, tuple[float, float]]:
    """Return the slopes below and above the caps: the function's own there, but not steeper than ``FAR_SLOPE``."""
    result = {}
    for dtype, ends in caps.items():
        most, found = FAR_SLOPE[dtype], []
        for end in ends:
            own = 0.0 if end is None else float(slope(torch.tensor([end], dtype=torch.float64)).item())
            found.append(max(-most, min(most, own)))
        result[dtype] = (found[0], found[1])
    return result


def _continued(function: Program, v: Tensor, caps: Caps, slopes: dict[torch.dtype, tuple[float, float]]) -> Tensor:
    low, high = caps[v.dtype]
    if low is None and high is None:
        return function(v)
    result = function(v.clamp(low, high))
    below, above = slopes[v.dtype]
    # relu, not the difference to the clamped value: a slope of 1e32 - 1e32 would swallow the function's own.
    if high is not None:
        result = torch.add(result, torch.relu(v - high), alpha=above)
    if low is not None:
        result = torch.add(result, torch.relu(low - v), alpha=-below)
    return result
