"""f-divergences of discrete distributions: sums, to the last digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.distributions import Atoms, Lattice
from ganworks.measure.integrand import EPS, Integrand
from ganworks.measure.result import Value, infinite, lone

Array = np.ndarray
ROUNDING = 24 * EPS
"""Relative rounding error of a term."""
LARGEST = 1 << 22
"""Most points of a lattice that are summed."""
NEGLIGIBLE = 60.0
"""Terms smaller than the largest by this in the logarithm end a sum."""


def of_atoms(integrand: Integrand, p: Atoms, q: Atoms) -> Value:
    """Return the divergence of two vectors of probabilities of one length."""
    if len(p.masses) != len(q.masses):
        raise UserError(f"p has {len(p.masses)} probabilities and q has {len(q.masses)}", "vectors of one length",
                        "give every point of either a place, with 0 where it has no mass")
    # p and q are meant after division by their sums; done so, p - q keeps its digits where p and q are near.
    tilt = math.fsum([*p.masses, *-q.masses]) / q.total
    difference = ((p.masses - q.masses) - q.masses * tilt) / p.total
    first, second = p.masses / p.total, q.masses / q.total
    both = (first > 0) & (second > 0)
    alone, missing = math.fsum(first[second == 0]), math.fsum(second[first == 0])
    if (found := lone(integrand, alone, missing)) is not None:
        return found
    terms = integrand.atoms(first[both], second[both], difference[both])
    if not np.isfinite(terms).all():
        return infinite("a term is beyond the largest number, 1.8e308")
    at_ends = [alone * integrand.at_infinity if alone else 0.0, missing * integrand.at_zero if missing else 0.0]
    rounding = ROUNDING * math.fsum([*np.abs(terms), *np.abs(at_ends)]) + EPS * abs(integrand.offset)
    return Value(math.fsum([integrand.offset, *terms, *at_ends]), rounding, "sum")


def of_lattices(integrand: Integrand, p: Any, q: Any) -> Value:
    """Return the divergence of two discrete distributions of scipy.stats, or of one and a vector on 0, 1, 2, ..."""
    low, high = _support(p, q)
    _within_reach(low + LARGEST, p, q)
    alone = missing = 0.0
    logs, signs, noises = [], [], []
    start, block, ended = low, 1024, False
    while not ended:
        stop = int(min(start + block, high + 1))
        points = np.arange(start, stop, dtype=np.float64)
        log_p, log_q = p.logpdf(points), q.logpdf(points)
        with np.errstate(all="ignore"):
            alone += math.fsum(np.exp(log_p[np.isneginf(log_q)]))
            missing += math.fsum(np.exp(log_q[np.isneginf(log_p)]))
        both = np.isfinite(log_p) & np.isfinite(log_q)
        log, sign = integrand.logs(log_p[both], log_q[both])
        logs.append(log)
        signs.append(sign)
        noises.append(integrand.rounding(log_p[both], log_q[both]))
        start, block = stop, block * 2
        ended = stop > high or _negligible(logs, np.maximum(log_p, log_q)) or stop - low > LARGEST
    if (found := lone(integrand, alone, missing)) is not None:
        return found
    log, sign = np.concatenate(logs), np.concatenate(signs)
    rest = 0.0 if start > high else _rest(log)
    if math.isinf(rest) and integrand.bounded:
        rest = integrand.at_infinity * _beyond(p, start) + integrand.at_zero * _beyond(q, start)
    if math.isinf(rest):
        return infinite("the sum diverges: its terms do not shrink far out")
    terms = sign * np.exp(log)
    at_ends = [alone * integrand.at_infinity if alone else 0.0, missing * integrand.at_zero if missing else 0.0]
    noise = math.fsum(np.abs(terms) * np.concatenate(noises)) + rest + EPS * abs(integrand.offset)
    return Value(math.fsum([integrand.offset, *terms, *at_ends]), noise, "sum")


def _within_reach(end: int, p: Any, q: Any) -> None:
    """Raise UserError where a sum up to ``end`` would end before the probabilities begin in earnest."""
    for name, d in (("p", p), ("q", q)):
        if _beyond(d, end) > 0.5:
            raise UserError(f"most of {name} lies beyond its first {LARGEST:,} points",
                            f"discrete distributions on some {LARGEST:,} points",
                            "take normal distributions of the same means and variances: so far out they are near")


def _beyond(d: Any, start: int) -> float:
    """Return the probability of start and all that follows."""
    return math.fsum(d.masses[start:]) if isinstance(d, Atoms) else float(d.frozen.sf(start - 1))


def _support(p: Any, q: Any) -> tuple[int, float]:
    ends = [(0, len(d.masses) - 1) if isinstance(d, Atoms) else d.frozen.support() for d in (p, q)]
    for d in (p, q):
        if isinstance(d, Lattice) and not np.isfinite(d.frozen.support()[0]):
            raise UserError("a discrete distribution without a first point", "one that begins somewhere")
    return int(min(low for low, _ in ends)), max(high for _, high in ends)


def _negligible(logs: list[Array], weights: Array) -> bool:
    """Whether the last block ends far below the largest term, and so do the probabilities in it."""
    last = logs[-1]
    top = max((log.max() for log in logs if len(log)), default=-np.inf)
    ends_low = not len(last) or last[-1] < top - NEGLIGIBLE
    return bool(ends_low and weights[-1] < -NEGLIGIBLE) or bool(np.isneginf(weights[-1]))


def _rest(log: Array) -> float:
    """Return an estimate of what is left behind the last term: inf where the terms do not shrink."""
    if len(log) < 100 or np.isneginf(log[-1]):
        return 0.0
    half = len(log) // 2
    power = (log[half] - log[-1]) / math.log(len(log) / half)  # terms like k^-power
    return math.inf if power < 1.001 else math.exp(log[-1]) * len(log) / (power - 1)
