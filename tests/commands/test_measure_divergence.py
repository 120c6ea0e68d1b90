"""ganworks measure divergence: what it prints, writes and refuses."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ganworks import cli


def measured(*words):
    return cli.main(["measure", "divergence", *map(str, words)])


def test_the_bare_command_shows_every_named_divergence_and_the_triangle(capsys):
    assert measured("1 0", "0 1") == 0
    out = capsys.readouterr().out
    assert "0.693147" in out
    assert "p has mass 1 where q has none" in out
    assert "JS is no metric" in out
    assert all(name in out for name in ("total_variation", "jeffrey", "perimeter", "softened_reverse_kl"))


def test_json(capsys):
    assert measured("0.5 0.5", "1 0", "--f", "kl", "--f", "-log(u)", "--f", "alpha:a=0.3", "--json") == 0
    kl, reverse, alpha = json.loads(capsys.readouterr().out)["divergences"]
    assert kl["value"] == "inf"
    assert "0.5" in kl["reason"]
    assert reverse["value"] == pytest.approx(math.log(2))
    assert alpha["method"] == "sum"


def test_the_generator(capsys):
    assert measured("0.5 0.5", "0.25 0.75", "--f", "nonsaturating", "--of", "generator", "--json") == 0
    m = np.array([0.375, 0.625])
    wanted = 2 * float(np.sum(m * np.log(m / 0.5)))
    assert json.loads(capsys.readouterr().out)["divergences"][0]["value"] == pytest.approx(wanted)


@pytest.mark.parametrize(("p", "q"), [("normal(0, 1)", "normal(4, 1)"), ("0.2 0.8", "1 0"), ("normal2", "ring8"),
                                      pytest.param("beta(0.5, 0.5)", "uniform(0, 1)", marks=pytest.mark.slow),
                                      pytest.param("poisson(3)", "poisson(4)", marks=pytest.mark.slow)])
def test_pictures(p, q, tmp_path, capsys):
    path = tmp_path / "seen.png"
    assert measured(p, q, "--f", "js", "--picture", path) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert measured(p, q, "--f", "js", "--picture", path) == 2
    assert "exists already" in capsys.readouterr().err


def test_files_of_probabilities(tmp_path, capsys):
    np.save(tmp_path / "p.npy", np.array([0.2, 0.3, 0.5]))
    (tmp_path / "q.csv").write_text("0.5\n0.3\n0.2\n")
    assert measured(tmp_path / "p.npy", tmp_path / "q.csv", "--f", "total_variation", "--json") == 0
    assert json.loads(capsys.readouterr().out)["divergences"][0]["value"] == pytest.approx(0.3)


def test_samples_are_sent_elsewhere(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(50, 2)))
    assert measured(tmp_path / "x.npy", tmp_path / "x.npy") == 2
    err = capsys.readouterr().err
    assert "samples, which have no density" in err
    assert "measure estimate" in err
    assert "measure transport" in err


@pytest.mark.parametrize(("words", "said"), [
    (("nromal", "normal"), "did you mean 'normal'"), (("0.5 0.6", "0.5 0.5"), "sums to 1.1"),
    (("0.5 0.5", "0.2 0.3 0.5"), "shape"), (("normal", "normal2"), "dimension"), (("0.5 0.5", "normal"), "no density"),
    (("normal", "normal", "--f", "jss"), "unknown divergence"), (("normal", "normal", "--f", "wgan"), "transport"),
    (("normal", "normal", "--f", "js", "--picture", "x.jpg"), "ends in .png"), (("missing.csv", "normal"), "no file"),
    (("normal", "normal", "--tolerance", "2"), "tolerance"),
])
def test_bad_input(words, said, capsys):
    assert measured(*words) == 2
    assert said in capsys.readouterr().err
