"""Which of a run's checkpoints is the best, by critics trained afresh on data that took no part in the training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from ganworks.console import track
from ganworks.data.source import Source
from ganworks.errors import UserError
from ganworks.evaluate.bootstrap import intervals
from ganworks.evaluate.features import Pixels
from ganworks.evaluate.frechet import frechet_distance
from ganworks.evaluate.modes import transport_distance
from ganworks.measure.estimate import Estimate, estimate, gap
from ganworks.seeds import mix

COUNT, LEAST = 2000, 100
"""Samples and real ones that are compared, and the fewest that tell anything."""
PIXELS, FEWER = 1024, 256
"""Numbers to which an image is averaged down: before its components are taken, and for the Frechet distance."""
COMPONENTS = 32
RESAMPLES = 20
COUPLED = 1000
OBJECTIVE = "js"
CRITICS: Mapping[str, Any] = {"folds": 5, "seeds": 1, "hidden": (32, 32), "steps": 300}
"""Half the steps, half the width and half the critics of ``measure.estimate``'s own: a fifth of its time."""

Draw = Callable[[int], np.ndarray]
"""n -> samples (n, ...), row i from the i-th latents, the same ones for every checkpoint."""


@dataclass(frozen=True)
class Span:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Placed:
    """How one checkpoint stands.

    Attributes:
        step: of the checkpoint.
        bound: lower bound of the Jensen-Shannon divergence, in nats.
        distance: Frechet distance of pixels, or W1 of points.
        behind: how much larger its bound is than that of the best one, by a paired comparison.
    """

    step: int
    bound: Span
    distance: Span
    behind: Span


@dataclass(frozen=True)
class Ranking:
    """A run's checkpoints, compared.

    Attributes:
        best: step of the one to take.
        placed: all that could be judged, in order of step.
        ceiling: the bound of samples that are never taken for real ones.
        distance: what the other measure is called; floor: what other real samples have of it.
        unseen: whether the real samples were kept out of the training, or are drawn afresh.
        count: samples of each checkpoint; reals: real ones.
        lacking: a line for each checkpoint that could not be judged.
    """

    best: int
    placed: tuple[Placed, ...]
    ceiling: float
    distance: str
    floor: float
    unseen: bool
    count: int
    reals: int
    lacking: tuple[str, ...] = ()

    @property
    def data(self) -> str:
        """What the samples were compared with, in words."""
        kind = "that were not trained on" if self.unseen else "of those that are trained on"
        return f"{self.reals:,} real ones {kind}"

    def sentences(self) -> tuple[str, ...]:
        """Return what follows, a sentence each: which is best, and how the others differ from it."""
        best = next(one for one in self.placed if one.step == self.best)
        others = [one for one in self.placed if one is not best]
        found = [f"The best checkpoint is that of step {self.best:,}."]
        worse, like = ([one for one in others if (one.behind.low > 0) is is_worse] for is_worse in (True, False))
        if like:
            found.append(f"Critics find no difference beyond noise between it and {_steps(like)}: of these it has the "
                         f"smallest {self.distance}.")
        if worse:
            found.append(f"Worse beyond noise: {_steps(worse)}.")
        if best.bound.value > 0.9 * self.ceiling:
            found.append("All are told from real ones nearly without a mistake, so that bounds say little here.")
        return (*found, *self.lacking)

    def to_json(self) -> dict[str, Any]:
        """Return the ranking as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Ranking:
        """Return what ``to_json`` wrote; raises LookupError, TypeError or ValueError where it is no ranking."""
        placed = tuple(Placed(one["step"], *(Span(**one[name]) for name in ("bound", "distance", "behind")))
                       for one in facts["placed"])
        return cls(**{**facts, "placed": placed, "lacking": tuple(facts["lacking"])})


def ranked_checkpoints(draws: Mapping[int, Draw], source: Source, count: int = COUNT, seed: int = 0) -> Ranking:
    """Return which checkpoint of a run is the best, and which ones differ from it beyond noise.

    Each is compared with the same real samples, by samples from the same latents, in two ways:

    - five critics, trained afresh and judged on what they have not seen, give a lower bound on the Jensen-Shannon
      divergence (``measure.estimate``). To be affordable they are half as wide and learn half as long as there, and
      see of images 32 principal components of the data and what lies outside these: what they cannot tell apart,
      better critics might.
    - the Frechet distance of images of at most 256 numbers, or the Wasserstein-1 distance of points.

    The best is the one with the smallest bound; of those that differ from that one by less than noise (95 % interval of
    the paired difference), the one with the smallest distance. A bound by small critics does not see everything, and
    where samples are poor it is at its ceiling for all of them; the distance sees other things, and has no ceiling.
    Going by the smallest of several noisy figures flatters it, so the figures of the best are a little too good.

    The real samples are those which the source keeps out of the training (``Source.unseen``), where there are 100 of
    them; else half of those that it trains on, and then a generator that copies them is not found out. Components are
    taken from others than those that are compared with, or critics could know these by how well they fit.

    Args:
        draws: from a checkpoint's step to what draws its samples: uint8 images (n, C, H, W) or points (n, D).
        count: samples of each checkpoint, and real ones at most.

    Raises:
        UserError: fewer than two checkpoints that can be judged; fewer than 100 samples or real ones.
    """
    if count < LEAST:
        raise UserError(f"{count} samples to compare checkpoints by", f"at least {LEAST}")
    real, rest, unseen = _reals(source, count, seed)
    look = _look(rest)
    shown, found, lacking = look(real), {}, []
    for step, draw in track(draws.items(), len(draws), "checkpoints", "checkpoint"):
        try:
            made = draw(count)
            found[step] = (estimate(OBJECTIVE, shown, look(made), seed=seed, **CRITICS), _distance(made, real, seed))
        except UserError as error:
            lacking.append(f"Step {step:,} could not be judged: {error.problem}.")
    if len(found) < 2:
        raise UserError(" ".join([f"{len(found)} checkpoint{'s' * (len(found) != 1)} to choose from", *lacking]),
                        "two or more")
    best = _best(found, seed)
    placed = tuple(Placed(step, Span(bound.value, *bound.interval), distance,
                          _gap(bound, found[best][0], seed)) for step, (bound, distance) in sorted(found.items()))
    floor = _distance(rest[:count], real, seed).value
    return Ranking(best, placed, found[best][0].ceiling, _name(source.shape), floor, unseen, count, len(real),
                   tuple(lacking))


def _best(found: Mapping[int, tuple[Estimate, Span]], seed: int) -> int:
    least = min(found, key=lambda step: found[step][0].value)
    alike = [step for step in found if _gap(found[step][0], found[least][0], seed).low <= 0]
    return min(alike, key=lambda step: found[step][1].value)


def _gap(one: Estimate, other: Estimate, seed: int) -> Span:
    if one is other:
        return Span(0.0, 0.0, 0.0)
    found = gap(one, other, OBJECTIVE, folds=CRITICS["folds"], seed=seed)
    return Span(found.value, *found.interval)


def _reals(source: Source, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the real samples to compare with, other real ones, and whether the former are not trained on."""
    unseen = source.unseen(count)
    if unseen is not None and len(unseen["sample"]) >= LEAST:
        return unseen["sample"].numpy(), source.trained(count)["sample"].numpy(), True
    whole = source.trained(2 * count)["sample"].numpy()
    if len(whole) < 2 * LEAST:
        raise UserError(f"{len(whole)} of the data to compare checkpoints with", f"at least {2 * LEAST}")
    order = np.random.default_rng(mix("checkpoints", seed)).permutation(len(whole))
    return whole[order[: len(whole) // 2]], whole[order[len(whole) // 2 :]], False


def _look(rest: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what critics see of samples: points as they are; of images, components and the length of what is left.

    Components are the directions in which ``rest`` varies most, at most one for every ten of it.
    """
    extract = Pixels(tuple(rest.shape[1:]), PIXELS)
    if rest.ndim == 2 and rest.shape[1] <= COMPONENTS:
        return extract
    data = np.asarray(extract(rest), np.float64)
    mean = data.mean(axis=0)
    kept = min(COMPONENTS, len(data) // 10)
    axes = torch.linalg.svd(torch.from_numpy(data - mean), full_matrices=False).Vh[:kept].T.numpy()

    def look(samples: np.ndarray) -> np.ndarray:
        centred = np.asarray(extract(samples), np.float64) - mean
        along = centred @ axes
        left = np.linalg.norm(centred - along @ axes.T, axis=1, keepdims=True)
        return np.concatenate([along, left], axis=1)

    return look


def _distance(made: np.ndarray, real: np.ndarray, seed: int) -> Span:
    if real.ndim == 2:
        found = intervals(transport_distance, (made[:COUPLED], real[:COUPLED]), resamples=RESAMPLES, seed=seed)[0]
    else:
        extract = Pixels(tuple(real.shape[1:]), FEWER)
        found = intervals(frechet_distance, (extract(made), extract(real)), resamples=RESAMPLES, seed=seed)[0]
    return Span(found.value, found.low, found.high)


def _name(shape: tuple[int, ...]) -> str:
    return "W1" if len(shape) == 1 else f"FD ({Pixels(shape, FEWER).name})"


def _steps(placed: list[Placed]) -> str:
    *most, last = [f"{one.step:,}" for one in placed]
    return f"steps {', '.join(most)} and {last}" if most else f"step {last}"
