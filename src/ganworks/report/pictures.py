"""The pictures of samples that a run has drawn, brought into a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image

LARGE = 1200
"""Most pixels across the large picture."""

SMALL = 320
"""Most pixels across a picture of the filmstrip: twice what it takes of a page, for sharp screens."""

FRAMES = 6
"""Most pictures of the filmstrip."""

HEAVY = 600_000
"""A large PNG of more bytes goes into the page as a JPEG of high quality; a small one may have an eighth of it."""


@dataclass(frozen=True)
class Picture:
    """A picture of samples on disk, with the step it was drawn at."""

    step: int
    path: Path


def pictures(folder: Path) -> list[Picture]:
    """Return the pictures step-N.png in a run's samples folder, in order of step."""
    found = []
    for path in folder.glob("step-*.png"):
        number = path.stem.removeprefix("step-")
        if number.isdigit():
            found.append(Picture(int(number), path))
    return sorted(found, key=lambda picture: picture.step)


def spread(found: list[Picture], most: int = FRAMES) -> list[Picture]:
    """Return at most ``most`` pictures, the first and the last among them, as evenly spaced in steps as they allow."""
    if len(found) <= most:
        return found
    first, last = found[0].step, found[-1].step
    wanted = [first + (last - first) * i / (most - 1) for i in range(most)]
    kept = {min(found, key=lambda picture: abs(picture.step - step)) for step in wanted}
    return sorted(kept, key=lambda picture: picture.step)


def image_tag(picture: Picture, words: str, most: int) -> str:
    """Return an <img> that holds the picture itself, at most ``most`` pixels wide; a sentence where it is damaged."""
    try:
        data, width, height = _embedded(picture.path, most)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for damaged files
        return f'<p class="missing">{escape(picture.path.name)} cannot be shown: {escape(str(error))}</p>'
    return f'<img src="{data}" width="{width}" height="{height}" alt="{escape(words)}">'


def _embedded(path: Path, most: int) -> tuple[str, int, int]:
    content = path.read_bytes()
    with Image.open(BytesIO(content)) as opened:
        opened.load()
        image = opened if opened.mode in ("L", "RGB") else opened.convert("RGB")
    if image.width > most:
        image = image.resize((most, max(1, round(image.height * most / image.width))), Image.Resampling.LANCZOS)
        content = _as(image, "PNG")
    kind = "png"
    if len(content) > (HEAVY if most > SMALL else HEAVY // 8):
        kind, content = "jpeg", _as(image, "JPEG")
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}", image.width, image.height


def _as(image: Image.Image, kind: str) -> bytes:
    held = BytesIO()
    image.save(held, kind, **({"quality": 90, "subsampling": 0} if kind == "JPEG" else {"optimize": True}))
    return held.getvalue()
