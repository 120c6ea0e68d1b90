"""What a compiled function is held against: derivatives from exact arithmetic, at a few outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from mpmath import mp
from torch import Tensor

POINTS = (0.0, 0.015625, -0.0078125, 0.34375, -0.28125, 0.8125, -0.90625, 1.4375, -1.71875, 2.5625, -2.9375, 4.3125,
          -4.8125, 7.1875, -7.6875, 11.3125, -12.4375, 17.0625, -17.8125, 23.4375, -22.9375, 30.0, -30.0, 39.5, -40.5,
          58.0, -57.0, 79.0, -81.0, 100.0, -100.0)
"""Outputs to check at; float32 holds each exactly. Up to 30 in size float64 is held to 1e-12."""
INNER, OUTER = 30.0, 100.0
TOLERANCE = {torch.float64: 1e-12, torch.float32: 3e-5}
FAR_TOLERANCE = {torch.float64: 1e-6, torch.float32: 3e-5}
"""Beyond 30 differences say little about a function that oscillates like cos(e^-v), and float64 is rarely used."""
ROUNDINGS = 8.0
"""Units of rounding that an output or a slope may be off by: no arithmetic does better near a zero."""
SLOPE_ROUNDINGS = 4.0
"""The second derivative of plain torch operations may be wrong by so many roundings of the slope: torch's softplus
has the second derivative s(1 - s), which is 0 instead of e^-v for large v. Own derivatives are exact."""
NOTHING = 1e-40
"""What is smaller is 0."""
LIMIT = {torch.float64: 1.5e308, torch.float32: 3e38}

Real = Callable[[Any], Any]


@dataclass(frozen=True)
class Reference:
    """An exact function of v and what differences of 5 values in high precision say about its derivatives.

    Attributes:
        function: the exact value (order 0), or the exact slope (order 1) where the value is too slow.
        order: which derivative ``function`` is.
        digits: working precision; step: of the differences.
        kinks: points of no derivative.
    """

    function: Real
    order: int = 0
    digits: int = 200
    step: str = "1e-25"
    kinks: tuple[float, ...] = ()

    def at(self, v: float) -> list[Any]:
        """Return the derivatives of orders 0..4 at v (nan below ``order``)."""
        with mp.workdps(self.digits):
            h, x = mp.mpf(self.step), mp.mpf(v)
            a, b, c, d, e = (self.function(x + i * h) for i in (-2, -1, 0, 1, 2))
            found = [c, (a - 8 * b + 8 * d - e) / (12 * h), (16 * (b + d) - 30 * c - a - e) / (12 * h**2),
                     (e - 2 * d + 2 * b - a) / (2 * h**3), (a - 4 * b + 6 * c - 4 * d + e) / h**4]
        return ([mp.nan] * self.order + found)[:5]

    @cached_property
    def points(self) -> list[float]:
        """The outputs to check at, none of them a kink."""
        return [v + (0.0625 if any(abs(v - kink) < 0.01 for kink in self.kinks) else 0.0) for v in POINTS]

    @cached_property
    def exact(self) -> np.ndarray:
        """Derivatives of orders 0..4 at the points, shape (5, points)."""
        return np.array([[float(d) for d in self.at(v)] for v in self.points]).T

    def cap(self, sign: int, dtype: torch.dtype) -> float | None:
        """Return the last v (rounded inward) on one side at which ``dtype`` holds value, slope and curvature."""
        limit = LIMIT[dtype]

        def holds(v: float) -> bool:
            # Without the value's own size a tenth is left for it.
            most = limit * (0.1 if self.order else 1.0)
            return all(mp.isnan(d) or abs(d) < most for d in self.at(sign * v)[:3])

        if holds(OUTER):
            return None
        low, high = 0.0, OUTER
        while high - low > 1 / 512:
            middle = (low + high) / 2
            low, high = (middle, high) if holds(middle) else (low, middle)
        return sign * low


def derivatives(function: Callable[[Tensor], Tensor], v: Tensor) -> np.ndarray:
    """Return value, slope and curvature of an elementwise function by autograd, shape (3, points), float64."""
    v = v.clone().requires_grad_()
    found = [function(v)]
    for graph in (True, False):
        last, slope = found[-1], None
        if last.requires_grad:
            (slope,) = torch.autograd.grad(last.sum(), v, create_graph=graph, allow_unused=True)
        found.append(torch.zeros_like(v) if slope is None else slope)
    # force: autograd's symbolic zeros have no storage of their own.
    return np.array([d.numpy(force=True).astype(np.float64) for d in found])


def errors(found: np.ndarray, reference: Reference, dtype: torch.dtype, native: bool) -> np.ndarray:
    """Return the errors of value, slope and curvature relative to the exact ones, shape (3, points).

    Near a zero the error is relative to what a rounding of v, or of what the function consists of, must change.
    """
    exact, v = reference.exact, np.array(reference.points)
    info = torch.finfo(dtype)
    floor = ROUNDINGS * info.eps / TOLERANCE[dtype]
    result = np.zeros_like(found)
    for k in range(reference.order, 3):
        near = np.maximum((1 + np.abs(v)) * np.abs(exact[k + 1]), np.abs(exact[min(k + 2, 4)]))
        size = np.maximum(np.abs(exact[k]), floor * near)
        if native and k == 2:
            size = np.maximum(size, SLOPE_ROUNDINGS * info.eps / TOLERANCE[dtype] * np.abs(exact[1]))
        with np.errstate(invalid="ignore", over="ignore"):
            result[k] = np.abs(found[k] - exact[k]) / np.maximum(size, max(2 * info.tiny, NOTHING) / TOLERANCE[dtype])
    return np.where(np.isnan(result), np.inf, result)


def worst(function: Callable[[Tensor], Tensor], reference: Reference, dtype: torch.dtype,
          caps: tuple[float | None, float | None], native: bool) -> tuple[bool, float]:
    """Return whether ``function`` is right enough in ``dtype``, and its worst relative error for |v| <= 30."""
    points = torch.tensor(reference.points, dtype=dtype)
    found = derivatives(function, points)
    if not np.isfinite(found).all():
        return False, float("inf")
    wrong, v = errors(found, reference, dtype, native), np.array(reference.points)
    low, high = (-np.inf if caps[0] is None else caps[0]), (np.inf if caps[1] is None else caps[1])
    held = (v >= low) & (v <= high)
    inner = held & (np.abs(v) <= INNER)
    near = float(wrong[:, inner].max(initial=0.0))
    far = float(wrong[:, held & ~inner].max(initial=0.0))
    return near <= TOLERANCE[dtype] and far <= FAR_TOLERANCE[dtype], near
