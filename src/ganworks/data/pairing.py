"""From what the user typed to pairs, or to two kinds of images: which files, and what belongs together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from ganworks.data.cache import Writer, cached
from ganworks.data.conditions import evenly
from ganworks.data.facts import Facts
from ganworks.data.folder import Found, found_in
from ganworks.data.items import Item, decode_all, decoded_of, header_of, looked_at, refuse_few, said_by
from ganworks.data.options import PairOptions, UnpairedOptions
from ganworks.data.pairs import Crops, Pairs, Unpaired
from ganworks.data.pixels import Half, Header
from ganworks.errors import UserError

LAYOUT = ("a folder with the folders A and B in it (or trainA and trainB), a folder of pictures that have A on the "
          "left and B on the right, or the folder of A and --to the folder of B")
FOLDERS = (("a", "b"), ("traina", "trainb"))
LISTED = 5
NARROW = 0.7  # of its height: a half that is less wide is hardly an image of its own
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
        groups = _matched(first, second)
        skipped = [*first.skipped, *second.skipped]
    files = Files(groups, skipped, (first.identity, second.identity), first.path, f"pairs of images, {first.kind}")
    facts, trained, kept = _opened(files, options)
    make = partial(Pairs, split=facts.split, side=facts.crop, name=_stem(options.path),
                   turned=options.direction == "BtoA")
    return make(trained.samples, flip=options.flip, facts=facts, names=trained.names,
                kept=None if kept is None else make(kept.samples, names=kept.names))


def open_unpaired(options: UnpairedOptions) -> Unpaired:
    """Return the two kinds of images that ``options`` name."""
    first, second = _kinds(options.path, options.to)
    inputs = _one_kind(first, options)
    return Unpaired(inputs, _one_kind(second, options.model_copy(update={"size": inputs.side})), _stem(options.path))


def _one_kind(files: Files, options: UnpairedOptions) -> Crops:
    facts, trained, kept = _opened(files, options)
    make = partial(Crops, side=facts.crop, name=_stem(files.path))
    return make(trained.samples, flip=options.flip, facts=facts, names=trained.names,
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
    return _half(found, "left"), _half(found, "right")


def _half(found: Files, half: Half) -> Files:
    groups = [Group((replace(group.parts[0], half=half),)) for group in found.groups]
    return replace(found, groups=groups, identity=(found.identity, half))


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
    lone = [*_lone(first, a, b), *_lone(second, b, a)]
    if lone:
        more = f", and {len(lone) - LISTED:,} more" if len(lone) > LISTED else ""
        raise UserError(f"{len(lone):,} of {len(a.keys() | b.keys()):,} images have no partner: "
                        + ", ".join(lone[:LISTED]) + more, "the same names in both folders, endings aside",
                        "add or remove those; images that do not belong together are for cyclegan")
    return [Group((a[name], b[name])) for name in sorted(a.keys() & b.keys())]


def _lone(files: Files, mine: Mapping[str, Item], other: Mapping[str, Item]) -> Iterator[str]:
    """Yield the images without a partner; what is no image is skipped."""
    for name in sorted(mine.keys() - other.keys()):
        try:
            _headers(Group((mine[name],)))
        except Exception as error:  # a note beside the images, say
            files.skipped.append((mine[name].name, str(error)))
        else:
            yield f"{name} (only in {files.path})"


def _by_stem(files: Files) -> dict[str, Item]:
    items: dict[str, Item] = {}
    for group in files.groups:
        stem = str(PurePosixPath(group.name).with_suffix(""))
        if stem in items:
            raise UserError(f"{files.path}: {items[stem].name} and {group.name} are one name", "one image for a name")
        items[stem] = group.parts[0]
    return items


def _stem(path: str) -> str:
    return Path(path).expanduser().resolve().stem


# ---- how they are decoded

@dataclass(frozen=True)
class Part:
    """Images that are trained on, or those that are not, uint8 (N, C, S, S), and their names."""

    samples: np.ndarray
    names: tuple[str, ...]


def _sides(options: UnpairedOptions, seen: Sequence[tuple[Header, ...]]) -> tuple[int, int]:
    """Return the side of the crops, and that of the images that they are cut from."""
    sizes = {(one.width, one.height) for heads in seen for one in heads}
    least = min(min(size) for size in sizes)
    own = least if sizes == {(least, least)} else next((side for side in SIDES if side <= least), least)
    crop = options.size or min(own, SIDES[0])
    load = options.load_size or round(crop * ENLARGED)
    if load < crop:
        raise UserError(f"--load-size {load} with crops of {crop}", f"at least {crop}",
                        "leave out --load-size, or take a smaller --size")
    return crop, load


def _opened(files: Files, options: UnpairedOptions) -> tuple[Facts, Part, Part | None]:
    """Return what was found, the images that are trained on, larger than their crops, and those kept out, exact."""
    count = len(files.groups)
    out = set(evenly(count, round(options.held_out * count)).tolist()) if count > 1 else set()
    if out and count - len(out) < 2:
        raise UserError(f"--held-out {options.held_out:g} of {count} images leaves {count - len(out)} to train on",
                        "at least 2", "keep fewer of them out")
    key = (files.identity, options.size, options.load_size, options.channels, options.fit, options.held_out)
    trained = cached(_stem(files.path), ("trained", *key), partial(_write, files, out, options))
    facts, inside = trained.facts, [i for i in range(count) if i not in out]
    if not out:
        return facts, Part(trained.samples, _names(files, inside, facts)), None
    split = (facts.split, facts.shape[0] - facts.split) if facts.split else (facts.shape[0],)

    def whole(writer: Writer) -> Facts:
        skipped: list[tuple[str, str]] = []
        groups = [files.groups[i] for i in sorted(out)]
        decode_all(groups, skipped, writer, lambda group: _decoded(group, facts.crop, split, options.fit))
        if not writer.count:
            raise UserError(f"{files.path}: none of the {len(groups)} images that are kept out can be read: "
                            f"{skipped[0][0]}: {skipped[0][1]}", "images", "mend or remove it, or take --held-out 0")
        return Facts(files.kind, files.path, len(groups), skipped=tuple(skipped), split=facts.split)

    entry = cached(_stem(files.path), ("kept", *key, facts.crop), whole)
    told = tuple(dict((*facts.skipped, *entry.facts.skipped)).items())
    return (facts.but(skipped=told, found=count), Part(trained.samples, _names(files, inside, facts)),
            Part(entry.samples, _names(files, sorted(out), entry.facts)))


def _names(files: Files, places: Sequence[int], facts: Facts) -> tuple[str, ...]:
    bad = {name for name, _ in facts.skipped}
    return tuple(name for i in places if (name := files.groups[i].name) not in bad)


def _write(files: Files, out: Set[int], options: UnpairedOptions, writer: Writer) -> Facts:
    """Decode all images but those at the places ``out``; the headers of all decide the sizes and the channels."""
    skipped = list(files.skipped)
    good, seen = looked_at(files.groups, skipped, _headers)
    refuse_few(len(good), len(files.groups), files.path, skipped)
    if files.kind == "side by side" or files.kind.endswith(", side by side"):
        _refuse_narrow(files, good, seen)
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
    kept = {files.groups[i].name for i in out}
    mine = [i for i, group in enumerate(good) if group.name not in kept]
    done = decode_all([good[i] for i in mine], skipped, writer,
                      lambda group: _decoded(group, load, channels, options.fit))
    refuse_few(writer.count, len(mine), files.path, skipped)
    heads = [head for i in done for head in seen[mine[i]]]
    return Facts(files.kind, files.path, len(files.groups), skipped=tuple(skipped),
                 split=channels[0] if len(channels) > 1 else 0, crop=crop, **said_by(heads))


def _refuse_narrow(files: Files, good: Sequence[Group], seen: Sequence[tuple[Header, ...]]) -> None:
    """Raise UserError where halves are so narrow that the pictures hardly hold two images beside each other."""
    narrow = [(group.name, heads[0]) for group, heads in zip(good, seen, strict=True)
              if heads[0].width < NARROW * heads[0].height]
    if 2 * len(narrow) > len(good):
        name, head = narrow[0]
        raise UserError(f"{files.path}: pictures that do not look like A and B side by side, {name} with "
                        f"{2 * head.width} x {head.height} first", LAYOUT, "of images of two kinds: --to FOLDER")


def _headers(group: Group) -> tuple[Header, ...]:
    return tuple(header_of(part) for part in group.parts)


def _decoded(group: Group, size: int, channels: Sequence[int], fit: str) -> np.ndarray:
    return np.concatenate([decoded_of(part, size, own, fit) for part, own in zip(group.parts, channels, strict=True)])
