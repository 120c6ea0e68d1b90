"""The generator learns from its best samples only (top-k training: Sinha et al. 2020)."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.game.schedule import Level, Ramp, least, level_at


class Top:
    """Keeps the rows of a batch whose samples the critic scores highest (Sinha et al. 2020, section 3).

    Each process, and each part of an accumulated batch, keeps its own best, as each has its own batch statistics.

    Args:
        share: how many of them, as a share in (0, 1]; the paper lets it fall from 1 to 0.5 along the training.
    """

    def __init__(self, share: Level = 0.5) -> None:
        most = max(share.start, share.end) if isinstance(share, Ramp) else share
        if not (least(share) > 0 and most <= 1):
            raise UserError(f"top-k: a share of {share}", "a share in (0, 1]")
        self.share = share

    def rows(self, scores: Sequence[Tensor], step: int) -> Tensor:
        """Return the numbers of the best rows; heads are summed, places averaged."""
        each = functools.reduce(torch.add, [score.detach().flatten(1).mean(1) if score.dim() > 1 else score.detach()
                                            for score in scores])
        # 0.07 * 100 is 7.000000000000001
        count = math.ceil(level_at(self.share, step) * len(each) - 1e-9)
        return each.topk(max(count, 1)).indices
