"""How terms read a critic's verdict."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.nets.contract import Verdict


def full(x: Tensor) -> Tensor:
    """Return ``x`` in float32 or better: costs are not computed in half precision."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def lone(verdict: Verdict, term: str) -> Tensor:
    """Return the scores of a critic's only head, in float32 or better; UserError where it has several."""
    if len(verdict.scores) > 1:
        raise UserError(f"{term} on a critic with {len(verdict.scores)} heads",
                        "a critic with one head: what it steers by is that head's mean",
                        "take a critic with one head, or leave the term out")
    return full(verdict.scores[0])


def sum_of_means(parts: Sequence[Tensor]) -> Tensor:
    """Return the sum over heads (or layers) of the means over elements, as objectives do it."""
    return functools.reduce(torch.add, [part.mean() for part in parts])
