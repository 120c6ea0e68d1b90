"""How adaptive augmentation steers its probability, against the paper's recursion in whole numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.game import ADA, Noise, Round


def rounds_of(*parts: Sequence[float], total: int) -> list[Round]:
    return [Round({}, 0, Noise(0, total), signals={"on_real": torch.tensor(part)}) for part in parts]


def alone(values: Tensor) -> Tensor:
    return values


def test_the_controller_follows_the_papers_recursion() -> None:
    """p, in exact fractions of 500: up or down by images / over after each two minibatches, within [0, 1]."""
    lens, draw = ADA(0.3, over=500, interval=2, start=0.1), np.random.default_rng(0)
    p, signs = 50, list[float]()
    said, bounds = [], 0
    for step in range(300):
        lean = 1.0 if step % 100 < 60 else -0.5
        v = draw.normal(lean, 1, size=(2, 8)).astype(np.float32)
        rounds = rounds_of(*v.tolist(), total=16)
        lens.played("generator", rounds, alone)
        assert "augmentation" not in rounds[0].signals
        lens.played("critic", rounds, alone)
        signs.append(float(np.sign(v).mean()))
        if len(signs) == 2:
            p = min(max(p + 32 * int(np.sign(np.mean(signs) - 0.3)), 0), 500)
            bounds |= 1 if p == 0 else 2 if p == 500 else 0
            signs = []
        assert lens.p == p / 500
        assert [r.signals["augmentation"].item() for r in rounds] == pytest.approx([p / 500] * 2)
        said.append(p)
    assert bounds == 3  # it has been at both ends
    assert len(set(said)) > 10


def test_reaches_one_in_so_many_images_and_not_before() -> None:
    lens, images_seen = ADA(over=5000), 0
    while lens.p < 1:
        assert lens.p == (images_seen // 256 * 256) / 5000
        lens.played("critic", rounds_of([1.0] * 64, total=64), alone)
        images_seen += 64
    assert images_seen == math.ceil(5000 / 256) * 256


@pytest.mark.parametrize(("outputs", "middle", "up"), [
    ([1.0] * 8 + [-1.0] * 2, 0.0, False),  # r = 0.6 is the target: no move
    ([5.0] * 17 + [-9.0] * 3, 0.0, True),  # r = 0.7; only the sign counts
    ([1.0] * 7 + [-0.1] * 3, 0.0, False),
    ([0.9] * 9 + [0.4], 0.5, True), ([0.4] * 10, 0.5, False), ([0.4] * 10, 0.0, True)])
def test_only_the_sign_about_the_middle_counts(outputs: list[float], middle: float, up: bool) -> None:
    lens = ADA(0.6, over=100, interval=1, middle=middle)
    lens.played("critic", rounds_of(outputs, total=10), alone)
    assert lens.p == (0.1 if up else 0.0)


def test_processes_agree_on_what_they_all_saw() -> None:
    """``mean`` stands for the average over processes: it is asked at each critic move, and believed."""
    asked = list[float]()

    def mean(values: Tensor) -> Tensor:
        asked.append(values.item())
        return torch.tensor(1.0)

    lens = ADA(over=1000, interval=3)
    for _ in range(3):
        lens.played("critic", rounds_of([-1.0, 1.0], [-1.0, -1.0], total=10), mean)
    assert asked == [-0.5] * 3
    assert lens.p == 0.03


def test_a_fixed_p_stays() -> None:
    lens = ADA(None, start=0.4)
    for _ in range(9):
        lens.played("critic", rounds_of([1.0] * 8, total=8), alone)
    assert lens.p == 0.4


def test_its_state_is_saved_and_goes_on() -> None:
    one, other = ADA(over=100), ADA(over=100)
    for _ in range(6):
        one.played("critic", rounds_of([1.0], total=5), alone)
    other.load_state_dict(one.state_dict())
    assert other.p == one.p == 0.2
    for lens in (one, other):
        lens.played("critic", rounds_of([1.0], total=5), alone)
        assert lens.p == 0.2
        lens.played("critic", rounds_of([1.0], total=5), alone)
        assert lens.p == 0.4
    assert not list(one.parameters())


@pytest.mark.parametrize("wrong", [
    {"target": 1.0}, {"target": -1.5}, {"target": math.nan}, {"over": 0}, {"interval": 0}, {"start": 1.1},
    {"start": -0.1}, {"policy": ("colour",)}, {"policy": ()}, {"policy": ("blit", "blit")}, {"middle": math.inf}])
def test_bad_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError, match="ADA"):
        ADA(**wrong)  # type: ignore[arg-type]
