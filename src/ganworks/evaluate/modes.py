"""How well points cover a known density: modes found where it has modes, else transport cost and log density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from ganworks.errors import UserError

WITHIN = 3.0
"""A sample is of high quality when it lies within this many standard deviations of its nearest mode."""


@dataclass(frozen=True)
class ModeFigures:
    """``found`` of ``modes`` modes; ``high_quality`` share in [0, 1]; ``kl`` in nats, >= 0."""

    found: int
    modes: int
    high_quality: float
    kl: float


def mode_figures(samples: ArrayLike, centres: ArrayLike, sd: ArrayLike,
                 weights: ArrayLike | None = None) -> ModeFigures:
    """Return the mode figures of ``samples`` (n, d) for a mixture with ``centres`` (K, d).

    A mode is found when a sample lies within 3 sd of it; a sample is of high quality when it lies within 3 sd of its
    nearest mode (Srivastava et al. 2017, VEEGAN, section 4.1). The histogram counts every sample at its nearest mode,
    and ``kl`` is KL(histogram | weights), finite when modes are missed (Lin et al. 2018, PacGAN, section 4.1).
    Nearest is meant in standard deviations, which matters only where the modes' own differ.

    Args:
        sd: standard deviation of the (round) modes, one for all or one each (K,).
        weights: true weights of the modes (K,), equal ones by default; they are normalised.
    """
    x, at = _points(samples), _points(centres)
    if x.shape[1] != at.shape[1]:
        raise UserError(f"samples in {x.shape[1]} dimensions, modes in {at.shape[1]}", "equal dimensions")
    spread = np.broadcast_to(np.asarray(sd, dtype=np.float64), (len(at),))
    true = np.ones(len(at)) if weights is None else np.asarray(weights, dtype=np.float64)
    if true.shape != (len(at),) or true.min() <= 0 or spread.min() <= 0:
        raise UserError(f"weights of shape {true.shape} and sd {sd!r} for {len(at)} modes",
                        "one positive number for each mode")
    away = np.stack([np.linalg.norm(x - centre, axis=1) / one for centre, one in zip(at, spread, strict=True)], axis=1)
    nearest, good = away.argmin(axis=1), away.min(axis=1) <= WITHIN
    found = int((away.min(axis=0) <= WITHIN).sum())
    counts = np.bincount(nearest, minlength=len(at))
    share, true = counts / counts.sum(), true / true.sum()
    held = share > 0
    kl = float(np.sum(share[held] * np.log(share[held] / true[held])))
    return ModeFigures(found, len(at), float(good.mean()), max(0.0, kl))


def transport_distance(x: ArrayLike, y: ArrayLike, limit: int = 1000, seed: int = 0) -> float:
    """Return the Wasserstein-1 distance (Euclidean cost) between two clouds of points (n, d) and (m, d).

    In one dimension it is exact by sorting. Else up to ``limit`` points of each cloud are coupled exactly (the
    Python Optimal Transport library's network simplex).
    """
    import ot  # takes half a second to import

    a, b = _points(x), _points(y)
    if a.shape[1] != b.shape[1]:
        raise UserError(f"points in {a.shape[1]} dimensions against points in {b.shape[1]}", "equal dimensions")
    if a.shape[1] == 1:
        return float(ot.wasserstein_1d(a[:, 0], b[:, 0], p=1))
    rng = np.random.default_rng(seed)
    a, b = (c if len(c) <= limit else c[rng.choice(len(c), limit, replace=False)] for c in (a, b))
    # scipy subtracts, where POT expands the square and gives equal points a distance of 1e-8.
    return float(ot.emd2([], [], cdist(a, b), numItermax=1_000_000))


def _points(x: ArrayLike) -> np.ndarray:
    points = np.asarray(x, dtype=np.float64)
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or len(points) == 0:
        raise UserError(f"points of shape {points.shape}", "(n, d) with n >= 1")
    if not np.isfinite(points).all():
        raise UserError("points with NaN or infinite values", "finite numbers",
                        "look at the samples: the run may have diverged")
    return points
