"""The fully connected pair: shapes, ranges, counts, what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganworks.errors import UserError
from ganworks.nets import MLPCritic, MLPGenerator, count_parameters

NORMS = ["batch", "instance", "spectral", "none"]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (1, 8, 8), (3, 5, 9)])
def test_shapes(shape: tuple[int, ...], norm: str) -> None:
    made = MLPGenerator(shape, latent=4, widths=(6, 5), norm=norm)(torch.randn(3, 4))  # type: ignore[arg-type]
    assert made.shape == (3, *shape)
    verdict = MLPCritic(shape, widths=(6, 5, 4), norm=norm)(made)  # type: ignore[arg-type]
    assert [score.shape for score in verdict.scores] == [(3,)]
    assert [layer.shape for layer in verdict.features[0]] == [(3, 6), (3, 5), (3, 4)]


def test_images_are_bounded_and_points_are_not() -> None:
    z = 1000 * torch.randn(16, 4)
    assert MLPGenerator((1, 4, 4), latent=4)(z).abs().max() <= 1
    assert MLPGenerator((2,), latent=4)(z).abs().max() > 10


@pytest.mark.parametrize("norm", NORMS)
def test_every_parameter_learns(norm: str) -> None:
    generator = MLPGenerator((2,), 4, (16, 16), norm)  # type: ignore[arg-type]
    critic = MLPCritic((2,), (16, 16), norm)  # type: ignore[arg-type]
    (critic(generator(torch.randn(32, 4))).scores[0] ** 2).sum().backward()
    for name, parameter in [*generator.named_parameters(), *critic.named_parameters()]:
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_parameter_counts() -> None:
    assert count_parameters(MLPGenerator((2,), 10, (20, 30))) == (10 * 20 + 20) + (20 * 30 + 30) + (30 * 2 + 2)
    assert count_parameters(MLPCritic((1, 4, 4), (20, 30))) == (16 * 20 + 20) + (20 * 30 + 30) + (30 + 1)
    # Behind a normalisation: no bias, a gain and a shift.
    assert count_parameters(MLPGenerator((2,), 10, (20,), "batch")) == 10 * 20 + 2 * 20 + 20 * 2 + 2
    frozen = MLPCritic((2,), (3,)).requires_grad_(False)
    assert count_parameters(frozen) == 0


def test_signal_arrives_without_normalisation() -> None:
    with torch.no_grad():
        assert 0.02 < MLPGenerator((2,), 16)(torch.randn(256, 16)).std(0).mean() < 2
        assert 0.02 < MLPCritic((2,))(torch.randn(256, 2)).scores[0].std() < 2


@pytest.mark.parametrize("network", [MLPGenerator, MLPCritic])
def test_refused(network: type[nn.Module]) -> None:
    with pytest.raises(UserError, match="one or more layers"):
        network((2,), widths=())
    with pytest.raises(UserError, match="one or more layers"):
        network((2,), widths=(8, 0))
    with pytest.raises(UserError, match="did you mean 'batch'"):
        network((2,), norm="bach")
