"""Spectral normalisation against PyTorch's own, which goes on from the same vectors."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as by_torch

from ganworks.nets.spectral import spectral_norm

LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(5, 4), (5,)), "one output": (lambda: nn.Linear(5, 1), (5,)),
    "convolution": (lambda: nn.Conv2d(3, 4, 3), (3, 5, 5)),
    "transposed": (lambda: nn.ConvTranspose2d(3, 4, 4, 2, 1), (3, 3, 3)),
}


def pair(kind: str) -> tuple[nn.Module, nn.Module, Tensor]:
    """The same layer with ours and with theirs, and a batch for it."""
    layer, shape = LAYERS[kind][0]().double(), LAYERS[kind][1]
    made = []
    for bound in (spectral_norm, by_torch):
        torch.manual_seed(3)
        made.append(bound(copy.deepcopy(layer)))
    return made[0], made[1], torch.randn(6, *shape).double()


@pytest.mark.parametrize("kind", LAYERS)
def test_it_is_torchs_pass_by_pass(kind: str) -> None:
    """Values, first and second derivatives in each weight, and the vectors, in training and out of it."""
    ours, theirs, x = pair(kind)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for training in (True, True, False, True):
        found = []
        for layer in (ours, theirs):
            layer.train(training)
            parameters = list(layer.parameters())
            cost = layer(x).tanh().square().sum() + layer(2 * x).sum()  # two passes: vectors move between them
            first = torch.autograd.grad(cost, parameters, create_graph=True)
            second = torch.autograd.grad(sum(g.square().sum() for g in first), parameters)
            found.append([cost, *first, *second, *layer.buffers()])
            with torch.no_grad():
                for parameter, slope in zip(parameters, first, strict=True):
                    parameter -= 0.01 * slope
        for a, b in zip(*found, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", LAYERS)
def test_derivatives_are_those_of_finite_differences(kind: str) -> None:
    layer = pair(kind)[0].eval()
    weight = layer.parametrizations.weight  # type: ignore[union-attr]
    original = weight.original.detach().requires_grad_()  # type: ignore[union-attr]
    assert torch.autograd.gradcheck(weight[0], (original,))  # type: ignore[index]
    assert torch.autograd.gradgradcheck(weight[0], (original,))  # type: ignore[index]


def test_the_largest_singular_value_comes_to_be_1() -> None:
    layer = spectral_norm(nn.Linear(7, 5))
    for _ in range(100):
        layer(torch.randn(2, 7))
    assert np.linalg.norm(layer.weight.detach().numpy(), 2) == pytest.approx(1, rel=1e-5)
    turned = spectral_norm(nn.ConvTranspose2d(3, 4, 2))
    for _ in range(100):
        turned(torch.randn(2, 3, 2, 2))
    by_output = turned.weight.detach().numpy().transpose(1, 0, 2, 3).reshape(4, -1)
    assert np.linalg.norm(by_output, 2) == pytest.approx(1, rel=1e-5)


def test_a_weight_of_zeros_leaves_vectors_that_are_numbers() -> None:
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    assert torch.isfinite(spectral_norm(layer).parametrizations.weight[0]._u).all()  # type: ignore[index, union-attr]
