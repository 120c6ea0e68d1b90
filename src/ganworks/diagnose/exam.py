"""Samples beside real data: how alike each other they are, what they leave out, what they copy.

Every figure comes with the same one of real samples that took no part in its reference, so that nothing has to be
known beforehand of what is usual for a kind of data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ganworks.errors import UserError
from ganworks.evaluate.features import Pixels, as_tensor
from ganworks.evaluate.prdc import prdc
from ganworks.seeds import mix

LEAST = 100
MOST = 2000
FEATURES = 1024
BINS, BIN = 50, 20
"""At most so many groups of the data, and real samples that each should have."""
NEAR = 0.01
"""Two samples are nearly one where they are nearer than this share of real samples is to any other one."""
RARE = 0.2
"""A group is left out where less than this share of what should be there is."""
UNEVEN = 0.05
SURE = 0.01
"""... and where that would come by chance in any of the groups with no more than this probability (Bonferroni)."""


@dataclass(frozen=True)
class Group:
    """A group of similar data.

    Attributes:
        centre: row of the reference that stands for it.
        real, fake, other: shares of the reference, of the samples, and of the other real ones that belong to it.
    """

    centre: int
    real: float
    fake: float
    other: float


@dataclass(frozen=True)
class Exam:
    """Figures of samples, each with that of other real samples ("usual").

    Attributes:
        count: how many samples of each kind were looked at.
        figures: name -> (of the samples, of other real ones).
        groups: of similar data, those first of which the samples leave out most.
    """

    count: int
    figures: dict[str, tuple[float, float]]
    groups: tuple[Group, ...]

    @property
    def missing(self) -> tuple[Group, ...]:
        """The groups that are left out: less than a fifth of what should be there, and that not by chance."""
        return left_out(self.groups, self.count)


def exam(fake: np.ndarray, real: np.ndarray, seed: int = 0) -> Exam:
    """Return what samples look like beside real data.

    The real samples are split at random: one half is the reference, the other takes the part of perfect samples.

    - "diversity": mean distance of two samples, as a share of the reference's.
    - "duplicates": share of samples that are nearer to another one than all but 1 % of the reference's are.
    - "precision", "recall", "density", "coverage" as ``evaluate.prdc`` has them.
    - "missing": share of the data that lies in groups which the samples leave out (after Richardson and Weiss 2018,
      section 3: groups by k-means, shares compared by a test of two proportions).
    - "uneven": share of groups whose share differs from the reference's beyond chance, at 5 %.
    - "copies": share of samples nearer to a real one than all but 1 % of real ones are to their next; "nearer": the
      probability that a sample is nearer to the data than a real one is to the rest of the data.
    - "level", "contrast": mean of all values and their standard deviation, as a difference and a ratio.

    Args:
        fake, real: uint8 images (N, C, H, W), or float points (N, D), of one shape; at least 100 samples and 200 of
            the data; of more than 2,000 and 4,000, so many are drawn.

    Raises:
        UserError: too few, or of different shapes.
    """
    _check(fake, real)
    n = min(MOST, len(fake), len(real) // 2)
    random = np.random.default_rng(mix("exam", seed))
    rows = random.permutation(len(real))
    fake = fake[random.permutation(len(fake))[:n]]
    extract = Pixels(tuple(fake.shape[1:]), FEATURES)
    reference, other, made = (np.asarray(extract(x), np.float32) for x in (real[rows[:n]], real[rows[n : 2 * n]], fake))
    groups = _groups(reference, made, other, seed)
    swapped = tuple(Group(group.centre, group.real, group.other, group.fake) for group in groups)
    of, usual = ({**_figures(x, reference), **_shares(found, n)} for x, found in ((made, groups), (other, swapped)))
    return Exam(n, {name: (of[name], usual[name]) for name in of}, groups)


def _figures(x: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    real_near, near, across = nearest(reference), nearest(x), nearest(x, reference)
    least = float(np.quantile(real_near, NEAR))
    alike = prdc(reference, x)
    return {"diversity": spread(x) / max(spread(reference), 1e-12), "duplicates": float((near <= least).mean()),
            "precision": alike.precision, "recall": alike.recall, "density": alike.density, "coverage": alike.coverage,
            "copies": float((across <= least).mean()), "nearer": lower(across, real_near),
            "level": float(x.mean() - reference.mean()), "contrast": float(x.std() / max(reference.std(), 1e-12))}


def spread(x: np.ndarray) -> float:
    """Return the root of the mean squared distance of two different rows: it takes no pairs, only the variance."""
    return float(np.sqrt(2 * x.var(axis=0, ddof=1, dtype=np.float64).sum()))


def nearest(x: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Return the distance of each row of ``x`` to the nearest one of ``among``, or to the nearest other of ``x``."""
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=1).fit(x if among is None else among)
    return finder.kneighbors(None if among is None else x)[0][:, 0]


def lower(a: np.ndarray, b: np.ndarray) -> float:
    """Return P(a < b) + P(a = b) / 2 for independent draws of both."""
    place = np.sort(b)
    below = np.searchsorted(place, a, side="left"), np.searchsorted(place, a, side="right")
    return float(1 - (below[0] + below[1]).mean() / 2 / len(b))


def left_out(groups: tuple[Group, ...], count: int) -> tuple[Group, ...]:
    """Return the groups to which hardly any of ``count`` samples belong."""
    sure = SURE / max(len(groups), 1)
    return tuple(group for group in groups if group.fake < RARE * group.real and difference(group, count) / 2 < sure)


def difference(group: Group, count: int) -> float:
    """Return the two-sided p-value of equal shares of two samples of ``count`` (pooled z-test)."""
    pooled = (group.real + group.fake) / 2
    error = np.sqrt(2 * pooled * (1 - pooled) / count)
    return float(2 * norm.sf(abs(group.real - group.fake) / error)) if error else 1.0


def _shares(groups: tuple[Group, ...], count: int) -> dict[str, float]:
    return {"missing": sum(group.real for group in left_out(groups, count)),
            "uneven": float(np.mean([difference(group, count) < UNEVEN for group in groups]))}


def _groups(reference: np.ndarray, made: np.ndarray, other: np.ndarray, seed: int) -> tuple[Group, ...]:
    from sklearn.cluster import KMeans

    bins = max(2, min(BINS, len(reference) // BIN))
    means = KMeans(bins, n_init=1, random_state=seed).fit(reference)
    shares = [np.bincount(means.predict(x), minlength=bins) / len(x) for x in (reference, made, other)]
    apart = means.transform(reference)
    found = [Group(int(apart[:, k].argmin()), *(float(share[k]) for share in shares)) for k in range(bins)]
    return tuple(sorted(found, key=lambda group: group.fake - group.real))


def _check(fake: np.ndarray, real: np.ndarray) -> None:
    if fake.shape[1:] != real.shape[1:]:
        raise UserError(f"samples of shape {fake.shape[1:]} beside data of shape {real.shape[1:]}", "one shape")
    if len(fake) < LEAST or len(real) < 2 * LEAST:
        raise UserError(f"{len(fake)} samples beside {len(real)} of the data", f"at least {LEAST} samples, and "
                        f"{2 * LEAST} of the data: fewer cannot tell what is missing from chance")
    for name, x in (("samples", fake), ("data", real)):
        if not np.isfinite(as_tensor(x).numpy()).all():
            raise UserError(f"{name} that hold NaN or infinite values", "finite numbers")
