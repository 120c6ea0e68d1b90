"""Slopes and curvatures of elementwise torch functions, as tables that numpy reads without a graph.

A trajectory of a small game asks for a handful of slopes thousands of times. Autograd takes a quarter of a
millisecond for each; a table of polynomials takes a tenth of that, and is right to about 1e-11.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Elementwise = Callable[[Tensor], Tensor]

REACH = 40.0
"""Outputs beyond it are answered by the straight line through the last slope."""
DEGREE, TOLERANCE, NARROWEST = 5, 1e-11, 1e-9
FIRST, MOST = 320, 4000
"""Intervals to begin with; those on which a polynomial is not right are halved, down to NARROWEST at a kink, or until
there are too many at once (a function that noise makes rough)."""


def derivatives(function: Elementwise, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and curvature of an elementwise function at the numbers v, float64."""
    at = torch.from_numpy(np.array(v, dtype=np.float64)).requires_grad_()
    with torch.enable_grad():
        value = function(at) + 0 * at  # a constant has no graph of its own
        (slope,) = torch.autograd.grad(value.sum(), at, create_graph=True)
        (curvature,) = torch.autograd.grad((slope + 0 * at).sum(), at)
    return slope.detach().numpy(), curvature.numpy()


@dataclass(frozen=True)
class Jet:
    """A function as its Taylor polynomial of second order at one place; numpy and torch alike.

    Attributes:
        at: where; slope_at, curvature_at: its derivatives there.
        smooth: whether the function has both derivatives there.
    """

    at: float
    slope_at: float
    curvature_at: float
    smooth: bool

    def slope(self, v: Any) -> Any:
        return self.slope_at + self.curvature_at * (v - self.at)

    def curvature(self, v: Any) -> Any:
        return self.curvature_at + 0 * v


def jet(function: Elementwise, at: float, near: float = 1e-5) -> Jet:
    """Return the function's second-order polynomial at a place, and whether it is smooth there.

    Autograd gives some number at a kink too; so both derivatives are looked at on either side.
    """
    slopes, curvatures = derivatives(function, np.array([at - near, at, at + near]))
    grows = (slopes[2] - slopes[0]) / (2 * near)
    scale = 1 + np.abs(curvatures).max()
    smooth = bool(abs(grows - curvatures[1]) < 1e-3 * scale and np.ptp(curvatures) < 1e-2 * scale)
    return Jet(at, float(slopes[1]), float(curvatures[1]), smooth)


class Tabled:
    """Slopes and curvatures of several functions; the columns of a batch belong to them in equal shares.

    Args:
        functions: elementwise torch functions of one output; with k of them the first k-th of the columns of v
            belongs to the first, and so on.
    """

    def __init__(self, functions: Sequence[Elementwise]) -> None:
        self._breaks, slopes, curvatures = _fitted(functions)
        self._anchors = np.concatenate([self._breaks[:1], self._breaks])
        ends = [derivatives(function, np.array([-REACH, REACH])) for function in functions]
        self._slopes = _with_ends(slopes, np.array([one[0] for one in ends]), np.array([one[1] for one in ends]))
        self._curvatures = _with_ends(curvatures, np.array([one[1] for one in ends]), np.zeros((len(functions), 2)))
        self._count = len(functions)
        self._owner = np.zeros(0, dtype=int)

    def slope(self, v: np.ndarray) -> np.ndarray:
        return self._evaluated(self._slopes, v)

    def curvature(self, v: np.ndarray) -> np.ndarray:
        return self._evaluated(self._curvatures, v)

    def _evaluated(self, coefficients: np.ndarray, v: np.ndarray) -> np.ndarray:
        piece = self._breaks.searchsorted(v)
        share = v - self._anchors[piece]
        rows = piece
        if self._count > 1:
            if len(self._owner) != v.shape[-1]:
                self._owner = np.repeat(np.arange(self._count), v.shape[-1] // self._count)
            rows = piece * self._count + self._owner
        chosen = coefficients.take(rows, axis=0)
        result = chosen[..., 0]
        for k in range(1, DEGREE + 1):
            result = result * share + chosen[..., k]
        return result


def _with_ends(coefficients: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return a row of coefficients for each piece and function, with a straight line before and after them all.

    Args:
        coefficients: (pieces, functions, degree + 1); values, slopes: (functions, 2), at the two ends.
    """
    lines = np.zeros((2, *coefficients.shape[1:]))
    lines[..., -1], lines[..., -2] = values.T, slopes.T
    return np.concatenate([lines[:1], coefficients, lines[1:]]).reshape(-1, DEGREE + 1)


def _fitted(functions: Sequence[Elementwise]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return breaks (m + 1), and coefficients of slopes and curvatures, (m, functions, degree + 1), highest first."""
    nodes = (1 - np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))) / 2
    between = (nodes[1:] + nodes[:-1]) / 2
    powers_of = np.vander(nodes)
    edges = np.linspace(-REACH, REACH, FIRST + 1)
    todo = np.stack([edges[:-1], edges[1:]], axis=1)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    while len(todo):
        low, width = todo[:, 0], todo[:, 1] - todo[:, 0]
        values, wanted = (_sampled(functions, low[:, None] + width[:, None] * at) for at in (nodes, between))
        # Highest power first, in shares of the interval. Solving is exact at the nodes; an inverse would not be.
        fit = np.linalg.solve(powers_of, values)
        gap = np.abs(np.einsum("nc,mcf->mnf", np.vander(between, DEGREE + 1), fit) - wanted).max(axis=1)
        scale = 1 + np.abs(values).max(axis=1)
        with np.errstate(invalid="ignore"):
            done = (~(gap > TOLERANCE * scale)).all(axis=1) | (width < NARROWEST) | (len(todo) > MOST)
        powers = width[done, None] ** -np.arange(DEGREE, -1, -1.0)
        kept.append((todo[done], fit[done] * powers[:, :, None]))
        left, middle = todo[~done], todo[~done].mean(axis=1)
        todo = np.concatenate([np.stack([left[:, 0], middle], axis=1), np.stack([middle, left[:, 1]], axis=1)])
    pieces, fits = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    order = np.argsort(pieces[:, 0])
    breaks = np.append(pieces[order, 0], REACH)
    coefficients = fits[order].transpose(0, 2, 1)
    half = len(functions)
    return breaks, coefficients[:, :half], coefficients[:, half:]


def _sampled(functions: Sequence[Elementwise], at: np.ndarray) -> np.ndarray:
    """Return slopes, then curvatures, of all functions on a new last axis."""
    pairs = [derivatives(function, at) for function in functions]
    return np.stack([pair[0] for pair in pairs] + [pair[1] for pair in pairs], axis=-1)
