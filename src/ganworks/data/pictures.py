"""Pictures of samples: grids of images, scatters of points, strips and animations."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganworks.data.pixels import coloured, from_array
from ganworks.data.source import as_bytes
from ganworks.data.toys import Toy
from ganworks.errors import UserError
from ganworks.files import replacing
from ganworks.seeds import mix

WIDE = 800  # pixels: the width that small images are enlarged towards

Samples = Tensor | np.ndarray


def picture(samples: Samples, reference: Toy | Samples | None = None) -> Image.Image:
    """Return a picture of samples: a grid for images (N, C, H, W), a scatter or histogram for points (N, D)."""
    if samples.ndim == 4:
        return grid(samples)
    return scatter(samples, reference)


def grid(images: Samples, columns: int | None = None, scale: int | None = None, pad: int = 1) -> Image.Image:
    """Return images side by side on white, row by row.

    Args:
        images: (N, C, H, W), uint8 0..255 or floats -1..1, C = 1, 3 or 4 (RGBA is laid on white).
        columns: how many in a row; by default about as many as rows.
        scale: whole-number enlargement, each pixel a square; by default such that the grid is 600 to 1000 pixels
            wide where the images are small enough.
        pad: pixels between images, before enlargement.
    """
    array = _bytes(images)
    if array.ndim != 4 or not len(array) or array.shape[1] not in (1, 3, 4):
        raise UserError(f"a grid of images of shape {array.shape}", "(N, C, H, W) with N > 0 and C = 1, 3 or 4")
    count, _, height, width = array.shape
    columns = min(columns or int(np.ceil(np.sqrt(count))), count)
    rows = -(-count // columns)
    ink = 1 if array.shape[1] == 1 else 3
    sheet = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, ink), 255, np.uint8)
    for i, image in enumerate(array):
        top, left = pad + (i // columns) * (height + pad), pad + (i % columns) * (width + pad)
        tile = np.asarray(coloured(from_array(image), ink))
        sheet[top : top + height, left : left + width] = tile.reshape(height, width, ink)
    whole = Image.fromarray(sheet[..., 0] if ink == 1 else sheet)
    times = scale or max(1, round(WIDE / whole.width))
    return whole.resize((whole.width * times, whole.height * times), Image.Resampling.NEAREST)


def strip(images: Samples, scale: int | None = None) -> Image.Image:
    """Return images (N, C, H, W) in one row, such as the steps of an interpolation."""
    return grid(images, columns=len(images), scale=scale)


def scatter(points: Samples, reference: Toy | Samples | None = None, title: str = "") -> Image.Image:
    """Return a plot of points: a histogram for (N,) or (N, 1), a scatter for (N, D), the first two coordinates.

    ``reference`` is drawn with them: a toy by its density (1-D) or by a sample (2-D), other points as they are.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    values = _points(points)
    figure = Figure(figsize=(7, 5) if values.shape[1] == 1 else (7, 7), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    (_draw_line if values.shape[1] == 1 else _draw_plane)(axes, values, reference)
    if title:
        axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=2)
    held = BytesIO()
    figure.savefig(held, format="png")
    return Image.open(held).convert("RGB")


def animation(frames: Sequence[Image.Image], path: Path | str, seconds: float = 0.1) -> None:
    """Write ``frames`` as an endless GIF, each shown for ``seconds``; atomically."""
    if not frames:
        raise UserError("an animation without frames", "at least one frame")
    first, *others = [frame.convert("P", palette=Image.Palette.ADAPTIVE) for frame in frames]
    with replacing(path) as handle:
        first.save(handle, format="GIF", save_all=True, append_images=others, duration=round(1000 * seconds), loop=0)


def save(image: Image.Image, path: Path | str) -> None:
    """Write a picture as PNG; atomically."""
    with replacing(path) as handle:
        image.save(handle, format="PNG")


def _draw_line(axes: Any, values: np.ndarray, reference: Toy | Samples | None) -> None:
    held = [values] if not isinstance(reference, Tensor | np.ndarray) else [values, _points(reference)]
    low, high = min(h.min() for h in held), max(h.max() for h in held)
    if isinstance(reference, Toy):
        known = _fresh(reference)
        low, high = min(low, known.min()), max(high, known.max())
    edge = 0.05 * (high - low) or 0.5
    bins = np.linspace(low - edge, high + edge, 101)
    axes.hist(values[:, 0], bins, density=True, color="tab:blue", alpha=0.6, label=f"samples ({len(values)})")
    if isinstance(reference, Toy):
        line = np.linspace(bins[0], bins[-1], 1000)
        axes.plot(line, np.exp(reference.log_density(line[:, None])), color="black", label="density")
    elif reference is not None:
        axes.hist(held[1][:, 0], bins, density=True, histtype="step", color="black", label="reference")


def _draw_plane(axes: Any, values: np.ndarray, reference: Toy | Samples | None) -> None:
    if reference is not None:
        known = _points(_fresh(reference) if isinstance(reference, Toy) else reference)
        axes.scatter(known[:, 0], known[:, 1], s=4, color="0.7", label="reference")
    axes.scatter(values[:, 0], values[:, 1], s=4, alpha=0.6, color="tab:blue", label=f"samples ({len(values)})")
    axes.set_aspect("equal", adjustable="datalim")


def _fresh(toy: Toy) -> np.ndarray:
    # Not the toy's head: a picture of that against itself would show one set of points.
    return toy.sample(2000, np.random.default_rng(mix("toy", "reference")))


def _points(points: Samples) -> np.ndarray:
    values = points.detach().float().cpu().numpy() if isinstance(points, Tensor) else np.asarray(points)
    values = values.reshape(len(values), -1) if values.ndim == 1 else values
    if values.ndim != 2 or not len(values):
        raise UserError(f"points of shape {values.shape}", "(N,) or (N, D) with N > 0")
    kept = values[np.isfinite(values).all(axis=1)]
    if not len(kept):
        raise UserError(f"{len(values)} points, none of them finite", "finite points")
    return kept


def _bytes(images: Samples) -> np.ndarray:
    tensor = images if isinstance(images, Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    return as_bytes(tensor).cpu().numpy()
