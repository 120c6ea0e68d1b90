"""Pictures of samples: grids of images, scatters of points, strips and animations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganworks.data.pixels import coloured, from_array
from ganworks.data.source import as_bytes
from ganworks.data.toys import Toy
from ganworks.errors import UserError
from ganworks.files import replacing
from ganworks.seeds import mix

WIDE = 800  # pixels: the width that small images are enlarged towards

MOST_NAMED = 20  # groups of points that a legend names
LONGEST = 24  # letters of a row's name

Samples = Tensor | np.ndarray
Reference = Toy | Samples | None
Groups = Sequence[tuple[str, np.ndarray]]


def picture(samples: Samples, reference: Reference = None) -> Image.Image:
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


def beside(shown: Mapping[str, Tensor]) -> Image.Image:
    """Return rows of uint8 images (n, C, H, W) with their names; grey and transparent ones become RGB beside RGB."""
    channels = {images.shape[1] for images in shown.values()}
    rows = list(shown.values()) if len(channels) == 1 else [_rgb(images) for images in shown.values()]
    return labelled(torch.stack(rows), list(shown))


def _rgb(images: Tensor) -> Tensor:
    made = [np.asarray(coloured(from_array(image), 3)).transpose(2, 0, 1) for image in images.numpy()]
    return torch.from_numpy(np.stack(made))


def labelled(images: Samples, names: Sequence[str], scale: int | None = None) -> Image.Image:
    """Return rows of images (R, n, C, H, W), each with its name on the left."""
    rows, columns = images.shape[:2]
    if len(names) != rows:
        raise UserError(f"{len(names)} names for {rows} rows of images", "one for each")
    sheet = grid(images.reshape(-1, *images.shape[2:]), columns, scale)
    high = sheet.height / rows
    font = ImageFont.load_default(size=max(10, min(24, 0.35 * high)))
    short = [name if len(name) <= LONGEST else name[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}" for name in names]
    margin = round(max(font.getlength(name) for name in short)) + 16
    whole = Image.new(sheet.mode, (margin + sheet.width, sheet.height), "white")
    whole.paste(sheet, (margin, 0))
    draw = ImageDraw.Draw(whole)
    for row, name in enumerate(short):
        draw.text((margin - 8, round((row + 0.5) * high)), name, fill="black", font=font, anchor="rm")
    return whole


def strip(images: Samples, scale: int | None = None) -> Image.Image:
    """Return images (N, C, H, W) in one row, such as the steps of an interpolation."""
    return grid(images, columns=len(images), scale=scale)


def scatter(points: Samples | Sequence[tuple[str, Samples]], reference: Reference = None,
            title: str = "") -> Image.Image:
    """Return a plot of points: a histogram for (N,) or (N, 1), a scatter for (N, D), the first two coordinates.

    Args:
        points: all of them, or groups of them by name, each in its own colour.
        reference: drawn with them: a toy by its density (1-D) or by a sample (2-D), other points as they are.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = _groups(points)
    line = groups[0][1].shape[1] == 1
    figure = Figure(figsize=(7, 5) if line else (7, 7), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    (_draw_line if line else _draw_plane)(axes, groups, reference)
    if title:
        axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=2 if len(groups) < 3 else 5)
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


def _draw_line(axes: Any, groups: Groups, reference: Reference) -> None:
    held = [values for _, values in groups]
    if isinstance(reference, Tensor | np.ndarray):
        held = [*held, _points(reference)]
    low, high = min(h.min() for h in held), max(h.max() for h in held)
    if isinstance(reference, Toy):
        known = _fresh(reference)
        low, high = min(low, known.min()), max(high, known.max())
    edge = 0.05 * (high - low) or 0.5
    bins = np.linspace(low - edge, high + edge, 101)
    for name, values, colour in _coloured(groups):
        axes.hist(values[:, 0], bins, density=len(groups) == 1, color=colour, alpha=0.6, label=name)
    if isinstance(reference, Toy):
        line = np.linspace(bins[0], bins[-1], 1000)
        axes.plot(line, np.exp(reference.log_density(line[:, None])), color="black", label="density")
    elif reference is not None:
        count = 1.0 if len(groups) == 1 else sum(len(values) for _, values in groups) / len(held[-1])
        axes.hist(held[-1][:, 0], bins, density=len(groups) == 1, weights=np.full(len(held[-1]), count),
                  histtype="step", color="black", label="reference")


def _draw_plane(axes: Any, groups: Groups, reference: Reference) -> None:
    if reference is not None:
        known = _points(_fresh(reference) if isinstance(reference, Toy) else reference)
        axes.scatter(known[:, 0], known[:, 1], s=4, color="0.7", label="reference")
    for name, values, colour in _coloured(groups):
        axes.scatter(values[:, 0], values[:, 1], s=4, alpha=0.6, color=colour, label=name)
    axes.set_aspect("equal", adjustable="datalim")


def _groups(points: Samples | Sequence[tuple[str, Samples]]) -> Groups:
    if isinstance(points, Tensor | np.ndarray):
        values = _points(points)
        return [(f"samples ({len(values)})", values)]
    return [(name, _points(part)) for name, part in points if len(part)]


def _coloured(groups: Groups) -> Iterator[tuple[str | None, np.ndarray, str]]:
    for number, (name, values) in enumerate(groups):
        yield name if number < MOST_NAMED else None, values, f"C{number % 10}"


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
