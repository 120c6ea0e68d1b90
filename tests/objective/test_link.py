"""How raw outputs meet: numbers worked out by hand, and what each link needs."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.objective import Link, Objective, rival, rival_mean, separate

NS, HINGE, WGAN, LSGAN = (objective_named(name) for name in ("nonsaturating", "hinge", "wgan", "lsgan"))

REAL, FAKE = torch.tensor([1.0, 4.0]), torch.tensor([2.0, -1.0])
SQUARES = Objective("squares", phi=torch.square, psi=lambda v: 10 * v.square(), beta=lambda v: 100 * v,
                    alpha=lambda v: 1000 * v)


@pytest.mark.parametrize(("link", "on_real", "on_fake"), [
    (separate, [1.0, 4.0], [2.0, -1.0]),
    (rival, [-1.0, 5.0], [1.0, -5.0]),
    (rival_mean, [0.5, 3.5], [-0.5, -3.5]),
])
def test_links(link: Link, on_real: list[float], on_fake: list[float]) -> None:
    real, fake = link(REAL, FAKE)
    assert real.tolist() == on_real
    assert fake.tolist() == on_fake


@pytest.mark.parametrize(("link", "critic", "generator"), [
    # critic: mean r^2 + 10 mean f^2; generator: 100 mean f + 1000 mean r, of the linked outputs.
    (separate, 8.5 + 25.0, 50.0 + 2500.0),
    (rival, 13.0 + 130.0, -200.0 + 2000.0),
    (rival_mean, 6.25 + 62.5, -200.0 + 2000.0),
])
def test_costs_by_hand(link: Link, critic: float, generator: float) -> None:
    objective = replace(SQUARES, link=link)
    assert objective.critic_cost(REAL, FAKE).item() == critic
    assert objective.generator_cost(REAL, FAKE).item() == generator


def test_rival_mean_compares_patches_place_by_place() -> None:
    real = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    fake = torch.tensor([[0.0, 2.0], [0.0, 4.0]])
    linked_real, linked_fake = rival_mean(real, fake)
    assert linked_real.tolist() == [[1.0, 7.0], [3.0, 27.0]]
    assert linked_fake.tolist() == [[-2.0, -18.0], [-2.0, -16.0]]


def test_rival_mean_takes_unequal_batches_and_rival_refuses_them() -> None:
    linked_real, linked_fake = rival_mean(torch.tensor([2.0]), torch.tensor([1.0, 3.0]))
    assert linked_real.tolist() == [0.0]
    assert linked_fake.tolist() == [-1.0, 1.0]
    with pytest.raises(UserError, match="as many real samples"):
        rival(torch.zeros(3), torch.zeros(2))
    with pytest.raises(UserError, match="as many real samples"):
        rival(torch.zeros(3, 1), torch.zeros(3))


def test_needs_real() -> None:
    assert not any(objective.needs_real for objective in (NS, HINGE, WGAN, LSGAN))
    assert replace(NS, link=rival).needs_real
    assert replace(NS, link=rival_mean).needs_real
    assert replace(NS, alpha=torch.neg).needs_real


def test_generator_cost_without_real() -> None:
    assert NS.generator_cost(None, torch.zeros(3)).item() == pytest.approx(0.6931471805599453)
    with pytest.raises(UserError, match="needs the outputs on real"):
        replace(NS, link=rival).generator_cost(None, torch.zeros(3))
    # Outputs on real samples that it does not need are not looked at.
    assert WGAN.generator_cost(torch.tensor([float("nan")]), torch.tensor([2.0])).item() == -2.0


def test_alpha_is_the_generators_cost_on_real() -> None:
    real = torch.tensor([1.0, 2.0], requires_grad=True)
    objective = replace(WGAN, alpha=lambda v: 3 * v)
    cost = objective.generator_cost(real, torch.tensor([5.0]))
    assert cost.item() == -5.0 + 4.5
    assert torch.autograd.grad(cost, real)[0].tolist() == [1.5, 1.5]


def test_unlike_heads_are_refused() -> None:
    with pytest.raises(UserError, match="2 heads on real samples, 1 on fake"):
        WGAN.critic_cost([REAL, REAL], [FAKE])


def test_an_objective_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        WGAN.name = "other"  # type: ignore[misc]
