"""One step of pix2pix and of CycleGAN against the papers' formulas, written out anew with plain torch."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import R1, Cycle, Duel, Entry, Latent, Likeness, Noise, Replay, Weighted
from ganworks.nets.patchgan import PatchCritic
from ganworks.nets.translator import ResNetTranslator
from ganworks.nets.unet import UNetTranslator
from ganworks.objective import scaled
from ganworks.train import Machine

Gradients = dict[str, Tensor]


def images(seed: int, channels: int = 3, n: int = 2, side: int = 16) -> Tensor:
    return torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(seed)).double() * 2 - 1


def of(cost: Tensor, module: nn.Module) -> Gradients:
    names, parameters = zip(*module.named_parameters(), strict=True)
    found = torch.autograd.grad(cost, parameters, allow_unused=True, retain_graph=True)
    return {n: torch.zeros_like(p) if g is None else g for n, p, g in zip(names, parameters, found, strict=True)}


def check(mine: Gradients, theirs: Gradients) -> None:
    assert mine.keys() == theirs.keys()
    assert max(g.abs().max() for g in theirs.values()) > 1e-3
    for name, gradient in theirs.items():
        torch.testing.assert_close(mine[name], gradient, rtol=1e-10, atol=1e-10)


def test_pix2pix() -> None:
    """Isola et al. 2017, eq. 1 to 4, section 3.3: -log D for the generator, the critic's cost divided by 2."""
    torch.manual_seed(0)
    g = UNetTranslator(1, 3, 4, 4, "instance", dropout=0.0).double()
    d = PatchCritic(4, 1, 4).double()
    x, y = images(1, 1), images(2)
    game = Duel(g, d, scaled(objective_named("nonsaturating"), 0.5), Entry(), condition="input",
                generator_terms=[Weighted("l1", Likeness(), 100.0)])
    round = game.open({"input": x, "sample": y}, 0, Noise(0, 2), held=True)
    critic = of(sum(game.critic_cost(round).values()), d)  # type: ignore[arg-type]
    generator = of(sum(game.generator_cost(round).values()), g)  # type: ignore[arg-type]

    fake = g(x)
    on_real, on_fake = (d(torch.cat([x, image], 1)).scores[0] for image in (y, fake.detach()))
    d_loss = 0.5 * (F.binary_cross_entropy_with_logits(on_real, torch.ones_like(on_real))
                    + F.binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake)))
    felt = d(torch.cat([x, fake], 1)).scores[0]
    g_loss = F.binary_cross_entropy_with_logits(felt, torch.ones_like(felt)) + 100 * (y - fake).abs().mean()
    check(critic, of(d_loss, d))
    check(generator, of(g_loss, g))


def cycle_of(pool: int = 0, identity: float = 0.5, objective: str = "lsgan", **more: object) -> Cycle:
    torch.manual_seed(0)
    told = scaled(objective_named(objective), generator=2.0)

    def duel() -> Duel:
        return Duel(ResNetTranslator(3, 3, 2, 1).double(), PatchCritic(3, 1, 4).double(), told, Entry(),
                    replay=Replay(pool, (3, 16, 16)).double() if pool else None, **more)  # type: ignore[arg-type]

    return Cycle(duel(), duel(), 10.0, identity)


def pooled(made: Tensor, kept: list[Tensor], size: int, chance: list[list[float]]) -> Tensor:
    """The pool of section 4 of the CycleGAN paper (Shrivastava et al. 2017), for given random numbers."""
    shown = []
    for image, (swap, place) in zip(made, chance, strict=True):
        if len(kept) < size:
            kept.append(image)
            shown.append(image)
        elif swap < 0.5:
            old = int(place * size)
            shown.append(kept[old])
            kept[old] = image
        else:
            shown.append(image)
    return torch.stack(shown)


@pytest.mark.parametrize("pool", [0, 3])
def test_cyclegan(pool: int) -> None:
    """Zhu et al. 2017, eq. 3 with least squares, section 5.2's identity, the critics' cost divided by 2; three rounds,
    so that the pool of 3 is full and images of earlier rounds are shown."""
    game = cycle_of(pool)
    gs, ds = game.players["generator"], game.players["critic"]
    kept: tuple[list[Tensor], list[Tensor]] = ([], [])
    older = False
    for k in range(3):
        a, b = images(2 * k), images(2 * k + 1)
        round = game.open({"input": a, "sample": b}, k, Noise(k, 2), held=True)
        generator = of(sum(game.generator_cost(round).values()), gs)  # type: ignore[arg-type]
        critic = of(sum(game.critic_cost(round).values()), ds)  # type: ignore[arg-type]

        there, back = gs["AtoB"], gs["BtoA"]  # type: ignore[index]
        judge_b, judge_a = ds["AtoB"], ds["BtoA"]  # type: ignore[index]
        fake_b, fake_a = there(a), back(b)

        def score(judge: nn.Module, image: Tensor) -> Tensor:
            return judge(image).scores[0]

        g_loss = ((score(judge_b, fake_b) - 1) ** 2).mean() + ((score(judge_a, fake_a) - 1) ** 2).mean()
        g_loss = g_loss + 10 * ((back(fake_b) - a).abs().mean() + (there(fake_a) - b).abs().mean())
        g_loss = g_loss + 5 * ((there(b) - b).abs().mean() + (back(a) - a).abs().mean())
        seen_b, seen_a = fake_b.detach(), fake_a.detach()
        if pool:
            noise = Noise(k, 2)  # the first duel's pool draws its numbers first
            seen_b = pooled(seen_b, kept[0], pool, noise.uniform(2).tolist())
            seen_a = pooled(seen_a, kept[1], pool, noise.uniform(2).tolist())
            older = older or not torch.equal(seen_b, fake_b) or not torch.equal(seen_a, fake_a)
        d_loss = 0.5 * (((score(judge_b, b) - 1) ** 2).mean() + (score(judge_b, seen_b) ** 2).mean())
        d_loss = d_loss + 0.5 * (((score(judge_a, a) - 1) ** 2).mean() + (score(judge_a, seen_a) ** 2).mean())
        check(generator, of(g_loss, gs))
        check(critic, of(d_loss, ds))
    assert older == bool(pool)


def test_no_identity_costs_no_pass() -> None:
    game = cycle_of(identity=0.0)
    round = game.open({"input": images(0), "sample": images(1)}, 0, Noise(0, 2))
    assert list(game.generator_cost(round)) == ["adversarial AtoB", "adversarial BtoA", "cycle A", "cycle B"]


def test_penalties_and_other_objectives_play_along() -> None:
    game = cycle_of(objective="hinge", critic_terms=[Weighted("r1", R1(), 1.0)])
    round = game.open({"input": images(0), "sample": images(1)}, 0, Noise(0, 2), held=True)
    game.generator_cost(round)
    costs = game.critic_cost(round)
    assert list(costs) == ["adversarial AtoB", "r1 AtoB", "adversarial BtoA", "r1 BtoA"]
    assert game.moves[1].second_order(0)
    assert not game.moves[0].second_order(0)
    assert set(round.signals) == {"on_real", "on_fake", "on_real BtoA", "on_fake BtoA"}


def test_costs_reach_their_player_alone() -> None:
    game = cycle_of()
    round = game.open({"input": images(0), "sample": images(1)}, 0, Noise(0, 2), held=True)
    game.generator_cost(round)
    cost = sum(game.critic_cost(round).values())
    pulls = torch.autograd.grad(cost, list(game.players["generator"].parameters()),  # type: ignore[arg-type]
                                allow_unused=True)
    assert all(pull is None for pull in pulls)


def test_pools_are_part_of_the_state() -> None:
    game = cycle_of(pool=3)
    for k in range(3):
        round = game.open({"input": images(2 * k), "sample": images(2 * k + 1)}, k, Noise(k, 2), held=True)
        game.generator_cost(round)
        game.critic_cost(round)
    other = cycle_of(pool=3)
    other.load_state_dict(copy.deepcopy(game.state_dict()))
    shown = [each.there.replay(images(9), Noise(5, 2)) for each in (game, other)]  # type: ignore[misc]
    assert torch.equal(*shown)
    assert int(game.there.replay.filled) == 3  # type: ignore[union-attr]


def test_a_pool_shows_about_half_of_older_images() -> None:
    pool = Replay(50, (1,))
    older = 0
    for k in range(400):
        made = torch.full((4, 1), float(k))
        older += int((pool(made, Noise(k, 4)) != k).sum())
    assert abs(older / (400 * 4 - 50) - 0.5) < 4 * 0.5 / (400 * 4) ** 0.5  # four standard deviations


@pytest.mark.parametrize("make", [
    lambda: Replay(0, (1,)), lambda: cycle_of(identity=-1.0), lambda: Likeness("l3"),  # type: ignore[arg-type]
    lambda: scaled(objective_named("wgan"), critic=0.0),
    lambda: Duel(nn.Identity(), nn.Identity(), objective_named("wgan"), Latent(1), condition="label",
                 replay=Replay(1, (1,))),
    lambda: Cycle(Duel(nn.Identity(), nn.Identity(), objective_named("wgan"), Entry(), condition="label"),
                  Duel(nn.Identity(), nn.Identity(), objective_named("wgan"), Entry())),
    lambda: Entry().of({"sample": torch.zeros(1)})])
def test_what_cannot_be_is_refused(make: object) -> None:
    with pytest.raises(UserError):
        make()  # type: ignore[operator]


def test_critics_judge_the_translations_of_the_generators_move_whether_or_not_the_round_is_held() -> None:
    # A batch in parts is not held, and the generators have moved before the critics' turn.
    costs = []
    for held in (True, False):
        game = cycle_of()
        round = game.open({"input": images(0), "sample": images(1)}, 0, Noise(0, 2), held)
        game.generator_cost(round)
        for parameter in game.players["generator"].parameters():
            parameter.data.mul_(1.5)
        costs.append(sum(game.critic_cost(round).values()))
    assert costs[0] == costs[1]


def test_consensus_reaches_the_generators_through_the_critics_cost() -> None:
    game = cycle_of()
    round = game.open({"input": images(0), "sample": images(1)}, 0, Noise(0, 2), held=True)
    round.joint = True
    game.generator_cost(round)
    pulls = of(sum(game.critic_cost(round).values()), game.players["generator"])  # type: ignore[arg-type]
    assert max(pull.abs().max() for pull in pulls.values()) > 1e-4


def test_processes_agree_on_batch_statistics_and_not_on_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    # Replay pools are each process's own: their mean would be pictures that nobody made.
    averaged: list[Tensor] = []
    machine = Machine("cpu")
    monkeypatch.setattr(machine, "average", averaged.extend)
    game = cycle_of(pool=3)
    game.there.generator = nn.Sequential(game.there.generator, nn.BatchNorm2d(3))
    machine.agree(game)
    assert [tuple(buffer.shape) for buffer in averaged] == [(3,), (3,)]
