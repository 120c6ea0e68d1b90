import numpy as np
import pytest
import torch
from PIL import Image

from ganworks.data.pictures import animation, grid, picture, save, scatter, strip
from ganworks.data.toys import mixture1d, ring8
from ganworks.errors import UserError


def test_a_grid_places_every_image():
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1) * np.ones((1, 2, 3), np.uint8)
    sheet = np.asarray(grid(images, columns=3, scale=1))
    assert sheet.shape == (2 * 3 + 1, 3 * 4 + 1)
    for i in range(6):
        top, left = 1 + i // 3 * 3, 1 + i % 3 * 4
        assert (sheet[top : top + 2, left : left + 3] == i).all()
    assert (sheet[0] == 255).all()
    assert np.asarray(grid(images, columns=3, scale=2)).shape == (14, 26)


def test_floats_are_bytes_and_rgba_is_laid_on_white():
    bytes_ = torch.randint(0, 256, (4, 3, 5, 5), dtype=torch.uint8)
    assert grid(bytes_ / 127.5 - 1).tobytes() == grid(bytes_).tobytes()
    clear = grid(np.zeros((2, 4, 4, 4), np.uint8))
    assert clear.mode == "RGB"
    assert (np.asarray(clear) == 255).all()


@pytest.mark.parametrize(("count", "side"), [(64, 8), (64, 28), (64, 32), (16, 64), (64, 64), (49, 10)])
def test_grids_of_small_images_are_wide_enough_to_see(count, side):
    assert 600 <= grid(np.zeros((count, 1, side, side), np.uint8)).width <= 1050


def test_strip_is_one_row():
    assert np.asarray(strip(np.zeros((7, 3, 4, 4), np.uint8), scale=1)).shape == (6, 36, 3)


def test_picture_chooses_by_shape():
    assert picture(torch.zeros(4, 1, 8, 8)).mode == "L"
    for toy in (mixture1d(), ring8()):
        drawn = picture(toy.head(200)["sample"], toy)
        assert drawn.width == 700
        assert np.asarray(drawn).std() > 5
    assert picture(np.zeros((5, 2)), np.ones((3, 2))).mode == "RGB"
    assert picture(np.array([0.0, 1.0]), np.ones((3, 1))).mode == "RGB"


def test_points_that_are_not_finite_are_left_out():
    points = np.random.default_rng(0).normal(size=(50, 2))
    points[3] = np.inf
    assert scatter(points, title="t").mode == "RGB"
    with pytest.raises(UserError, match="none of them finite"):
        scatter(np.full((3, 2), np.nan))


def test_animation_and_save(tmp_path):
    frames = [Image.new("L", (8, 8), v) for v in (0, 120, 250)]
    animation(frames, tmp_path / "a.gif", seconds=0.2)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 3
        assert gif.info["duration"] == 200
    save(frames[1], tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").getpixel((0, 0)) == 120
    with pytest.raises(UserError, match="without frames"):
        animation([], tmp_path / "b.gif")
    assert not (tmp_path / "b.gif").exists()


def test_what_is_no_image_is_refused():
    with pytest.raises(UserError, match="a grid of images"):
        grid(np.zeros((4, 2, 8, 8), np.uint8))
