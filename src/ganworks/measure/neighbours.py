"""Divergences from distances to nearest neighbours: nothing is trained, so there is something beside the critics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.trust import Caution, shared_points
from ganworks.seeds import mix

if TYPE_CHECKING:
    from ganworks.design import Design
    from ganworks.objective import Objective

MOST = 10_000  # points of a sample that are looked at
MANY_COORDINATES = 10
SHUFFLES = 20


@dataclass(frozen=True)
class Neighbours:
    """What nearest neighbours say of two samples.

    Attributes:
        kl, reverse_kl: KL(p, q) and KL(q, p); kl_error, reverse_kl_error: standard errors, neighbours taken as
            independent, which they nearly are.
        k: the neighbours behind those.
        objective: the divergence asked for; measures: in words; value: its estimate, neither a lower nor an upper bound
            (KL(p, q) or KL(q, p) as above where that is asked for, a plug-in of ratios otherwise); error: its standard
            error.
        at_equality: what the plug-in says of the same points with shuffled labels: its bias where p = q; 0 for KL.
        ratio_k: the neighbours behind each ratio of the plug-in.
        cautions: what to know.
    """

    kl: float
    kl_error: float
    reverse_kl: float
    reverse_kl_error: float
    k: int
    objective: str
    measures: str
    value: float
    error: float
    at_equality: float
    ratio_k: int
    cautions: tuple[Caution, ...]


def neighbours(real: Any, fake: Any, k: int = 5, objective: str | Design | Objective = "js",
               seed: int = 0) -> Neighbours:
    """Return nearest-neighbour estimates of KL(p, q), KL(q, p) and of the divergence an objective measures.

    Args:
        real, fake: samples of p and q, (n, d) and (m, d), or (n,) and (m,). Of more than 10,000 points 10,000 are used.
        k: neighbours for the two KL, 1 or more, below the number of points of either sample.
        objective: as for ``estimate``.
        seed: of the choice of points and of shuffled labels.

    Raises:
        UserError: samples or k that will not do, an objective that is no function of the likelihood ratio.
    """
    from ganworks.measure.estimate import objective_of, pair_of_samples

    game, design = objective_of(objective)
    real, fake = pair_of_samples(real, fake)
    cautions = _cautions(real, fake)
    least = min(len(real), len(fake))
    if not 1 <= k < least:
        raise UserError(f"k = {k} neighbours among {len(real)} real and {len(fake)} generated points",
                        f"1 to {least - 1}" if least > 1 else "at least two points of each kind")
    real, fake = (_some(x, mix(seed, name)) for x, name in ((real, "real"), (fake, "fake")))
    forward, backward = kl_terms(real, fake, k), kl_terms(fake, real, k)
    name = None if design.divergence is None else design.divergence.name
    if design.divergence is not None and name in ("kl", "reverse_kl"):
        terms = design.divergence.factor * (forward if name == "kl" else backward)
        (value, error), equal, ratio_k = (float(terms.mean()), _error(terms)), 0.0, k
    else:
        (value, error), equal, ratio_k = _plug_in(design, real, fake, k, seed)
    return Neighbours(float(forward.mean()), _error(forward), float(backward.mean()), _error(backward), k, game.name,
                      design.divergence_name or "a divergence without a name", value, error, equal, ratio_k, cautions)


def _some(x: np.ndarray, seed: int) -> np.ndarray:
    return x if len(x) <= MOST else x[np.random.default_rng(seed).choice(len(x), MOST, replace=False)]


def _error(terms: np.ndarray) -> float:
    return float(terms.std(ddof=1) / len(terms) ** 0.5)


def _cautions(real: np.ndarray, fake: np.ndarray) -> tuple[Caution, ...]:
    found = []
    if real.shape[1] > MANY_COORDINATES:
        found.append(Caution(f"{real.shape[1]} coordinates: distances to neighbours say little of a density there",
                             "trust the critics' bound more"))
    both, again = shared_points(real, fake)
    if both or again:
        found.append(Caution("some points are the same: their places are taken for atoms", "leave copies out"))
    return tuple(found)


def kl_terms(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """Return terms, float64 (n,), whose mean estimates KL(law of x, law of y).

    Wang, Kulkarni and Verdu 2009, section III: around each x_i a ball that holds k others of x and k of y; l_i of x and
    k_i of y are in it, and the term is digamma(l_i) - digamma(k_i) + log(m / (n - 1)). Both densities are seen at one
    scale, so that their biases nearly cancel. Where x goes on beyond the last points of y, the nearest of those stands
    for what is missing, and the estimate is too low, the more so in many dimensions. Points in one place count as an
    atom, as in Gao et al. 2017.

    Args:
        x, y: (n, d) and (m, d), n > k, m >= k.
    """
    from scipy.spatial import cKDTree
    from scipy.special import digamma

    near, far = cKDTree(x), cKDTree(y)
    among = near.query(x, k=[k + 1])[0][:, 0]  # the nearest is the point itself
    across = far.query(x, k=[k])[0][:, 0]
    radius = np.maximum(among, across) * (1 + 1e-12)  # the point on the edge is inside
    mine = near.query_ball_point(x, radius, return_length=True) - 1
    theirs = far.query_ball_point(x, radius, return_length=True)
    return digamma(mine) - digamma(theirs) + math.log(len(y) / (len(x) - 1))


def _plug_in(design: Design, real: np.ndarray, fake: np.ndarray, k: int,
             seed: int) -> tuple[tuple[float, float], float, int]:
    """Return the plug-in estimate with its error, what it says of shuffled labels, and its k.

    Noshad, Moon, Sekeh and Hero 2017: the ratio at a point is that of the kinds among its neighbours in both samples
    together. Half a point is added to each count, so that none is 0. With the middle law m = (p + q)/2 the divergence
    is the mean of (p/m) d(q/p) under m, which sees what only one sample has; each sample is half of m.
    """
    both = np.concatenate([real, fake])
    random = np.random.default_rng(mix(seed, "labels"))
    order = random.permutation(len(both))  # so that among points in one place the search prefers neither kind
    both, is_real = both[order], order < len(real)
    ratio_k = int(min(max(k, round(len(both) ** 0.5)), len(both) - 1))
    at = _nearest(both, ratio_k)
    table = _table(design, ratio_k, (len(real) / len(both), len(fake) / len(both)))
    shuffled = [_mean(random.permutation(is_real), at, table)[0] for _ in range(SHUFFLES)]
    return _mean(is_real, at, table), float(np.mean(shuffled)), ratio_k


def _nearest(x: np.ndarray, k: int) -> np.ndarray:
    """Return the rows of the k nearest other points, int (n, k)."""
    from scipy.spatial import cKDTree

    at = cKDTree(x).query(x, k=k + 1)[1]
    itself = at == np.arange(len(x))[:, None]
    itself[~itself.any(1), -1] = True  # more than k others in the same place
    return at[~itself].reshape(len(x), k)


def _table(design: Design, k: int, shares: tuple[float, float]) -> np.ndarray:
    """Return (p/m) d(r), float64 (k + 1,), for 0 to k real points among k neighbours."""
    count = np.arange(k + 1)
    r = ((k - count + 0.5) / shares[1]) / ((count + 0.5) / shares[0])
    return 2 / (1 + r) * design.d_at(r)


def _mean(is_real: np.ndarray, at: np.ndarray, table: np.ndarray) -> tuple[float, float]:
    of_each = table[is_real[at].sum(1)]
    sides = of_each[is_real], of_each[~is_real]
    return float(sum(s.mean() for s in sides) / 2), float(sum(_error(s) ** 2 for s in sides) ** 0.5 / 2)
