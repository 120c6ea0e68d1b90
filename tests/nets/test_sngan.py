"""SNGAN's ResNets: the paper's tables, blocks against plain convolutions and pooling, shapes at every size."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.nets import SNGANCritic, SNGANGenerator, count_parameters
from ganworks.nets.blocks import DownBlock, UpBlock

NORMS = ["batch", "instance", "spectral", "none"]


def conv(before: int, wide: int, kernel: int, bias: bool = True) -> int:
    return before * wide * kernel**2 + wide * bias


def up(before: int, wide: int) -> int:
    """Numbers of an up block: two normalisations, two 3x3 (the first needs no bias), a 1x1 shortcut."""
    return 2 * before + conv(before, wide, 3, bias=False) + 2 * wide + conv(wide, wide, 3) + conv(before, wide, 1)


def down(before: int, wide: int) -> int:
    return conv(before, before, 3) + conv(before, wide, 3) + conv(before, wide, 1)


def first(colours: int, wide: int) -> int:
    return conv(colours, wide, 3) + conv(wide, wide, 3) + conv(colours, wide, 1)


def generator_count(latent: int, side: int, maps: list[int]) -> int:
    dense = latent * maps[0] * side**2 + maps[0] * side**2
    return dense + sum(up(a, b) for a, b in itertools.pairwise(maps)) + 2 * maps[-1] + conv(maps[-1], 3, 3)


def test_parameter_counts_of_table_4() -> None:
    generator = generator_count(128, 4, [256, 256, 256, 256])
    critic = first(3, 128) + down(128, 128) + 2 * (2 * conv(128, 128, 3)) + 128 + 1
    # The generator of the authors' code has 768 more: biases in front of the normalisations inside the blocks.
    assert (generator, critic) == (4_275_971, 1_053_825)
    assert count_parameters(SNGANGenerator((3, 32, 32))) == generator
    assert count_parameters(SNGANCritic((3, 32, 32))) == critic
    assert count_parameters(SNGANCritic((3, 32, 32), norm="none")) == critic  # spectral vectors do not learn


def test_parameter_counts_of_tables_5_and_6() -> None:
    downs = first(3, 64) + down(64, 128) + down(128, 256) + down(256, 512)
    assert count_parameters(SNGANGenerator((3, 48, 48))) == generator_count(128, 6, [512, 256, 128, 64])
    # The plain block of table 5 changes its channels, which takes a shortcut of its own.
    assert count_parameters(SNGANCritic((3, 48, 48))) == downs + down(512, 1024) + 1024 + 1
    assert (count_parameters(SNGANGenerator((3, 128, 128)))
            == generator_count(128, 4, [1024, 1024, 512, 256, 128, 64]))
    plain = 2 * conv(1024, 1024, 3)
    assert count_parameters(SNGANCritic((3, 128, 128))) == downs + down(512, 1024) + plain + 1024 + 1


@pytest.mark.parametrize(("size", "channels", "sides"), [
    (32, [2, 2, 2, 2], [16, 8, 8, 8]),  # table 4b at 1/64 of its width
    (48, [1, 2, 4, 8, 16], [24, 12, 6, 3, 3]),  # table 5b
    (64, [1, 2, 4, 8, 16], [32, 16, 8, 4, 2]),  # the authors' code
    (128, [1, 2, 4, 8, 16, 16], [64, 32, 16, 8, 4, 4]),  # table 6b
])
def test_layout_of_the_critic(size: int, channels: list[int], sides: list[int]) -> None:
    (features,) = SNGANCritic((3, size, size), width=1)(torch.randn(2, 3, size, size)).features
    assert [tuple(layer.shape) for layer in features] == [(2, c, s, s) for c, s in zip(channels, sides, strict=True)]


@pytest.mark.parametrize(("size", "channels", "sides"), [
    (32, [4, 4, 4, 4], [4, 8, 16, 32]),  # table 4a
    (48, [8, 4, 2, 1], [6, 12, 24, 48]),  # table 5a
    (64, [16, 8, 4, 2, 1], [4, 8, 16, 32, 64]),  # the authors' code
    (128, [16, 16, 8, 4, 2, 1], [4, 8, 16, 32, 64, 128]),  # table 6a
])
def test_layout_of_the_generator(size: int, channels: list[int], sides: list[int]) -> None:
    generator, seen = SNGANGenerator((3, size, size), latent=3, width=1), []
    for module in (generator.first, *generator.blocks):
        module.register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output.shape)))
    assert generator(torch.randn(2, 3)).shape == (2, 3, size, size)
    assert seen == [(2, c, s, s) for c, s in zip(channels, sides, strict=True)]


@pytest.mark.parametrize("size", [*range(8, 129, 5), 31, 32, 47, 63, 64, 127])
def test_sizes(size: int) -> None:
    channels = (1, 3, 4)[size % 3]
    made = SNGANGenerator((channels, size, size), latent=5, width=1)(100 * torch.randn(3, 5))
    assert made.shape == (3, channels, size, size)
    assert made.abs().max() <= 1
    assert made.min() < 0 < made.max()
    verdict = SNGANCritic((channels, size, size), width=1)(made)
    assert [score.shape for score in verdict.scores] == [(3,)]
    assert verdict.classes is None
    sides = [layer.shape[-1] for layer in verdict.features[0]]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] == size // 2
    assert sides[-1] >= 2


def slow_up(block: UpBlock, x: Tensor) -> Tensor:
    doubled = F.interpolate(F.relu(x), scale_factor=2)
    h = F.conv2d(F.pad(doubled, (0, block.odd, 0, block.odd)), block.conv1.weight, block.conv1.bias, padding=1)
    h = F.conv2d(F.relu(h), block.conv2.weight, block.conv2.bias, padding=1)
    beside = F.conv2d(F.interpolate(x, scale_factor=2), block.shortcut.weight, block.shortcut.bias)
    return h + (F.pad(beside, (0, 1, 0, 1), mode="replicate") if block.odd else beside)


def slow_down(block: DownBlock, x: Tensor, first: bool) -> Tensor:
    h = F.conv2d(x if first else F.relu(x), block.conv1.weight, block.conv1.bias, padding=1)
    h = F.avg_pool2d(F.conv2d(F.relu(h), block.conv2.weight, block.conv2.bias, padding=1), 2)
    return h + F.avg_pool2d(F.conv2d(x, block.shortcut.weight, block.shortcut.bias), 2)


@pytest.mark.parametrize("odd", [0, 1])
def test_blocks_do_what_convolution_and_resizing_do_one_after_the_other(odd: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    block = UpBlock(3, 4, odd, "none", None).double()
    for module in (block.conv1, block.conv2, block.shortcut):
        nn.init.normal_(module.bias)
    # Of clones: a block that worked in place on what comes in would agree with itself.
    torch.testing.assert_close(block(x.clone(), None), slow_up(block, x), rtol=0, atol=1e-12)
    x = torch.randn(2, 3, 6 + odd, 6 + odd, dtype=torch.float64)
    for first in (True, False):
        for norm in ("none", "spectral"):
            down_block = DownBlock(3, 4, True, first, norm).double().eval()  # type: ignore[arg-type]
            for module in (down_block.conv1, down_block.conv2, down_block.shortcut):
                nn.init.normal_(module.bias)
            torch.testing.assert_close(down_block(x.clone()), slow_down(down_block, x, first), rtol=0, atol=1e-12)


def test_plain_blocks_of_equal_channels_add_to_what_comes_in() -> None:
    block = DownBlock(4, 4, False, False, "none")
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("norm", NORMS)
def test_features_are_left_as_they_were(norm: str) -> None:
    """Layers that work in place must not reach what was shown, nor the images."""
    critic, seen = SNGANCritic((3, 32, 32), 2, norm), []  # type: ignore[arg-type]
    for block in critic.blocks:
        block.register_forward_hook(lambda _module, _inputs, output: seen.append(output.clone()))
    x = torch.randn(2, 3, 32, 32)
    before = x.clone()
    (features,) = critic(x).features
    assert torch.equal(x, before)
    assert all(torch.equal(a, b) for a, b in zip(features, seen, strict=True))


def test_the_score_is_linear_in_the_sum_over_positions() -> None:
    critic = SNGANCritic((3, 32, 32), 4).eval()
    with torch.no_grad():
        verdict = critic(torch.randn(5, 3, 32, 32))
        phi = np.maximum(verdict.features[0][-1].numpy(), 0).sum((2, 3))
        by_hand = phi @ critic.last.weight.numpy()[0] + critic.last.bias.numpy()
    np.testing.assert_allclose(verdict.scores[0].numpy(), by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [19, 32, 48])
@pytest.mark.parametrize("norm", NORMS)
def test_every_parameter_learns(norm: str, size: int) -> None:
    generator = SNGANGenerator((3, size, size), 6, 2, norm)  # type: ignore[arg-type]
    critic = SNGANCritic((3, size, size), 2, norm)  # type: ignore[arg-type]
    (critic(generator(torch.randn(8, 6))).scores[0] ** 2).sum().backward()
    for name, parameter in itertools.chain(generator.named_parameters(), critic.named_parameters()):
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_initial_weights_are_glorots() -> None:
    torch.manual_seed(1)
    generator = SNGANGenerator((3, 32, 32), 64, 16)
    for layer, fans, gain in [(generator.blocks[0].conv1, 2 * 64 * 9, math.sqrt(2)),
                              (generator.blocks[0].shortcut, 2 * 64, 1.0), (generator.first[0], 64 + 64 * 16, 1.0)]:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        assert layer.weight.std().item() == pytest.approx(gain * math.sqrt(2 / fans), rel=0.03)
    assert all((p == 0).all() for name, p in generator.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("size", [32, 64])
def test_signal_arrives(size: int) -> None:
    shape = (3, size, size)
    with torch.no_grad():
        made = SNGANGenerator(shape, 32, 8)(torch.randn(32, 32))
        for norm in ("spectral", "none", "instance"):
            critic = SNGANCritic(shape, 8, norm)  # type: ignore[arg-type]
            judged = critic(2 * torch.rand(32, *shape) - 1).scores[0]
            assert judged.std() > 1e-3, norm
    assert 0.05 < made.std(0).mean() < 0.95


def test_packs_of_images_have_many_channels() -> None:
    x = torch.randn(2, 6, 32, 32)
    assert SNGANCritic((6, 32, 32), 2)(x).scores[0].shape == (2,)
    assert SNGANGenerator((6, 32, 32), 4, 2)(torch.randn(2, 4)).shape == x.shape


@pytest.mark.parametrize("network", [SNGANGenerator, SNGANCritic])
def test_refused(network: type[nn.Module]) -> None:
    for shape in [(3, 7, 7), (3, 129, 129), (0, 32, 32), (3, 32, 16), (2,)]:
        with pytest.raises(UserError, match="sngan: samples of shape"):
            network(shape)
    with pytest.raises(UserError, match="did you mean 'spectral'"):
        network((3, 32, 32), norm="spectra")
    with pytest.raises(UserError, match="width 0"):
        network((3, 32, 32), width=0)
