"""When an estimate from samples can be trusted: effective numbers of samples, and what to do where there are too few.

The mean of p/q over samples of q is 1, yet for two unit normals m apart one sample's deviation is sqrt(exp(m^2) - 1):
90 at m = 3. What KL- and chi-square-like costs average is of this kind. And no method at all certifies more than about
log n of KL from n samples (McAllester and Stratos 2020, theorem 1.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ganworks.measure.estimate import Estimate
    from ganworks.measure.neighbours import Neighbours

ENOUGH = 100  # effective samples: a relative error of a tenth
FEW_A_FOLD = 20
APART = 0.999  # share of pairs in the right order from which samples count as told apart


@dataclass(frozen=True)
class Caution:
    """Something to know about an estimate.

    Attributes:
        problem: what it is; remedy: what to do.
        doubtful: whether the estimate cannot be trusted because of it.
    """

    problem: str
    remedy: str
    doubtful: bool = True

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}" if self.remedy else self.problem


def effective_samples(log_weights: np.ndarray) -> float:
    """Return (sum w)^2 / sum w^2 of weights w = exp(log_weights): how many equal weights they are worth, 1 to n.

    Kish 1965. It is itself seen through the samples: where the largest weights were not drawn, it is too high.
    """
    w = np.exp(log_weights - log_weights.max())
    return float(w.sum() ** 2 / (w @ w))


def auc(real: np.ndarray, fake: np.ndarray) -> float:
    """Return the share of pairs in which the real point has the higher output, ties half; 1/2 says nothing."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([real, fake]))[: len(real)]
    return float((ranks.sum() - len(real) * (len(real) + 1) / 2) / (len(real) * len(fake)))


def growth(cost: Callable[[np.ndarray], np.ndarray], side: int) -> float:
    """Return a where a cost of the logit v grows like exp(a |v|) as v goes to infinity on one side; 0 for slower.

    Args:
        cost: elementwise, float64; side: 1 for v to infinity, -1 for v to minus infinity.
    """
    at = cost(side * np.array([8.0, 10.0, 12.0]))
    first, second = abs(at[1] - at[0]), abs(at[2] - at[1])
    return max(0.0, math.log(second / first) / 2) if first > 1e-12 and second > 1e-12 else 0.0


def shared_points(real: np.ndarray, fake: np.ndarray) -> tuple[int, int]:
    """Return how many real points are also fake ones, and how many points of either kind repeat one of their own."""
    known = {row.tobytes() for row in np.ascontiguousarray(real + 0.0)}  # + 0.0 makes -0.0 and 0.0 the same bytes
    other = {row.tobytes() for row in np.ascontiguousarray(fake + 0.0)}
    both = sum(row.tobytes() in other for row in np.ascontiguousarray(real + 0.0))
    return both, len(real) - len(known) + len(fake) - len(other)


def of_samples(real: np.ndarray, fake: np.ndarray, folds: int) -> list[Caution]:
    """Return what is wrong with two samples, (n, d) and (m, d), before anything is learnt."""
    found, least = [], min(len(real), len(fake))
    both, again = shared_points(real, fake)
    if both:
        found.append(Caution(f"{both} of {len(real)} real points are generated points too, to the last digit",
                             "copied data, or values from a small set, are no densities: look where they come from"))
    if again:
        found.append(Caution(f"{again} points repeat another one of their own sample",
                             "copies are no further evidence, and the interval is too short: leave them out"))
    same = (real.min(0) == real.max(0)) & (fake.min(0) == fake.max(0)) & (real[0] == fake[0])
    if same.any():
        found.append(Caution(f"{int(same.sum())} of {real.shape[1]} coordinates are the same everywhere",
                             "they say nothing and do no harm", doubtful=False))
    if least < FEW_A_FOLD * folds:
        found.append(Caution(f"{least} points on one side: {least // folds} a fold", "take more samples"))
    return found


def of_estimate(e: Estimate, growths: tuple[float, float]) -> list[Caution]:
    """Return what is wrong with an estimate.

    Args:
        growths: of the cost on real as v goes to minus infinity, and of the cost on fake as it goes to infinity.
    """
    found = []
    if e.interval[0] <= 0:
        found.append(Caution("no difference found: the interval reaches 0", "a larger sample may still find one",
                             doubtful=False))
    found += _apart(e) + _thin(e, growths)
    if np.std(e.per_seed) > max(2 * e.error, 0.05 * abs(e.value)):
        found.append(Caution(f"the critics disagree: {min(e.per_seed):.4g} to {max(e.per_seed):.4g} from seed to seed",
                             "take more seeds or steps"))
    return found


def compared(e: Estimate, beside: Neighbours) -> list[Caution]:
    """Return what critics and nearest neighbours, side by side, make doubtful."""
    said = beside.value - beside.at_equality
    if said - 3 * beside.error <= e.interval[1] or any(c.doubtful for c in beside.cautions):
        return []
    return [Caution(f"nearest neighbours say {beside.value:.4g}, above the interval: the critics may have missed "
                    "detail finer than they can draw", "take more steps or wider layers (--steps, --hidden)",
                    doubtful=False)]


def _apart(e: Estimate) -> list[Caution]:
    if e.auc < APART:
        return []
    words = f"the critics tell the samples apart almost without a mistake (AUC {e.auc:.4f})"
    if math.isinf(e.ceiling):
        return [Caution(f"{words}: the divergence may be infinite, the figure says how far the critics came",
                        "see how far apart they are with a Wasserstein distance")]
    return [Caution(f"{words}: the divergence is near its maximum {e.ceiling:.4g}, whatever the distance",
                    "see how far apart they are with a Wasserstein distance", doubtful=False)]


def _thin(e: Estimate, growths: tuple[float, float]) -> list[Caution]:
    if e.log_ratio is None:
        return []
    found, least = [], min(len(e.log_ratio.real), len(e.log_ratio.fake))
    sides = ((growths[0], -e.log_ratio.real, "real", "q/p"), (growths[1], e.log_ratio.fake, "generated", "p/q"))
    for grows, logs, kind, ratio in sides:
        count = effective_samples(grows * logs)
        if grows > 0.51 and count < ENOUGH:
            power = "" if grows < 1.25 else f"^{grows:.2g}"
            found.append(Caution(f"the mean of ({ratio}){power} over {len(logs)} {kind} points rests on {count:.0f} "
                                 "effective ones: estimate and interval may be far too low",
                                 "take a bounded divergence (js, squared_hellinger), or many more samples"))
    if max(growths) > 0.51 and e.value > math.log(least) - 1:
        found.append(Caution(f"{e.value:.3g} is near log n = {math.log(least):.3g}, the most that n = {least} samples "
                             "can show of KL", "read it as: large"))
    return found
