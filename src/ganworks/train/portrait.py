"""Pictures of what a trainer's generator makes: a row for each class where it is told classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from ganworks.data.conditions import evenly
from ganworks.data.pictures import Reference, beside, grid, labelled, scatter
from ganworks.train.sampling import across, panels
from ganworks.train.trainer import Trainer

IMAGES, POINTS, COLUMNS = 64, 2000, 8
MOST_ROWS = 24
"""Classes in a picture that asks for all of them; of more, evenly spread ones are shown."""


@dataclass(frozen=True)
class Told:
    """Conditions with their names.

    Attributes:
        values: labels int64 (R,) or vectors float32 (R, k).
        names: R of them.
    """

    values: Tensor
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def spread(self, count: int) -> Tensor:
        """Return ``count`` conditions, as many of each as there can be, the first ones first."""
        return self.values[torch.arange(count) * len(self) // count]


def classes_of(trainer: Trainer) -> Told | None:
    """Return the classes that a trainer's samples can be made on; None where its game is told no classes."""
    names = trainer.source.classes
    if trainer.game.condition != "label" or not names:
        return None
    return Told(torch.arange(len(names)), tuple(names))


def shown(told: Told) -> Told:
    """Return at most MOST_ROWS of the conditions, evenly spread."""
    rows = evenly(len(told), MOST_ROWS)
    return Told(told.values[rows], tuple(told.names[row] for row in rows))


def portrait_count(trainer: Trainer, count: int | None = None, told: Told | None = None, rows: bool = True) -> int:
    """Return how many samples are shown where ``count`` are wanted.

    Args:
        rows: conditions make full rows, as in ``portrait``.
    """
    if len(trainer.source.shape) == 1:
        return count or POINTS
    told = told or _all(trainer)
    if not rows or told is None or len(told) == 1:
        return count or IMAGES
    return len(told) * _columns(count, len(told))


def portrait(trainer: Trainer, count: int | None = None, seed: int = 0, averaged: bool = True, told: Told | None = None,
             reference: Reference = None) -> Image.Image:
    """Return a picture of a trainer's samples: a grid of images, or a plot of points. Translations have a column each.

    Several conditions make a row each, of as many images as ``count`` needs; a row is made with the random numbers of
    the others. By default they are the classes, where the game is told classes.

    Args:
        count: of samples; by default 64 images, or 2,000 points.
        told: what to make them on.
        reference: what points are drawn with.
    """
    told = told or _all(trainer)
    if len(trainer.source.shape) == 1:
        return _plot(trainer, count or POINTS, seed, averaged, told, reference)
    if trainer.game.needs:
        return beside(panels(trainer.game, trainer.players(averaged), trainer.given(), count or COLUMNS, seed))
    if told is None or len(told) == 1:
        count = count or IMAGES
        return grid(trainer.samples(count, seed, averaged, None if told is None else told.spread(count)))
    images = across(trainer.game, trainer.players(averaged), trainer.given(), told.values,
                    _columns(count, len(told)), seed)
    return labelled(images, told.names)


def _all(trainer: Trainer) -> Told | None:
    classes = classes_of(trainer)
    return classes if classes is None or len(trainer.source.shape) == 1 else shown(classes)


def _columns(count: int | None, rows: int) -> int:
    return -(-count // rows) if count else min(16, max(8, IMAGES // rows))


def _plot(trainer: Trainer, count: int, seed: int, averaged: bool, told: Told | None,
          reference: Reference) -> Image.Image:
    conditions = None if told is None else told.spread(count)
    samples = trainer.samples(count, seed, averaged, conditions)
    if told is None or len(told) == 1:
        return scatter(samples, reference)
    which = torch.arange(count) * len(told) // count
    groups: Sequence[tuple[str, Tensor]] = [(name, samples[which == row]) for row, name in enumerate(told.names)]
    return scatter(groups, reference)
