"""`ganworks diagnose`: planted faults are named, real images come out healthy, and a run is told in its report."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from ganworks.cli import main

BUNCH = load_digits()
PIXELS = np.rint(BUNCH.images / 16 * 255).astype(np.uint8)
ORDER = np.random.default_rng(1).permutation(len(PIXELS))
DATA, SPARE = ORDER[:1000], ORDER[1000:]
RNG = np.random.default_rng(2)


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", images=PIXELS[DATA], labels=BUNCH.target[DATA])


def told(capsys, *arguments):
    """Return the exit status and the severities by name."""
    status = main(["diagnose", *arguments, "--json"])
    return status, {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def shaken(images):
    return np.clip(images + RNG.normal(0, 2, images.shape), 0, 255).astype(np.uint8)


def test_real_images_that_were_held_out_are_healthy(capsys) -> None:
    np.save("held.npy", PIXELS[SPARE])
    status, found = told(capsys, "--samples", "held.npy", "--data", "data.npz")
    assert status == 0
    assert {one["severity"] for one in found.values()} == {"healthy"}
    assert {"collapse", "dropping", "copying", "levels", "labels of the data", "range of the data"} <= set(found)


@pytest.mark.parametrize(("made", "name", "severity"), [
    (lambda: shaken(np.repeat(PIXELS[SPARE[:2]], 150, axis=0)), "collapse", "serious"),
    (lambda: PIXELS[SPARE][BUNCH.target[SPARE] < 5], "dropping", "serious"),
    (lambda: PIXELS[SPARE][BUNCH.target[SPARE] != 0], "dropping", "warning"),
    (lambda: shaken(PIXELS[DATA[:400]]), "copying", "serious"),
    (lambda: PIXELS[SPARE] // 4, "levels", "serious"),
], ids=["collapse", "half the digits", "one digit", "copies", "dark"])
def test_what_was_planted_is_named_with_its_remedy(capsys, made, name, severity) -> None:
    np.save("made.npy", made())
    status, found = told(capsys, "--samples", "made.npy", "--data", "data.npz", "--out", "seen.png")
    assert found[name]["severity"] == severity
    assert status == int(severity == "serious")
    assert found[name]["remedies"]
    assert found[name]["evidence"]
    assert Image.open("seen.png").width > 300


def test_exchanged_channels_are_told_from_other_colours(capsys) -> None:
    def tinted(rows, weights):
        return (PIXELS[rows][..., None] * np.array(weights)).astype(np.uint8)

    np.savez("colour.npz", images=tinted(DATA, (1, 0.7, 0.2)))
    np.save("bgr.npy", tinted(SPARE, (0.2, 0.7, 1)))
    np.save("grey.npy", tinted(SPARE, (0.7, 0.7, 0.7)))
    assert told(capsys, "--samples", "bgr.npy", "--data", "colour.npz")[1]["channels"]["severity"] == "serious"
    assert told(capsys, "--samples", "grey.npy", "--data", "colour.npz")[1]["channels"]["severity"] == "healthy"


def test_losses_of_another_program_are_judged_beside_its_samples(capsys) -> None:
    np.save("held.npy", PIXELS[SPARE])
    lines = [f"{step},{1.3 * 1.05 ** max(0, step - 100)},0.7" for step in range(1, 201)]
    Path("losses.csv").write_text("step,d_loss,g_loss\n" + "\n".join(lines))
    status, found = told(capsys, "--samples", "held.npy", "--data", "data.npz", "--log", "losses.csv")
    assert found["divergence"]["severity"] == "serious"
    assert found["collapse"]["severity"] == "healthy"
    assert "d_real" in found["columns"]["title"]
    assert status == 1


def test_faults_of_the_data_are_named(capsys) -> None:
    np.save("held.npy", PIXELS[SPARE])
    np.savez("shuffled.npz", images=PIXELS[DATA], labels=RNG.permutation(BUNCH.target[DATA]))
    found = told(capsys, "--samples", "held.npy", "--data", "shuffled.npz")[1]
    assert found["labels of the data"]["severity"] == "serious"
    np.save("twice.npy", PIXELS[DATA[np.r_[0:400, 0:200]]])
    found = told(capsys, "--samples", "held.npy", "--data", "twice.npy")[1]
    assert found["repeated data"]["severity"] == "warning"
    np.save("same.npy", np.repeat(PIXELS[:1], 300, axis=0))
    found = told(capsys, "--samples", "held.npy", "--data", "same.npy")[1]
    assert found["constant data"]["severity"] == "serious"


def test_a_run_is_told_in_its_report(capsys, monkeypatch) -> None:
    monkeypatch.setattr("ganworks.commands.train._closing", lambda path, step, steps: 0)
    given = ["--data", "data.npz", "--width", "4", "--steps", "3", "--measure", "none", "--quiet"]
    assert main(["train", "dcgan", *given, "--run", "run"]) == 0
    capsys.readouterr()
    status = main(["diagnose", "run", "--n", "300"])
    words = capsys.readouterr().out
    assert status in (0, 1)  # three steps make no digits
    assert ("SERIOUS" in words) == (status == 1)
    assert "what to do" in words
    kept = json.loads(Path("run/diagnosis.json").read_text())
    assert kept["step"] == 3
    page = Path("run/report.html").read_text()
    assert "Diagnosis at step 3" in page
    for one in kept["findings"]:
        assert escape(one["title"]) in page
    wrong = [one["name"] for one in kept["findings"] if one["severity"] in ("serious", "warning")]
    assert {path.stem for path in Path("run/diagnosis").iterdir()} == set(wrong)
    assert page.count("<figure class='evidence'><img") == len(wrong)


def test_the_checkpoints_of_a_run_are_compared(capsys, monkeypatch) -> None:
    from ganworks.diagnose import checkpoints

    # Critics of one step know nothing: what is compared, told and kept does not depend on them.
    monkeypatch.setattr(checkpoints, "CRITICS", {**checkpoints.CRITICS, "steps": 1})
    monkeypatch.setattr("ganworks.commands.train._closing", lambda path, step, steps: 0)
    given = ["--data", "data.npz", "--held-out", "0.2", "--width", "4", "--steps", "3", "--checkpoint-every", "1",
             "--keep", "3", "--measure", "none", "--vitals-every", "none", "--quiet"]
    assert main(["train", "dcgan", *given, "--run", "run"]) == 0
    capsys.readouterr()
    main(["diagnose", "run", "--n", "120", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(Path("run/diagnosis.json").read_text())
    compared = told["checkpoints"]
    assert [one["step"] for one in compared["placed"]] == [1, 2, 3]
    assert (compared["count"], compared["reals"], compared["unseen"]) == (120, 120, True)
    assert compared["best"] == min(compared["placed"], key=lambda one: one["distance"]["value"])["step"]
    best = f"The best checkpoint is that of step {compared['best']}."
    assert best in Path("run/report.html").read_text()
    damage = Path("run/checkpoints/step-00000002.safetensors")
    damage.write_bytes(damage.read_bytes()[:-9])
    main(["diagnose", "run", "--n", "120"])
    words = capsys.readouterr().out
    assert "Step 2 could not be judged" in words
    assert "The best checkpoint is that of step" in words
    main(["diagnose", "run", "--n", "120", "--no-checkpoints"])
    assert "best checkpoint" not in capsys.readouterr().out
    for step in (1, 2):
        Path(f"run/checkpoints/step-0000000{step}.safetensors").unlink()
    main(["diagnose", "run", "--n", "120"])
    assert "which checkpoint is the best: the run has only one" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "nothing to diagnose"), (["run", "--samples", "x"], "a run beside"),
    (["--samples", "few.npy"], "without --data"),
    (["--samples", "few.npy", "--data", "data.npz"], "50 samples"), (["nowhere"], "does not exist"),
    (["run", "--log", "x.csv"], "beside a run"),
    (["--samples", "none.npy", "--data", "data.npz"], "none.npy"), (["run", "--n", "0"], "--n 0"),
], ids=str)
def test_what_cannot_be_diagnosed_is_refused(capsys, arguments, words) -> None:
    np.save("few.npy", PIXELS[:50])
    assert main(["diagnose", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "wanted" in error


def test_data_of_another_size_than_the_samples_is_said(capsys) -> None:
    np.save("held.npy", PIXELS[SPARE].repeat(2, axis=1).repeat(2, axis=2))
    main(["diagnose", "--samples", "held.npy", "--data", "data.npz"])
    said = capsys.readouterr().err
    assert "the data is of shape (1, 8, 8) and was brought to that of the samples, (1, 16, 16)" in said
