import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganworks.data.folder import classes_from_folders
from ganworks.data.opening import facts_of, open_source
from ganworks.data.options import DataOptions, checked
from ganworks.errors import UserError


def opened(path, **options):
    return open_source(DataOptions(path=str(path), **options))


def draw(path, value=0, size=(16, 16), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    ink = value if mode == "L" else (value,) * len(mode)
    Image.new(mode, size, ink).save(path)


def animals(folder):
    for i in range(3):
        draw(folder / "cat" / f"{i}.png", 10 * i)
        draw(folder / "dog" / "deep" / f"{i}.png", 100 + 10 * i)


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent))


@pytest.mark.parametrize("packed", [False, True])
def test_classes_from_sub_folders(tmp_path, packed):
    path = tmp_path / "animals"
    animals(path)
    if packed:
        zipped(path, tmp_path / "animals.zip")
        path = tmp_path / "animals.zip"
    source = opened(path)
    assert source.classes == ("cat", "dog")
    assert source.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert source.pixels[:, 0, 0, 0].tolist() == [0, 10, 20, 100, 110, 120]
    facts = facts_of(source)
    assert facts.classes == {"cat": 3, "dog": 3}
    assert (facts.found, facts.count, facts.skipped) == (6, 6, ())


def test_what_counts_as_a_class():
    assert classes_from_folders(["a/1.png", "b/x/2.png"])[0] == ["a", "b"]
    assert classes_from_folders(["top/a/1.png", "top/b/2.png"])[0] == ["a", "b"]
    assert classes_from_folders(["a/1.png", "a/2.png"]) == (None, ())
    labels, notes = classes_from_folders(["1.png", "a/2.png", "b/3.png"])
    assert labels is None
    assert "no classes" in notes[0]
    assert "splits" in classes_from_folders(["train/1.png", "test/2.png"])[1][0]


def test_classes_that_are_numbers_come_in_their_order(tmp_path):
    for name in ("10", "9", "1"):
        draw(tmp_path / "n" / name / "a.png", int(name))
        draw(tmp_path / "n" / name / "b.png", int(name))
    assert opened(tmp_path / "n").classes == ("1", "9", "10")


def test_bad_files_among_good_are_skipped_and_named(tmp_path):
    path = tmp_path / "mixed"
    animals(path)
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path / "cat" / "whole.png")
    whole = (path / "cat" / "whole.png").read_bytes()
    (path / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (path / "dog" / "empty.png").touch()
    (path / "dog" / "text.png").write_text("hello")
    (path / "readme.txt").write_text("hello")
    (path / "broken.png").symlink_to("nowhere")
    (path / ".hidden.png").write_bytes(whole)
    (path / "__MACOSX" / "dog").mkdir(parents=True)
    (path / "__MACOSX" / "dog" / "x.png").write_bytes(whole)
    os.mkfifo(path / "pipe.png")
    source = opened(path)
    facts = facts_of(source)
    reasons = dict(facts.skipped)
    assert set(reasons) == {"cat/cut.png", "dog/empty.png", "dog/text.png", "readme.txt", "broken.png", "pipe.png"}
    assert "truncated" in reasons["cat/cut.png"]
    assert reasons["dog/empty.png"] == "empty file"
    assert reasons["dog/text.png"] == "not an image"
    assert reasons["pipe.png"] == "not a file"
    assert (facts.found, facts.count, len(source)) == (13, 7, 7)
    assert facts.classes == {"cat": 4, "dog": 3}
    assert sum(facts.sizes.values()) == 7


def test_a_loop_of_links_ends_and_linked_folders_are_read(tmp_path):
    path = tmp_path / "linked"
    animals(path)
    (path / "cat" / "up").symlink_to(path)
    draw(tmp_path / "elsewhere" / "0.png", 200)
    (path / "fox").symlink_to(tmp_path / "elsewhere")
    assert facts_of(opened(path)).classes == {"cat": 3, "dog": 3, "fox": 1}


def test_sizes_channels_and_duplicates(tmp_path):
    path = tmp_path / "a"
    draw(path / "0.png", 10, (40, 70))
    draw(path / "1.png", 20, (50, 90), "RGB")
    draw(path / "2.png", 20, (50, 90), "RGB")
    source = opened(path)
    assert source.shape == (3, 32, 32)
    assert facts_of(source).sizes == {"50x90": 2, "40x70": 1}
    assert facts_of(source).formats == {"RGB 8 bit": 2, "grey 8 bit": 1}
    assert facts_of(source).duplicates == 1
    assert opened(path, size=12, channels=1, fit="pad").shape == (1, 12, 12)
    draw(tmp_path / "grey" / "0.png")
    draw(tmp_path / "grey" / "1.png")
    assert opened(tmp_path / "grey").shape == (1, 16, 16)


def test_a_zip_with_evil_members_is_read_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("ganworks.data.folder.LARGEST", 2**20)
    draw(tmp_path / "0.png", 5)
    content = (tmp_path / "0.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../out.png", content)
        archive.writestr("/abs.png", content)
        archive.writestr("ok.png", content)
        archive.writestr("bomb.png", bytes(2**21))
    before = {p.name for p in tmp_path.iterdir()}
    facts = facts_of(opened(tmp_path / "evil.zip"))
    assert facts.count == 3
    assert facts.skipped == (("bomb.png", "would unpack to 2 MiB"),)
    assert {p.name for p in tmp_path.iterdir()} - before <= {"cache"}


def refused(path, match, **options):
    with pytest.raises(UserError, match=match):
        opened(path, **options)


def test_each_hopeless_folder_has_its_message(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "no files in it")
    draw(tmp_path / "one" / "a.png")
    refused(tmp_path / "one", "only one image")
    refused(tmp_path / "one" / "a.png", "a single image")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("x")
    refused(tmp_path / "text", "none of 1 files can be read as an image; a.txt: not an image")
    (tmp_path / "bad.zip").write_bytes(b"PK hello")
    refused(tmp_path / "bad.zip", "damaged zip")


def test_options_out_of_range_are_named():
    with pytest.raises(UserError, match="--size 2"):
        checked(size=2)
    with pytest.raises(UserError, match="--channels 2"):
        checked(channels=2)
    with pytest.raises(UserError, match="--fit bend"):
        checked(fit="bend")
    with pytest.raises(UserError, match="--sise 3"):
        checked(sise=3)
