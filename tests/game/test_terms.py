"""Penalties on critics whose gradients are known by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import R1, Duel, GradientPenalty, GradientTerm, Latent, Noise, Term, Turn, Weighted
from ganworks.nets import Critic, DCGANCritic, MLPCritic, MLPGenerator, Panel, Verdict

WGAN = objective_named("wgan")


class Linear(nn.Module):
    """D(x) = <w, x> over all of a sample's entries, |w| given."""

    def __init__(self, shape: tuple[int, ...], norm: float) -> None:
        super().__init__()
        w = torch.randn(shape)
        self.w = nn.Parameter(w / w.norm() * norm)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.w).flatten(1).sum(1)


class Quadratic(nn.Module):
    """D(x) = x A x / 2 with A symmetric: its gradient is A x."""

    def __init__(self, a: Tensor) -> None:
        super().__init__()
        self.a = nn.Parameter(a)

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * torch.einsum("ni,ij,nj->n", x, (self.a + self.a.T) / 2, x)


class Heads(nn.Module):
    """The given critics as heads of one."""

    def __init__(self, *critics: nn.Module) -> None:
        super().__init__()
        self.critics = nn.ModuleList(critics)

    def forward(self, x: Tensor) -> Verdict:
        return Verdict(tuple(critic(x) for critic in self.critics))


def turn_of(critic: nn.Module, real: Tensor, fake: Tensor, seed: int = 0) -> Turn:
    return Turn(nn.Identity(), critic, real, fake, Noise(seed, len(real)), "critic")


def penalty(term: Term, critic: nn.Module, real: Tensor, fake: Tensor, seed: int = 0) -> Tensor:
    return term(turn_of(critic, real, fake, seed))


SHAPES = [(1,), (2,), (300,), (1, 28, 28), (3, 8, 8), (4, 2, 3, 5)]


@pytest.mark.parametrize("batch", [1, 16, 64])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_penalty_of_a_linear_critic(shape: tuple[int, ...], batch: int) -> None:
    """The norm is over all of a sample's entries and of nothing else: (c - 1)^2 at any batch size and shape."""
    real, fake = torch.randn(batch, *shape), 5 + torch.randn(batch, *shape)
    for norm in (1.0, 0.25, 3.0):
        critic = Linear(shape, norm)
        assert penalty(GradientPenalty(), critic, real, fake).item() == pytest.approx((norm - 1) ** 2, abs=1e-5)
        assert penalty(GradientPenalty(2.0), critic, real, fake).item() == pytest.approx((norm - 2) ** 2, abs=1e-5)
        sided = penalty(GradientPenalty(one_sided=True), critic, real, fake).item()
        assert sided == pytest.approx(max(norm - 1, 0) ** 2, abs=1e-5)
        assert penalty(R1(), critic, real, fake).item() == pytest.approx(norm**2 / 2, rel=1e-5)


def test_closed_forms_on_a_quadratic_critic() -> None:
    a = torch.randn(5, 5)
    a = a + a.T
    real, fake = torch.randn(9, 5), 2 * torch.randn(9, 5)
    ax = (real.double() @ a.double()).numpy()
    assert penalty(R1(), Quadratic(a), real, fake).item() == pytest.approx((ax**2).sum(1).mean() / 2, rel=1e-5)
    # Where real and generated samples are the same points, so are those between them.
    wanted = ((np.linalg.norm(ax, axis=1) - 1) ** 2).mean()
    assert penalty(GradientPenalty(), Quadratic(a), real, real.clone()).item() == pytest.approx(wanted, rel=1e-5)
    # With the same e of each sample: x = e real + (1 - e) fake.
    e = Noise(4, 9).uniform(1)
    between = (e * real + (1 - e) * fake).double().numpy() @ a.double().numpy()
    wanted = ((np.linalg.norm(between, axis=1) - 1) ** 2).mean()
    assert penalty(GradientPenalty(), Quadratic(a), real, fake, seed=4).item() == pytest.approx(wanted, rel=1e-5)


def test_r1_looks_at_real_samples_only() -> None:
    critic, real = Quadratic(torch.eye(3)), torch.randn(6, 3)
    assert torch.equal(penalty(R1(), critic, real, torch.zeros(6, 3)), penalty(R1(), critic, real, torch.ones(6, 3)))
    assert penalty(R1(), critic, 2 * real, real).item() == pytest.approx(4 * penalty(R1(), critic, real, real).item())


class Watching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach())
        return x.square().flatten(1).sum(1)


def test_the_points_lie_between_real_and_generated_one_number_a_sample() -> None:
    critic, n = Watching(), 4000
    real, fake = torch.full((n, 3, 2, 2), 5.0), torch.full((n, 3, 2, 2), 3.0)
    penalty(GradientPenalty(), critic, real, fake)
    (points,) = critic.seen
    share = ((points - 3) / 2).flatten(1)
    assert share.std(1).max() < 1e-5  # one e for all of a sample's entries
    assert stats.kstest(share[:, 0].double().numpy(), "uniform").pvalue > 1e-3


def test_the_numbers_come_from_the_turns_noise() -> None:
    real, fake, critic = torch.randn(8, 3), torch.randn(8, 3), Quadratic(torch.diag(torch.arange(1.0, 4.0)))
    first = penalty(GradientPenalty(), critic, real, fake, seed=1)
    torch.manual_seed(5)
    assert torch.equal(first, penalty(GradientPenalty(), critic, real, fake, seed=1))
    assert not torch.equal(first, penalty(GradientPenalty(), critic, real, fake, seed=2))


@pytest.mark.parametrize("batch", [1, 7])
def test_heads_are_summed_and_their_positions_averaged(batch: int) -> None:
    class Patches(nn.Module):
        """<u, x> at each of 3 x 2 positions: averaged, its gradient is u."""

        def __init__(self, u: Tensor) -> None:
            super().__init__()
            self.u = u

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.u)[:, None, None, None].expand(-1, 1, 3, 2)

    first, u = Linear((4,), 1.5), torch.randn(4)
    critic, real = Heads(first, Patches(u)), torch.randn(batch, 4)
    norm = (first.w + u).norm().item()
    assert penalty(GradientPenalty(), critic, real, real + 1).item() == pytest.approx((norm - 1) ** 2, abs=1e-5)
    assert penalty(R1(), critic, real, real).item() == pytest.approx(norm**2 / 2, rel=1e-5)


@pytest.mark.parametrize("term", [GradientPenalty(), GradientPenalty(one_sided=True), R1()])
def test_parameter_gradient_is_finite_at_a_zero_input_gradient(term: Term) -> None:
    critic = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        nn.init.constant_(critic[0].bias, -1e3)  # type: ignore[arg-type]  # a flat region: every unit is off
    cost = penalty(term, critic, torch.randn(5, 3), torch.randn(5, 3))
    assert cost.item() == (1.0 if isinstance(term, GradientPenalty) and not term.one_sided else 0.0)
    for gradient in torch.autograd.grad(cost, list(critic.parameters()), allow_unused=True):
        assert gradient is None or torch.isfinite(gradient).all()
    quadratic = Quadratic(torch.eye(3))
    cost = penalty(term, quadratic, torch.zeros(5, 3), torch.zeros(5, 3))
    assert torch.isfinite(torch.autograd.grad(cost, quadratic.a)[0]).all()


@pytest.mark.parametrize("term", [GradientPenalty(), GradientPenalty(0.3, one_sided=True), R1()])
def test_parameter_gradients_equal_finite_differences(term: Term) -> None:
    torch.manual_seed(1)
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Softplus(), nn.Linear(4, 1)).double()
    real, fake = torch.randn(6, 3).double(), torch.randn(6, 3).double()

    def cost() -> Tensor:
        return penalty(term, critic, real, fake)

    for parameter in critic.parameters():
        (exact,) = torch.autograd.grad(cost(), parameter, allow_unused=True)
        exact = torch.zeros_like(parameter) if exact is None else exact
        flat = parameter.data.view(-1)
        for i in range(flat.numel()):
            kept, h = flat[i].item(), 1e-6
            figures = []
            for moved in (kept + h, kept - h):
                flat[i] = moved
                figures.append(cost().item())
            flat[i] = kept
            assert exact.view(-1)[i].item() == pytest.approx((figures[0] - figures[1]) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("term", [GradientPenalty(), R1()])
def test_gradients_reach_the_critic_and_not_the_samples(term: Term) -> None:
    critic, generator = MLPCritic((2,), (8,)), MLPGenerator((2,), 3, (8,))
    real = torch.randn(6, 2, requires_grad=True)
    turn = Turn(generator, critic, real, torch.randn(6, 3), Noise(0, 6), "critic", keep=True)
    term(turn).backward()
    assert all(p.grad is None for p in generator.parameters())
    assert real.grad is None
    assert critic.stages[0][0].weight.grad.abs().max() > 0  # type: ignore[index, union-attr]


@pytest.mark.parametrize("term", [GradientPenalty(), R1()])
def test_penalties_are_float32_under_autocast(term: Term) -> None:
    critic = MLPCritic((2,), (64,))
    real, fake = torch.randn(16, 2), torch.randn(16, 2)
    full = penalty(term, critic, real, fake)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = penalty(term, critic, real, fake)
        from_half = penalty(term, critic, real, fake.bfloat16())
    assert mixed.dtype == from_half.dtype == torch.float32
    assert torch.equal(full, mixed)


@pytest.mark.parametrize("term", [GradientPenalty, R1])
@pytest.mark.parametrize("critic", [
    DCGANCritic((3, 16, 16), 4, "batch"), MLPCritic((2,), norm="batch"), nn.Sequential(nn.SyncBatchNorm(2)),
    Panel(MLPCritic((2,)), MLPCritic((2,), norm="batch")),
], ids=["dcgan", "mlp", "sync", "panel"])
def test_batch_normalisation_is_refused_with_the_reason(term: type[GradientTerm], critic: nn.Module) -> None:
    with pytest.raises(UserError, match="batch normalisation") as caught:
        Duel(nn.Identity(), critic, WGAN, Latent(2), critic_terms=[Weighted("penalty", term())])
    assert "contains the others" in caught.value.wanted
    assert "--norm-critic" in caught.value.remedy


@pytest.mark.parametrize("norm", ["instance", "spectral", "none"])
def test_other_normalisations_are_taken(norm: str) -> None:
    for critic in (DCGANCritic((3, 16, 16), 4, norm), MLPCritic((2,), norm=norm)):  # type: ignore[arg-type]
        Duel(nn.Identity(), critic, WGAN, Latent(2), critic_terms=[Weighted("penalty", GradientPenalty())])


class Constant(Term):
    def forward(self, turn: Turn) -> Tensor:
        return torch.tensor(3.0)


@pytest.mark.parametrize("every", [1, 2, 5, 16])
def test_lazy_terms_keep_their_mean_weight(every: int) -> None:
    weighted = Weighted("term", Constant(), weight=0.5, every=every)
    turn = turn_of(Critic(), torch.zeros(1, 1), torch.zeros(1, 1))
    costs = [weighted.cost(turn).item() if weighted.due(step) else 0.0 for step in range(80)]
    assert np.mean(costs) == pytest.approx(1.5)
    assert np.count_nonzero(costs) == 80 // every
    assert costs[0] == 1.5 * every


@pytest.mark.parametrize(("weight", "every"), [(-1.0, 1), (1.0, 0), (math.nan, 1)])
def test_bad_weights_are_refused(weight: float, every: int) -> None:
    with pytest.raises(UserError, match="weight >= 0 and every >= 1"):
        Weighted("term", Constant(), weight, every)


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan])
def test_bad_targets_are_refused(target: float) -> None:
    with pytest.raises(UserError, match="a norm above 0"):
        GradientPenalty(target)
