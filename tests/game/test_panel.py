"""Critics with several heads and features, and critics that classify, played by the trainer as it is.

A panel of a patch critic and a fully connected one under feature matching is the shape of HiFi-GAN; a conditional
duel with an auxiliary classifier that of AC-GAN. Both are compared, in float64, with plain torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, leaky_relu, one_hot

from ganworks.data.source import Batch, Source
from ganworks.design import objective_named
from ganworks.game import Costs, Duel, Latent, Move, Noise, Round, Term, Turn, Weighted
from ganworks.nets import Critic, MLPCritic, Panel, Verdict
from ganworks.seeds import mix
from ganworks.train import SGD, Hook, Machine, Recipe, Trainer

BATCH, STEPS, RATE, CLASSES, SIDE = 6, 3, 0.05, 3, 6
LSGAN, NS = objective_named("lsgan"), objective_named("nonsaturating")


class Pictures(Source):
    """Labelled images in float64."""

    name, shape, classes = "pictures", (1, SIDE, SIDE), ("a", "b", "c")

    def __len__(self) -> int:
        return 0

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> Batch:
        draw = torch.Generator().manual_seed(mix(seed, k))
        images = torch.rand(size, *self.shape, generator=draw, dtype=torch.float64) * 2 - 1
        return {"sample": images[shard], "label": torch.randint(CLASSES, (size,), generator=draw)[shard]}

    def head(self, count: int) -> Batch:
        return self.batch(0, count, 0)


class Painter(nn.Module):
    """Latents, and a label where there is one, to images."""

    def __init__(self, told: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(4 + CLASSES * told, SIDE * SIDE)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        z = z.double()  # latents are float32
        z = z if label is None else torch.cat([z, one_hot(label, CLASSES).double()], 1)
        return torch.tanh(self.layer(z)).view(-1, 1, SIDE, SIDE)


class Patches(Critic):
    """A score for each place, and the layer before it."""

    judges_alone = True

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 1, 2)

    def forward(self, x: Tensor) -> Verdict:
        inner = leaky_relu(self.inner(x), 0.2)
        return Verdict((self.outer(inner),), ((inner,),))


class Classifier(Critic):
    """A critic that is told the label (projection) and says another; it judges each sample alone."""

    judges_alone = True

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.score = nn.Linear(SIDE * SIDE, 5), nn.Linear(5, 1)
        self.table, self.classes = nn.Embedding(CLASSES, 5), nn.Linear(5, CLASSES)

    def forward(self, x: Tensor, label: Tensor) -> Verdict:
        inner = torch.tanh(self.inner(x.flatten(1)))
        score = self.score(inner)[:, 0] + (self.table(label) * inner).sum(1)
        return Verdict((score,), ((inner,),), self.classes(inner))


class FeatureMatching(Term):
    """Sum over heads and layers of the mean distance between features of pairs (Kong et al. 2020, eq. 4)."""

    def forward(self, turn: Turn) -> Tensor:
        distances = [(f - r).abs().mean()
                     for real, fake in zip(turn.on_real.features, turn.on_fake.features, strict=True)
                     for r, f in zip(real, fake, strict=True)]
        return torch.stack(distances).sum()


class Labelling(Term):
    """Cross-entropy of the auxiliary classifier on real or on generated samples (Odena et al. 2017)."""

    def __init__(self, on_real: bool) -> None:
        super().__init__()
        self.on_real = on_real

    def forward(self, turn: Turn) -> Tensor:
        logits = (turn.on_real if self.on_real else turn.on_fake).classes
        assert logits is not None
        assert turn.condition is not None
        return cross_entropy(logits, turn.condition)


class Remember(Hook):
    """Keeps the latents and the batch of each move, and what was said of it."""

    def __init__(self) -> None:
        self.moves: list[tuple[str, dict[str, float], Tensor, Tensor, Tensor]] = []

    def moved(self, trainer: Trainer, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        (round,) = rounds
        self.moves.append((move.player, {name: cost.item() for name, cost in costs.items()}, round.memory["source"],
                           round.batch["sample"], round.batch["label"]))


def panel_duel(fresh: bool = False) -> Duel:
    torch.manual_seed(2)
    critic = Panel(Patches(), MLPCritic((1, SIDE, SIDE), (5, 4)))
    return Duel(Painter(told=False), critic, LSGAN, Latent(4), fresh=fresh, critic_steps=2,
                generator_terms=[Weighted("features", FeatureMatching(), 2.0)]).double()


def conditional_duel(fresh: bool = False) -> Duel:
    torch.manual_seed(2)
    return Duel(Painter(told=True), Classifier(), NS, Latent(4), condition="label", fresh=fresh,
                critic_steps=2,
                critic_terms=[Weighted("labels", Labelling(on_real=True), 0.5)],
                generator_terms=[Weighted("labels", Labelling(on_real=False), 0.5)]).double()


def panel_costs(duel: Duel, player: str, z: Tensor, real: Tensor, label: Tensor) -> dict[str, Tensor]:
    patches, mlp = duel.critic.critics  # type: ignore[misc, union-attr]
    fake = duel.generator(z)
    fake = fake.detach() if player == "critic" else fake
    verdicts = [(critic(real), critic(fake)) for critic in (patches, mlp)]  # type: ignore[operator]
    if player == "critic":
        return {"adversarial": sum((((r.scores[0] - 1) ** 2).mean() + (f.scores[0] ** 2).mean()) / 2
                                   for r, f in verdicts)}  # type: ignore[dict-item]
    distances = [(a.detach() - b).abs().mean() for r, f in verdicts
                 for a, b in zip(r.features[0], f.features[0], strict=True)]
    assert len(distances) == 3
    return {"adversarial": sum(((f.scores[0] - 1) ** 2).mean() / 2 for _, f in verdicts),  # type: ignore[dict-item]
            "features": 2.0 * sum(distances)}  # type: ignore[dict-item]


def conditional_costs(duel: Duel, player: str, z: Tensor, real: Tensor, label: Tensor) -> dict[str, Tensor]:
    fake = duel.generator(z, label)
    fake = fake.detach() if player == "critic" else fake
    on_real, on_fake = duel.critic(real, label), duel.critic(fake, label)
    if player == "critic":
        return {"adversarial": -torch.sigmoid(on_real.scores[0]).log().mean()
                - torch.sigmoid(-on_fake.scores[0]).log().mean(),
                "labels": 0.5 * cross_entropy(on_real.classes, label)}
    return {"adversarial": -torch.sigmoid(on_fake.scores[0]).log().mean(),
            "labels": 0.5 * cross_entropy(on_fake.classes, label)}


Costing = Callable[[Duel, str, Tensor, Tensor, Tensor], dict[str, Tensor]]
CASES = pytest.mark.parametrize(("make", "costing"), [(panel_duel, panel_costs), (conditional_duel, conditional_costs)],
                                ids=["panel", "conditional"])


@pytest.mark.parametrize("fresh", [False, True])
@CASES
def test_the_trainer_plays_as_plain_torch_does(make: Callable[[bool], Duel], costing: Costing, fresh: bool) -> None:
    remember, duel, by_hand = Remember(), make(fresh), make(fresh)
    recipe = Recipe(duel, Pictures(), {"generator": SGD(RATE), "critic": SGD(2 * RATE)}, STEPS, BATCH, seed=9)
    Trainer(recipe, Machine("cpu"), [remember]).fit()
    assert [player for player, *_ in remember.moves] == ["critic", "critic", "generator"] * STEPS
    for player, said, z, real, label in remember.moves:
        costs = costing(by_hand, player, z, real, label)
        parameters = list(by_hand.players[player].parameters())
        gradients = torch.autograd.grad(sum(costs.values()), parameters)  # type: ignore[arg-type]
        with torch.no_grad():
            for p, gradient in zip(parameters, gradients, strict=True):
                assert gradient.abs().max() > 0
                p -= gradient * (RATE if player == "generator" else 2 * RATE)
        assert said == pytest.approx({name: cost.item() for name, cost in costs.items()}, abs=1e-11)
    for a, b in zip(duel.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-11)
    # The generator's move shares the last critic move's latents and batch, unless it is to draw new ones.
    shared = [torch.equal(remember.moves[3 * k + 1][2], remember.moves[3 * k + 2][2]) for k in range(STEPS)]
    assert shared == [not fresh] * STEPS
    assert not torch.equal(remember.moves[0][2], remember.moves[1][2])  # every critic move has latents of its own
    assert not torch.equal(remember.moves[0][3], remember.moves[1][3])


@CASES
def test_terms_reach_only_their_player(make: Callable[[], Duel], costing: Costing) -> None:
    duel = make()
    round = duel.open(Pictures().batch(0, BATCH, 0), 0, Noise(0, BATCH), held=True)
    for name, cost in duel.critic_cost(round).items():
        pulls = torch.autograd.grad(cost, list(duel.generator.parameters()), retain_graph=True, allow_unused=True)
        assert all(g is None for g in pulls), name
        (pull, *_) = torch.autograd.grad(cost, list(duel.critic.parameters()), retain_graph=True, allow_unused=True)
        assert pull is not None
        assert pull.abs().max() > 0
    for name, cost in duel.generator_cost(round).items():
        pulls = torch.autograd.grad(cost, list(duel.generator.parameters()), retain_graph=True)
        assert all(g.abs().max() > 0 for g in pulls), name


def test_samples_are_told_their_labels() -> None:
    duel = conditional_duel()
    recipe = Recipe(duel, Pictures(), {"generator": SGD(), "critic": SGD()}, 1, BATCH)
    trainer = Trainer(recipe, Machine("cpu"))
    first = trainer.samples(4)
    with torch.no_grad():  # the last three inputs are the label's: they must matter
        duel.generator.layer.weight[:, -CLASSES:] += 1.0  # type: ignore[index, union-attr, operator]
    assert not torch.equal(first, trainer.samples(4))
    assert first.shape == (4, 1, SIDE, SIDE)
