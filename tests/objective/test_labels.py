"""Soft and flipped labels: against cross-entropy with soft targets, and against the best output found by search."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.objective import flipped, relativistic, smoothed

NS, LSGAN = objective_named("nonsaturating"), objective_named("lsgan")
REAL, FAKE = torch.tensor([1.5, -0.3, 2.0]).double(), torch.tensor([0.2, -4.0, 1.0]).double()


@pytest.mark.parametrize(("real", "fake"), [(0.9, 0.0), (1.0, 0.2), (0.7, 0.3)])
def test_smoothing_is_cross_entropy_with_soft_targets(real: float, fake: float) -> None:
    soft = smoothed(NS, real, fake)
    wanted = (cross_entropy(REAL, torch.full_like(REAL, real)) + cross_entropy(FAKE, torch.full_like(FAKE, fake)))
    assert soft.critic_cost(REAL, FAKE).item() == pytest.approx(wanted.item(), abs=1e-12)
    assert torch.equal(soft.generator_cost(None, FAKE), NS.generator_cost(None, FAKE))
    assert soft.design is None


@pytest.mark.parametrize("name", ["nonsaturating", "lsgan", "squared_hellinger"])
@pytest.mark.parametrize(("real", "fake"), [(0.9, 0.0), (1.0, 0.2), (0.7, 0.3)])
def test_the_best_output_is_where_search_finds_it(name: str, real: float, fake: float) -> None:
    soft = smoothed(objective_named(name), real, fake)
    assert soft.optimum is not None
    for ratio in (-2.0, 0.0, 1.5):
        p, q = np.exp(ratio), 1.0

        def cost(v: float, p: float = p, q: float = q) -> float:
            x = torch.tensor(v, dtype=torch.float64)
            return (p * soft.phi(x) + q * soft.psi(x)).item()

        found = minimize_scalar(cost, bounds=(-9, 9), method="bounded", options={"xatol": 1e-9}).x
        assert soft.optimum(torch.tensor(ratio).double()).item() == pytest.approx(found, abs=2e-6)


def test_one_sided_smoothing_bounds_the_best_output() -> None:
    """Goodfellow 2016 tutorial, eq. 16: D* = s p / (p + q), so that the logit never exceeds log(s / (1 - s))."""
    soft = smoothed(NS, 0.9)
    assert soft.optimum is not None
    ratio = torch.tensor([-700.0, -1.0, 0.0, 3.0, 700.0]).double()
    best = torch.sigmoid(soft.optimum(ratio))
    torch.testing.assert_close(best, 0.9 * torch.sigmoid(ratio))


def test_flips_are_as_often_as_asked_and_smoothing_on_average() -> None:
    torch.manual_seed(0)
    n, share = 200_000, 0.1
    real, fake = torch.full((n,), 1.5), torch.full((n,), -0.5)
    noisy = flipped(LSGAN, share)
    wrong = (noisy.phi(real) == LSGAN.psi(real)).double().mean().item()
    assert wrong == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / n))
    wanted = smoothed(LSGAN, 1 - share, share).critic_cost(real, fake).item()
    assert noisy.critic_cost(real, fake).item() == pytest.approx(wanted, rel=0.01)
    assert torch.equal(noisy.generator_cost(None, fake), LSGAN.generator_cost(None, fake))


def test_flips_follow_torchs_seed() -> None:
    noisy = flipped(NS, 0.3)

    def cost(seed: int) -> float:
        torch.manual_seed(seed)
        return noisy.critic_cost(REAL, FAKE).item()

    assert cost(1) == cost(1)
    assert len({cost(seed) for seed in range(8)}) > 1


def test_labels_over_a_relativistic_game() -> None:
    soft = smoothed(relativistic(LSGAN), 0.8)
    r, f = REAL - FAKE, FAKE - REAL
    wanted = 0.8 * (r - 1).square().mean() / 2 + 0.2 * r.square().mean() / 2 + f.square().mean() / 2
    assert soft.critic_cost(REAL, FAKE).item() == pytest.approx(wanted.item(), abs=1e-12)


@pytest.mark.parametrize("make", [lambda: smoothed(NS, 0.4), lambda: smoothed(NS, 1.1), lambda: smoothed(NS, 0.9, 0.5),
                                  lambda: smoothed(NS, 0.9, -0.1), lambda: flipped(NS, 0.5), lambda: flipped(NS, -0.1)])
def test_labels_that_say_the_opposite_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match="labels"):
        make()
