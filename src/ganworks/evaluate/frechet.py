"""The Frechet distance between two clouds of features, in the nuclear-norm form.

For Gaussians with means m1, m2 and covariances S1, S2 (Dowson and Landau 1982, eq. 4; Heusel et al. 2017, eq. 6)::

    FD = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

Write S1 = A'A and S2 = B'B. Then tr (S1 S2)^(1/2) is the sum of the singular values of A B' (its nuclear norm), and the
last three terms are the least |A - Q B|^2 over orthogonal Q: never negative, zero for equal clouds, right for
singular covariances, and with no square root of a matrix. A and B may have as few rows as there are samples, so
n < d costs n x n x d and not d x d x d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from ganworks.errors import UserError

BLOCK = 256
"""Columns of the covariance that are computed at once."""

CLOSE = 1e-6
"""Greatest relative error of a distance that is accepted from the faster of two ways; the other is good to rounding."""

SOUND = 1e-9
"""Least ratio of a squared Cholesky pivot to the largest one at which a factor of the covariance is trusted.

Below it the rounding of the covariance itself (about 1e-16 of its largest entry) would show under the square root.
"""


@dataclass(frozen=True)
class Moments:
    """Mean (d,) and a factor (k, d) of the covariance: covariance = factor' factor. float64."""

    mean: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, features: ArrayLike | torch.Tensor) -> Moments:
        """Return the moments of ``features`` (n, d), n >= 2; the covariance divides by n - 1."""
        x = np.asarray(features, dtype=np.float64)
        if x.ndim != 2 or len(x) < 2:
            raise UserError(f"features of shape {x.shape}", "an array (n, d) with n >= 2",
                            "measure at least two samples")
        mean = x.mean(axis=0)
        centred = (x - mean) / np.sqrt(len(x) - 1)
        if not np.isfinite(mean).all():
            raise UserError("the features hold NaN or infinite values", "finite numbers",
                            "look at the samples: the generator may have diverged")
        return cls(mean, centred if len(x) <= x.shape[1] else _tall_factor(centred))

    @classmethod
    def from_covariance(cls, mean: ArrayLike, covariance: ArrayLike) -> Moments:
        """Return the moments with this mean (d,) and covariance (d, d), which may be singular."""
        mu, cov = np.asarray(mean, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
        if mu.ndim != 1 or cov.shape != (len(mu), len(mu)):
            raise UserError(f"a mean of shape {mu.shape} and a covariance of shape {cov.shape}", "(d,) and (d, d)")
        if not (np.isfinite(mu).all() and np.isfinite(cov).all()):
            raise UserError("a mean or a covariance with NaN or infinite values", "finite numbers")
        if not np.allclose(cov, cov.T, rtol=1e-6, atol=1e-6 * np.abs(cov).max(initial=0.0)):
            raise UserError("a covariance that is not symmetric", "a symmetric matrix (d, d)")
        factor = _cholesky(cov)
        return cls(mu, _eigen_factor(cov) if factor is None else factor)


def frechet_distance(x: ArrayLike | torch.Tensor | Moments, y: ArrayLike | torch.Tensor | Moments) -> float:
    """Return the (squared) Frechet distance between ``x`` and ``y``, each features (n, d) or ``Moments``; >= 0.

    The figure from samples is biased upward by about c / n: compare figures of equal n only.
    """
    a = x if isinstance(x, Moments) else Moments.of(x)
    b = y if isinstance(y, Moments) else Moments.of(y)
    if len(a.mean) != len(b.mean):
        raise UserError(f"features of width {len(a.mean)} against features of width {len(b.mean)}", "equal widths",
                        "use one feature extractor for both")
    apart = float(np.sum((a.mean - b.mean) ** 2) + np.sum(a.factor**2) + np.sum(b.factor**2))
    product = torch.from_numpy(a.factor) @ torch.from_numpy(b.factor).T
    overlap, doubt = _by_eigenvalues(product)
    if not 2 * doubt <= CLOSE * (apart - 2 * overlap):
        overlap = torch.linalg.svdvals(product).sum().item()
    return max(0.0, apart - 2 * overlap)


def _by_eigenvalues(product: torch.Tensor) -> tuple[float, float]:
    """Return the sum of the singular values of ``product`` and what rounding may have done to it.

    Three times as fast as the singular values themselves, but they come out squared: a rounding of sqrt(k) eps times
    the largest square moves a root s by that over 2 s, and nothing is known of a root of zero.
    """
    side = product if product.shape[0] <= product.shape[1] else product.T
    squares = torch.linalg.eigvalsh(side @ side.T)
    if not len(squares) or squares[0] <= 0:
        return 0.0, np.inf
    roots = squares.sqrt()
    rounding = np.sqrt(len(squares)) * np.finfo(np.float64).eps * squares[-1]
    return roots.sum().item(), (rounding / (2 * roots)).sum().item()


def _tall_factor(centred: np.ndarray) -> np.ndarray:
    """Return a factor (k, d) of centred' centred: by Cholesky where that is safe, else by QR of the rows themselves."""
    alive = ~(centred == centred[0]).all(axis=0)  # the dark corners of a digit and dead units are constant
    if not alive.all():
        factor = np.zeros((int(alive.sum()), len(alive)))
        factor[:, alive] = _tall_factor(centred[:, alive]) if alive.any() else 0.0
        return factor
    found = _cholesky(_gram(centred))
    if found is None:  # dependent columns: QR squares nothing
        found = torch.linalg.qr(torch.from_numpy(centred), mode="r").R.numpy()
    return found


def _cholesky(covariance: np.ndarray) -> np.ndarray | None:
    """Return the upper Cholesky factor, or None where the matrix is too near to a singular one."""
    lower, failed = torch.linalg.cholesky_ex(torch.from_numpy(covariance))
    pivots = lower.diagonal() ** 2
    return None if failed or pivots.min() < SOUND * pivots.max() else lower.T.numpy()


def _gram(x: np.ndarray) -> np.ndarray:
    """Return x' x for ``x`` (n, d), with half the work of a plain product: what lies above the diagonal is mirrored.

    All in torch: numpy brings threads of its own, and the two pools then wait for each other.
    """
    rows = torch.from_numpy(x)
    gram = torch.empty(x.shape[1], x.shape[1], dtype=rows.dtype)
    for i in range(0, len(gram), BLOCK):
        strip = rows[:, i:].T @ rows[:, i : i + BLOCK]
        gram[i:, i : i + BLOCK] = strip
        gram[i : i + BLOCK, i:] = strip.T
    return gram.numpy()


def _eigen_factor(covariance: np.ndarray) -> np.ndarray:
    """Return a factor (rank, d) of a singular covariance; what rounding made negative counts as zero."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    largest = np.abs(values).max(initial=0.0)
    if values.min(initial=0.0) < -1e-6 * largest:
        raise UserError(f"a covariance with the negative eigenvalue {values.min():.3g}",
                        "a positive semi-definite matrix")
    kept = values > len(values) * np.finfo(np.float64).eps * largest
    return np.sqrt(values[kept])[:, None] * vectors[:, kept].T
