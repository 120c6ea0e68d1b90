"""Translating from end to end: train on pairs and on two kinds, resume, judge, translate a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganworks.cli import main
from ganworks.data.folder import Found
from ganworks.train import Run

SMALL = ["--size", "16", "--width", "2", "--width-critic", "2", "--patch-layers", "1", "--batch", "2", "--quiet",
         "--log-every", "1", "--measure", "none"]

NO_REPORT = ("ganworks.commands.train._closing", lambda path, step, steps: 0)
"""The report behind a training takes longer than four steps of it, and is not what is tested here."""


def picture(seed: int, side: int = 20) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs whose B is the negative of A, and runs of four steps of both recipes."""
    folder = tmp_path_factory.mktemp("translate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANWORKS_CACHE", str(folder / "cache"))
        patch.setattr(*NO_REPORT)
        for kind in "AB":
            (folder / "set" / kind).mkdir(parents=True)
        for i in range(12):
            picture(i).save(folder / "set" / "A" / f"{i:02}.png")
            Image.eval(picture(i), lambda v: 255 - v).save(folder / "set" / "B" / f"{i:02}.png")
        for recipe, more in (("pix2pix-small", []), ("cyclegan-small", ["--pool", "3", "--blocks", "1"])):
            argv = ["train", recipe, "--data", str(folder / "set"), "--steps", "4", "--checkpoint-every", "2",
                    "--sample-every", "4", *SMALL, *more, "--run", str(folder / recipe)]
            assert main(argv) == 0
    return folder


@pytest.fixture(autouse=True)
def cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANWORKS_CACHE", str(home / "cache"))


@pytest.mark.parametrize("recipe", ["pix2pix-small", "cyclegan-small"])
def test_a_resumed_run_is_the_run_itself(home: Path, tmp_path: Path, recipe: str,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*NO_REPORT)
    # Dropout, crops, and the replay pools (3 images, full at step 2) are all to go on exactly.
    more = ["--pool", "3", "--blocks", "1"] if recipe == "cyclegan-small" else []
    argv = ["train", recipe, "--data", str(home / "set"), "--steps", "2", "--checkpoint-every", "2",
            "--sample-every", "4", *SMALL, *more, "--run", str(tmp_path / "run")]
    schedule = ["--schedule", "constant"]
    assert main([*argv, *schedule]) == 0
    whole = [*argv[:-1], str(tmp_path / "whole"), *schedule]
    whole[whole.index("--steps") + 1] = "4"
    assert main(whole) == 0
    assert main(["train", "--resume", str(tmp_path / "run"), "--steps", "4", "--quiet"]) == 0
    one, other = (Run.open(tmp_path / name).load("last")[0]["game"] for name in ("run", "whole"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_pictures_show_what_belongs_together(home: Path) -> None:
    # Rows of 8 images of 16 pixels with a pixel between, six times enlarged: input, translated, real; both ways round.
    for recipe, rows in (("pix2pix-small", 3), ("cyclegan-small", 6)):
        image = Image.open(home / recipe / "samples" / "step-00000004.png")
        assert image.height == (rows * 17 + 1) * 6
        assert image.width > (8 * 17 + 1) * 6


def test_pairs_are_judged_on_those_kept_out(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["evaluate", str(home / "pix2pix-small"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    figures = {figure["name"]: figure["value"] for figure in found["figures"]}
    assert {"L1", "PSNR, dB", "SSIM", "L1 of the best constant image", "L1 of the input itself"} <= figures.keys()
    assert any("too few" in warning for warning in found["warnings"])
    worst = json.loads((home / "pix2pix-small" / "worst.json").read_text())
    assert [one["name"] for one in worst] == ["00.png"]
    # The input of a negative: |x - (255 - x)| / 255, from the file itself; it is resized from 20 to 16 pixels.
    kept = np.asarray(picture(0).resize((16, 16), Image.Resampling.BICUBIC), dtype=float)
    assert figures["L1 of the input itself"] == pytest.approx(np.abs(2 * kept - 255).mean() / 255, abs=0.01)
    assert (home / "pix2pix-small" / "worst.png").stat().st_size > 0
    assert "worst.png" in (home / "pix2pix-small" / "report.html").read_text()


def test_pairs_from_elsewhere_are_all_judged(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["evaluate", str(home / "pix2pix-small"), "--data", str(home / "set"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    figures = {figure["name"]: figure for figure in found["figures"]}
    assert figures["L1"]["n"] == 12
    assert not any("trained on" in warning for warning in found["warnings"])
    worst = json.loads((home / "pix2pix-small" / "worst.json").read_text())
    assert {one["name"] for one in worst} <= {f"{i:02}.png" for i in range(12)}


def test_cycles_are_judged_both_ways(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["evaluate", str(home / "cyclegan-small"), "--data", str(home / "set"), "--json"]) == 0
    names = [figure["name"] for figure in json.loads(capsys.readouterr().out)["figures"]]
    assert names[-4:] == ["cycle error A to B to A", "cycle error B to A to B", "identity error in B",
                          "identity error in A"]


def vanishing(name: str) -> Callable[..., Iterator[Found]]:
    """Return the walk through a folder that also finds a file that is gone when it is opened."""
    from ganworks.data.folder import _walk

    def walk(*given: object) -> Iterator[Found]:
        yield from _walk(*given)  # type: ignore[arg-type]
        yield Found((name,), 1, 1)

    return walk


def test_a_folder_is_translated_under_its_names(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "in"
    (given / "deep").mkdir(parents=True)
    picture(1, 37).save(given / "one.png")
    picture(2, 90).crop((0, 0, 90, 21)).save(given / "deep" / "two.jpg")
    picture(3).convert("L").save(given / "three.gif")
    picture(4).convert("L").save(given / "one.gif")
    picture(5).crop((0, 0, 1, 1)).save(given / "dot.png")
    picture(5, 50).crop((0, 0, 50, 3)).save(given / "slip.png")
    (given / "bad.png").write_bytes(b"none")
    monkeypatch.setattr("ganworks.data.folder._walk", vanishing("gone.png"))
    argv = ["translate", str(home / "cyclegan-small"), "--input", str(given), "--direction", "BtoA",
            "--grid", str(tmp_path / "grid.png"), "--tile", "32"]
    assert main([*argv, "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "bad.png: not an image" in said
    sizes = {str(path.relative_to(tmp_path / "out")): Image.open(path).size
             for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert sizes == {"one.png": (37, 37), "deep/two.jpg": (90, 21), "three.gif.png": (20, 20), "one.gif.png": (20, 20),
                     "dot.png": (1, 1), "slip.png": (50, 3)}
    assert "gone.png: cannot be read" in said
    assert Image.open(tmp_path / "grid.png").width > 0
    assert main([*argv, "--size", "48", "--output", str(tmp_path / "out")]) == 2  # nothing is replaced
    assert main([*argv, "--size", "48", "--output", str(tmp_path / "out"), "--force"]) == 0
    assert Image.open(tmp_path / "out" / "deep" / "two.jpg").size == (round(90 * 48 / 21), 48)


@pytest.mark.parametrize(("argv", "said"), [
    (["--direction", "AtoC"], "--direction AtoC"), (["--direction", "BtoA"], "translates one way"),
    (["--input", "nowhere"], "no such file"), (["--output", "{home}/set/A"], "the folder of the images themselves"),
    (["--output", "{home}"], "not empty"), (["--tile", "30"], "tiles of 30"), (["--size", "2"], "--size 2"),
    (["--tile", "0"], "tiles of 0"), (["--grid", "{home}/set"], "is a folder"),
    (["--output", "{home}/pix2pix-small/recipe.yaml"], "is a file")])
def test_bad_input(home: Path, tmp_path: Path, argv: list[str], said: str, capsys: pytest.CaptureFixture) -> None:
    given = {"--input": str(home / "set" / "A"), "--output": str(tmp_path / "out"), "--tile": "32"}
    given |= {flag: value.format(home=home) for flag, value in zip(argv[::2], argv[1::2], strict=True)}
    assert main(["translate", str(home / "pix2pix-small"), *(word for pair in given.items() for word in pair)]) == 2
    assert said in capsys.readouterr().err


def test_runs_of_another_kind(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = tmp_path / "points"
    assert main(["train", "gan", "--data", "ring8", "--steps", "1", "--batch", "16", "--measure", "none", "--quiet",
                 "--run", str(run)]) == 0
    assert main(["translate", str(run), "--input", str(home / "set"), "--output", str(tmp_path / "out")]) == 2
    assert "translates nothing" in capsys.readouterr().err
    assert main(["sample", str(home / "pix2pix-small")]) == 2
    assert "ganworks translate" in capsys.readouterr().err


def test_what_cannot_be_trained(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for argv, said in ((["pix2pix", "--size", "16"], "no images to translate"),
                       (["pix2pix-small", "--data", str(home / "set"), "--size", "10", "--network", "unet"],
                        "a U-Net for 10 pixels"),
                       (["cyclegan-small", "--data", str(home / "set"), "--size", "8"], "at least 12 pixels"),
                       (["cyclegan-small", "--data", str(home / "set"), "--size", "16", "--patch-layers", "1",
                         "--critic-steps", "2"], "--critic-steps 2")):
        assert main(["train", *argv, "--run", str(tmp_path / "run")]) == 2
        assert said in capsys.readouterr().err


def test_translators_hold_a_tournament(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    argv = ["compare", "cyclegan-small", "hinge=cyclegan-small --objective hinge --generator-weight 1", "--data",
            str(home / "set"), *(word for word in SMALL if word not in ("--quiet",)), "--blocks", "1", "--steps", "2",
            "--seeds", "1", "--out", str(tmp_path / "cup"), "--quiet", "--json"]
    assert main(argv) == 0
    found = json.loads(capsys.readouterr().out)
    assert "cycle error A to B to A" in json.dumps(found)
    assert (tmp_path / "cup" / "hinge-seed-0" / "worst.png").stat().st_size > 0


@pytest.mark.parametrize("kind", ["pairs", "unpaired"])
def test_the_data_is_shown_side_by_side(home: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "grid.png"
    argv = ["data", str(home / "set"), "--kind", kind, "--size", "16", "--out", str(out)]
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "11 to train on, 1 kept out, cut to 16 x 16 from 18 x 18" in said
    assert Image.open(out).height > 0
    assert main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["input"] == [3, 16, 16]
    assert main(["data", "digits", "--to", "x"]) == 2


def test_an_output_that_cannot_be_written_to(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture) -> None:
    argv = ["translate", str(home / "pix2pix-small"), "--input", str(home / "set" / "A"), "--output",
            str(tmp_path / "out")]
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    assert main(argv) == 2
    assert "cannot be written to" in capsys.readouterr().err
    assert not any((tmp_path / "out").iterdir())
