"""Make samples from a trained run: a grid, single images, an array, or a walk between latents.

  ganworks sample runs/x                            a grid of 64 images, or a row for each class
  ganworks sample runs/x --count 10000 --out x.npz  an array: "images", uint8 (N, H, W[, C])
  ganworks sample runs/x --format png --out images  single PNGs in a new folder
  ganworks sample runs/x --interpolate 12           strips of 12 images from one latent to the next
  ganworks sample runs/x --gif                      the same walk as an endless animation
  ganworks sample runs/x --class cat,dog            of these classes, where the run was told classes
  ganworks sample runs/x --vector=-0.3,1.2          on this vector, where it was told vectors

Samples are made with averaged weights where the run has them. The same seed gives the same samples. An array of a run
that was told classes holds "labels" and "label_names" too, and a folder has a sub-folder for each class; without
--class they come as often as in the data.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ganworks.commands.conditions import add_conditions, asked
from ganworks.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

    from ganworks.train import Trainer
    from ganworks.train.portrait import Told

FORMATS = {"grid": ".png", "png": "", "npz": ".npz", "gif": ".gif"}
STOPS, FRAMES = 8, 16
SMOOTH = 256  # pixels: least width of an animation
SECONDS = 0.08


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", metavar="RUN", help="directory of the run")
    parser.add_argument("--count", type=int, metavar="N", help="how many samples (default: 64, of points 2000; a grid "
                        f"of classes has full rows); of a walk, how many latents it passes (default: {STOPS})")
    add_conditions(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the latents (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="PATH", help="where they go (default: a name in RUN that says what "
                        "they are)")
    parser.add_argument("--format", metavar="KIND", help="grid: one picture; png: a folder of single ones; npz: an "
                        "array (default: by the ending of --out, else grid)")
    parser.add_argument("--checkpoint", default="last", metavar="WHICH", help="last, best, or a step (default: last)")
    parser.add_argument("--live", action="store_true", help="the weights as trained, not their moving average")
    parser.add_argument("--interpolate", type=int, metavar="N", help="strips of N images from one latent to the next")
    parser.add_argument("--gif", action="store_true", help="an endless animation of such a walk")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Make the samples and print where they are. Returns 0."""
    kind = checked_kind(args)
    from ganworks.report.output import refuse_taken
    from ganworks.train import Run

    source = Run.open(args.run)
    if args.out is not None:
        refuse_taken(args.out, kind == "png", args.force)
    from ganworks.recipes import rebuild

    trainer = rebuild(source, args.checkpoint, args.device)
    print(make(trainer, args, kind))
    return 0


def make(trainer: Trainer, args: argparse.Namespace, kind: str) -> Path:
    """Write what ``args`` ask for, from the trainer's weights; return where it is."""
    from ganworks.report.output import refuse_taken
    from ganworks.train.portrait import portrait_count

    walks = args.gif or args.interpolate is not None
    told = asked(trainer, args)
    count = args.count or STOPS if walks else portrait_count(trainer, args.count, told, rows=kind == "grid")
    out = args.out or Path(args.run) / _name(trainer, args, kind, count, told)
    refuse_taken(out, kind == "png", args.force)
    if walks:
        _walk(trainer, args, count, out, told)
    elif kind == "grid":
        _picture(trainer, args, out, told)
    else:
        _samples(trainer, args, kind, count, out, told)
    return out


def checked_kind(args: argparse.Namespace) -> str:
    """Return which of ``FORMATS`` is asked for; raise UserError for what cannot be made."""
    if args.count is not None and args.count < 1:
        raise UserError(f"--count {args.count}", "at least 1")
    if args.interpolate is not None and args.interpolate < 2:
        raise UserError(f"--interpolate {args.interpolate}", "at least 2 images from one latent to the next")
    ending = args.out.suffix.lower() if args.out else ""
    kind = args.format or {".npz": "npz", ".gif": "gif"}.get(ending, "grid")
    if kind not in FORMATS:
        raise UserError(f"--format {kind}", did_you_mean(kind, ("grid", "png", "npz")))
    if kind == "gif":
        args.gif = True
    walks = args.gif or args.interpolate is not None
    if walks and args.count == 1:
        raise UserError("a walk with --count 1", "at least 2 latents to walk between")
    if walks and kind not in ("grid", "gif"):
        raise UserError(f"a walk between latents with --format {kind}", "a grid of strips, or --gif",
                        "leave out --format")
    kind = "gif" if args.gif else kind
    if args.out and kind != "png" and ending != FORMATS[kind]:
        raise UserError(f"--out {args.out} for {'an' if kind == 'npz' else 'a'} {kind}",
                        f"a name that ends in {FORMATS[kind]}",
                        "give the --format that is meant (png: a folder of single images)")
    return kind


def _name(trainer: Trainer, args: argparse.Namespace, kind: str, count: int, told: Told | None) -> str:
    what = "walk" if args.gif else "strips" if args.interpolate is not None else "samples" if kind != "grid" else "grid"
    frames = f"x{args.interpolate or FRAMES}" if what in ("walk", "strips") else ""
    of = "-of-" + re.sub(r"[^A-Za-z0-9.]+", "_", "_".join(told.names))[:40] if told else ""
    live = "-live" if args.live else ""
    return f"{what}-{count}{frames}{of}-step-{trainer.step}-seed-{args.seed}{live}{FORMATS[kind]}"


def _picture(trainer: Trainer, args: argparse.Namespace, out: Path, told: Told | None) -> None:
    from ganworks.data import TOYS
    from ganworks.data.pictures import save
    from ganworks.train.portrait import portrait

    # The data need not be at hand; of a toy, the name is enough to draw it along.
    toy = TOYS.get(trainer.source.name) if len(trainer.source.shape) == 1 else None
    save(portrait(trainer, args.count, args.seed, not args.live, told, toy() if toy else None), out)


def _samples(trainer: Trainer, args: argparse.Namespace, kind: str, count: int, out: Path, told: Told | None) -> None:
    import torch

    from ganworks.report.draws import drawn
    from ganworks.report.output import write_arrays, write_folder

    if len(trainer.source.shape) == 1 and kind == "png":
        raise UserError(f"--format png for samples of shape {trainer.source.shape}", "images",
                        "take --format grid (a scatter plot) or npz")
    condition = trainer.conditions(count, args.seed) if told is None else told.spread(count)
    chunks: Iterator[Tensor] = drawn(trainer, count, args.seed, not args.live, condition)
    labels = condition if trainer.game.condition == "label" else None
    names = trainer.source.classes or ()
    if kind == "png":
        write_folder(out, chunks, None if labels is None else [names[label] for label in labels.tolist()])
    else:
        write_arrays(out, torch.cat(list(chunks)), labels, names, condition if labels is None else None)


def _walk(trainer: Trainer, args: argparse.Namespace, count: int, out: Path, told: Told | None) -> None:
    from ganworks.data.pictures import animation, grid, save
    from ganworks.report.draws import walk

    frames = args.interpolate or FRAMES
    legs = walk(trainer, count, frames, args.seed, not args.live, None if told is None else told.values)
    if args.gif:
        # Each leg but for its last image, which is the first of the next one.
        scale = max(1, -(-SMOOTH // legs.shape[-1]))
        animation([grid(image[None], scale=scale, pad=0) for leg in legs for image in leg[:-1]], out, SECONDS)
    else:
        save(grid(legs.flatten(0, 1), columns=frames), out)
