"""An f with one corner and curved sides: its costs are spread over the jump of the critic, and lose nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ganworks.design import from_divergence
from ganworks.errors import UserError

P, Q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.2, 0.3, 0.3, 0.2])
CORNERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "max(u, 1/u) - 1": lambda u: np.maximum(u, 1 / u) - 1,
    "abs(u - 1) + (u - 1)^2": lambda u: np.abs(u - 1) + (u - 1) ** 2,
}


@pytest.mark.parametrize("f", CORNERS)
def test_the_best_outputs_earn_the_divergence(f: str) -> None:
    objective = from_divergence(f).compile()
    v = torch.linspace(-8, 8, 32001, dtype=torch.float64)
    on_real, on_fake = objective.phi(v).numpy(), objective.psi(v).numpy()
    earned = sum(max(-(p * on_real + q * on_fake)) for p, q in zip(P, Q, strict=True))
    assert earned == pytest.approx(float((Q * CORNERS[f](P / Q)).sum()), abs=1e-6)
    # Between the two slopes T goes evenly, and f*(T) = T at the corner u = 1, where f is 0.
    inside = torch.tensor([-1.0, -0.25, 0.0, 0.5, 1.0], dtype=torch.float64)
    assert objective.phi(inside).tolist() == pytest.approx((-inside).tolist(), abs=1e-12)
    assert objective.psi(inside).tolist() == pytest.approx(inside.tolist(), abs=1e-12)
    assert torch.isfinite(objective.phi(torch.tensor([-100.0, 100.0]))).all()


def test_several_corners_between_curves_are_refused() -> None:
    with pytest.raises(UserError, match="2 corners"):
        from_divergence("abs(u - 1) + abs(u - 2) + (u - 1)^2").compile()
