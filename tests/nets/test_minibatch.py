"""Layers that see a whole batch: closed forms, who is compared with whom, and critics that use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ganworks.errors import UserError
from ganworks.nets import DCGANCritic, MinibatchDiscrimination, MinibatchStddev, MLPCritic, SNGANCritic, loops
from ganworks.nets.nearness import nearness

CRITICS: dict[str, Callable[..., nn.Module]] = {
    "mlp": lambda **more: MLPCritic((3, 16, 16), (8, 6), **more),
    "dcgan": lambda **more: DCGANCritic((3, 16, 16), 4, norm=more.pop("norm", "none"), **more),
    "sngan": lambda **more: SNGANCritic((3, 16, 16), 4, **more),
}


def fresh(features: int = 5, kernels: int = 4, dims: int = 3) -> MinibatchDiscrimination:
    torch.manual_seed(0)
    return MinibatchDiscrimination(features, kernels, dims).double()


def rows(count: int, *shape: int) -> Tensor:
    return torch.randn(count, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(count))


def agree(plain: Callable[[Tensor], Tensor], ours: Callable[[Tensor], Tensor], x: Tensor, weight: Tensor,
          rtol: float = 1e-9) -> None:
    """Compare two functions of x and their derivatives to the third order."""
    found = []
    for formula in (plain, ours):
        cost = (formula(x) * weight).sum() + formula(x).square().sum()
        found.append([formula(x)])
        for _ in range(3):
            (slope,) = torch.autograd.grad(cost, x, create_graph=True)
            found[-1].append(slope)
            cost = slope.square().sum()
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=rtol, atol=rtol / 100)


def test_discrimination_of_two_points() -> None:
    """With one feature, B = C = 1 and T = 2, o = exp(-2 |x - y|) for both."""
    layer = MinibatchDiscrimination(1, 1, 1).double()
    nn.init.constant_(layer.tensor.weight, 2.0)
    x = torch.tensor([[0.3], [1.0]], dtype=torch.float64)
    np.testing.assert_allclose(layer(x).detach().numpy(), [[0.3, np.exp(-1.4)], [1.0, np.exp(-1.4)]], rtol=1e-12)


def test_discrimination_is_the_papers_sum_without_the_sample_itself() -> None:
    layer, x = fresh(), rows(6, 5)
    tensor = layer.tensor.weight.detach().numpy().T.reshape(5, 4, 3)  # A x B x C
    m = np.einsum("na,abc->nbc", x.numpy(), tensor)
    by_hand = np.stack([np.exp(-cdist(m[:, b], m[:, b], "cityblock")).sum(1) - 1 for b in range(4)], 1)
    out = layer(x).detach()
    assert torch.equal(out[:, :5], x)
    np.testing.assert_allclose(out[:, 5:].numpy(), by_hand, rtol=1e-10)


def test_discrimination_is_largest_where_all_are_the_same() -> None:
    layer = fresh()
    same = layer.statistics(rows(1, 5).expand(7, 5))
    torch.testing.assert_close(same, torch.full_like(same, 6.0))
    other = layer.statistics(rows(7, 5))
    assert (other < 6).all()
    assert (other > 0).all()
    assert layer.statistics(rows(1, 5)).abs().max() == 0  # alone, there is nobody near


@pytest.fixture(params=["torch64", "torch32", "loops"])
def dtype(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.dtype:
    """The kind of numbers, where torch goes over the pairs, as on a GPU, and where loops do."""
    if request.param == "loops":
        assert loops.can_take(torch.zeros(1)), "the tests need Numba"
    else:
        monkeypatch.setattr(loops, "can_take", lambda like: False)
    return torch.float64 if request.param == "torch64" else torch.float32


def plain(m: Tensor) -> Tensor:
    """The formula as it stands, with an array of all differences."""
    return torch.exp(-(m.unsqueeze(1) - m.unsqueeze(0)).abs().sum(3)).sum(1) - 1


@pytest.mark.parametrize("count", range(1, 8))
def test_nearness_and_its_derivatives_are_those_of_the_formula(count: int, dtype: torch.dtype) -> None:
    """Batches of odd and even sizes, to the third derivative: unrolled steps differentiate a penalty's gradient."""
    m, weight = rows(count, 3, 2).requires_grad_(), rows(count + 10, 3)[:count]
    agree(plain, lambda m: nearness(m.to(dtype)).double(), m, weight, 1e-9 if dtype == torch.float64 else 3e-5)
    if dtype == torch.float64:
        assert torch.autograd.gradcheck(nearness, (m,))
        assert torch.autograd.gradgradcheck(nearness, (m,))


@pytest.mark.parametrize("kernels", [1, 7, 8, 9, 33])
@pytest.mark.parametrize("dims", [1, 2, 5])
@pytest.mark.parametrize("kinds", [1, 3])
def test_kinds_and_kernels_of_any_number(kinds: int, kernels: int, dims: int, dtype: torch.dtype) -> None:
    """Rows of kernels that fill vectors and such that do not; samples are near those of their own kind only.

    The slope is asked for as a training does, and such that it can be differentiated.
    """
    m, g = (torch.randn(kinds, 6, kernels, *more, generator=torch.Generator().manual_seed(3)) for more in ((dims,), ()))
    exact = m.double().requires_grad_()
    expected = torch.stack([plain(kind) for kind in exact])
    (by_hand,) = torch.autograd.grad(expected, exact, g.double())
    out = nearness(m.to(dtype).requires_grad_())
    torch.testing.assert_close(out.double(), expected, rtol=1e-6, atol=1e-6)
    m = m.to(dtype).requires_grad_()
    for again in (False, True):
        (slope,) = torch.autograd.grad(nearness(m), m, g.to(dtype), create_graph=again)
        torch.testing.assert_close(slope.double(), by_hand, rtol=1e-5, atol=1e-6)


def test_the_exponential_of_loops() -> None:
    """To a unit in the last place down to where it is hardly a normal number, and 0 from there to infinity."""
    far = [1e-30, 86.99, 87.01, 104.0, 1e30, np.inf]
    distances = np.concatenate([np.linspace(0, 86.9, 20_000), far]).astype(np.float32)
    m = torch.zeros(2, len(distances), 1)
    assert loops.can_take(m), "the tests need Numba"
    m[1, :, 0] = torch.from_numpy(distances)
    out, expected = nearness(m)[0].double().numpy(), np.exp(-distances.astype(np.float64))
    np.testing.assert_allclose(out, np.where(distances > 87, 0, expected), rtol=2.0**-23)


def test_samples_that_are_the_same_do_not_pull_at_each_other(dtype: torch.dtype) -> None:
    m = rows(2, 3, 2)[[0, 0, 1, 1, 0]].to(dtype).requires_grad_()
    by_hand, ours = (torch.autograd.grad(formula(m).square().sum(), m)[0] for formula in (plain, nearness))
    torch.testing.assert_close(ours, by_hand)
    (alike,) = torch.autograd.grad(nearness(m[:2]).sum(), m)
    assert alike.abs().max() == 0


def test_samples_that_differ_by_next_to_nothing_pull(dtype: torch.dtype) -> None:
    m = torch.tensor([0, 1e-30, 1], dtype=dtype).view(3, 1, 1).requires_grad_()
    by_hand, ours = (torch.autograd.grad(formula(m)[0].sum(), m)[0] for formula in (plain, nearness))
    torch.testing.assert_close(ours, by_hand)


@pytest.mark.parametrize("place", ["sample", "slope"])
def test_what_is_not_a_number_stays_so(place: str, dtype: torch.dtype) -> None:
    """Two samples that are the same, and a third: a value that is nan, or a slope that comes from the loss."""
    m, g = rows(2, 3, 2)[[0, 0, 1]].to(dtype), torch.ones(3, 3, dtype=dtype)
    (m if place == "sample" else g)[0, 1] = torch.nan
    m.requires_grad_()
    by_hand, ours = (torch.autograd.grad(formula(m), m, g)[0] for formula in (plain, nearness))
    assert torch.equal(nearness(m).isnan(), plain(m).isnan())
    assert torch.equal(ours.isnan().any(2), by_hand.isnan().any(2))
    assert by_hand.isnan().any()


def test_nearness_holds_no_array_of_all_differences(dtype: torch.dtype) -> None:
    m, largest = torch.randn(32, 10, 7, dtype=dtype, requires_grad=True), 0

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            if isinstance(out, Tensor):
                largest = max(largest, out.untyped_storage().nbytes() // out.itemsize)
            return out

    with Watching():
        (slope,) = torch.autograd.grad(nearness(m).sum(), m, create_graph=True)
        slope.square().sum().backward()
    assert largest < 32 * 32 * 10  # of 32 * 32 * 10 * 7 differences


def test_what_no_loop_takes_is_left_to_torch() -> None:
    others = [torch.float16, torch.bfloat16, torch.float64]
    assert not any(loops.can_take(torch.zeros(1, dtype=other)) for other in others)
    assert not loops.can_take(torch.zeros(1, device="meta"))
    assert not loops.can_take(nn.Parameter(torch.zeros(1)))  # as are other classes, with operations of their own
    m = torch.nn.Parameter(torch.randn(6, 3, 2))
    torch.testing.assert_close(nearness(m), plain(m))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_nearness_of_half_precision_is_summed_in_single(dtype: torch.dtype) -> None:
    m = torch.randn(6, 3, 2).to(dtype)
    torch.testing.assert_close(nearness(m), plain(m.float()))


@pytest.mark.parametrize("shape", [(4, 0, 2), (0, 4, 3, 2), (2, 1, 3, 2)])
def test_nearness_of_nothing(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    assert torch.equal(nearness(torch.ones(shape, dtype=dtype)), torch.zeros(shape[:-1], dtype=dtype))


def test_nearness_takes_arrays_in_any_order_of_memory(dtype: torch.dtype) -> None:
    m, g = rows(24, 5, 4).to(dtype)[::2].transpose(1, 2).requires_grad_(), rows(12, 4).to(dtype)
    slopes = [torch.autograd.grad((formula(m) * g).sum(), m)[0] for formula in (plain, nearness)]
    torch.testing.assert_close(*slopes)


def test_discrimination_of_maps_looks_at_their_means() -> None:
    layer, maps = fresh(), rows(4, 5, 3, 2)
    out = layer(maps)
    assert out.shape == (4, 9, 3, 2)
    values = layer.statistics(maps.mean((2, 3)))
    torch.testing.assert_close(out[:, 5:], values[:, :, None, None].expand(-1, -1, 3, 2))


@pytest.mark.parametrize("layer", [fresh(), MinibatchStddev()])
def test_order_of_samples_goes_through(layer: nn.Module) -> None:
    x, order = rows(4, 5), torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(layer(x)[order], layer(x[order]))


@pytest.mark.parametrize("layer", [fresh(), MinibatchStddev()])
@pytest.mark.parametrize("shape", [(5,), (5, 2, 2)])
def test_gradients_reach_every_sample_twice(layer: nn.Module, shape: tuple[int, ...]) -> None:
    x = rows(4, *shape).requires_grad_()
    own = layer(x)[0, -1].sum()  # one sample's value
    (gradient,) = torch.autograd.grad(own, x, create_graph=True)
    assert (gradient.flatten(1).abs().amax(1) > 0).all()
    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradgradcheck(layer, (x,))


def test_stddev_is_numpys() -> None:
    x = rows(8, 3, 2, 2)
    out = MinibatchStddev()(x)
    assert out.shape == (8, 4, 2, 2)
    assert torch.equal(out[:, :3], x)
    for i in range(8):  # two groups, of the even and of the odd samples
        expected = x.numpy()[i % 2::2].std(0).mean()
        np.testing.assert_allclose(out[i, 3].numpy(), np.full((2, 2), expected), rtol=1e-6)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 3), (9, 3), (10, 2), (12, 4), (16, 4)])
def test_stddev_in_groups_that_divide_the_batch(count: int, size: int) -> None:
    x, groups = rows(count, 5), count // size
    expected = [x.numpy()[i % groups::groups].std(0).mean() for i in range(count)]
    np.testing.assert_allclose(MinibatchStddev().statistics(x)[:, 0].numpy(), expected, rtol=1e-5, atol=2e-4)


def test_stddev_of_the_same_samples_is_next_to_nothing_and_can_be_learnt_from() -> None:
    x = rows(1, 5).repeat(4, 1).requires_grad_()
    values = MinibatchStddev().statistics(x)
    np.testing.assert_allclose(values.detach().numpy(), 1e-4)
    values.sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_stddev_and_its_derivatives_are_those_of_the_formula() -> None:
    """Two kinds of two groups, of maps, to the third derivative."""
    def plain(x: Tensor) -> Tensor:
        of_groups = (x.view(2, 4, 2, 3, 2, 1).var(1, unbiased=False) + 1e-8).sqrt().mean((2, 3, 4))
        return of_groups.unsqueeze(1).expand(2, 4, 2).reshape(16, 1)

    x, weight = rows(16, 3, 2, 1).requires_grad_(), rows(16, 1)
    agree(plain, lambda x: MinibatchStddev().statistics(x, 2), x, weight)


@pytest.mark.parametrize("count", [5, 7, 11])
def test_stddev_refuses_batches_without_groups(count: int) -> None:
    with pytest.raises(UserError, match=f"in a batch of {count}") as caught:
        MinibatchStddev()(rows(count, 3))
    assert "batch" in caught.value.remedy


@pytest.mark.parametrize("minibatch", ["discrimination", "stddev"])
@pytest.mark.parametrize("norm", ["none", "spectral"])
@pytest.mark.parametrize("family", CRITICS)
def test_critics_that_look_around(family: str, norm: str, minibatch: str) -> None:
    torch.manual_seed(2)
    critic = CRITICS[family](norm=norm, minibatch=minibatch)
    assert critic.judges_alone is False
    assert CRITICS[family](norm=norm).judges_alone is True
    x = torch.rand(4, 3, 16, 16)
    alike = torch.cat([x[:1], x[:1] + 0.01 * torch.randn(3, 3, 16, 16)])
    with torch.no_grad():
        for _ in range(60 if norm == "spectral" else 0):  # let its power iterations settle
            critic(x)
        among, crowded = (critic(batch).scores[0][0].item() for batch in (x, alike))
    assert abs(among - crowded) > 1e-4
    critic(x).scores[0].sum().backward()
    for name, parameter in critic.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_critics_append_what_the_paper_appends() -> None:
    more, one = 100, 1  # B of the authors' networks; one deviation
    for minibatch, extra in (("discrimination", more), ("stddev", one)):
        assert MLPCritic((2,), (8, 6), minibatch=minibatch).last.in_features == 6 + extra  # type: ignore[arg-type]
        assert DCGANCritic((3, 16, 16), 4, minibatch=minibatch).last.in_channels == 8 + extra  # type: ignore[arg-type]
        assert SNGANCritic((3, 32, 32), 4, minibatch=minibatch).last.in_features == 8 + extra  # type: ignore[arg-type]


def test_refused() -> None:
    for family in CRITICS.values():
        with pytest.raises(UserError, match="did you mean 'stddev'"):
            family(minibatch="stdev")
    with pytest.raises(UserError, match="at least 1"):
        MinibatchDiscrimination(4, 0)
    with pytest.raises(UserError, match="groups of at least 2"):
        MinibatchStddev(1)
