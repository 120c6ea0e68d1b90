import numpy as np
import pytest
import torch

from ganworks.data.arrays import Images, Points
from ganworks.errors import UserError


def numbered(n=20, **options):
    """Images whose every pixel tells which image and which column it is."""
    pixels = np.arange(n, dtype=np.uint8)[:, None, None, None] * 8 + np.arange(4, dtype=np.uint8)
    return Images(np.broadcast_to(pixels, (n, 3, 4, 4)).copy(), **options)


def which(batch):
    return (batch["sample"][:, 0, 0, :].min(dim=1).values // 8).tolist()


def test_an_epoch_uses_each_sample_once():
    source = numbered(20)
    seen = [i for k in range(4) for i in which(source.batch(k, 5, seed=3))]
    assert sorted(seen) == list(range(20))
    again = [i for k in range(4, 8) for i in which(source.batch(k, 5, seed=3))]
    assert sorted(again) == list(range(20))
    assert again != seen


def test_batches_are_functions_of_seed_and_k_and_shards_join():
    one, two = numbered(20, flip=True), numbered(20, flip=True)
    for k in (7, 0, 3):  # in any order, from any instance, across the end of an epoch
        whole = one.batch(k, 8, seed=1)["sample"]
        parts = [two.batch(k, 8, 1, slice(i, i + 2))["sample"] for i in range(0, 8, 2)]
        assert torch.equal(torch.cat(parts), whole)
    plain = numbered(20)  # without flips: the order itself must depend on the seed
    assert which(plain.batch(0, 8, 1)) != which(plain.batch(0, 8, 2))


def test_flip_mirrors_about_half_and_keeps_the_pixels():
    source = numbered(20, flip=True)
    mirrored = 0
    for k in range(100):
        batch = source.batch(k, 20, seed=0)["sample"]
        steps = batch[:, 0, 0, 1].int() - batch[:, 0, 0, 0].int()
        assert set(steps.tolist()) <= {1, -1}
        mirrored += int((steps < 0).sum())
    assert abs(mirrored - 1000) < 4 * np.sqrt(500)
    assert torch.equal(source.head(20)["sample"], numbered(20).head(20)["sample"])


def test_labels_and_names():
    source = Images(np.zeros((4, 1, 2, 2), np.uint8), labels=np.array([7, 3, 7, 9]))
    assert source.classes == ("3", "7", "9")
    assert source.head(4)["label"].tolist() == [1, 0, 1, 2]
    assert source.head(4)["label"].dtype == torch.int64
    named = Points(np.zeros((2, 3), np.float32), np.array([1, 0]), ["a", "b"])
    assert named.classes == ("a", "b")
    assert named.batch(0, 2, 0)["sample"].shape == (2, 3)


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.array([0.5, 1, 1, 1]), np.zeros((4, 2), int)])
def test_refuses_labels_that_do_not_fit(labels):
    with pytest.raises(UserError, match="labels"):
        Images(np.zeros((4, 1, 2, 2), np.uint8), labels=labels)


def test_missing_labels_are_told_as_such():
    with pytest.raises(UserError, match=r"2 of 5 labels are no numbers, the first at index 1: nan") as caught:
        Images(np.zeros((5, 1, 2, 2), np.uint8), np.array([0, np.nan, 1, np.inf, 1]))
    assert "without a label" in caught.value.remedy


@pytest.mark.parametrize(("labels", "said"), [
    (["a", "", "b", " "], "2 of 4 labels are '', the first at index 1"),
    ([0, 1, -1, 1], "1 of 4 labels are '-1', the first at index 2")])
def test_labels_that_stand_for_none_are_told_as_such(labels, said):
    with pytest.raises(UserError, match=said) as caught:
        Images(np.zeros((4, 1, 2, 2), np.uint8), np.array(labels))
    assert "leave out the samples" in caught.value.remedy


def test_classes_may_be_numbers_of_any_sign():
    for labels, classes in (([-1, 1, 1, -1], ("-1", "1")), ([-2, -1, 0, 1], ("-2", "-1", "0", "1"))):
        assert Images(np.zeros((4, 1, 2, 2), np.uint8), np.array(labels)).classes == classes


def test_refuses_what_is_no_image_array_and_too_few_samples():
    with pytest.raises(UserError, match=r"uint8 \(N, C, H, W\)"):
        Images(np.zeros((4, 2, 2), np.uint8))
    with pytest.raises(UserError, match="float32"):
        Points(np.zeros((4, 2)))
    with pytest.raises(UserError, match="fewer than a batch of 8"):
        numbered(4).batch(0, 8, 0)
    with pytest.raises(UserError, match=r"labels 0 to 2 with 2 class names[\s\S]*name all classes"):
        Images(np.zeros((2, 1, 2, 2), np.uint8), np.array([0, 2]), ["a", "b"])


def test_taking_from_the_source_leaves_its_array_alone():
    source = numbered(4)
    source.batch(0, 4, 0)["sample"].zero_()
    assert source.pixels.any()
