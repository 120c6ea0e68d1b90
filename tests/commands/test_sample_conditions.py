"""Samples by class and by vector, and evaluations of them, from the command line; the data is deleted in between."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganworks.cli import main
from ganworks.recipes import rebuild
from ganworks.train import Run
from ganworks.train.portrait import Told, portrait, portrait_count, shown

NAMES = ("cat", "dog", "a, b")
COUNTS = (150, 30, 20)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a few steps in runs/: told classes, told vectors, told nothing; their data in data.npz."""
    base = tmp_path_factory.mktemp("conditions")
    labels = np.repeat(np.arange(3), COUNTS)
    rng = np.random.default_rng(0)
    images = np.clip(rng.normal(60 + 60 * labels[:, None, None], 20, (200, 8, 8)), 0, 255).astype(np.uint8)
    np.savez(base / "data.npz", images=images, labels=labels, label_names=np.array(NAMES),
             vectors=np.stack([labels, -labels], 1) / 2.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANWORKS_CACHE", str(base / "cache"))
        options = ["--steps", "6", "--width", "16", "--latent", "8", "--batch", "16", "--sample-every", "3",
                   "--measure", "none", "--quiet", "--device", "cpu"]
        for name, more in {"label": ["cgan"], "vector": ["cgan", "--condition", "vector"], "none": ["dcgan"]}.items():
            assert main(["train", *more, "--data", str(base / "data.npz"), "--run", str(base / "runs" / name),
                         *options]) == 0
    return base


@pytest.fixture
def runs(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, without the data."""
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(base / "runs", tmp_path / "runs")


def sample(*arguments: object) -> int:
    return main(["sample", *map(str, arguments), "--device", "cpu"])


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as found:
        return dict(found)


def test_an_array_holds_labels_that_come_as_in_the_data(runs: Path, tmp_path: Path) -> None:
    assert sample(runs / "label", "--count", 1000, "--out", tmp_path / "a.npz") == 0
    found = arrays(tmp_path / "a.npz")
    assert tuple(found["label_names"]) == NAMES
    share = np.bincount(found["labels"], minlength=3) / 1000
    wanted = np.array(COUNTS) / 200
    assert (np.abs(share - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 1000)).all()
    trainer = rebuild(Run.open(runs / "label"), device="cpu")
    again = trainer.samples(1000, condition=torch.from_numpy(found["labels"]))
    assert (again[:, 0].numpy() == found["images"]).all()
    assert (trainer.samples(1000)[:, 0].numpy() == found["images"]).all()


@pytest.mark.parametrize(("asked", "labels"), [
    ("dog", [1]), ("dog,cat", [1, 0]), ("a, b", [2]), ("2", [2]), ("0,dog", [0, 1]), ("dog,1", [1])])
def test_classes_by_name_and_number_in_equal_shares(runs: Path, tmp_path: Path, asked: str, labels: list[int]) -> None:
    assert sample(runs / "label", "--class", asked, "--count", 12, "--out", tmp_path / "a.npz") == 0
    found = arrays(tmp_path / "a.npz")
    assert found["labels"].tolist() == np.repeat(labels, 12 // len(labels)).tolist()
    wanted = rebuild(Run.open(runs / "label"), device="cpu").samples(12, condition=torch.from_numpy(found["labels"]))
    assert (wanted[:, 0].numpy() == found["images"]).all()


def test_the_class_changes_the_samples(runs: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        assert sample(runs / "label", "--class", name, "--count", 4, "--out", tmp_path / f"{name}.npz") == 0
    assert (arrays(tmp_path / "cat.npz")["images"] != arrays(tmp_path / "dog.npz")["images"]).any()


def test_vectors(runs: Path, tmp_path: Path) -> None:
    assert sample(runs / "vector", "--vector=-0.3,1.25", "--vector", "7,0", "--count", 4, "--out",
                  tmp_path / "a.npz") == 0
    found = arrays(tmp_path / "a.npz")
    assert found["vectors"].tolist() == np.float32([[-0.3, 1.25]] * 2 + [[7, 0]] * 2).tolist()
    assert "labels" not in found
    assert sample(runs / "vector", "--count", 50, "--out", tmp_path / "b.npz") == 0
    vectors = arrays(tmp_path / "b.npz")["vectors"]  # those of the data, which is gone
    assert {tuple(row) for row in vectors.tolist()} <= {(0.0, 0.0), (0.5, -0.5), (1.0, -1.0)}
    assert len({tuple(row) for row in vectors.tolist()}) > 1


def test_an_array_can_be_trained_on(runs: Path, tmp_path: Path) -> None:
    from ganworks.data import DataOptions, open_source

    assert sample(runs / "label", "--count", 40, "--out", tmp_path / "a.npz") == 0
    assert sample(runs / "vector", "--count", 40, "--out", tmp_path / "b.npz") == 0
    assert open_source(DataOptions(path=str(tmp_path / "a.npz"))).classes == NAMES
    assert open_source(DataOptions(path=str(tmp_path / "b.npz"))).vector == 2


def test_single_images_lie_in_a_folder_of_their_class(runs: Path, tmp_path: Path) -> None:
    assert sample(runs / "label", "--class", "dog,2", "--count", 6, "--format", "png", "--out", tmp_path / "x") == 0
    assert sorted(str(p.relative_to(tmp_path / "x")) for p in (tmp_path / "x").rglob("*.png")) == [
        *[f"a_ b/{i:06d}.png" for i in (3, 4, 5)], *[f"dog/{i:06d}.png" for i in (0, 1, 2)]]


def test_the_default_grid_has_a_row_for_each_class(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample(runs / "label") == 0
    out = Path(capsys.readouterr().out.strip())
    assert out.name == "grid-48-step-6-seed-0.png"  # 3 rows of 16
    trainer = rebuild(Run.open(runs / "label"), device="cpu")
    sheet = np.asarray(Image.open(out).convert("L"))
    cell = sheet.shape[0] // (3 * 9 + 1)  # 8 pixels and one between, enlarged
    assert sheet.shape[0] == cell * (3 * 9 + 1)
    left = sheet.shape[1] - cell * (16 * 9 + 1)
    assert left > 0  # where the names are
    assert (sheet[:, :left] < 100).any()
    small = sheet[cell // 2 :: cell, left + cell // 2 :: cell]
    for row in range(3):
        wanted = trainer.samples(16, condition=torch.full((16,), row))[:, 0].numpy()
        for column in range(16):
            tile = small[9 * row + 1 : 9 * row + 9, 9 * column + 1 : 9 * column + 9]
            # A batch of another size may round another way.
            assert np.abs(tile.astype(int) - wanted[column].astype(int)).max() <= 1
    picture = np.asarray(Image.open(runs / "label" / "samples" / "step-00000006.png").convert("L"))
    assert (picture == sheet).all()  # what training drew


def test_grids_of_some_classes(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trainer = rebuild(Run.open(runs / "label"), device="cpu")
    two = Told(torch.tensor([2, 0]), ("a, b", "cat"))
    assert portrait_count(trainer, 9, two) == 10  # full rows
    assert portrait_count(trainer, 9, two, rows=False) == 9
    assert portrait_count(trainer, 9, Told(torch.tensor([1]), ("dog",))) == 9
    assert portrait(trainer, 9, told=two).mode == "L"
    assert sample(runs / "label", "--class", "a, b,cat") == 2  # a comma in a name cannot be told from one between
    assert sample(runs / "label", "--class", "2,cat") == 0
    assert Path(capsys.readouterr().out.strip()).name == "grid-32-of-a_b_cat-step-6-seed-0.png"
    assert sample(runs / "label", "--class", "dog,1") == 0  # one class, once
    assert Path(capsys.readouterr().out.strip()).name == "grid-64-of-dog-step-6-seed-0.png"
    many = shown(Told(torch.arange(100), tuple(map(str, range(100)))))
    assert (len(many), many.names[0], many.names[-1]) == (24, "0", "99")


def test_a_walk_keeps_to_the_class(runs: Path, tmp_path: Path) -> None:
    from ganworks.report.draws import walk

    trainer = rebuild(Run.open(runs / "label"), device="cpu")
    dogs = walk(trainer, 3, 4, conditions=torch.tensor([1]))
    turns = walk(trainer, 3, 4)
    assert torch.equal(dogs[1], turns[1])  # its own class in the turn
    assert not torch.equal(dogs[0], turns[0])
    assert sample(runs / "label", "--class", "dog", "--interpolate", 4, "--count", 3, "--out", tmp_path / "a.png") == 0


@pytest.mark.parametrize(("run", "options", "words"), [
    ("label", ["--class", "dgo"], "did you mean 'dog'?"), ("label", ["--class", "3"], "a number from 0 to 2"),
    ("label", ["--class", "cat,"], "--class ''"), ("label", ["--vector", "1,2"], "--class"),
    ("vector", ["--class", "cat"], "--vector"), ("vector", ["--vector", "1"], "2 finite numbers"),
    ("vector", ["--vector", "1,nan"], "2 finite numbers"), ("vector", ["--vector", "1,x"], "2 finite numbers"),
    ("none", ["--class", "cat"], "--condition label"), ("none", ["--vector", "1,2"], "--condition vector"),
    ("label", ["--class", "cat", "--vector", "1,2"], "leave the other one out")])
def test_what_cannot_be_asked_for(runs: Path, run: str, options: list[str], words: str,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in (runs / run).iterdir())
    assert sample(runs / run, *options) == 2
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in (runs / run).iterdir()) == before


def test_a_run_from_before_laws_were_kept_has_equal_shares(runs: Path, tmp_path: Path) -> None:
    path = runs / "label" / "source.json"
    facts = json.loads(path.read_text())
    assert facts.pop("conditions")["counts"] == list(COUNTS)
    path.write_text(json.dumps(facts))
    assert sample(runs / "label", "--count", 600, "--out", tmp_path / "a.npz") == 0
    counts = np.bincount(arrays(tmp_path / "a.npz")["labels"], minlength=3)
    assert (np.abs(counts - 200) < 4 * np.sqrt(600 * 2 / 9)).all()
    kept = json.loads((runs / "none" / "source.json").read_text())
    assert "conditions" not in kept  # no one needs them
    assert json.loads((runs / "vector" / "source.json").read_text())["vector"] == 2


def test_an_evaluation_tells_the_classes(base: Path, runs: Path, capsys: pytest.CaptureFixture[str],
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANWORKS_CACHE", str(base / "cache"))
    monkeypatch.setattr("ganworks.evaluate.classifier.LEAST_STEPS", 60)
    assert main(["evaluate", str(runs / "label"), "--n", "100", "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((runs / "label" / "metrics.json").read_text())
    [figure] = [one for one in found["figures"] if one["name"] == "condition accuracy"]
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert figure["floor"] > 0.8  # grey levels that are told apart
    assert sum(one["accuracy"]["n"] for one in found["classes"]) == 100
    assert {one["name"] for one in found["classes"]} <= set(NAMES)
    assert "named so" in (runs / "label" / "report.html").read_text()
