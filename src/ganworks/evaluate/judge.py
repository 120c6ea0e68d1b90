"""Judging a generator: samples against data, every figure with its interval and its real-against-real floor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ganworks.data.source import Source
from ganworks.errors import UserError, did_you_mean
from ganworks.evaluate.classifier import Classifier
from ganworks.evaluate.conditional import ConditionAccuracy, class_figures, classifier_for
from ganworks.evaluate.features import Extractor, Pixels, Samples, as_tensor
from ganworks.evaluate.figures import Report
from ganworks.evaluate.frechet import Moments, frechet_distance
from ganworks.evaluate.metrics import Exhibit, Metric, default_metrics
from ganworks.seeds import mix

FEATURES = ("auto", "pixels", "classifier", "inception")
DEFAULT_N = 5000
LEAST = 20
TRUSTED = 0.8
"""Share of held-out reals that a classifier must name for its word on samples to be taken without a warning."""
QUICK_LIMIT = 1024


@dataclass(frozen=True)
class Drawn:
    """Samples with the classes that they were asked to be of: uint8 images (n, C, H, W), whole numbers (n,)."""

    samples: Samples
    labels: Samples


Sampler = Callable[[int, int], Samples | Drawn]
"""(n, seed) -> n samples: uint8 images (n, C, H, W), or float points (n, D); ``Drawn`` where they are of classes."""


def evaluate(sampler: Sampler, source: Source, features: str | Extractor = "auto", n: int | None = None, seed: int = 0,
             metrics: Sequence[Metric] | None = None, level: float = 0.95, resamples: int = 30) -> Report:
    """Return the report of ``sampler`` against ``source``.

    The reals are split at random into halves of n; the samples are measured against the first, and so is the
    second half for the floor. All three sets have n samples, since the distances depend on n.

    Samples that come with labels are also judged by a classifier: whether they are what they were asked to be, and
    class by class.

    Args:
        sampler: maps (n, seed) to n samples, or to ``Drawn`` samples with labels.
        features: an extractor or its name. "auto" is the classifier for images with labels, else pixels.
        n: samples of each kind; by default 5,000, or half of the source where that is less.
        metrics: by default those that fit the source and the samples.
        level: probability of the intervals.
        resamples: half-samples for each interval.

    Raises:
        UserError: too few reals or samples, a wrong shape or type, NaN, or features that cannot be had.
    """
    start = time.monotonic()
    reals, labels = _reals(source, n, seed)
    fake, asked = _drawn(sampler(len(reals["real"]), seed), source, len(reals["real"]))
    labels = labels if asked is None else {**labels, "fake": asked}
    extractor = extractor_of(features, source, seed)
    exhibit = Exhibit(source, extractor, {"fake": fake, **reals}, extractor(fake), extractor(reals["real"]),
                      extractor(reals["other"]), level, resamples, seed, labels)
    classifier, told = _classifier(exhibit) if asked is not None and metrics is None else (None, [])
    if metrics is None:
        metrics = [*default_metrics(source), *([ConditionAccuracy(classifier)] if classifier else [])]
    figures = tuple(figure for metric in metrics for figure in metric.figures(exhibit))
    classes = class_figures(exhibit, classifier) if classifier else ()
    facts = {**extractor.facts, **(classifier.facts if classifier else {})}
    return Report(source.name, extractor.name, facts, len(fake), seed, level, figures,
                  (*_warnings(exhibit), *told), time.monotonic() - start, classes)


def extractor_of(features: str | Extractor, source: Source, seed: int = 0) -> Extractor:
    """Return the extractor that ``features`` names, made for ``source``."""
    if isinstance(features, Extractor):
        return features
    labelled = len(source.shape) == 3 and source.classes is not None and len(source.classes) > 1
    name = features if features != "auto" else "classifier" if labelled else "pixels"
    if name == "pixels":
        return Pixels(source.shape)
    if name == "classifier":
        return Classifier.of(source, seed)
    if name == "inception":
        from ganworks.evaluate.inception import Inception

        return Inception.load()
    raise UserError(f"features '{features}'", ", ".join(FEATURES), did_you_mean(features, FEATURES))


def quick_frechet(reference: Samples) -> Callable[[Samples], float]:
    """Return a cheap measure to be used while training: samples -> "FD (pixels)" against ``reference``.

    The reference's statistics are computed here, once. Images of more than 1,024 numbers are averaged down until they
    fit. Good for choosing among checkpoints of one run by samples of equal number; not for publishing.

    Args:
        reference: uint8 images (N, C, H, W) or float points (N, D), N >= 2.
    """
    rows = as_tensor(reference)
    extractor = Pixels(tuple(rows.shape[1:]), QUICK_LIMIT)
    moments = Moments.of(extractor(rows))

    def measure(samples: Samples) -> float:
        return frechet_distance(extractor(samples), moments)

    return measure


def checked(samples: Samples, source: Source, n: int) -> np.ndarray:
    """Return ``samples`` as an array (n, ...) if they are what ``source`` has; raise UserError if not."""
    rows = as_tensor(samples)
    if len(rows) != n or tuple(rows.shape[1:]) != tuple(source.shape):
        raise UserError(f"the sampler returned samples of shape {tuple(rows.shape)}",
                        f"{(n, *source.shape)}, as {source.name} has",
                        "evaluate against the data that the generator was trained on")
    if len(source.shape) == 3 and rows.dtype != torch.uint8:
        raise UserError(f"the sampler returned images of type {rows.dtype}", "uint8, 0 to 255",
                        "map -1 .. 1 to bytes with ganworks.data.source.as_bytes")
    if rows.is_floating_point() and not torch.isfinite(rows).all():
        bad = int((~torch.isfinite(rows)).flatten(1).any(dim=1).sum())
        raise UserError(f"{bad} of {n} samples hold NaN or infinite values", "finite numbers",
                        "the generator has diverged: take an earlier checkpoint")
    return rows.numpy()


def _reals(source: Source, n: int | None, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return two disjoint sets of n real samples each, "real" and "other"; and their labels where there are any."""
    most = len(source) // 2 if len(source) else None
    if n is None:
        n = DEFAULT_N if most is None else min(DEFAULT_N, most)
    if n < LEAST:
        raise UserError(f"{n} samples to measure", f"at least {LEAST}",
                        f"take n >= {LEAST}, from at least {2 * LEAST} real samples")
    if most is not None and n > most:
        raise UserError(f"n = {n} with {len(source)} real samples in {source.name}",
                        f"n <= {most}: the floor needs two disjoint sets of reals", f"take n = {most}")
    batch = source.head(2 * n)
    order = np.random.default_rng(mix("halves", seed)).permutation(len(batch["sample"]))
    halves = {"real": order[:n], "other": order[n : 2 * n]}
    reals, labels = ({half: batch[name].numpy()[rows] for half, rows in halves.items()} if name in batch else {}
                     for name in ("sample", "label"))
    return reals, labels


def _drawn(made: Samples | Drawn, source: Source, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return samples, checked, and the classes that they were asked to be of, or None."""
    if not isinstance(made, Drawn):
        return checked(made, source, n), None
    labels, classes = as_tensor(made.labels).numpy(), len(source.classes or ())
    if labels.shape != (n,) or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"the sampler returned labels of shape {labels.shape} and type {labels.dtype}",
                        f"{n} whole numbers in 0 .. {classes - 1}, classes of {source.name}",
                        "evaluate against the data that the generator was trained on")
    return checked(made.samples, source, n), labels.astype(np.int64)


def _classifier(exhibit: Exhibit) -> tuple[Classifier | None, list[str]]:
    """Return a classifier of the data, None where there can be none; and what is to be said of it."""
    try:
        classifier = classifier_for(exhibit)
    except UserError as error:
        return None, [f"condition accuracy is not measured: {error.problem} (wanted: {error.wanted})"]
    if classifier.accuracy >= TRUSTED:
        return classifier, []
    return classifier, [f"the classifier names only {classifier.accuracy:.0%} of real images that it has not been "
                        "taught: its word on samples says little"]


def _warnings(exhibit: Exhibit) -> list[str]:
    n, width = exhibit.fake.shape
    said = []
    if n <= width:
        said.append(f"{n} samples in {width} dimensions: the covariances are singular and the Frechet distance is "
                    "biased upward; compare it with figures of the same n and with the floor only")
    if n < 500:
        said.append(f"{n} samples are few: look at the intervals")
    distinct = len(np.unique(exhibit.samples["fake"].reshape(n, -1), axis=0)) if n else 0
    if distinct < 0.9 * n:
        said.append(f"only {distinct} of {n} generated samples are distinct")
    return said
