"""Samples beside real data: how alike each other they are, what they leave out, what they copy.

Every figure comes with the same one of real samples that took no part in its reference, so that nothing has to be
known beforehand of what is usual for a kind of data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from ganworks.console import track
from ganworks.errors import UserError
from ganworks.evaluate.features import Pixels, as_tensor
from ganworks.evaluate.prdc import prdc
from ganworks.seeds import mix

LEAST, MOST, WHOLE = 100, 2000, 10_000
FEATURES = 1024
BINS, BIN = 50, 20
"""At most so many groups of the data, and real samples that each should have."""
NEAR = 0.01
"""Two samples are nearly one where they are nearer than this share of real samples is to any other one."""
RARE = 0.2
"""A group is left out where less than this share of what should be there is."""
SURE = 0.01
"""... and where that would come by chance in any of the groups with no more than this probability (Bonferroni)."""
UNEVEN = 0.05
PARTS = 50
"""Principal components in which a classifier looks at samples."""
SHOWN = 8

Near = tuple[np.ndarray, np.ndarray]
"""Distances (n,) and the rows (n,) that lie so far."""
Rows = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Group:
    """A group of similar data.

    Attributes:
        centre: row of the data that stands for it.
        real, fake, other: shares of the reference, of the samples, and of the other real ones that belong to it.
        label: the class that most of it is of, "" where the data has no classes.
        beside: row of the data that stands for the group nearest to it; its own where there is no other one.
    """

    centre: int
    real: float
    fake: float
    other: float
    label: str
    beside: int


@dataclass(frozen=True)
class Exam:
    """Figures of samples, each with that of other real samples ("usual").

    Attributes:
        count: how many samples of each kind were looked at.
        figures: name -> (of the samples, of other real ones).
        groups: of similar data, those first of which the samples leave out most.
        twins: rows of pairs of samples that are nearest to each other, the nearest first, at most 8.
        copied: rows of samples, and of the data that each is nearest to, in that order too.
        classes: of labelled data, those first of which the samples have too few, as a classifier names all of them.
    """

    count: int
    figures: dict[str, tuple[float, float]]
    groups: tuple[Group, ...]
    twins: Rows
    copied: Rows
    classes: tuple[Group, ...] = ()

    @property
    def missing(self) -> tuple[Group, ...]:
        """The groups that are left out: less than a fifth of what should be there, and that not by chance."""
        return left_out(self.groups, self.count)


def exam(fake: np.ndarray, real: np.ndarray, labels: Sequence[str] | None = None, seed: int = 0) -> Exam:
    """Return what samples look like beside real data.

    The real samples are split at random: one half is the reference, the other takes the part of perfect samples.

    - "diversity": typical distance of two samples, as a share of the reference's.
    - "duplicates": share of samples that are nearer to another one than all but 1 % of the reference's are.
    - "precision", "recall", "density", "coverage" as ``evaluate.prdc`` has them.
    - "missing": share of the data that lies in groups which the samples leave out (after Richardson and Weiss 2018,
      section 3: groups by k-means, shares compared by a test of two proportions); "together": share that lies in those
      whose nearest other group is left out as well. A mode falls into several groups, and rough samples, which miss
      the outer ones, miss these one by one.
    - "classes", of data with labels: share of the data whose class is left out, as a classifier of the reference names
      samples and other data (support vectors of principal components, which hardly mind noise in samples).
    - "uneven": share of groups whose share differs from the reference's beyond chance, at 5 %.
    - "copies": share of samples nearer to one of the data than all but 1 % of the data are to their next; "nearer": the
      probability that a sample is nearer to the data than a real one is to the rest of it (after Meehan, Chaudhuri and
      Dasgupta 2020, section 3, with the data left out one by one in place of a test set).
    - "level", "contrast": mean of all values, less the data's and in its standard deviations; ratio of both deviations.
    - "ends", of images: share of all values that are black or white to the last bit.
    - "colour", "exchanged", of images of three channels or more: the largest difference of a channel's mean, and that
      with the first and the third channel exchanged.

    Args:
        fake, real: uint8 images (N, C, H, W), or float points (N, D), of one shape; at least 100 samples and 200 of the
            data. Of more than 2,000 and 4,000, so many are drawn; copies are looked for among 10,000.
        labels: class names of the data, one a row.

    Raises:
        UserError: too few, of different shapes, or not finite.
    """
    _check(fake, real)
    n = min(MOST, len(fake), len(real) // 2)
    random = np.random.default_rng(mix("exam", seed))
    rows, chosen = random.permutation(len(real))[:WHOLE], random.permutation(len(fake))[:n]
    extract = Pixels(tuple(fake.shape[1:]), FEATURES)
    data, made = (np.asarray(extract(x), np.float32) for x in (real[rows], fake[chosen]))
    reference, other = data[:n], data[n : 2 * n]
    pairs = [(data[: 2 * n], data, True), (made, made, True), (made, data, False), (other, other, True)]
    (alone, _), twins, copied, (spare, _) = (
        nearest(*pair) for pair in track(pairs, len(pairs), "samples beside the data", "searches"))
    own = None if labels is None else [labels[row] for row in rows[:n]]
    groups, classes = _groups(reference, made, other, own, seed), _classes(made, reference, other, own)
    of = (_alike(made, reference, twins[0]) | _copied(copied[0], alone[:n]) | _shares(groups, n)
          | _colours(fake[chosen], real[rows[:n]]) | _ends(fake[chosen]) | _left_classes(classes, n))
    swapped, others = ([replace(group, fake=group.other, other=group.fake) for group in parts]
                       for parts in (groups, classes))
    usual = (_alike(other, reference, spare) | _copied(alone[n:], alone[:n])
             | _shares(tuple(swapped), n) | _colours(real[rows[n : 2 * n]], real[rows[:n]])
             | _ends(real[rows[n : 2 * n]]) | _left_classes(tuple(others), n))
    groups, classes = (tuple(replace(group, centre=int(rows[group.centre]), beside=int(rows[group.beside]))
                             for group in parts) for parts in (groups, classes))
    return Exam(n, {name: (of[name], usual[name]) for name in of}, groups, _closest(twins, chosen, chosen),
                _closest(copied, chosen, rows), classes)


def _alike(x: np.ndarray, reference: np.ndarray, apart: np.ndarray) -> dict[str, float]:
    least = np.quantile(nearest(reference, reference, itself=True)[0], NEAR)
    found = prdc(reference, x)
    return {"diversity": spread(x) / max(spread(reference), 1e-12), "duplicates": float((apart <= least).mean()),
            "precision": found.precision, "recall": found.recall, "density": found.density, "coverage": found.coverage,
            "level": float((x.mean() - reference.mean()) / max(reference.std(), 1e-12)),
            "contrast": float(x.std() / max(reference.std(), 1e-12))}


def _copied(near: np.ndarray, alone: np.ndarray) -> dict[str, float]:
    return {"copies": float((near <= np.quantile(alone, NEAR)).mean()), "nearer": lower(near, alone)}


def _colours(images: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    if images.ndim != 4 or images.shape[1] < 3:
        return {}
    mean, wanted = (x[:, :3].mean(axis=(0, 2, 3)) / 255 for x in (images, reference))
    return {"colour": float(abs(mean - wanted).max()), "exchanged": float(abs(mean[::-1] - wanted).max())}


def _classes(made: np.ndarray, reference: np.ndarray, other: np.ndarray, labels: list[str] | None) -> tuple[Group, ...]:
    """Return the classes of the data; shares are of what a classifier names so, "other" of the reference's labels."""
    if labels is None or len(names := np.unique(labels)) < 2:
        return ()
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    parts = () if reference.shape[1] < PARTS else (PCA(PARTS, random_state=0),)
    namer = make_pipeline(*parts, SVC(C=10)).fit(reference, labels)
    # Shares as the classifier names them on both sides: a class that it never names is not left out.
    real, fake = (_shares_of(names, namer.predict(x)) for x in (other, made))
    own = _shares_of(names, np.array(labels))
    rows = [labels.index(name) for name in names]
    found = [Group(row, float(real[k]), float(fake[k]), float(own[k]), str(name), row)
             for k, (row, name) in enumerate(zip(rows, names, strict=True))]
    return tuple(sorted(found, key=lambda group: group.fake - group.real))


def _shares_of(names: np.ndarray, said: np.ndarray) -> np.ndarray:
    return (said[:, None] == names).mean(0)


def _left_classes(classes: tuple[Group, ...], count: int) -> dict[str, float]:
    return {"classes": sum(group.real for group in left_out(classes, count))} if classes else {}


def _ends(images: np.ndarray) -> dict[str, float]:
    return {"ends": float(((images == 0) | (images == 255)).mean())} if images.ndim == 4 else {}


def _shares(groups: tuple[Group, ...], count: int) -> dict[str, float]:
    lost = left_out(groups, count)
    centres = {group.centre for group in lost}
    return {"missing": sum(group.real for group in lost),
            "together": sum(group.real for group in lost if group.beside != group.centre and group.beside in centres),
            "uneven": float(np.mean([difference(group, count) < UNEVEN for group in groups]))}


def _groups(reference: np.ndarray, made: np.ndarray, other: np.ndarray, labels: Sequence[str] | None,
            seed: int) -> tuple[Group, ...]:
    from sklearn.cluster import KMeans

    bins = min(BINS, len(reference) // BIN, len(np.unique(reference, axis=0)))
    means = KMeans(bins, n_init=1, random_state=seed).fit(reference)
    members = [means.predict(x) for x in (reference, made, other)]
    apart, found = means.transform(reference), []
    centres = apart.argmin(axis=0)
    beside = nearest(means.cluster_centers_, means.cluster_centers_, itself=True)[1] if bins > 1 else [0]
    for k in range(bins):
        names = Counter(label for label, group in zip(labels or (), members[0], strict=False) if group == k)
        real, fake, rest = (float((of == k).mean()) for of in members)
        label = names.most_common(1)[0][0] if names else ""
        found.append(Group(int(centres[k]), real, fake, rest, label, int(centres[beside[k]])))
    return tuple(sorted(found, key=lambda group: group.fake - group.real))


def _closest(near: Near, rows: np.ndarray, among: np.ndarray) -> Rows:
    found: list[tuple[int, int]] = []
    for row in near[0].argsort(kind="stable"):
        pair = int(rows[row]), int(among[near[1][row]])
        if among is not rows or pair[::-1] not in found:
            found.append(pair)
        if len(found) == SHOWN:
            break
    return tuple(found)


def spread(x: np.ndarray) -> float:
    """Return the root of the mean squared distance of two different rows: it takes no pairs, only the variance."""
    return float(np.sqrt(2 * x.var(axis=0, ddof=1, dtype=np.float64).sum()))


def nearest(x: np.ndarray, among: np.ndarray, itself: bool = False) -> Near:
    """Return how far the nearest row of ``among`` is from each row of ``x``, and which it is.

    Args:
        itself: the rows of ``x`` are the first ones of ``among``, and do not count as their own neighbours.
    """
    from sklearn.neighbors import NearestNeighbors

    far, rows = NearestNeighbors(n_neighbors=1 + itself).fit(among).kneighbors(x)
    if itself:  # of several rows in one place, any may come first
        place = np.arange(len(x))
        column = (rows[:, 0] == place).astype(int)
        return far[:, 1], rows[place, column]
    return far[:, 0], rows[:, 0]


def lower(a: np.ndarray, b: np.ndarray) -> float:
    """Return P(a < b) + P(a = b) / 2 for independent draws of both."""
    place = np.sort(b)
    below = np.searchsorted(place, a, side="left"), np.searchsorted(place, a, side="right")
    return float(1 - (below[0] + below[1]).mean() / 2 / len(b))


def left_out(groups: tuple[Group, ...], count: int, rare: float = RARE) -> tuple[Group, ...]:
    """Return the groups to which hardly any of ``count`` samples belong: less than ``rare`` of what should be there."""
    sure = SURE / max(len(groups), 1)
    return tuple(group for group in groups if group.fake < rare * group.real and difference(group, count) / 2 < sure)


def difference(group: Group, count: int) -> float:
    """Return the two-sided p-value of equal shares of two samples of ``count`` (pooled z-test)."""
    pooled = (group.real + group.fake) / 2
    error = np.sqrt(2 * pooled * (1 - pooled) / count)
    return float(2 * norm.sf(abs(group.real - group.fake) / error)) if error else 1.0


def _check(fake: np.ndarray, real: np.ndarray) -> None:
    if fake.shape[1:] != real.shape[1:]:
        raise UserError(f"samples of shape {fake.shape[1:]} beside data of shape {real.shape[1:]}", "one shape")
    if len(fake) < LEAST or len(real) < 2 * LEAST:
        raise UserError(f"{len(fake)} samples beside {len(real)} of the data", f"at least {LEAST} samples, and "
                        f"{2 * LEAST} of the data: fewer cannot tell what is missing from chance")
    for name, x in (("samples", fake), ("data", real)):
        if not np.isfinite(as_tensor(x).numpy()).all():
            raise UserError(f"{name} that hold NaN or infinite values", "finite numbers")
