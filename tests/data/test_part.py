"""What is held out is never drawn, and all else is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganworks.data import Images, open_source
from ganworks.data.options import checked
from ganworks.data.part import Part
from ganworks.errors import UserError

PIXELS = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 8, 8), np.uint8)
WHOLE = Images(PIXELS, np.arange(40) % 4, flip=True)


def seen(batch) -> set[int]:
    return {int(image[0, 0, 0]) for image in batch["sample"]}


def test_the_two_parts_are_the_whole() -> None:
    part = Part(WHOLE, 0.25)
    held = seen(part.unseen(100))
    assert (len(part), len(held)) == (30, 10)
    drawn = set().union(*(seen(part.batch(k, 10, 3)) for k in range(3)))  # an epoch
    assert drawn == set(range(40)) - held
    assert seen(part.head(100)) == seen(part.trained(100)) == drawn
    assert seen(Part(WHOLE, 0.25).unseen(100)) == held
    assert len(seen(part.unseen(4)) & held) == 4


def test_a_sample_keeps_its_label_and_the_classes_their_law() -> None:
    part = Part(WHOLE, 0.1)
    batch = part.batch(0, 20, 0)
    assert torch.equal(batch["label"], batch["sample"][:, 0, 0, 0].long() % 4)
    assert (part.shape, part.classes, part.random) == (WHOLE.shape, WHOLE.classes, True)
    assert torch.bincount(part.conditions.draw("label", 1000, 0), minlength=4).min() > 150


def test_it_is_asked_for_by_an_option() -> None:
    assert len(open_source(checked(path="digits", held_out=0.2))) == 1797 - 359
    assert open_source(checked(path="digits")).unseen(5) is None


def test_what_cannot_be_held_out_is_refused() -> None:
    with pytest.raises(UserError, match="no sample comes twice"):
        open_source(checked(path="ring8", held_out=0.1))
    with pytest.raises(UserError, match="leaves some"):
        Part(Images(PIXELS[:2]), 0.9)
    with pytest.raises(UserError, match="--held-out"):
        checked(path="digits", held_out=1.0)
