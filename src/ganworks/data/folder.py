"""A folder or a zip of images, nested as it likes, with classes from its sub-folders."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ganworks.data.arrays import Images
from ganworks.data.cache import Writer, cached
from ganworks.data.facts import Facts
from ganworks.data.items import Item, write_items
from ganworks.data.options import DataOptions
from ganworks.errors import UserError

IGNORED = ("__MACOSX", "Thumbs.db", "desktop.ini")
LARGEST = 2**29  # bytes that one member of a zip may unpack to
SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}
Opener = Callable[[], BinaryIO]


@dataclass(frozen=True)
class Found:
    """A file in the folder or zip: its parts below the top, bytes, time of change, and why it is skipped, if it is."""

    parts: tuple[str, ...]
    size: int
    changed: int
    problem: str = ""

    @property
    def name(self) -> str:
        """Its path below the top."""
        return "/".join(self.parts)


def open_folder(path: Path, options: DataOptions) -> Images:
    """Open a folder of images. Links to folders are followed once each, so that a loop ends."""
    found = found_in(path)
    identity = ("folder", str(path.resolve()), [(f.parts, f.size, f.changed, f.problem) for f in found])

    def build(writer: Writer) -> Facts:
        def opener(file: Found) -> Opener:
            return lambda: open(path.joinpath(*file.parts), "rb")

        return _write(found, opener, Facts("folder of images", str(path), len(found)), writer, options)

    return _opened(path, identity, build, options)


def found_in(path: Path) -> list[Found]:
    """Return the files of a folder and of all folders in it, by name; hidden ones are left out."""
    return sorted(_walk(path, (), set()), key=lambda f: f.parts)


def open_zip(path: Path, options: DataOptions) -> Images:
    """Open a zip of images. Nothing is unpacked to disk; members are read in memory, up to 512 MiB each."""
    stat = path.stat()
    identity = ("zip", str(path.resolve()), stat.st_size, stat.st_mtime_ns)

    def build(writer: Writer) -> Facts:
        with zipfile.ZipFile(path) as archive:
            members = dict(_members(archive))
            found = sorted(members, key=lambda f: f.parts)

            def opener(file: Found) -> Opener:
                return lambda: archive.open(members[file])  # type: ignore[return-value]

            return _write(found, opener, Facts("zip of images", str(path), len(found)), writer, options)

    try:
        return _opened(path, identity, build, options)
    except zipfile.BadZipFile as error:
        raise UserError(f"{path}: a damaged zip, or no zip at all ({error})", "a zip of images",
                        "pack or download it again") from error


def classes_from_folders(names: Sequence[str]) -> tuple[list[str] | None, tuple[str, ...]]:
    """Return the class of each image, the top folder in its name, or None; and notes about it.

    A single folder around everything is no class. There are classes only if every image lies in a sub-folder and
    there are two or more of these.
    """
    parts = [tuple(name.split("/")) for name in names]
    while parts and all(len(p) > 1 for p in parts) and len({p[0] for p in parts}) == 1:
        parts = [p[1:] for p in parts]
    tops = {p[0] for p in parts if len(p) > 1}
    loose = sum(len(p) == 1 for p in parts)
    if loose or len(tops) < 2:
        mixed = f"{loose} images lie beside the sub-folders, not in them, so there are no classes"
        return None, (mixed,) if loose and tops else ()
    splits = "the sub-folders look like splits, not classes: give one of them as the path"
    return [p[0] for p in parts], (splits,) if {t.lower() for t in tops} <= SPLITS else ()


def _opened(path: Path, identity: tuple, build: Callable[[Writer], Facts], options: DataOptions) -> Images:
    name = path.resolve().stem
    entry = cached(name, (*identity, options.size, options.channels, options.fit), build)
    classes = tuple(entry.facts.classes) or None
    return Images(entry.samples, entry.labels, classes, name, options.flip, entry.facts)


def _write(found: Sequence[Found], opener: Callable[[Found], Opener], facts: Facts, writer: Writer,
           options: DataOptions) -> Facts:
    items = [Item(f.name, opener(f)) for f in found if not f.problem]
    facts = facts.but(skipped=tuple((f.name, f.problem) for f in found if f.problem))
    return write_items(items, facts, writer, options, lambda good: classes_from_folders([i.name for i in good]))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in IGNORED


def _walk(folder: Path, parts: tuple[str, ...], above: set[tuple[int, int]]) -> Iterator[Found]:
    try:
        status = folder.stat()
        here = (status.st_dev, status.st_ino)
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as error:
        yield Found(parts or (folder.name,), 0, 0, f"cannot be read: {error.strerror}")
        return
    if here in above:
        return
    above.add(here)
    for entry in entries:
        if _hidden(entry.name):
            continue
        try:
            if entry.is_dir():
                yield from _walk(Path(entry.path), (*parts, entry.name), above)
                continue
            stat = entry.stat()
            # A pipe or a device would wait for ever.
            problem = "" if entry.is_file() else "not a file"
            yield Found((*parts, entry.name), stat.st_size, stat.st_mtime_ns, problem)
        except OSError as error:
            yield Found((*parts, entry.name), 0, 0, f"cannot be read: {error.strerror}")


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[Found, zipfile.ZipInfo]]:
    for info in archive.infolist():
        parts = tuple(part for part in info.filename.split("/") if part not in ("", ".", ".."))
        if info.is_dir() or not parts or any(_hidden(part) for part in parts):
            continue
        problem = ""
        if info.flag_bits & 1:
            problem = "encrypted"
        elif info.file_size > LARGEST:
            problem = f"would unpack to {info.file_size / 2**20:,.0f} MiB"
        yield Found(parts, info.file_size, 0, problem), info
