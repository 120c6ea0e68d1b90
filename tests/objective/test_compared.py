"""Objectives that compare outputs with each other, or take them for energies: the papers' formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.objective import relativistic, relativistic_average

R, F = torch.tensor([1.5, -0.3, 2.0]).double(), torch.tensor([0.2, -4.0, 1.0]).double()


def test_relativistic_least_squares_and_hinge_by_hand() -> None:
    pair = relativistic(objective_named("lsgan"))  # labels 1 and 0, halves of squares
    d, g = R - F, F - R
    critic = (d - 1).square().mean() / 2 + g.square().mean() / 2
    generator = (g - 1).square().mean() / 2 + d.square().mean() / 2
    assert pair.critic_cost(R, F).item() == pytest.approx(critic.item(), abs=1e-12)
    assert pair.generator_cost(R, F).item() == pytest.approx(generator.item(), abs=1e-12)
    average = relativistic_average(objective_named("hinge"))  # RaHingeGAN, appendix of the paper
    d, g = R - F.mean(), F - R.mean()
    assert average.critic_cost(R, F).item() == pytest.approx(((1 - d).relu().mean() + (1 + g).relu().mean()).item())
    assert average.generator_cost(R, F).item() == pytest.approx(((1 - g).relu().mean() + (1 + d).relu().mean()).item())


def test_relativistic_nonsaturating_is_rsgan_twice_over_and_ragan() -> None:
    base = objective_named("nonsaturating")
    once = -logsigmoid(R - F).mean()
    assert relativistic(base).critic_cost(R, F).item() == pytest.approx(2 * once.item(), abs=1e-12)
    assert objective_named("rpgan").critic_cost(R, F).item() == pytest.approx(once.item(), abs=1e-12)
    named, made = objective_named("ragan"), relativistic_average(base)
    assert made.critic_cost(R, F).item() == pytest.approx(named.critic_cost(R, F).item(), abs=1e-12)
    assert made.generator_cost(R, F).item() == pytest.approx(named.generator_cost(R, F).item(), abs=1e-12)
    assert made.optimum is None
    assert made.design is None


@pytest.mark.parametrize("name", ["nonsaturating", "lsgan", "hinge", "wgan", "squared_hellinger", "kl"])
def test_a_shift_of_all_outputs_costs_nothing_when_outputs_are_compared(name: str) -> None:
    for make in (relativistic, relativistic_average):
        game = make(objective_named(name))
        assert game.critic_cost(R + 3, F + 3).item() == pytest.approx(game.critic_cost(R, F).item(), abs=1e-9)
        assert game.generator_cost(R + 3, F + 3).item() == pytest.approx(game.generator_cost(R, F).item(), abs=1e-9)
        assert game.generator_cost(F, R).item() == pytest.approx(game.critic_cost(R, F).item(), abs=1e-9)


def test_softmax_gan_is_the_papers_cross_entropy() -> None:
    """Lin 2017: targets 1/|B+| on real samples for the critic, 1/|B| on all for the generator."""
    game = objective_named("softmax_gan")
    shares = torch.softmax(torch.cat([R, F]), 0).log().numpy()
    assert game.critic_cost(R, F).item() == pytest.approx(-shares[:3].mean(), abs=1e-12)
    assert game.generator_cost(R, F).item() == pytest.approx(-shares.mean(), abs=1e-12)
    large = torch.tensor([1000.0, -1000.0])
    assert np.isfinite([game.critic_cost(large, -large).item(), game.generator_cost(large, -large).item()]).all()


def test_softmax_gan_pushes_outputs_apart_until_the_targets_are_met() -> None:
    game = objective_named("softmax_gan")
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    game.critic_cost(real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    torch.testing.assert_close(real.grad, torch.full((4,), 1 / 8 - 1 / 4))  # softmax minus target
    torch.testing.assert_close(fake.grad, torch.full((4,), 1 / 8))


def test_energies() -> None:
    """Zhao et al. 2017, eq. 1, 2 and Berthelot et al. 2017, section 3.4, with v = -E."""
    energy_real, energy_fake = torch.tensor([0.5, 2.0]), torch.tensor([3.0, 11.0])
    game = objective_named("ebgan:m=10")
    assert game.critic_cost(-energy_real, -energy_fake).item() == pytest.approx(1.25 + 3.5)
    assert game.generator_cost(None, -energy_fake).item() == pytest.approx(7.0)
    game = objective_named("began")
    assert game.critic_cost(-energy_real, -energy_fake).item() == pytest.approx(1.25)
    assert game.generator_cost(None, -energy_fake).item() == pytest.approx(7.0)
    for m in ("0", "-1"):
        with pytest.raises(UserError, match="above 0"):
            objective_named(f"ebgan:m={m}")
