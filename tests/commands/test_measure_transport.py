"""ganworks measure transport: what it prints, writes and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from ganworks.cli import main

PLAN = "0,0,0,1,2\n0,0,1,0,0\n0,0,0,2,0\n0,0,0,0,0\n0,1,0,0,0\n"


def said(capsys, *words: str, status: int = 0) -> str:
    assert main(["measure", "transport", *words]) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    np.savetxt("x.csv", random.normal(size=(30, 2)), delimiter=",", header="a,b", comments="")
    np.savetxt("y.csv", random.normal(size=(20, 2)) + 1, delimiter=",")
    np.savetxt("flat.csv", random.normal(size=(20, 3)), delimiter=",")
    (tmp_path / "plan.csv").write_text(PLAN)
    (tmp_path / "wrong.csv").write_text(PLAN.replace("0,1,0,0,0", "1,0,0,0,0"))
    return tmp_path


def test_without_arguments_it_explains_itself_with_the_piles(capsys):
    text = said(capsys)
    assert "P: 3 1 2 0 1" in text
    assert "total cost       11, for 7 units" in text  # |3| + |3| + |4| + |1| between the running sums
    assert "1.571428571" in text


def test_piles_as_json(capsys):
    facts = json.loads(said(capsys, "--piles", "1 0 0", "0,0,1", "--json"))
    assert facts["distance"] == 2
    assert facts["moves"] == [{"from": 0, "to": 2, "mass": 1.0}]
    assert facts["lipschitz"] <= 1


def test_two_files_with_everything(capsys, files):
    import ot

    facts = json.loads(said(capsys, "x.csv", "y.csv", "--power", "2", "--sinkhorn", "0.5", "--sliced", "64", "--json",
                            "--picture", "a.png", "--save-plan", "p.npz"))
    x, y = np.loadtxt("x.csv", delimiter=",", skiprows=1), np.loadtxt("y.csv", delimiter=",")
    assert facts["cost"] == pytest.approx(ot.emd2([], [], ot.dist(x, y)), rel=1e-9)
    assert facts["sinkhorn"]["lower"] <= facts["cost"] <= facts["sinkhorn"]["cost"]
    assert facts["sliced"]["distance"] <= facts["sliced"]["max_sliced"] <= facts["distance"]
    with np.load("p.npz", allow_pickle=False) as held:
        np.testing.assert_allclose(held["plan"].sum(axis=1), 1 / 30)
        assert float(held["cost"]) == facts["cost"]
    assert Image.open("a.png").size[0] > 1000
    assert "exists already" in said(capsys, "x.csv", "y.csv", "--picture", "a.png", status=2)
    text = said(capsys, "x.csv", "y.csv", "--picture", "a.png", "--force", "--sinkhorn", "0.5", "--sliced", "8",
                "--save-plan", "p.csv")
    assert "max-sliced" in text
    assert "converged in" in text
    assert np.loadtxt("p.csv", delimiter=",").shape == (30, 20)


def test_weights_of_one_file_only(capsys, files):
    (files / "w.csv").write_text("x,weight\n0,1\n4,3\n")
    (files / "z.csv").write_text("0\n")
    assert json.loads(said(capsys, "w.csv", "z.csv", "--json"))["distance"] == pytest.approx(3)


def test_a_plan_of_ones_own(capsys, files):
    assert "costs 2.4285714, 0.857143 too much (54.55 %)" in said(capsys, "--plan", "plan.csv", "--picture", "b.png")
    text = said(capsys, "--plan", "wrong.csv")
    assert "is no plan" in text
    assert "what arrives at 1 (y) is 0, should be 1" in text
    assert Image.open("b.png").size[1] > 1000


def test_pictures_of_every_kind(files):
    from ganworks.measure import score_against, transport
    from ganworks.report.drawing import PAGE, svg_of
    from ganworks.report.measure_transport import draw_transport, piles_of, transport_png

    random = np.random.default_rng(0)
    long = transport(random.normal(size=90), random.normal(size=70))
    cases = [long, transport(random.normal(size=(70, 5)), random.normal(size=(80, 5))),
             transport(None, None, metric=[[1.0, 2], [3, 1]])]
    assert all(transport_png(best)[:4] == b"\x89PNG" for best in cases)
    assert transport_png(long, score_against(np.outer(long.a, long.b), long))[:4] == b"\x89PNG"
    piles = transport([0.0, 0.0, 2.0], [1.0, 2.0], [1, 2, 1], [3, 1])
    found = piles_of(piles)
    np.testing.assert_allclose(found.a, [3, 1])
    np.testing.assert_allclose(found.plan.sum(axis=1), [3, 1])
    svg = svg_of(8, 4, lambda figure: draw_transport(figure, piles, PAGE), "piles")
    assert "var(--line-1)" in svg


def test_large_clouds_are_told_what_they_cost(capsys, files, monkeypatch):
    from ganworks.commands import measure_transport
    from ganworks.measure import costs

    monkeypatch.setattr(measure_transport, "LARGE", 10)
    assert main(["measure", "transport", "x.csv", "y.csv", "--sliced", "4"]) == 0
    printed = capsys.readouterr()
    assert "is left out" in printed.err
    assert "W1" not in printed.out
    assert "max-sliced" in printed.out
    assert main(["measure", "transport", "x.csv", "y.csv"]) == 0
    assert "--sliced takes neither" in capsys.readouterr().err
    monkeypatch.setattr(costs, "free_memory", lambda: 1000.0)
    assert "take the sliced distance" in said(capsys, "x.csv", "y.csv", status=2)


@pytest.mark.parametrize(("words", "wanted"), [
    (("x.csv", "flat.csv"), "x has 2 coordinates a point and y has 3"),
    (("x.csv",), "one file of samples"),
    (("x.csv", "y.csv", "--piles", "1", "1"), "files and --piles together"),
    (("x.csv", "y.csv", "--metric", "euclid"), "did you mean 'euclidean'?"),
    (("x.csv", "y.csv", "--sinkhorn", "0"), "a positive number"),
    (("x.csv", "y.csv", "--sliced", "0"), "1 direction or more"),
    (("x.csv", "y.csv", "--plan", "plan.csv"), "a plan of shape (5, 5) for 30 and 20 points"),
    (("x.csv", "y.csv", "--picture", "a.jpg"), "ends in .png"),
    (("x.csv", "y.csv", "--power", "0"), "1 or more"),
    (("--piles", "1 2", "1 1"), "the weights a sum to 3, the weights b to 2"),
    (("--piles", "1 -2 3", "1 1"), "weight 2 of a is negative"),
    (("--piles", "1 x", "1 1"), "numbers with spaces between"),
    (("--piles", "", "1 1"), "is empty"),
    (("none.csv", "y.csv"), "no file none.csv"),
])
def test_bad_input_is_refused(capsys, files, words, wanted):
    assert wanted in said(capsys, *words, status=2)
