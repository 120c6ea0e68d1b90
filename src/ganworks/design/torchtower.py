"""Elementwise functions with their own first and second derivative, and what happens where a dtype ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Program = Callable[[Tensor], Tensor]
Caps = dict[torch.dtype, tuple[float | None, float | None]]
"""For each dtype the outputs below and above which it cannot hold a function."""
FAR_SLOPE = {torch.float64: 1e302, torch.float32: 1e32}
"""The steepest continuation: added up from the cap to 1e5 it is still below the largest number."""


@dataclass(frozen=True)
class Levels:
    """A function and its first two derivatives, each to be run without a graph.

    Each may choose between branches, and overflow in the one not taken.

    Attributes:
        value, slope, curvature: of an input of any shape.
        both: value and slope in one run.
    """

    value: Program
    slope: Program
    curvature: Program
    both: Callable[[Tensor], tuple[Tensor, Tensor]]


def tower(levels: Levels, caps: Caps) -> Program:
    """Return a torch function with these derivatives, which can be differentiated twice.

    Beyond a cap the value stays what it is there, the largest that the dtype holds, and so does the slope, which goes
    on pulling the output back. A straight line would tell the value no more, and costs two more passes.
    """
    curvature = _level(lambda v: _flat_beyond(levels.curvature, v, caps[v.dtype]), None)
    slope = _level(lambda v: levels.slope(_held(v, caps[v.dtype])), curvature)

    class Value(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, v: Tensor) -> Tensor:
            value, found = levels.both(_held(v, caps[v.dtype]))
            ctx.save_for_backward(v, found)
            return value

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Tensor:
            v, found = ctx.saved_tensors
            # A double backward needs the graph of the slope.
            return grads[0] * (slope(v) if torch.is_grad_enabled() else found)

    def function(v: Tensor) -> Tensor:
        if v.requires_grad and torch.is_grad_enabled():
            return Value.apply(v)
        return levels.value(_held(v, caps[v.dtype]))

    return function


def _level(program: Program, above: Program | None) -> Program:
    class Level(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, v: Tensor) -> Tensor:
            ctx.save_for_backward(v)
            return program(v)

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Tensor:
            if above is None:
                raise RuntimeError("this function can be differentiated twice, not three times")
            return grads[0] * above(ctx.saved_tensors[0])

    def function(v: Tensor) -> Tensor:
        return Level.apply(v)

    return function


def _held(v: Tensor, ends: tuple[float | None, float | None]) -> Tensor:
    return v if ends == (None, None) else v.clamp(*ends)


def _flat_beyond(program: Program, v: Tensor, ends: tuple[float | None, float | None]) -> Tensor:
    result = program(v)
    for end, beyond in zip(ends, (torch.lt, torch.gt), strict=True):
        if end is not None:
            result = torch.where(beyond(v, end), 0.0, result)
    return result


def capped_native(function: Program, slope: Program, caps: Caps) -> Program:
    """Return a function of plain torch operations with a linear continuation beyond the caps."""
    if not any(end is not None for ends in caps.values() for end in ends):
        return function
    slopes = _far_slopes(slope, caps)

    def capped(v: Tensor) -> Tensor:
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

    return capped


def _far_slopes(slope: Program, caps: Caps) -> dict[torch.dtype, tuple[float, float]]:
    """Return the slopes below and above the caps: the function's own there, but not steeper than ``FAR_SLOPE``."""
    result = {}
    for dtype, ends in caps.items():
        most, found = FAR_SLOPE[dtype], []
        for end in ends:
            own = 0.0 if end is None else float(slope(torch.tensor([end], dtype=torch.float64)).item())
            found.append(max(-most, min(most, own)))
        result[dtype] = (found[0], found[1])
    return result
