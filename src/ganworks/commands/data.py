"""Say what a data set holds, and draw a grid of it.

PATH is a folder or .zip of images, a .npy or .npz array, an MNIST-style .idx or .idx.gz file, hf:NAME[:SPLIT], or a
built-in name: digits, mixture1d, ring8, grid25, moons, spiral.

With --kind pairs or --kind unpaired it is what pix2pix and cyclegan train on: a folder with the folders A and B in it,
the folder of A with --to the folder of B, or a folder of pictures that have A on the left and B on the right. Pairs are
drawn side by side.

examples:
  ganworks data digits
  ganworks data ring8
  ganworks data photos/ --size 64 --fit pad
  ganworks data flowers.zip --size 32 --channels 1 --out flowers.png
  ganworks data train-images-idx3-ubyte.gz
  ganworks data hf:ylecun/mnist:test --json
  ganworks data maps/ --kind pairs --size 64
  ganworks data horses/ --to zebras/ --kind unpaired
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ganworks.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ganworks.data.facts import Facts
    from ganworks.data.source import Source
    from ganworks.data.toys import Toy

SHOWN = 64  # images in the grid
DRAWN = 2000  # points in the scatter
BESIDE = 10  # pairs in a picture
LISTED = 12  # sizes, classes or skipped files that are printed one by one


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    head, _, examples = __doc__.partition("examples:\n")
    parser.description, parser.epilog = head.strip(), "examples:\n" + examples.rstrip()
    parser.add_argument("path", metavar="PATH", help="the data: a file, a folder, or a name")
    parser.add_argument("--kind", default="images", choices=("images", "pairs", "unpaired"), help="images "
                        "(the default), pairs of an input and what should become of it, or images of two kinds")
    parser.add_argument("--to", metavar="FOLDER", help="of pairs and unpaired images, the folder of B")
    parser.add_argument("--size", type=int, help="side of the square images in pixels (default: the images' own, else "
                        "the largest of 8, 16, 32, 64, 128 not above their median side; of pairs and unpaired images, "
                        "at most 256 and not above their smallest side)")
    parser.add_argument("--channels", type=int, help="1 grey, 3 RGB, 4 RGBA (default: grey or RGB, as found, with "
                        "transparency laid on white)")
    parser.add_argument("--fit", default="crop", help="how an image becomes square: crop (the default), stretch, pad")
    parser.add_argument("--flip", action="store_true", help="mirror images at random when batches are drawn")
    parser.add_argument("--out", type=Path, metavar="PNG", help="where the grid goes (default: NAME-grid.png, here)")
    parser.add_argument("--json", action="store_true", help="print the facts as JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Open the data, print its facts, write its grid. Returns 0."""
    from ganworks.data.opening import facts_of, open_source
    from ganworks.data.options import checked
    from ganworks.data.pictures import picture, save
    from ganworks.data.toys import Toy

    if args.kind != "images":
        return _translated(args)
    if args.to is not None:
        raise UserError(f"--to {args.to} without a kind", "--kind pairs or --kind unpaired")
    options = checked(path=args.path, size=args.size, channels=args.channels, fit=args.fit, flip=args.flip)
    source = open_source(options)
    toy = source if isinstance(source, Toy) else None
    shown = source.head(DRAWN if len(source.shape) == 1 else SHOWN)["sample"]
    out = args.out or Path(f"{source.name.replace('/', '-').replace(':', '-')}-grid.png")
    save(picture(shown, toy), out)
    facts = facts_of(source)
    batch = _batch_words(source)
    if args.json:
        print(_as_json(source, facts, toy, batch, out))
        return 0
    for label, text in _lines(source, facts, toy, options.flip):
        print(f"{label:<12}{text}")
    print(f"{'batch':<12}{batch}")
    print(f"{'picture':<12}{out}")
    return 0


def _translated(args: argparse.Namespace) -> int:
    """Show pairs, or images of two kinds: what was found of each, and some of them side by side."""
    from ganworks.data.options import PairOptions, UnpairedOptions, checked_as
    from ganworks.data.pairing import open_pairs, open_unpaired
    from ganworks.data.pairs import Pairs
    from ganworks.data.pictures import beside, save

    given = {name: getattr(args, name) for name in ("path", "to", "size", "channels", "fit", "flip")}
    source = (open_pairs(checked_as(PairOptions, **given)) if args.kind == "pairs"
              else open_unpaired(checked_as(UnpairedOptions, **given)))
    shown = source.trained(BESIDE)
    out = args.out or Path(f"{source.name}-{args.kind}.png")
    least = min(len(images) for images in shown.values())
    save(beside({"A": shown["input"][:least], "B": shown["sample"][:least]}), out)
    parts = {"A and B": source} if isinstance(source, Pairs) else {"A": source.inputs, "B": source.samples}
    batch = _batch_words(source)
    kept = {name: 0 if part.kept is None else len(part.kept) for name, part in parts.items()}
    if args.json:
        found = {name: json.loads(part.facts.to_json()) for name, part in parts.items() if part.facts is not None}
        print(json.dumps({"name": source.name, "input": list(source.input or ()), "shape": list(source.shape),
                          "batch": batch, "picture": str(out), "kept_out": kept, "found": found}, indent=1))
        return 0
    for name, part in parts.items():
        print(f"{name:<12}{len(part):,} to train on, {kept[name]:,} kept out, cut to {part.side} x {part.side} from "
              f"{part.pixels.shape[-1]} x {part.pixels.shape[-1]}")
        for label, text in [] if part.facts is None else _lines(part, part.facts, None, args.flip)[1:]:
            print(f"{label:<12}{text}")
    print(f"{'batch':<12}{batch}")
    print(f"{'picture':<12}{out}")
    return 0


def _lines(source: Source, facts: Facts | None, toy: Toy | None, flip: bool) -> list[tuple[str, str]]:
    if toy is not None:
        return [("name", f"{toy.name}: a density on R^{toy.shape[0]}, sampled afresh for each batch"), *_toy_lines(toy)]
    if facts is None:
        return [("name", source.name)]
    what = "images" if len(source.shape) == 3 else "points"
    lines = [("name", f"{source.name}: {facts.kind}"), ("path", facts.path),
             ("samples", f"{facts.count:,} {what} of {facts.found:,} found")]
    if facts.sizes:
        lines += [("size found", _listed(facts.sizes)), ("format", _listed(facts.formats))]
    lines += [("values", facts.values), ("shape", _shape_words(source.shape))]
    lines.append(("classes", f"{len(facts.classes)}: {_listed(facts.classes)}" if facts.classes else "none"))
    if facts.vectors:
        lines.append(("vectors", _vector_words(facts.vectors)))
    lines.append(("duplicates", f"{facts.duplicates:,} equal an earlier one" if facts.duplicates else "none"))
    if flip:
        lines.append(("flip", "each image is mirrored with probability 1/2 when a batch is drawn"))
    lines += [("note", note) for note in facts.notes]
    lines.append(("skipped", f"{len(facts.skipped):,}" if facts.skipped else "none"))
    lines += [("", f"{name}: {reason}") for name, reason in facts.skipped[:LISTED]]
    if len(facts.skipped) > LISTED:
        lines.append(("", f"and {len(facts.skipped) - LISTED:,} more (all of them: --json)"))
    lines.append(("cache", f"{facts.cache} ({facts.cache_bytes / 2**20:.1f} MiB)"))
    return lines


def _vector_words(ranges: Sequence[tuple[float, float]]) -> str:
    words = ", ".join(f"{low:g}..{high:g}" for low, high in ranges[:LISTED])
    more = f", and {len(ranges) - LISTED:,} more" if len(ranges) > LISTED else ""
    return f"{len(ranges)} real {'number' if len(ranges) == 1 else 'numbers'} with each sample: {words}{more}"


def _toy_lines(toy: Toy) -> list[tuple[str, str]]:
    from ganworks.data.toys import Mixture

    sample = toy.head(20_000)["sample"].numpy()
    entropy = -float(toy.log_density(sample).mean())
    lines = [("mean", " ".join(f"{m:.3f}" for m in sample.mean(axis=0)) + "  (of 20,000 samples)"),
             ("sd", " ".join(f"{s:.3f}" for s in sample.std(axis=0))),
             ("entropy", f"{entropy:.3f} nats")]
    if isinstance(toy, Mixture):
        spread = f"{toy.sd[0]:g}" if (toy.sd == toy.sd[0]).all() else ", ".join(f"{s:g}" for s in toy.sd)
        lines.append(("modes", f"{len(toy.modes)} Gaussians of sd {spread}"))
    return lines


def _shape_words(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return f"{shape[0]} numbers a sample"
    return f"{shape[2]} x {shape[1]}, " + {1: "grey", 3: "RGB", 4: "RGBA"}[shape[0]]


def _batch_words(source: Source) -> str:
    size = min(64, len(source) or 64)
    batch = source.batch(0, size, seed=0)
    return ", ".join(f"{name} {tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}" for name, x in batch.items())


def _listed(counts: Mapping[str, int]) -> str:
    most = list(counts.items())
    words = ", ".join(f"{name} ({count:,})" for name, count in most[:LISTED])
    return words + (f", and {len(most) - LISTED:,} more" if len(most) > LISTED else "")


def _as_json(source: Source, facts: Facts | None, toy: Toy | None, batch: str, out: Path) -> str:
    found = {"name": source.name, "shape": list(source.shape), "batch": batch, "picture": str(out)}
    if facts is not None:
        found |= json.loads(facts.to_json())
    if toy is not None:
        found |= {"kind": "toy", **dict(_toy_lines(toy))}
    return json.dumps(found, indent=1)
