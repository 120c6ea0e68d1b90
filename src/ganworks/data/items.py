"""Image files, one after another, into the cache: the same for a folder, a zip and a Hugging Face data set."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, TypeVar

import numpy as np
from PIL import Image

from ganworks.console import track
from ganworks.data.cache import Writer
from ganworks.data.facts import Facts
from ganworks.data.options import DataOptions
from ganworks.data.pixels import Half, Header, Unreadable, decoded, default_size, header
from ganworks.errors import UserError

STEP = 256  # files decoded together


@dataclass(frozen=True)
class Item:
    """One file that may be an image: its name for the user, how to open it, and which half of it is meant, if one."""

    name: str
    open: Callable[[], BinaryIO]
    half: Half | None = None


class Named(Protocol):
    """What has a name for the user."""

    @property
    def name(self) -> str:
        """Its name."""


N = TypeVar("N", bound=Named)
T = TypeVar("T")


Classify = Callable[[Sequence[Item]], tuple[Sequence[str] | None, tuple[str, ...]]]
"""From the items that are images to the class of each, or None where there are no classes, and notes on it."""


def write_items(items: Sequence[Item], facts: Facts, writer: Writer, options: DataOptions, classify: Classify,
                order: Sequence[str] = ()) -> Facts:
    """Decode ``items`` into ``writer`` and return the facts with what was found and what was skipped.

    Two passes: the headers decide the common size and channels and what the classes are, then everything is
    decoded, a few files at a time in threads (Pillow's decoders run without Python's lock). The classes are in
    ``order`` where it names them, else sorted.

    Raises:
        UserError: fewer than two of them are images.
    """
    skipped = list(facts.skipped)
    good, headers = looked_at(items, skipped, header_of)
    refuse_few(len(good), len(items), facts.path, skipped)
    sizes = Counter((h.width, h.height) for h in headers)
    size = options.size or default_size(sizes)
    channels = options.channels or (1 if all(h.grey for h in headers) else 3)
    names, notes = classify(good)
    kept = decode_all(good, skipped, writer, lambda item: decoded_of(item, size, channels, options.fit))
    refuse_few(writer.count, len(items), facts.path, skipped)
    headers = [headers[i] for i in kept]
    classes = list(order) if names and order else _ordered(set(names or ()))
    if names is not None:
        number = {name: i for i, name in enumerate(classes)}
        writer.add_labels(np.array([number[names[i]] for i in kept]))
    return facts.but(found=facts.found or len(items) + len(facts.skipped), skipped=tuple(skipped),
                     classes=dict.fromkeys(classes, 0), notes=(*facts.notes, *notes), **said_by(headers))


def said_by(headers: Sequence[Header]) -> dict[str, Any]:
    """Return the facts that headers tell: "sizes", "formats" and "values"."""
    sizes, deep = Counter((h.width, h.height) for h in headers), sum(h.bits == 16 for h in headers)
    return {"sizes": {f"{w}x{h}": n for (w, h), n in sizes.most_common()},
            "formats": dict(Counter(h.words for h in headers).most_common()),
            "values": "0..255" + (f" ({deep:,} of 16 bit were scaled to it)" if deep else "")}


def header_of(item: Item) -> Header:
    """Return what an item says of itself. Raises Unreadable, and whatever opening a file can."""
    with item.open() as handle:
        return header(handle, item.half)


def decoded_of(item: Item, size: int, channels: int, fit: str) -> np.ndarray:
    """Return an item as uint8 (channels, size, size). Raises Unreadable, and whatever opening a file can."""
    with item.open() as handle:
        return decoded(handle, size, channels, fit, item.half)


def looked_at(items: Sequence[N], skipped: list[tuple[str, str]], look: Callable[[N], T]) -> tuple[list[N], list[T]]:
    """Return the items that can be looked at, and what was seen; the others are added to ``skipped``."""
    good, seen = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # there is a lower limit of our own
        for item in track(items, len(items), "looking at headers", "files"):
            try:
                seen.append(look(item))
                good.append(item)
            except Exception as error:
                skipped.append((item.name, _reason(error)))
    return good, seen


def decode_all(items: Sequence[N], skipped: list[tuple[str, str]], writer: Writer,
               decode: Callable[[N], np.ndarray]) -> list[int]:
    """Decode the items into the writer, in order; return the positions of those that could be decoded."""
    def tried(item: N) -> np.ndarray | str:
        try:
            return decode(item)
        except Exception as error:
            return _reason(error)

    done: list[int] = []

    def rows(pool: ThreadPoolExecutor) -> Iterator[None]:
        for start in range(0, len(items), STEP):
            good = []
            for i, result in enumerate(pool.map(tried, items[start : start + STEP]), start):
                if isinstance(result, str):
                    skipped.append((items[i].name, result))
                else:
                    good.append(result)
                    done.append(i)
                yield None
            if good:
                writer.add(np.stack(good))

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for _ in track(rows(pool), len(items), "decoding", "images"):
            pass
    return done


def _reason(error: Exception) -> str:
    # A foreign file can make a decoder, a zip or a file system raise anything; none of it may end the whole run,
    # except a full disk, which is not raised here but by the writer.
    return str(error) if isinstance(error, Unreadable) else f"cannot be read: {error or type(error).__name__}"


def _ordered(names: set[str]) -> list[str]:
    """Return class names in order, as numbers where all are."""
    return sorted(names, key=(lambda n: int(n)) if all(n.isdecimal() for n in names) else str)  # type: ignore[arg-type]


def refuse_few(good: int, found: int, path: str, skipped: Sequence[tuple[str, str]]) -> None:
    """Raise UserError where fewer than two files could be used, with the first reason."""
    if good >= 2:
        return
    first = f"; {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
    if good:
        problem = f"{path}: only one image"
    else:
        problem = f"{path}: none of {found:,} files can be read as an image" if found else f"{path}: no files in it"
    raise UserError(problem + first, "a folder or zip with at least 2 images (PNG, JPEG, WebP, BMP, GIF, TIFF, ...)",
                    "check the path, and the reasons above" if skipped else "check the path")
