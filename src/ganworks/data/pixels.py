"""From one image, in whatever form it comes, to uint8 (C, S, S)."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 2**26
"""Images with more pixels than this (8192 x 8192) are refused before they are decoded."""

FORMATS = ("PNG", "JPEG", "MPO", "JPEG2000", "BMP", "DIB", "GIF", "WEBP", "AVIF", "TIFF", "PPM")
"""What is read. EPS, which would start Ghostscript, and formats without a signature of their own are not."""

Half = Literal["left", "right"]

TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
ORIENTATION = 0x0112


class Unreadable(Exception):
    """This file cannot be used as an image; the message is the reason, in a few words."""


@dataclass(frozen=True)
class Header:
    """What an image says of itself before it is decoded: size in pixels, Pillow's mode, bits a channel."""

    width: int
    height: int
    mode: str
    bits: int
    alpha: bool

    @property
    def grey(self) -> bool:
        """Whether it has no colour."""
        return self.mode in ("1", "L", "LA", "La", "F") or self.mode.startswith("I")

    @property
    def words(self) -> str:
        """Its kind in words: "RGBA 8 bit"."""
        names = {"1": "black and white", "L": "grey", "LA": "grey with alpha", "P": "palette", "PA": "palette",
                 "F": "grey"}
        kind = "grey" if self.mode.startswith("I") else names.get(self.mode, self.mode)
        return f"{kind}{' with alpha' if self.alpha and kind in ('grey', 'palette', 'RGB') else ''} {self.bits} bit"


def header(handle: BinaryIO, half: Half | None = None) -> Header:
    """Read the header of an image, or what it says of one of its halves. Raises Unreadable."""
    image = _opened(handle)
    width, height = image.size
    # Asking a PNG for its EXIF block would decode it; the formats of cameras have it in front.
    if image.format in ("JPEG", "MPO", "TIFF", "WEBP") and image.getexif().get(ORIENTATION) in TURNED:
        width, height = height, width
    alpha = image.mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in image.info
    return Header(width if half is None else width // 2, height, image.mode, _bits(image, handle), alpha)


def decoded(handle: BinaryIO, size: int, channels: int, fit: str, half: Half | None = None) -> np.ndarray:
    """Decode an image, or one of its halves, to uint8 (channels, size, size), upright. Raises Unreadable."""
    image = _upright(handle, size)
    if half is not None:
        middle = image.width // 2
        image = image.crop((0, 0, middle, image.height) if half == "left" else (middle, 0, 2 * middle, image.height))
    return fitted(coloured(image, channels), size, fit)


def opened_upright(handle: BinaryIO, channels: int) -> Image.Image:
    """Decode an image of any size to "L", "RGB" or "RGBA" for 1, 3, 4 channels. Raises Unreadable."""
    return coloured(_upright(handle, None), channels)


def _upright(handle: BinaryIO, size: int | None) -> Image.Image:
    image = _opened(handle)
    try:
        if size is not None:
            image.draft(None, (2 * size, 2 * size))  # lets a JPEG be decoded near the size that is wanted
        image = ImageOps.exif_transpose(image)
        image.load()
    except Exception as error:  # decoders raise anything from SyntaxError to struct.error on damaged bytes
        raise Unreadable(_reason(error)) from error
    return image


def coloured(image: Image.Image, channels: int) -> Image.Image:
    """Return the image as 8 bit "L", "RGB" or "RGBA" for 1, 3, 4 channels; alpha is laid on white unless 4."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bit(image)
    if image.mode in ("P", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode not in ("1", "L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
    if channels == 4:
        return image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        image = white.convert("RGB")
    return image.convert("L" if channels == 1 else "RGB")


def fitted(image: Image.Image, size: int, fit: str) -> np.ndarray:
    """Return an "L", "RGB" or "RGBA" image as uint8 (C, size, size).

    ``fit`` is "crop" (the short side becomes ``size``, the centre is kept), "stretch", or "pad" (the long side
    becomes ``size``, white is added, nothing in RGBA). Resampling is bicubic with Pillow's antialiasing, which is
    the one that keeps Frechet distances honest (Parmar, Zhang, Zhu 2022, "On aliased resizing").
    """
    width, height = image.size
    if (width, height) != (size, size):
        if fit == "pad":
            image = _padded(image, size)
        else:
            side = min(width, height)
            left, top = (width - side) / 2, (height - side) / 2
            box = (0, 0, width, height) if fit == "stretch" else (left, top, left + side, top + side)
            image = image.resize((size, size), Image.Resampling.BICUBIC, box=box)
    array = np.asarray(image)
    return np.ascontiguousarray(array[None] if array.ndim == 2 else array.transpose(2, 0, 1))


def from_array(array: np.ndarray) -> Image.Image:
    """Return uint8 (C, H, W) with 1, 3 or 4 channels as an "L", "RGB" or "RGBA" image."""
    return Image.fromarray(array[0] if len(array) == 1 else np.ascontiguousarray(array.transpose(1, 2, 0)))


def default_size(sizes: Mapping[tuple[int, int], int]) -> int:
    """Return the side that images of ``sizes`` ((width, height) -> count) are given where none was asked for.

    Their own if all are equal and square, else the largest of 8, 16, 32, 64, 128 not above the median width and
    the median height.
    """
    if len(sizes) == 1 and (only := next(iter(sizes)))[0] == only[1]:
        return only[0]
    widths = [w for (w, _), n in sizes.items() for _ in range(n)]
    heights = [h for (_, h), n in sizes.items() for _ in range(n)]
    side = min(statistics.median(widths), statistics.median(heights))
    return max((s for s in (8, 16, 32, 64, 128) if s <= side), default=8)


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _opened(handle: BinaryIO) -> Image.Image:
    try:
        image = Image.open(handle, formats=_formats())
    except UnidentifiedImageError as error:
        handle.seek(0)
        raise Unreadable("empty file" if not handle.read(1) else "not an image") from error
    except Exception as error:
        raise Unreadable(_reason(error)) from error
    if image.width * image.height > MOST_PIXELS:
        raise Unreadable(f"{image.width} x {image.height} is more than {MOST_PIXELS / 1e6:.0f} million pixels")
    return image


def _bits(image: Image.Image, handle: BinaryIO) -> int:
    if image.format == "PNG" and image.mode not in ("P", "1"):
        handle.seek(24)  # the bit depth stands in the first chunk; Pillow does not tell it for colour
        return max(8, handle.read(1)[0])
    if image.format == "TIFF":
        return int(image.tag_v2.get(258, (8,))[0])  # type: ignore[attr-defined]
    return {"1": 1, "I": 32, "F": 32}.get(image.mode, 16 if image.mode.startswith("I;16") else 8)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Map 16 bit 0..65535, or float 0..1, to 0..255. (Pillow itself would clip instead of scale.)"""
    array = np.asarray(image)
    most = 1 if image.mode == "F" else 65535
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= most):
        raise Unreadable(f"values from {array.min():g} to {array.max():g} where 0 to {most} can be read")
    return Image.fromarray(np.rint(array.astype(np.float64) * (255 / most)).astype(np.uint8))


def _padded(image: Image.Image, size: int) -> Image.Image:
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    ground = Image.new(image.mode, (size, size), (255, 255, 255, 0) if image.mode == "RGBA" else "white")
    small = image.resize((width, height), Image.Resampling.BICUBIC)
    ground.paste(small, ((size - width) // 2, (size - height) // 2))
    return ground


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {MOST_PIXELS / 1e6:.0f} million pixels"
    return f"damaged: {text[0] if text else type(error).__name__}"
