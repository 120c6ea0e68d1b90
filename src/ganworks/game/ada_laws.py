"""The random maps of adaptive augmentation (Karras et al. 2020, appendix B), in closed form.

The paper composes matrices, one a step, and applies the products once. Here the products are written out: what a
step does where it is not chosen is the neutral value of its number.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganworks.game.noise import Noise

STRETCH, CONTRAST, SATURATION = (sd * math.log(2) for sd in (0.2, 0.5, 1.0))  # of the logarithm
REACH = 0.125  # of the size: the most of a whole-pixel shift, the standard deviation of any other
BRIGHTNESS = 0.2
TURN = 2 * math.pi


def geometry(noise: Noise, p: float, size: tuple[int, int], blit: bool, warp: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return which samples are moved (N,), and the maps by which the moved images are read.

    In the paper's order, a point of the image is flipped, turned by quarters, shifted by whole pixels; scaled, turned,
    stretched, turned again, shifted. Reading needs the way back from a place u of the result:

        F Q (K (u - f) - w),  K = R(t1) diag(1/a, a) R(t2) / s

    with F the flip, Q and R turns, w and f the whole and the fractional shift, s the scale and a the stretch.

    Args:
        size: (width, height).
        blit: allow flips, quarter turns and whole-pixel shifts.
        warp: allow scaling, rotation, stretching and fractional shifts.

    Returns:
        (N,) bool; linear (N, 2, 2) and shift (N, 2) for ``warped``.
    """
    u, even, bell = noise.uniform(8), noise.uniform(6), noise.normal(4)
    # Before and after stretching: one of the two turns is made with probability p.
    turn = 1 - math.sqrt(1 - p)
    chance = torch.tensor([p * blit] * 3 + [p * warp, turn * warp, p * warp, turn * warp, p * warp], device=u.device)
    on = u < chance
    flip, quarter, whole, scale, before, stretch, after, part = on.unbind(1)
    sides = torch.tensor(size, device=u.device)
    number = (even[:, 1] * 4).long() * quarter
    q = torch.tensor([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]],
                     dtype=u.dtype, device=u.device)[number]
    mirror = torch.ones_like(even[:, :2])
    mirror[:, 0] -= 2 * (flip & (even[:, 0] < 0.5))
    w = ((2 * even[:, 2:4] - 1) * REACH * sides).round() * whole[:, None]
    s = torch.exp(STRETCH * bell[:, 0] * scale)
    a = torch.exp(STRETCH * bell[:, 1] * stretch)
    f = bell[:, 2:4] * REACH * sides * part[:, None]
    k = _turned(even[:, 4] * before) @ torch.diag_embed(torch.stack([1 / a, a], 1)) @ _turned(even[:, 5] * after)
    k = k / s[:, None, None]
    back = mirror[:, :, None] * q
    return on.any(1), back @ k, -(back @ ((k @ f[:, :, None]) + w[:, :, None]))[:, :, 0]


def colour(noise: Noise, p: float, ink: int) -> tuple[Tensor, Tensor]:
    """Return affine maps of colours; exactly the identity for samples of which no step was chosen.

    In the paper's order: brightness + b, contrast times c, luma flipped, hue turned by t, saturation times s. All but
    the first are the same along the grey axis v = (1, 1, 1) / sqrt(3) or across it, so that they commute:

        c (l P + s (cos t (1 - P) + sin t X)) x + l c b (1, 1, 1)

    with P the projection on v, X the cross product with it, and l -1 where luma is flipped. A grey image lies on v.

    Args:
        ink: 1 or 3 channels.

    Returns:
        linear (N, ink, ink) and shift (N, ink, 1).
    """
    u, even, bell = noise.uniform(5), noise.uniform(2), noise.normal(3)
    on = u < p
    bright, contrast, luma, hue, saturation = on.unbind(1)
    b = BRIGHTNESS * bell[:, 0] * bright
    c = torch.exp(CONTRAST * bell[:, 1] * contrast)
    along = c * (1 - 2 * (luma & (even[:, 0] < 0.5)).float())
    if ink == 1:
        return _each(along), _each(along * b)
    t = TURN * even[:, 1] * hue
    across = c * torch.exp(SATURATION * bell[:, 2] * saturation)
    one = torch.eye(3, device=u.device)
    axis = torch.full((3, 3), 1 / 3, device=u.device)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=u.device) / math.sqrt(3)
    linear = _each(along) * axis + _each(across * t.cos()) * (one - axis) + _each(across * t.sin()) * cross
    return torch.where(_each(on.any(1)), linear, one), _each(along * b).expand(-1, 3, 1)


def _turned(turn: Tensor) -> Tensor:
    # Rotations (N, 2, 2) by so many whole turns.
    c, s = torch.cos(TURN * turn), torch.sin(TURN * turn)
    return torch.stack([c, -s, s, c], 1).view(-1, 2, 2)


def _each(values: Tensor) -> Tensor:
    return values[:, None, None]
