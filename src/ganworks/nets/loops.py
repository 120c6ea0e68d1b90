"""The passes of ``nearness`` as plain loops, compiled by Numba where it is installed: ``pip install "ganworks[fast]"``.

What torch does in a dozen passes over all pairs is one here, row by row in the processor's cache. Arrays are C-ordered,
float32 or float64; pairs are laid out as ``nearness`` says. Each inner loop writes one array that it does not read
otherwise, or adds up a second one: only such loops become vector instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]


def minus_distances(m: Array, out: Array) -> None:
    """Put -sum_c |m_c(i) - m_c(j)| of all pairs of samples i, j into ``out`` (K, N, B), of m (C, N, B)."""
    dims, rows, kernels = m.shape
    out[:] = 0
    for k in range(rows // 2):
        for i in range(rows):
            j, total = (i + k + 1) % rows, out[k, i]
            for c in range(dims):
                a, b = m[c, i], m[c, j]
                for n in range(kernels):
                    total[n] -= abs(a[n] - b[n])


def of_both(pairs: Array, out: Array) -> None:
    """Put what all pairs (K, N, B) of a sample have, added up, into ``out`` (N, B)."""
    count, rows, kernels = pairs.shape
    out[:] = 0
    for i in range(rows):
        own = out[i]
        for k in range(count):
            pair, other = pairs[k, i], out[(i + k + 1) % rows]
            for n in range(kernels):
                own[n] += pair[n]
            if 2 * (k + 1) < rows:  # pairs that meet twice bring each of their two samples once already
                for n in range(kernels):
                    other[n] += pair[n]


def slope(m: Array, near: Array, g: Array, out: Array) -> None:
    """Put the slope of sum_ib g_ib o_ib by m into ``out`` (C, N, B), of m (C, N, B), near (K, N, B) and g (N, B).

    Each pair draws its two samples together by near (g_i + g_j) in each number in which they differ.
    """
    dims, rows, kernels = m.shape
    signed, zero = np.empty(kernels, m.dtype), m.dtype.type(0)
    for c in range(dims):
        values, sums = m[c], out[c]
        sums[:] = 0
        for i in range(rows):
            a, first, mine = values[i], sums[i], g[i]
            for k in range(rows // 2):
                j = (i + k + 1) % rows
                if 2 * (k + 1) == rows and j < i:
                    continue  # these meet twice
                b, later, theirs, pair = values[j], sums[j], g[j], near[k, i]
                for n in range(kernels):
                    d, w = a[n] - b[n], pair[n] * (mine[n] + theirs[n])
                    signed[n] = w if d > zero else -w if d < zero else w * d  # what is not a number stays so
                for n in range(kernels):
                    first[n] -= signed[n]
                    later[n] += signed[n]


def compiled(loop: Callable[..., None], like: Tensor) -> Callable[..., None] | None:
    """Return a loop that takes tensors, or None where it cannot take such as ``like``: torch has to do it then."""
    usable = like.device.type == "cpu" and like.dtype in (torch.float32, torch.float64)
    if not usable or type(like) is not Tensor or torch.compiler.is_compiling():
        return None
    return _compiled(loop)


@cache
def _compiled(loop: Callable[..., None]) -> Callable[..., None] | None:
    try:
        from numba import njit
    except ImportError:
        return None
    fast = njit(loop, error_model="numpy", nogil=True)
    return lambda *tensors: fast(*(tensor.detach().contiguous().numpy() for tensor in tensors))
