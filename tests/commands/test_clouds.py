"""Clouds of points from files as users have them."""

from __future__ import annotations

import numpy as np
import pytest

from ganworks.commands.clouds import read_cloud
from ganworks.errors import UserError


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "x,y\n1,2\n3,4\n", "\ufeffx;y\n1;2\n3;4\n", "1 2\n3 4\n"],
                         ids=["plain", "header", "semicolons with a mark", "spaces"])
def test_tables(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    cloud = read_cloud(str(tmp_path / "a.csv"))
    np.testing.assert_array_equal(cloud.points, [[1, 2], [3, 4]])
    assert cloud.weights is None


def test_a_column_of_weights_is_no_coordinate(tmp_path):
    (tmp_path / "a.csv").write_text("x,weight\n1,0.25\n3,0.75\n")
    cloud = read_cloud(str(tmp_path / "a.csv"))
    np.testing.assert_array_equal(cloud.points, [[1], [3]])
    np.testing.assert_array_equal(cloud.weights, [0.25, 0.75])


def test_arrays(tmp_path):
    images = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    np.save(tmp_path / "a.npy", images)
    np.testing.assert_array_equal(read_cloud(str(tmp_path / "a.npy")).points, images.reshape(2, 4))
    np.savez(tmp_path / "a.npz", x=images, labels=np.zeros(2), weights=np.array([1.0, 3.0]))
    np.testing.assert_array_equal(read_cloud(str(tmp_path / "a.npz")).weights, [1, 3])


@pytest.mark.parametrize(("name", "write", "said"), [
    ("none.csv", lambda p: None, "no file"),
    ("a.jpg", lambda p: p.write_bytes(b"x"), "a file of samples"),
    ("a.csv", lambda p: p.write_text("x,y\n1,red\n"), "red"),
    ("a.csv", lambda p: p.write_text("1,2\nnan,4\n"), "1 of 2 samples hold nan or inf, the first is number 2"),
    ("a.npy", lambda p: np.save(p, np.zeros((0, 2))), "no samples"),
    ("a.npy", lambda p: np.save(p, np.array(["a"])), "an array of"),
    ("a.npz", lambda p: np.savez(p, one=np.zeros(2), two=np.zeros(2)), "arrays one, two"),
    ("a.npy", lambda p: np.save(p, np.array([{}], dtype=object), allow_pickle=True), "no arrays of numbers"),
    ("a.npz", lambda p: p.write_bytes(b"hello"), "no arrays of numbers"),
    ("a.npz", lambda p: p.write_bytes(b"PK\x03\x04hello"), "zip"),
    ("a.npy", lambda p: p.write_bytes(b""), "a.npy"),
    ("a.csv", lambda p: p.write_text(""), "no samples"),
    ("a.csv", lambda p: p.write_text("x,y\n"), "no samples"),
    ("a.csv", lambda p: p.write_text("1,2\n3\n"), "columns changed from 2 to 1 at row 2\n"),
], ids=["missing", "ending", "words", "nan", "empty", "strings", "which", "pickle", "no npz", "torn npz", "no npy",
        "nothing", "header alone", "ragged"])
@pytest.mark.filterwarnings("error")
def test_what_is_no_cloud_is_said(tmp_path, name, write, said):
    write(tmp_path / name)
    with pytest.raises(UserError) as caught:
        read_cloud(str(tmp_path / name))
    assert said in str(caught.value)
