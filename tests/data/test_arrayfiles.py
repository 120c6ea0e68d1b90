import gzip
import struct
import time

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ganworks.data.opening import facts_of, open_source
from ganworks.data.options import DataOptions
from ganworks.errors import UserError


def opened(path, **options):
    return open_source(DataOptions(path=str(path), **options))


def bytes_of(n=700, h=6, w=6, c=None):
    shape = (n, h, w) if c is None else (n, h, w, c)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def write_idx(path, array):
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    with (gzip.open if str(path).endswith(".gz") else open)(path, "wb") as out:
        out.write(head + array.tobytes())


def test_npz_with_labels_and_names(tmp_path):
    images, labels = bytes_of(), np.arange(700) % 3
    np.savez_compressed(tmp_path / "a.npz", images=images, labels=labels, class_names=np.array(["x", "y", "z"]))
    source = opened(tmp_path / "a.npz")
    assert source.shape == (1, 6, 6)
    assert (source.pixels[:, 0] == images).all()
    assert isinstance(source.pixels, np.memmap)
    assert source.classes == ("x", "y", "z")
    assert (source.labels == labels).all()
    facts = facts_of(source)
    assert (facts.count, facts.sizes, facts.classes) == (700, {"6x6": 700}, {"x": 234, "y": 233, "z": 233})


@pytest.mark.parametrize("layout", ["hwc", "chw", "fortran"])
def test_layouts_give_the_same_images(tmp_path, layout):
    images = bytes_of(c=3)
    stored = {"hwc": images, "chw": images.transpose(0, 3, 1, 2), "fortran": np.asfortranarray(images)}[layout]
    np.save(tmp_path / "a.npy", stored)
    assert (opened(tmp_path / "a.npy").pixels == images.transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize(("convert", "said"), [
    (lambda x: x / 255, "taken as 0..1"), (lambda x: (x / 127.5 - 1).astype(np.float32), "taken as -1..1"),
    (lambda x: x.astype(np.float32), "taken as 0..255"), (lambda x: x.astype(np.int64), "taken as 0..255"),
    (lambda x: x.astype(np.uint16) * 257, "taken as 0..65535")])
def test_ranges_are_detected_and_said(tmp_path, convert, said):
    images = bytes_of()
    np.save(tmp_path / "a.npy", convert(images))
    source = opened(tmp_path / "a.npy")
    assert (source.pixels[:, 0] == images).all()
    assert said in facts_of(source).values


def test_black_and_white_becomes_0_and_255(tmp_path):
    np.save(tmp_path / "a.npy", bytes_of() > 127)
    assert set(np.unique(opened(tmp_path / "a.npy").pixels)) == {0, 255}


def test_floats_of_two_dimensions_are_points(tmp_path):
    values = np.random.default_rng(0).normal(size=(900, 5))
    np.savez(tmp_path / "a.npz", x=values, y=np.arange(900) % 2)
    source = opened(tmp_path / "a.npz")
    assert source.shape == (5,)
    assert (np.array(source.values) == values.astype(np.float32)).all()
    assert source.classes == ("0", "1")
    np.save(tmp_path / "line.npy", values[:, 0])
    assert opened(tmp_path / "line.npy").shape == (1,)


@pytest.mark.parametrize("names", [("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
                                   ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
                                   ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"), ("a.idx", "a-labels.idx")])
def test_idx_finds_its_labels(tmp_path, names):
    images, labels = bytes_of(), (np.arange(700) % 10).astype(np.uint8)
    write_idx(tmp_path / names[0], images)
    write_idx(tmp_path / names[1], labels)
    source = opened(tmp_path / names[0])
    assert (source.pixels[:, 0] == images).all()
    assert (source.labels == labels).all()
    with pytest.raises(UserError, match="these are labels"):
        opened(tmp_path / names[1])


def test_digits_are_scikit_learns():
    theirs = load_digits()
    source = opened("digits")
    assert (source.pixels[:, 0] == np.rint(theirs.images * 255 / 16)).all()
    assert (source.labels == theirs.target).all()
    assert source.classes == tuple("0123456789")


def test_digits_are_resized_once_into_the_cache():
    large = opened("digits", size=32)
    assert large.shape == (1, 32, 32)
    small = opened("digits").pixels.reshape(-1, 64).astype(float)
    means = np.array(large.pixels).reshape(-1, 1, 8, 4, 8, 4).mean((1, 3, 5)).reshape(-1, 64)
    assert np.corrcoef(small.ravel(), means.ravel())[0, 1] > 0.97
    assert opened("digits", size=32, channels=3).shape == (3, 32, 32)


def test_a_set_of_60000_starts_fast_once_cached(tmp_path):
    np.savez(tmp_path / "big.npz", images=np.zeros((60_000, 28, 28), np.uint8), labels=np.arange(60_000) % 10)
    opened(tmp_path / "big.npz")
    start = time.perf_counter()
    source = opened(tmp_path / "big.npz")
    source.batch(0, 64, 0)
    assert time.perf_counter() - start < 0.5
    assert isinstance(source.pixels, np.memmap)


def refused(path, match, **options):
    with pytest.raises(UserError, match=match):
        opened(path, **options)


def test_not_finite_is_refused_with_the_place(tmp_path, own_cache):
    values = np.zeros((1500, 4, 4), np.float32)
    values[1203, 1, 2] = np.nan
    np.save(tmp_path / "a.npy", values)
    refused(tmp_path / "a.npy", r"nan at index \(1203, 1, 2\)")
    points = np.zeros((1500, 2))
    points[1101, 1] = -np.inf
    np.save(tmp_path / "b.npy", points)
    refused(tmp_path / "b.npy", r"-inf at index \(1101, 1\)")
    assert not [p for p in own_cache.iterdir() if p.is_dir()], "a refused array left something in the cache"


def test_each_bad_array_has_its_message(tmp_path):
    np.save(tmp_path / "range.npy", np.full((4, 8, 8), 300.0))
    refused(tmp_path / "range.npy", "image values from 300 to 300")
    np.save(tmp_path / "flat.npy", np.zeros((4, 784), np.uint8))
    refused(tmp_path / "flat.npy", "reshape flat images")
    np.save(tmp_path / "axes.npy", np.zeros((4, 8, 8, 2), np.uint8))
    refused(tmp_path / "axes.npy", r"C = 1, 3 or 4")
    np.save(tmp_path / "none.npy", np.zeros((0, 8, 8), np.uint8))
    refused(tmp_path / "none.npy", "no samples")
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    refused(tmp_path / "objects.npy", "an array of numbers")
    np.savez(tmp_path / "names.npz", foo=np.zeros(3), bar=np.zeros(3))
    refused(tmp_path / "names.npz", "arrays foo, bar")
    np.savez(tmp_path / "labels.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.zeros(5, int))
    refused(tmp_path / "labels.npz", r"labels of shape \(5,\) for 4 samples")
    np.save(tmp_path / "points.npy", np.zeros((4, 2)))
    refused(tmp_path / "points.npy", "these options are for images", size=8)


def test_damaged_files_say_so(tmp_path):
    np.save(tmp_path / "a.npy", bytes_of())
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-600])
    refused(tmp_path / "a.npy", "ends at row 683 of 700")
    (tmp_path / "b.npz").write_bytes(whole)
    refused(tmp_path / "b.npz", "damaged or cut short")
    write_idx(tmp_path / "c.idx.gz", bytes_of())
    packed = (tmp_path / "c.idx.gz").read_bytes()
    (tmp_path / "c.idx.gz").write_bytes(packed[: len(packed) // 2])
    refused(tmp_path / "c.idx.gz", "damaged or cut short")
    (tmp_path / "d.idx").write_bytes(b"hello world")
    refused(tmp_path / "d.idx", "not an idx file")
    (tmp_path / "e.npy").write_bytes(b"hello world")
    refused(tmp_path / "e.npy", "damaged or cut short")


def test_what_cannot_be_opened(tmp_path):
    refused("digts", "did you mean 'digits'")
    refused(tmp_path / "nothing.npz", "no such file or folder")
    (tmp_path / "faces.zip").touch()
    refused(tmp_path / "face.zip", "did you mean 'faces.zip'")
    refused(tmp_path / "faces.zip", "an empty file")
    (tmp_path / "a.pdf").write_bytes(b"x")
    refused(tmp_path / "a.pdf", "cannot be read here")
    refused("ring8", "these options are for images", size=32)
