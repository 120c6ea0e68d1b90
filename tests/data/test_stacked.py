import numpy as np
import pytest

from ganworks.data.arrays import Images
from ganworks.data.stacked import Stacked
from ganworks.errors import UserError


def numbered(count=30, side=2):
    """Images whose every pixel is their own number."""
    return Images(np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 1, side, side)).copy(),
                  np.arange(count) % 10)


def numbers(batch):
    sample = batch["sample"].numpy()
    assert (sample == sample[:, :, :1, :1]).all()
    return sample[:, :, 0, 0].astype(int)


def test_each_channel_is_a_whole_image_of_the_source():
    stacked = Stacked(numbered())
    assert stacked.shape == (3, 2, 2)
    assert len(stacked) == 0
    assert stacked.classes is None
    batch = stacked.batch(0, 10, seed=1)
    assert list(batch) == ["sample"]
    assert batch["sample"].dtype.is_floating_point is False
    assert numbers(batch).shape == (10, 3)


def test_each_channel_shows_every_image_once_an_epoch():
    stacked = Stacked(numbered())
    for epoch in (0, 1):
        seen = np.concatenate([numbers(stacked.batch(3 * epoch + k, 10, seed=5)) for k in range(3)])
        assert (np.sort(seen, axis=0) == np.arange(30)[:, None]).all()


def test_channels_are_independent():
    # Of two uniform digits, all 100 pairs come up equally often: chi-square with 99 degrees of freedom.
    stacked = Stacked(numbered(100))
    drawn = np.concatenate([numbers(stacked.batch(k, 100, seed=2)) for k in range(100)]) % 10
    for a, b in ((0, 1), (0, 2), (1, 2)):
        counts = np.bincount(10 * drawn[:, a] + drawn[:, b], minlength=100)
        assert ((counts - 100.0) ** 2 / 100).sum() < 160  # the 0.9999 quantile
    assert (drawn[:, 0] == drawn[:, 1]).mean() == pytest.approx(0.1, abs=0.02)


def test_batches_are_functions_of_seed_and_k_and_cut_anyhow():
    first = numbers(Stacked(numbered()).batch(4, 12, seed=3))
    stacked = Stacked(numbered())
    stacked.batch(7, 12, seed=9)
    assert (numbers(stacked.batch(4, 12, seed=3)) == first).all()
    parts = [numbers(stacked.batch(4, 12, 3, slice(i, i + 4))) for i in range(0, 12, 4)]
    assert (np.concatenate(parts) == first).all()
    assert (numbers(stacked.batch(5, 12, seed=3)) != first).any()
    assert (numbers(stacked.batch(4, 12, seed=4)) != first).any()


def test_the_head_is_fixed_and_no_longer_than_the_source():
    stacked = Stacked(numbered(), 2)
    assert (numbers(stacked.head(8)) == numbers(Stacked(numbered(), 2).head(8))).all()
    assert numbers(stacked.head(1000)).shape == (30, 2)


def test_one_sample_is_no_stack():
    with pytest.raises(UserError, match="2 or more"):
        Stacked(numbered(), 1)
