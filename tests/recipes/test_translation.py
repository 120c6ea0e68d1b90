"""The recipes that translate images: what the papers say is what they do by default."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganworks.data.pairs import Crops, Pairs, Unpaired
from ganworks.data.source import Source
from ganworks.errors import UserError
from ganworks.nets import count_parameters
from ganworks.recipes import Call
from ganworks.train import Machine, Trainer

NARROW = {"size": 16, "width": 2, "width_critic": 2, "patch_layers": 1, "batch": 2, "steps": 2, "measure": None}


def pixels(seed: int, channels: int = 3, side: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (6, channels, side, side), dtype=np.uint8)


def source_of(name: str, side: int = 16) -> Source:
    if name.startswith("pix2pix"):
        return Pairs(np.concatenate([pixels(0, 3, side), pixels(1, 3, side)], axis=1), 3, side)
    return Unpaired(Crops(pixels(0, 3, side), side), Crops(pixels(1, 3, side), side))


def test_papers_settings_are_the_defaults() -> None:
    pix, cycle = (Call.make(name, {}, {}).options for name in ("pix2pix", "cyclegan"))
    for options in (pix, cycle):  # section 6.2; section 4 and appendix 7.1
        training = options.training
        assert (training.batch, training.lr, training.betas, training.ema) == (1, 2e-4, (0.5, 0.999), None)
        assert (training.schedule, training.hold) == ("linear", 0.5)
        assert options.data.flip
    assert (pix.networks.network, pix.networks.dropout, pix.networks.patch_layers, pix.l1) == ("unet", 0.5, 3, 100)
    assert (pix.objective, pix.critic_weight) == ("nonsaturating", 0.5)
    assert (cycle.networks.network, cycle.networks.blocks, cycle.networks.norm_generator) == ("resnet", 9, "instance")
    assert (cycle.objective, cycle.cycle, cycle.identity, cycle.pool) == ("lsgan", 10, 0.5, 50)


def test_networks_are_those_of_the_papers_at_256_pixels() -> None:
    # A CycleGAN is two translators of 11.378 million numbers and two critics of 2.765 million.
    recipe = Call.make("cyclegan", {}, {}).build(source_of("cyclegan", 256))
    sizes = {name: count_parameters(player) for name, player in recipe.game.players.items()}
    assert {name: round(size / 2e6, 3) for name, size in sizes.items()} == {"generator": 11.378, "critic": 2.765}


@pytest.mark.parametrize("name", ["pix2pix-small", "cyclegan-small"])
@pytest.mark.parametrize("given", [
    {}, {"objective": "hinge"}, {"objective": "{omega: log(r)/2, rho: exp(-t)}"}, {"relativistic": "pair"},
    {"gp": 1.0, "r1": 1.0}, {"noise": 0.1, "lecam": 0.1, "smoothing": 0.9}, {"network": "resnet", "blocks": 1},
    {"network": "unet", "norm_generator": "batch", "norm_critic": "none"}, {"accumulate": 2}, {"ema": 0.9},
    {"clip_weights": 0.1, "objective": "wgan"}], ids=str)
def test_what_can_be_combined_trains(name: str, given: dict) -> None:
    recipe = Call.make(name, {}, {**NARROW, **given}).build(source_of(name))
    before = [p.detach().clone() for p in recipe.game.parameters()]
    trainer = Trainer(recipe, Machine("cpu"))
    trainer.fit()
    assert all(torch.isfinite(p).all() for p in recipe.game.parameters())
    assert sum(not torch.equal(a, b) for a, b in zip(before, recipe.game.parameters(), strict=True)) > len(before) / 2
    assert trainer.samples(3).shape == (3, 3, 16, 16)


def test_two_parts_of_a_batch_make_the_step_of_the_whole() -> None:
    weights = []
    for parts in (1, 2):
        given = {**NARROW, "accumulate": parts, "optimiser": "sgd", "lr": 0.1, "pool": 1, "blocks": 1, "steps": 1,
                 "norm_critic": "instance"}  # a spectral one goes on with its estimate at each look
        recipe = Call.make("cyclegan-small", {}, given).build(source_of("cyclegan"))
        Trainer(recipe, Machine("cpu")).fit()
        weights.append(torch.cat([p.detach().flatten() for p in recipe.game.parameters()]))
    assert (weights[0] - weights[1]).abs().max() < 1e-5


def test_a_written_call_is_the_same_call() -> None:
    for name in ("pix2pix", "cyclegan-small"):
        call = Call.make(name, {}, {"data": "a", "to": "b", "load_size": 32})
        assert Call.load(call.text()) == call


@pytest.mark.parametrize(("name", "side", "said"), [
    ("pix2pix", 10, "a U-Net for 10 pixels"), ("cyclegan-small", 14, "a multiple of 4"),
    ("cyclegan", 16, "at least 24 pixels")])
def test_what_cannot_be_is_refused(name: str, side: int, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Call.make(name, {}, {}).build(source_of(name, side))


def test_images_of_two_shapes_have_no_way_back() -> None:
    source = Unpaired(Crops(pixels(0, 1), 16), Crops(pixels(1, 3), 16))
    with pytest.raises(UserError, match="--channels"):
        Call.make("cyclegan-small", {}, NARROW).build(source)
