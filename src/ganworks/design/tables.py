"""Functions without a usable formula as piecewise polynomials over |v| <= 100, straight beyond.

Each piece interpolates the exact function (or its slope, which is then integrated) at Chebyshev points in high
precision. Value, slope and curvature are three sets of coefficients, so none suffers from the rounding of another.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from mpmath import mp
from torch import Tensor

from ganworks.design.torchtower import Levels

NODES = 18
DIGITS = 60
END = 100.0
FINE, COARSE, NARROWEST = 0.5, 2.0, 1 / 64
FEW = 4096
FINE_END = 32.0
MOST_PIECES = 600
SMALL = 1e-15
"""A piece is split where the last two terms of its series are larger than this against the whole."""
NOTHING = 1e-40
"""A curvature below this is 0."""

Real = Callable[[Any], Any]


@dataclass(frozen=True)
class Piece:
    """One interval and the powers of t = (v - middle) / half for value, slope and curvature (as mpf)."""

    left: float
    right: float
    value: list[Any]
    slope: list[Any]
    curvature: list[Any]


def table(value: Real, slope: Real | None, kinks: tuple[float, ...] = ()) -> Levels:
    """Return programs of value, slope and curvature.

    Args:
        value: the exact value; called once, at 0, where ``slope`` is given.
        slope: the exact slope, or None.
        kinks: points that must lie between pieces.
    """
    with mp.workdps(DIGITS):
        pieces = [*reversed(_side(-1, value, slope, kinks)), *_side(1, value, slope, kinks)]
        return _programs(pieces)


def _side(sign: int, value: Real, slope: Real | None, kinks: tuple[float, ...]) -> list[Piece]:
    """Return the pieces from 0 outward on one side, nearest first."""
    waiting = list(reversed(_intervals(sorted(abs(kink) for kink in kinks if 0 < sign * kink < END))))
    anchor = value(mp.mpf(0)) if slope is not None else None
    pieces: list[Piece] = []
    while waiting:
        near, far = waiting.pop()
        left, right = (near, far) if sign > 0 else (-far, -near)
        piece = _piece(left, right, value if slope is None else slope, slope is not None)
        room = len(pieces) + len(waiting) < MOST_PIECES / 2
        if room and far - near > NARROWEST and not _settled(piece):
            middle = (near + far) / 2
            waiting += [(middle, far), (near, middle)]
            continue
        if anchor is not None:
            anchor = _anchored(piece, sign, anchor)
        pieces.append(piece)
    return pieces


def _intervals(knots: list[float]) -> list[tuple[float, float]]:
    edges = {i * FINE for i in range(int(FINE_END / FINE) + 1)}
    edges |= {FINE_END + i * COARSE for i in range(int((END - FINE_END) / COARSE) + 1)} | set(knots)
    ordered = sorted(edges)
    return list(itertools.pairwise(ordered))


def _settled(piece: Piece) -> bool:
    """Whether the curvature's series has converged; its term t^n is about 2^n times Chebyshev's."""
    size = max(abs(c) for c in piece.curvature)
    tail = max(abs(c) for c in piece.curvature[-2:]) / 2 ** (len(piece.curvature) - 2)
    return bool(tail <= SMALL * size or size < NOTHING)


@functools.cache
def _transform() -> tuple[list[Any], list[list[Any]]]:
    """Return the Chebyshev points of [-1, 1] and the matrix from values there to coefficients of powers."""
    with mp.workdps(DIGITS + 10):
        angles = [mp.pi * (2 * i + 1) / (2 * NODES) for i in range(NODES)]
        powers = [[mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]]  # of the Chebyshev polynomials
        while len(powers) < NODES:
            last, before = powers[-1], powers[-2] + [mp.mpf(0)] * 2
            powers.append([2 * a - b for a, b in zip([mp.mpf(0), *last], before, strict=True)])
        matrix = [[mp.mpf(0)] * NODES for _ in range(NODES)]
        for n, polynomial in enumerate(powers):
            weight = mp.mpf(2 if n else 1) / NODES
            row = [weight * mp.cos(n * angle) for angle in angles]
            for power, coefficient in enumerate(polynomial):
                if coefficient:
                    matrix[power] = [m + coefficient * r for m, r in zip(matrix[power], row, strict=True)]
        return [mp.cos(angle) for angle in angles], matrix


def _piece(left: float, right: float, function: Real, is_slope: bool) -> Piece:
    nodes, matrix = _transform()
    middle, half = (mp.mpf(left) + right) / 2, (mp.mpf(right) - left) / 2
    values = [function(middle + half * node) for node in nodes]
    found = [mp.fdot(row, values) for row in matrix]
    if is_slope:
        value = [mp.mpf(0), *[half * c / (n + 1) for n, c in enumerate(found)]]
        return Piece(left, right, value, found, _derivative(found, half))
    slope = _derivative(found, half)
    return Piece(left, right, found, slope, _derivative(slope, half))


def _derivative(coefficients: list[Any], half: Any) -> list[Any]:
    return [n * c / half for n, c in enumerate(coefficients)][1:]


def _anchored(piece: Piece, sign: int, inner: Any) -> Any:
    """Give an integrated piece its value at the end nearer to 0; return the value at the other end."""
    at = {side: mp.fsum(c * side**n for n, c in enumerate(piece.value)) for side in (-1, 1)}
    shift = inner - at[-sign]
    piece.value[0] += shift
    return at[sign] + shift


def _programs(pieces: list[Piece]) -> Levels:
    edges = [piece.left for piece in pieces[1:]]
    places = [((piece.left + piece.right) / 2, 2 / (piece.right - piece.left)) for piece in pieces]
    sets = [[getattr(piece, name) for piece in pieces] for name in ("value", "slope", "curvature")]
    ends = [[float(sum(c * side**n for n, c in enumerate(pieces[i].slope))) for side, i in ((-1, 0), (1, -1))]]
    value, slope, curvature = (Polynomials(edges, places, coefficients) for coefficients in sets)
    low, high = ends[0]

    def straight(v: Tensor, inside: Tensor, there: Place) -> Tensor:
        beyond = (v - inside).double()
        result = value(there) + beyond.clamp(min=0.0) * high + beyond.clamp(max=0.0) * low
        return result.to(v.dtype)

    def straight_value(v: Tensor) -> Tensor:
        inside = v.clamp(-END, END)
        return straight(v, inside, value.place(inside))

    def flat(v: Tensor) -> Tensor:
        inside = v.clamp(-END, END)
        return torch.where(v == inside, curvature(curvature.place(inside)), v.double() * 0.0).to(v.dtype)

    def both(v: Tensor) -> tuple[Tensor, Tensor]:
        inside = v.clamp(-END, END)
        there = value.place(inside)
        return straight(v, inside, there), slope(there).to(v.dtype)

    return Levels(straight_value, lambda v: slope(slope.place(v.clamp(-END, END))).to(v.dtype), flat, both)


Place = tuple[Tensor, Tensor, torch.Size]
"""The piece of each input and where in it the input lies, -1 to 1, both flat; and the shape of the inputs."""


class Polynomials:
    """Piecewise polynomials; evaluated in float64 on the input's device, where the coefficients are kept."""

    def __init__(self, edges: list[float], places: list[tuple[float, float]], coefficients: list[list[Any]]) -> None:
        rows = [[float(c) for c in piece] for piece in coefficients]
        self._kept = {torch.device("cpu"): (torch.tensor(edges, dtype=torch.float64),
                                            torch.tensor(places, dtype=torch.float64).T.contiguous(),
                                            torch.tensor(rows, dtype=torch.float64).T.contiguous())}

    def _on(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        if device not in self._kept:
            edges, places, rows = self._kept[torch.device("cpu")]
            self._kept[device] = (edges.to(device), places.to(device), rows.to(device))
        return self._kept[device]

    def place(self, v: Tensor) -> Place:
        """Return where |v| <= END lies."""
        edges, places, _ = self._on(v.device)
        x = v.double().reshape(-1)
        index = torch.bucketize(x.nan_to_num(), edges, right=True)
        middle, scale = places[:, index]
        return index, (x - middle) * scale, v.shape

    def __call__(self, where: Place) -> Tensor:
        """Return the value there, float64; NaN for NaN."""
        index, t, shape = where
        rows = self._on(t.device)[2]
        # One gather of all coefficients is fewer steps; one for each power stays in the cache.
        powers = rows.index_select(1, index) if t.numel() <= FEW else None
        result = torch.zeros_like(t)
        for power in range(len(rows) - 1, -1, -1):
            coefficient = powers[power] if powers is not None else rows[power].index_select(0, index)
            result = torch.addcmul(coefficient, result, t)
        return result.reshape(shape)
