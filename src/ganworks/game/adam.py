"""A step of Adam that can be passed back through."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

EPSILON = 1e-8  # Adam's, as torch has it


def adam_step(weight: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, rate: float, betas: tuple[float, float],
              step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return a weight and its two moments after Adam's step number ``step`` (Kingma and Ba 2015, Algorithm 1).

    All of one shape and dtype. Differentiable once in all four tensors, in place of the twenty passes that autograd
    makes of it by half as many, and with three arrays kept. The root of the second moment has an infinite slope at 0,
    where a dead unit's gradients lie; the slope there is taken to be 0.
    """
    # Corrections of the moments' start are folded into the rate and into epsilon.
    correction = math.sqrt(1 - betas[1]**step)
    facts = rate * correction / (1 - betas[0]**step), *betas, EPSILON * correction
    return _Adam.apply(weight, gradient, mean, square, *facts)  # type: ignore[no-untyped-call, no-any-return]


class _Adam(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, rate: float, keep: float,
                keep_square: float, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
        mean = torch.lerp(mean, gradient, 1 - keep)
        square = (keep_square * square).addcmul_(gradient, gradient, value=1 - keep_square)
        root = square.sqrt()
        ctx.save_for_backward(gradient, mean, root)
        ctx.facts = rate, keep, keep_square, epsilon
        return torch.addcdiv(weight, mean, root + epsilon, value=-rate), mean, square

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, of_weight: Tensor, of_mean: Tensor, of_square: Tensor) -> tuple[Tensor | None, ...]:
        gradient, mean, root = ctx.saved_tensors
        rate, keep, keep_square, epsilon = ctx.facts
        under = root + epsilon
        pull = of_weight / under
        of_mean = torch.add(of_mean, pull, alpha=-rate)
        # Of the root: rate * pull * mean / under; and of the square, half of that over the root.
        pull.mul_(mean).div_(under.mul_(root)).masked_fill_(root == 0, 0)
        of_square = torch.add(of_square, pull, alpha=rate / 2)
        of_gradient = ((1 - keep) * of_mean).addcmul_(gradient, of_square, value=2 * (1 - keep_square))
        return of_weight, of_gradient, of_mean.mul_(keep), of_square.mul_(keep_square), None, None, None, None
