"""What a duel does with a lens, with packs and with top-k, against the same training in plain torch.

The step by hand draws its own numbers from torch's generator, joins packs by indices, and differentiates in float64.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganworks.data.source import Batch, Source
from ganworks.design import objective_named
from ganworks.game import R1, Duel, GradientPenalty, Lens, Noise, Ramp, Top, Weighted
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.objective import rival
from ganworks.seeds import mix
from ganworks.train import SGD, Machine, Recipe, Trainer

WGAN, NS = objective_named("wgan"), objective_named("nonsaturating")
BATCH, STEPS, RATE, GAMMA, LAMBDA, SEED = 8, 4, 0.05, 0.7, 3.0, 11


class Bent(Lens):
    """x times a random number plus random numbers, squared a little, so that it bends gradients and penalties."""

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        y = x * (0.5 + noise.uniform(1).to(x.dtype)) + 0.3 * noise.normal(*x.shape[1:]).to(x.dtype)
        return y + 0.1 * (step + 1) * y.square()


class Doubles(Source):
    """Points of float64, a function of k."""

    name, shape = "doubles", (2,)

    def __len__(self) -> int:
        return 0

    def batch(self, k: int, size: int, seed: int, rows: slice = slice(None)) -> Batch:
        draw = torch.Generator().manual_seed(mix(seed, k))
        return {"sample": torch.randn(size, 2, generator=draw, dtype=torch.float64)[rows]}

    def head(self, count: int) -> Batch:
        return self.batch(0, count, 0)


@dataclass(frozen=True)
class Wide:
    """Latents in float64."""

    size: int = 3

    def draw(self, noise: Noise) -> Tensor:
        return noise.normal(self.size).double()


@dataclass(frozen=True)
class Case:
    lens: bool = False
    pack: int = 1
    top: bool = False
    penalty: str = "none"
    paired: bool = False

    def share(self, step: int) -> int:
        """Samples that the generator learns from, of its packs: all, then 3/4, then half of them."""
        return {0: 4, 1: 3, 2: 2, 3: 2}[step] * (BATCH // self.pack) // 4

    def networks(self) -> tuple[nn.Module, nn.Module]:
        torch.manual_seed(2)
        return MLPGenerator((2,), 3, (7,)).double(), MLPCritic((2 * self.pack,), (6,)).double()


def by_the_trainer(case: Case, accumulate: int = 1) -> tuple[nn.Module, nn.Module]:
    generator, critic = case.networks()
    terms = {"none": [], "gp": [Weighted("gp", GradientPenalty(), LAMBDA)], "r1": [Weighted("r1", R1(), GAMMA)]}
    game = Duel(generator, critic, replace(NS, link=rival) if case.paired else WGAN if case.penalty == "gp" else NS,
                Wide(), critic_terms=terms[case.penalty], lens=Bent() if case.lens else None,  # type: ignore[arg-type]
                pack=case.pack, top=Top(Ramp(1.0, 0.5, 2)) if case.top else None)
    facts = {"generator": SGD(RATE), "critic": SGD(RATE)}
    Trainer(Recipe(game, Doubles(), facts, STEPS, BATCH, accumulate, seed=SEED), Machine("cpu")).fit()
    return generator, critic


def by_hand(case: Case) -> tuple[nn.Module, nn.Module]:
    generator, critic = case.networks()
    for k in range(STEPS):
        draw = torch.Generator().manual_seed(mix(SEED, "noise", k))

        def seen(x: Tensor, step: int = k, draw: torch.Generator = draw) -> Tensor:
            if not case.lens:
                return x
            factor, off = torch.rand(BATCH, 1, generator=draw).double(), torch.randn(BATCH, 2, generator=draw).double()
            y = x * (0.5 + factor) + 0.3 * off
            return y + 0.1 * (step + 1) * y**2

        def joined(x: Tensor) -> Tensor:
            return torch.cat([x[i::case.pack] for i in range(case.pack)], 1)

        def score(x: Tensor) -> Tensor:
            return critic(joined(seen(x))).scores[0]

        fake = generator(torch.randn(BATCH, 3, generator=draw).double())
        real = Doubles().batch(k, BATCH, SEED)["sample"]
        r, f = score(real), score(fake.detach())
        if case.paired:
            cost = 2 * softplus(f - r).mean()
        else:
            cost = f.mean() - r.mean() if case.penalty == "gp" else softplus(-r).mean() + softplus(f).mean()
        if case.penalty != "none":
            packs = BATCH // case.pack
            at = real
            if case.penalty == "gp":
                e = torch.rand(packs, 1, generator=draw).double().repeat_interleave(case.pack, 0)
                at = e * real + (1 - e) * fake.detach()
            at = at.requires_grad_()
            (slope,) = torch.autograd.grad(score(at).sum(), at, create_graph=True)
            squares = slope.square().view(packs, -1).sum(1)
            cost = cost + (LAMBDA * (squares.sqrt() - 1).square() if case.penalty == "gp"
                           else GAMMA / 2 * squares).mean()
        descend(cost, critic)
        r = score(real.detach()).detach() if case.paired else None
        f = score(fake)
        if case.top:
            best = f.argsort(descending=True)[: case.share(k)]
            r, f = r if r is None else r[best], f[best]
        if r is not None:
            descend(softplus(r - f).mean(), generator)
        else:
            descend(-f.mean() if case.penalty == "gp" else softplus(-f).mean(), generator)
    return generator, critic


def descend(cost: Tensor, player: nn.Module) -> None:
    weights = list(player.parameters())
    for p, slope in zip(weights, torch.autograd.grad(cost, weights, allow_unused=True), strict=True):
        p.data -= RATE * (torch.zeros_like(p) if slope is None else slope)


CASES = [Case(lens=True), Case(lens=True, penalty="gp"), Case(lens=True, penalty="r1"), Case(lens=True, paired=True),
         Case(pack=2), Case(pack=2, penalty="gp"), Case(pack=4, penalty="r1"), Case(pack=2, paired=True),
         Case(top=True), Case(top=True, paired=True), Case(lens=True, pack=2, top=True, penalty="gp"),
         Case(lens=True, pack=2, top=True, penalty="r1", paired=True)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_training_is_that_of_the_step_by_hand(case: Case) -> None:
    trained, wanted, first = by_the_trainer(case), by_hand(case), case.networks()
    for mine, other, before in zip(trained, wanted, first, strict=True):
        for p, q in zip(mine.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=0, atol=1e-12)
        assert max((p - was).abs().max() for p, was in zip(mine.parameters(), before.parameters(), strict=True)) > 1e-3


@pytest.mark.parametrize("case", [Case(lens=True, penalty="gp"), Case(pack=2, penalty="gp"),
                                  Case(lens=True, pack=2, penalty="r1")], ids=str)
def test_parts_of_a_batch_make_the_same_step(case: Case) -> None:
    """Lenses, packs and penalties see in parts what they see in one; pairs and top-k are each part's own."""
    for parts in (2, 4):
        for mine, other in zip(by_the_trainer(case, parts), by_hand(case), strict=True):
            for p, q in zip(mine.parameters(), other.parameters(), strict=True):
                torch.testing.assert_close(p, q, rtol=0, atol=1e-12)
