"""ganworks measure discriminator and blindness, as they are typed."""

from __future__ import annotations

import json

import pytest

from ganworks.cli import main


def test_discriminator(capsys, tmp_path):
    picture = tmp_path / "d.png"
    assert main(["measure", "discriminator", "normal(0, 1)", "normal(1, 1)", "--steps", "30", "--picture",
                 str(picture)]) == 0
    assert "V(D*, G)" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["measure", "discriminator", "--steps", "30", "--picture", str(picture)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["measure", "discriminator", "normal(0, 1)", "normal(4, 1)", "--steps", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["js"] == pytest.approx(0.6327, abs=5e-5)  # docs/theory.md, A


@pytest.mark.parametrize("wrong", [["normal(0)", "x"], ["cauchy", "ring8"], ["--steps", "0"], ["--picture", "a.jpg"],
                                   ["a.csv", "b.csv"]])
def test_discriminator_refuses(wrong, capsys):
    assert main(["measure", "discriminator", *wrong]) == 2
    assert capsys.readouterr().err.startswith("error:")


@pytest.mark.slow
def test_blindness(capsys, tmp_path):
    assert main(["measure", "blindness", "--picture", str(tmp_path / "b.png")]) == 0
    out = capsys.readouterr().out
    assert "0.693147" in out
    assert (tmp_path / "b.png").stat().st_size > 50_000
