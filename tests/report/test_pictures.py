from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganworks.report.pictures import LARGE, Picture, image_tag, pictures, spread


def image_in(tag: str) -> Image.Image:
    match = re.search(r'src="data:image/(\w+);base64,([^"]+)"', tag)
    assert match
    image = Image.open(BytesIO(base64.b64decode(match[2])))
    assert image.format == match[1].upper()
    return image


def noise(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def test_a_picture_is_embedded_pixel_by_pixel(tmp_path: Path) -> None:
    pixels = noise(tmp_path / "step-00000010.png", (50, 70, 3))
    tag = image_tag(Picture(10, tmp_path / "step-00000010.png"), 'at "10"', LARGE)
    assert (np.asarray(image_in(tag)) == pixels).all()
    assert 'width="70" height="50"' in tag
    assert 'alt="at &quot;10&quot;"' in tag


def test_a_wide_picture_is_made_smaller(tmp_path: Path) -> None:
    Image.new("L", (800, 400), 99).save(tmp_path / "a.png")
    assert image_in(image_tag(Picture(1, tmp_path / "a.png"), "", 320)).size == (320, 160)


def test_a_heavy_picture_becomes_lighter_and_stays_close(tmp_path: Path) -> None:
    # A smooth picture with a little noise: a PNG cannot shorten it.
    ramp = np.linspace(0, 200, 1000)[:, None, None] + np.random.default_rng(0).normal(20, 3, (1000, 1000, 3))
    pixels = ramp.clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1_000_000
    tag = image_tag(Picture(1, tmp_path / "a.png"), "", LARGE)
    assert len(tag) < 1_000_000
    assert np.abs(np.asarray(image_in(tag)).astype(float) - pixels).mean() < 4


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"no picture"])
def test_a_damaged_picture_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "step-1.png"
    path.write_bytes(content)
    assert "step-1.png cannot be shown" in image_tag(Picture(1, path), "", LARGE)


def test_a_truncated_picture_is_said(tmp_path: Path) -> None:
    noise(tmp_path / "a.png", (100, 100))
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:5000])
    assert "cannot be shown" in image_tag(Picture(1, tmp_path / "a.png"), "", LARGE)


def test_pictures_are_found_in_order_of_step(tmp_path: Path) -> None:
    for name in ("step-00000900.png", "step-100000000.png", "step-00001000.png", "step-2000.png", "step-x.png",
                 "other.png"):
        (tmp_path / name).touch()
    assert [picture.step for picture in pictures(tmp_path)] == [900, 1000, 2000, 100_000_000]
    assert pictures(tmp_path / "nothing") == []


def test_the_filmstrip_is_evenly_spread() -> None:
    found = [Picture(step, Path("x")) for step in range(100, 10_100, 100)]
    kept = [picture.step for picture in spread(found, 6)]
    assert (kept[0], kept[-1], len(kept)) == (100, 10_000, 6)
    assert max(np.diff(kept)) - min(np.diff(kept)) <= 100  # as even as steps of 100 allow
    assert spread(found[:4], 6) == found[:4]
