"""Arrays that lie in files, read a few rows at a time: .npy, a member of an .npz, MNIST's idx."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ganworks.errors import UserError

STEP = 512  # rows at a time
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class Rows(ABC):
    """An array (N, ...) of which only some rows are in memory."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @abstractmethod
    def parts(self) -> Iterator[np.ndarray]:
        """Yield the array in order, some rows at a time. It can be called again."""

    def whole(self) -> np.ndarray:
        """Return the whole array, for the small ones."""
        parts = list(self.parts())
        return np.concatenate(parts) if parts else np.empty(self.shape, self.dtype)


class HeldRows(Rows):
    """An array that is in memory already."""

    def __init__(self, array: np.ndarray) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def parts(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self._array), STEP):
            yield self._array[start : start + STEP]


@dataclass(frozen=True)
class StreamRows(Rows):
    """An array whose values follow each other in a file, after a header that ``start`` reads past."""

    shape: tuple[int, ...]
    dtype: np.dtype
    start: Callable[[], BinaryIO]
    name: str

    def parts(self) -> Iterator[np.ndarray]:
        row = self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))
        with self.start() as stream:
            for first in range(0, self.shape[0], STEP):
                count = min(STEP, self.shape[0] - first)
                try:
                    content = stream.read(count * row)
                except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
                    raise _damaged(self.name, error) from error
                if len(content) < count * row:
                    last = first + len(content) // row
                    raise _damaged(self.name, f"it ends at row {last} of {self.shape[0]}")
                yield np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])


def npy_rows(start: Callable[[], BinaryIO], name: str) -> Rows:
    """Return the array of a .npy stream that ``start`` opens. Pickled objects are refused, never loaded."""
    with start() as stream:
        try:
            shape, fortran, dtype = _npy_header(stream)
        except (ValueError, EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
            raise _damaged(name, error) from error
    if dtype.hasobject or dtype.names or not shape:
        raise UserError(f"{name}: an array of type {dtype} and shape {shape}",
                        "an array of numbers with one row a sample",
                        "save it again with np.save or np.savez, without objects")
    if fortran:  # its rows do not lie together; only a whole load can give them
        with start() as stream:
            return HeldRows(np.lib.format.read_array(stream, allow_pickle=False))

    def behind_header() -> BinaryIO:
        stream = start()
        _npy_header(stream)
        return stream

    return StreamRows(shape, dtype, behind_header, name)


def npz_rows(path: Path) -> dict[str, Rows]:
    """Return the arrays of an .npz file by name."""
    try:
        members = zipfile.ZipFile(path).namelist()
    except zipfile.BadZipFile as error:
        raise _damaged(str(path), error) from error

    def opener(member: str) -> Callable[[], BinaryIO]:
        return lambda: zipfile.ZipFile(path).open(member)  # type: ignore[return-value]

    return {m.removesuffix(".npy"): npy_rows(opener(m), f"{path}: {m}") for m in members if m.endswith(".npy")}


def idx_rows(path: Path) -> Rows:
    """Return the array of an idx file, gzipped or not (the format of MNIST's files, LeCun, Cortes, Burges)."""
    packed = path.suffix == ".gz"

    def start() -> BinaryIO:
        return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]

    with start() as stream:
        try:
            magic = stream.read(4)
            sides = stream.read(4 * magic[3]) if len(magic) == 4 else b""
        except (EOFError, OSError, zlib.error) as error:
            raise _damaged(str(path), error) from error
    known = len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in IDX_TYPES
    if not known or not sides or len(sides) != 4 * magic[3]:
        raise UserError(f"{path}: not an idx file (it begins with {magic.hex(' ')})",
                        "two zero bytes, a type, the number of dimensions, as in MNIST's files")

    def behind_header() -> BinaryIO:
        stream = start()
        stream.read(4 + len(sides))
        return stream

    shape = tuple(np.frombuffer(sides, ">u4").tolist())
    return StreamRows(shape, np.dtype(IDX_TYPES[magic[2]]), behind_header, str(path))


def _npy_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"version {version} of the .npy format is for records, not for arrays of numbers")


def _damaged(name: str, why: object) -> UserError:
    first = (str(why).strip().splitlines() or [type(why).__name__])[0]
    return UserError(f"{name}: damaged or cut short: {first}", "a whole file", "copy or download it again")


def text_rows(rows: Rows) -> list[str]:
    """Return a one-dimensional array of names as text."""
    return [n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in rows.whole().ravel().tolist()]

