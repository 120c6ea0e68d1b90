"""Consistency under an augmentation whose effect on the critic is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game import Consistency, Lens, Noise, Round, Turn
from ganworks.nets import MLPGenerator, Verdict


class Shift(Lens):
    """x + size u with one u of [0, 1] a sample."""

    def __init__(self, size: float) -> None:
        super().__init__()
        self.size, self.steps, self.learnt = size, [0], 0

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        self.steps.append(step)
        return x + self.size * noise.uniform(*[1] * (x.dim() - 1)).to(x.dtype)

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        self.learnt += 1


class Sums(nn.Module):
    """Two heads: w times the sum of a sample's entries, and minus twice that, at three places each."""

    def __init__(self, w: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w))

    def forward(self, x: Tensor) -> Verdict:
        total = self.w * x.flatten(1).sum(1)
        return Verdict((total, (-2 * total)[:, None].expand(-1, 3)))


def turn_of(real: Tensor, fake: Tensor, critic: nn.Module, **more: object) -> Turn:
    return Turn(nn.Identity(), critic, real, fake, Noise(3, len(real)), "critic", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("batch", [1, 16, 64])
@pytest.mark.parametrize("on", ["real", "fake"])
def test_consistency_in_closed_form(on: str, batch: int) -> None:
    """D(x) - D(T(x)) is -w d size u for d entries, whatever x is; heads are summed: 1 + 4."""
    u = Noise(3, batch).uniform(1, 1).numpy()
    real, fake = torch.randn(batch, 2, 3), torch.randn(batch, 2, 3)
    cost = Consistency(Shift(0.5), on)(turn_of(real, fake, Sums(1.5)))  # type: ignore[arg-type]
    assert cost.item() == pytest.approx(5 * np.mean((1.5 * 6 * 0.5 * u) ** 2), rel=1e-4)


def test_a_lens_that_changes_nothing_costs_nothing() -> None:
    assert Consistency(Shift(0.0))(turn_of(torch.randn(9, 4), torch.randn(9, 4), Sums(1.0))).item() == 0


def test_it_looks_where_it_says() -> None:
    class Squares(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.square().sum(1)

    def cost(on: str, real: Tensor, fake: Tensor) -> float:
        return Consistency(Shift(1.0), on)(turn_of(real, fake, Squares())).item()  # type: ignore[arg-type]

    a, b, c = (torch.randn(5, 2) for _ in range(3))
    assert cost("real", a, b) == cost("real", a, c) != cost("real", b, c)
    assert cost("fake", a, b) == cost("fake", c, b) != cost("fake", a, c)


def test_the_lens_sees_single_samples_and_the_step() -> None:
    class Looking(Shift):
        def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
            assert x.shape == (8, 3, 4, 4)
            assert len(noise) == 8
            return super().forward(x, noise, step)

    lens = Looking(0.5)
    real, fake = torch.randn(8, 3, 4, 4), torch.randn(8, 3, 4, 4)
    for on in ("real", "fake"):
        cost = Consistency(lens, on)(turn_of(real, fake, Sums(1.0), pack=2, step=7))  # type: ignore[arg-type]
        # The critic judges pairs, so the sum over a pack moves by 48 (u_1 + u_2) / 2.
        u = Noise(3, 8).uniform(1, 1, 1).numpy().reshape(4, 2)
        assert cost.item() == pytest.approx(5 * np.mean((48 * 0.5 * u.sum(1)) ** 2), rel=1e-4)
    assert lens.steps[1:] == [7, 7]


def test_a_games_own_lens_is_looked_through_too() -> None:
    """D is asked of A(x) and of A'(T(x)): with A a doubling, the difference is doubled."""
    class Double(Lens):
        def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
            return 2 * x

    real, fake = torch.randn(6, 2), torch.randn(6, 2)
    plain = Consistency(Shift(0.5))(turn_of(real, fake, Sums(1.0)))
    seen = Consistency(Shift(0.5))(turn_of(real, fake, Sums(1.0), lens=Double()))
    assert seen.item() == pytest.approx(4 * plain.item(), rel=1e-4)


@pytest.mark.parametrize("on", ["real", "fake"])
def test_gradients_reach_the_critic_alone(on: str) -> None:
    generator, critic = MLPGenerator((2,), 3, (8,)), Sums(1.0)
    real = torch.randn(6, 2, requires_grad=True)
    turn = Turn(generator, critic, real.detach(), torch.randn(6, 3), Noise(0, 6), "critic", keep=True)
    Consistency(Shift(0.5), on)(turn).backward()  # type: ignore[arg-type]
    assert critic.w.grad is not None
    assert critic.w.grad.abs() > 0
    assert all(p.grad is None for p in generator.parameters())


def test_the_lens_learns_with_the_game() -> None:
    lens = Shift(0.5)
    Consistency(lens).played("critic", [], lambda x: x)
    assert lens.learnt == 1


def test_only_real_and_fake() -> None:
    with pytest.raises(UserError, match="'fake'"):
        Consistency(Shift(1.0), "fakes")  # type: ignore[arg-type]
