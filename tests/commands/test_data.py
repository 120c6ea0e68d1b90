import argparse
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ganworks.commands import data
from ganworks.errors import UserError


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def called(*words):
    parser = argparse.ArgumentParser("ganworks data")
    data.add_arguments(parser, [str(word) for word in words])
    return data.run(parser.parse_args([str(word) for word in words]))


def test_digits_are_described_and_drawn(tmp_path, capsys):
    assert called("digits", "--size", 32) == 0
    said = capsys.readouterr().out
    for words in ("1,797 images", "8x8 (1,797)", "32 x 32, grey", "10: 0 (178), 1 (182)", "(64, 1, 32, 32) uint8",
                  str(tmp_path / "cache"), "digits-grid.png"):
        assert words in said
    assert 600 <= Image.open(tmp_path / "digits-grid.png").width <= 1050


def test_what_was_skipped_is_told_with_the_reason(tmp_path, capsys):
    (tmp_path / "p" / "x").mkdir(parents=True)
    for i in range(3):
        Image.new("RGB", (20, 10), (i, 0, 0)).save(tmp_path / "p" / "x" / f"{i}.png")
    for i in range(20):
        (tmp_path / "p" / f"{i:02d}.png").write_text("no image")
    assert called("p", "--out", "o.png", "--fit", "pad", "--flip") == 0
    said = capsys.readouterr().out
    assert "3 images of 23 found" in said
    assert "00.png: not an image" in said
    assert "and 8 more" in said
    assert "probability 1/2" in said
    assert (tmp_path / "o.png").exists()
    called("p", "--json", "--out", "o.png")
    found = json.loads(capsys.readouterr().out)
    assert len(found["skipped"]) == 20
    assert found["sizes"] == {"20x10": 3}
    assert found["shape"] == [3, 8, 8]


def test_toys_tell_their_density(tmp_path, capsys):
    called("ring8")
    said = capsys.readouterr().out
    assert "8 Gaussians of sd 0.01" in said
    # The modes lie 76 sd apart, so the entropy is that of a choice of 8 plus that of one Gaussian.
    entropy = np.log(8) + np.log(2 * np.pi * np.e * 0.01**2)
    told = float(said.split("entropy")[1].split()[0])
    assert told == pytest.approx(entropy, abs=0.03)
    called("mixture1d", "--json")
    assert json.loads(capsys.readouterr().out)["kind"] == "toy"
    assert (tmp_path / "mixture1d-grid.png").exists()


def test_bad_input_writes_no_picture(tmp_path):
    for words, match in ((["digts"], "did you mean 'digits'"), (["digits", "--size", 2], "--size 2"),
                         (["digits", "--fit", "bend"], "--fit bend"), (["moons", "--size", 8], "for images")):
        with pytest.raises(UserError, match=match):
            called(*words)
    assert not list(tmp_path.glob("*.png"))


def test_help_imports_neither_torch_nor_pillow():
    code = ("import sys, argparse; from ganworks.commands import data; p = argparse.ArgumentParser();"
            "data.add_arguments(p, []); p.format_help(); print({'torch', 'PIL', 'numpy'} & set(sys.modules))")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "set()"


def test_the_help_begins_with_one_line():
    assert data.__doc__.splitlines()[0].endswith(".")
