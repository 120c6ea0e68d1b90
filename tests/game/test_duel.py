"""Who gets gradients in a duel, from what, and what its rounds keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import R1, Duel, GradientPenalty, Latent, Noise, Term, Turn, Weighted
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.objective import Objective, rival, rival_mean

NAMES = ["minimax", "nonsaturating", "lsgan", "hinge", "wgan", "rival", "rival_mean"]
MINIMAX, NS, LSGAN, HINGE, WGAN = (objective_named(name) for name in NAMES[:5])
OBJECTIVES = [MINIMAX, NS, LSGAN, HINGE, WGAN, replace(NS, link=rival),
              replace(NS, link=rival_mean, alpha=torch.nn.functional.softplus)]


class Matching(Term):
    """Squared distance between the mean features of both kinds."""

    def forward(self, turn: Turn) -> Tensor:
        pairs = zip(turn.on_real.features[0], turn.on_fake.features[0], strict=True)
        return torch.stack([(r.mean(0) - f.mean(0)).square().sum() for r, f in pairs]).sum()


def duel_of(objective: Objective | None = None, norm: str = "none", **more: object) -> Duel:
    torch.manual_seed(0)
    generator = MLPGenerator((2,), 3, (6,), norm)  # type: ignore[arg-type]
    return Duel(generator, MLPCritic((2,), (6,)), objective or NS, Latent(3), **more)  # type: ignore[arg-type]


def batch_of(n: int = 8) -> dict[str, Tensor]:
    return {"sample": torch.randn(n, 2, generator=torch.Generator().manual_seed(1))}


def pulls(cost: Tensor, player: nn.Module) -> list[Tensor | None]:
    return list(torch.autograd.grad(cost, list(player.parameters()), retain_graph=True, allow_unused=True))


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES, ids=NAMES)
def test_each_cost_reaches_its_player(objective: Objective, held: bool) -> None:
    terms = [Weighted("gp", GradientPenalty(), 10.0), Weighted("r1", R1())]
    duel = duel_of(objective, critic_terms=terms, generator_terms=[Weighted("match", Matching(), 2.0)])
    round = duel.open(batch_of(), 0, Noise(0, 8), held)
    costs = duel.critic_cost(round)
    assert list(costs) == ["adversarial", "gp", "r1"]
    for name, cost in costs.items():
        assert cost.dim() == 0
        # The critic's cost does not know the generator, even where samples were kept for the generator's move.
        assert all(g is None for g in pulls(cost, duel.generator)), name
        assert any(g is not None and g.abs().max() > 0 for g in pulls(cost, duel.critic)), name
    if not objective.link.paired and objective.name not in ("wgan", "hinge"):  # where a shift of all outputs costs
        assert all(g is not None and g.abs().max() > 0 for g in pulls(costs["adversarial"], duel.critic))
    costs = duel.generator_cost(round)
    assert list(costs) == ["adversarial", "match"]
    for name, cost in costs.items():
        assert all(g is not None and g.abs().max() > 0 for g in pulls(cost, duel.generator)), name


@pytest.mark.parametrize("norm", ["none", "batch", "instance"])
def test_kept_samples_give_the_gradient_of_recomputed_ones(norm: str) -> None:
    def gradients(held: bool) -> list[Tensor]:
        duel = duel_of(norm=norm)
        round = duel.open(batch_of(), 0, Noise(0, 8), held)
        critic_cost = duel.critic_cost(round)["adversarial"]
        critic_cost.backward(inputs=list(duel.critic.parameters()))
        assert ("made" in round.memory) is held
        with torch.no_grad():  # the critic moves in between, as in a training step
            for p in duel.critic.parameters():
                assert p.grad is not None
                p -= 0.5 * p.grad
        duel.generator_cost(round)["adversarial"].backward(inputs=list(duel.generator.parameters()))
        return [p.grad for p in duel.generator.parameters() if p.grad is not None]

    kept, made_anew = gradients(True), gradients(False)
    assert len(kept) == len(made_anew) > 0
    assert all(torch.equal(a, b) for a, b in zip(kept, made_anew, strict=True))


def test_costs_are_those_of_the_objective_and_the_terms() -> None:
    duel = duel_of(HINGE, critic_terms=[Weighted("r1", R1(), 3.0, every=4)])
    batch, noise = batch_of(), Noise(0, 8)
    z = Latent(3).draw(Noise(0, 8))
    on_real, on_fake = duel.critic(batch["sample"]).scores[0], duel.critic(duel.generator(z)).scores[0]
    x = batch["sample"].clone().requires_grad_()
    (slope,) = torch.autograd.grad(duel.critic(x).scores[0].sum(), x)
    for step in range(6):
        round = duel.open(batch, step, Noise(0, 8))
        costs = duel.critic_cost(round)
        assert set(costs) == ({"adversarial", "r1"} if step % 4 == 0 else {"adversarial"})
        torch.testing.assert_close(costs["adversarial"], (1 - on_real).relu().mean() + (1 + on_fake).relu().mean())
        if step % 4 == 0:
            torch.testing.assert_close(costs["r1"], 3 * 4 * 0.5 * slope.square().sum(1).mean())
        torch.testing.assert_close(round.signals["on_real"], on_real)
        torch.testing.assert_close(round.signals["on_fake"], on_fake)
        assert not any(signal.requires_grad for signal in round.signals.values())
        torch.testing.assert_close(duel.generator_cost(round)["adversarial"], -on_fake.mean())
    assert len(noise) == 8


def test_second_order_is_said_for_the_steps_that_have_it() -> None:
    duel = duel_of(critic_terms=[Weighted("r1", R1(), 1.0, every=3)])
    critic, generator = duel.moves
    assert [critic.second_order(step) for step in range(5)] == [True, False, False, True, False]
    assert not any(generator.second_order(step) for step in range(5))
    assert not any(duel_of().moves[0].second_order(step) for step in range(3))


def test_players_and_moves() -> None:
    duel = duel_of(critic_steps=5)
    assert duel.players == {"generator": duel.generator, "critic": duel.critic}
    assert [(m.player, m.repeat, m.fresh) for m in duel.moves] == [("critic", 5, True), ("generator", 1, False)]
    assert duel_of(fresh=True).moves[1].fresh
    with pytest.raises(UserError, match="0 critic steps"):
        duel_of(critic_steps=0)


class Stateful(Term):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, turn: Turn) -> Tensor:
        self.calls += 1  # type: ignore[operator, misc]
        return turn.on_fake.scores[0].mean()


def test_the_state_of_terms_is_saved_with_the_game() -> None:
    duel = duel_of(generator_terms=[Weighted("stateful", Stateful())])
    duel.generator_cost(duel.open(batch_of(), 0, Noise(0, 8)))
    state = duel.state_dict()
    assert [value.item() for name, value in state.items() if name.endswith("calls")] == [1.0]
    assert sum(value.numel() for value in state.values()) == 1 + sum(p.numel() for p in duel.parameters())


class Told(nn.Module):
    """A player that adds what it is told."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layer, self.table = nn.Linear(inputs, outputs), nn.Embedding(3, outputs)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.layer(x) + self.table(label)


def test_both_players_are_told_the_condition() -> None:
    duel = Duel(Told(3, 2), Told(2, 1), LSGAN, Latent(3), condition="label", critic_terms=[Weighted("r1", R1())])
    label = torch.tensor([0, 1, 0, 1, 1, 0, 0, 1])
    batch: Mapping[str, Tensor] = batch_of() | {"label": label}
    round = duel.open(batch, 0, Noise(0, 8))
    z = round.memory["source"]
    on_real, on_fake = duel.critic(batch["sample"], label), duel.critic(duel.generator(z, label), label)
    costs = duel.critic_cost(round)
    torch.testing.assert_close(costs["adversarial"], (on_real - 1).square().mean() / 2 + on_fake.square().mean() / 2)
    torch.testing.assert_close(duel.generator_cost(round)["adversarial"], (on_fake - 1).square().mean() / 2)
    for player, cost in (("generator", duel.generator_cost(round)), ("critic", costs)):
        table = duel.players[player].table.weight  # type: ignore[union-attr]
        (pull,) = torch.autograd.grad(cost["adversarial"], table)  # type: ignore[arg-type]
        assert (pull[:2].abs().sum(1) > 0).all()
        assert (pull[2] == 0).all()  # a class that is not in the batch
    made = duel.preview(duel.players, batch, Noise(0, 8))
    torch.testing.assert_close(made, duel.generator(z, label))


def test_a_missing_condition_is_a_clear_error() -> None:
    duel = Duel(Told(3, 2), Told(2, 1), LSGAN, Latent(3), condition="label")
    with pytest.raises(UserError, match="label"):
        duel.critic_cost(duel.open(batch_of(), 0, Noise(0, 8)))


def test_preview_is_made_by_the_players_given() -> None:
    duel = duel_of()
    other = MLPGenerator((2,), 3, (6,))
    z = Latent(3).draw(Noise(4, 5))
    torch.testing.assert_close(duel.preview({"generator": other}, {}, Noise(4, 5)), other(z))
