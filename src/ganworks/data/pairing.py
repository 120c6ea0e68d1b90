"""From what the user typed to pairs, or to two kinds of images: which files, and what belongs together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from ganworks.data.cache import Entry, Writer, cached
from ganworks.data.conditions import evenly
from ganworks.data.facts import Facts
from ganworks.data.folder import Found, found_in
from ganworks.data.items import Item, decode_all, looked_at, refuse_few
from ganworks.data.options import PairOptions, UnpairedOptions
from ganworks.data.pairs import Crops, Pairs, Unpaired
from ganworks.data.pixels import Header, decoded, header
from ganworks.errors import UserError

LAYOUT = ("a folder with the folders A and B in it (or trainA and trainB), a folder of pictures that have A on the "
          "left and B on the right, or the folder of A and --to the folder of B")
FOLDERS = (("a", "b"), ("traina", "trainb"))
LISTED = 5
SIDES = (256, 128, 64, 32, 16, 8)
ENLARGED = 286 / 256
"""How much larger than their crops images are made, as Isola et al. 2017 (section 6.2) and Zhu et al. 2017 do it."""


@dataclass(frozen=True)
class Group:
    """Files that make one sample together: one image, or both halves of a pair."""

    parts: tuple[Item, ...]

    @property
    def name(self) -> str:
        """Its name for the user."""
        return " + ".join(dict.fromkeys(part.name for part in self.parts))


@dataclass(frozen=True)
class Files:
    """What was found: the images of a kind, or pairs; and what cannot be used, with the reason."""

    groups: list[Group]
    skipped: list[tuple[str, str]]
    identity: object
    path: str
    kind: str


def open_pairs(options: PairOptions) -> Pairs:
    """Return the pairs that ``options`` name; UserError where some have no partner, or none are there."""
    first, second = _kinds(options.path, options.to)
    if first.kind == "side by side":
        groups = [Group((a.parts[0], b.parts[0])) for a, b in zip(first.groups, second.groups, strict=True)]
        skipped = first.skipped
    else:
        groups, skipped = _matched(first, second), [*first.skipped, *second.skipped]
    files = Files(groups, skipped, (first.identity, second.identity), first.path, f"pairs of images, {first.kind}")
    trained, kept = _opened(files, options)
    make = partial(Pairs, split=trained.facts.split, side=trained.facts.crop, name=_name(options.path),
                   turned=options.direction == "BtoA")
    return make(trained.samples, flip=options.flip, facts=trained.facts,
                kept=None if kept is None else make(kept.samples, names=kept.names))


def open_unpaired(options: UnpairedOptions) -> Unpaired:
    """Return the two kinds of images that ``options`` name."""
    first, second = _kinds(options.path, options.to)
    inputs = _one_kind(first, options)
    return Unpaired(inputs, _one_kind(second, options.model_copy(update={"size": inputs.side})), _name(options.path))


def _one_kind(files: Files, options: UnpairedOptions) -> Crops:
    trained, kept = _opened(files, options)
    make = partial(Crops, side=trained.facts.crop, name=_name(files.path))
    return make(trained.samples, flip=options.flip, facts=trained.facts,
                kept=None if kept is None else make(kept.samples, names=kept.names))


# ---- which files

def _kinds(path: str, to: str | None) -> tuple[Files, Files]:
    if not path:
        raise UserError("no images to translate (--data)", LAYOUT)
    folder = _folder(path)
    if to is not None:
        return _files(folder, "by name"), _files(_folder(to), "by name")
    below = {entry.name.lower(): entry for entry in folder.iterdir() if entry.is_dir()}
    for a, b in FOLDERS:
        if a in below and b in below:
            return _files(below[a], "by name"), _files(below[b], "by name")
        if a in below or b in below:
            there, missing = (a, b) if a in below else (b, a)
            raise UserError(f"{folder} has a folder {below[there].name} and none called {missing.upper()}", LAYOUT)
    found = _files(folder, "side by side")
    left, right = ([Group((replace(group.parts[0], half=half),)) for group in found.groups]
                   for half in ("left", "right"))
    return replace(found, groups=left), replace(found, groups=right)


def _folder(path: str) -> Path:
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise UserError(f"{path}: " + ("not a folder" if folder.exists() else "no such folder"), LAYOUT)
    return folder


def _files(folder: Path, kind: str) -> Files:
    found = found_in(folder)
    if not found:
        raise UserError(f"{folder}: no files in it", "images of this kind", "check the path")

    def opener(file: Found) -> Callable[[], BinaryIO]:
        return lambda: open(folder.joinpath(*file.parts), "rb")

    groups = [Group((Item(file.name, opener(file)),)) for file in found if not file.problem]
    skipped = [(file.name, file.problem) for file in found if file.problem]
    identity = (str(folder.resolve()), [(f.parts, f.size, f.changed, f.problem) for f in found])
    return Files(groups, skipped, identity, str(folder), kind)


def _matched(first: Files, second: Files) -> list[Group]:
    """Return a pair for each name, endings aside; UserError with the names that are not in both folders."""
    a, b = _by_stem(first), _by_stem(second)
    lone = [*(f"{name} (only in {first.path})" for name in sorted(a.keys() - b.keys())),
            *(f"{name} (only in {second.path})" for name in sorted(b.keys() - a.keys()))]
    if lone:
        more = f", and {len(lone) - LISTED:,} more" if len(lone) > LISTED else ""
        raise UserError(f"{len(lone):,} of {len(a.keys() | b.keys()):,} images have no partner: "
                        + ", ".join(lone[:LISTED]) + more, "the same names in both folders, endings aside",
                        "add or remove those; images that do not belong together are for cyclegan")
    return [Group((a[name], b[name])) for name in sorted(a)]


def _by_stem(files: Files) -> dict[str, Item]:
    items: dict[str, Item] = {}
    for group in files.groups:
        stem = str(PurePosixPath(group.name).with_suffix(""))
        if stem in items:
            raise UserError(f"{files.path}: {items[stem].name} and {group.name} are one name", "one image for a name")
        items[stem] = group.parts[0]
    return items


def _name(path: str) -> str:
    return Path(path).expanduser().resolve().stem


# ---- how they are decoded

@dataclass(frozen=True)
class Kept:
    """Images that are kept out of the training, uint8 (N, C, S, S), and their names."""

    samples: np.ndarray
    names: tuple[str, ...]


def _sides(options: UnpairedOptions, seen: Sequence[tuple[Header, ...]]) -> tuple[int, int]:
    """Return the side of the crops, and that of the images that they are cut from."""
    sizes = {(one.width, one.height) for heads in seen for one in heads}
    least = min(min(size) for size in sizes)
    own = least if sizes == {(least, least)} else next((side for side in SIDES if side <= least), least)
    crop = options.size or own
    load = options.load_size or round(crop * ENLARGED)
    if load < crop:
        raise UserError(f"--load-size {load} with crops of {crop}", f"at least {crop}",
                        "leave out --load-size, or take a smaller --size")
    return crop, load


def _opened(files: Files, options: UnpairedOptions) -> tuple[Entry, Kept | None]:
    """Return the cached images that are trained on, larger than their crops, and those that are kept out, exact."""
    count = len(files.groups)
    kept = evenly(count, round(options.held_out * count)) if count > 1 else np.empty(0, np.int64)
    key = (files.identity, options.size, options.load_size, options.channels, options.fit, options.held_out)
    trained = cached(_name(files.path), ("trained", *key), partial(
        _write, files, [group for i, group in enumerate(files.groups) if i not in set(kept.tolist())], options))
    if not len(kept):
        return trained, None
    facts = trained.facts
    split = (facts.split, facts.shape[0] - facts.split) if facts.split else (facts.shape[0],)

    def whole(writer: Writer) -> Facts:
        skipped: list[tuple[str, str]] = []
        groups = [files.groups[i] for i in kept]
        decode_all(groups, skipped, writer, lambda group: _decoded(group, facts.crop, split, options.fit))
        if not writer.count:
            raise UserError(f"{files.path}: none of the {len(groups)} images that are kept out can be read: "
                            f"{skipped[0][0]}: {skipped[0][1]}", "images", "mend or remove it, or take --held-out 0")
        return Facts(files.kind, files.path, len(groups), skipped=tuple(skipped), split=facts.split)

    entry = cached(_name(files.path), ("kept", *key, facts.crop), whole)
    bad = {name for name, _ in entry.facts.skipped}
    return trained, Kept(entry.samples, tuple(group.name for i in kept if (group := files.groups[i]).name not in bad))


def _write(files: Files, groups: Sequence[Group], options: UnpairedOptions, writer: Writer) -> Facts:
    skipped = list(files.skipped)
    good, seen = looked_at(groups, skipped, _headers)
    refuse_few(len(good), len(groups), files.path, skipped)
    crop, load = _sides(options, seen)
    small = [(group.name, head) for group, heads in zip(good, seen, strict=True) for head in heads
             if min(head.width, head.height) < crop]
    if small:
        name, head = small[0]
        raise UserError(f"{files.path}: {len(small):,} images are smaller than the crop of {crop} pixels, {name} with "
                        f"{head.width} x {head.height} first", f"at least {crop} pixels a side",
                        f"leave them out, or take --size {min(min(h.width, h.height) for _, h in small)} or less")
    channels = tuple(options.channels or (1 if all(heads[i].grey for heads in seen) else 3)
                     for i in range(len(seen[0])))
    done = decode_all(good, skipped, writer, lambda group: _decoded(group, load, channels, options.fit))
    refuse_few(writer.count, len(groups), files.path, skipped)
    heads = [head for i in done for head in seen[i]]
    sizes, deep = Counter((head.width, head.height) for head in heads), sum(head.bits == 16 for head in heads)
    return Facts(files.kind, files.path, len(groups), skipped=tuple(skipped),
                 sizes={f"{width}x{height}": n for (width, height), n in sizes.most_common()},
                 formats=dict(Counter(head.words for head in heads).most_common()),
                 values="0..255" + (f" ({deep:,} of 16 bit were scaled to it)" if deep else ""),
                 split=channels[0] if len(channels) > 1 else 0, crop=crop)


def _headers(group: Group) -> tuple[Header, ...]:
    return tuple(_each(group, lambda handle, part: header(handle, part.half)))


def _decoded(group: Group, size: int, channels: Sequence[int], fit: str) -> np.ndarray:
    wanted = iter(channels)
    return np.concatenate(list(_each(group, lambda handle, part: decoded(handle, size, next(wanted), fit, part.half))))


def _each(group: Group, look: Callable[[BinaryIO, Item], object]) -> Iterator:
    for part in group.parts:
        with part.open() as handle:
            yield look(handle, part)
