"""Intervals for any figure computed from samples, by half-sampling.

**What the interval means.** It says where the figure *at this n* would lie: it covers the expected figure of n samples
with the stated probability. A figure with a bias that falls as 1/n (the Frechet distance) keeps that bias: compare it
with the real-against-real floor of the same n, which has the same.

**Why not the ordinary bootstrap.** Drawing n of n with replacement leaves about 63 % distinct samples, so a Frechet
distance of the resample is biased upward a second time, and nearest-neighbour figures break on the duplicates. Here
each resample is half of the samples, drawn without replacement. For a smooth figure the spread between random halves,
given the data, is s^2 (1/m - 1/n): at m = n/2 this is s^2 / n, the variance of the figure itself (the delete-d
jackknife with d = n/2: Shao and Wu 1989; subsampling: Politis and Romano 1994). Only the spread is used, so the larger
bias of the half-samples cancels. Where a distance is exactly zero it is quadratic in the noise, and the interval is
too wide (by up to 1.7 times), never too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from ganworks.console import track
from ganworks.errors import UserError
from ganworks.seeds import mix


@dataclass(frozen=True)
class Interval:
    """A figure with its standard error and the interval at the asked level."""

    value: float
    error: float
    low: float
    high: float


def intervals(statistic: Callable[..., Sequence[float] | float], samples: Sequence[np.ndarray], level: float = 0.95,
              resamples: int = 30, seed: int = 0, description: str = "intervals") -> list[Interval]:
    """Return an interval for each number that ``statistic(*samples)`` returns.

    Args:
        statistic: takes arrays like ``samples`` (fewer rows) and returns one number or several.
        samples: independent sets, each with its samples along the first axis (n_i >= 4).
        level: probability that the interval covers the expected figure, in (0, 1).
        resamples: how many halves are drawn; the statistic is computed once more than that.
    """
    if not 0 < level < 1 or resamples < 2:
        raise UserError(f"level {level} with {resamples} resamples", "a level in (0, 1) and at least 2 resamples")
    if min(len(x) for x in samples) < 4:
        raise UserError(f"{min(len(x) for x in samples)} samples are too few to halve", "at least 4")
    value = np.atleast_1d(np.asarray(statistic(*samples), dtype=np.float64))
    rng = np.random.default_rng(mix("half-samples", seed))
    halves = np.stack([
        np.atleast_1d(np.asarray(statistic(*(_half(x, rng) for x in samples)), dtype=np.float64))
        for _ in track(range(resamples), resamples, description)])
    n = min(len(x) for x in samples)
    m = n // 2
    error = halves.std(axis=0, ddof=1) * np.sqrt(m / (n - m))
    reach = float(student.ppf((1 + level) / 2, resamples - 1)) * error
    return [Interval(*map(float, row)) for row in zip(value, error, value - reach, value + reach, strict=True)]


def _half(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return x[np.sort(rng.permutation(len(x))[: len(x) // 2])]
