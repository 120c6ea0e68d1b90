from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganworks.errors import UserError
from ganworks.report.output import refuse_taken, write_arrays, write_folder


def images(channels: int, count: int = 5) -> Tensor:
    return torch.randint(0, 256, (count, channels, 6, 4), dtype=torch.uint8)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_come_back(tmp_path: Path, channels: int) -> None:
    made = images(channels)
    write_arrays(tmp_path / "a.npz", made)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as held:
        assert held.files == ["images"]
        found = held["images"]
    assert found.dtype == np.uint8
    assert found.shape == ((5, 6, 4) if channels == 1 else (5, 6, 4, channels))
    assert (found.reshape(5, 6, 4, channels)[2, 3, 1] == made[2, :, 3, 1].numpy()).all()


def test_points_come_back(tmp_path: Path) -> None:
    made = torch.randn(7, 2)
    write_arrays(tmp_path / "a.npz", made)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as held:
        assert held.files == ["points"]
        assert (held["points"] == made.numpy()).all()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("empty_folder", [True, False])
def test_a_folder_of_single_images(tmp_path: Path, channels: int, mode: str, empty_folder: bool) -> None:
    made, out = images(channels), tmp_path / "deep" / "images"
    if empty_folder:
        out.mkdir(parents=True)
    assert write_folder(out, iter([made[:3], made[3:]])) == 5
    assert [path.name for path in sorted(out.iterdir())] == [f"{i:06d}.png" for i in range(5)]
    assert [path.name for path in out.parent.iterdir()] == ["images"]
    with Image.open(out / "000003.png") as image:
        assert image.mode == mode
        assert (np.asarray(image).reshape(6, 4, channels) == made[3].permute(1, 2, 0).numpy()).all()


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    def chunks() -> Iterator[Tensor]:
        yield images(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "images", chunks())
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_not_lost(tmp_path: Path) -> None:
    full, empty, file = tmp_path / "full", tmp_path / "empty", tmp_path / "file.png"
    full.mkdir()
    empty.mkdir()
    (full / "x").touch()
    file.touch()
    for path, folder, force in ((full, True, False), (full, True, True), (full, False, True), (file, False, False),
                                (file, True, True), (empty, False, True)):
        with pytest.raises(UserError):
            refuse_taken(path, folder, force)
    refuse_taken(empty, True, False)
    refuse_taken(file, False, True)
    refuse_taken(tmp_path / "new", True, False)
    refuse_taken(tmp_path / "new", False, False)
