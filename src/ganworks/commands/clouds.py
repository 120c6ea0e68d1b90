"""Clouds of points from a user's files: CSV or text, npy, npz; a column or an array named "weight" weighs them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ganworks.errors import UserError

ENDINGS = (".csv", ".txt", ".tsv", ".npy", ".npz")
SAMPLES = ("x", "samples", "points", "data", "images", "arr_0")
WEIGHTS = ("weight", "weights", "w")


@dataclass(frozen=True)
class Cloud:
    """Points, float64 (n, d), each sample flattened, and their weights, float64 (n,), or None for equal ones."""

    points: np.ndarray
    weights: np.ndarray | None


def read_cloud(path: str) -> Cloud:
    """Return the points in a file.

    Raises:
        UserError: no such file, not numbers, not finite, empty.
    """
    file = Path(path)
    if file.suffix.lower() not in ENDINGS:
        raise UserError(f"{path}", f"a file of samples: {', '.join(ENDINGS)}")
    if not file.is_file():
        raise UserError(f"no file {path}", "a file of samples, a row each")
    try:
        points, weights = _table(file) if file.suffix.lower() in (".csv", ".txt", ".tsv") else _arrays(file)
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise UserError(f"{path}: {_said(error)}", "numbers, a sample a row") from None
    if points.ndim == 0 or len(points) == 0:
        raise UserError(f"{path} holds no samples", "a sample a row")
    points = points.reshape(len(points), -1).astype(np.float64)
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise UserError(f"{path}: {int(bad.sum())} of {len(points)} samples hold nan or inf, the first is number "
                        f"{int(bad.argmax()) + 1}", "finite numbers", "leave those rows out")
    return Cloud(points, weights)


def _said(error: Exception) -> str:
    """Return numpy's words without its advice on other calls of it, which is none to a user of this."""
    text = str(error)
    if "pickle" in text:
        return "no arrays of numbers in it"
    return text.partition("; use `usecols`")[0].rstrip(".")


def _table(file: Path) -> tuple[np.ndarray, np.ndarray | None]:
    first, _, rest = file.read_text(encoding="utf-8-sig").partition("\n")
    mark = "," if "," in first else ";" if ";" in first else None
    names = [word.strip().strip('"').lower() for word in first.split(mark)]
    named = not all(_is_number(word) for word in names)
    if not (rest if named else first + rest).strip():
        return np.zeros((0, 1)), None
    held = np.loadtxt(io.StringIO(rest if named else first + "\n" + rest), delimiter=mark, ndmin=2)
    at = next((i for i, name in enumerate(names) if named and name in WEIGHTS), None)
    if at is None:
        return held, None
    return np.delete(held, at, axis=1), held[:, at]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _arrays(file: Path) -> tuple[np.ndarray, np.ndarray | None]:
    if file.suffix.lower() == ".npy":
        return _numbers(np.load(file, allow_pickle=False)), None
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as held:
        names = {name.lower(): name for name in held.files}
        found = next((names[name] for name in SAMPLES if name in names), held.files[0] if len(names) == 1 else None)
        if found is None:
            raise ValueError(f"arrays {', '.join(held.files) or 'none'}; the samples are looked for under "
                             f"{', '.join(SAMPLES)}")
        weight = next((names[name] for name in WEIGHTS if name in names), None)
        return _numbers(held[found]), None if weight is None else _numbers(held[weight]).ravel()


def _numbers(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiub":
        raise ValueError(f"an array of {array.dtype}")
    return array.astype(np.float64)
