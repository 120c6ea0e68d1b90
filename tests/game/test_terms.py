"""How terms are weighted, due, and kept with their game."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game import Noise, Ramp, Term, Turn, Weighted
from ganworks.nets import Critic


class Constant(Term):
    def forward(self, turn: Turn) -> Tensor:
        return torch.tensor(3.0)


@pytest.mark.parametrize("every", [1, 2, 5, 16])
def test_lazy_terms_keep_their_mean_weight(every: int) -> None:
    weighted = Weighted("term", Constant(), weight=0.5, every=every)
    turn = Turn(nn.Identity(), Critic(), torch.zeros(1, 1), torch.zeros(1, 1), Noise(0, 1), "critic")
    costs = [weighted.cost(turn).item() if weighted.due(step) else 0.0 for step in range(80)]
    assert np.mean(costs) == pytest.approx(1.5)
    assert np.count_nonzero(costs) == 80 // every
    assert costs[0] == 1.5 * every


@pytest.mark.parametrize(("weight", "every"), [
    (-1.0, 1), (1.0, 0), (math.nan, 1), (math.inf, 1), (Ramp(1.0, -0.1, 10), 1)])
def test_bad_weights_are_refused(weight: float | Ramp, every: int) -> None:
    with pytest.raises(UserError, match="weight >= 0 and every >= 1"):
        Weighted("term", Constant(), weight, every)
