"""Pairs and images of two kinds: which files belong together, how they are cut, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganworks.data.opening import kind_of
from ganworks.data.options import PairOptions, UnpairedOptions
from ganworks.data.pairing import open_pairs, open_unpaired
from ganworks.data.pairs import Crops, Pairs, Unpaired
from ganworks.errors import UserError


def picture(seed: int, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> Image.Image:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (4, 4, 4 if mode == "RGBA" else 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.NEAREST).convert(mode)


def fill(folder: Path, names: list[str], first: int = 0, **more: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        picture(first + i, **more).save(folder / name)  # type: ignore[arg-type]
    return folder


NAMES = [f"{i}.png" for i in range(10)]


def paired(tmp_path: Path) -> Path:
    """A folder of A, and B that is A turned upside down."""
    fill(tmp_path / "set" / "A", NAMES)
    (tmp_path / "set" / "B").mkdir()
    for name in NAMES:
        upside = Image.open(tmp_path / "set" / "A" / name).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        upside.save(tmp_path / "set" / "B" / name)
    return tmp_path / "set"


def test_both_halves_of_a_pair_are_cut_and_mirrored_alike(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3, 12, 12), dtype=np.uint8)
    source = Pairs(np.concatenate([pixels, pixels[:, :1]], axis=1), 3, 8, flip=True)
    seen = set()
    for k in range(6):
        batch = source.batch(k, 6, seed=1)
        assert batch["input"].shape == (6, 3, 8, 8)
        assert batch["sample"].shape == (6, 1, 8, 8)
        assert torch.equal(batch["input"][:, :1], batch["sample"])
        seen |= {image.numpy().tobytes() for image in batch["input"]}
    assert len(seen) > 30  # six images of 25 places, twice for mirrors


def test_every_place_and_both_mirrors_come() -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4).repeat(2, 0)
    source = Crops(pixels, 3, flip=True)
    images = [image[0] for k in range(200) for image in source.batch(k, 2, 0)["sample"]]
    corners = {(int(image[0, 0]), int(image[0, 2])) for image in images}
    plain = {(0, 2), (1, 3), (4, 6), (5, 7)}
    assert corners == plain | {(b, a) for a, b in plain}


def test_folders_by_name(tmp_path: Path) -> None:
    source = open_pairs(PairOptions(path=str(paired(tmp_path)), load_size=16, flip=False))
    assert (source.input, source.shape, len(source)) == ((3, 16, 16), (3, 16, 16), 9)
    for part in (source.batch(0, 9, 0), source.head(10)):
        assert torch.equal(part["input"].flip(2), part["sample"])
    assert source.kept is not None
    assert source.kept.names == ("0.png",)
    assert len(source.head(10)["sample"]) == 1


def test_kept_images_are_not_trained_on(tmp_path: Path) -> None:
    source = open_pairs(PairOptions(path=str(paired(tmp_path)), load_size=16, held_out=0.3, flip=False))
    trained = {image.numpy().tobytes() for image in source.batch(0, 7, 0)["input"]}
    kept = {image.numpy().tobytes() for image in source.head(9)["input"]}
    assert (len(trained), len(kept), len(trained & kept)) == (7, 3, 0)


def test_two_folders_and_other_endings(tmp_path: Path) -> None:
    a = fill(tmp_path / "photos", ["x.png", "y.png"])
    b = fill(tmp_path / "maps", ["x.jpg", "y.bmp"])
    source = open_pairs(PairOptions(path=str(a), to=str(b), size=8, held_out=0))
    assert (len(source), source.kept) == (2, None)


def test_side_by_side(tmp_path: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    for i in range(3):
        whole = Image.new("RGB", (32, 16))
        whole.paste(picture(i), (0, 0))
        whole.paste(picture(i).transpose(Image.Transpose.FLIP_TOP_BOTTOM), (16, 0))
        whole.save(folder / f"{i}.png")
    source = open_pairs(PairOptions(path=str(folder), load_size=16, held_out=0, flip=False))
    batch = source.batch(0, 3, 0)
    assert source.shape == (3, 16, 16)
    assert torch.equal(batch["input"].flip(2), batch["sample"])
    for size in (None, 16):  # with a size, both halves are asked for alike
        two = open_unpaired(UnpairedOptions(path=str(folder), size=size, load_size=16, held_out=0, flip=False))
        for name in ("input", "sample"):
            mine = {image.numpy().tobytes() for image in two.batch(0, 3, 0)[name]}
            assert mine == {image.numpy().tobytes() for image in batch[name]}


def test_ordinary_photos_are_not_cut_in_halves(tmp_path: Path) -> None:
    folder = str(fill(tmp_path / "photos", NAMES))
    with pytest.raises(UserError, match=r"do not look like A and B side by side, 0.png with 16 x 16"):
        open_unpaired(UnpairedOptions(path=folder))
    with pytest.raises(UserError, match="do not look like A and B"):
        open_pairs(PairOptions(path=folder))


def test_the_other_direction(tmp_path: Path) -> None:
    folder = str(paired(tmp_path))
    there, back = (open_pairs(PairOptions(path=folder, direction=way)) for way in ("AtoB", "BtoA"))
    assert torch.equal(there.head(1)["input"], back.head(1)["sample"])
    assert torch.equal(there.batch(0, 4, 0)["sample"], back.batch(0, 4, 0)["input"])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
def test_kinds_of_images(tmp_path: Path, mode: str) -> None:
    fill(tmp_path / "B", NAMES)
    (tmp_path / "A").mkdir()
    for i, name in enumerate(NAMES):
        if mode == "I;16":
            deep = np.random.default_rng(i).integers(0, 65536, (16, 16)).astype(np.uint16)
            Image.fromarray(deep).save(tmp_path / "A" / name)
        else:
            picture(i, mode=mode).save(tmp_path / "A" / name)
    grey = mode in ("L", "I;16")
    source = open_pairs(PairOptions(path=str(tmp_path)))
    assert (source.input, source.shape) == ((1 if grey else 3, 16, 16), (3, 16, 16))
    four = open_pairs(PairOptions(path=str(tmp_path), channels=4))
    assert (four.input, four.shape) == ((4, 16, 16), (4, 16, 16))


def test_kinds_without_pairs_are_drawn_independently(tmp_path: Path) -> None:
    fill(tmp_path / "trainA", NAMES)
    fill(tmp_path / "trainB", NAMES[:6], first=100, size=(40, 24))
    source = open_unpaired(UnpairedOptions(path=str(tmp_path), held_out=0))
    assert (len(source), source.input, source.shape) == (6, (3, 16, 16), (3, 16, 16))
    batch, again = source.batch(3, 4, 7), source.batch(3, 4, 7)
    assert all(torch.equal(batch[name], again[name]) for name in ("input", "sample"))
    parts = [source.batch(3, 4, 7, slice(start, start + 2)) for start in (0, 2)]
    assert torch.equal(torch.cat([part["input"] for part in parts]), batch["input"])
    # The same files as both kinds: an order of its own for each.
    twice = open_unpaired(UnpairedOptions(path=str(tmp_path / "trainA"), to=str(tmp_path / "trainA"), held_out=0,
                                          load_size=16, flip=False))
    both = [twice.batch(k, 10, 0) for k in range(3)]
    assert any(not torch.equal(batch["input"], batch["sample"]) for batch in both)
    assert all(torch.equal(batch["input"].sum(), batch["sample"].sum()) for batch in both)


def test_a_damaged_file_loses_its_pair_and_no_other(tmp_path: Path) -> None:
    folder = paired(tmp_path)
    (folder / "B" / "3.png").write_bytes(b"no image")
    source = open_pairs(PairOptions(path=str(folder), load_size=16, flip=False, held_out=0))
    assert len(source) == 9
    assert source.facts is not None
    assert [name for name, _ in source.facts.skipped] == ["3.png"]
    batch = source.batch(0, 9, 0)
    assert torch.equal(batch["input"].flip(2), batch["sample"])


def test_damaged_and_small_images_are_told_of_where_they_are_kept_out(tmp_path: Path) -> None:
    folder = paired(tmp_path)  # of ten, the first one is kept out
    (folder / "B" / "0.png").write_bytes(b"no image")
    source = open_pairs(PairOptions(path=str(folder), held_out=0.2))
    assert source.facts is not None
    assert ([name for name, _ in source.facts.skipped], source.facts.found) == (["0.png"], 10)
    assert source.kept is not None
    assert (source.kept.names, source.names[0], len(source)) == (("9.png",), "1.png", 8)
    picture(0, (9, 9)).save(folder / "B" / "0.png")
    with pytest.raises(UserError, match=r"0.png with 9 x 9"):
        open_pairs(PairOptions(path=str(folder), size=16))


def test_a_note_beside_the_images_is_no_image_without_a_partner(tmp_path: Path) -> None:
    folder = paired(tmp_path)
    (folder / "A" / "README.txt").write_text("mine")
    source = open_pairs(PairOptions(path=str(folder)))
    assert source.facts is not None
    assert [name for name, _ in source.facts.skipped] == ["README.txt"]


def test_large_images_are_cut_to_256_pixels(tmp_path: Path) -> None:
    fill(tmp_path / "A", NAMES, size=(300, 300))
    fill(tmp_path / "B", NAMES, size=(300, 300))
    assert open_pairs(PairOptions(path=str(tmp_path))).shape == (3, 256, 256)


def test_what_cannot_be_paired_is_named(tmp_path: Path) -> None:
    folder = paired(tmp_path)
    (folder / "B" / "7.png").unlink()
    picture(1).save(folder / "B" / "lone.png")
    with pytest.raises(UserError, match=r"2 of 11 .*7 \(only in .*A\).*lone \(only in .*B\)"):
        open_pairs(PairOptions(path=str(folder)))


def test_small_images_are_refused_with_the_size_that_would_do(tmp_path: Path) -> None:
    folder = paired(tmp_path)
    picture(3, (16, 10)).save(folder / "B" / "3.png")
    with pytest.raises(UserError, match=r"1 images are smaller than the crop of 16 pixels, 3.png with 16 x 10"):
        open_pairs(PairOptions(path=str(folder), size=16))
    assert open_pairs(PairOptions(path=str(folder))).shape == (3, 8, 8)


@pytest.mark.parametrize(("make", "said"), [
    (lambda path: PairOptions(), "no images to translate"),
    (lambda path: PairOptions(path=str(path / "no")), "no such"),
    (lambda path: PairOptions(path=str(path / "set"), to=str(path / "empty")), "no files in it"),
    (lambda path: PairOptions(path=str(path / "half")), "none called B"),
    (lambda path: PairOptions(path=str(path / "set"), size=16, load_size=12), "at least 16"),
    (lambda path: PairOptions(path=str(path / "set"), held_out=0.95), "leaves 0 to train on")])
def test_bad_input(tmp_path: Path, make: object, said: str) -> None:
    paired(tmp_path)
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "half" / "A", NAMES)
    with pytest.raises(UserError, match=said):
        open_pairs(make(tmp_path))  # type: ignore[operator]


def test_two_files_of_one_name(tmp_path: Path) -> None:
    folder = paired(tmp_path)
    picture(0).save(folder / "A" / "0.bmp")
    with pytest.raises(UserError, match=r"0.bmp and 0.png are one name"):
        open_pairs(PairOptions(path=str(folder)))


def test_the_source_of_a_recipe_decides_its_options() -> None:
    assert kind_of(Pairs).options is PairOptions
    assert kind_of(Unpaired).open is open_unpaired


@pytest.mark.parametrize("make", [
    lambda: Crops(np.zeros((2, 1, 4, 4), np.uint8), 5), lambda: Pairs(np.zeros((2, 3, 4, 4), np.uint8), 3, 4),
    lambda: Unpaired(Crops(np.zeros((2, 1, 4, 4), np.uint8), 4), Crops(np.zeros((2, 1, 4, 4), np.uint8), 3))])
def test_sources_that_cannot_be(make: object) -> None:
    with pytest.raises(UserError):
        make()  # type: ignore[operator]
