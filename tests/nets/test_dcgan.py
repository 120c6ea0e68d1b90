"""DCGAN at every size: shapes, ranges, the paper's parameter counts, and a signal that arrives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from ganworks.errors import UserError
from ganworks.nets import DCGANCritic, DCGANGenerator, count_parameters

NORMS = ["batch", "instance", "spectral", "none"]
SIZES = [8, 9, 15, 16, 17, 28, 31, 33, 48, 63, 64, 100, 127, 128]


@pytest.mark.parametrize("size", range(8, 129))
def test_every_size(size: int) -> None:
    channels = (1, 3, 4)[size % 3]
    made = DCGANGenerator((channels, size, size), latent=5, width=1, norm="none")(torch.randn(2, 5))
    assert made.shape == (2, channels, size, size)
    verdict = DCGANCritic((channels, size, size), width=1, norm="none")(made)
    assert [score.shape for score in verdict.scores] == [(2,)]
    assert verdict.classes is None


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("size", "channels"), [(size, (1, 3, 4)[i % 3]) for i, size in enumerate(SIZES)])
def test_shapes_and_range(size: int, channels: int, norm: str) -> None:
    generator = DCGANGenerator((channels, size, size), latent=7, width=2, norm=norm)  # type: ignore[arg-type]
    critic = DCGANCritic((channels, size, size), width=2, norm=norm)  # type: ignore[arg-type]
    made = generator(100 * torch.randn(3, 7))
    assert made.shape == (3, channels, size, size)
    assert made.abs().max() <= 1
    assert made.min() < 0 < made.max()
    verdict = critic(made)
    assert verdict.scores[0].shape == (3,)
    (features,) = verdict.features
    sides = [layer.shape[-1] for layer in features]
    assert sides == [size // 2**i for i in range(1, len(sides) + 1)]  # shallow to deep, one a stage
    assert 4 <= sides[-1] <= 7


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("norm", NORMS)
def test_every_parameter_learns(norm: str, channels: int) -> None:
    generator = DCGANGenerator((channels, 19, 19), latent=6, width=3, norm=norm)  # type: ignore[arg-type]
    critic = DCGANCritic((channels, 19, 19), width=3, norm=norm)  # type: ignore[arg-type]
    (critic(generator(torch.randn(8, 6))).scores[0] ** 2).sum().backward()
    for name, parameter in itertools.chain(generator.named_parameters(), critic.named_parameters()):
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_parameter_counts_of_the_paper() -> None:
    """Radford et al. 2016, figure 1 at half its width (64 to 512 maps): 4x4 kernels, two numbers a normalised map."""
    width, latent, colours = 64, 100, 3
    maps = [width, 2 * width, 4 * width, 8 * width]
    norms = 2 * sum(maps)
    hidden = 16 * sum(a * b for a, b in itertools.pairwise(maps))
    generator = latent * maps[-1] * 16 + hidden + 16 * maps[0] * colours + norms
    critic = 16 * colours * maps[0] + hidden + maps[-1] * 16 + norms - 2 * maps[0]
    assert (generator, critic) == (3_576_704, 2_765_568)  # without any bias, as in torch's own example
    shape = (colours, 64, 64)
    # Here the layers without a normalisation behind them have biases: the image's; the first maps' and the verdict's.
    assert count_parameters(DCGANGenerator(shape, latent, width)) == generator + colours
    assert count_parameters(DCGANCritic(shape, width)) == critic + maps[0] + 1
    # Without normalisation every layer has a bias instead of norms' pairs.
    # Spectral normalisation adds nothing that learns; its vectors are buffers.
    for norm in ("none", "spectral"):
        plain = count_parameters(DCGANCritic(shape, width, norm))  # type: ignore[arg-type]
        assert plain == critic - (norms - 2 * maps[0]) + sum(maps) + 1


@pytest.mark.parametrize("size", [8, 28, 64, 128])
def test_signal_arrives_without_normalisation(size: int) -> None:
    """With 0.02 everywhere a 64 x 64 critic's outputs would differ by 1e-5 and less."""
    shape, spread, judged = (3, size, size), [], []
    for seed in range(3):
        torch.manual_seed(seed)
        with torch.no_grad():
            spread.append(DCGANGenerator(shape, 32, 8, "none")(torch.randn(32, 32)).std(0).mean().item())
            judged.append(DCGANCritic(shape, 8, "none")(2 * torch.rand(32, *shape) - 1).scores[0].std().item())
    assert 0.15 < np.mean(spread) < 0.9  # between samples, of pixels in [-1, 1]
    assert 0.1 < np.mean(judged) < 3


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_signal_arrives_behind_normalisation(norm: str) -> None:
    shape = (3, 64, 64)
    with torch.no_grad():
        made = DCGANGenerator(shape, 32, 16, norm)(torch.randn(32, 32))  # type: ignore[arg-type]
        judged = DCGANCritic(shape, 16, norm)(2 * torch.rand(32, *shape) - 1).scores[0]  # type: ignore[arg-type]
    assert 0.02 < made.std(0).mean() < 0.5
    assert 0.05 < judged.std() < 3


def test_initial_weights_of_the_paper() -> None:
    torch.manual_seed(3)
    network = DCGANGenerator((3, 32, 32), 64, 32, "batch")
    convolutions = [m for m in network.modules() if isinstance(m, nn.ConvTranspose2d | nn.Linear)]
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(convolutions) == 4
    assert len(norms) == 3
    for layer in convolutions:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert abs(layer.weight.mean().item()) < 1e-3
    gains = torch.cat([m.weight.detach() for m in norms])
    assert gains.mean().item() == pytest.approx(1, abs=0.005)
    assert gains.std().item() == pytest.approx(0.02, rel=0.2)
    assert all((m.bias == 0).all() for m in norms)


@pytest.mark.parametrize("shape", [(3, 7, 7), (3, 129, 129), (3, 32, 16), (0, 32, 32), (32, 32), (2,), (1, 3, 32, 32),
                                   ()])
@pytest.mark.parametrize("network", [DCGANGenerator, DCGANCritic])
def test_refused_shapes(network: type[nn.Module], shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="dcgan: samples of shape") as caught:
        network(shape)
    assert "8 to 128" in caught.value.wanted
    assert caught.value.remedy


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANCritic])
def test_refused_norm_and_width(network: type[nn.Module]) -> None:
    with pytest.raises(UserError, match="did you mean 'spectral'"):
        network((3, 32, 32), norm="spectra")
    with pytest.raises(UserError, match="width 0"):
        network((3, 32, 32), width=0)
