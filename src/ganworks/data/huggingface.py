"""Data sets of the Hugging Face hub, or in its formats on this disk: ``hf:NAME[:SPLIT]`` (the extra ``data``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from ganworks.data.arrays import Images
from ganworks.data.cache import Writer, cached
from ganworks.data.facts import Facts
from ganworks.data.items import Item, write_items
from ganworks.data.options import DataOptions
from ganworks.errors import UserError, did_you_mean

PREFIX = "hf:"
LABELS = ("label", "labels", "fine_label", "class", "target", "category", "y")


def open_huggingface(name: str, options: DataOptions) -> Images:
    """Open ``hf:NAME[:SPLIT]``, NAME as on the hub or a folder that holds such a data set.

    The image column is the first of type Image; the label column the one named label (or alike), else the first
    ClassLabel. The split is "train" where none is given, or the only one.

    Raises:
        UserError: the extra is missing, the hub cannot be reached, the data set, split or image column is not there.
    """
    data = _split(name.removeprefix(PREFIX))
    image, label, names = _columns(data, name)
    kept = data.select_columns([image] if label is None else [image, label])
    identity = ("hf", name, data._fingerprint, image, label, options.size, options.channels, options.fit)

    def build(writer: Writer) -> Facts:
        rows = kept.cast_column(image, _undecoded())
        items = [Item(f"row {i}", _opener(rows, i, image)) for i in range(len(rows))]
        labels = None if label is None else rows[label]

        def classify(good: Sequence[Item]) -> tuple[list[str] | None, tuple[str, ...]]:
            if labels is None:
                return None, ()
            given = [labels[int(item.name.removeprefix("row "))] for item in good]
            if any(g is None or (names and g < 0) for g in given):
                return None, (f"some rows have no {label}, so there are no classes",)
            return [names[g] if names else str(g) for g in given], ()

        facts = Facts("Hugging Face data set", name, len(rows))
        return write_items(items, facts, writer, options, classify, names or ())

    entry = cached(name, identity, build)
    classes = tuple(entry.facts.classes) or None
    return Images(entry.samples, entry.labels, classes, name, options.flip, entry.facts)


def _library() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise UserError("hf: data sets need the package 'datasets', which is not installed", "the extra 'data'",
                        "pip install 'ganworks[data]'") from error
    return datasets


def _undecoded() -> Any:
    return _library().Image(decode=False)


def _split(name: str) -> Any:
    """Return one split of the data set, as a map-style ``datasets.Dataset``."""
    datasets = _library()
    path, _, split = (name, "", "") if Path(name).exists() else name.partition(":")
    if not path:
        raise UserError("hf: without a name", "hf:NAME or hf:NAME:SPLIT, such as hf:ylecun/mnist:train")
    if not Path(path).exists() and Path(name.rpartition(":")[0] or ".").exists() and ":" in name:
        path, _, split = name.rpartition(":")
    try:
        found = _loaded(datasets, path)
    except Exception as error:  # the library raises its own, the hub's, requests' and the file system's errors
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"hf:{path} cannot be loaded: {type(error).__name__}: {first}",
                        "a data set on the hub, or a folder that holds one, and a connection unless it is cached",
                        "check the name and the connection; offline, give a folder: hf:PATH") from error
    if not isinstance(found, dict):
        return found
    chosen = split or ("train" if "train" in found else next(iter(found)) if len(found) == 1 else "")
    if chosen not in found:
        raise UserError(f"hf:{path} has no split {split!r}" if split else f"hf:{path} has several splits",
                        "one of: " + ", ".join(found), did_you_mean(split, found) if split else f"hf:{path}:SPLIT")
    return found[chosen]


def _loaded(datasets: Any, path: str) -> Any:
    folder = Path(path)
    if (folder / "state.json").exists() or (folder / "dataset_dict.json").exists():
        return datasets.load_from_disk(path)
    return datasets.load_dataset(path)


def _columns(data: Any, name: str) -> tuple[str, str | None, list[str] | None]:
    """Return the image column, the label column or None, and the label names or None."""
    datasets, features = _library(), data.features
    images = [column for column, kind in features.items() if isinstance(kind, datasets.Image)]
    if not images:
        raise UserError(f"{name}: columns " + ", ".join(f"{c} ({type(k).__name__})" for c, k in features.items()),
                        "a column of type Image", "save its arrays as an .npz and give that file")
    classed = [column for column, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    plain = [column for column, kind in features.items()
             if isinstance(kind, datasets.Value) and ("int" in kind.dtype or kind.dtype == "string")]
    named = [column for column in LABELS if column in classed or column in plain]
    label = next(iter([*named, *classed]), None)
    return images[0], label, list(features[label].names) if label in classed else None


def _opener(rows: Any, i: int, column: str) -> Callable[[], BinaryIO]:
    def start() -> BinaryIO:
        image = rows[i][column]
        return BytesIO(image["bytes"]) if image["bytes"] is not None else open(image["path"], "rb")

    return start
