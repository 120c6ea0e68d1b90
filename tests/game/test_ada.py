"""Adaptive augmentation: each map against the paper's matrices, and the laws of its random numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from ganworks.errors import UserError
from ganworks.game import ADA, Noise
from ganworks.game.ada_laws import colour, geometry

MANY = 6000
KINDS = ("blit", "geometry", "color")


def images(n: int, channels: int = 3, height: int = 8, width: int = 8, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, height, width, generator=draw, dtype=torch.float64) * 2 - 1


def fixed(p: float, *policy: str) -> ADA:
    return ADA(None, start=p, policy=policy or KINDS)  # type: ignore[arg-type]


def scale(x: float, y: float) -> np.ndarray:
    return np.diag([x, y, 1.0])


def rotate(t: float) -> np.ndarray:
    return np.array([[math.cos(t), -math.sin(t), 0], [math.sin(t), math.cos(t), 0], [0, 0, 1]])


def translate(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def by_the_paper(x: np.ndarray, p: float, noise: Noise) -> np.ndarray:
    """Figure "pseudocode of the pipeline", one image (C, H, W) at a time, with the lens's own random numbers."""
    gates, even, bell = (part.double().numpy() for part in (noise.uniform(8), noise.uniform(6), noise.normal(4)))
    inks, level, tone = (part.double().numpy() for part in (noise.uniform(5), noise.uniform(2), noise.normal(3)))
    turn, seen = 1 - math.sqrt(1 - p), np.empty_like(x)
    for n, image in enumerate(x):
        height, width = image.shape[1:]
        g = np.eye(3)
        if gates[n, 0] < p:
            g = scale(1 - 2 * (even[n, 0] < 0.5), 1) @ g
        if gates[n, 1] < p:
            g = rotate(-math.pi / 2 * math.floor(4 * even[n, 1])) @ g
        if gates[n, 2] < p:
            tx, ty = 0.125 * (2 * even[n, 2:4] - 1)
            g = translate(round(tx * width), round(ty * height)) @ g
        if gates[n, 3] < p:
            g = scale(*[math.exp(bell[n, 0] * 0.2 * math.log(2))] * 2) @ g
        if gates[n, 4] < turn:
            g = rotate(-2 * math.pi * even[n, 4]) @ g
        if gates[n, 5] < p:
            s = math.exp(bell[n, 1] * 0.2 * math.log(2))
            g = scale(s, 1 / s) @ g
        if gates[n, 6] < turn:
            g = rotate(-2 * math.pi * even[n, 5]) @ g
        if gates[n, 7] < p:
            g = translate(0.125 * bell[n, 2] * width, 0.125 * bell[n, 3] * height) @ g
        down, across = np.mgrid[:height, :width]
        middle = translate((width - 1) / 2, (height - 1) / 2)
        at = middle @ np.linalg.inv(g) @ np.linalg.inv(middle) @ np.stack(
            [across.ravel(), down.ravel(), np.ones(height * width)])
        moved = np.stack([ndimage.map_coordinates(c, [at[1], at[0]], order=1, mode="reflect") for c in image])
        seen[n] = coloured(moved, p, inks[n], level[n], tone[n]).reshape(image.shape)
    return seen


def coloured(pixels: np.ndarray, p: float, gates: np.ndarray, even: np.ndarray, bell: np.ndarray) -> np.ndarray:
    """The second half, on pixels (C, places); grey ones are coloured as equal channels."""
    m, v = np.eye(4), np.array([1, 1, 1, 0]) / math.sqrt(3)
    if gates[0] < p:
        m = np.block([[np.eye(3), np.full((3, 1), 0.2 * bell[0])], [np.zeros(3), 1]]) @ m
    if gates[1] < p:
        m = np.diag([*[2 ** (0.5 * bell[1])] * 3, 1]) @ m
    if gates[2] < p:
        m = (np.eye(4) - 2 * np.outer(v, v) * (even[0] < 0.5)) @ m
    if gates[3] < p:
        t, (a, b, c, _) = 2 * math.pi * even[1], v
        cross = np.array([[0, -c, b, 0], [c, 0, -a, 0], [-b, a, 0, 0], [0, 0, 0, 0]])
        m = (np.eye(4) + math.sin(t) * cross + (1 - math.cos(t)) * cross @ cross) @ m  # Rodrigues
    if gates[4] < p:
        keep = np.outer(v, v)
        m = (keep + (np.eye(4) - keep) * np.array([*[2 ** (1.0 * bell[2])] * 3, 1])[:, None]) @ m
    ink = np.broadcast_to(pixels[:3], (3, pixels.shape[1]))
    seen = (m @ np.concatenate([ink, np.ones((1, pixels.shape[1]))]))[:3]
    return np.concatenate([seen[: min(len(pixels), 3)], pixels[3:]])


@pytest.mark.parametrize("p", [0.3, 0.9])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 9), (4, 8, 13)])
def test_is_the_papers_pipeline(p: float, shape: tuple[int, int, int]) -> None:
    x = images(24, *shape)
    seen = fixed(p)(x, Noise(3, 24), 0).numpy()
    wanted = by_the_paper(x.numpy(), p, Noise(3, 24))
    np.testing.assert_allclose(seen, wanted, atol=1e-4)  # the maps are made of float32 numbers
    assert np.abs(seen - x.numpy()).max() > 0.5


def often(happened: Tensor, chance: float) -> None:
    assert stats.binomtest(int(happened.sum()), happened.numel(), chance).pvalue > 1e-3


def normal(values: Tensor, sd: float) -> None:
    assert stats.kstest(values.double().numpy(), stats.norm(0, sd).cdf).pvalue > 1e-3


def evenly(values: Tensor, low: float, high: float) -> None:
    assert stats.kstest(values.double().numpy(), stats.uniform(low, high - low).cdf).pvalue > 1e-3


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_how_often_an_image_is_touched(p: float) -> None:
    """Three blits; five geometric steps of which two turn with p together: (1 - p)^3 and (1 - p)^4 stay."""
    stays = 1 - p
    for blit, warp, power in ((True, False, 3), (False, True, 4), (True, True, 7)):
        chosen, linear, shift = geometry(Noise(0, MANY), p, (32, 32), blit, warp)
        often(chosen, 1 - stays**power)
        assert torch.equal(linear[~chosen], torch.eye(2).expand(int((~chosen).sum()), 2, 2))
        assert (shift[~chosen] == 0).all()
    linear, shift = colour(Noise(0, MANY), p, 3)
    same = (linear == torch.eye(3)).all(2).all(1) & (shift == 0).all(2).all(1)
    # One half of the flips of luma does nothing.
    often(same, stays**4 * (1 - p / 2))


@pytest.mark.parametrize("p", [0.2, 0.7, 1.0])
def test_laws_of_blits(p: float) -> None:
    _, linear, shift = geometry(Noise(1, MANY), p, (32, 24), True, False)
    assert torch.equal(linear.abs().sum(1), torch.ones(MANY, 2))  # quarters and mirrors: one entry 1 or -1 a row
    det = torch.linalg.det(linear)
    often(det < 0, p / 2)
    often(linear[:, 0, 0] == 0, p / 2)  # a quarter to the left or to the right
    whole = -(linear.mT @ shift[:, :, None])[:, :, 0]
    assert torch.equal(whole, whole.round())
    for axis, size in ((0, 32), (1, 24)):
        most = size // 8
        counts = np.array([(whole[:, axis] == k).sum() for k in range(-most, most + 1)])
        assert counts.sum() == MANY
        edges = np.array([0.5, *[1] * (2 * most - 1), 0.5]) / (2 * most)  # round U(-most, most)
        chances = p * edges + (1 - p) * (np.arange(-most, most + 1) == 0)
        assert stats.chisquare(counts, MANY * chances).pvalue > 1e-3


def test_laws_of_geometry() -> None:
    p, size = 0.6, torch.tensor([32.0, 24.0])
    _, linear, shift = geometry(Noise(2, MANY), p, (32, 24), False, True)
    grown = -torch.log2(torch.linalg.det(linear)) / 2
    often(grown.abs() > 1e-5, p)
    normal(grown[grown.abs() > 1e-5], 0.2)
    singular = torch.linalg.svdvals(linear)
    stretch = torch.log2(singular[:, 0] / singular[:, 1]) / 2
    often(stretch > 1e-5, p)
    assert stats.kstest(stretch[stretch > 1e-5].double().numpy(), stats.halfnorm(0, 0.2).cdf).pvalue > 1e-3
    # linear is R(t1) S R(t2) with S symmetric: its polar angle is t1 + t2.
    angle = torch.atan2(linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1])
    often(angle.abs() > 1e-5, p)
    evenly(angle[angle.abs() > 1e-5], -math.pi, math.pi)
    moved = -torch.linalg.solve(linear, shift) / size
    often(moved.abs().amax(1) > 1e-6, p)
    for axis in (0, 1):
        normal(moved[moved.abs().amax(1) > 1e-6, axis], 0.125)


def test_laws_of_colour() -> None:
    p = 0.6
    linear, shift = colour(Noise(3, MANY), p, 3)
    along = linear.sum(2)[:, 0]  # what grey is multiplied by: -c where luma is flipped
    torch.testing.assert_close(linear.sum(2), along[:, None].expand(-1, 3))
    often(along < 0, p / 2)
    contrast = torch.log2(along.abs())
    often(contrast.abs() > 1e-5, p)
    normal(contrast[contrast.abs() > 1e-5], 0.5)
    bright = (shift[:, :, 0] / along[:, None])
    torch.testing.assert_close(bright, bright[:, :1].expand(-1, 3))
    often(bright[:, 0] != 0, p)
    normal(bright[bright[:, 0] != 0, 0], 0.2)
    basis = torch.tensor([[1, -1, 0], [1, 1, -2.0]])
    basis = basis / basis.norm(dim=1, keepdim=True)
    across = basis @ linear @ basis.T / along.abs()[:, None, None]  # a turn times the saturation
    saturation = torch.log2(torch.linalg.det(across)) / 2
    often(saturation.abs() > 1e-5, p)
    normal(saturation[saturation.abs() > 1e-5], 1.0)
    hue = torch.atan2(across[:, 1, 0], across[:, 0, 0])
    often(hue.abs() > 1e-5, p)
    evenly(hue[hue.abs() > 1e-5], -math.pi, math.pi)


def test_colours_stay_where_they_are_and_moves_make_none() -> None:
    x = images(12, 3, 6, 6)
    order = torch.randperm(36)
    mixed = x.flatten(2)[:, :, order].view_as(x)
    seen = fixed(0.8, "color")(x, Noise(4, 12), 0)
    torch.testing.assert_close(fixed(0.8, "color")(mixed, Noise(4, 12), 0).flatten(2), seen.flatten(2)[:, :, order])
    flat = images(12, 3, 1, 1).expand(-1, -1, 6, 6)  # images of one colour keep it wherever they are moved
    torch.testing.assert_close(fixed(1.0, "blit", "geometry")(flat, Noise(4, 12), 0), flat)


def test_hue_and_saturation_leave_luma_alone() -> None:
    """The mean over channels is an affine function of what it was, the same over an image; grey stays grey."""
    x = images(20, 3, 6, 6)
    seen = fixed(1.0, "color")(x, Noise(5, 20), 0).mean(1).flatten(1)
    for before, after in zip(x.mean(1).flatten(1), seen, strict=True):
        assert abs(np.corrcoef(before, after)[0, 1]) == pytest.approx(1, abs=1e-9)
    grey = images(20, 1, 6, 6)
    torch.testing.assert_close(fixed(1.0, "color")(grey.expand(-1, 3, -1, -1), Noise(5, 20), 0),
                               fixed(1.0, "color")(grey, Noise(5, 20), 0).expand(-1, 3, -1, -1))


def test_blits_keep_an_images_pixels_but_for_those_that_leave() -> None:
    x = images(40, 1, 8, 8)
    seen = fixed(1.0, "blit")(x, Noise(6, 40), 0)
    for before, after in zip(x, seen, strict=True):
        nearest = (after.flatten()[:, None] - before.flatten()[None]).abs().min(1).values
        assert nearest.max() < 1e-5


def test_at_zero_it_is_the_samples_themselves_and_draws_nothing() -> None:
    x, noise = images(4), Noise(0, 4)
    assert ADA()(x, noise, 0) is x
    assert torch.equal(noise.uniform(), Noise(0, 4).uniform())
    with pytest.raises(UserError, match="images of 1, 3 or 4 channels"):
        ADA()(torch.zeros(4, 2), noise, 0)


def test_untouched_images_are_the_same_to_the_bit() -> None:
    x, p = images(400).float(), 0.1
    seen = fixed(p)(x, Noise(7, 400), 0)
    same = (seen == x).flatten(1).all(1)
    # Halves of the flips, a quarter of the turns and shifts by less than half a pixel (8 / 8 gives 1/4) do nothing
    # too, but all that was moved went through the bilinear reading.
    assert stats.binomtest(int(same.sum()), 400, (1 - p) ** 11 * (1 - p / 2)).pvalue > 1e-3


@pytest.mark.parametrize("p", [0.05, 0.5, 1.0])
def test_parts_see_what_the_whole_batch_would(p: float) -> None:
    x, lens = images(12), fixed(p)
    whole = lens(x, Noise(9, 12), 0)
    torch.manual_seed(77)
    parts = [lens(x[rows], Noise(9, 12, rows), 0) for rows in (slice(0, 5), slice(5, 6), slice(6, 12))]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0, atol=1e-12)
    assert not torch.equal(whole, lens(x, Noise(10, 12), 0))


@pytest.mark.parametrize(("channels", "p"), list(itertools.product((1, 3, 4), (0.3, 1.0))))
def test_differentiable_twice(channels: int, p: float) -> None:
    x, lens = images(3, channels, 5, 4).requires_grad_(), fixed(p)
    assert gradcheck(lambda x: lens(x, Noise(2, 3), 0).sin(), x, fast_mode=True)
    assert gradgradcheck(lambda x: lens(x, Noise(2, 3), 0).sin(), x, fast_mode=True)


def test_maps_are_made_in_full_precision() -> None:
    x = images(8).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        seen = fixed(0.9)(x, Noise(0, 8), 0)
    assert seen.dtype == torch.float32
    assert torch.equal(seen, fixed(0.9)(x.float(), Noise(0, 8), 0))
