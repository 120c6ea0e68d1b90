"""Decoded samples on disk: built once, memory-mapped ever after, never seen half-written."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from ganworks.data.facts import Facts
from ganworks.errors import UserError
from ganworks.files import write_text

VERSION = 2
"""Raise it when the same files would be decoded to other values: old entries are then left alone."""


@dataclass(frozen=True)
class Entry:
    """One cached data set: samples (N, ...) memory-mapped, labels int64 (N,), vectors float32 (N, k), and the facts.

    Labels and vectors are None where there are none.
    """

    samples: np.ndarray
    labels: np.ndarray | None
    vectors: np.ndarray | None
    facts: Facts


def root() -> Path:
    """Return the cache's folder: $GANWORKS_CACHE, else ~/.cache/ganworks."""
    return Path(os.environ.get("GANWORKS_CACHE") or Path.home() / ".cache" / "ganworks") / "data"


def cached(name: str, identity: object, build: Callable[[Writer], Facts]) -> Entry:
    """Return the entry of ``identity``, calling ``build`` only if it is not there yet.

    Args:
        name: readable part of the entry's folder name.
        identity: whatever decides the content: paths, sizes, times of change, options. Compared by its ``repr``.
        build: gives the samples to the writer, in order, and returns the facts.

    Processes that ask for one entry at the same time wait for the one that builds it. The entry appears by the
    rename of a finished folder, so a build that was killed leaves nothing that could be taken for an entry.
    """
    from filelock import FileLock

    digest = hashlib.blake2b(repr((VERSION, identity)).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    folder = root() / f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name).strip('-')[:40] or 'data'}-{digest}"
    entry = _open(folder)
    if entry is not None:
        return entry
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.parent / f".{folder.name}.lock")
        lock.acquire()
    except OSError as error:
        raise UserError(f"cannot write to the cache {folder.parent}: {error.strerror or error}", "a folder to write to",
                        "set the environment variable GANWORKS_CACHE to one") from error
    with lock:
        entry = _open(folder)
        if entry is None:
            _build(folder, build)
            entry = _open(folder)
    if entry is None:
        raise UserError(f"the cache entry {folder} cannot be read back", remedy="delete it and start again")
    return entry


class Writer:
    """Takes samples in order and writes them to a .npy file as they come, so that memory stays small."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = open(folder / "samples.npy", "wb")  # noqa: SIM115  (closed by finish or close)
        self._labels: list[np.ndarray] = []
        self._vectors: np.ndarray | None = None
        self._seen: set[bytes] = set()
        self._header = 0
        self.count, self.shape, self.dtype = 0, (), np.dtype(np.uint8)

    def add(self, samples: np.ndarray) -> None:
        """Append ``samples`` (n, ...), uint8 or float32 and all of one shape."""
        samples = np.ascontiguousarray(samples)
        if not self._header:
            self.shape, self.dtype = samples.shape[1:], samples.dtype
            self._header = self._write_header()
        if samples.shape[1:] != self.shape or samples.dtype != self.dtype:
            raise ValueError(f"{samples.shape[1:]} {samples.dtype} after {self.shape} {self.dtype}")
        self._file.write(samples.data if samples.size else b"")
        self.count += len(samples)
        self._seen.update(hashlib.blake2b(row.data, digest_size=8).digest() for row in samples)

    def add_labels(self, labels: np.ndarray | None) -> None:
        """Append labels, positions in the facts' classes, one for each sample; None where there are none."""
        if labels is not None:
            self._labels.append(np.asarray(labels, dtype=np.int64))

    def set_vectors(self, vectors: np.ndarray | None) -> None:
        """Take the vectors of all samples, finite float32 (N, k); None where there are none."""
        self._vectors = vectors

    def finish(self, facts: Facts) -> None:
        """Write what is known only at the end: the count, labels, vectors and the facts."""
        self._write_header()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        classes = dict(facts.classes)
        if self._labels:
            labels = np.concatenate(self._labels)
            np.save(self._folder / "labels.npy", labels)
            counts = np.bincount(labels, minlength=len(classes))
            classes = {name: int(n) for name, n in zip(classes, counts, strict=True)}
        ranges: tuple[tuple[float, float], ...] = ()
        if self._vectors is not None:
            np.save(self._folder / "vectors.npy", self._vectors)
            ranges = tuple(zip(self._vectors.min(0).tolist(), self._vectors.max(0).tolist(), strict=True))
        facts = facts.but(count=self.count, shape=tuple(self.shape), classes=classes, vectors=ranges,
                          duplicates=self.count - len(self._seen))
        write_text(self._folder / "facts.json", facts.to_json())

    def close(self) -> None:
        """Close the file; harmless after ``finish``."""
        self._file.close()

    def _write_header(self) -> int:
        # numpy pads a header so that the first axis can grow in place: both headers have one length.
        head = BytesIO()
        described = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False,
                     "shape": (self.count, *self.shape)}
        np.lib.format.write_array_header_1_0(head, described)
        if self._header and len(head.getvalue()) != self._header:
            raise ValueError("the .npy header changed its length")
        self._file.seek(0)
        self._file.write(head.getvalue())
        return len(head.getvalue())


def _build(folder: Path, build: Callable[[Writer], Facts]) -> None:
    # We hold the entry's lock: whatever half-built folder of it lies here belongs to a process that died.
    for left in folder.parent.glob(f".{folder.name}.*.tmp"):
        shutil.rmtree(left, ignore_errors=True)
    if folder.exists():
        shutil.rmtree(folder)
    temporary = folder.parent / f".{folder.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp"
    try:
        temporary.mkdir()
        with closing(Writer(temporary)) as writer:
            writer.finish(build(writer))
        os.rename(temporary, folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(f"the disk is full: the cache needs room under {folder.parent}", "free space for the decoded "
                        "samples", "free some space, or set GANWORKS_CACHE to a folder on another disk") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _open(folder: Path) -> Entry | None:
    """Return the entry, or None where there is none or it was damaged from outside."""
    try:
        facts = Facts.from_json((folder / "facts.json").read_text(encoding="utf-8"))
        samples = np.load(folder / "samples.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", allow_pickle=False) if facts.classes else None
        vectors = np.load(folder / "vectors.npy", allow_pickle=False) if facts.vectors else None
        size = sum(part.stat().st_size for part in folder.iterdir())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    lengths = {len(part) for part in (samples, labels, vectors) if part is not None}
    if samples.shape[1:] != facts.shape or lengths != {facts.count}:
        return None
    return Entry(samples, labels, vectors, facts.but(cache=str(folder), cache_bytes=size))
