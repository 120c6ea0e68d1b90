"""Spectral normalisation (Miyato et al. 2018): a layer's weight over its largest singular value, as one operation.

As PyTorch's own, with buffers of the same names, but the weight is gone through four times on the way there and four
on the way back, where PyTorch goes five and some twelve times: singular value and power iteration share a product, and
the gradient is a sum with an outer product instead of four arrays.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import register_parametrization

Layer = TypeVar("Layer", bound=nn.Module)
_EPS = 1e-12
_BEFORE = 15  # power iterations before the first step


def spectral_norm(layer: Layer) -> Layer:
    """Bound the spectral norm of a layer's weight, a matrix with a row for each output, by about 1; return the layer.

    Each pass in training makes one power iteration.
    """
    turned = isinstance(layer, nn.ConvTranspose2d)
    register_parametrization(layer, "weight", SpectralNorm(layer.weight, turned))  # type: ignore[arg-type]
    return layer


class SpectralNorm(nn.Module):
    """W / (u W v), where u and v come near the first singular vectors of W (outputs, inputs, ...) as it is trained.

    Args:
        weight: W as it is at first.
        turned: its first dimension is that of inputs, as transposed convolutions have it.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, turned: bool = False) -> None:
        super().__init__()
        self.turned = turned
        with torch.no_grad():
            matrix = _matrix(weight, turned)
            u, v = (matrix.new_empty(size).normal_() for size in matrix.shape)
            self.register_buffer("_u", normalize(u, dim=0, eps=_EPS))
            self.register_buffer("_v", normalize(v, dim=0, eps=_EPS))
            for _ in range(_BEFORE):
                self._iterate(matrix)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.no_grad():
            matrix = _matrix(weight, self.turned)
            if self.training:
                u, v, sigma = self._iterate(matrix)
            else:
                u, v = self._u.clone(), self._v.clone()  # a later pass may change them in place
                sigma = torch.dot(u, torch.mv(matrix, v))
        return _Over.apply(weight, sigma, u, v, self.turned)  # type: ignore[no-untyped-call, no-any-return]

    def _iterate(self, matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Come nearer to u and v, and return them with u W v: as v is W' u over its length, that is this length."""
        u, _ = _unit(torch.mv(matrix, self._v))
        v, length = _unit(torch.mv(matrix.T, u))
        self._u.copy_(u)
        self._v.copy_(v)
        return u, v, length


class _Over(torch.autograd.Function):
    # weight / sigma, with sigma = u W v: a function of the weight with constant vectors.
    @staticmethod
    def forward(ctx: Any, weight: Tensor, sigma: Tensor, u: Tensor, v: Tensor, turned: bool) -> Tensor:
        ctx.save_for_backward(weight, sigma, u, v)
        ctx.turned = turned
        return weight / sigma

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None, None, None]:
        weight, sigma, u, v = ctx.saved_tensors
        if torch.is_grad_enabled():
            sigma = torch.dot(u, torch.mv(_matrix(weight, ctx.turned), v))
        pull = torch.dot(g.reshape(-1), weight.reshape(-1)) / sigma
        found = torch.addr(_matrix(g, ctx.turned), u * -pull, v) / sigma
        return _as(found, weight, ctx.turned), None, None, None, None


def _unit(x: Tensor) -> tuple[Tensor, Tensor]:
    length = torch.linalg.vector_norm(x)
    return x / length.clamp(min=_EPS), length


def _matrix(weight: Tensor, turned: bool) -> Tensor:
    return (weight.transpose(0, 1) if turned else weight).flatten(1)


def _as(matrix: Tensor, weight: Tensor, turned: bool) -> Tensor:
    shape = weight.transpose(0, 1).shape if turned else weight.shape
    found = matrix.view(shape)
    return found.transpose(0, 1) if turned else found
