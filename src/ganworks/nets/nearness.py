"""How near the samples of a batch are to one another, differentiable as often as one likes, a pair at a time.

Arrays of pairs are (K, N, B) with K = N // 2, for N samples and B kernels: place k, i holds sample i and the one k + 1
after it, counted in a circle. That is each pair once, but for the last k of an even N, where i and i + N/2 meet twice.
The kernels are innermost, so that a pass over all pairs is one over whole rows of memory; the numbers of a kernel are
gone through one by one, so that no array has more than a number for each pair and kernel. Where Numba is installed,
values and first derivatives in float32 on a CPU come from loops of one's own, in ``loops``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganworks.nets import loops

_NO_MEAN = 0  # a number that torch's own operators take


def nearness(m: Tensor) -> Tensor:
    """Return o (..., N, B) of m (..., N, B, C): o_ib is the sum over all other samples j of exp(-|m_ib - m_jb|_1)."""
    if m.itemsize < 4:
        m = m.float()  # under autocast: thousands of terms are summed
    if m.shape[-3] < 2 or m.numel() == 0:
        return 0 * m.sum(-1)  # alone, there is nobody near
    kinds = m.reshape(-1, *m.shape[-3:])
    by = _ByLoops.apply if loops.can_take(kinds) else _by_torch
    return by(kinds).view(m.shape[:-1])  # type: ignore[no-untyped-call, no-any-return]


class _ByLoops(torch.autograd.Function):
    # o (Q, N, B) of m (Q, N, B, C). Where the slope is to be differentiated again, torch takes it, of the nearness that
    # is known.
    @staticmethod
    def forward(ctx: Any, m: Tensor) -> Tensor:
        kinds, rows, kernels, _ = m.shape
        near = m.new_empty(kinds, rows // 2, rows, loops.width(kernels))
        loops.run(loops.near_and_sums, m, near, out := m.new_empty(m.shape[:-1]))
        ctx.save_for_backward(m, near)
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        m, near = ctx.saved_tensors
        if not torch.is_grad_enabled():
            loops.run(loops.slope, m, near, g, out := m.new_empty(m.shape))
            return out
        laid_out, known = _laid_out(m), near[..., :m.shape[2]].permute(1, 2, 0, 3).flatten(2)
        pulls = _Shared.apply(g.transpose(0, 1).flatten(1)) * _Near.apply(laid_out, known)  # type: ignore[no-untyped-call]
        slope: Tensor = _Pull.apply(laid_out, -pulls)  # type: ignore[no-untyped-call]
        return slope.unflatten(2, m.shape[::2]).permute(2, 1, 3, 0)


def _by_torch(m: Tensor) -> Tensor:
    out: Tensor = _Others.apply(_Near.apply(_laid_out(m), None))  # type: ignore[no-untyped-call]
    return out.unflatten(1, m.shape[::2]).transpose(0, 1)


def _laid_out(m: Tensor) -> Tensor:
    # (Q, N, B, C) to (C, N, Q B): the kernels of one kind beside those of the other, as if there were more of them.
    return m.permute(3, 1, 0, 2).flatten(2).contiguous()


class _Near(torch.autograd.Function):
    # exp(-distance) of all pairs, of m (C, N, B); or what it is known to be.
    @staticmethod
    def forward(ctx: Any, m: Tensor, known: Tensor | None) -> Tensor:
        near = _minus_distances(m).exp_() if known is None else known.view_as(known)
        ctx.save_for_backward(m, near)
        return near

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        m, near = ctx.saved_tensors
        return -_Pull.apply(m, g * near), None  # type: ignore[no-untyped-call]


class _Pull(torch.autograd.Function):
    # What pairs of weight w send to their two samples, along and against the sign of their difference: (C, N, B).
    # The signs do not move with m, and in w it is linear: its backward is the adjoint, whose backward it is in turn.
    @staticmethod
    def forward(ctx: Any, m: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(m)
        pairs = _padded(w)
        signed, places = pairs[:, :m.shape[1]], _by_later(pairs)
        first, later = m.new_empty(m.shape), m.new_empty(len(m), *places.shape[1:])
        for c, (own, after) in enumerate(zip(*_both(m), strict=True)):
            _signed(w, own, after, signed)
            torch.sum(signed, 0, out=first[c])
            torch.sum(places, 0, out=later[c])
        return first.sub_(_round(later, m.shape[1]))

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> tuple[None, Tensor]:
        (m,) = ctx.saved_tensors
        return None, _Slope.apply(m, v)  # type: ignore[no-untyped-call]


class _Slope(torch.autograd.Function):
    # How fast the distances of all pairs grow where the samples m move along v.
    @staticmethod
    def forward(ctx: Any, m: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(m)
        return _slopes(m, v)

    @staticmethod
    def backward(ctx: Any, w: Tensor) -> tuple[None, Tensor]:
        (m,) = ctx.saved_tensors
        return None, _Pull.apply(m, w)  # type: ignore[no-untyped-call]


class _Others(torch.autograd.Function):
    # The sum over all other samples of what each pair has: (N, B). Linear, with the adjoint below.
    @staticmethod
    def forward(ctx: Any, pairs: Tensor) -> Tensor:
        return _of_both(pairs)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return _Shared.apply(g)  # type: ignore[no-untyped-call, no-any-return]


class _Shared(torch.autograd.Function):
    # The sum of both samples' numbers for each pair: (K, N, B).
    @staticmethod
    def forward(ctx: Any, g: Tensor) -> Tensor:
        ((own,), (after,)) = _both(g.unsqueeze(0))
        # Of itself torch would lay out these views in another order, in which the passes are slow.
        pairs = torch.add(own, after, out=g.new_empty(after.shape))
        if len(g) % 2 == 0:
            pairs[-1] = g
        return pairs

    @staticmethod
    def backward(ctx: Any, pairs: Tensor) -> Tensor:
        return _Others.apply(pairs)  # type: ignore[no-untyped-call, no-any-return]


def _of_both(pairs: Tensor) -> Tensor:
    once = (pairs.shape[1] - 1) // 2  # pairs that meet twice bring each of their two samples once already
    if once == 0:
        return pairs.sum(0)
    padded = _padded(pairs[:once])
    padded[:, :pairs.shape[1]] = pairs[:once]
    return pairs.sum(0).add_(_round(_by_later(padded).sum(0), pairs.shape[1]))


def _minus_distances(m: Tensor) -> Tensor:
    own, after = _both(m)
    total, one = m.new_zeros(after.shape[1:]), m.new_empty(after.shape[1:])
    for c in range(len(m)):
        total.sub_(torch.sub(own[c], after[c], out=one).abs_())
    return total


def _slopes(m: Tensor, v: Tensor) -> Tensor:
    own, after = _both(m)
    mine, theirs = _both(v)
    total, one = m.new_zeros(after.shape[1:]), m.new_empty(after.shape[1:])
    for c in range(len(m)):
        total.add_(_signed(mine[c] - theirs[c], own[c], after[c], one))
    return total


def _signed(w: Tensor, a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """Put w sign(a - b) into ``out``, in one pass: this is the slope of a smooth L1 loss that is hardly smoothed."""
    return torch.ops.aten.smooth_l1_loss_backward(  # type: ignore[no-any-return]
        w, a, b, _NO_MEAN, torch.finfo(w.dtype).tiny, grad_input=out)


def _both(m: Tensor) -> tuple[Tensor, Tensor]:
    """Return both samples of all pairs, of m (C, N, B): (C, K, N, B), views of two rounds of the circle."""
    count = m.shape[1]
    circle = torch.cat([m, m[:, :count // 2]], 1)
    return (m.contiguous().unsqueeze(1).expand(-1, count // 2, -1, -1),
            circle[:, 1:].unfold(1, count, 1).transpose(2, 3))


def _padded(pairs: Tensor) -> Tensor:
    """Return room for pairs like these (k, N, B), with zeros behind them: (k, N + k, B)."""
    count, rows, kernels = pairs.shape
    padded = pairs.new_empty(count, rows + count, kernels)
    padded[:, rows:] = 0
    return padded


def _by_later(padded: Tensor) -> Tensor:
    """Return a view of padded pairs in which those with the same later sample stand below each other.

    Read with rows shorter by one, each row begins one place later: (k, N + k - 1, B).
    """
    count, width, kernels = padded.shape
    return padded.view(-1, kernels)[:count * (width - 1)].view(count, width - 1, kernels)


def _round(places: Tensor, count: int) -> Tensor:
    """Add up what belongs to the same sample in places (..., N + k - 1, B), the first of which is sample 1's."""
    circle, over = places[..., :count, :], places[..., count:, :]
    circle[..., :over.shape[-2], :] += over
    return circle.roll(1, -2)
