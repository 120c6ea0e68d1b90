"""The passes of ``nearness`` as plain loops, compiled by Numba where it is installed: ``pip install "ganworks[fast]"``.

What torch does in a dozen passes over all pairs is one here, row by row in the processor's cache. Arrays are C-ordered
float32, for Q kinds of N samples, B kernels and C numbers of each. Inside, rows of kernels are as long as the next
multiple of eight, with zeros behind, and innermost: what is left over of vector instructions would go number by number.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]

_LANES = 8  # numbers in a vector of 256 bits, or half of one of 512
_ONE, _ZERO = np.float32(1), np.float32(0)
_LARGE = np.float32(2.0**126)  # times this, what differs from 0 is beyond +-1, but for subnormal numbers
# exp(x) = 2^z exp(r), where z is x / log 2 rounded and log 2 is a short number, exact times z, and what it lacks.
_PER_LOG2, _LOG2, _LACKS = np.float32(1.4426950408889634), np.float32(355 / 512), np.float32(-2.1219444005469057e-4)
_ROUNDING = np.float32(3 * 2.0**22 + 127)  # added to z it leaves z + 127 in the last bits: an exponent's, once shifted
_SMALLEST = np.float32(-87)  # below, exp(x) is hardly a normal number any more: 0 here
_T2, _T3, _T4, _T5, _T6, _T7 = (np.float32(1 / math.factorial(n)) for n in range(2, 8))  # exp(r) is their series


def near_and_sums(m: Array, near: Array, out: Array) -> None:
    """Put what m (Q, N, B, C) has into the other two; the first is for ``slope``, the second is the answer.

    near (Q, N // 2, N, P): exp(-sum_c |m_c(i) - m_c(j)|) of all pairs, laid out as ``nearness`` says, in rows of
    P = ``width(B)``; out (Q, N, B): what all pairs of a sample have, added up.
    """
    kinds, rows, kernels, dims = m.shape
    values = np.zeros((rows, dims, near.shape[3]), np.float32)
    sums = np.empty((rows, near.shape[3]), np.float32)
    for q in range(kinds):
        sums[:] = 0
        for i in range(rows):
            for c in range(dims):
                for n in range(kernels):
                    values[i, c, n] = m[q, i, n, c]
        for k in range(rows // 2):
            for i in range(rows):
                j, pair, own = (i + k + 1) % rows, near[q, k, i], sums[i]
                pair[:] = 0
                for c in range(dims):
                    a, b = values[i, c], values[j, c]
                    for n in range(len(pair)):
                        pair[n] -= abs(a[n] - b[n])
                for n in range(len(pair)):  # the exponential, in place, and its sum
                    x = pair[n]
                    shifted = x * _PER_LOG2 + _ROUNDING
                    z = shifted - _ROUNDING
                    r = x - z * _LOG2 - z * _LACKS
                    series = ((((((_T7 * r + _T6) * r + _T5) * r + _T4) * r + _T3) * r + _T2) * r + _ONE) * r + _ONE
                    # Numba has the bits of what is called np.float32 only.
                    power = np.int32(np.float32(shifted).view(np.int32) << np.int32(23)).view(np.float32)
                    x = _ZERO if x < _SMALLEST else series * power
                    pair[n] = x
                    own[n] += x
                if 2 * (k + 1) < rows:  # pairs that meet twice bring each of their two samples once already
                    other = sums[j]
                    for n in range(len(pair)):
                        other[n] += pair[n]
        for i in range(rows):
            for n in range(kernels):  # a slice put into a slice takes Numba six seconds to compile
                out[q, i, n] = sums[i, n]


def slope(m: Array, near: Array, g: Array, out: Array) -> None:
    """Put the slope of sum_qib g_qib o_qib by m (Q, N, B, C) into ``out`` (Q, N, B, C), of g (Q, N, B).

    Each pair draws its two samples together by near (g_i + g_j) in each number in which they differ.
    """
    kinds, rows, kernels, dims = m.shape
    wide = near.shape[3]
    values, sums = np.zeros((rows, dims, wide), np.float32), np.empty((rows, dims, wide), np.float32)
    weights, of_pair = np.zeros((rows, wide), np.float32), np.empty(wide, np.float32)
    for q in range(kinds):
        sums[:] = 0
        for i in range(rows):
            for n in range(kernels):
                weights[i, n] = g[q, i, n]
            for c in range(dims):
                for n in range(kernels):
                    values[i, c, n] = m[q, i, n, c]
        for i in range(rows):
            mine = weights[i]
            for k in range(rows // 2):
                j = (i + k + 1) % rows
                if 2 * (k + 1) == rows and j < i:
                    continue  # these meet twice
                theirs, pair = weights[j], near[q, k, i]
                for n in range(wide):
                    of_pair[n] = pair[n] * (mine[n] + theirs[n])
                for c in range(dims):
                    a, b, first, later = values[i, c], values[j, c], sums[i, c], sums[j, c]
                    for n in range(wide):
                        sign = (a[n] - b[n]) * _LARGE  # chosen such that what is not a number stays so
                        sign = -_ONE if sign < -_ONE else sign
                        sign = _ONE if sign > _ONE else sign
                        pull = of_pair[n] * sign
                        first[n] -= pull
                        later[n] += pull
        for i in range(rows):
            for c in range(dims):
                for n in range(kernels):
                    out[q, i, n, c] = sums[i, c, n]


def width(kernels: int) -> int:
    """Return the length of a row of so many kernels inside the loops."""
    return -(-kernels // _LANES) * _LANES


def can_take(like: Tensor) -> bool:
    """Return whether the loops can take tensors like this one; torch has to do it otherwise."""
    return (like.device.type == "cpu" and like.dtype == torch.float32 and type(like) is Tensor
            and not torch.compiler.is_compiling() and _numba() is not None)


def run(loop: Callable[..., None], *tensors: Tensor) -> None:
    """Run a loop over tensors that it can take."""
    with _compiling:
        fast = _compiled(loop)
    fast(*(tensor.detach().contiguous().numpy() for tensor in tensors))


_compiling = threading.Lock()  # a cache does not keep other threads from making the same once more


@cache
def _numba() -> Any:
    try:
        import numba
    except ImportError:
        return None
    return numba


@cache
def _compiled(loop: Callable[..., None]) -> Callable[..., None]:
    # A product may be added without being rounded, but sums keep their order: rounding and what log 2 lacks rest on it.
    fast: Callable[..., None] = _numba().njit(loop, error_model="numpy", fastmath={"contract"}, nogil=True)
    return fast
