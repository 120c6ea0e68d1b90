"""Gradient penalties on critics whose gradients are known by hand, and against finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import (
    R1,
    R2,
    Consistency,
    Duel,
    GradientPenalty,
    GradientPower,
    GradientTerm,
    HistoricalAverage,
    Latent,
    LeCam,
    Lens,
    Noise,
    Orthogonal,
    Round,
    Term,
    Turn,
    Weighted,
)
from ganworks.nets import DCGANCritic, MLPCritic, MLPGenerator, Panel, Verdict

WGAN = objective_named("wgan")
SHAPES = [(1,), (2,), (300,), (1, 28, 28), (3, 8, 8), (4, 2, 3, 5)]
PLACES = ("between", "real", "fake", "around")
KINDS: dict[str, Callable[[], GradientTerm]] = {
    "two": GradientPenalty, "one": lambda: GradientPenalty(0.25, "one"),
    "linear": lambda: GradientPenalty(0.25, "linear"),
    "zero": lambda: GradientPenalty(0.0), "zero linear": lambda: GradientPenalty(0.0, "linear"),
    "real": lambda: GradientPenalty(at="real"), "fake": lambda: GradientPenalty(at="fake"),
    "around": lambda: GradientPenalty(at="around"), "most": lambda: GradientPenalty(0.2, over="most"),
    "max-gp": lambda: GradientPenalty(0.0, over="most"), "div": GradientPower, "power 1.5": lambda: GradientPower(1.5),
    "power 1": lambda: GradientPower(1.0), "r1": R1, "r2": R2}


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


def penalty(term: Term, critic: nn.Module, real: Tensor, fake: Tensor, seed: int = 0) -> Tensor:
    return term(Turn(nn.Identity(), critic, real, fake, Noise(seed, len(real)), "critic"))


def smooth_critic() -> nn.Module:
    """Some of its gradients are longer than 0.25 and some are shorter."""
    torch.manual_seed(1)
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Softplus(), nn.Linear(4, 1)).double()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.mul_(2)
    return critic


def differences(cost: Callable[[], Tensor], of: Tensor, h: float = 1e-6) -> Tensor:
    """Return central differences of a scalar with respect to each entry of a tensor that it looks at."""
    flat, found = of.data.view(-1), torch.empty(of.numel(), dtype=of.dtype)
    for i in range(flat.numel()):
        kept, figures = flat[i].item(), []
        for moved in (kept + h, kept - h):
            flat[i] = moved
            figures.append(cost().item())
        flat[i] = kept
        found[i] = (figures[0] - figures[1]) / (2 * h)
    return found.view_as(of)


@pytest.mark.parametrize("batch", [1, 16, 64])
@pytest.mark.parametrize("shape", SHAPES)
def test_penalties_of_a_linear_critic(shape: tuple[int, ...], batch: int) -> None:
    """The norm is over all of a sample's entries and of nothing else, at any batch size, shape and place."""
    real, fake = torch.randn(batch, *shape), 5 + torch.randn(batch, *shape)
    for norm in (1.0, 0.25, 3.0):
        critic = Linear(shape, norm)
        wanted = {
            GradientPenalty(): (norm - 1) ** 2, GradientPenalty(2.0): (norm - 2) ** 2,
            GradientPenalty(0.0): norm**2, GradientPenalty(0.0, over="most"): norm**2,
            GradientPenalty(side="one"): max(norm - 1, 0) ** 2, GradientPenalty(side="linear"): max(norm - 1, 0),
            GradientPenalty(2.0, over="most"): (norm - 2) ** 2, GradientPower(): norm**6, GradientPower(3.0): norm**3,
            R1(): norm**2 / 2, R2(): norm**2 / 2,
            **{GradientPenalty(at=place): (norm - 1) ** 2 for place in PLACES},  # type: ignore[arg-type]
        }
        for term, value in wanted.items():
            assert penalty(term, critic, real, fake).item() == pytest.approx(value, abs=1e-5, rel=1e-5)


def norms_at(a: Tensor, points: Tensor) -> np.ndarray:
    return np.linalg.norm(points.double().numpy() @ a.double().numpy(), axis=1)


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_closed_forms_on_a_quadratic_critic(batch: int) -> None:
    a = torch.randn(5, 5)
    a = a + a.T
    real, fake = torch.randn(batch, 5), 2 * torch.randn(batch, 5)
    e = Noise(4, batch).uniform(1)  # the e that the terms will draw
    between, on_real, on_fake = norms_at(a, e * real + (1 - e) * fake), norms_at(a, real), norms_at(a, fake)
    wanted = {
        R1(): (on_real**2).mean() / 2, R2(): (on_fake**2).mean() / 2,
        GradientPenalty(): ((between - 1) ** 2).mean(),
        GradientPenalty(4.0, "one"): (np.maximum(between - 4, 0) ** 2).mean(),
        GradientPenalty(4.0, "linear"): np.maximum(between - 4, 0).mean(),
        GradientPenalty(4.0, over="most"): ((between - 4) ** 2).max(),
        GradientPenalty(0.0, over="most"): (between**2).max(),
        GradientPenalty(2.0, at="real"): ((on_real - 2) ** 2).mean(),
        GradientPenalty(2.0, at="fake"): ((on_fake - 2) ** 2).mean(),
        GradientPower(): (between**6).mean(), GradientPower(3.0, "real"): (on_real**3).mean(),
        GradientPower(1.0, "fake"): on_fake.mean()}
    for term, value in wanted.items():
        assert penalty(term, Quadratic(a), real, fake, seed=4).item() == pytest.approx(value, rel=1e-5), term
    # Where real and generated samples are the same points, so are those between them.
    same = penalty(GradientPenalty(), Quadratic(a), real, real.clone()).item()
    assert same == pytest.approx(((on_real - 1) ** 2).mean(), rel=1e-5)
    critic, seen = Quadratic(a), []
    critic.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    around = penalty(GradientPenalty(at="around"), critic, real, fake).item()
    assert around == pytest.approx(((norms_at(a, seen[0]) - 1) ** 2).mean(), rel=1e-5)


class Watching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach())
        return x.square().flatten(1).sum(1)


def test_points_between_lie_between_real_and_generated_one_number_a_sample() -> None:
    critic, n = Watching(), 4000
    real, fake = torch.full((n, 3, 2, 2), 5.0), torch.full((n, 3, 2, 2), 3.0)
    penalty(GradientPenalty(), critic, real, fake)
    (points,) = critic.seen
    share = ((points - 3) / 2).flatten(1)
    assert share.std(1).max() < 1e-5  # one e for all of a sample's entries
    assert stats.kstest(share[:, 0].double().numpy(), "uniform").pvalue > 1e-3


def test_points_around_real_samples_are_as_far_as_half_their_deviation() -> None:
    """x + e u s / 2: e is one a sample and u one an entry, so the largest entry of a long sample is e s / 2."""
    critic, n = Watching(), 500
    real = 3 * torch.randn(n, 2, 20, 20) + 7
    penalty(GradientPenalty(at="around"), critic, real, torch.zeros_like(real))
    half = real.numpy().std() / 2
    away = ((critic.seen[0] - real).flatten(1) / half).double()
    assert away.min() > -1e-5
    assert away.max() < 1 + 1e-5
    e = away.max(1).values
    assert stats.kstest(e.numpy(), "uniform").pvalue > 1e-3
    within = (away / e[:, None])[e > 0.1]
    assert stats.kstest(within.flatten()[:20_000].numpy(), "uniform").pvalue > 1e-4
    assert np.corrcoef(away[:, 0], away[:, 1])[0, 1] < 0.9  # not one u for all of a sample's entries


def test_terms_look_where_they_say() -> None:
    critic, real = Quadratic(torch.eye(3)), torch.randn(6, 3)
    for term in (R1(), GradientPenalty(at="real"), GradientPenalty(at="around"), GradientPower(at="real")):
        costs = [penalty(term, critic, real, fake) for fake in (torch.zeros(6, 3), torch.ones(6, 3))]
        assert torch.equal(*costs), term
    for term in (R2(), GradientPenalty(at="fake"), GradientPower(at="fake")):
        costs = [penalty(term, critic, other, real) for other in (torch.zeros(6, 3), torch.ones(6, 3))]
        assert torch.equal(*costs), term
    assert penalty(R2(), critic, real, 2 * real) == 4 * penalty(R1(), critic, real, 2 * real)


def test_the_numbers_come_from_the_turns_noise() -> None:
    real, fake, critic = torch.randn(8, 3), torch.randn(8, 3), Quadratic(torch.diag(torch.arange(1.0, 4.0)))
    for term in (GradientPenalty(), GradientPenalty(at="around"), GradientPower()):
        first = penalty(term, critic, real, fake, seed=1)
        torch.manual_seed(5)
        assert torch.equal(first, penalty(term, critic, real, fake, seed=1))
        assert not torch.equal(first, penalty(term, critic, real, fake, seed=2))


@pytest.mark.parametrize("kind", ["real", "fake", "r1", "r2", "max-gp", "most"])
def test_a_batch_twice_costs_the_same(kind: str) -> None:
    critic, real, fake = smooth_critic(), torch.randn(6, 3).double(), torch.randn(6, 3).double()
    if kind in ("max-gp", "most"):  # whose points are drawn: the same where both kinds are the same points
        fake = real.clone()
    once = penalty(KINDS[kind](), critic, real, fake)
    twice = penalty(KINDS[kind](), critic, torch.cat([real, real]), torch.cat([fake, fake]))
    assert twice.item() == pytest.approx(once.item(), rel=1e-12)


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


@pytest.mark.parametrize("kind", KINDS)
def test_parameter_gradient_is_finite_at_a_zero_input_gradient(kind: str) -> None:
    term = KINDS[kind]()
    at_zero = term.target**2 if isinstance(term, GradientPenalty) and term.side == "two" else 0.0
    critic = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        nn.init.constant_(critic[0].bias, -1e3)  # type: ignore[arg-type]  # a flat region: every unit is off
    cost = penalty(term, critic, torch.randn(5, 3), torch.randn(5, 3))
    assert cost.item() == pytest.approx(at_zero)
    for gradient in torch.autograd.grad(cost, list(critic.parameters()), allow_unused=True):
        assert gradient is None or torch.isfinite(gradient).all()
    quadratic = Quadratic(torch.eye(3))
    cost = penalty(term, quadratic, torch.zeros(5, 3), torch.zeros(5, 3))
    assert torch.isfinite(torch.autograd.grad(cost, quadratic.a)[0]).all()


class Turned(Lens):
    """x with its entries in another order."""

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        return x.roll(1, -1)


def anchored(real: float, fake: float) -> LeCam:
    term = LeCam()
    means = {"on_real": torch.tensor([real]), "on_fake": torch.tensor([fake])}
    term.played("critic", [Round({}, 0, Noise(0, 1), signals=means)], lambda x: x)
    return term


def remembering(critic: nn.Module) -> HistoricalAverage:
    """The average of the critic's weights of a move ago, from which they have gone away since."""
    term = HistoricalAverage("critic", critic)
    term.played("critic", [], lambda x: x)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.add_(torch.randn_like(parameter))
    return term


OTHERS: dict[str, Callable[[nn.Module], Term]] = {
    "lecam": lambda critic: anchored(0.7, -0.4), "cr": lambda critic: Consistency(Turned()),
    "bcr": lambda critic: Consistency(Turned(), "fake"), "orthogonal": lambda critic: Orthogonal("critic"),
    "history": remembering}


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_lecam_and_consistency_of_linear_and_quadratic_critics(batch: int) -> None:
    real, fake, a = torch.randn(batch, 5), torch.randn(batch, 5), torch.randn(5, 5)
    for critic in (Linear((5,), 1.5), Quadratic(a + a.T)):
        on_real, on_fake, turned, turned_fake = (
            critic(x).detach().double().numpy() for x in (real, fake, real.roll(1, -1), fake.roll(1, -1)))
        wanted = {anchored(0.7, -0.4): np.mean((on_real + 0.4) ** 2) + np.mean((on_fake - 0.7) ** 2),
                  Consistency(Turned()): np.mean((on_real - turned) ** 2),
                  Consistency(Turned(), "fake"): np.mean((on_fake - turned_fake) ** 2)}
        for term, value in wanted.items():
            assert penalty(term, critic, real, fake).item() == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_parameter_gradients_equal_finite_differences(kind: str) -> None:
    critic = smooth_critic()
    term = KINDS[kind]() if kind in KINDS else OTHERS[kind](critic).double()
    real, fake = torch.randn(6, 3).double(), torch.randn(6, 3).double()

    def cost() -> Tensor:
        return penalty(term, critic, real, fake)

    moved = 0.0
    for parameter in critic.parameters():
        (exact,) = torch.autograd.grad(cost(), parameter, allow_unused=True)
        exact = torch.zeros_like(parameter) if exact is None else exact
        torch.testing.assert_close(exact, differences(cost, parameter), rtol=1e-5, atol=1e-8)
        moved = max(moved, exact.abs().max().item())
    assert moved > 1e-5  # or this would compare zeros


@pytest.mark.parametrize("kind", KINDS)
def test_a_foreseen_critic_is_steered_through_the_generated_samples(kind: str) -> None:
    """In the turn that learns "both", cost and parameter gradient depend on the fake samples as they should."""
    critic, term = smooth_critic(), KINDS[kind]()
    real, fake = torch.randn(4, 3).double(), torch.randn(4, 3).double().requires_grad_()
    parameters = list(critic.parameters())
    along = [torch.randn_like(p) for p in parameters]

    def cost() -> Tensor:
        return term(Turn(nn.Identity(), critic, real, fake, Noise(0, 4), "both"))

    def slope() -> Tensor:
        """The directional derivative of the cost in the parameters: what a step of the critic is made of."""
        slopes = torch.autograd.grad(cost(), parameters, create_graph=True, allow_unused=True)
        return torch.stack([(s * a).sum() for s, a in zip(slopes, along, strict=True) if s is not None]).sum()

    looks_at_fake = kind not in ("real", "around", "r1")
    for figure in (cost, slope):
        (exact,) = torch.autograd.grad(figure(), fake, allow_unused=True)
        if not looks_at_fake:
            assert exact is None
            continue
        assert exact is not None
        assert exact.abs().max() > 1e-5
        torch.testing.assert_close(exact, differences(figure, fake), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_the_foreseen_slope_is_finite_at_a_zero_input_gradient(kind: str) -> None:
    quadratic, fake = Quadratic(torch.eye(3)), torch.zeros(5, 3, requires_grad=True)
    cost = KINDS[kind]()(Turn(nn.Identity(), quadratic, torch.zeros(5, 3), fake, Noise(0, 5), "both"))
    (slope,) = torch.autograd.grad(cost, quadratic.a, create_graph=True)
    (exact,) = torch.autograd.grad(slope.sum(), fake, allow_unused=True)
    assert exact is None or torch.isfinite(exact).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_critic_and_not_the_samples(kind: str) -> None:
    critic, generator = MLPCritic((2,), (8,)), MLPGenerator((2,), 3, (8,))
    real = torch.randn(6, 2, requires_grad=True)
    turn = Turn(generator, critic, real, torch.randn(6, 3), Noise(0, 6), "critic", keep=True)
    KINDS[kind]()(turn).backward()
    assert all(p.grad is None for p in generator.parameters())
    assert real.grad is None
    assert critic.stages[0][0].weight.grad.abs().max() > 0  # type: ignore[index, union-attr]


def test_packed_samples_are_judged_packed() -> None:
    """Of a critic that judges pairs, the gradient is with respect to the pair."""
    critic, real, fake = Linear((4,), 3.0), torch.randn(6, 2), torch.randn(6, 2)
    for place in PLACES:
        turn = Turn(nn.Identity(), critic, real, fake, Noise(0, 6), "critic", pack=2)
        assert GradientPenalty(at=place)(turn).item() == pytest.approx(4, rel=1e-5)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_penalties_are_float32_under_autocast(kind: str) -> None:
    critic, term = MLPCritic((2,), (64,)), KINDS[kind]()
    real, fake = torch.randn(16, 2), torch.randn(16, 2)
    full = penalty(term, critic, real, fake)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = penalty(term, critic, real, fake)
        from_half = penalty(term, critic, real.bfloat16(), fake.bfloat16())
    assert mixed.dtype == from_half.dtype == torch.float32
    assert torch.equal(full, mixed)


@pytest.mark.parametrize("term", [GradientPenalty, GradientPower, R1, R2])
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


@pytest.mark.parametrize("target", [-1.0, math.nan, math.inf])
def test_bad_targets_are_refused(target: float) -> None:
    with pytest.raises(UserError, match="a norm of at least 0"):
        GradientPenalty(target)


@pytest.mark.parametrize(("make", "wanted"), [
    (lambda: GradientPenalty(side="on"), "did you mean 'one'"), (lambda: GradientPenalty(at="reel"), "'real'"),
    (lambda: GradientPenalty(over="max"), "mean, most"), (lambda: GradientPower(0.5), "at least 1"),
    (lambda: GradientPower(math.nan), "at least 1"), (lambda: GradientPower(at="arund"), "'around'")])
def test_bad_choices_are_refused(make: Callable[[], Term], wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        make()


def unit_gradient(batch: int) -> Sequence[Tensor]:
    return torch.randn(batch, 3, 4, 4), torch.randn(batch, 3, 4, 4)


@pytest.mark.parametrize("batch", [1, 16, 64])
@pytest.mark.parametrize("side", ["two", "one", "linear"])
def test_a_critic_of_gradient_norm_one_costs_nothing(batch: int, side: str) -> None:
    """Also one whose gradient turns: the distance from a point."""
    class Distance(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.vector_norm(x.flatten(1) - 9, dim=1)

    for critic in (Linear((3, 4, 4), 1.0), Distance()):
        for over in ("mean", "most"):
            for place in PLACES:
                term = GradientPenalty(1.0, side, place, over)  # type: ignore[arg-type]
                assert penalty(term, critic, *unit_gradient(batch)).item() == pytest.approx(0, abs=1e-6)
