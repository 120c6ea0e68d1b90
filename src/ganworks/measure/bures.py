"""The 2-Wasserstein distance of two Gaussians in closed form, and the linear map that carries one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.errors import UserError


@dataclass(frozen=True, eq=False)
class GaussianTransport:
    """W_2 between N(mean1, cov1) and N(mean2, cov2).

    Attributes:
        distance: W_2.
        of_means: |mean1 - mean2| ** 2.
        of_covariances: the rest of distance ** 2: the squared Bures distance of the covariances.
        matrix: (d, d), symmetric; x -> mean2 + matrix (x - mean1) is the optimal map. None where no linear map carries
            the first to the second: the first lies in a subspace too small for it.
        mean1, mean2: (d,).
    """

    distance: float
    of_means: float
    of_covariances: float
    matrix: np.ndarray | None
    mean1: np.ndarray
    mean2: np.ndarray

    def move(self, points: Any) -> np.ndarray:
        """Return where the optimal map sends points (n, d)."""
        if self.matrix is None:
            raise UserError("no linear map carries the first Gaussian to the second", "a first covariance of full rank",
                            "exchange the two")
        return self.mean2 + (np.asarray(points, dtype=np.float64) - self.mean1) @ self.matrix.T


def gaussian(mean1: Any, cov1: Any, mean2: Any, cov2: Any) -> GaussianTransport:
    """Return W_2 and the optimal map of two Gaussians; covariances may be singular.

    W_2^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2) (Dowson and Landau 1982; Olkin and Pukelsheim 1982).
    The trace is worked out as |C1^1/2 - U C2^1/2|^2 with the rotation U that makes it smallest: a sum of squares, so
    that near Gaussians do not cancel.

    Args:
        mean1, mean2: (d,), or numbers.
        cov1, cov2: (d, d), symmetric without negative eigenvalues, or numbers.

    Raises:
        UserError: shapes that do not fit, not finite, not symmetric, a negative eigenvalue.
    """
    mean1, root1 = _checked(mean1, cov1, "1")
    mean2, root2 = _checked(mean2, cov2, "2")
    if mean1.shape != mean2.shape:
        raise UserError(f"means of {len(mean1)} and {len(mean2)} coordinates", "Gaussians of one space")
    left, _, right = np.linalg.svd(root1 @ root2)
    apart = float(np.square(root1 - (left @ right) @ root2).sum())
    shift = float(np.square(mean1 - mean2).sum())
    return GaussianTransport(float(np.sqrt(shift + apart)), shift, apart, _map(root1, root2), mean1, mean2)


def _checked(mean: Any, covariance: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (d,) and the symmetric root of the covariance (d, d)."""
    try:
        mean = np.atleast_1d(np.asarray(mean, dtype=np.float64))
        covariance = np.atleast_2d(np.asarray(covariance, dtype=np.float64))
    except (TypeError, ValueError):
        raise UserError(f"mean{name} or cov{name} is not an array of numbers", "shapes (d,) and (d, d)") from None
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
        raise UserError(f"mean{name} of shape {mean.shape} and cov{name} of shape {covariance.shape}",
                        "shapes (d,) and (d, d)")
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise UserError(f"mean{name} or cov{name} holds nan or inf", "finite numbers")
    size = np.abs(covariance).max()
    if np.abs(covariance - covariance.T).max() > 1e-8 * size:
        raise UserError(f"cov{name} is not symmetric", "a covariance matrix")
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    if values[0] < -1e-8 * size:
        raise UserError(f"cov{name} has the negative eigenvalue {values[0]:.3g}", "a covariance matrix",
                        "a variance in some direction cannot be negative")
    values[values < 4 * len(values) * np.finfo(float).eps * max(values[-1], 0)] = 0  # rounding, whose root is not small
    return mean, (vectors * np.sqrt(values)) @ vectors.T


def _map(root1: np.ndarray, root2: np.ndarray) -> np.ndarray | None:
    """Return C2^1/2 (C2^1/2 C1 C2^1/2)^-1/2 C2^1/2, which needs no inverse of C1, if it carries C1 to C2."""
    # With C1^1/2 C2^1/2 = left sizes right, the middle is right^T (1 / sizes) right.
    _, sizes, right = np.linalg.svd(root1 @ root2)
    scale = sizes[0] if sizes[0] > 0 else 1.0
    kept = sizes > 1e-12 * scale
    half = right[kept] @ root2
    matrix = (half.T / sizes[kept]) @ half
    covariance = root2 @ root2
    carried = matrix @ root1
    wrong = np.abs(carried @ carried.T - covariance).max()
    return matrix if wrong <= 1e-6 * max(np.abs(covariance).max(), 1e-300) else None
