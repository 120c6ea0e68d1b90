"""f-divergences of known distributions, D_f(p, q) = int q f(p/q): to the last digits, or with an honest error."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.distributions import Atoms, Distribution, GaussianMixture, Lattice, as_distribution, as_line
from ganworks.measure.functions import Measured, Of, measured
from ganworks.measure.integrand import Integrand
from ganworks.measure.result import Value


def divergence(f: Any, p: Any, q: Any, *, tolerance: float = 1e-10, of: Of = "critic") -> Value:
    """Return the f-divergence of p (real) and q (generated).

    Args:
        f: "total_variation", "kl", "reverse_kl", "js", ... (``NAMED``), "alpha:a=0.3", an objective of the catalogue
            ("lsgan"), a design file, a formula in u = p/q ("u*log(u)"), or a ``ganworks.design.Design``.
        p, q: probabilities, arrays of one shape that sum to 1; distributions of scipy.stats; text such as
            "normal(0, 1)" (see ``distribution``); a ``GaussianMixture``.
        tolerance: relative, of integrals; in the plane 1e-7 where it is smaller. Vectors and closed forms always are
            worked out to the last digits.
        of: "critic": what the critic of a design measures; "generator": what its generator descends, int p H(q/p).

    Raises:
        UserError: an unknown name, a design that is no GAN, distributions that cannot be compared.
    """
    found = measured(f, of)
    if not (isinstance(tolerance, int | float) and 0 < tolerance < 1):
        raise UserError(f"tolerance {tolerance}", "a number between 0 and 1, such as 1e-10")
    return measure(found, *as_pair(p, q), tolerance)


def as_pair(p: Any, q: Any) -> tuple[Distribution, Distribution]:
    """Return both distributions. Raises UserError where they do not live in one space."""
    first, second = as_distribution(p, "p"), as_distribution(q, "q")
    if isinstance(first, Atoms) and isinstance(second, Atoms) and first.shape != second.shape:
        raise UserError(f"p of shape {first.shape} and q of shape {second.shape}", "arrays of one shape",
                        "give every point of either a place, with 0 where it has no mass")
    discrete = [isinstance(d, Atoms | Lattice) for d in (first, second)]
    if discrete[0] != discrete[1]:
        which = "p" if discrete[0] else "q"
        raise UserError(f"{which} has no density and {'q' if discrete[0] else 'p'} has one",
                        "two densities, or two vectors of probabilities",
                        "their f-divergence is that of disjoint supports; see: ganworks measure transport")
    if first.dimension != second.dimension:
        raise UserError(f"p is of dimension {first.dimension} and q of dimension {second.dimension}",
                        "distributions of one space")
    return first, second


def measure(found: Measured, p: Distribution, q: Distribution, tolerance: float = 1e-10) -> Value:
    """Return the divergence of a pair; see ``divergence``."""
    integrand = found.integrand
    if isinstance(p, Atoms) and isinstance(q, Atoms):
        from ganworks.measure.discrete import of_atoms

        return of_atoms(integrand, p, q)
    if isinstance(p, Atoms | Lattice):
        from ganworks.measure.discrete import of_lattices

        return of_lattices(integrand, p, q)
    if isinstance(p, GaussianMixture) and isinstance(q, GaussianMixture):
        return _of_mixtures(integrand, p, q, tolerance)
    return _on_line(integrand, p, q, tolerance)


def _on_line(integrand: Integrand, p: Distribution, q: Distribution, tolerance: float) -> Value:
    from ganworks.measure.on_line import of_lines

    return of_lines(integrand, as_line(p), as_line(q), tolerance)


def _of_mixtures(integrand: Integrand, p: GaussianMixture, q: GaussianMixture, tolerance: float) -> Value:
    if len(p.weights) == len(q.weights) == 1:
        from ganworks.measure.gaussians import closed_form, powers_of

        powers = powers_of(integrand)
        if powers is not None:
            return closed_form(powers, integrand.offset, p, q)
        if p.dimension > 1 and np.array_equal(p.covariances, q.covariances):
            # Only the direction between the means tells the two apart: it is enough to look along it.
            apart = float(np.linalg.norm(q.factors[0] @ (p.means[0] - q.means[0])))
            return _on_line(integrand, _gaussian(apart), _gaussian(0.0), tolerance)
    if p.dimension == 1:
        return _on_line(integrand, p, q, tolerance)
    if p.dimension == 2:
        from ganworks.measure.on_plane import of_planes

        return of_planes(integrand, p, q, tolerance)
    raise UserError(f"this divergence of {'mixtures' if max(len(p.weights), len(q.weights)) > 1 else 'Gaussians'} in "
                    f"dimension {p.dimension}", "dimension 1 or 2, or two Gaussians and a divergence in closed form "
                    "(kl, reverse_kl, jeffrey, squared_hellinger, pearson_chi2, neyman_chi2, alpha)",
                    "estimate it from samples: ganworks measure estimate")


def _gaussian(mean: float) -> GaussianMixture:
    return GaussianMixture(np.ones(1), np.array([[mean]]), np.ones((1, 1, 1)))
