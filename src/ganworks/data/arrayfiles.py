"""Array files as sources: .npy, .npz, MNIST-style idx, and scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ganworks.console import track
from ganworks.data.arrays import Images, Points, named_labels, real_vectors
from ganworks.data.cache import Writer, cached
from ganworks.data.facts import Facts
from ganworks.data.levels import Levels, channels_are_last, channels_first, levels, refuse_not_finite
from ganworks.data.options import DataOptions
from ganworks.data.pixels import coloured, default_size, fitted, from_array
from ganworks.data.rows import HeldRows, Rows, idx_rows, npy_rows, npz_rows, text_rows
from ganworks.errors import UserError

SAMPLES = ("images", "image", "x", "samples", "data", "points", "x_train", "train_images", "arr_0")
LABELS = ("labels", "label", "y", "targets", "target", "y_train", "train_labels", "arr_1")
VECTORS = ("vectors", "vector", "conditions", "condition", "attributes")
NAMES = ("label_names", "class_names", "classes", "names")


class Parts(NamedTuple):
    """What an array file holds: samples, with labels, class names and vectors, finite float32 (N, k), if it has any."""

    samples: Rows
    labels: np.ndarray | None = None
    names: list[str] | None = None
    vectors: np.ndarray | None = None


def open_npy(path: Path, options: DataOptions) -> Images | Points:
    """Open a .npy file: images of 3 or 4 dimensions, or points, floats of 1 or 2."""
    def parts() -> Parts:
        return Parts(npy_rows(lambda: open(path, "rb"), str(path)))

    return _opened(path, [path], options, "npy array", parts)


def open_npz(path: Path, options: DataOptions) -> Images | Points:
    """Open an .npz file with samples, and labels, class names and vectors if it has any, under usual names."""
    def parts() -> Parts:
        arrays = npz_rows(path)
        by_name = {name.lower(): rows for name, rows in arrays.items()}
        samples = next((by_name[n] for n in SAMPLES if n in by_name), None)
        if samples is None and len(arrays) == 1:
            samples = next(iter(arrays.values()))
        if samples is None:
            raise UserError(f"{path}: arrays {', '.join(arrays) or 'none'}", "samples under one of: "
                            + ", ".join(SAMPLES), "np.savez(path, images=..., labels=...)")
        labels = next((by_name[n].whole() for n in LABELS if n in by_name), None)
        names = next((text_rows(by_name[n]) for n in NAMES if n in by_name), None)
        vectors = next((real_vectors(by_name[n].whole(), samples.shape[0], f"{path}: '{n}'") for n in VECTORS
                        if n in by_name), None)
        return Parts(samples, labels, names, vectors)

    return _opened(path, [path], options, "npz array", parts)


def open_idx(path: Path, options: DataOptions) -> Images | Points:
    """Open an idx file of images, with the label file found beside it."""
    beside = _label_file(path)

    def parts() -> Parts:
        samples = idx_rows(path)
        if len(samples.shape) == 1:
            raise UserError(f"{path}: one number a row: these are labels", "the file of the images",
                            "give the images; the labels beside them are found by name")
        return Parts(samples, idx_rows(beside).whole() if beside else None)

    return _opened(path, [path, *([beside] if beside else [])], options, "idx array", parts)


def open_digits(options: DataOptions) -> Images | Points:
    """Open scikit-learn's digits: 1,797 grey images 8 x 8 with 17 levels, in ten classes."""
    def parts() -> Parts:
        from sklearn.datasets import load_digits

        found = load_digits()
        return Parts(HeldRows(found.images), found.target, [str(n) for n in found.target_names])

    scale = Levels(0, 16, "0..16, scaled to 0..255")
    return _opened(Path("digits"), [], options, "built into scikit-learn", parts, scale)


def _opened(path: Path, files: Sequence[Path], options: DataOptions, kind: str,
            parts: Callable[[], Parts], scale: Levels | None = None) -> Images | Points:
    stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    identity = (kind, str(path) if not stats else "", stats, options.size, options.channels, options.fit)

    def build(writer: Writer) -> Facts:
        samples, labels, names, vectors = parts()
        count = samples.shape[0]
        if not count:
            raise UserError(f"{path}: an array of shape {samples.shape}, with no samples", "at least one row")
        known = None if labels is None else named_labels(labels, names, count)
        facts = Facts(kind, str(path), found=count, classes={} if known is None else dict.fromkeys(known[1], 0))
        writer.add_labels(None if known is None else known[0])
        writer.set_vectors(vectors)
        if len(samples.shape) <= 2:
            return _write_points(samples, writer, facts, options)
        return _write_images(samples, scale, writer, facts, options)

    entry = cached(path.name, identity, build)
    classes = tuple(entry.facts.classes) or None
    if entry.samples.ndim == 2:
        return Points(entry.samples, entry.labels, classes, path.stem, entry.facts, entry.vectors)
    return Images(entry.samples, entry.labels, classes, path.stem.removesuffix(".idx"), options.flip, entry.facts,
                  entry.vectors)


def _write_points(samples: Rows, writer: Writer, facts: Facts, options: DataOptions) -> Facts:
    if samples.dtype.kind != "f":
        raise UserError(f"{facts.path}: {samples.dtype} of shape {samples.shape}", "floats for points, or images "
                        "(N, H, W), (N, H, W, C), (N, C, H, W)",
                        "reshape flat images; for points use .astype('float32')")
    if options.size or options.channels or options.flip:
        raise UserError(f"{facts.path}: points of shape {samples.shape} with --size, --channels or --flip",
                        "these options are for images", "leave them out")
    low, high, first = np.inf, -np.inf, 0
    for part in _tracked(samples, "reading"):
        refuse_not_finite(part, first, facts.path)
        first += len(part)
        low, high = min(low, float(part.min())), max(high, float(part.max()))
        writer.add(part.reshape(len(part), -1).astype(np.float32))
    return facts.but(values=f"{low:g}..{high:g} ({samples.dtype})")


def _write_images(samples: Rows, scale: Levels | None, writer: Writer, facts: Facts, options: DataOptions) -> Facts:
    if len(samples.shape) > 4 or min(samples.shape) < 1:
        raise UserError(f"{facts.path}: an array of shape {samples.shape}",
                        "images (N, H, W), (N, H, W, C), (N, C, H, W), or points (N, D)")
    last = channels_are_last(samples.shape, facts.path)
    scale = scale or levels(samples.parts(), samples.dtype, facts.path)
    found, height, width = channels_first(np.empty((1, *samples.shape[1:]), bool), last).shape[1:]
    size = options.size or default_size({(width, height): samples.shape[0]})
    channels = options.channels or min(found, 3)
    for part in _tracked(samples, "decoding"):
        writer.add(_shaped(scale.apply(channels_first(part, last)), size, channels, options.fit))
    bits = 16 if scale.high == 65535 else 8
    kind = {1: "grey", 3: "RGB", 4: "RGBA"}[found] + (f" {bits} bit" if samples.dtype.kind != "f" else " float")
    return facts.but(values=scale.words, sizes={f"{width}x{height}": samples.shape[0]},
                     formats={kind: samples.shape[0]})


def _shaped(images: np.ndarray, size: int, channels: int, fit: str) -> np.ndarray:
    """Bring uint8 (n, C, H, W) to (n, channels, size, size)."""
    if images.shape[1:] == (channels, size, size):
        return images
    return np.stack([fitted(coloured(from_array(image), channels), size, fit) for image in images])


def _tracked(samples: Rows, description: str) -> Iterator[np.ndarray]:
    """Yield the parts behind a progress bar that counts rows."""
    ready: list[np.ndarray] = []

    def rows() -> Iterator[None]:
        for part in samples.parts():
            ready.append(part)
            yield from (None for _ in range(len(part)))

    for _ in track(rows(), samples.shape[0], description, "samples"):
        if ready:
            yield ready.pop()


def _label_file(path: Path) -> Path | None:
    """Return the label file that belongs to an idx file of images, by the usual ways to name the two."""
    name = path.name
    plain = name.removesuffix(".gz").removesuffix(".idx")
    guesses = {name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")}
    guesses |= {f"{plain}{join}labels.idx" for join in "-_."}
    both = {g.removesuffix(".gz") for g in guesses} | {g.removesuffix(".gz") + ".gz" for g in guesses}
    found = sorted(g for g in both if g != name and (path.parent / g).is_file())
    return path.parent / found[0] if found else None
