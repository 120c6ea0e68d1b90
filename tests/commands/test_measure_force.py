"""ganworks measure force: what it prints, writes and refuses."""

from __future__ import annotations

import json

import pytest

from ganworks import cli
from ganworks.design import from_terms
from ganworks.design.document import save


def measured(*words):
    return cli.main(["measure", "force", *map(str, words)])


def test_a_design_of_ones_own_walks_into_its_spurious_point(tmp_path, capsys):
    path = tmp_path / "my.yaml"
    save(from_terms("-(t+1)^2", "-(t-1)^2", name="mine").with_generator("t^2", "t^2"), path)
    picture = tmp_path / "force.png"
    assert measured("--objective", path, "--picture", picture) == 0
    out = capsys.readouterr().out
    assert "+0.121491" in out
    assert "-1.41183" in out
    assert "OPPOSITE SIGNS" in out
    assert "0.340126449963" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert measured("--objective", path, "--picture", picture) == 2


def test_json_of_a_shift(capsys):
    assert measured("--objective", "reverse_kl", "--family", "normal_shift", "--start", "-1", "--json") == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert facts["followed"] == pytest.approx([-1])  # KL(q, p) = m^2/2
    assert facts["walk"]["verdict"] == "reaches p"


def test_the_simplex(tmp_path, capsys):
    picture = tmp_path / "simplex.png"
    assert measured("--objective", "kl", "--family", "simplex", "--p", "0.2,0.3,0.5", "--picture", picture) == 0
    assert "reaches p" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [
    ("--objective", "wgan"), ("--family", "cauchy"), ("--start", "x"), ("--family", "simplex", "--start", "0.5,0.6"),
    ("--picture", "a.pdf"), ("--objective", "kl", "--family", "normal", "--picture", "a.png"),
])
def test_what_is_refused(words, capsys):
    assert measured(*words) == 2
    assert capsys.readouterr().err.startswith("error: ")
