"""Orthogonal regularisation and historical averaging against numpy."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, HistoricalAverage, Latent, Noise, Orthogonal, Term, Turn, Weighted
from ganworks.nets import MLPCritic, MLPGenerator


def turn_of(generator: nn.Module, critic: nn.Module) -> Turn:
    return Turn(generator, critic, torch.zeros(2, 2), torch.zeros(2, 3), Noise(0, 2), "critic")


def by_hand(rows: np.ndarray, diagonal: bool) -> float:
    """Inner products of filters, pair by pair."""
    total = 0.0
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            if i != j:
                total += (a @ b) ** 2
            elif diagonal:
                total += (a @ a - 1) ** 2
    return total


def numbers(x: Tensor) -> np.ndarray:
    return x.detach().double().numpy()


@pytest.mark.parametrize("diagonal", [False, True])
def test_orthogonality_pair_by_pair(diagonal: bool) -> None:
    conv, linear = nn.Conv2d(3, 4, 2), nn.Linear(5, 6)
    network = nn.Sequential(conv, nn.BatchNorm2d(4), nn.Sequential(linear), nn.Embedding(3, 3))
    wanted = by_hand(numbers(conv.weight).reshape(4, 12), diagonal) + by_hand(numbers(linear.weight), diagonal)
    for player, turn in (("critic", turn_of(nn.Identity(), network)), ("generator", turn_of(network, nn.Identity()))):
        term = Orthogonal(player, diagonal)  # type: ignore[arg-type]
        assert term(turn).item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("kind", [nn.ConvTranspose2d, nn.ConvTranspose1d, nn.Conv2d, nn.Conv1d])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_filter_is_what_an_output_is_made_with(kind: type[nn.Conv2d], groups: int) -> None:
    """For grouped and for transposed convolutions, too."""
    dimensions = 2 if kind.__name__.endswith("2d") else 1
    layer = kind(4, 6, 3, groups=groups, bias=False, **({} if "Transpose" in kind.__name__ else {"padding": 2}))
    kernel = [3] * dimensions
    # The layer's answers to one impulse in each input channel.
    impulses = torch.zeros(4, 4, *[1] * dimensions)
    impulses[range(4), range(4)] = 1.0
    rows = numbers(layer(impulses)).reshape(4, 6, -1).transpose(1, 0, 2).reshape(6, -1)
    assert layer(impulses).shape[2:] == tuple(kernel)
    assert Orthogonal("critic")(turn_of(nn.Identity(), layer)).item() == pytest.approx(by_hand(rows, False), rel=1e-4)


def test_orthogonal_filters_cost_nothing() -> None:
    layer = nn.Linear(7, 5)
    nn.init.orthogonal_(layer.weight)
    turn = turn_of(nn.Identity(), layer)
    assert Orthogonal("critic", diagonal=True)(turn).item() == pytest.approx(0, abs=1e-10)
    with torch.no_grad():
        layer.weight.mul_(3)
    assert Orthogonal("critic")(turn).item() == pytest.approx(0, abs=1e-8)
    assert Orthogonal("critic", diagonal=True)(turn).item() == pytest.approx(5 * 64, rel=1e-5)


def test_gradient_is_the_papers() -> None:
    """d |W W^T * (1 - I)|^2 / dW = 4 (W W^T * (1 - I)) W."""
    layer = nn.Linear(7, 5).double()
    (found,) = torch.autograd.grad(Orthogonal("critic")(turn_of(nn.Identity(), layer)), layer.weight)
    w = numbers(layer.weight)
    np.testing.assert_allclose(numbers(found), 4 * (w @ w.T * (1 - np.eye(5))) @ w, rtol=1e-10)


def test_of_normalised_layers_it_is_the_weight_before() -> None:
    """And looking at it is no step of the power iteration."""
    layer = spectral_norm(nn.Linear(7, 5))
    before = copy.deepcopy(layer.state_dict())
    turn = turn_of(nn.Identity(), layer)
    raw = layer.parametrizations.weight.original  # type: ignore[union-attr]
    assert Orthogonal("critic")(turn).item() == pytest.approx(by_hand(numbers(raw), False), rel=1e-5)  # type: ignore[arg-type]
    assert all(torch.equal(a, b) for a, b in zip(before.values(), layer.state_dict().values(), strict=True))
    scaled = weight_norm(nn.Linear(7, 5))  # whose weight is made of two: the weight itself
    assert Orthogonal("critic")(turn_of(nn.Identity(), scaled)).item() == pytest.approx(
        by_hand(numbers(scaled.weight), False), rel=1e-5)


def test_a_foreseen_critics_weights_are_looked_at() -> None:
    """Under ``functional_call``, which is how critics are foreseen, both terms see the other weights."""
    critic = nn.Sequential(nn.Linear(3, 3, bias=False))
    history = HistoricalAverage("critic", critic)
    history.played("critic", [], lambda x: x)
    foreseen = critic[0].weight + torch.eye(3)

    class Cost(nn.Module):
        def __init__(self, term: Term) -> None:
            super().__init__()
            self.critic, self.terms = critic, (term,)

        def forward(self) -> Tensor:
            return self.terms[0](turn_of(nn.Identity(), self.critic))

    found = functional_call(Cost(Orthogonal("critic")), {"critic.0.weight": foreseen}, ())
    assert found.item() == pytest.approx(by_hand(numbers(foreseen), False), rel=1e-5)
    found = functional_call(Cost(history), {"critic.0.weight": foreseen}, ())
    assert found.item() == pytest.approx(3, rel=1e-5)
    assert torch.autograd.grad(found, critic[0].weight)[0].diagonal().tolist() == pytest.approx([2, 2, 2])


def test_no_layers_and_unknown_players_are_refused() -> None:
    with pytest.raises(UserError, match="without linear or convolutional layers"):
        Orthogonal("generator")(turn_of(nn.Identity(), nn.Linear(2, 2)))
    with pytest.raises(UserError, match="'critic'"):
        Orthogonal("critics")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="'generator'"):
        HistoricalAverage("generators", nn.Linear(2, 2))  # type: ignore[arg-type]


def test_history_is_a_loop_by_hand() -> None:
    network, random = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).double(), np.random.default_rng(0)
    network[0].bias.requires_grad_(False)  # what does not learn is no part of it
    term, turn = HistoricalAverage("generator", network), turn_of(network, nn.Identity())
    learning, past = [p for p in network.parameters() if p.requires_grad], []
    assert len(term.mean) == sum(p.numel() for p in learning)
    for step in range(9):
        now = np.concatenate([numbers(p).ravel() for p in learning])
        wanted = np.sum((now - np.mean(past, axis=0)) ** 2) if past else 0.0
        assert term(turn).item() == pytest.approx(wanted, rel=1e-9, abs=1e-15)
        gradients = np.concatenate([numbers(g).ravel() for g in torch.autograd.grad(term(turn), learning)])
        np.testing.assert_allclose(gradients, 2 * (now - np.mean(past, axis=0)) if past else 0 * now, atol=1e-12)
        for p in learning:
            p.data += torch.tensor(random.normal(size=p.shape))
        if step % 3 == 0:
            term.played("critic", [], lambda x: x)  # somebody else's move
        term.played("generator", [], lambda x: x)
        past.append(np.concatenate([numbers(p).ravel() for p in learning]))


TERMS = ("critic", "generator")


def game() -> Duel:
    torch.manual_seed(0)
    generator, critic = MLPGenerator((2,), 3, (4,)), MLPCritic((2,), (4,))
    networks = {"critic": critic, "generator": generator}
    both = {player: [Weighted("orthogonal", Orthogonal(player)),  # type: ignore[arg-type]
                     Weighted("history", HistoricalAverage(player, networks[player]))]  # type: ignore[arg-type]
            for player in TERMS}
    return Duel(generator, critic, objective_named("hinge"), Latent(3), critic_terms=both["critic"],
                generator_terms=both["generator"])


def play(duel: Duel, steps: range) -> list[list[float]]:
    """Play both moves by plain descent and return their costs."""
    costs = []
    for step in steps:
        held = duel.open({"sample": torch.randn(6, 2, generator=torch.Generator().manual_seed(step))}, step,
                         Noise(step, 6))
        for move in duel.moves:
            cost = move.cost(held)
            parameters = list(duel.players[move.player].parameters())
            for p, g in zip(parameters, torch.autograd.grad(sum(cost.values()), parameters), strict=True):
                p.data.sub_(0.1 * g)
            duel.played(move.player, [held], lambda x: x)
            costs.append([c.item() for c in cost.values()])
    return costs


def test_history_is_saved_and_loaded() -> None:
    through, first = play(game(), range(6)), game()
    before, later = play(first, range(3)), game()
    later.load_state_dict(first.state_dict())
    assert before + play(later, range(3, 6)) == through
    assert through[-1][2] > 0


def test_the_network_is_not_saved_twice() -> None:
    duel = game()
    plain = Duel(duel.generator, duel.critic, objective_named("hinge"), Latent(3))
    assert set(duel.state_dict()) - set(plain.state_dict()) == {
        f"terms.{i}.{name}" for i in (1, 3) for name in ("mean", "count")}
    assert sum(p.numel() for p in duel.parameters()) == sum(p.numel() for p in plain.parameters())


def test_a_copy_of_a_game_averages_its_own_network() -> None:
    duel = game()
    other = copy.deepcopy(duel)
    with torch.no_grad():
        for p in other.generator.parameters():
            p.add_(1)
    other.played("generator", [], lambda x: x)
    mean = other.terms[3].mean
    torch.testing.assert_close(mean, torch.cat([p.detach().reshape(-1) for p in other.generator.parameters()]))


@pytest.mark.parametrize("player", TERMS)
def test_only_the_players_own_weights_are_reached(player: str) -> None:
    duel = game()
    networks: dict[str, nn.Module] = {"generator": duel.generator, "critic": duel.critic}
    history = HistoricalAverage(player, networks[player])  # type: ignore[arg-type]
    history.played(player, [], lambda x: x)
    with torch.no_grad():
        for p in networks[player].parameters():
            p.add_(1)
    terms: Sequence[Term] = (Orthogonal(player), history)  # type: ignore[arg-type]
    for term in terms:
        duel.zero_grad()
        term(turn_of(duel.generator, duel.critic)).backward()
        for name, network in networks.items():
            reached = [p.grad is not None and bool(p.grad.abs().max() > 0) for p in network.parameters()]
            assert any(reached) == (name == player)
            if name == player and term is history:
                assert all(reached)
