"""Critics that are autoencoders: minus the mean error of each sample's reconstruction."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganworks.errors import UserError
from ganworks.nets import AutoencoderCritic, count_parameters

NORMS = ["batch", "instance", "spectral", "none"]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("energy", ["squared", "absolute"])
@pytest.mark.parametrize("shape", [(1,), (7,), (1, 8, 8), (3, 33, 33)])
def test_scores_are_minus_the_error_of_the_reconstruction(shape: tuple[int, ...], energy: str, norm: str) -> None:
    critic = AutoencoderCritic(shape, 5, 4, norm, energy).eval()  # type: ignore[arg-type]
    x = torch.randn(3, *shape)
    with torch.no_grad():
        verdict, again = critic(x), critic.reconstruct(x)
    assert again.shape == x.shape
    error = (again - x).numpy().reshape(3, -1)
    by_hand = np.mean(error**2, 1) if energy == "squared" else np.mean(np.abs(error), 1)
    (score,) = verdict.scores
    assert score.shape == (3,)
    assert (score < 0).all()
    np.testing.assert_allclose(score.numpy(), -by_hand, rtol=1e-5)
    ((code,),) = verdict.features
    assert code.shape == (3, 5)
    assert verdict.classes is None
    torch.testing.assert_close(critic.decoder(code), again)


def test_a_perfect_reconstruction_is_the_highest_score() -> None:
    """Weights 0 and the bias of the last layer c reconstruct c, whatever comes in."""
    critic = AutoencoderCritic((2,), 3, 4)
    for parameter in critic.parameters():
        torch.nn.init.zeros_(parameter)
    last = critic.decoder.layers[-1]
    with torch.no_grad():
        last.bias.copy_(torch.tensor([1.0, -2.0]))
        scores = critic(torch.tensor([[1.0, -2.0], [2.0, 0.0]])).scores[0]
    np.testing.assert_allclose(scores.numpy(), [0, -(1 + 4) / 2], atol=1e-7)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(2,), (3, 16, 16)])
def test_every_parameter_learns(shape: tuple[int, ...], norm: str) -> None:
    critic = AutoencoderCritic(shape, 6, 8, norm)  # type: ignore[arg-type]
    critic(torch.randn(16, *shape)).scores[0].sum().backward()
    for name, parameter in critic.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_parameter_counts() -> None:
    encoder = (2 * 20 + 20) + (20 * 20 + 20) + (20 * 5 + 5)
    decoder = (5 * 20 + 20) + (20 * 20 + 20) + (20 * 2 + 2)
    assert count_parameters(AutoencoderCritic((2,), 5, 20)) == encoder + decoder
    # 16 x 16 with 8 maps, then 16 of 4 x 4; kernels 4 x 4.
    encoder = (3 * 8 * 16 + 8) + (8 * 16 * 16 + 16) + (16 * 16 * 5 + 5)
    decoder = (5 * 256 + 256) + (16 * 8 * 16 + 8) + (8 * 3 * 16 + 3)
    assert count_parameters(AutoencoderCritic((3, 16, 16), 5, 8)) == encoder + decoder


def test_it_learns_what_is_real() -> None:
    """Trained on a line, it reproduces the line and nothing else: points beside it score lower."""
    torch.manual_seed(0)
    critic = AutoencoderCritic((2,), code=1, width=16)
    optimiser = torch.optim.Adam(critic.parameters(), 0.01)
    line = torch.linspace(-1, 1, 64).unsqueeze(1) * torch.tensor([[1.0, 0.5]])
    for _ in range(200):
        optimiser.zero_grad()
        (-critic(line).scores[0].mean()).backward()
        optimiser.step()
    with torch.no_grad():
        on = critic(line).scores[0]
        off = critic(line + torch.tensor([[-0.5, 1.0]])).scores[0]
    assert on.mean() > -0.01
    assert off.mean() < 10 * on.mean()


def test_refused() -> None:
    with pytest.raises(UserError, match="did you mean 'squared'"):
        AutoencoderCritic((2,), energy="square")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="a code of 0"):
        AutoencoderCritic((2,), code=0)
    for shape in ((2,), (3, 32, 32)):
        with pytest.raises(UserError, match="width 0"):
            AutoencoderCritic(shape, width=0)
        with pytest.raises(UserError, match="did you mean 'batch'"):
            AutoencoderCritic(shape, norm="bach")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="autoencoder: samples of shape"):
        AutoencoderCritic((3, 5, 9))
