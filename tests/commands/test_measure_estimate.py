"""ganworks measure estimate: what it prints, writes and refuses."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ganworks import cli

QUICK = ("--steps", "60", "--hidden", "16", "--folds", "2", "--seeds", "1")


def estimated(*words):
    return cli.main(["measure", "estimate", *map(str, words)])


@pytest.fixture
def files(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
    np.savetxt(tmp_path / "real.csv", x, delimiter=",")
    np.savez(tmp_path / "fake.npz", samples=y + np.array([1.5, 0]))
    return tmp_path / "real.csv", tmp_path / "fake.npz"


def test_two_files_by_default(files, capsys):
    assert estimated(*files, *QUICK) == 0
    out = capsys.readouterr().out
    assert "300 real and 300 generated points, 2 coordinates" in out
    for words in ("js  ", "kl  ", "95 % interval", "effective samples", "neighbours", "good"):
        assert words in out


def test_known_laws_with_a_picture_and_json(tmp_path, capsys):
    picture = tmp_path / "ratio.png"
    words = ("normal(0, 1)", "normal(1, 1)", "--samples", 800, "--objective", "kl", "--json", "--picture", picture)
    assert estimated(*words, *QUICK) == 0
    found, = json.loads(capsys.readouterr().out)
    assert found["exact"] == pytest.approx(0.5, rel=1e-9)  # (difference of means)^2 / 2
    assert found["interval"][0] <= 0.5
    assert found["ceiling"] == "inf"
    assert found["neighbours"]["kl"] == pytest.approx(0.5, abs=0.15)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert estimated(*words, *QUICK) == 2
    assert "--force" in capsys.readouterr().err


def test_a_picture_of_points_in_the_plane(files, tmp_path):
    assert estimated(*files, "--objective", "hinge", "--picture", tmp_path / "a.png", *QUICK) == 0
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_a_design_file_is_measured(files, tmp_path, capsys):
    (tmp_path / "my.yaml").write_text("f: (sqrt(u) - 1)^2\n")
    assert estimated(*files, "--objective", tmp_path / "my.yaml", "--json", *QUICK) == 0
    found, = json.loads(capsys.readouterr().out)
    assert found["measures"].startswith("squared Hellinger")
    assert found["interval"][0] <= 2 - 2 * math.exp(-(1.5**2) / 8)


def test_wasserstein(files, capsys):
    assert estimated(*files, "--wasserstein", "--steps", 20, "--hidden", 8) == 0
    out = capsys.readouterr().out
    for words in ("linear program", "clip", "penalty", "one-sided", "spectral"):
        assert words in out
    assert estimated(*files, "--wasserstein", "--steps", 20, "--hidden", 8, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["critics"][3]["gap"] <= found["exact"] * (1 + 1e-5)


def test_detail_that_the_critics_miss_is_said(tmp_path, capsys):
    # q is p without every other strip: a ratio of 2 and 0 in turn, too fine for a critic of 16.
    random = np.random.default_rng(1)
    np.save(tmp_path / "p.npy", random.random(2000))
    np.save(tmp_path / "q.npy", (random.integers(0, 20, 2000) + random.random(2000) / 2) / 20)
    assert estimated(tmp_path / "p.npy", tmp_path / "q.npy", "--objective", "reverse_kl", *QUICK) == 0
    assert "nearest neighbours say" in capsys.readouterr().out


@pytest.mark.parametrize(("more", "words"), [
    (("--objective", "wgan"), "--wasserstein"), (("--objective", "klr"), "did you mean"), (("--hidden", "a"), "widths"),
    (("--folds", "200"), "folds"), (("--picture", "a.pdf"), ".png"), (("--neighbours", "0"), "neighbours"),
    (("--wasserstein", "--picture", "a.png"), "one of them"), (("--step", "3"), "unknown argument")])
def test_refusals(files, more, words, capsys):
    assert estimated(*files, *QUICK, *more) == 2
    assert words in capsys.readouterr().err


def test_files_that_will_not_do(files, tmp_path, capsys):
    (tmp_path / "weighed.csv").write_text("x,weight\n" + "1,2\n" * 40)
    (tmp_path / "line.csv").write_text("1\n2\n" * 30)
    for other, words in (("weighed.csv", "weights"), ("line.csv", "coordinates"), ("none.csv", "no file")):
        assert estimated(files[0], tmp_path / other) == 2
        assert words in capsys.readouterr().err
    assert estimated(files[0], "norml(0, 1)") == 2
    assert "normal" in capsys.readouterr().err
