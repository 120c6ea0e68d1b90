"""Layers that let a critic see a whole batch: samples that are too alike give themselves away."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganworks.errors import UserError, did_you_mean
from ganworks.nets.condition import beside
from ganworks.nets.nearness import nearness
from ganworks.nets.spectral import spectral_norm

Minibatch = Literal["none", "discrimination", "stddev"]
MINIBATCH = ("none", "discrimination", "stddev")


class MinibatchDiscrimination(nn.Module):
    """How near the others are (Salimans et al. 2016, section 3.2): features (N, A) to (N, A + B).

    M_i = f(x_i) T with T of shape A x B x C, and o(x_i)_b = sum_j exp(-|M_ib - M_jb|_1). The paper's words sum over
    "all other samples", its formula over j = 1 ... n, which adds the constant exp(0) = 1; here j = i is left out.
    Each value lies in [0, N - 1], and is N - 1 where all samples are the same. Maps (N, A, H, W) are averaged over
    their positions first, and the values are appended as constant maps. Memory is O(N^2 B).

    Args:
        features: A.
        kernels: B, as in the authors' networks.
        dims: C.
        spectral: bound the spectral norm of T, as a matrix A x (B C).

    Attributes:
        extra: how many features are appended.
    """

    def __init__(self, features: int, kernels: int = 100, dims: int = 5, spectral: bool = False) -> None:
        super().__init__()
        if min(features, kernels, dims) < 1:
            raise UserError(f"minibatch discrimination of {features} features with {kernels} kernels of {dims}",
                            "at least 1 of each")
        self.extra, self.dims = kernels, dims
        tensor = nn.Linear(features, kernels * dims, bias=False)
        nn.init.normal_(tensor.weight, 0.0, 1 / math.sqrt(features))
        self.tensor = spectral_norm(tensor) if spectral else tensor

    def statistics(self, x: Tensor, kinds: int = 1) -> Tensor:
        """Return o(x) (N, B), of samples among those of their own kind: the k-th N / kinds of them."""
        m = self.tensor(x if x.dim() == 2 else x.mean((2, 3)))
        return nearness(m.view(kinds, -1, self.extra, self.dims)).flatten(0, 1)

    def forward(self, x: Tensor, kinds: int = 1) -> Tensor:
        return beside(x, self.statistics(x, kinds))


class MinibatchStddev(nn.Module):
    """How much a group of samples varies (Karras et al. 2018, section 3): features (N, A) to (N, A + 1), or maps.

    The standard deviation over a group, of each feature at each position, averaged to one number; it is appended as
    one more feature or constant map. A group has as many samples as divide the batch, at most ``group``: sample i is in
    group i mod (number of groups).

    Args:
        group: the most samples in a group.

    Attributes:
        extra: how many features are appended.
    """

    extra = 1

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        if group < 2:
            raise UserError(f"standard deviation of groups of {group}", "groups of at least 2 samples")
        self.group = group

    def statistics(self, x: Tensor, kinds: int = 1) -> Tensor:
        """Return the deviations (N, 1), of samples among those of their own kind: the k-th N / kinds of them."""
        rows = len(x) // kinds
        size = next(size for size in range(min(self.group, rows), 0, -1) if rows % size == 0)
        if size == 1 < rows:
            raise UserError(f"standard deviations in a batch of {rows}",
                            f"a batch that falls into groups of 2 to {self.group} samples",
                            "change the batch size (--batch)")
        return _Deviations.apply(x, kinds, size)  # type: ignore[no-untyped-call, no-any-return]

    def forward(self, x: Tensor, kinds: int = 1) -> Tensor:
        return beside(x, self.statistics(x, kinds))


class _Deviations(torch.autograd.Function):
    # Each sample's mean deviation, (N, 1), of x whose row (k, i, j) is sample i of group j of kind k. The features are
    # few and the passes short: what counts is how many there are. Backward can be differentiated any number of times.
    @staticmethod
    def forward(ctx: Any, x: Tensor, kinds: int, size: int) -> Tensor:
        ctx.groups = kinds, size, -1
        centred, deviation = _deviations(x.unflatten(0, ctx.groups))
        ctx.save_for_backward(x, centred, deviation)
        return deviation.flatten(2).mean(2).unsqueeze(1).expand(-1, size, -1).reshape(-1, 1)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        x, centred, deviation = ctx.saved_tensors
        if torch.is_grad_enabled():
            centred, deviation = _deviations(x.unflatten(0, ctx.groups))
        of_group = g.reshape(ctx.groups).sum(1) / (centred.shape[1] * centred[0, 0, 0].numel())
        slope = of_group.view(*of_group.shape, *[1] * (x.dim() - 1)) / deviation
        return (centred * slope.unsqueeze(1)).flatten(0, 2), None, None


def _deviations(groups: Tensor) -> tuple[Tensor, Tensor]:
    # torch's own variance goes through a short dimension that is not the last number by number.
    centred = groups - groups.mean(1, keepdim=True)
    return centred, (centred.square().mean(1) + 1e-8).sqrt()


def minibatch_layer(kind: Minibatch, features: int, norm: str) -> MinibatchDiscrimination | MinibatchStddev | None:
    """Return the layer of that name for ``features`` features or maps, or None."""
    if kind not in MINIBATCH:
        raise UserError(f"minibatch layer '{kind}'", did_you_mean(kind, MINIBATCH))
    if kind == "none":
        return None
    return MinibatchStddev() if kind == "stddev" else MinibatchDiscrimination(features, spectral=norm == "spectral")


def extra_features(layer: MinibatchDiscrimination | MinibatchStddev | None) -> int:
    """Return how many features a layer appends; none without a layer."""
    return 0 if layer is None else layer.extra
