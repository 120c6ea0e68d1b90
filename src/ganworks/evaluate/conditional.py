"""Samples that were asked to be of a class: whether they are, and how good each class is.

**Condition accuracy** is the share of samples whose class, as a classifier of the real data names it, is the one that
was asked for. What real samples would get is the classifier's accuracy on real images that it has not been taught, and
stands beside as the floor. It is no upper end: samples that are more typical than real ones are named more easily, so a
figure above the floor speaks of little variety within the classes (look at their distances), not of a better generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from ganworks.errors import UserError
from ganworks.evaluate.classifier import Classifier
from ganworks.evaluate.figures import ClassFigures, Figure
from ganworks.evaluate.frechet import frechet_distance
from ganworks.evaluate.metrics import Exhibit, Metric, judged

ENOUGH = 2
"""A class has enough samples for a Frechet distance when it has so many times the features' dimension."""


@dataclass(frozen=True)
class ConditionAccuracy(Metric):
    """The share of samples that ``classifier`` names as they were asked to be, with Wilson's interval (1927)."""

    classifier: Classifier

    def figures(self, exhibit: Exhibit) -> list[Figure]:
        wanted = exhibit.labels.get("fake")
        if wanted is None:
            raise UserError("condition accuracy of samples that were not asked to be of a class",
                            "a sampler that returns Drawn(samples, labels)", "leave this metric out")
        right = self.classifier.named(exhibit.samples["fake"]) == wanted
        return [_rate("condition accuracy", int(right.sum()), len(right), self.classifier.accuracy, exhibit.level)]


def class_figures(exhibit: Exhibit, classifier: Classifier) -> tuple[ClassFigures, ...]:
    """Return the figures of each class that samples were asked to be of, the worst accuracy first."""
    wanted, named = exhibit.labels["fake"], classifier.named(exhibit.samples["fake"])
    found = [_of_class(exhibit, classifier, number, named) for number in np.unique(wanted)]
    return tuple(sorted(found, key=lambda one: one.accuracy.value))


def _of_class(exhibit: Exhibit, classifier: Classifier, number: int, named: np.ndarray) -> ClassFigures:
    names = exhibit.source.classes or ()
    named = named[exhibit.labels["fake"] == number]
    counts = np.bincount(named, minlength=len(names))
    right, counts[number] = int(counts[number]), 0
    held_out = int(classifier.held_out[number])
    floor = int(classifier.right[number]) / held_out if held_out else float("nan")
    accuracy = _rate("condition accuracy", right, len(named), floor, exhibit.level)
    confused = int(counts.argmax())
    return ClassFigures(names[number], accuracy, names[confused] if counts[confused] else None,
                        float(counts[confused] / len(named)), _distance(exhibit, number))


def _distance(exhibit: Exhibit, number: int) -> Figure | None:
    sets = [getattr(exhibit, part)[exhibit.labels[part] == number] for part in ("fake", "real", "other")]
    n = min(map(len, sets))  # distances depend on n
    if n < ENOUGH * exhibit.extractor.dim:
        return None
    fake, real, other = (part[:n] for part in sets)
    name = exhibit.extractor.figure("FD", "FID")
    return judged(exhibit, lambda x, y: [frechet_distance(x, y)], [(name, "lower", 0.0, np.inf)], (fake, real),
                  (other, real))[0]


def classifier_for(exhibit: Exhibit) -> Classifier:
    """Return a classifier of the data: the extractor where it is one. UserError where there can be none."""
    extractor = exhibit.extractor
    return extractor if isinstance(extractor, Classifier) else Classifier.of(exhibit.source, exhibit.seed)


def _rate(name: str, right: int, count: int, floor: float, level: float) -> Figure:
    ends = binomtest(right, count).proportion_ci(level, method="wilson")
    return Figure(name, right / count, float(ends.low), float(ends.high), floor, count, "higher")
