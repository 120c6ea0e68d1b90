"""From what the user typed to a source."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganworks.data.arrayfiles import open_digits, open_idx, open_npy, open_npz
from ganworks.data.facts import Facts
from ganworks.data.folder import open_folder, open_zip
from ganworks.data.huggingface import PREFIX, open_huggingface
from ganworks.data.options import DataOptions, PairOptions, UnpairedOptions
from ganworks.data.pairing import open_pairs, open_unpaired
from ganworks.data.pairs import Crops, Pairs, Unpaired
from ganworks.data.part import Part, parted
from ganworks.data.source import Source
from ganworks.data.toys import TOYS
from ganworks.errors import UserError, did_you_mean

KINDS = ("a folder or .zip of images, a .npy, .npz, .idx or .idx.gz file, hf:NAME[:SPLIT], or one of: digits, "
         + ", ".join(TOYS))
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".avif")


def open_source(options: DataOptions) -> Source:
    """Return the source that ``options.path`` names, without what is held out.

    A built-in name goes before a file of that name; ``./digits`` is the file. What comes from files is decoded into
    the cache at the first use. Raises UserError where there is nothing to open or to use.
    """
    return parted(_whole(options), options.held_out)


def _whole(options: DataOptions) -> Source:
    given = options.path
    if given in TOYS:
        if options.size or options.channels or options.flip:
            raise UserError(f"{given} with --size, --channels or --flip", "these options are for images",
                            "leave them out")
        return TOYS[given]()
    if given == "digits":
        return open_digits(options)
    if given.startswith(PREFIX):
        return open_huggingface(given, options)
    path = Path(given).expanduser()
    if path.is_dir():
        return open_folder(path, options)
    if path.exists():
        return _open_file(path, options)
    raise _missing(given, path)


@dataclass(frozen=True)
class Kind:
    """A kind of source as it is typed: its options, and what opens them."""

    options: type[DataOptions]
    open: Callable[[Any], Source]


def kind_of(source: type) -> Kind:
    """Return how a source of this type is typed: that of a recipe's ``source`` decides its options."""
    known: dict[type, Kind] = {Pairs: Kind(PairOptions, open_pairs), Unpaired: Kind(UnpairedOptions, open_unpaired)}
    return known.get(source, Kind(DataOptions, open_source))


def facts_of(source: Source) -> Facts | None:
    """Return what the source found in its files, or None where it was not made from files."""
    from ganworks.data.arrays import Images, Points

    whole = source.whole if isinstance(source, Part) else source
    return whole.facts if isinstance(whole, Images | Points | Crops) else None


def _open_file(path: Path, options: DataOptions) -> Source:
    name = path.name.lower()
    if not path.stat().st_size:
        raise UserError(f"{path}: an empty file", KINDS)
    if name.endswith(".npy"):
        return open_npy(path, options)
    if name.endswith(".npz"):
        return open_npz(path, options)
    if name.endswith(".zip"):
        return open_zip(path, options)
    if name.removesuffix(".gz").endswith((".idx", "-ubyte", ".ubyte")):
        return open_idx(path, options)
    if name.endswith(PICTURES):
        raise UserError(f"{path}: a single image", "a folder or zip with at least 2 images",
                        f"give its folder: {path.parent}")
    raise UserError(f"{path}: a kind of file that cannot be read here", KINDS)


def _missing(given: str, path: Path) -> UserError:
    if os.sep in given or path.suffix:
        parent = path.parent
        beside = sorted(p.name for p in parent.iterdir()) if parent.is_dir() else []
        guess = did_you_mean(path.name, beside) if beside else ""
        remedy = guess if guess.startswith("did") else "check the path" if beside or parent.is_dir() else (
            f"the folder {parent} is not there either")
        return UserError(f"{given}: no such file or folder", KINDS, remedy)
    return UserError(f"unknown data '{given}', and no file or folder of that name", KINDS,
                     did_you_mean(given, [*TOYS, "digits"]))
