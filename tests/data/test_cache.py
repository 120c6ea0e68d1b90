import errno
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from ganworks.data.cache import Writer, cached
from ganworks.data.facts import Facts
from ganworks.data.opening import facts_of, open_source
from ganworks.data.options import DataOptions
from ganworks.errors import UserError


def pictures(folder, count=4, value=0):
    folder.mkdir(exist_ok=True)
    for i in range(count):
        Image.new("L", (8, 8), value + i).save(folder / f"{i}.png")


def opened(folder, **options):
    return open_source(DataOptions(path=str(folder), **options))


def entries(own_cache):
    return sorted(p.name for p in own_cache.iterdir() if p.is_dir())


def build_of(values):
    def build(writer):
        writer.add(np.asarray(values, np.float32)[:, None])
        return Facts("test", "here", len(values))

    return build


def test_an_entry_is_built_once_and_mapped(own_cache):
    calls = []

    def build(writer):
        calls.append(1)
        for part in np.split(np.arange(30, dtype=np.uint8).reshape(10, 3), 5):
            writer.add(part)
        writer.add_labels(np.arange(10) % 2)
        return Facts("test", "here", 12, classes={"a": 0, "b": 0}, skipped=(("x", "why"),), notes=("n",))

    first, second = cached("my data!", ("id", 1), build), cached("my data!", ("id", 1), build)
    assert calls == [1]
    assert isinstance(second.samples, np.memmap)
    assert (second.samples == np.arange(30).reshape(10, 3)).all()
    assert second.labels.tolist() == [0, 1] * 5
    assert first.facts == second.facts
    assert second.facts.classes == {"a": 5, "b": 5}
    assert second.facts.skipped == (("x", "why"),)
    cached("my data!", ("id", 2), build)
    assert calls == [1, 1]
    assert (np.load(own_cache / entries(own_cache)[0] / "samples.npy") == second.samples).all()


def test_changed_files_and_options_make_new_entries(tmp_path, own_cache):
    pictures(tmp_path / "a")
    opened(tmp_path / "a")
    opened(tmp_path / "a", flip=True)
    assert len(entries(own_cache)) == 1
    opened(tmp_path / "a", size=16)
    assert len(entries(own_cache)) == 2
    Image.new("L", (8, 8), 77).save(tmp_path / "a" / "0.png")
    os.utime(tmp_path / "a" / "0.png", (1, 1))
    assert opened(tmp_path / "a").pixels[0, 0, 0, 0] == 77
    assert len(entries(own_cache)) == 3


def test_the_second_opening_decodes_nothing(tmp_path, monkeypatch):
    pictures(tmp_path / "a")
    first = opened(tmp_path / "a")
    monkeypatch.setattr("ganworks.data.folder.write_items", None)
    second = opened(tmp_path / "a")
    assert (first.pixels == second.pixels).all()
    assert facts_of(second) == facts_of(first)


def test_a_failing_build_leaves_nothing(own_cache):
    def build(writer):
        writer.add(np.zeros((4, 2), np.float32))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("x", 1, build)
    assert entries(own_cache) == []


def test_a_full_disk_is_said_and_leaves_nothing(own_cache, monkeypatch):
    def full(self, samples):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Writer, "add", full)
    with pytest.raises(UserError, match="disk is full"):
        cached("x", 1, build_of([1, 2]))
    assert entries(own_cache) == []


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="GANWORKS_CACHE"):
        cached("x", 1, build_of([1, 2]))


@pytest.mark.parametrize("harm", ["cut", "facts", "labels"])
def test_an_entry_damaged_from_outside_is_built_again(own_cache, harm):
    def build(writer):
        writer.add(np.arange(1000, dtype=np.float32)[:, None])
        writer.add_labels(np.zeros(1000, int))
        return Facts("test", "here", 1000, classes={"a": 0})

    cached("x", 1, build)
    folder = own_cache / entries(own_cache)[0]
    if harm == "cut":
        content = (folder / "samples.npy").read_bytes()
        (folder / "samples.npy").write_bytes(content[:-100])
    elif harm == "facts":
        (folder / "facts.json").write_text('{"kind": ')
    else:
        (folder / "labels.npy").unlink()
    again = cached("x", 1, build)
    assert (again.samples[:, 0] == np.arange(1000)).all()
    assert len(again.labels) == 1000


CHILD = """
import os, signal, sys, time
import numpy as np
from ganworks.data.cache import cached
from ganworks.data.facts import Facts
def build(writer):
    for i in range(50):
        writer.add(np.full((10, 3), i, np.float32))
        if sys.argv[1] == "die" and i == 25:
            writer._file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
    print("built", flush=True)
    return Facts("test", "here", 500)
entry = cached("shared", 1, build)
print(len(entry.samples), float(entry.samples.sum()))
"""


def child(mode):
    return subprocess.Popen([sys.executable, "-c", CHILD, mode], stdout=subprocess.PIPE, text=True)


def test_a_killed_build_is_never_used(own_cache):
    dead = child("die")
    dead.communicate(timeout=60)
    assert dead.returncode == -9
    left = [p for p in own_cache.iterdir() if p.is_dir()]
    assert len(left) == 1
    assert left[0].name.endswith(".tmp")
    alive = child("live")
    assert alive.communicate(timeout=60)[0].split() == ["built", "500", "36750.0"]
    assert len(entries(own_cache)) == 1
    assert not entries(own_cache)[0].endswith(".tmp")


def test_two_processes_build_one_entry(own_cache):
    both = [child("live"), child("live")]
    said = [p.communicate(timeout=60)[0].split() for p in both]
    assert all(words[-2:] == ["500", "36750.0"] for words in said)
    assert sum("built" in words for words in said) == 1
    assert len(entries(own_cache)) == 1


def test_60000_files_worth_of_labels_open_fast(own_cache):
    def build(writer):
        writer.add(np.zeros((60_000, 1, 28, 28), np.uint8))
        writer.add_labels(np.arange(60_000) % 10)
        return Facts("test", "here", 60_000, classes=dict.fromkeys("0123456789", 0))

    cached("x", 1, build)
    start = time.perf_counter()
    cached("x", 1, build)
    assert time.perf_counter() - start < 0.2
