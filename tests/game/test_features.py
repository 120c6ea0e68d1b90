"""Feature matching and the pull-away term on critics whose inner layers are known."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game import FeatureMatching, Noise, PullAway, Term, Turn
from ganworks.nets import Critic, MLPCritic, MLPGenerator, Panel, Verdict


class Shows(Critic):
    """Two heads; the layers are given functions of x, the last one of each the code."""

    judges_alone = True

    def forward(self, x: Tensor) -> Verdict:
        return Verdict((x.sum(1), x.sum(1)), ((x, x.square()[:, :, None]), (3 * x,)))


class Points(nn.Module):
    """A generator whose samples are its own weights."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x = nn.Parameter(x.clone())

    def forward(self, z: Tensor) -> Tensor:
        return self.x + 0 * z.sum()


def cost(term: Term, real: Tensor, fake: Tensor, critic: nn.Module | None = None, learns: str = "generator") -> Tensor:
    turn = Turn(Points(fake), critic or Shows(), real, torch.zeros(len(real), 1), Noise(0, len(real)),
                learns)  # type: ignore[arg-type]
    return term(turn)


@pytest.mark.parametrize("learns", ["generator", "critic", "both"])
def test_mean_matching_in_numpy(learns: str) -> None:
    real, fake = torch.randn(7, 3), 2 * torch.randn(7, 3) + 1
    a, b = real.double().numpy(), fake.double().numpy()
    first = np.sum((a.mean(0) - b.mean(0)) ** 2)
    squares = np.sum(((a**2).mean(0) - (b**2).mean(0)) ** 2)
    for layers, wanted in (("all", first + squares + 9 * first), ("last", squares + 9 * first)):
        found = cost(FeatureMatching("mean", layers), real, fake, learns=learns)  # type: ignore[arg-type]
        assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_pair_matching_in_numpy() -> None:
    real, fake = torch.randn(7, 3), 2 * torch.randn(7, 3) + 1
    a, b = real.double().numpy(), fake.double().numpy()
    first, squares = np.abs(a - b).mean(), np.abs(a**2 - b**2).mean()
    for layers, wanted in (("all", 4 * first + squares), ("last", squares + 3 * first)):
        assert cost(FeatureMatching("pairs", layers), real, fake).item() == pytest.approx(  # type: ignore[arg-type]
            wanted, rel=1e-5)


def test_means_do_not_mind_the_order_and_pairs_do() -> None:
    real = torch.randn(7, 3)
    turned = real.roll(1, 0)
    assert cost(FeatureMatching("mean"), real, turned).item() == pytest.approx(0, abs=1e-10)
    assert cost(FeatureMatching("pairs"), real, turned).item() > 0.1
    assert cost(FeatureMatching("pairs"), real, real.clone()).item() == 0


def cosines(codes: np.ndarray) -> float:
    """Equation 9, pair by pair."""
    pairs = list(itertools.permutations(range(len(codes)), 2))
    return sum((codes[i] @ codes[j] / np.linalg.norm(codes[i]) / np.linalg.norm(codes[j])) ** 2
               for i, j in pairs) / len(pairs)


@pytest.mark.parametrize("batch", [2, 3, 16])
def test_pull_away_pair_by_pair(batch: int) -> None:
    x = torch.randn(batch, 4)
    wanted = cosines(x.square().double().numpy()) + cosines(x.double().numpy())  # the second head's code is 3 x
    assert cost(PullAway(), torch.zeros(batch, 4), x).item() == pytest.approx(wanted, rel=1e-5)


class Code(nn.Module):
    def forward(self, x: Tensor) -> Verdict:
        return Verdict((x.sum(1),), ((x,),))


def test_pull_away_of_codes_at_right_angles_and_of_equal_ones() -> None:
    zeros = torch.zeros(4, 4)
    assert cost(PullAway(), zeros, 5 * torch.eye(4), Code()).item() == 0
    assert cost(PullAway(), zeros, torch.ones(4, 4), Code()).item() == pytest.approx(1)
    # The square: opposite codes cost as much as equal ones.
    assert cost(PullAway(), zeros[:2], torch.tensor([[1.0, 0, 0, 0], [-1, 0, 0, 0]]), Code()).item() == 1


def test_pull_away_is_finite_at_a_code_of_zeros() -> None:
    points = Points(torch.tensor([[0.0, 0], [1, 2], [3, 1]]))
    found = PullAway()(Turn(points, Code(), torch.zeros(3, 2), torch.zeros(3, 1), Noise(0, 3), "generator"))
    found.backward()
    assert points.x.grad is not None
    assert torch.isfinite(points.x.grad).all()
    assert found.item() == pytest.approx(cosines(np.array([[1.0, 2], [3, 1]])) / 3)


def test_pull_away_of_one_sample_is_refused() -> None:
    with pytest.raises(UserError, match="batch of 1"):
        cost(PullAway(), torch.zeros(1, 2), torch.ones(1, 2), Code())


@pytest.mark.parametrize("form", ["mean", "pairs"])
@pytest.mark.parametrize("layers", ["all", "last"])
def test_a_batch_twice_costs_the_same(form: str, layers: str) -> None:
    real, fake = torch.randn(6, 3), torch.randn(6, 3)
    term = FeatureMatching(form, layers)  # type: ignore[arg-type]
    twice = cost(term, torch.cat([real, real]), torch.cat([fake, fake])).item()
    assert twice == pytest.approx(cost(term, real, fake).item(), rel=1e-5)


@pytest.mark.parametrize("term", [FeatureMatching(), FeatureMatching("pairs", "last"), PullAway()],
                         ids=["mean", "pairs", "pull-away"])
def test_gradients_of_the_samples_equal_finite_differences(term: Term) -> None:
    torch.manual_seed(3)
    critic = Panel(MLPCritic((2,), (4, 5)), MLPCritic((2,), (3,))).double()
    points, real = Points(torch.randn(5, 2).double()), torch.randn(5, 2).double()

    def value() -> Tensor:
        return term(Turn(points, critic, real, torch.zeros(5, 1).double(), Noise(0, 5), "generator"))

    (exact,) = torch.autograd.grad(value(), points.x)
    flat, h = points.x.data.view(-1), 1e-6
    for i in range(flat.numel()):
        kept, figures = flat[i].item(), []
        for moved in (kept + h, kept - h):
            flat[i] = moved
            figures.append(value().item())
        flat[i] = kept
        assert exact.view(-1)[i].item() == pytest.approx((figures[0] - figures[1]) / (2 * h), rel=1e-5, abs=1e-8)
    assert exact.abs().max() > 1e-4


@pytest.mark.parametrize("make", [FeatureMatching, lambda: FeatureMatching("pairs"), PullAway])
def test_the_generator_learns_and_the_real_samples_do_not(make: Callable[[], Term]) -> None:
    generator, critic = MLPGenerator((2,), 3, (8,)), MLPCritic((2,), (8,))
    real = torch.randn(6, 2, requires_grad=True)
    turn = Turn(generator, critic, real, torch.randn(6, 3), Noise(0, 6), "generator")
    value = make()(turn)
    gradients = torch.autograd.grad(value, [*generator.parameters(), real], allow_unused=True)
    assert gradients[-1] is None
    assert all(g is not None and torch.isfinite(g).all() for g in gradients[:-1])
    assert max(g.abs().max() for g in gradients[:-1]) > 0


@pytest.mark.parametrize("make", [FeatureMatching, lambda: FeatureMatching("pairs", "last"), PullAway])
@pytest.mark.parametrize("critic", [nn.Linear(2, 1), Panel(nn.Linear(2, 1), nn.Linear(2, 1))], ids=["bare", "panel"])
def test_a_critic_that_shows_nothing_is_refused(make: Callable[[], Term], critic: nn.Module) -> None:
    with pytest.raises(UserError, match="shows no inner layers") as caught:
        cost(make(), torch.randn(4, 2), torch.randn(4, 2), critic)
    assert "Verdict(scores, features)" in caught.value.remedy


def test_costs_are_float32_where_features_are_half() -> None:
    class Half(nn.Module):
        def forward(self, x: Tensor) -> Verdict:
            return Verdict((x.sum(1),), ((x.bfloat16(),),))

    for term in (FeatureMatching(), FeatureMatching("pairs"), PullAway()):
        with torch.autocast("cpu", torch.bfloat16):
            found = cost(term, torch.randn(8, 4), torch.randn(8, 4), Half())
        assert found.dtype == torch.float32


@pytest.mark.parametrize("make", [lambda: FeatureMatching("means"), lambda: FeatureMatching(layers="first")])
def test_bad_choices_are_refused(make: Callable[[], Term]) -> None:
    with pytest.raises(UserError, match=r"did you mean|one of"):
        make()
