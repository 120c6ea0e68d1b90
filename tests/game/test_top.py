"""The rows that a generator learns from. A training step with them is in test_lens.py."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Duel, Latent, Noise, Ramp, Top
from ganworks.nets import MLPGenerator, Verdict
from ganworks.objective import rival, rival_mean

NS = objective_named("nonsaturating")


def rows(top: Top, *scores: Tensor, step: int = 0) -> set[int]:
    kept = top.rows(scores, step).tolist()
    assert len(kept) == len(set(kept))
    return set(kept)


@pytest.mark.parametrize(("share", "count"), [(1.0, 10), (0.5, 5), (0.51, 6), (0.1, 1), (0.001, 1), (0.3, 3), (0.7, 7)])
def test_keeps_the_highest(share: float, count: int) -> None:
    scores = torch.randn(10)
    best = sorted(range(10), key=lambda i: -scores[i].item())[:count]
    assert rows(Top(share), scores) == set(best)


@pytest.mark.parametrize("batch", [7, 10, 64, 100, 1000])
def test_a_share_of_a_hundredth_is_counted_exactly(batch: int) -> None:
    for hundredths in range(1, 101):
        wanted = -(-hundredths * batch // 100)  # rounded up
        assert len(rows(Top(hundredths / 100), torch.randn(batch))) == wanted


def test_heads_are_summed_and_places_averaged() -> None:
    one, patches = torch.randn(8), torch.randn(8, 1, 3, 2)
    total = one + patches.mean((1, 2, 3))
    assert rows(Top(0.5), one, patches) == set(total.argsort(descending=True)[:4].tolist())


def test_the_share_falls_along_the_training() -> None:
    top, scores = Top(Ramp(1.0, 0.5, 10, begin=5)), torch.randn(40)
    assert [len(rows(top, scores, step=step)) for step in (0, 5, 10, 15, 99)] == [40, 40, 30, 20, 20]


@pytest.mark.parametrize("share", [0.0, -0.5, 1.01, math.nan, math.inf, Ramp(1.0, 0.0, 5), Ramp(1.5, 0.5, 5)])
def test_bad_shares_are_refused(share: float | Ramp) -> None:
    with pytest.raises(UserError, match=r"a share in \(0, 1\]"):
        Top(share)


class Line(nn.Module):
    """Judges the first coordinate."""

    def forward(self, x: Tensor) -> Verdict:
        return Verdict((x[:, 0], 0.1 * x[:, 1:].square()))


@pytest.mark.parametrize("link", [rival, rival_mean])
def test_the_same_rows_of_both_kinds_are_kept(link: object) -> None:
    """Under pairing the real samples of the rows kept are the rivals, and the only ones."""
    objective = replace(NS, link=link, alpha=torch.nn.functional.softplus)  # type: ignore[arg-type]
    generator = MLPGenerator((2,), 3, (4,))
    duel = Duel(generator, Line(), objective, Latent(3), top=Top(0.5))
    real = torch.randn(8, 2)
    round = duel.open({"sample": real}, 0, Noise(0, 8))
    made = generator(round.memory["source"])
    judge = Line()
    total = made[:, 0] + 0.1 * made[:, 1].square()
    best = total.argsort(descending=True)[:4]
    wanted = torch.zeros(())
    for r, f in zip(judge(real[best]).scores, judge(made[best]).scores, strict=True):
        one, other = (r - f, f - r) if link is rival else (r - f.mean(0), f - r.mean(0))
        wanted = wanted + torch.nn.functional.softplus(-other).mean() + torch.nn.functional.softplus(one).mean()
    torch.testing.assert_close(duel.generator_cost(round)["adversarial"], wanted)


def test_only_the_kept_samples_pull() -> None:
    generator = nn.Linear(3, 2)
    duel = Duel(generator, Line(), NS, Latent(3), top=Top(0.25))
    round = duel.open({"sample": torch.randn(8, 2)}, 0, Noise(0, 8), held=True)
    made = generator(round.memory["source"]).detach().requires_grad_()
    round.memory["made"] = made
    (pull,) = torch.autograd.grad(duel.generator_cost(round)["adversarial"], made)
    kept = {i for i, row in enumerate(pull) if row.abs().max() > 0}
    total = made[:, 0] + 0.1 * made[:, 1].square()
    assert kept == set(total.argsort(descending=True)[:2].tolist())
