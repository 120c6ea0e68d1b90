"""The metrics that an evaluation is made of: each turns samples and features into figures with intervals and floors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Literal

import numpy as np
from scipy.stats import norm

from ganworks.data.source import Source
from ganworks.data.toys import Mixture, Toy
from ganworks.errors import UserError
from ganworks.evaluate.bootstrap import intervals
from ganworks.evaluate.features import Extractor
from ganworks.evaluate.figures import Figure
from ganworks.evaluate.frechet import frechet_distance
from ganworks.evaluate.kid import kernel_distance
from ganworks.evaluate.modes import ModeFigures, mode_figures, transport_distance
from ganworks.evaluate.prdc import prdc

Better = Literal["lower", "higher"]
Values = Callable[..., Sequence[float]]


@dataclass(frozen=True)
class Exhibit:
    """What a metric may look at. ``fake``, ``real`` and ``other`` (reals that are kept for the floor) have n rows each.

    Attributes:
        samples: the three as samples, by name ("fake", "real", "other").
        fake, real, other: their features (n, d).
        labels: classes int64 (n,) of "real" and "other" where the source has some, and of "fake" the classes that they
            were asked to be of, where they were.
    """

    source: Source
    extractor: Extractor
    samples: dict[str, np.ndarray]
    fake: np.ndarray
    real: np.ndarray
    other: np.ndarray
    level: float = 0.95
    resamples: int = 30
    seed: int = 0
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)


class Metric(ABC):
    """One thing to measure: give an instance to ``evaluate(metrics=[...])``."""

    @abstractmethod
    def figures(self, exhibit: Exhibit) -> list[Figure]:
        """Return the figures of ``exhibit.fake`` against ``exhibit.real``, with floors from ``exhibit.other``."""


class Frechet(Metric):
    """The Frechet distance; "FID" on Inception features and "FD (...)" on all others."""

    def figures(self, exhibit: Exhibit) -> list[Figure]:
        name = exhibit.extractor.figure("FD", "FID")
        return judged(exhibit, lambda fake, real: [frechet_distance(fake, real)], [(name, "lower", 0.0, np.inf)],
                      (exhibit.fake, exhibit.real), (exhibit.other, exhibit.real))


class Kernel(Metric):
    """The kernel distance; "KID" on Inception features and "KD (...)" on all others. Its interval may reach below 0."""

    def figures(self, exhibit: Exhibit) -> list[Figure]:
        found, floor = kernel_distance(exhibit.fake, exhibit.real), kernel_distance(exhibit.other, exhibit.real)
        reach = float(norm.ppf((1 + exhibit.level) / 2)) * found.error
        return [Figure(exhibit.extractor.figure("KD", "KID"), found.value, found.value - reach, found.value + reach,
                       floor.value, len(exhibit.fake), "lower")]


@dataclass(frozen=True)
class Neighbours(Metric):
    """Precision, recall, density and coverage with ``k`` neighbours."""

    k: int = 5

    def figures(self, exhibit: Exhibit) -> list[Figure]:
        kinds = [(exhibit.extractor.figure(name), "higher", 0.0, most)
                 for name, most in (("precision", 1.0), ("recall", 1.0), ("density", np.inf), ("coverage", 1.0))]
        return judged(exhibit, lambda fake, real: astuple(prdc(real, fake, self.k)), kinds,
                      (exhibit.fake, exhibit.real), (exhibit.other, exhibit.real))


class Modes(Metric):
    """Modes found, share of high-quality samples and KL of the mode histogram, for a mixture with known modes."""

    def figures(self, exhibit: Exhibit) -> list[Figure]:
        source = exhibit.source
        if not isinstance(source, Mixture):
            raise UserError(f"mode figures for {source.name}", "a mixture with known modes", "leave this metric out")

        def values(points: np.ndarray) -> ModeFigures:
            return mode_figures(points, source.modes, source.sd, source.weights)

        fake, other = exhibit.samples["fake"], exhibit.samples["other"]
        found = Figure(f"modes found of {len(source.modes)}", values(fake).found, None, None, values(other).found,
                       len(fake), "higher")
        return [found, *judged(exhibit, lambda points: (values(points).high_quality, values(points).kl),
                               [("high quality", "higher", 0.0, 1.0), ("mode KL", "lower", 0.0, np.inf)],
                               (fake,), (other,))]


@dataclass(frozen=True)
class Transport(Metric):
    """Wasserstein-1 to fresh samples (``most`` of each, coupled exactly) and the mean log density, for any toy.

    Neither is enough alone: samples heaped on the highest peak have a high density, and a far cost.
    """

    most: int = 1000

    def figures(self, exhibit: Exhibit) -> list[Figure]:
        source = exhibit.source
        if not isinstance(source, Toy):
            raise UserError(f"a log density of {source.name}", "a toy with a known density", "leave this metric out")
        fake, real, other = (exhibit.samples[key] for key in ("fake", "real", "other"))
        cut = slice(self.most)
        return [*judged(exhibit, lambda x, y: [transport_distance(x, y)], [("W1", "lower", 0.0, np.inf)],
                        (fake[cut], real[cut]), (other[cut], real[cut])),
                *judged(exhibit, lambda x: [float(source.log_density(x).mean())],
                        [("mean log density", "higher", -np.inf, np.inf)], (fake,), (other,))]


def default_metrics(source: Source) -> list[Metric]:
    """Return the metrics for a kind of source: those that know the density first."""
    if isinstance(source, Mixture):
        return [Modes(), Transport(), Frechet(), Neighbours()]
    if isinstance(source, Toy):
        return [Transport(), Frechet(), Neighbours()]
    return [Frechet(), Kernel(), Neighbours()]


def judged(exhibit: Exhibit, values: Values, kinds: Sequence[tuple[str, str, float, float]],
           sets: tuple[np.ndarray, ...], floor_sets: tuple[np.ndarray, ...]) -> list[Figure]:
    """Return a figure for each of ``kinds``: (name, which way is better, least and greatest possible value)."""
    found = intervals(values, sets, exhibit.level, exhibit.resamples, exhibit.seed, f"intervals of {kinds[0][0]}")
    floors = values(*floor_sets)
    return [Figure(name, one.value, max(least, one.low), min(most, one.high), float(floor), len(sets[0]),
                   "lower" if better == "lower" else "higher")
            for one, floor, (name, better, least, most) in zip(found, floors, kinds, strict=True)]
