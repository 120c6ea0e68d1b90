"""Unrolled GANs against closed forms, plain autograd by hand, torch's own optimisers, and finite differences."""

from __future__ import annotations

import copy
import functools
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganworks.errors import UserError
from ganworks.game import R1, Duel, GradientPenalty, Latent, Noise, Term, Turn, Unrolled, Weighted, memory
from ganworks.game.memory import free_bytes
from ganworks.nets import Critic, DCGANCritic, MLPCritic
from ganworks.nets.contract import as_verdict, judges_alone
from ganworks.objective import Objective

BILINEAR = Objective("bilinear", phi=lambda v: v, psi=lambda v: -v, beta=lambda v: v)
NS = Objective("ns", phi=lambda v: F.softplus(-v), psi=F.softplus, beta=lambda v: F.softplus(-v))
RATE, BETAS = 0.07, (0.5, 0.9)
GAMMA = 0.8
ROWS, WIDE, SIZE = 6, 5, 2


class Theta(nn.Module):
    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta * torch.ones(len(z), 1, dtype=torch.float64)


class Psi(nn.Module):
    def __init__(self, psi: float) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.psi * x[:, 0]


class Smooth(Critic):
    """A critic of one hidden layer, whose gradient can be written down."""

    judges_alone = True

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(SIZE, WIDE), nn.Linear(WIDE, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(torch.tanh(self.inner(x)))[:, 0]


class Ridge(Term):
    """A term that reads the critic's weights."""

    def forward(self, turn: Turn) -> Tensor:
        return functools.reduce(torch.add, [p.square().sum() for p in turn.critic.parameters()])


def duel(foresight: Unrolled | None, critic: nn.Module | None = None, size: int = SIZE, **more: object) -> Duel:
    torch.manual_seed(3)
    generator = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, size)).double()
    return Duel(generator, (critic or Smooth()).double(), NS, Latent64(3), foresight=foresight,
                **more)  # type: ignore[arg-type]


class Latent64(Latent):
    def draw(self, noise: Noise) -> Tensor:
        return super().draw(noise).double()


def batch(size: int = SIZE) -> dict[str, Tensor]:
    return {"sample": torch.randn(ROWS, size, dtype=torch.float64, generator=torch.Generator().manual_seed(8)) + 1}


def cost_of(game: Duel, size: int = SIZE) -> Tensor:
    round = game.open(batch(size), 0, Noise(7, ROWS))
    return functools.reduce(torch.add, game.generator_cost(round).values())


def gradient_of(game: Duel, size: int = SIZE) -> Tensor:
    found = torch.autograd.grad(cost_of(game, size), list(game.generator.parameters()))
    return torch.cat([g.reshape(-1) for g in found])


@pytest.mark.parametrize("steps", [0, 1, 3, 5])
@pytest.mark.parametrize("first_order", [False, True])
def test_bilinear_closed_form(steps: int, first_order: bool) -> None:
    """f = theta psi: psi_K = psi + K eta theta and d f_K / d theta = psi + 2 K eta theta; psi + K eta theta without."""
    theta, psi, eta = 0.7, -1.3, 0.2
    game = Duel(Theta(theta), Psi(psi), BILINEAR, Latent(1), foresight=Unrolled(steps, eta, first_order=first_order))
    round = game.open({"sample": torch.zeros(4, 1, dtype=torch.float64)}, 0, Noise(0, 4))
    (cost,) = game.generator_cost(round).values()
    assert cost.item() == pytest.approx(theta * (psi + steps * eta * theta), abs=1e-14)
    cost.backward(inputs=[game.generator.theta])
    factor = 1 if first_order else 2
    assert game.generator.theta.grad.item() == pytest.approx(psi + factor * steps * eta * theta, abs=1e-14)


# ---- the whole meta-gradient by hand

def judged(weights: list[Tensor], x: Tensor) -> Tensor:
    w, b, u, c = weights
    return torch.tanh(x @ w.T + b) @ u[0] + c


def slope(weights: list[Tensor], x: Tensor) -> Tensor:
    """Return the gradient of ``judged`` by x, (N, SIZE), written down."""
    w, b, u, _ = weights
    return (u[0] * (1 - torch.tanh(x @ w.T + b) ** 2)) @ w


def critic_cost(weights: list[Tensor], real: Tensor, fake: Tensor, penalty: str, noise: Noise) -> Tensor:
    cost = F.softplus(-judged(weights, real)).mean() + F.softplus(judged(weights, fake)).mean()
    if penalty == "r1":
        return cost + GAMMA / 2 * slope(weights, real).square().sum(1).mean()
    if penalty == "gp":
        e = noise.uniform(1).double()
        return cost + GAMMA * (slope(weights, e * real + (1 - e) * fake).square().sum(1).sqrt() - 1).square().mean()
    return cost


def by_hand(game: Duel, steps: int, optimiser: str, penalty: str) -> Tensor:
    noise = Noise(7, ROWS)
    real, fake = batch()["sample"], game.generator(noise.normal(3).double())
    weights: list[Tensor] = list(game.critic.parameters())
    first = second = [torch.zeros_like(w) for w in weights]
    for t in range(1, steps + 1):
        g = torch.autograd.grad(critic_cost(weights, real, fake, penalty, noise), weights, create_graph=True)
        if optimiser == "sgd":
            weights = [w - RATE * d for w, d in zip(weights, g, strict=True)]
            continue
        first = [BETAS[0] * m + (1 - BETAS[0]) * d for m, d in zip(first, g, strict=True)]
        second = [BETAS[1] * v + (1 - BETAS[1]) * d * d for v, d in zip(second, g, strict=True)]
        weights = [w - RATE * (m / (1 - BETAS[0] ** t)) / ((v / (1 - BETAS[1] ** t)) ** 0.5 + 1e-8)
                   for w, m, v in zip(weights, first, second, strict=True)]
    cost = F.softplus(-judged(weights, fake)).mean()
    return torch.cat([d.reshape(-1) for d in torch.autograd.grad(cost, list(game.generator.parameters()))])


TERMS = {"none": [], "r1": [Weighted("r1", R1(), GAMMA)], "gp": [Weighted("gp", GradientPenalty(), GAMMA)]}


@pytest.mark.parametrize("penalty", TERMS)
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("steps", [0, 1, 3, 5])
def test_meta_gradient_is_that_by_hand(steps: int, optimiser: str, penalty: str) -> None:
    foresight = Unrolled(steps, RATE, optimiser, BETAS)  # type: ignore[arg-type]
    game = duel(foresight, critic_terms=TERMS[penalty])
    found, wanted = gradient_of(game), by_hand(game, steps, optimiser, penalty)
    assert wanted.abs().max() > 1e-3
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)
    if steps:  # not what the plain game says
        assert (found - by_hand(game, 0, optimiser, penalty)).abs().max() > 1e-3


def test_terms_that_are_not_due_are_no_part_of_it() -> None:
    lazy = duel(Unrolled(2, RATE), critic_terms=[Weighted("r1", R1(), GAMMA, every=2)])
    round = lazy.open(batch(), 1, Noise(7, ROWS))
    (cost,) = lazy.generator_cost(round).values()
    torch.testing.assert_close(cost, cost_of(duel(Unrolled(2, RATE))), rtol=0, atol=0)


@pytest.mark.parametrize(("optimiser", "penalty", "pack"), [("sgd", "gp", 1), ("adam", "r1", 1), ("adam", "none", 2)])
def test_finite_differences_of_the_unrolled_cost(optimiser: str, penalty: str, pack: int) -> None:
    critic = nn.Sequential(nn.Linear(SIZE * pack, WIDE), nn.Tanh(), nn.Linear(WIDE, 1))
    game = duel(Unrolled(3, RATE, optimiser, BETAS), critic, critic_terms=TERMS[penalty],  # type: ignore[arg-type]
                pack=pack)
    found, differences, h = gradient_of(game), [], 1e-5
    for p in game.generator.parameters():
        for i in range(p.numel()):
            ends = []
            for side in (h, -h):
                with torch.no_grad():
                    p.view(-1)[i] += side
                ends.append(cost_of(game).item())
                with torch.no_grad():
                    p.view(-1)[i] -= side
            differences.append((ends[0] - ends[1]) / (2 * h))
    torch.testing.assert_close(found, torch.tensor(differences, dtype=torch.float64), rtol=1e-6, atol=1e-8)


# ---- the foreseen critic is what torch's optimisers make of a copy

def convolutions(norm: str) -> nn.Module:
    return DCGANCritic((1, 8, 8), 3, norm)  # type: ignore[arg-type]


CRITICS: dict[str, Callable[[], nn.Module]] = {
    "smooth": Smooth, "batch": lambda: MLPCritic((SIZE,), (WIDE, WIDE), "batch"),
    "spectral": lambda: MLPCritic((SIZE,), (WIDE, WIDE), "spectral")}


def trained(game: Duel, steps: int, optimiser: str) -> nn.Module:
    """Return a copy of the critic after steps of the plain kind on the same round."""
    plain = Duel(game.generator, copy.deepcopy(game.critic), NS, game.latent, critic_terms=game.critic_terms)
    weights = list(plain.critic.parameters())
    stepper = (torch.optim.SGD(weights, RATE) if optimiser == "sgd" else torch.optim.Adam(weights, RATE, BETAS))
    for _ in range(steps):
        stepper.zero_grad()
        round = plain.open(batch(), 0, Noise(7, ROWS))
        functools.reduce(torch.add, plain.critic_cost(round).values()).backward(inputs=weights)
        stepper.step()
    return plain.critic


def foreseen(game: Duel) -> nn.Module:
    turn = Turn(game.generator, game.critic, batch()["sample"], Noise(7, ROWS).normal(3).double(), Noise(1, ROWS),
                "generator")
    assert game.foresight is not None
    return game.foresight(
        turn, lambda ahead: functools.reduce(torch.add, game.critic_costs(ahead).values())).critic


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("kind", CRITICS)
def test_the_foreseen_critic_is_a_copy_that_was_trained(kind: str, optimiser: str, first_order: bool) -> None:
    """Weights and buffers: batch statistics and the vectors of spectral normalisation go on too, those of the copy."""
    torch.manual_seed(1)
    terms = [Weighted("ridge", Ridge(), 0.1)]
    foresight = Unrolled(3, RATE, optimiser, BETAS, first_order)  # type: ignore[arg-type]
    game = duel(foresight, CRITICS[kind](), critic_terms=terms)
    ahead, wanted = foreseen(game), trained(game, 3, optimiser)
    x = torch.randn(ROWS, SIZE, dtype=torch.float64)
    for mode in (True, False):
        for critic in (ahead, wanted):
            critic.train(mode)
        found, other = (as_verdict(critic(x)).scores[0] for critic in (ahead, wanted))
        torch.testing.assert_close(found, other, rtol=1e-9, atol=1e-9)
    game.critic.train()
    assert (as_verdict(game.critic(x)).scores[0] - found).abs().max() > 1e-3
    assert judges_alone(ahead) is judges_alone(game.critic)


@pytest.mark.parametrize("kind", [*CRITICS, "convolutions"])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_the_critic_is_left_as_it_is(kind: str, optimiser: str) -> None:
    torch.manual_seed(1)
    critic = convolutions("spectral") if kind == "convolutions" else CRITICS[kind]()
    size = 64 if kind == "convolutions" else SIZE
    game = duel(Unrolled(2, RATE, optimiser), critic, size)  # type: ignore[arg-type]
    if kind == "convolutions":
        game.generator.append(nn.Unflatten(1, (1, 8, 8)))
    before = {name: tensor.clone() for name, tensor in game.critic.state_dict().items()}
    weights = list(game.critic.parameters())
    real = batch(size)["sample"]
    round = game.open({"sample": real.view(-1, 1, 8, 8) if size == 64 else real}, 0, Noise(7, ROWS))
    (cost,) = game.generator_cost(round).values()
    cost.backward(inputs=list(game.generator.parameters()))
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in game.generator.parameters())
    assert all(p.grad is None for p in game.critic.parameters())
    assert all(a is b for a, b in zip(weights, game.critic.parameters(), strict=True))
    for name, tensor in game.critic.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_spectral_normalisation_by_hand() -> None:
    """One linear layer: each pass makes one step of the power iteration; sigma = u'Wv, with u and v held."""
    torch.manual_seed(2)

    class One(Critic):
        judges_alone = True

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.utils.parametrizations.spectral_norm(nn.Linear(SIZE, 3))

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(self.layer(x)).sum(1)

    game = duel(Unrolled(2, RATE), One())
    real, fake = batch()["sample"], game.generator(Noise(7, ROWS).normal(3).double())
    layer = game.critic.layer  # type: ignore[union-attr]
    u, v = (b.clone() for b in layer.parametrizations.weight[0].buffers())
    weights = [layer.bias, layer.parametrizations.weight.original]

    def say(x: Tensor) -> Tensor:
        nonlocal u, v
        bias, w = weights
        with torch.no_grad():
            u = F.normalize(w @ v, dim=0)
            v = F.normalize(w.T @ u, dim=0)
        return torch.tanh(x @ (w / (u @ w @ v)).T + bias).sum(1)

    for _ in range(2):
        on_real, on_fake = say(torch.cat([real, fake])).chunk(2)
        g = torch.autograd.grad(F.softplus(-on_real).mean() + F.softplus(on_fake).mean(), weights, create_graph=True)
        weights = [w - RATE * d for w, d in zip(weights, g, strict=True)]
    wanted = torch.autograd.grad(F.softplus(-say(fake)).mean(), list(game.generator.parameters()))
    torch.testing.assert_close(gradient_of(game), torch.cat([g.reshape(-1) for g in wanted]), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_first_order_takes_the_foreseen_critic_for_a_constant(optimiser: str) -> None:
    game = duel(Unrolled(3, RATE, optimiser, BETAS, first_order=True))  # type: ignore[arg-type]
    later = Duel(game.generator, trained(game, 3, optimiser), NS, game.latent)
    found = gradient_of(game)
    torch.testing.assert_close(found, gradient_of(later), rtol=1e-9, atol=1e-9)
    assert (found - gradient_of(duel(Unrolled(3, RATE, optimiser, BETAS)))).abs().max() > 1e-3  # type: ignore[arg-type]


def test_no_steps_are_the_plain_game() -> None:
    plain, none = duel(None), duel(Unrolled(0, RATE))
    assert torch.equal(cost_of(plain), cost_of(none))
    assert torch.equal(gradient_of(plain), gradient_of(none))


def test_dead_units_do_not_make_adam_nan() -> None:
    """A gradient that is exactly 0 has a root of slope infinity; here a unit that no sample reaches."""
    critic = nn.Sequential(nn.Linear(SIZE, 3), nn.ReLU(), nn.Linear(3, 1))
    nn.init.constant_(critic[0].bias, -100.0)  # type: ignore[arg-type]
    nn.init.constant_(critic[0].bias[:1], 100.0)  # type: ignore[index]
    found = gradient_of(duel(Unrolled(3, RATE, "adam"), critic))
    assert bool(found.isfinite().all())
    assert found.abs().max() > 0


def test_samples_are_made_once_and_both_kinds_share_a_pass() -> None:
    class Counting(Smooth):
        def __init__(self) -> None:
            super().__init__()
            self.rows = list[int]()

        def forward(self, x: Tensor) -> Tensor:
            self.rows.append(len(x))
            return super().forward(x)

    critic = Counting()
    game = duel(Unrolled(3, RATE), critic)
    made = []
    game.generator.register_forward_hook(lambda *_: made.append(1))
    cost_of(game)
    assert critic.rows == [2 * ROWS] * 3 + [ROWS]
    assert len(made) == 1


# ---- memory

def test_free_memory_is_known_here() -> None:
    free = free_bytes(torch.device("cpu"))
    assert free is not None
    assert 2**20 < free < 2**50


def test_limits_of_a_group_and_of_those_around_it_count(tmp_path: Path) -> None:
    """Files as the kernel's documentation describes them (cgroup-v2.rst, cgroup-v1/memory.rst)."""
    def group(path: str, **texts: str) -> None:
        (tmp_path / path).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (tmp_path / path / f"memory.{name}").write_text(text)

    group("job/step", max="max\n", current="700\n", stat="anon 5\ninactive_file 0\n")
    group("job", max="1000\n", current="700\n", stat="anon 5\ninactive_file 50\n")
    said = tmp_path / "said"
    said.write_text("0::/job/step\n")
    assert memory._left_of_group(said, tmp_path) == 350
    group("memory/old", limit_in_bytes="500", usage_in_bytes="450", stat="inactive_file 1\ntotal_inactive_file 20\n")
    said.write_text("3:cpu,cpuacct:/old\n2:memory:/old\n")
    assert memory._left_of_group(said, tmp_path) == 70
    (tmp_path / "memory/old/memory.usage_in_bytes").write_text("900")
    assert memory._left_of_group(said, tmp_path) == 0
    said.write_text("0::/elsewhere\n")
    assert memory._left_of_group(said, tmp_path) is None
    assert memory._left_of_group(tmp_path / "none", tmp_path) is None


def test_a_limit_of_addresses_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 4096 * int(Path("/proc/self/statm").read_text().split()[0])
    monkeypatch.setattr(resource, "getrlimit", lambda which: (taken + 2**25, -1))
    left = free_bytes(torch.device("cpu"))
    assert left is not None
    assert 0 < left < 2**26


def test_what_is_refused() -> None:
    for wrong in ({"steps": -1, "rate": 1.0}, {"steps": 1, "rate": 0.0}, {"steps": 1, "rate": 1.0, "betas": (0.5, 1.0)},
                  {"steps": 1, "rate": 1.0, "optimiser": "adm"}, {"steps": 1, "rate": float("inf")}):
        with pytest.raises(UserError, match="unrolling"):
            Unrolled(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="without weights"):
        Unrolled(1, 0.1).check(nn.Flatten())
