"""Random numbers that are functions of a seed, however a batch is cut; and the latents made of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from ganworks.errors import UserError
from ganworks.game import Latent, Noise

SHARDS = [slice(0, 3), slice(3, 4), slice(4, 12)]


def calls(noise: Noise) -> list[torch.Tensor]:
    return [noise.normal(5), noise.uniform(1, 1), noise.normal(), noise.uniform(2)]


def test_shards_are_rows_of_the_whole() -> None:
    whole = calls(Noise(7, 12))
    parts = [calls(Noise(7, 12, rows)) for rows in SHARDS]
    for i, rows in enumerate(whole):
        assert torch.equal(torch.cat([part[i] for part in parts]), rows)
    assert [len(Noise(7, 12, rows)) for rows in SHARDS] == [3, 1, 8]
    assert [part[0].shape for part in parts] == [(3, 5), (1, 5), (8, 5)]
    assert len(Noise(7, 12)) == 12


def test_a_function_of_the_seed_and_nothing_else() -> None:
    first = calls(Noise(3, 6))
    torch.manual_seed(99)
    torch.randn(17)  # whoever else draws
    state = torch.get_rng_state()
    again = calls(Noise(3, 6))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], Noise(4, 6).normal(5))
    two = Noise(3, 6)
    assert not torch.equal(two.normal(5), two.normal(5))


def test_laws_of_the_numbers() -> None:
    normal, uniform = Noise(0, 20_000).normal(), Noise(1, 20_000).uniform()
    assert stats.kstest(normal.double().numpy(), "norm").pvalue > 1e-3
    assert stats.kstest(uniform.double().numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("law", "reference"), [("gaussian", stats.norm()), ("uniform", stats.uniform(-1, 2))])
def test_latent_laws(law: str, reference: object) -> None:
    z = Latent(4, law).draw(Noise(5, 10_000)).double().numpy()  # type: ignore[arg-type]
    assert z.shape == (10_000, 4)
    assert stats.kstest(z.ravel(), reference.cdf).pvalue > 1e-3  # type: ignore[attr-defined]
    assert np.abs(z.mean(0)).max() < 0.05
    assert z.var(0) == pytest.approx(np.full(4, reference.var()), rel=0.06)  # type: ignore[attr-defined]
    assert np.abs(np.corrcoef(z.T) - np.eye(4)).max() < 0.05


def test_latents_of_shards_are_rows_of_the_whole() -> None:
    for law in ("gaussian", "uniform"):
        latent = Latent(3, law)  # type: ignore[arg-type]
        parts = [latent.draw(Noise(2, 12, rows)) for rows in SHARDS]
        assert torch.equal(torch.cat(parts), latent.draw(Noise(2, 12)))


def test_gaussian_walks_keep_the_length_and_turn_evenly() -> None:
    start = torch.randn(64)
    end = torch.randn(64)
    end = end / end.norm() * start.norm()
    way = Latent(64).walk(start, end, 9)
    assert way.shape == (9, 64)
    assert way.norm(dim=1).numpy() == pytest.approx(np.full(9, start.norm().item()), rel=1e-5)
    assert way[0].numpy() == pytest.approx(start.numpy(), abs=1e-5)
    assert way[-1].numpy() == pytest.approx(end.numpy(), abs=1e-5)
    unit = (way / way.norm(dim=1, keepdim=True)).double()
    angles = torch.arccos((unit[:-1] * unit[1:]).sum(1).clamp(-1, 1)).numpy()
    assert angles == pytest.approx(np.full(8, angles.mean()), rel=1e-3)
    assert np.linalg.matrix_rank(way.numpy(), tol=1e-3) == 2  # in the plane of its ends


def test_lengths_are_interpolated() -> None:
    start, end = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 6.0])
    way = Latent(2).walk(start, end, 3)
    half = 4 / math.sqrt(2)
    assert way.flatten().tolist() == pytest.approx([2, 0, half, half, 0, 6], abs=1e-5)


@pytest.mark.parametrize("end", [[3.0, 0.0], [-3.0, 0.0]], ids=["same", "opposite"])
def test_walks_along_a_line_are_straight(end: list[float]) -> None:
    way = Latent(2).walk(torch.tensor([3.0, 0.0]), torch.tensor(end), 5)
    assert torch.isfinite(way).all()
    assert way[0].tolist() == [3.0, 0.0]
    assert way[-1].tolist() == end


def test_uniform_walks_are_straight_and_stay_inside() -> None:
    start, end = torch.tensor([1.0, -1.0, 0.5]), torch.tensor([-1.0, 1.0, 0.5])
    way = Latent(3, "uniform").walk(start, end, 5)
    assert way[2].tolist() == [0.0, 0.0, 0.5]
    assert way.abs().max() <= 1


def test_bad_latents_are_refused() -> None:
    with pytest.raises(UserError, match="at least 1"):
        Latent(0)
    with pytest.raises(UserError, match="gaussian or uniform"):
        Latent(3, "cauchy")  # type: ignore[arg-type]
