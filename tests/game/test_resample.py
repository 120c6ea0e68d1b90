"""Images read along affine maps, against scipy's interpolation and against sums over pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from ganworks.game.resample import shifted, warped


def maps(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    draw = np.random.default_rng(seed)
    linear = np.eye(2) + 0.4 * draw.normal(size=(n, 2, 2))
    return torch.from_numpy(linear), torch.from_numpy(3 * draw.normal(size=(n, 2)))


def by_scipy(x: np.ndarray, linear: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Read one channel (H, W) at linear u + shift, u = (across, down) from the centre; mirrored beyond the rim."""
    height, width = x.shape
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    down, across = np.mgrid[:height, :width]
    at = np.einsum("ij,jhw->ihw", linear, np.stack([across, down]) - centre[:, None, None])
    at += (shift + centre)[:, None, None]
    return ndimage.map_coordinates(x, [at[1], at[0]], order=1, mode="reflect")


@pytest.mark.parametrize("shape", [(3, 9, 9), (1, 7, 12), (4, 16, 5)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_reads_as_scipy_does(shape: tuple[int, int, int], layout: torch.memory_format) -> None:
    x = torch.randn(5, *shape, dtype=torch.float64).contiguous(memory_format=layout)
    linear, shift = maps(5)
    seen = warped(x, linear, shift).numpy()
    wanted = [[by_scipy(channel, a, t) for channel in image]
              for image, a, t in zip(x.numpy(), linear.numpy(), shift.numpy(), strict=True)]
    np.testing.assert_allclose(seen, np.array(wanted), atol=1e-10)


def test_whole_moves_are_exact_permutations_of_pixels() -> None:
    x = torch.randn(1, 2, 6, 6)
    turn, still = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]]), torch.zeros(1, 2)
    torch.testing.assert_close(warped(x, torch.eye(2)[None], still), x)
    torch.testing.assert_close(warped(x, torch.diag(torch.tensor([-1.0, 1.0]))[None], still), x.flip(3))
    torch.testing.assert_close(warped(x, turn, still), x.rot90(1, (2, 3)))
    moved = warped(x, torch.eye(2)[None], torch.tensor([[-2.0, 1.0]]))  # right by 2, up by 1
    torch.testing.assert_close(moved[:, :, :-1, 2:], x[:, :, 1:, :-2])
    torch.testing.assert_close(moved[:, :, :-1, :2], x[:, :, 1:, :2].flip(3))  # the mirror image, rim included
    torch.testing.assert_close(moved[:, :, -1, 2:], x[:, :, -1, :-2])


def test_rows_that_are_not_named_stay_to_the_bit() -> None:
    x, (linear, shift), rows = torch.randn(6, 3, 8, 8), maps(2), torch.tensor([4, 1])
    seen = warped(x, linear, shift, rows)
    assert torch.equal(seen[[0, 2, 3, 5]], x[[0, 2, 3, 5]])
    torch.testing.assert_close(seen[rows], warped(x[rows], linear, shift))
    assert (seen[rows] - x[rows]).abs().max() > 0.1


@pytest.mark.parametrize("rows", [None, torch.tensor([2, 0])])
def test_both_derivatives_of_warped(rows: Tensor | None) -> None:
    x = torch.randn(3, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    linear, shift = maps(3 if rows is None else 2)

    def look(x: Tensor) -> Tensor:
        return warped(x, linear, shift, rows)

    assert gradcheck(look, x)
    assert gradgradcheck(look, x, fast_mode=True)
    assert gradgradcheck(lambda x: look(x).square().sin(), x, fast_mode=True)


def test_the_third_derivative_of_a_cubic() -> None:
    """f(x) = sum (A x)^3 has f''' = 6 A^3 along one direction; A is known from unit images."""
    x = torch.randn(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    linear, shift = maps(1)
    matrix = torch.stack([warped(e.view(1, 1, 3, 3), linear, shift).flatten()
                          for e in torch.eye(9, dtype=torch.float64)], 1)
    along = torch.randn_like(x)
    value = warped(x, linear, shift).pow(3).sum()
    for _ in range(3):
        (slope,) = torch.autograd.grad(value, x, create_graph=True)
        value = (slope * along).sum()
    assert value.item() == pytest.approx(6 * (matrix @ along.flatten()).pow(3).sum().item())


def test_shifts_are_slices_on_zeros() -> None:
    x = torch.randn(81, 3, 7, 6)
    right, down = (part.flatten() for part in torch.meshgrid(torch.arange(-4, 5), torch.arange(-4, 5), indexing="ij"))
    seen = shifted(x, right, down)
    for image, moved, r, d in zip(x, seen, right.tolist(), down.tolist(), strict=True):
        wanted = torch.zeros_like(image)
        for i in range(7):
            for j in range(6):
                if 0 <= i - d < 7 and 0 <= j - r < 6:
                    wanted[:, i, j] = image[:, i - d, j - r]
        assert torch.equal(moved, wanted)


@pytest.mark.parametrize("size", [8, 28, 31, 96, 127, 128, 200])
def test_shifts_are_exact_at_every_size(size: int) -> None:
    x = torch.arange(size * size, dtype=torch.float32).view(1, 1, size, size) + 1
    far = math.ceil(size / 8)
    for r, d in ((far, -far), (-1, far), (0, 0), (-far, 1)):
        rolled = x.roll((d, r), (2, 3)).clone()
        rolled[..., :max(d, 0), :] = rolled[..., size + min(d, 0):, :] = 0
        rolled[..., :max(r, 0)] = rolled[..., size + min(r, 0):] = 0
        assert torch.equal(shifted(x, torch.tensor([r]), torch.tensor([d])), rolled)


def test_both_derivatives_of_shifted() -> None:
    x = torch.randn(3, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    right, down = torch.tensor([1, 0, -2]), torch.tensor([-1, 0, 3])
    assert gradcheck(lambda x: shifted(x, right, down).square(), x)
    assert gradgradcheck(lambda x: shifted(x, right, down).pow(3), x, fast_mode=True)
