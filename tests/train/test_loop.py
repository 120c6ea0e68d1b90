"""The trainer against a plain loop written out by hand in torch: the same batches, the same latents, the same end."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import R1, Duel, GradientPenalty, Latent, Noise, Weighted
from ganworks.nets import DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator
from ganworks.seeds import mix
from ganworks.train import SGD, Adam, Hook, Machine, Optimiser, Recipe, RMSprop, Trainer

LATENT = 5
SEED = 3
BATCH = 12
NS, WGAN, HINGE = (objective_named(name) for name in ("nonsaturating", "wgan", "hinge"))


class Costs(Hook):
    """Keeps every cost of a training, move by move."""

    def __init__(self):
        self.seen = []

    def moved(self, trainer, move, costs, rounds):
        self.seen.append((move.player, {name: cost.item() for name, cost in costs.items()}))


@dataclass
class Plain:
    """The loop by hand. A penalty is a function (critic, real, fake, noise) -> cost, due every ``every`` steps."""

    generator: nn.Module
    critic: nn.Module
    source: object
    on_real: object
    on_fake: object
    for_generator: object
    make_g: object
    make_d: object
    critic_steps: int = 1
    penalty: object = None
    every: int = 1
    uniform: bool = False
    new_latents: bool = False
    clip: float | None = None
    together: bool = False  # one pass over both kinds: one power iteration of spectral norm, not two

    def run(self, steps, batch):
        g_step, d_step = self.make_g(self.generator.parameters()), self.make_d(self.critic.parameters())
        seen, k = [], 0
        for step in range(steps):
            for _ in range(self.critic_steps):
                real, z, noise = self.draw(k, batch)
                k += 1
                fake = self.generator(z)
                on_real, on_fake = self.judge(real, fake.detach())
                d_cost = self.on_real(on_real).mean() + self.on_fake(on_fake).mean()
                parts = {"adversarial": d_cost.item()}
                if self.penalty is not None and step % self.every == 0:
                    extra = self.penalty(self.say, real, fake.detach(), noise)
                    parts["penalty"] = extra.item()
                    d_cost = d_cost + extra
                self.descend(d_step, d_cost, self.critic)
                seen.append(("critic", parts))
            if self.new_latents:
                real, z, noise = self.draw(k, batch)
                k += 1
                fake = self.generator(z)
            g_cost = self.for_generator(self.say(fake)).mean()
            seen.append(("generator", {"adversarial": g_cost.item()}))
            self.descend(g_step, g_cost, self.generator)
        return seen

    def draw(self, k, batch):
        real = self.source.batch(k, batch, SEED)["sample"].float()
        noise = Noise(mix(SEED, "noise", k), batch)
        z = noise.uniform(LATENT) * 2 - 1 if self.uniform else noise.normal(LATENT)
        return real / 127.5 - 1 if real.dim() == 4 else real, z, noise

    def judge(self, real, fake):
        if self.together:
            return self.say(torch.cat([real, fake])).chunk(2)
        return self.say(real), self.say(fake)

    def say(self, x):
        out = self.critic(x)
        return out if isinstance(out, torch.Tensor) else out.scores[0]

    def descend(self, optimiser, cost, player):
        optimiser.zero_grad()
        cost.backward(inputs=list(player.parameters()))
        if self.clip is not None:
            norm = torch.sqrt(sum(p.grad.square().sum() for p in player.parameters()))
            for p in player.parameters():
                p.grad *= min(1.0, self.clip / (norm.item() + 1e-6))
        optimiser.step()


def two_sided_penalty(say, real, fake, noise):
    e = noise.uniform(*[1] * (real.dim() - 1))
    x = (e * real + (1 - e) * fake).requires_grad_()
    (g,) = torch.autograd.grad(say(x).sum(), x, create_graph=True)
    return 10 * ((g.flatten(1).norm(dim=1) - 1) ** 2).mean()


def lazy_r1(say, real, fake, noise):
    x = real.clone().requires_grad_()
    (g,) = torch.autograd.grad(say(x).sum(), x, create_graph=True)
    return 3 * 2.0 / 2 * g.flatten(1).square().sum(1).mean()  # every 3 steps, so 3 times gamma / 2


def dcgan(norm_critic="batch", norm_generator="batch"):
    torch.manual_seed(1)
    return DCGANGenerator((1, 16, 16), LATENT, 4, norm_generator), DCGANCritic((1, 16, 16), 4, norm_critic)


def mlp(shape=(2,)):
    torch.manual_seed(1)
    return MLPGenerator(shape, LATENT, (8, 8)), MLPCritic(shape, (8, 8))


def adam(rate, betas=(0.5, 0.999)):
    return lambda weights: torch.optim.Adam(weights, rate, betas, fused=False)


NS_COSTS = (lambda v: F.softplus(-v), F.softplus, lambda v: F.softplus(-v))
WGAN_COSTS = (lambda v: -v, lambda v: v, lambda v: -v)
HINGE_COSTS = (lambda v: (1 - v).clamp_min(0), lambda v: (1 + v).clamp_min(0), lambda v: -v)
BOTH = {"make_g": adam(1e-3), "make_d": adam(1e-3)}


# Costs that are linear in the critic's output leave some gradients exactly 0 but for rounding, which Adam would blow up
# to whole steps; such games are compared under SGD.
LINEAR = dict.fromkeys(("make_g", "make_d"), lambda w: torch.optim.SGD(w, 0.02))
SGDS = dict.fromkeys(("generator", "critic"), SGD(0.02))


def facts(rate=1e-3, **more):
    return {"generator": Adam(rate, **more), "critic": Adam(rate, **more)}


CASES = {
    "non-saturating, batch norm": (dcgan, "images", NS, {}, NS_COSTS, BOTH, facts()),
    "three critic steps": (mlp, "points", HINGE, {"critic_steps": 3}, HINGE_COSTS, {**LINEAR, "critic_steps": 3}, SGDS),
    "gradient penalty": (
        lambda: dcgan("none"), "images", WGAN,
        {"critic_steps": 2, "critic_terms": [Weighted("penalty", GradientPenalty(), 10)]}, WGAN_COSTS,
        {**LINEAR, "critic_steps": 2, "penalty": two_sided_penalty}, SGDS),
    "lazy R1": (
        lambda: dcgan("instance"), "images", NS,
        {"critic_terms": [Weighted("penalty", R1(), 2.0, every=3)]}, NS_COSTS,
        {**BOTH, "penalty": lazy_r1, "every": 3}, facts()),
    "spectral norm": (lambda: dcgan("spectral"), "images", HINGE, {}, HINGE_COSTS, {**LINEAR, "together": True}, SGDS),
    "uniform latents": (mlp, "points", NS, {"uniform": True}, NS_COSTS, {**BOTH, "uniform": True}, facts()),
    "new latents": (mlp, "points", NS, {"fresh": True}, NS_COSTS, {**BOTH, "new_latents": True}, facts()),
    "two rates": (
        mlp, "points", NS, {}, NS_COSTS, {"make_g": adam(1e-3), "make_d": adam(4e-3)},
        {"generator": Adam(1e-3), "critic": Adam(4e-3)}),
    "clipped gradients": (
        mlp, "points", NS, {}, NS_COSTS,
        {"make_g": lambda w: torch.optim.SGD(w, 0.5), "make_d": lambda w: torch.optim.SGD(w, 0.5), "clip": 0.02},
        {"generator": SGD(0.5, clip=0.02), "critic": SGD(0.5, clip=0.02)}),
    "SGD with momentum and decay": (
        mlp, "points", NS, {}, NS_COSTS,
        dict.fromkeys(("make_g", "make_d"), lambda w: torch.optim.SGD(w, 0.05, 0.9, weight_decay=0.1)),
        dict.fromkeys(("generator", "critic"), SGD(0.05, 0.9, decay=0.1))),
    "RMSprop": (
        mlp, "points", NS, {}, NS_COSTS,
        dict.fromkeys(("make_g", "make_d"), lambda w: torch.optim.RMSprop(w, 1e-3, alpha=0.9)),
        dict.fromkeys(("generator", "critic"), RMSprop(1e-3, 0.9))),
}


@pytest.mark.parametrize("case", CASES)
def test_the_trainer_is_the_loop_by_hand(case, machine, request):
    make, data, objective, options, formulas, plain, optimisers = CASES[case]
    source, options = request.getfixturevalue(data), dict(options)
    latent = Latent(LATENT, "uniform" if options.pop("uniform", False) else "gaussian")
    generator, critic = make()
    by_hand = Plain(copy.deepcopy(generator), copy.deepcopy(critic), source, *formulas, **plain)
    start = flat(generator).clone()
    costs = Costs()
    game = Duel(generator, critic, objective, latent, **options)
    trainer = Trainer(Recipe(game, source, optimisers, steps=6, batch=BATCH, seed=SEED, hooks=[costs]), machine)
    trainer.fit()
    expected = by_hand.run(steps=6, batch=BATCH)

    assert [player for player, _ in costs.seen] == [player for player, _ in expected]
    for (_, mine), (_, theirs) in zip(costs.seen, expected, strict=True):
        assert mine == pytest.approx(theirs, rel=2e-5, abs=2e-6)
    for mine, theirs in ((generator, by_hand.generator), (critic, by_hand.critic)):
        for (name, a), b in zip(mine.state_dict().items(), theirs.state_dict().values(), strict=True):
            assert torch.allclose(a, b, rtol=1e-4, atol=2e-6), (name, (a - b).abs().max())
    assert (flat(generator) - start).abs().max() > 1e-3


def test_accumulated_parts_are_the_whole_batch(images, machine):
    ends, seen = [], []
    for parts in (1, 2, 4):
        generator, critic = dcgan("none", "instance")
        costs = Costs()
        game = Duel(generator, critic, WGAN, Latent(LATENT), critic_steps=2,
                    critic_terms=[Weighted("penalty", GradientPenalty(), 10)])
        recipe = Recipe(game, images, SGDS, steps=4, batch=BATCH, accumulate=parts, hooks=[costs], seed=SEED)
        Trainer(recipe, machine).fit()
        ends.append(flat(game))
        seen.append(costs.seen)
    for other, costs in zip(ends[1:], seen[1:], strict=True):
        assert torch.allclose(ends[0], other, rtol=1e-4, atol=3e-6)
        for (_, mine), (_, theirs) in zip(seen[0], costs, strict=True):
            assert mine == pytest.approx(theirs, rel=2e-5, abs=2e-6)


class Asked(nn.Module):
    """A generator that keeps what it was asked for."""

    def __init__(self):
        super().__init__()
        self.inner, self.latents = nn.Linear(LATENT, 2), []

    def forward(self, z):
        self.latents.append(z.clone())
        return self.inner(z)


@pytest.mark.parametrize(("fresh", "accumulate"), [(False, 1), (False, 2), (True, 1)])
def test_the_generator_moves_on_the_critics_last_latents_unless_fresh(fresh, accumulate, points, machine):
    generator = Asked()
    game = Duel(generator, nn.Sequential(nn.Linear(2, 1)), NS, Latent(LATENT), critic_steps=2, fresh=fresh)
    Trainer(Recipe(game, points, facts(), steps=1, batch=4, accumulate=accumulate), machine).fit()
    asked = generator.latents
    if accumulate == 2:  # parts are made anew, so that only one of them is in memory
        assert len(asked) == 6
        assert torch.equal(torch.cat(asked[2:4]), torch.cat(asked[4:6]))
    elif fresh:
        assert len(asked) == 3
        assert not torch.equal(asked[1], asked[2])
    else:
        assert len(asked) == 2  # the samples of the second critic move serve the generator as they are
        assert not torch.equal(asked[0], asked[1])


def test_a_move_reaches_only_its_own_player(points, machine):
    class Watch(Hook):
        def moved(self, trainer, move, costs, rounds):
            now = {name: torch.cat([p.detach().flatten().clone() for p in player.parameters()])
                   for name, player in trainer.game.players.items()}
            if hasattr(self, "before"):
                for name in now:
                    assert torch.equal(now[name], self.before[name]) == (name != move.player)
                    assert all(p.grad is None for p in trainer.game.players[name].parameters())
            self.before = now

    generator, critic = mlp()
    game = Duel(generator, critic, NS, Latent(LATENT))
    Trainer(Recipe(game, points, facts(), steps=3, batch=8, hooks=[Watch()]), machine).fit()


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_bfloat16_keeps_costs_and_weights_in_float32(norm, images):
    kinds = []

    class Kinds(Hook):
        def moved(self, trainer, move, costs, rounds):
            kinds.extend((cost.dtype, bool(cost.isfinite())) for cost in costs.values())
            kinds.append((rounds[0].signals["on_real"].dtype, True))

    generator, critic = dcgan(norm)
    terms = [Weighted("penalty", GradientPenalty(), 10)] if norm == "instance" else []
    game = Duel(generator, critic, WGAN, Latent(LATENT), critic_terms=terms)
    recipe = Recipe(game, images, facts(), steps=3, batch=8, precision="bf16", hooks=[Kinds()])
    Trainer(recipe, Machine("cpu", "bf16")).fit()
    assert {kind for kind, _ in kinds} == {torch.float32, torch.bfloat16}  # outputs are bfloat16, costs are not
    assert all(finite for _, finite in kinds)
    assert {p.dtype for p in game.parameters()} == {torch.float32}


def test_images_run_in_channels_last_and_points_do_not(images, points, machine):
    generator, critic = dcgan()
    game = Duel(generator, critic, NS, Latent(LATENT))
    trainer = Trainer(Recipe(game, images, facts(), steps=1, batch=8), machine)
    assert critic.stages[1][0].weight.is_contiguous(memory_format=torch.channels_last)
    fed = trainer.machine.feed(images.batch(0, 8, 0))["sample"]
    assert fed.dtype == torch.float32
    assert fed.is_contiguous(memory_format=torch.channels_last)
    assert fed.min() >= -1
    assert fed.max() <= 1


def test_maps_of_one_channel_run_in_channels_last_whatever_their_weights_say(images, machine):
    """Values and both derivatives are those of a critic as built; the weights are foreseen ones, as in unrolling."""
    critics = [dcgan()[1] for _ in range(2)]
    Trainer(Recipe(Duel(dcgan()[0], critics[0], NS, Latent(LATENT)), images, facts(), steps=1, batch=8), machine)
    seen, found = [], []
    critics[0].stages[0].register_forward_hook(lambda stage, told, out: seen.append(out))
    for critic in critics:
        weights = {name: weight - torch.full(weight.shape, 0.01) for name, weight in critic.named_parameters()}
        x = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
        score = functional_call(critic, weights, x).scores[0]
        (slope,) = torch.autograd.grad(score.sum(), x, create_graph=True)
        found.append([score, slope, *torch.autograd.grad(slope.square().sum(), list(weights.values()),
                                                         allow_unused=True, materialize_grads=True)])
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


def test_convolutions_may_be_called_in_any_way_once_a_game_is_laid_out(images, machine):
    class Critic(MLPCritic):
        def __init__(self):
            super().__init__((1, 16, 16), (8,))
            self.first = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x, condition=None):
            return super().forward(self.first(input=x))

    Trainer(Recipe(Duel(dcgan()[0], Critic(), NS, Latent(LATENT)), images, facts(), steps=1, batch=8), machine).fit()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("penalty", [False, True])
def test_compiled_networks_learn_the_same(penalty, points):
    ends = []
    for compiled in (False, True):
        generator, critic = mlp()
        terms = [Weighted("penalty", GradientPenalty(), 10, every=2)] if penalty else []
        game = Duel(generator, critic, WGAN, Latent(LATENT), critic_terms=terms)
        recipe = Recipe(game, points, SGDS, steps=4, batch=8, seed=SEED, compile=compiled)
        trainer = Trainer(recipe, Machine("cpu", compile=compiled))
        trainer.fit()
        assert not any("_orig_mod" in key for key in trainer.state_dict()["game"])
        ends.append(flat(game))
    assert torch.allclose(*ends, rtol=1e-4, atol=3e-6)


def test_what_a_recipe_refuses(points, machine):
    generator, critic = mlp()
    game = Duel(generator, critic, NS, Latent(LATENT))
    with pytest.raises(UserError, match=r"optimisers for \['critic'\]"):
        Recipe(game, points, {"critic": Adam()}, steps=1)
    with pytest.raises(UserError, match="0 steps"):
        Recipe(game, points, facts(), steps=0)
    with pytest.raises(UserError, match="in 3 parts"):
        Recipe(game, points, facts(), steps=1, batch=8, accumulate=3)
    with pytest.raises(UserError, match="50 samples are fewer than a batch of 64"):
        Recipe(game, points, facts(), steps=1)
    with pytest.raises(UserError, match="precision 'float16'"):
        Machine("cpu", "float16")
    with pytest.raises(UserError, match="3 processes"):
        Machine.rows(type("Three", (), {"rank": 0, "world": 3})(), 8, 0, 1)
    for wrong in ({"kind": "adan"}, {"rate": 0.0}, {"decay": -1.0}, {"clip": 0.0}, {"betas": (0.5, 1.0)}):
        with pytest.raises(UserError, match="optimiser"):
            Optimiser(**wrong)


def test_rows_of_all_processes_and_parts_are_the_batch_once():
    rows = [Machine.rows(type("Here", (), {"rank": rank, "world": 3})(), 24, part, 2)
            for rank in range(3) for part in range(2)]
    assert [i for part in rows for i in range(24)[part]] == list(range(24))


def flat(module):
    return torch.cat([p.detach().reshape(-1) for p in module.parameters()])
