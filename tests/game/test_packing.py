"""Packs of samples, their random numbers, and what cannot be packed. A packed training step is in test_lens.py."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganworks.data import Points
from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, Latent, Noise, Turn
from ganworks.game.packing import check_packing, packed, unpacked
from ganworks.nets import MLPCritic, MLPGenerator
from ganworks.train import SGD, Recipe

NS = objective_named("nonsaturating")


@pytest.mark.parametrize("shape", [(2,), (1, 5, 4), (3, 4, 4), (2, 7)])
@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_unpacking_undoes_packing(shape: tuple[int, ...], size: int) -> None:
    x = torch.randn(12, *shape)
    packs = packed(x, size)
    assert packs.shape == (12 // size, size * shape[0], *shape[1:])
    assert torch.equal(unpacked(packs, size), x)
    for i, pack in enumerate(packs):  # neighbours, one behind the other along the channels
        assert torch.equal(pack, torch.cat(list(x[i * size : (i + 1) * size])))


def test_a_pack_of_one_is_the_sample_itself() -> None:
    x = torch.randn(3, 2)
    assert packed(x, 1) is x
    assert unpacked(x, 1) is x


def test_channels_last_images_are_packed_the_same() -> None:
    x = torch.randn(6, 3, 4, 4)
    last = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(packed(last, 2), packed(x, 2))
    assert torch.equal(unpacked(packed(last, 3), 3), x)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_numbers_for_packs_are_the_same_in_any_parts(size: int) -> None:
    whole = Noise(5, 16).grouped(size)
    first, then = whole.uniform(2), whole.normal()
    assert first.shape == (16 // size, 2)
    for shares in ([4] * 4, [8, 8], [4, 12]):
        parts, at = [], 0
        for share in shares:
            noise = Noise(5, 16, slice(at, at + share)).grouped(size)
            assert len(noise) == share // size
            parts.append((noise.uniform(2), noise.normal()))
            at += share
        assert torch.equal(torch.cat([p[0] for p in parts]), first)
        assert torch.equal(torch.cat([p[1] for p in parts]), then)


def test_packs_and_samples_draw_from_one_stream() -> None:
    """What terms draw for packs and lenses for samples are different numbers, in the order in which they are drawn."""
    noise = Noise(5, 4)
    drawn = [noise.uniform(), noise.grouped(2).uniform(), noise.uniform()]
    one = torch.Generator().manual_seed(5)
    for numbers, count in zip(drawn, (4, 2, 4), strict=True):
        assert torch.equal(numbers, torch.rand(count, generator=one))


@pytest.mark.parametrize(("rows", "size"), [(5, 2), (4, 3), (2, 4), (4, 0), (4, -2)])
def test_what_does_not_divide_is_refused(rows: int, size: int) -> None:
    for refuse in (lambda: check_packing(rows, size), lambda: packed(torch.zeros(rows, 2), size),
                   lambda: Noise(0, rows).grouped(size)):
        with pytest.raises(UserError, match=f"packs of {size} samples") as caught:
            refuse()
        assert "--pack" in caught.value.remedy


def test_parts_that_cut_a_pack_are_refused() -> None:
    with pytest.raises(UserError, match="packs of 4 samples from 2"):
        Noise(0, 8, slice(2, 4)).grouped(4)


def duel_of(pack: int, **more: object) -> Duel:
    return Duel(MLPGenerator((2,), 3, (4,)), MLPCritic((2 * max(pack, 1),), (4,)), NS, Latent(3), pack=pack,
                **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("pack", "batch", "accumulate", "good"), [
    (2, 8, 1, True), (2, 8, 4, True), (4, 8, 2, True), (3, 8, 1, False), (4, 8, 4, False), (16, 8, 1, False),
    (0, 8, 1, False), (-1, 8, 1, False)])
def test_a_recipe_refuses_what_its_parts_cannot_pack(pack: int, batch: int, accumulate: int, good: bool) -> None:
    facts = {"generator": SGD(0.1), "critic": SGD(0.1)}

    def make() -> Recipe:
        return Recipe(duel_of(pack), Points(torch.randn(20, 2).numpy()), facts, 3, batch, accumulate)

    if good:
        assert make().batch == batch
    else:
        with pytest.raises(UserError, match=f"packs of {pack} samples from {batch // accumulate}"):
            make()


def test_a_condition_cannot_be_packed() -> None:
    with pytest.raises(UserError, match="condition"):
        duel_of(2, condition="label")


class Own(nn.Module):
    """Judges a pack by its first member and by how far the second is from it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0] + 10 * (x[:, 2] - x[:, 0]).abs()


def test_a_turn_shows_packs_to_the_critic_and_to_terms() -> None:
    generator, real, z = MLPGenerator((2,), 3, (4,)), torch.randn(6, 2), torch.randn(6, 3)
    turn = Turn(generator, Own(), real, z, Noise(0, 6), "generator", pack=2)
    made = generator(z)
    torch.testing.assert_close(turn.on_real.scores[0], real[::2, 0] + 10 * (real[1::2, 0] - real[::2, 0]).abs())
    torch.testing.assert_close(turn.on_fake.scores[0], made[::2, 0] + 10 * (made[1::2, 0] - made[::2, 0]).abs())
    assert turn.real.shape == turn.fake.shape == (3, 4)
    assert len(turn.noise) == 3
    assert turn.made is not None
    assert turn.made.shape == (6, 2)
    other = turn.against(Own(), "both")
    assert torch.equal(other.real, turn.real)
    assert torch.equal(other.fake, turn.fake)
