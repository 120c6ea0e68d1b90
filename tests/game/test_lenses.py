"""Lenses one behind the other, and that nothing is steered while the critic learns alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganworks.design import objective_named
from ganworks.game import Balance, Duel, Latent, Lens, Lenses, Noise, Round, Weighted
from ganworks.nets import MLPCritic, MLPGenerator


class Times(Lens):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor, self.told = factor, 0

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        return x * self.factor

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        self.told += 1


class Plus(Times):
    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        return x + self.factor


def test_the_first_is_nearest_to_the_samples() -> None:
    first, second = Times(2.0), Plus(3.0)
    lens = Lenses([first, second])
    assert torch.equal(lens(torch.ones(2, 1), Noise(0, 2), 0), torch.full((2, 1), 5.0))
    lens.played("critic", [], lambda x: x)
    assert (first.told, second.told) == (1, 1)


def test_a_balance_rests_while_the_critic_learns_alone() -> None:
    balance = Balance(gamma=1.0, rate=0.1)
    duel = Duel(MLPGenerator((2,), 3, (4,)), MLPCritic((2,), (4,)), objective_named("began"), Latent(3),
                critic_terms=[Weighted("balance", balance)], pretrain=2)
    for step in range(3):
        round = Round({"sample": torch.randn(4, 2)}, step, Noise(step, 4))
        round.signals |= {"on_real": torch.full((4,), -2.0), "on_fake": torch.full((4,), -1.0)}
        duel.played("critic", [round], lambda x: x)
        assert (balance.k.item() > 0) is (step == 2)
