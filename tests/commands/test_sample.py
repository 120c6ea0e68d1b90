"""`ganworks sample` and `ganworks report`, from the command line, on a run that was trained from the command line."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganworks.cli import main
from ganworks.console import console
from ganworks.recipes import rebuild
from ganworks.train import Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of twenty steps on the digits, with checkpoints at 10 and 20."""
    cache = pytest.MonkeyPatch()
    base = tmp_path_factory.mktemp("runs")
    cache.setenv("GANWORKS_CACHE", str(base / "cache"))
    arguments = ["train", "dcgan", "--data", "digits", "--run", str(base / "run"), "--steps", "20", "--width", "16",
                 "--latent", "8", "--batch", "32", "--sample-every", "10", "--checkpoint-every", "10", "--measure",
                 "none", "--quiet", "--device", "cpu"]
    try:
        assert main(arguments) == 0
    finally:
        cache.undo()
    return base / "run"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may write into."""
    return shutil.copytree(trained, tmp_path / "run")


def sample(*arguments: object) -> int:
    return main(["sample", *map(str, arguments), "--device", "cpu"])


def test_a_grid_by_default(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample(run) == 0
    out = run / "grid-64-step-20-seed-0.png"
    assert capsys.readouterr().out.strip() == str(out)
    with Image.open(out) as image:
        assert image.mode == "L"
        assert image.width == image.height  # 8 by 8
        assert image.width >= 600


def test_an_array_is_what_the_rebuilt_trainer_makes(run: Path, tmp_path: Path) -> None:
    assert sample(run, "--count", 300, "--seed", 5, "--out", tmp_path / "a.npz") == 0
    images = np.load(tmp_path / "a.npz", allow_pickle=False)["images"]
    assert (images == rebuild(Run.open(run), device="cpu").samples(300, 5)[:, 0].numpy()).all()


def test_the_array_can_be_trained_on(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    from ganworks.data import DataOptions, open_source

    assert sample(run, "--count", 40, "--out", tmp_path / "a.npz") == 0
    source = open_source(DataOptions(path=str(tmp_path / "a.npz")))
    assert (len(source), source.shape) == (40, (1, 8, 8))


@pytest.mark.parametrize(("options", "same"), [([], True), (["--seed", "1"], False), (["--live"], False),
                                               (["--checkpoint", "10"], False), (["--checkpoint", "20"], True),
                                               (["--checkpoint", "last"], True), (["--checkpoint", "best"], True)])
def test_seed_weights_and_checkpoint_decide(run: Path, tmp_path: Path, options: list[str], same: bool) -> None:
    assert sample(run, "--out", tmp_path / "a.npz", "--count", 4) == 0
    assert sample(run, "--out", tmp_path / "b.npz", "--count", 4, *options) == 0
    one, two = (np.load(tmp_path / name)["images"] for name in ("a.npz", "b.npz"))
    assert (one == two).all() == same


def test_single_images_are_those_of_the_array(run: Path, tmp_path: Path) -> None:
    assert sample(run, "--count", 5, "--format", "png", "--out", tmp_path / "images") == 0
    assert sample(run, "--count", 5, "--out", tmp_path / "a.npz") == 0
    images = np.load(tmp_path / "a.npz")["images"]
    singles = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "images").iterdir())]
    assert (np.stack(singles) == images).all()


def test_strips(run: Path) -> None:
    assert sample(run, "--interpolate", 5, "--count", 3) == 0
    with Image.open(run / "strips-3x5-step-20-seed-0.png") as image:
        # Five images in a row and three rows, each 8 pixels wide, one pixel between and around.
        assert image.width * (3 * 9 + 1) == image.height * (5 * 9 + 1)


def test_an_endless_animation_without_a_jump(run: Path, tmp_path: Path) -> None:
    assert sample(run, "--gif", "--interpolate", 6, "--count", 3, "--out", tmp_path / "a.gif") == 0
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 3 * 5  # the last image of a leg is the first of the next
        assert image.info["loop"] == 0
        assert image.width >= 256
        frames = []
        for i in range(image.n_frames):
            image.seek(i)
            frames.append(np.asarray(image.convert("L")).astype(float))
    changes = [np.abs(a - b).mean() for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(changes) < 10 * np.median(changes)


def test_a_file_is_replaced_by_force_only(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.png"
    out.write_text("mine")
    assert sample(run, "--out", out) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert sample(run, "--out", out, "--force") == 0
    assert Image.open(out).format == "PNG"
    assert sample(run) == 0
    assert sample(run) == 2  # its own default name too


def test_a_folder_with_something_in_it_is_refused(run: Path, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "mine").touch()
    assert sample(run, "--format", "png", "--out", tmp_path / "images", "--force") == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["mine"]


@pytest.mark.parametrize(("options", "words"), [
    (["--count", "0"], "--count 0"), (["--interpolate", "1"], "--interpolate 1"), (["--format", "jpg"], "--format jpg"),
    (["--format", "gird"], "did you mean 'grid'?"), (["--gif", "--count", "1"], "at least 2 latents"),
    (["--gif", "--format", "npz"], "walk between latents"), (["--out", "x.jpg"], "ends in .png"),
    (["--format", "npz", "--out", "x.png"], "ends in .npz"), (["--gif", "--out", "x.png"], "ends in .gif"),
    (["--checkpoint", "7"], "one of these steps: 10, 20"), (["--checkpoint", "lsat"], "has no checkpoint 'lsat'"),
])
def test_bad_options(run: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str],
                     monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in run.iterdir())
    assert sample(run, *options) == 2
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in run.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("verb", ["sample", "report"])
def test_no_run(tmp_path: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, str(tmp_path / "nothing")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main([verb, str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_a_checkpoint(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(run / "checkpoints")
    assert sample(run) == 2
    assert "no checkpoint 'last'" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_passed_over_and_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = run / "checkpoints" / "step-00000020.safetensors"
    last.write_bytes(last.read_bytes()[:-100])
    console.cache_clear()  # it keeps the standard error of the test that used it first
    assert sample(run) == 0
    captured = capsys.readouterr()
    assert "the one before it is used" in captured.err
    assert captured.out.strip().endswith("grid-64-step-10-seed-0.png")


def test_the_report_verb(run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: shown.append(url) or True)
    (run / "report.html").unlink(missing_ok=True)
    assert main(["report", str(run), "--open"]) == 0
    assert capsys.readouterr().out.split() == [str(run / "report.html"), str(run / "curves.png")]
    assert "20 steps" in (run / "report.html").read_text(encoding="utf-8")
    assert shown == [(run / "report.html").resolve().as_uri()]
    assert Image.open(run / "curves.png").width > 1000


@pytest.mark.parametrize("verb", ["sample", "report"])
def test_help_is_there_at_once(verb: str) -> None:
    import subprocess

    code = (f"import sys\nfrom ganworks.cli import main\ntry:\n    main(['{verb}', '--help'])\nexcept SystemExit:\n"
            "    pass\nprint('torch' in sys.modules, 'matplotlib' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "False False"
    assert "RUN" in done.stdout
