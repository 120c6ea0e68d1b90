"""ganworks measure dynamics: what it prints, writes and refuses."""

from __future__ import annotations

import json
import math

import pytest

from ganworks import cli
from ganworks.design import from_likelihood_ratio
from ganworks.design.document import save


def measured(*words):
    return cli.main(["measure", "dynamics", *map(str, words)])


def test_one_game(capsys):
    assert measured("--objective", "minimax", "--stabiliser", "r1:gamma=0.6", "--rounds", 600) == 0
    out = capsys.readouterr().out
    assert "converges" in out
    assert "-0.3+0.4i" in out  # -gamma/2 +- sqrt(gamma^2/4 - 1/4)


def test_json_holds_numbers_and_trajectories(capsys):
    assert measured("--game", "bilinear", "--stabiliser", "extragradient", "--step", 0.5, "--start", "-1,2",
                    "--rounds", 50, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["radius"] == pytest.approx(math.sqrt(1 - 0.25 + 0.0625), abs=1e-12)
    assert facts["trajectories"]["states"][0][0] == [-1, 2]
    assert sorted(facts["eigenvalues"]) == [[0, -1], [0, 1]]


def test_a_design_of_ones_own(tmp_path, capsys):
    path = tmp_path / "my.yaml"
    save(from_likelihood_ratio("log(r)/2", "exp(-t)", "mine"), path)
    assert measured("--objective", path, "--play", "alternating", "--rounds", 500, "--picture", tmp_path / "a.png") == 0
    out = capsys.readouterr().out
    assert "mine" in out
    assert "spectral radius    1 " in out
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_quadratic_game_from_matrices(tmp_path, capsys):
    assert measured("--matrix", "B=1 0; 0 2", "--matrix", "A=-1 0;0 0", "--rounds", 100, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert len(facts["eigenvalues"]) == 4
    assert facts["verdict"] in ("diverges", "runs away")


def test_the_table_of_one_objective(tmp_path, capsys):
    picture = tmp_path / "table.png"
    assert measured("--objective", "wgan", "--table", "--stabiliser", "r1", "--picture", picture) == 0
    lines = capsys.readouterr().out.splitlines()
    (none,), (r1,) = ([line for line in lines if line.startswith(name)] for name in ("none", "r1"))
    assert none.split() == ["none", "1.004988", "diverges", "1.000000", "circles"]  # sqrt(1.01), 1
    assert r1.split() == ["r1", "0.953939", "converges", "0.948683", "converges"]  # sqrt(0.91), sqrt(0.9)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [
    ("--objective", "nobody"), ("--game", "chess"), ("--matrix", "D=1"), ("--matrix", "B=a"), ("--matrix", "B=1;2 3"),
    ("--objective", "wgan", "--game", "bilinear"), ("--table", "--game", "bilinear"), ("--picture", "a.txt"),
    ("--stabiliser", "r9"), ("--objective", "wgan", "--start", "1"), ("--objective", "wgan", "--step", "-1"),
])
def test_what_is_refused(words, capsys):
    assert measured(*words) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_picture_is_not_replaced_by_accident(tmp_path, capsys):
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    words = ("--game", "bilinear", "--rounds", 20, "--picture", path)
    assert measured(*words) == 2
    assert path.read_bytes() == b"mine"
    assert measured(*words, "--force") == 0
