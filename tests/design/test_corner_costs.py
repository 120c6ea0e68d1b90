"""An f with corners and curved sides: its costs are spread over the jumps of the critic, and lose nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ganworks.design import from_divergence

P, Q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.2, 0.3, 0.3, 0.2])
CORNERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "max(u, 1/u) - 1": lambda u: np.maximum(u, 1 / u) - 1,
    "abs(u - 1) + (u - 1)^2": lambda u: np.abs(u - 1) + (u - 1) ** 2,
}
MORE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "abs(u - 1) + abs(u - 2) + (u - 1)^2": lambda u: np.abs(u - 1) + np.abs(u - 2) + (u - 1) ** 2,
    "u*log(u) + abs(u - 1/2)/3 + max(u - 1, 0) + abs(u - 3)": lambda u: (
        u * np.log(u) + np.abs(u - 0.5) / 3 + np.maximum(u - 1, 0) + np.abs(u - 3)),
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


@pytest.mark.parametrize("f", [f if i == 0 else pytest.param(f, marks=pytest.mark.slow) for i, f in enumerate(MORE)])
def test_several_corners_earn_it_too(f: str) -> None:
    # Atoms lie at the corners, p/q = 1 and 2, and between them.
    objective = from_divergence(f).compile()
    p, q = np.array([0.2, 0.24, 0.36, 0.05, 0.15]), np.array([0.2, 0.12, 0.3, 0.35, 0.03])
    v = torch.linspace(-12, 12, 48001, dtype=torch.float64, requires_grad=True)
    on_real, on_fake = objective.phi(v), objective.psi(v)
    earned = sum(max(-(a * on_real + b * on_fake).detach().numpy()) for a, b in zip(p, q, strict=True))
    assert earned == pytest.approx(float((q * (MORE[f](p / q) - MORE[f](np.array(1.0)))).sum()), abs=1e-6)
    # What is earned on fakes rises and what is earned on reals falls, with no step: a high output is real.
    for cost, sign in ((on_real, -1), (on_fake, 1)):
        (slope,) = torch.autograd.grad(cost.sum(), v)
        assert (sign * slope >= 0).all()
        assert torch.diff(cost).abs().max() < 0.2 * slope.abs().max()
