"""Ways to play, by the real trainer on real games, against recursions written down and the theory of small games."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from ganworks.data import DataOptions, Source, open_source
from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import R1, Duel, GradientPenalty, Latent, Noise, Unrolled, Weighted
from ganworks.measure.games import dirac_game
from ganworks.measure.stabilisers import stabiliser_named
from ganworks.measure.steps import Rounds
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.objective import Objective, rival
from ganworks.seeds import mix
from ganworks.train import (
    EMA,
    SGD,
    Adam,
    Alternating,
    ClipWeights,
    Consensus,
    Dynamics,
    Extragradient,
    Hook,
    Machine,
    Optimiser,
    Optimistic,
    OptimisticAdam,
    Recipe,
    Simultaneous,
    Trainer,
    optimistic,
)
from ganworks.train.state import read_state, write_state

BILINEAR = Objective("bilinear", phi=lambda v: v, psi=lambda v: -v, beta=lambda v: v)
MINIMAX, NS, WGAN = (objective_named(name) for name in ("minimax", "nonsaturating", "wgan"))
START = (0.8, -0.5)


class Zeros(Source):
    """All the data there is in a Dirac-GAN, in float64."""

    name, shape = "zeros", (1,)

    def __len__(self) -> int:
        return 0

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> dict[str, Tensor]:
        return {"sample": torch.zeros(size, 1, dtype=torch.float64)[shard]}

    def head(self, count: int) -> dict[str, Tensor]:
        return self.batch(0, count, 0)


class Blob(Zeros):
    """Points of a normal law in the plane, in float64."""

    shape = (2,)

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> dict[str, Tensor]:
        draw = torch.Generator().manual_seed(mix(seed, k))
        return {"sample": torch.randn(size, 2, generator=draw, dtype=torch.float64)[shard] + 1}


class Theta(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(START[0], dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.value * torch.ones(len(z), 1, dtype=torch.float64)


class Psi(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(START[1], dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.value * x[:, 0]


class Path64(Hook):
    """Keeps the weights after each step, and counts the updates of each player."""

    def __init__(self) -> None:
        self.states: list[list[float]] = []
        self.moves: list[str] = []

    def start(self, trainer: Trainer) -> None:
        self.stepped(trainer)

    def moved(self, trainer: Trainer, move: Any, costs: Any, rounds: Any) -> None:
        self.moves.append(move.player)
        assert all(cost.isfinite() and not cost.requires_grad for cost in costs.values())

    def stepped(self, trainer: Trainer) -> None:
        weights = [p.detach().reshape(-1) for name in ("generator", "critic")
                   for p in trainer.game.players[name].parameters()]
        self.states.append(torch.cat(weights).tolist())


def both(optimiser: Optimiser) -> dict[str, Optimiser]:
    return {"generator": optimiser, "critic": optimiser}


def trajectory(dynamics: Dynamics, optimiser: Optimiser, steps: int, objective: Objective = BILINEAR,
               gamma: float = 0.0, machine: Machine | None = None) -> np.ndarray:
    """Return (theta, psi) after each step of a real training, (steps + 1, 2)."""
    terms = [Weighted("r1", R1(), gamma)] if gamma else []
    game, path = Duel(Theta(), Psi(), objective, Latent(1), critic_terms=terms), Path64()
    recipe = Recipe(game, Zeros(), both(optimiser), steps, batch=2, hooks=[path], dynamics=dynamics)
    Trainer(recipe, machine or Machine("cpu")).fit()
    assert path.moves == ["critic", "generator"] * steps
    return np.array(path.states)


# ---- the bilinear game f = theta psi, whose maps are matrices

H = 0.1
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
EYE = np.eye(2)
GAMMA = 0.7
MAPS = {  # what one step does to (theta, psi)
    "simultaneous": (Simultaneous(), EYE + H * TURN),
    "alternating": (Alternating(), (EYE + H * TURN * [[1], [0]]) @ (EYE + H * TURN * [[0], [1]])),
    "extragradient": (Extragradient(), EYE + H * TURN @ (EYE + H * TURN)),
    "consensus": (Consensus(GAMMA), EYE + H * (TURN - GAMMA * TURN.T @ TURN)),
}
RADII = {"simultaneous": math.sqrt(1 + H**2), "alternating": 1.0, "extragradient": math.sqrt(1 - H**2 + H**4),
         "consensus": math.hypot(1 - H * GAMMA, H)}


@pytest.mark.parametrize("name", MAPS)
def test_on_the_bilinear_game_each_step_is_its_matrix(name: str, machine: Machine) -> None:
    dynamics, matrix = MAPS[name]
    assert max(abs(np.linalg.eigvals(matrix))) == pytest.approx(RADII[name], abs=1e-12)
    path = trajectory(dynamics, SGD(H), 60, machine=machine)
    wanted = [np.array(START)]
    for _ in range(60):
        wanted.append(matrix @ wanted[-1])
    np.testing.assert_allclose(path, wanted, rtol=0, atol=1e-12)


def test_optimistic_descent_on_the_bilinear_game(machine: Machine) -> None:
    path = trajectory(Simultaneous(), Optimistic(H), 60, machine=machine)
    wanted, last = [np.array(START)], TURN @ START
    for _ in range(60):
        pull = TURN @ wanted[-1]
        wanted.append(wanted[-1] + H * (2 * pull - last))
        last = pull
    np.testing.assert_allclose(path, wanted, rtol=0, atol=1e-12)


def test_which_ones_settle_on_the_bilinear_game(machine: Machine) -> None:
    """Lengths after 150 steps: growing, kept, shrinking, as the radii of the maps say."""
    lengths = {name: np.linalg.norm(trajectory(dynamics, SGD(H), 150, machine=machine), axis=1)
               for name, (dynamics, _) in MAPS.items()}
    lengths["optimistic"] = np.linalg.norm(trajectory(Simultaneous(), Optimistic(H), 150, machine=machine), axis=1)
    begin = math.hypot(*START)
    for name in ("simultaneous", "extragradient", "consensus"):  # normal maps: every step by the same factor
        assert lengths[name][-1] == pytest.approx(begin * RADII[name] ** 150, rel=1e-9)
    assert lengths["simultaneous"][-1] > 2 * begin
    assert 0.9 * begin < lengths["alternating"].min() < lengths["alternating"].max() < 1.1 * begin
    root = max(abs(np.roots([1, -(1 + 2j * H), 1j * H])))
    assert root < 1
    assert lengths["optimistic"][-1] == pytest.approx(lengths["optimistic"][100] * root**50, rel=1e-6)
    assert max(lengths[name][-1] for name in ("extragradient", "consensus", "optimistic")) < 0.6 * begin


# ---- the Dirac-GAN, against the workshop's theory bench

PLAYS = {"none, together": (Simultaneous(), SGD(0.3), "", "simultaneous"),
         "none, in turn": (Alternating(), SGD(0.3), "", "alternating"),
         "extragradient": (Extragradient(), SGD(0.3), "extragradient", "simultaneous"),
         "optimistic": (Simultaneous(), Optimistic(0.3), "optimistic", "simultaneous"),
         "consensus": (Consensus(0.6), SGD(0.3), "consensus:gamma=0.6", "simultaneous")}
COSTS = {"minimax": Objective("m", lambda v: F.softplus(-v), F.softplus, lambda v: -F.softplus(v)),
         "nonsaturating": Objective("n", lambda v: F.softplus(-v), F.softplus, lambda v: F.softplus(-v)),
         "wgan": Objective("w", lambda v: -v, lambda v: v, lambda v: -v)}


@pytest.mark.parametrize("gamma", [0.0, 0.5])
@pytest.mark.parametrize("objective", COSTS)
@pytest.mark.parametrize("play", PLAYS)
def test_on_the_dirac_gan_it_is_what_the_theory_bench_plays(play: str, objective: str, gamma: float,
                                                            machine: Machine) -> None:
    dynamics, optimiser, stabiliser, how = PLAYS[play]
    text = "+".join(filter(None, [stabiliser, f"r1:gamma={gamma}" if gamma else ""]))
    chosen = stabiliser_named(text or "none")
    bench = Rounds(dirac_game([objective_named(objective)], chosen), chosen, how, optimiser.rate)
    z = np.array(START)[:, None]
    memory, wanted = bench.begin(z), [z[:, 0]]
    for _ in range(40):
        z, memory = bench(z, memory)
        wanted.append(z[:, 0])
    path = trajectory(dynamics, optimiser, 40, COSTS[objective], gamma, machine)
    np.testing.assert_allclose(path, wanted, rtol=0, atol=1e-10)


# ---- Adam's forms of them, written down

def dirac_gradients(z: np.ndarray) -> np.ndarray:
    """Gradients of -softplus(theta psi) by theta and of log 2 + softplus(theta psi) by psi."""
    s = 1 / (1 + math.exp(-z[0] * z[1]))
    return np.array([-s * z[1], s * z[0]])


class Moments:
    """Adam's direction, bias-corrected."""

    def __init__(self, betas: tuple[float, float]) -> None:
        self.betas, self.t, self.m, self.v = betas, 0, np.zeros(()), np.zeros(())

    def __call__(self, g: np.ndarray) -> np.ndarray:
        self.t += 1
        self.m = self.betas[0] * self.m + (1 - self.betas[0]) * g
        self.v = self.betas[1] * self.v + (1 - self.betas[1]) * g * g
        return (self.m / (1 - self.betas[0] ** self.t)) / (np.sqrt(self.v / (1 - self.betas[1] ** self.t)) + 1e-8)


def test_extragradient_with_adam_is_extra_adam(machine: Machine) -> None:
    """Gidel et al. 2019, Algorithm 4: moments and their count are updated at both gradients."""
    rate, betas = 0.05, (0.5, 0.9)
    path = trajectory(Extragradient(), Adam(rate, betas), 30, COSTS["minimax"], machine=machine)
    z, adam = np.array(START), Moments(betas)
    for step in range(30):
        ahead = z - rate * adam(dirac_gradients(z))
        z = z - rate * adam(dirac_gradients(ahead))
        np.testing.assert_allclose(path[step + 1], z, rtol=0, atol=1e-10)


def test_optimistic_adam_is_algorithm_1(machine: Machine) -> None:
    """Daskalakis et al. 2018."""
    rate, betas = 0.05, (0.5, 0.9)
    path = trajectory(Simultaneous(), OptimisticAdam(rate, betas), 30, COSTS["minimax"], machine=machine)
    z, adam, last = np.array(START), Moments(betas), np.zeros(2)
    for step in range(30):
        direction = adam(dirac_gradients(z))
        z = z - 2 * rate * direction + rate * last
        last = direction
        np.testing.assert_allclose(path[step + 1], z, rtol=0, atol=1e-10)


@pytest.mark.parametrize("devices", [("cpu",), ()], ids=["fused", "plain"])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 2e-6), (torch.float64, 1e-13)])
def test_optimistic_adam_of_several_weights(monkeypatch: pytest.MonkeyPatch, devices: tuple[str, ...],
                                            dtype: torch.dtype, near: float) -> None:
    """Of any layout in memory, with gradients that now and then are missing, at rates that change, against numpy."""
    monkeypatch.setattr(optimistic, "_FUSED", devices)
    draw, betas, decay = torch.Generator().manual_seed(0), (0.5, 0.9), 0.1
    weights = [nn.Parameter(torch.randn(shape, generator=draw, dtype=dtype)) for shape in ((2, 3, 4, 5), (7,), ())]
    weights[0].data = weights[0].data.to(memory_format=torch.channels_last)
    optimiser = OptimisticAdam(0.01, betas, decay=decay).build(weights)
    by_hand = [w.detach().double().numpy() for w in weights]
    moments, last = [Moments(betas) for _ in weights], [np.zeros(w.shape) for w in weights]
    for step in range(12):
        rate = optimiser.param_groups[0]["lr"] = 0.01 * (1 + step % 3)
        for i, weight in enumerate(weights):
            weight.grad = torch.randn(weight.shape, generator=draw, dtype=dtype) if i != 1 or step % 2 else None
            if weight.grad is not None:
                direction = moments[i](weight.grad.double().numpy() + decay * by_hand[i])
                by_hand[i] = by_hand[i] - rate * (2 * direction - last[i])
                last[i] = direction
        optimiser.step()
    for weight, expected in zip(weights, by_hand, strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=near, atol=near)


@pytest.mark.parametrize("make", [Optimistic, OptimisticAdam])
def test_optimistic_optimisers_have_decay_and_pass_over_what_has_no_gradient(make: Callable[..., Optimiser]) -> None:
    def stepped(decay: float, gradient: Tensor) -> Tensor:
        weight, idle = nn.Parameter(torch.tensor([2.0, -1.0])), nn.Parameter(torch.ones(1))
        optimiser = make(0.1, decay=decay).build([weight, idle])
        for _ in range(3):
            weight.grad = gradient.clone()
            optimiser.step()
        assert idle.item() == 1
        return weight.detach()

    # The gradient is held so that it cancels the decay at the start, where the weights then stay.
    torch.testing.assert_close(stepped(0.5, torch.tensor([-1.0, 0.5])), torch.tensor([2.0, -1.0]))
    assert not torch.equal(stepped(0.0, torch.tensor([-1.0, 0.5])), torch.tensor([2.0, -1.0]))


# ---- networks

def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(4)
    generator = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    return generator.double(), nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)).double()


class Latent64(Latent):
    def draw(self, noise: Noise) -> Tensor:
        return super().draw(noise).double()


def duel(objective: Objective = COSTS["nonsaturating"], **more: Any) -> Duel:
    return Duel(*networks(), objective, Latent64(3), **more)


def flat(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().reshape(-1) for p in module.parameters()])


PAIR = replace(COSTS["nonsaturating"], link=rival)


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("objective", [COSTS["nonsaturating"], PAIR], ids=["separate", "rival"])
def test_consensus_by_a_whole_jacobian(objective: Objective, accumulate: int, machine: Machine) -> None:
    """w - h (g + gamma J'g) with g all gradients and J their Jacobian, by torch.autograd.functional on a flat vector.

    The pair is a case of its own: its generator's gradient depends on what the critic says of real samples.
    """
    gamma, rate, rows = 0.6, 0.05, 6
    game = duel(objective)
    names = [name for name, _ in game.named_parameters()]
    shapes = [p.shape for p in game.parameters()]
    real = Blob().batch(0, rows, 0)["sample"]
    z = Noise(mix(0, "noise", 0), rows).normal(3).double()

    def field(w: Tensor) -> Tensor:
        parts = dict(zip(names, (part.view(shape) for part, shape in zip(
            w.split([s.numel() for s in shapes]), shapes, strict=True)), strict=True))

        def run(player: str, x: Tensor) -> Tensor:
            at = {name.removeprefix(f"{player}."): p for name, p in parts.items() if name.startswith(player)}
            return torch.func.functional_call(game.players[player], at, (x,))

        fake = run("generator", z)
        on_real, on_fake = run("critic", real), run("critic", fake)
        if objective is PAIR:
            critic = F.softplus(on_fake - on_real).mean() + F.softplus(on_fake - on_real).mean()
            generator = F.softplus(on_real - on_fake).mean()
        else:
            critic = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
            generator = F.softplus(-on_fake).mean()
        found = {}
        for player, cost in (("generator", generator), ("critic", critic)):
            mine = [name for name in names if name.startswith(player)]
            found |= dict(zip(mine, torch.autograd.grad(cost, [parts[name] for name in mine], create_graph=True),
                              strict=True))
        return torch.cat([found[name].reshape(-1) for name in names])

    w = flat(game).requires_grad_()
    g = field(w).detach()
    jacobian = torch.autograd.functional.jacobian(field, w)
    wanted = w.detach() - rate * (g + gamma * jacobian.T @ g)
    assert (gamma * jacobian.T @ g).abs().max() > 1e-2
    recipe = Recipe(game, Blob(), both(SGD(rate)), 1, rows, accumulate, dynamics=Consensus(gamma))
    Trainer(recipe, machine).fit()
    torch.testing.assert_close(flat(game), wanted, rtol=0, atol=1e-10)


ALL: dict[str, tuple[Dynamics, Optimiser]] = {
    "alternating": (Alternating(), Adam(1e-2)), "simultaneous": (Simultaneous(), Adam(1e-2)),
    "extragradient": (Extragradient(), Adam(1e-2)), "consensus": (Consensus(0.3), Adam(1e-2)),
    "optimistic": (Simultaneous(), Optimistic(0.1)), "optimistic adam": (Alternating(), OptimisticAdam(1e-2)),
    "extragradient, clipped momentum": (Extragradient(), SGD(0.05, 0.9, clip=0.1, decay=0.01))}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("fresh", [False, True])
def test_parts_are_the_whole_batch(name: str, fresh: bool, machine: Machine) -> None:
    dynamics, optimiser = ALL[name]
    ends = []
    for parts in (1, 2, 4):
        game = duel(critic_terms=[Weighted("gp", GradientPenalty(), 2.0)], fresh=fresh)
        path = Path64()
        Trainer(Recipe(game, Blob(), both(optimiser), 4, 8, parts, [path], dynamics=dynamics), machine).fit()
        ends.append(flat(game))
        assert path.moves == ["critic", "generator"] * 4
    for other in ends[1:]:
        torch.testing.assert_close(other, ends[0], rtol=0, atol=1e-9)
    assert (ends[0] - flat(duel())).abs().max() > 1e-3


@pytest.mark.parametrize("name", ALL)
def test_a_resumed_training_ends_bit_for_bit_the_same(name: str, machine: Machine, tmp_path: Path) -> None:
    dynamics, optimiser = ALL[name]

    def trainer(steps: int) -> Trainer:
        game = duel(critic_terms=[Weighted("gp", GradientPenalty(), 2.0, every=2)], foresight=Unrolled(2, 0.05))
        return Trainer(Recipe(game, Blob(), both(optimiser), steps, 8, hooks=[EMA(0.5)], dynamics=dynamics), machine)

    whole = trainer(7)
    whole.fit()
    first = trainer(3)
    first.fit()
    write_state(tmp_path / "state.safetensors", first.state_dict())
    again = trainer(7)
    torch.manual_seed(99)
    again.load_state_dict(read_state(tmp_path / "state.safetensors"))
    assert again.step == 3
    again.fit()
    checksums = set()
    for end in (whole, again):  # over every number of game, optimisers and averages
        write_state(tmp_path / "state.safetensors", end.state_dict())
        with safe_open(tmp_path / "state.safetensors", "pt") as handle:
            checksums.add(handle.metadata()["checksum"])
    assert len(checksums) == 1


@pytest.mark.parametrize("name", ALL)
def test_averages_and_clipping_see_the_final_weights_once_a_step(name: str, machine: Machine) -> None:
    """EMA by hand from the weights after each step: a step ahead must be in no average; and clipping is the last."""
    dynamics, optimiser = ALL[name]
    game, path, decay = duel(), Path64(), 0.7
    begin = flat(game.generator)
    hooks = [ClipWeights(0.3), EMA(decay), path]
    trainer = Trainer(Recipe(game, Blob(), both(optimiser), 5, 8, hooks=hooks, dynamics=dynamics), machine)
    trainer.fit()
    wanted = begin
    for step, state in enumerate(path.states[1:]):
        now = torch.tensor(state, dtype=torch.float64)[: len(begin)]
        wanted = torch.lerp(wanted, now, 1 - min(decay, (1 + step) / (10 + step)))
        assert max(map(abs, state[len(begin):])) <= 0.3
    torch.testing.assert_close(flat(trainer.averaged["generator"]), wanted, rtol=0, atol=1e-12)
    assert path.moves == ["critic", "generator"] * 5


@pytest.mark.parametrize(("dynamics", "draws"), [(Alternating(), 1), (Simultaneous(), 1), (Extragradient(), 2),
                                                 (Consensus(0.1), 1)])
@pytest.mark.parametrize("fresh", [False, True])
def test_how_many_batches_a_step_takes(dynamics: Dynamics, draws: int, fresh: bool, machine: Machine) -> None:
    trainer = Trainer(Recipe(duel(fresh=fresh), Blob(), both(SGD()), 3, 8, dynamics=dynamics), machine)
    trainer.fit()
    assert trainer.drawn == 3 * draws * (2 if fresh else 1)


@pytest.mark.parametrize(("norm", "precision"), [("none", "float32"), ("batch", "float32"), ("spectral", "bf16")])
@pytest.mark.parametrize("name", ALL)
def test_each_of_them_trains_on_the_ring(name: str, norm: Any, precision: Any) -> None:
    dynamics, optimiser = ALL[name]
    torch.manual_seed(0)
    terms = [Weighted("r1", R1(), 0.1)] if norm != "batch" else []
    game = Duel(MLPGenerator((2,), 8, (16,), norm), MLPCritic((2,), (16,), norm), NS, Latent(8), critic_terms=terms)
    begin, path = flat(game), Path64()
    recipe = Recipe(game, open_source(DataOptions(path="ring8")), both(optimiser), 5, 16, hooks=[path],
                    dynamics=dynamics, precision=precision)
    trainer = Trainer(recipe, Machine("cpu", precision))
    trainer.fit()
    assert bool(flat(game).isfinite().all())
    assert (flat(game) - begin).abs().max() > 1e-4
    assert trainer.samples(4).shape == (4, 2)


def test_what_is_refused(machine: Machine) -> None:
    for dynamics in (Simultaneous(), Extragradient(), Consensus(0.1)):
        with pytest.raises(UserError, match=r"critic x2, generator x1[\s\S]*--critic-steps 1"):
            Recipe(duel(critic_steps=2), Blob(), both(SGD()), 1, 8, dynamics=dynamics)
    Recipe(duel(critic_steps=2), Blob(), both(SGD()), 1, 8, dynamics=Alternating())

    class Twice(Duel):
        @property
        def moves(self) -> Any:
            critic, generator = super().moves
            return critic, generator, critic

    with pytest.raises(UserError, match="one move for each player"):
        Recipe(Twice(*networks(), NS, Latent64(3)), Blob(), both(SGD()), 1, 8, dynamics=Simultaneous())
    for wrong in (-0.1, float("inf"), float("nan")):
        with pytest.raises(UserError, match="consensus: gamma"):
            Consensus(wrong)


def test_consensus_of_costs_that_are_linear_in_the_weights(machine: Machine) -> None:
    """Nothing bends there: pulls are constants, without a graph."""
    class Lines(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Parameter(torch.zeros(2, dtype=torch.float64))

        def forward(self, z: Tensor) -> Tensor:
            return z[:, :2] + self.line

    sum_of = nn.Linear(2, 1).double()
    sum_of.weight.requires_grad_(False)  # only the bias learns, which moves no gradient
    game = Duel(Lines(), sum_of, COSTS["wgan"], Latent64(3))
    weight = sum_of.weight.detach().clone()
    Trainer(Recipe(game, Blob(), both(SGD(0.1)), 3, 8, dynamics=Consensus(5.0)), machine).fit()
    torch.testing.assert_close(flat(game.generator), 0.3 * weight[0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["consensus", "extragradient"])
def test_compiled_networks_learn_the_same(name: str) -> None:
    dynamics, _ = ALL[name]
    ends = []
    for compiled in (False, True):
        game = duel(critic_terms=[Weighted("r1", R1(), 1.0, every=2)])
        recipe = Recipe(game, Blob(), both(SGD(0.05)), 3, 8, compile=compiled, dynamics=dynamics)
        Trainer(recipe, Machine("cpu", compile=compiled)).fit()
        ends.append(flat(game))
    torch.testing.assert_close(*ends, rtol=0, atol=1e-9)


WORKER = """
import json, sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("dynamics", sys.argv[1])
tests = module_from_spec(spec); sys.modules["dynamics"] = tests; spec.loader.exec_module(tests)
machine = tests.Machine("cpu")
assert machine.world == 2
ends = {name: tests.played(name, machine) for name in tests.ALL}
if machine.is_main:
    open(sys.argv[2], "w").write(json.dumps(ends))
"""


def played(name: str, machine: Machine) -> list[float]:
    """Train a small duel; what one process does, and each of two."""
    dynamics, optimiser = ALL[name]
    game = duel(critic_terms=[Weighted("gp", GradientPenalty(), 2.0)])
    Trainer(Recipe(game, Blob(), both(optimiser), 4, 8, dynamics=dynamics), machine).fit()
    return flat(game).tolist()


@pytest.mark.slow
def test_two_processes_are_one(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_addr", "127.0.0.1",
         "--master_port", str(port), str(tmp_path / "worker.py"), __file__, str(tmp_path / "ends.json")],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    ends = json.loads((tmp_path / "ends.json").read_text())
    for name in ALL:
        np.testing.assert_allclose(ends[name], played(name, machine), rtol=0, atol=1e-9, err_msg=name)
