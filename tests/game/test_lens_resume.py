"""A run with adaptive augmentation that is stopped and gone on with: its probability goes on to the bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from ganworks.data.source import Batch, Source
from ganworks.design import objective_named
from ganworks.game import ADA, R1, Duel, Latent, Weighted
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.train import SGD, Hook, Machine, Recipe, Run, Trainer, fit

NS = objective_named("nonsaturating")


class Speckles(Source):
    """Twenty images in a cycle."""

    name, shape = "speckles", (1, 8, 8)

    def __len__(self) -> int:
        return 20

    def batch(self, k: int, size: int, seed: int, rows: slice = slice(None)) -> Batch:
        draw = torch.Generator().manual_seed(3)
        x = torch.randint(0, 256, (20, 1, 8, 8), generator=draw, dtype=torch.uint8)
        return {"sample": x[(torch.arange(size) + k) % 20][rows]}

    def head(self, count: int) -> Batch:
        return self.batch(0, count, 0)


class Remember(Hook):
    """Keeps p after each step; stops where it is told to."""

    def __init__(self, lens: ADA, stop: int | None = None) -> None:
        self.lens, self.stop, self.p = lens, stop, list[float]()

    def stepped(self, trainer: Trainer) -> None:
        self.p.append(self.lens.p)
        trainer.stopping = trainer.step == self.stop


def adaptive(accumulate: int = 1) -> tuple[Any, ADA]:
    torch.manual_seed(4)
    lens = ADA(0.0, over=100, interval=3)
    game = Duel(MLPGenerator((1, 8, 8), 3, (8,)), MLPCritic((1, 8, 8), (8,)), NS, Latent(3), lens=lens,
                critic_terms=[Weighted("r1", R1(), 0.1)], critic_steps=2)
    facts = {"generator": SGD(0.05), "critic": SGD(0.1)}
    return Recipe(game, Speckles(), facts, 14, batch=4, accumulate=accumulate, seed=1), lens


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("stop", [1, 5, 9])  # also between two moves of p
def test_a_resumed_run_goes_on_with_p(stop: int, accumulate: int, tmp_path: Any) -> None:
    machine, said, ends = Machine("cpu"), list[list[float]](), []
    for name, stops in (("whole", [None]), ("cut", [stop, None])):
        said.append([])
        for at in stops:
            recipe, lens = adaptive(accumulate)
            watch = Remember(lens, at)
            trainer = fit(replace(recipe, hooks=[watch]), tmp_path / name, machine=machine, quiet=True,
                          resume=at is None and name == "cut")
            said[-1] += watch.p
        ends.append(trainer.state_dict())
    assert said[0] == said[1]
    assert len(said[0]) == 14
    assert max(said[0]) > 0.1
    for a, b in zip(ends[0]["game"].items(), ends[1]["game"].items(), strict=True):
        assert a[0] == b[0]
        assert torch.equal(a[1], b[1])
    logged = [record["score/augmentation"] for record in Run(tmp_path / "cut").records()]
    assert logged == pytest.approx([p for step, p in enumerate(said[1], 1) if step % 10 == 0])
