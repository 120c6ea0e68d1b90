"""A step of Adam as a function: torch's own steps, and slopes by differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganworks.game.adam import adam_step

BETAS = (0.4, 0.97)


def tensors() -> list[Tensor]:
    draw = torch.Generator().manual_seed(5)
    weight, gradient, mean = (torch.randn(3, 4, generator=draw, dtype=torch.float64) for _ in range(3))
    square = torch.rand(3, 4, generator=draw, dtype=torch.float64)
    return [x.requires_grad_() for x in (weight, gradient, mean, square)]


@pytest.mark.parametrize("betas", [BETAS, (0.9, 0.999), (0.0, 0.0)])
def test_steps_are_those_of_torch(betas: tuple[float, float]) -> None:
    start = torch.randn(7, dtype=torch.float64)
    theirs = nn.Parameter(start.clone())
    optimiser = torch.optim.Adam([theirs], 0.1, betas)
    weight, mean, square = start, torch.zeros_like(start), torch.zeros_like(start)
    for step in range(1, 6):
        gradient = torch.cos(step * weight) + weight
        theirs.grad = torch.cos(step * theirs.detach()) + theirs.detach()
        optimiser.step()
        weight, mean, square = adam_step(weight, gradient, mean, square, 0.1, betas, step)
        torch.testing.assert_close(weight, theirs.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("step", [1, 3])
def test_slopes_are_those_of_differences(step: int) -> None:
    assert torch.autograd.gradcheck(lambda *given: adam_step(*given, 0.1, BETAS, step), tensors(), eps=1e-7, atol=1e-6)


def test_where_there_has_been_no_gradient_the_root_has_no_slope() -> None:
    weight, gradient, mean, square = tensors()
    with torch.no_grad():
        gradient[0], mean[0], square[0] = 0, 0, 0
    stepped, *moments = adam_step(weight, gradient, mean, square, 0.1, BETAS, 2)
    found = torch.autograd.grad(stepped.sum() + moments[1].sum(), (weight, gradient, mean, square))
    assert torch.equal(stepped[0], weight[0])
    assert all(slope.isfinite().all() for slope in found)
    assert torch.equal(found[3][0], torch.full((4,), BETAS[1], dtype=torch.float64))  # by the second moment alone
