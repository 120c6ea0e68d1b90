"""Two generators and two critics in one game, played by the trainer as it is: the shape of CycleGAN.

The game below is as short as a new topology should be. What the trainer makes of it is compared, in float64, with the
same step written out in plain torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import torch
from torch import Tensor, nn

from ganworks.data.source import Batch, Source
from ganworks.design import objective_named
from ganworks.game import R1, Costs, Game, Move, Noise, Round, Turn, Weighted
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.objective import Objective
from ganworks.seeds import mix
from ganworks.train import SGD, Adam, Hook, Machine, Optimiser, Recipe, Trainer

WEIGHT, GAMMA, BATCH, STEPS = 10.0, 0.7, 6, 4
LSGAN = objective_named("lsgan")


class Cycle(Game):
    """a -> b and b -> a, each with a critic; both generators are one player, and both critics are one."""

    def __init__(self, ab: nn.Module, ba: nn.Module, of_a: nn.Module, of_b: nn.Module, objective: Objective,
                 weight: float, critic_terms: Sequence[Weighted] = ()) -> None:
        super().__init__()
        self.generators = nn.ModuleDict({"ab": ab, "ba": ba})
        self.critics = nn.ModuleDict({"a": of_a, "b": of_b})
        self.objective, self.weight, self.critic_terms = objective, weight, tuple(critic_terms)

    @property
    def players(self) -> dict[str, nn.Module]:
        return {"generators": self.generators, "critics": self.critics}

    @property
    def moves(self) -> tuple[Move, ...]:
        return (Move("generators", self.generators_cost),
                Move("critics", self.critics_cost, fresh=False, second_order=lambda step: True))

    def open(self, batch: Mapping[str, Tensor], step: int, noise: Noise, held: bool = False) -> Round:
        return Round(batch, step, noise, held)

    def preview(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> Tensor:
        return players["generators"]["ab"](batch["sample"])  # type: ignore[index]

    def duels(self, round: Round, learns: str) -> dict[str, Turn]:
        a, b = round.batch["sample"], round.batch["other"]
        return {to: Turn(self.generators[way], self.critics[to], real, source, round.noise, learns,  # type: ignore[arg-type]
                         made=round.memory.get(f"made_{to}"))
                for way, to, source, real in (("ab", "b", a, b), ("ba", "a", b, a))}

    def generators_cost(self, round: Round) -> Costs:
        costs: Costs = {}
        turns = self.duels(round, "generator")
        for to, turn in turns.items():
            costs[f"adversarial_{to}"] = self.objective.generator_cost(None, turn.on_fake.scores)
            back = self.generators["ba" if to == "b" else "ab"](turn.fake)
            costs[f"cycle_{to}"] = self.weight * (back - turn.source).abs().mean()
            round.memory[f"made_{to}"] = turn.fake
        return costs

    def critics_cost(self, round: Round) -> Costs:
        costs: Costs = {}
        for to, turn in self.duels(round, "critic").items():
            costs[f"adversarial_{to}"] = self.objective.critic_cost(turn.on_real.scores, turn.on_fake.scores)
            costs |= {f"{w.name}_{to}": w.cost(turn) for w in self.critic_terms if w.due(round.step)}
        return costs


class Pairs(Source):
    """Points of two densities, in float64."""

    name, shape = "pairs", (3,)

    def __len__(self) -> int:
        return 0

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> Batch:
        draw = torch.Generator().manual_seed(mix(seed, k))
        a, b = (torch.randn(size, 3, generator=draw, dtype=torch.float64) for _ in range(2))
        return {"sample": a[shard], "other": (2 * b + 1)[shard]}

    def head(self, count: int) -> Batch:
        return self.batch(0, count, 0)


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(5)
    made: dict[str, nn.Module] = {way: MLPGenerator((3,), 3, (7,)) for way in ("ab", "ba")}
    made |= {to: MLPCritic((3,), (6,)) for to in ("a", "b")}
    return {name: network.double() for name, network in made.items()}


class Remember(Hook):
    """Keeps what each move said and was played on."""

    def __init__(self) -> None:
        self.moves: list[tuple[str, dict[str, float], int]] = []

    def moved(self, trainer: Trainer, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        self.moves.append((move.player, {name: cost.item() for name, cost in costs.items()}, id(rounds[0])))


def by_the_trainer(optimiser: Optimiser, accumulate: int = 1) -> tuple[dict[str, nn.Module], Remember]:
    nets, remember = networks(), Remember()
    game = Cycle(nets["ab"], nets["ba"], nets["a"], nets["b"], LSGAN, WEIGHT)
    recipe = Recipe(game, Pairs(), {"generators": optimiser, "critics": optimiser}, STEPS, BATCH, accumulate, seed=3)
    Trainer(recipe, Machine("cpu"), [remember]).fit()
    return nets, remember


def by_hand(adam: bool, rate: float) -> tuple[dict[str, nn.Module], list[dict[str, float]]]:
    """The training step of Zhu et al. 2017 on the same batches: generators first, critics on the same samples."""
    nets, said = networks(), []
    both = {"generators": [nets["ab"], nets["ba"]], "critics": [nets["a"], nets["b"]]}
    parameters = {name: [p for net in group for p in net.parameters()] for name, group in both.items()}
    make = (lambda p: torch.optim.Adam(p, rate, (0.5, 0.999))) if adam else (lambda p: torch.optim.SGD(p, rate))
    optimisers = {name: make(group) for name, group in parameters.items()}
    for k in range(STEPS):
        batch = Pairs().batch(k, BATCH, 3)
        a, b = batch["sample"], batch["other"]
        fake_b, fake_a = nets["ab"](a), nets["ba"](b)
        costs = {"adversarial_b": ((nets["b"](fake_b).scores[0] - 1) ** 2).mean() / 2,
                 "adversarial_a": ((nets["a"](fake_a).scores[0] - 1) ** 2).mean() / 2,
                 "cycle_b": WEIGHT * (nets["ba"](fake_b) - a).abs().mean(),
                 "cycle_a": WEIGHT * (nets["ab"](fake_a) - b).abs().mean()}
        for player in ("generators", "critics"):
            if player == "critics":
                costs = {f"adversarial_{to}": ((nets[to](real).scores[0] - 1) ** 2).mean() / 2
                         + (nets[to](fake.detach()).scores[0] ** 2).mean() / 2
                         for to, real, fake in (("a", a, fake_a), ("b", b, fake_b))}
            gradients = torch.autograd.grad(sum(costs.values()), parameters[player])  # type: ignore[arg-type]
            for p, gradient in zip(parameters[player], gradients, strict=True):
                p.grad = gradient
            optimisers[player].step()
            said.append({name: cost.item() for name, cost in costs.items()})
    return nets, said


def assert_same(one: dict[str, nn.Module], two: dict[str, nn.Module], tolerance: float) -> None:
    for name in one:
        for a, b in zip(one[name].parameters(), two[name].parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("accumulate", [1, 2, 3])
def test_the_trainer_plays_two_duels_as_plain_torch_does(accumulate: int) -> None:
    """At rate 0.003 without momentum the weights are the first ones less 0.003 times the sum of all gradients."""
    trained, remembered = by_the_trainer(SGD(0.003), accumulate)
    wanted, said = by_hand(adam=False, rate=0.003)
    assert_same(trained, wanted, 1e-11)
    assert len(remembered.moves) == len(said) == 2 * STEPS
    for (_, costs, _), other in zip(remembered.moves, said, strict=True):
        assert costs == pytest.approx(other, abs=1e-11)
    first = networks()
    for name in first:
        for a, b in zip(trained[name].parameters(), first[name].parameters(), strict=True):
            assert (a - b).abs().max() > 1e-4


def test_with_adam_too() -> None:
    trained, _ = by_the_trainer(Adam(1e-2))
    assert_same(trained, by_hand(adam=True, rate=1e-2)[0], 1e-10)


def test_both_moves_are_played_on_one_round() -> None:
    _, remembered = by_the_trainer(SGD(0.003))
    assert [player for player, _, _ in remembered.moves] == ["generators", "critics"] * STEPS
    for first, second in zip(remembered.moves[::2], remembered.moves[1::2], strict=True):
        assert first[2] == second[2]


def test_who_gets_gradients() -> None:
    nets = networks()
    game = Cycle(nets["ab"], nets["ba"], nets["a"], nets["b"], LSGAN, WEIGHT)
    round = game.open(Pairs().batch(0, BATCH, 0), 0, Noise(0, BATCH), held=True)
    reached = {"adversarial_b": {"ab"}, "adversarial_a": {"ba"}, "cycle_a": {"ab", "ba"}, "cycle_b": {"ab", "ba"}}
    for name, cost in game.generators_cost(round).items():
        for way in ("ab", "ba"):
            pulls = torch.autograd.grad(cost, list(nets[way].parameters()), retain_graph=True, allow_unused=True)
            assert any(g is not None and g.abs().max() > 0 for g in pulls) is (way in reached[name])
    for name, cost in game.critics_cost(round).items():
        for net, network in nets.items():
            pulls = torch.autograd.grad(cost, list(network.parameters()), retain_graph=True, allow_unused=True)
            assert any(g is not None for g in pulls) is (name == f"adversarial_{net}")


def test_a_penalty_on_each_critic() -> None:
    """Terms serve any duel of any game: R1 of each critic on its own kind of real samples."""
    nets = {name: network.float() for name, network in networks().items()}
    game = Cycle(nets["ab"], nets["ba"], nets["a"], nets["b"], LSGAN, WEIGHT, [Weighted("r1", R1(), GAMMA)])
    batch = {name: value.float() for name, value in Pairs().batch(0, BATCH, 0).items()}
    costs = game.critics_cost(game.open(batch, 0, Noise(0, BATCH)))
    assert set(costs) == {"adversarial_a", "adversarial_b", "r1_a", "r1_b"}
    for to, entry in (("a", "sample"), ("b", "other")):
        x = batch[entry].clone().requires_grad_()
        (slope,) = torch.autograd.grad(nets[to](x).scores[0].sum(), x)
        torch.testing.assert_close(costs[f"r1_{to}"], GAMMA / 2 * slope.square().sum(1).mean())


def test_samples_come_from_the_players_given() -> None:
    nets = networks()
    game = Cycle(nets["ab"], nets["ba"], nets["a"], nets["b"], LSGAN, WEIGHT)
    recipe = Recipe(game, Pairs(), {"generators": SGD(), "critics": SGD()}, 1, BATCH)
    made = Trainer(recipe, Machine("cpu")).samples(5)
    torch.testing.assert_close(made, nets["ab"](Pairs().head(256)["sample"])[:5].float())
