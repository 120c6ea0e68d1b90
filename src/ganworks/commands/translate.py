"""Translate images of any size by a run of pix2pix or cyclegan.

Every image of the input folder, and of the folders in it, is translated and written under its own name into the output
folder. Large images are cut into tiles that fade into each other. What cannot be read is skipped and named; the rest is
done.

examples:
  ganworks translate runs/maps --input aerial/ --output maps/
  ganworks translate runs/zebras --input zebras/ --output horses/ --direction BtoA
  ganworks translate runs/maps --input aerial/ --output maps/ --size 256 --grid before-after.png
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ganworks.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor, nn

    from ganworks.data.folder import Found

KEPT = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF",
        ".tiff": "TIFF"}
"""Endings that a translation keeps; behind all others stands .png."""
LARGEST = 1024
SHOWN = 8
THUMB = 256


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", metavar="RUN", help="directory of the run")
    parser.add_argument("--input", type=Path, required=True, metavar="FOLDER", help="images to translate, or one image")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where the translations go")
    parser.add_argument("--direction", metavar="WHICH", help="AtoB or BtoA (default: the run's own, else AtoB)")
    parser.add_argument("--size", type=int, metavar="N", help="bring the shorter side to N pixels first (default: as "
                        "they are)")
    parser.add_argument("--tile", type=int, metavar="N", help="largest side of a tile (default: the training's size of "
                        f"a U-Net; else images of up to {LARGEST} pixels a side are translated whole)")
    parser.add_argument("--overlap", type=int, metavar="N", help="pixels that tiles share (default: a quarter)")
    parser.add_argument("--grid", type=Path, metavar="PNG", help="draw the first ones too, before and after, and, of "
                        "a run that knows the way back, there and back")
    parser.add_argument("--checkpoint", default="last", metavar="WHICH", help="last, best, or a step (default: last)")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Translate, say what was skipped, and return 0."""
    from ganworks.console import note, warn
    from ganworks.recipes import Call, rebuild
    from ganworks.report.translations import networks_of
    from ganworks.train import Run

    if args.size is not None and args.size < 8:
        raise UserError(f"--size {args.size}", "at least 8 pixels")
    run = Run.open(args.run)
    found = _images(args.input)
    call = Call.load(run.recipe, where=str(run.path / "recipe.yaml"))
    trainer = rebuild(run, args.checkpoint, args.device)
    networks = networks_of(trainer, getattr(call.options.data, "direction", "AtoB"))
    direction = args.direction or next(iter(networks))
    if direction not in networks:
        raise UserError(f"--direction {direction}", did_you_mean(direction, networks),
                        "a run of pix2pix translates one way; train another with --direction")
    _refuse_output(args)
    worker = _Worker(args, networks, direction, trainer.source.input or (), trainer.source.shape)
    skipped = worker.work(found)
    for name, reason in skipped:
        warn(f"skipped {name}: {reason}")
    if not worker.done:
        raise UserError(f"{args.input}: none of {len(found)} files could be translated", "images")
    note(f"{worker.done} of {len(found)} images translated {direction}: {args.output}")
    return 0


def _images(path: Path) -> list[Found]:
    from ganworks.data.folder import Found, found_in

    if path.is_file():
        return [Found((path.name,), path.stat().st_size, 0)]
    if not path.is_dir():
        raise UserError(f"--input {path}: no such file or folder", "a folder of images, or an image")
    found = found_in(path)
    if not found:
        raise UserError(f"--input {path}: no files in it", "a folder of images")
    return found


def _refuse_output(args: argparse.Namespace) -> None:
    from ganworks.report.output import refuse_taken

    out, given = args.output, args.input if args.input.is_dir() else args.input.parent
    if out.exists() and not out.is_dir():
        raise UserError(f"--output {out} is a file", "a folder")
    if out.exists() and out.resolve() == given.resolve():
        raise UserError(f"--output {out} is the folder of the images themselves", "another folder")
    if out.is_dir() and any(out.iterdir()) and not args.force:
        raise UserError(f"--output {out} exists and is not empty", "a new or an empty folder",
                        "take another one, or replace what is there with --force")
    if args.grid is not None:
        refuse_taken(args.grid, False, args.force)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--output {out} cannot be made: {error.strerror}", "a folder to write to") from error
    if not os.access(out, os.W_OK):
        raise UserError(f"--output {out} cannot be written to", "a folder to write to")


class _Worker:
    """Translates files, one at a time, and keeps what the picture shows."""

    def __init__(self, args: argparse.Namespace, networks: dict[str, nn.Module], direction: str,
                 first: tuple[int, ...], second: tuple[int, ...]) -> None:
        self.args, self.direction, self.done = args, direction, 0
        self.network = networks[direction]
        self.back = next((network for name, network in networks.items() if name != direction), None)
        self.channels = (second if direction == "BtoA" and self.back is not None else first)[0]
        self.multiple = int(getattr(self.network, "multiple", 1))
        deep = self.multiple > 4
        self.tile = (first[-1] if deep else LARGEST) if args.tile is None else args.tile
        self.overlap = self.tile // 4 if args.overlap is None else args.overlap
        self.shown: list[list[Tensor]] = []
        self.written: set[Path] = set()

    def work(self, found: list[Found]) -> list[tuple[str, str]]:
        """Translate all files; return those that could not be, with the reason."""
        from ganworks.console import track
        from ganworks.data.pixels import Unreadable

        skipped = []
        for file in track(found, len(found), f"translating {self.direction}", "images"):
            try:
                if file.problem:
                    raise Unreadable(file.problem)
                self._one(file)
            except Unreadable as error:
                skipped.append((file.name, str(error)))
        if self.args.grid is not None and self.shown:
            self._picture()
        return skipped

    def _one(self, file: Found) -> None:
        import numpy as np
        import torch

        from ganworks.data.pixels import from_array
        from ganworks.train.tiles import translated

        path = self.args.input if self.args.input.is_file() else self.args.input.joinpath(*file.parts)
        image = self._opened(path)
        array = np.asarray(image)
        before = torch.from_numpy(np.array(array[None] if array.ndim == 2 else array.transpose(2, 0, 1)))
        after = translated(self.network, before, self.tile, self.overlap, self.multiple)
        self._save(from_array(after.numpy()), self.args.output.joinpath(*file.parts))
        self.done += 1
        if self.args.grid is not None and len(self.shown) < SHOWN:
            again = [] if self.back is None else [translated(self.back, after, self.tile, self.overlap, self.multiple)]
            self.shown.append([before, after, *again])

    def _opened(self, path: Path) -> Image.Image:
        from PIL import Image

        from ganworks.data.pixels import Unreadable, opened_upright

        try:
            with open(path, "rb") as handle:
                image = opened_upright(handle, self.channels)
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from error
        if self.args.size is None:
            return image
        scale = self.args.size / min(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        return image.resize(size, Image.Resampling.BICUBIC)

    def _save(self, image: Image.Image, path: Path) -> None:
        from ganworks.data.pixels import Unreadable
        from ganworks.files import replacing

        kind = KEPT.get(path.suffix.lower())
        if kind is None or (kind == "JPEG" and image.mode == "RGBA"):
            path, kind = path.with_name(path.name + ".png"), "PNG"
        if path in self.written:
            raise Unreadable(f"its translation would have the name of another one's, {path.name}")
        try:
            with replacing(path) as handle:
                image.save(handle, kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror or error}", "room, and a folder to write "
                            "to") from error
        except ValueError as error:  # more pixels than the format can hold
            raise Unreadable(f"its translation cannot be written as {kind}: {error}") from error
        self.written.add(path)

    def _picture(self) -> None:
        import torch

        from ganworks.data.pictures import beside, save
        from ganworks.data.pixels import coloured, fitted, from_array
        
        names = ("before", "after", "and back")
        rows = {name: torch.stack([torch.from_numpy(fitted(coloured(from_array(images[i].numpy()), 3), THUMB, "pad"))
                                   for images in self.shown])
                for i, name in enumerate(names[: len(self.shown[0])])}
        try:
            save(beside(rows), self.args.grid)
        except OSError as error:
            raise UserError(f"--grid {self.args.grid} cannot be written: {error.strerror}",
                            "a file in a folder to write to") from error
