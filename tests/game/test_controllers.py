"""LeCam's anchors and BEGAN's balance: what they learn from played moves, against loops written out in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Balance, Duel, Latent, LeCam, Noise, Round, Term, Turn, Weighted
from ganworks.nets import MLPCritic, MLPGenerator, Panel

Signals = tuple[np.ndarray, np.ndarray]


def turn_of(real: Tensor, fake: Tensor) -> Turn:
    """A turn of the critic D(x) = x."""
    return Turn(nn.Identity(), nn.Identity(), real, fake, Noise(0, len(real)), "critic")


def round_of(real: np.ndarray, fake: np.ndarray) -> Round:
    return Round({}, 0, Noise(0, len(real)), signals={"on_real": torch.tensor(real), "on_fake": torch.tensor(fake)})


def same(x: Tensor) -> Tensor:
    return x


def moves(count: int, parts: int = 1) -> list[list[Signals]]:
    random = np.random.default_rng(0)
    return [[(random.normal(1 - 0.05 * t, 1, (8, 2, 2)), random.normal(-1 - 0.1 * t, 2, (8, 2, 2)))
             for _ in range(parts)] for t in range(count)]


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("decay", [0.99, 0.5, 0.0])
def test_lecam_is_a_loop_by_hand(decay: float, parts: int) -> None:
    term, on_real, on_fake = LeCam(decay).double(), None, None
    for rounds in moves(12, parts):
        for real, fake in rounds:
            wanted = 0.0
            if on_real is not None and on_fake is not None:
                wanted = np.mean((real - on_fake) ** 2) + np.mean((fake - on_real) ** 2)
            cost = term(turn_of(torch.tensor(real), torch.tensor(fake)))
            assert cost.item() == pytest.approx(wanted, rel=1e-6, abs=1e-12)
        term.played("generator", [round_of(*pair) for pair in rounds], same)  # nothing of the critic's move
        term.played("critic", [round_of(*pair) for pair in rounds], same)
        now = [np.mean([pair[side] for pair in rounds]) for side in (0, 1)]
        on_real = now[0] if on_real is None else decay * on_real + (1 - decay) * now[0]
        on_fake = now[1] if on_fake is None else decay * on_fake + (1 - decay) * now[1]
        assert term.on_real.item() == pytest.approx(on_real, rel=1e-6)
        assert term.on_fake.item() == pytest.approx(on_fake, rel=1e-6)


def test_lecam_pulls_outputs_together() -> None:
    """High is real: a descent lowers the outputs on real samples and raises those on generated ones."""
    term = LeCam()
    term.played("critic", [round_of(np.array([3.0]), np.array([-2.0]))], same)
    real, fake = torch.tensor([3.0]), torch.tensor([-2.0])
    shift = nn.Parameter(torch.zeros(2))
    turn = turn_of(real + shift[0], fake)
    turn.__dict__["fake"] = fake + shift[1]  # the outputs themselves are what learns here
    term(turn).backward()
    assert shift.grad is not None
    assert shift.grad.tolist() == pytest.approx([2 * (3 - -2), 2 * (-2 - 3)])


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize(("gamma", "rate"), [(0.5, 1e-3), (0.9, 0.1), (0.3, 1.0)])
def test_balance_is_a_loop_by_hand(gamma: float, rate: float, parts: int) -> None:
    """With losses L = -D, here of an autoencoder that gets better at real samples, then at generated ones."""
    random = np.random.default_rng(1)
    term, k, seen = Balance(gamma, rate).double(), 0.0, []
    for t in range(60):
        rounds = [(random.uniform(1, 2, 8), random.uniform(0, 2 if t % 20 > 10 else 0.5, 8)) for _ in range(parts)]
        for real, fake in rounds:
            cost = term(turn_of(torch.tensor(-real), torch.tensor(-fake)))
            assert cost.item() == pytest.approx(-k * fake.mean(), rel=1e-6, abs=1e-12)
        held = [round_of(-real, -fake) for real, fake in rounds]
        term.played("generator", held, same)
        term.played("critic", held, same)
        on_real, on_fake = (np.mean([pair[side] for pair in rounds]) for side in (0, 1))
        k = min(max(k + rate * (gamma * on_real - on_fake), 0.0), 1.0)
        seen.append(k)
        assert term.k.item() == pytest.approx(k, rel=1e-5, abs=1e-9)
        wanted = on_real + abs(gamma * on_real - on_fake)
        assert term.convergence.item() == pytest.approx(wanted, rel=1e-6)
    assert max(seen) > 0
    if rate == 1.0:  # both ends are met
        assert min(seen) == 0
        assert max(seen) == 1 or gamma == 0.3


def test_balance_keeps_to_its_ends() -> None:
    term = Balance(1.0, 0.5)
    better, worse = round_of(np.array([-9.0]), np.array([-1.0])), round_of(np.array([-1.0]), np.array([-9.0]))
    ends = []
    for held in (better, better, worse, worse):
        term.played("critic", [held], same)
        ends.append(term.k.item())
    assert ends == [1, 1, 0, 0]


@pytest.mark.parametrize("term", [LeCam(), Balance()])
def test_what_is_learnt_is_of_all_processes(term: Term) -> None:
    """Two processes that average end with what one would learn from all samples, and both ask as often."""
    (pairs,) = moves(1, 2)
    apart = {real.mean(): other.mean() for real, other in zip(pairs[0], pairs[1], strict=True)}
    asked: list[Tensor] = []

    def mean(x: Tensor) -> Tensor:
        asked.append(x)
        (partner,) = (b for a, b in apart.items() if a == pytest.approx(x.item(), rel=1e-5))
        return (x + partner) / 2

    alone = type(term)()
    alone.played("critic", [round_of(*pair) for pair in pairs], same)
    term.played("critic", [round_of(*pairs[0])], mean)
    assert len(asked) == 2
    for (name, mine), other in zip(term.named_buffers(), alone.buffers(), strict=True):
        torch.testing.assert_close(mine, other, msg=name)


@pytest.mark.parametrize("term", [LeCam(), Balance()])
def test_several_heads_are_refused(term: Term) -> None:
    critic = Panel(MLPCritic((2,), (4,)), MLPCritic((2,), (4,)))
    with pytest.raises(UserError, match="2 heads"):
        term(Turn(nn.Identity(), critic, torch.randn(4, 2), torch.randn(4, 2), Noise(0, 4), "critic"))


@pytest.mark.parametrize("make", [
    lambda: LeCam(1.0), lambda: LeCam(-0.1), lambda: LeCam(float("nan")), lambda: Balance(gamma=1.5),
    lambda: Balance(gamma=-0.5), lambda: Balance(rate=0.0), lambda: Balance(rate=float("nan"))])
def test_bad_numbers_are_refused(make: Any) -> None:
    with pytest.raises(UserError):
        make()


def game(terms: Sequence[Term]) -> Duel:
    torch.manual_seed(0)
    return Duel(MLPGenerator((2,), 3, (8,)), MLPCritic((2,), (8,)), objective_named("hinge"), Latent(3),
                critic_terms=[Weighted(type(term).__name__, term) for term in terms])


def play(duel: Duel, steps: range) -> list[list[float]]:
    """Play critic moves by plain descent and return their costs."""
    costs = []
    for step in steps:
        held = duel.open({"sample": torch.randn(6, 2, generator=torch.Generator().manual_seed(step))}, step,
                         Noise(step, 6))
        cost = duel.critic_cost(held)
        parameters = list(duel.critic.parameters())
        for p, g in zip(parameters, torch.autograd.grad(sum(cost.values()), parameters), strict=True):
            p.data.sub_(0.1 * g)
        duel.played("critic", [held], same)
        costs.append([c.item() for c in cost.values()])
    return costs


def test_what_was_learnt_is_saved_and_loaded() -> None:
    def begun() -> Duel:
        balance = Balance(1.0, 0.1)
        balance.k.fill_(0.5)
        return game([LeCam(), balance])

    through, first = play(begun(), range(8)), begun()
    before, later = play(first, range(4)), game([LeCam(), Balance(1.0, 0.1)])
    later.load_state_dict(first.state_dict())
    assert before + play(later, range(4, 8)) == through
    assert all(lecam > 0 and balance != 0 for _, lecam, balance in through[1:])
