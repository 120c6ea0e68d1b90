from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.data import as_bytes
from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, Game, Latent, Noise, Round
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.report.draws import drawn, walk
from ganworks.seeds import mix
from ganworks.train import Adam, Machine, Recipe, Trainer

from .conftest import Squares


@pytest.mark.parametrize("count", [1, 256, 300])
@pytest.mark.parametrize("averaged", [True, False])
def test_the_samples_are_the_trainers_own(trainer: Trainer, count: int, averaged: bool) -> None:
    made = torch.cat(list(drawn(trainer, count, 3, averaged)))
    assert torch.equal(made, trainer.samples(count, 3, averaged))


def test_seed_and_weights_matter(trainer: Trainer) -> None:
    first, again, other, live = (torch.cat(list(drawn(trainer, 8, seed, averaged)))
                                 for seed, averaged in ((0, True), (0, True), (1, True), (0, False)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, live)


def test_a_walk_is_a_round_trip(trainer: Trainer) -> None:
    legs = walk(trainer, 3, 5, seed=1)
    assert legs.shape == (3, 5, 1, 8, 8)
    assert legs.dtype == torch.uint8
    for i in range(3):  # where a leg ends the next begins; a level may round the other way
        assert (legs[i, -1].int() - legs[(i + 1) % 3, 0].int()).abs().max() <= 1
    assert not torch.equal(legs[0, 0], legs[0, 2])
    assert torch.equal(legs, walk(trainer, 3, 5, seed=1))
    assert not torch.equal(legs, walk(trainer, 3, 5, seed=2))


def test_a_walk_goes_between_gaussian_latents_along_the_circle(trainer: Trainer) -> None:
    generator = trainer.players()["generator"]
    z = Noise(mix(1, "walk"), 2).normal(16).double()
    angle = torch.arccos(z[0] @ z[1] / z[0].norm() / z[1].norm())
    # Halfway on the great circle: the bisector of the angle, with the mean of the lengths.
    middle = (z[0] / z[0].norm() + z[1] / z[1].norm()) / (2 * torch.cos(angle / 2)) * (z[0].norm() + z[1].norm()) / 2
    with torch.no_grad():
        wanted = as_bytes(generator(middle.float()[None]))
    found = walk(trainer, 2, 3, seed=1)[0, 1]
    assert (found.int() - wanted[0].int()).abs().max() <= 1


def test_each_leg_keeps_its_condition() -> None:
    class Told(nn.Module):
        """An image whose level is the label, whatever the latent."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
            assert condition is not None
            assert condition.shape == (len(z),)
            return (condition.float() * self.weight).view(-1, 1, 1, 1).expand(-1, 1, 8, 8) * 2 - 1

    game = Duel(Told(), Told(), objective_named("nonsaturating"), Latent(4), condition="label")
    recipe = Recipe(game, Squares(), {"generator": Adam(), "critic": Adam()}, steps=1, batch=8)
    legs = walk(Trainer(recipe, Machine("cpu")), 4, 3)
    levels = legs.flatten(2)[..., 0]
    wanted = Squares().head(4)["label"] * 255
    assert torch.equal(levels, wanted[:, None].expand(-1, 3).to(torch.uint8))


def test_points_and_too_short_walks_are_refused(trainer: Trainer) -> None:
    for stops, frames in ((1, 5), (5, 1)):
        with pytest.raises(UserError, match="at least 2 of each"):
            walk(trainer, stops, frames)


def test_a_walk_of_points_is_refused() -> None:
    class Dots(Squares):
        shape = (2,)

        def take(self, index: np.ndarray, chance: np.ndarray) -> dict[str, Tensor]:
            return {"sample": torch.zeros(len(index), 2)}

    game = Duel(MLPGenerator((2,), 4, (8,)), MLPCritic((2,), (8,)), objective_named("nonsaturating"), Latent(4))
    recipe = Recipe(game, Dots(), {"generator": Adam(), "critic": Adam()}, steps=1, batch=8)
    with pytest.raises(UserError, match="wanted: images"):
        walk(Trainer(recipe, Machine("cpu")), 4, 3)


def test_a_game_without_latents_is_refused(trainer: Trainer) -> None:
    class Lone(Game):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(1, 1)

        @property
        def players(self) -> dict[str, nn.Module]:
            return {"net": self.net}

        @property
        def moves(self) -> tuple:
            return ()

        def open(self, batch: Mapping[str, Tensor], step: int, noise: Noise, held: bool = False) -> Round:
            return Round(batch, step, noise)

        def preview(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> Tensor:
            return batch["sample"]

    lone = Trainer(Recipe(Lone(), Squares(), {"net": Adam()}, steps=1, batch=8), Machine("cpu"))
    with pytest.raises(UserError, match="walk between latents of a Lone"):
        walk(lone, 2, 2)
