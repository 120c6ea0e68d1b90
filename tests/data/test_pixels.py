import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ganworks.data.pixels import Unreadable, coloured, decoded, default_size, fitted, header


def stored(image, kind="PNG", **options):
    held = BytesIO()
    image.save(held, kind, **options)
    held.seek(0)
    return held


def test_crop_keeps_the_centre():
    columns = np.zeros((8, 24), np.uint8)
    columns[:, 8:16] = np.arange(8) * 20 + 50
    assert (fitted(Image.fromarray(columns), 8, "crop")[0] == columns[:, 8:16]).all()
    assert (fitted(Image.fromarray(columns.T.copy()), 8, "crop")[0] == columns[:, 8:16].T).all()


def test_stretch_keeps_all_and_pad_adds_white():
    halves = np.zeros((16, 32), np.uint8)
    halves[:, 16:] = 200
    stretched = fitted(Image.fromarray(halves), 8, "stretch")[0]
    assert stretched.shape == (8, 8)
    assert stretched[:, :3].max() <= 5  # bicubic weights overshoot a little beside an edge
    assert (abs(stretched[:, 5:].astype(int) - 200) <= 5).all()
    padded = fitted(Image.fromarray(halves), 16, "pad")[0]
    assert (padded[:4] == 255).all()
    assert (padded[12:] == 255).all()
    assert (padded[4:12, :7] == 0).all()
    rgba = fitted(Image.new("RGBA", (32, 16), (10, 20, 30, 255)), 16, "pad")
    assert (rgba[3, :4] == 0).all()
    assert (rgba[3, 4:12] == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_is_scaled_not_clipped(kind):
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    held = stored(Image.fromarray(levels * 257), kind)
    assert header(held).words == "grey 16 bit"
    held.seek(0)
    assert (decoded(held, 16, 1, "crop")[0] == levels).all()


def test_alpha_is_laid_on_white_unless_four_channels():
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    red, green, blue = decoded(stored(image), 4, 3, "crop")[:, 0, 0].tolist()
    assert red == 255
    assert green == blue
    assert abs(green - 255 * (1 - 128 / 255)) <= 1
    assert decoded(stored(image), 4, 4, "crop")[:, 0, 0].tolist() == [255, 0, 0, 128]
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert (decoded(stored(clear), 4, 1, "crop") == 255).all()


def test_transparent_colour_does_not_bleed_when_resized():
    image = np.zeros((8, 8, 4), np.uint8)
    image[:, :4] = (255, 0, 0, 255)
    image[:, 4:] = (0, 255, 0, 0)  # green that is not to be seen
    small = decoded(stored(Image.fromarray(image)), 5, 4, "crop")
    assert small[1][small[3] > 0].max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_gives_every_number_of_channels(mode, channels):
    grey = Image.fromarray(np.full((4, 4), 255, np.uint8)).convert(mode)
    assert (decoded(stored(grey), 4, channels, "crop") == 255).all()


def test_palette_with_transparency():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((0, 0), 1)
    pixels = decoded(stored(image, transparency=0), 4, 3, "crop")
    assert pixels[:, 0, 0].tolist() == [255, 0, 0]
    assert pixels[:, 1, 1].tolist() == [255, 255, 255]


def test_cmyk_jpeg_is_read_as_colour():
    white = Image.new("CMYK", (8, 8), (0, 0, 0, 0))
    assert (coloured(white, 3).getpixel((0, 0))) == (255, 255, 255)


def test_exif_orientation_is_respected():
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, :16] = 255  # bright on the left
    picture = Image.fromarray(image)
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: left becomes top
    held = stored(picture, "JPEG", exif=exif, quality=95)
    assert (header(held).width, header(held).height) == (16, 32)
    held.seek(0)
    turned = decoded(held, 16, 1, "stretch")[0]
    assert turned[:6].min() > 240
    assert turned[10:].max() < 15


def test_the_default_size():
    assert default_size({(28, 28): 10}) == 28
    assert default_size({(512, 512): 10}) == 512
    assert default_size({(100, 200): 10}) == 64
    assert default_size({(300, 200): 3, (20, 20): 1}) == 128
    assert default_size({(32, 32): 5, (40, 40): 4}) == 32
    assert default_size({(3, 5): 2}) == 8


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "empty file"), (b"hello there", "not an image"), (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image"),
    (stored(Image.new("RGB", (64, 64), "red")).getvalue()[:60], "damaged"),
    (stored(Image.new("1", (9000, 9000))).getvalue(), "million pixels"),
    (stored(Image.new("1", (20000, 20000))).getvalue(), "million pixels"),
    (stored(Image.fromarray(np.full((4, 4), 7.5, np.float32)), "TIFF").getvalue(), "values from 7.5")])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_cannot_be_read_has_a_reason(content, reason):
    with pytest.raises(Unreadable, match=reason):
        decoded(BytesIO(content), 8, 3, "crop")


def test_bits_of_a_16_bit_colour_png():
    # Pillow cannot write one; the header alone tells.
    content = bytearray(stored(Image.new("RGB", (4, 4))).getvalue())
    content[24] = 16
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    assert header(BytesIO(bytes(content))).words == "RGB 16 bit"
