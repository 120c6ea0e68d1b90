"""Samples on disk: pictures, folders of pictures, arrays. Nothing is replaced unless it is asked for."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ganworks.errors import UserError
from ganworks.files import replacing


def refuse_taken(path: Path, folder: bool, force: bool) -> None:
    """Raise UserError if writing to ``path`` would lose something: a folder with content, a file without ``force``."""
    if not path.exists():
        return
    if path.is_dir():
        if not folder:
            raise UserError(f"{path} is a folder", "the name of a file", "take another --out")
        if any(path.iterdir()):
            raise UserError(f"{path} exists and is not empty", "a new or an empty folder", "take another --out")
    elif folder:
        raise UserError(f"{path} is a file", "a new or an empty folder", "take another --out")
    elif not force:
        raise UserError(f"{path} exists already", "a new file", "take another --out, or replace it with --force")


def write_folder(path: Path, chunks: Iterable[Tensor], classes: Sequence[str] | None = None) -> int:
    """Write uint8 images (n, C, H, W), chunk by chunk, as single PNGs into a new folder; return how many.

    The folder appears when it is whole: an interrupt leaves nothing behind.

    Args:
        classes: of each image, which then goes into a sub-folder of that name; a folder of classes can be trained on.
    """
    folders = None if classes is None else _folders(sorted(set(classes)))
    path.parent.mkdir(parents=True, exist_ok=True)
    growing = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    growing.mkdir()
    count = 0
    try:
        for chunk in chunks:
            for image in channels_last(chunk):
                folder = growing if folders is None or classes is None else growing / folders[classes[count]]
                folder.mkdir(exist_ok=True)
                Image.fromarray(image).save(folder / f"{count:06d}.png")
                count += 1
        if path.is_dir():
            path.rmdir()  # it is empty
        os.rename(growing, path)
    except BaseException:
        shutil.rmtree(growing, ignore_errors=True)
        raise
    return count


def write_arrays(path: Path, samples: Tensor, labels: Tensor | None = None, names: Sequence[str] = (),
                 vectors: Tensor | None = None) -> None:
    """Write an npz: "images", uint8 (N, H, W) or (N, H, W, C), or "points", float32 (N, D); and what they came with.

    That is "labels", int64 (N,), with "label_names", or "vectors", float32 (N, k). It can be trained on.
    """
    arrays = {"images": channels_last(samples)} if samples.dim() == 4 else {"points": samples.float().numpy()}
    if labels is not None:
        arrays |= {"labels": labels.numpy(), "label_names": np.asarray(names, dtype=np.str_)}
    if vectors is not None:
        arrays["vectors"] = vectors.float().numpy()
    with replacing(path) as handle:
        np.savez_compressed(handle, **arrays)  # type: ignore[arg-type]  # numpy types its other keywords so


def _folders(classes: Sequence[str]) -> dict[str, str]:
    # Names of folders that any file system takes, in small letters too, and that differ where the classes do.
    folders: dict[str, str] = {}
    for name in classes:
        plain = re.sub(r"[^\w .+-]+", "_", name).strip(" .") or "_"
        while plain.lower() in {taken.lower() for taken in folders.values()}:
            plain += "_"
        folders[name] = plain
    return folders


def channels_last(images: Tensor) -> np.ndarray:
    """Return uint8 images (N, C, H, W) as (N, H, W) where C = 1, else as (N, H, W, C)."""
    array = images.permute(0, 2, 3, 1).contiguous().numpy()
    return array[..., 0] if array.shape[-1] == 1 else array
