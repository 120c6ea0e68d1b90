"""`ganworks compare`: what a tournament makes, how it goes on, what it refuses, and who does which run."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image

from ganworks.cli import main
from ganworks.commands import compare_queue
from ganworks.commands.compare import prepare
from ganworks.commands.compare_entrants import NETWORKS, entrants, folder_of, networks_of
from ganworks.commands.compare_queue import JOURNAL, Queue
from ganworks.commands.compare_tournament import Tournament
from ganworks.console import console
from ganworks.errors import UserError
from ganworks.train import Run
from ganworks.train.budget import Budget

from ..conftest import same

SMALL = ["--data", "ring8", "--width", "4", "--latent", "3", "--batch", "8", "--measure", "none", "--n", "20",
         "--device", "cpu", "--quiet"]
TWO = ["gan", "wgan=gan --objective wgan"]
PROGRAM = "import sys; from ganworks.cli import main; sys.exit(main(sys.argv[1:]))"


def without_pictures(patch):
    """A run's own report, curves and plots are other rooms' business, and take longer than these runs."""
    import ganworks.report
    import ganworks.report.compare_clouds
    import ganworks.train.portrait

    plain = Image.new("RGB", (4, 4))
    png = io.BytesIO()
    plain.save(png, "PNG")
    for name in ("write_report", "write_curves"):
        patch.setattr(ganworks.report, name, lambda run: run.path / "report.html")
    patch.setattr(ganworks.train.portrait, "scatter", lambda samples, reference: plain)
    patch.setattr(ganworks.report.compare_clouds, "cloud_png", lambda samples, reference: png.getvalue())


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """Each test in a directory of its own."""
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    without_pictures(monkeypatch)
    console.cache_clear()
    yield
    console.cache_clear()


@pytest.fixture
def compare(capsys):
    """Return a function: words to (exit status, standard output, what was said on standard error in one line)."""
    def call(*words):
        capsys.readouterr()
        status = main(["compare", *map(str, words)])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return call


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A tournament of three entrants, two of which are the same recipe, with its JSON."""
    base = tmp_path_factory.mktemp("tournament")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANWORKS_CACHE", str(base / "cache"))
        without_pictures(patch)
        words = ["compare", "gan", "twin=gan", "wgan=gan --objective wgan", *SMALL, "--steps", "6", "--seeds", "2",
                 "--out", str(base / "t")]
        assert main(words) == 0
    return base / "t"


@pytest.fixture
def done(finished, tmp_path):
    """A copy of it that a test may go on with."""
    return shutil.copytree(finished, tmp_path / "t")


def shown(compare, out, *words):
    status, said, _ = compare("--out", out, "--report", "--json", *words)
    assert status == 0
    return json.loads(said)


def state(run):
    found = Run(run).load()[0]
    return {name: found[name] for name in ("step", "game", "optimisers")}


# ---- words


def test_words_are_parted_wherever_they_stand():
    assert prepare(["gan", "x=gan --lr 1", "--width", "4", "--steps", "5", "--one-sided", "--out=o", "--seeds", "2"]) \
        == ["--steps", "5", "--out=o", "--seeds", "2", "--recipes", "gan", "x=gan --lr 1", "--", "--width", "4",
            "--one-sided"]
    assert prepare(["--steps", "5", "gan", "--recipes", "wgan", "dcgan", "--json"]) == [
        "--steps", "5", "--json", "--recipes", "gan", "wgan", "dcgan", "--"]


@pytest.mark.parametrize(("words", "said"), [
    (["gann", "--steps", "5"], "did you mean 'gan'"),
    (["gan", "wgan-gp", "--steps", "5", "--widht", "4"], "'--widht' is an option of no entrant .* '--width'"),
    (["gan --widht 4", "--steps", "5"], "unknown argument '--widht' .* '--width'"),
    (["gan --width minus", "--steps", "5"], "--width minus"),
    (["gan --steps 7", "--steps", "5"], "one for all entrants: --steps N"),
    (["gan --seed 7", "--steps", "5"], "one for all entrants: --seeds"),
    (["gan --data digits", "--steps", "5"], "one for all entrants: --data"),
    (["gan", "--seed", "7", "--steps", "5"], "--seeds 3"),
    (["gan", "gan", "--steps", "5"], "two entrants are called 'gan'"),
    (["a b=gan", "a-b=gan", "--steps", "5"], "the same directory, a-b"),
    (["gan", "--steps", "5", "--seeds", "0"], "--seeds 0 .* at least 1"),
    (["gan", "--steps", "5", "--seeds", "two"], "--seeds two"),
    (["gan"], "neither --steps nor --seconds"),
    (["gan", "--steps", "5", "--seconds", "5"], "both --steps and --seconds"),
    (["gan", "--steps", "0"], "--steps 0"),
    (["gan", "--seconds", "0"], "--seconds 0"),
    (["gan", "--seconds", "5", "--schedule", "cosine"], "--schedule cosine in a tournament of --seconds"),
    (["gan --noise 0.1 --noise-fade 0.5", "--seconds", "5"], "--noise 0.1 with --noise-fade 0.5 in a tournament"),
    (["gan --r1 1 --penalty-fade 0.5", "--seconds", "5"], "--penalty-fade 0.5 in a tournament"),
    (["designed", "--steps", "5"], "recipe 'designed' without --objective"),
    (["gan --top 0.5", "--seconds", "5"], "--top 0.5 with --top-fade 0.5"),
    (["gan", "--steps", "5", "--n", "3"], "--n 3 .* at least 20"),
    (["gan", "--steps", "5", "--features", "eyes"], "--features eyes"),
    (["gan", "--steps", "5", "--data", "digits", "--n", "5000"], "at most 898"),
    (["gan", "--steps", "5", "--workers", "0"], "--workers 0"),
    (["dcgan", "--steps", "5", "--data", "ring8"], "entrant 'dcgan'"),
    (["'gan", "--steps", "5"], "No closing quotation"),
    ([], "no recipes"),
])
def test_bad_input_is_refused_before_anything_is_written(compare, words, said):
    status, _, err = compare(*words, "--out", "t")
    assert status == 2
    assert re.search(said, err), err
    assert not (Path("t") / "tournament.yaml").exists()


def test_a_directory_of_something_else_is_left_alone(compare):
    Path("t").mkdir()
    Path("t/letter.txt").write_text("dear")
    status, _, err = compare("gan", *SMALL, "--steps", 5, "--out", "t")
    assert status == 2
    assert "letter.txt" in err
    assert [path.name for path in Path("t").iterdir()] == ["letter.txt"]
    assert compare("gan", *SMALL, "--steps", 5)[2].startswith("error: no --out")


def test_without_optuna_it_says_what_to_install(compare, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    status, _, err = compare("gan", *SMALL, "--steps", 5, "--out", "t")
    assert status == 2
    assert 'pip install "ganworks[sweep]"' in err


# ---- a tournament


def test_equal_recipes_get_equal_figures_to_the_last_digit(finished, compare):
    """Same networks, order of data, latents and judges: two entrants of one recipe cannot be told apart at all."""
    found = {row["label"]: row for row in shown(compare, finished, "--by", "W1")["entrants"]}
    assert found["gan"]["values"] == found["twin"]["values"]
    assert found["gan"]["values"]["0"] != found["gan"]["values"]["1"]
    assert found["gan"]["values"] != found["wgan"]["values"]
    assert same(state(finished / "gan-seed-1"), state(finished / "twin-seed-1"))


def test_each_run_is_an_ordinary_run_judged_as_evaluate_does(done, compare):
    run = done / "wgan-seed-1"
    before = json.loads((run / "metrics.json").read_text())
    assert Run(run).load()[0]["step"] == 6
    assert main(["evaluate", str(run), "--n", "20", "--device", "cpu"]) == 0
    after = json.loads((run / "metrics.json").read_text())
    assert after["figures"] == before["figures"]
    assert main(["train", "--resume", str(run), "--device", "cpu", "--quiet"]) == 0


def test_the_table_is_of_the_runs_figures(finished, compare):
    found = shown(compare, finished, "--by", "W1")
    row = next(row for row in found["entrants"] if row["label"] == "wgan")
    values = [next(f["value"] for f in json.loads((finished / f"wgan-seed-{seed}" / "metrics.json").read_text())
                   ["figures"] if f["name"] == "W1") for seed in (0, 1)]
    assert list(row["values"].values()) == values
    half = 12.706204736 * statistics.stdev(values) / 2**0.5  # Student's t, 97.5 %, one degree of freedom
    assert row["interval"] == pytest.approx([statistics.mean(values) - half, statistics.mean(values) + half])
    assert row["steps"] == [6, 6]
    assert row["seconds_a_step"] > 0
    status, out, _ = compare("--out", finished, "--report")
    assert status == 0
    assert "differs: objective: gan minimax; twin minimax; wgan wgan (asked for)" in out
    assert "width" not in out  # it does not differ
    html = (finished / "compare.html").read_text(encoding="utf-8")
    assert html.count("data:image/png;base64") == 6
    for word in ("twin", "Student", "Welch", "real data"):
        assert word in html


def test_a_finished_tournament_is_not_done_again_and_what_is_added_is(done, compare):
    before = {path: path.stat().st_mtime_ns for path in done.glob("*/checkpoints/*")}
    status, _, err = compare("gan", "twin=gan", "wgan=gan --objective wgan", *SMALL, "--steps", 6, "--seeds", 2,
                             "--out", done)
    assert status == 0
    assert "6 are done" in err
    status, _, err = compare("small=gan --width 2", *SMALL, "--out", done)
    assert status == 0, err
    assert "4 entrants x 2 seeds: 8 runs, 6 generator steps each; 6 are done" in err
    status, _, err = compare("--out", done, "--seeds", "3", "--device", "cpu", "--quiet")
    assert status == 0, err
    assert "12 runs" in err
    assert {path: path.stat().st_mtime_ns for path in before} == before
    found = shown(compare, done)
    assert {row["label"]: len(row["values"]) for row in found["entrants"]} == dict.fromkeys(
        ("gan", "twin", "wgan", "small"), 3)


@pytest.mark.parametrize(("words", "said"), [
    (["gan", "--steps", "7"], "--steps 6, not 7"),
    (["gan", "--seconds", "7"], "--seconds not given, not 7.0"),
    (["gan", "--steps", "6", "--lr", "0.5"], "'gan': lr: 0.0002, not 0.5"),
    (["gan", "--steps", "6", "--n", "50"], "--n 20, not 50"),
    (["new=gan", "--steps", "6", "--data", "grid25"], "the same data"),
])
def test_another_tournament_is_refused_with_what_differs(done, compare, words, said):
    before = (done / "tournament.yaml").read_bytes()
    status, _, err = compare(*[*SMALL, *words, "--out", done])
    assert status == 2
    assert said in err
    assert (done / "tournament.yaml").read_bytes() == before


def test_the_queue_may_be_lost_since_the_runs_are_kept(done, compare):
    """What a worker left that died while it made the directory of a run is in nobody's way."""
    before = shown(compare, done, "--by", "W1")["entrants"]
    checkpoints = {path: path.read_bytes() for path in done.glob("*/checkpoints/*")}
    (done / JOURNAL).write_text("{half a line\nand more\n")
    status, _, err = compare("--out", done, "--device", "cpu", "--quiet")
    assert status == 2
    assert "is damaged" in err
    assert "remove it" in err
    (done / JOURNAL).unlink()
    (done / "gan-seed-0" / "recipe.yaml").unlink()
    assert compare("--out", done, "--device", "cpu", "--quiet")[0] == 0
    after = shown(compare, done, "--by", "W1")["entrants"]
    assert [row["values"] for row in after] == [row["values"] for row in before]
    again = done / "gan-seed-0" / "checkpoints"  # it was trained anew, so the seconds in its checkpoints are others
    assert all(path.read_bytes() == before for path, before in checkpoints.items() if path.parent != again)
    assert same(state(done / "gan-seed-0"), state(done / "twin-seed-0"))


def test_a_dry_run_writes_nothing(compare):
    status, out, _ = compare(*TWO, *SMALL, "--steps", 50, "--seeds", "4,7", "--out", "t", "--dry-run")
    assert status == 0
    assert not Path("t").exists()
    assert "seeds       4, 7" in out
    assert "objective" in out
    pace = {line.split()[0]: float(line.split()[3]) for line in out.splitlines() if line.startswith(("gan ", "wgan "))}
    assert set(pace) == {"gan", "wgan"}
    about = float(re.search(r"about ([\d.]+) s", out)[1])
    assert about == pytest.approx(2 * 50 * sum(1 / value for value in pace.values()), rel=0.2, abs=0.1)


# ---- networks


def networks(entrant):
    return {name: entrant.values()[name] for name in NETWORKS}


def test_all_get_the_networks_of_the_first_but_for_what_they_ask_for():
    gan, lsgan, narrow, sngan, ebgan, cycle = entrants(
        ["gan", "lsgan", "narrow=lsgan --width 8 --law uniform", "sngan", "ebgan", "cyclegan"], ["--latent", "7"],
        {"steps": 5}, alike=True)
    first = {"network": "mlp", "latent": 7, "law": "gaussian", "width": 64, "depth": 3, "norm_generator": "none"}
    assert networks(gan) == networks(lsgan) == networks(sngan) == networks(ebgan) == first
    assert networks(narrow) == {**first, "width": 8, "law": "uniform"}
    assert sngan.values()["norm_critic"] == "spectral"  # a part of its method
    assert networks_of(cycle) == {}  # players of another kind


def test_with_own_networks_each_has_its_recipes():
    gan, lsgan = entrants(["gan", "lsgan"], [], {"steps": 5})
    assert (lsgan.values()["network"], lsgan.values()["latent"], lsgan.values()["law"]) == ("auto", 1024, "uniform")
    assert networks(gan) != networks(lsgan)


def test_who_is_added_gets_the_first_ones_networks_too(done, compare):
    status, _, err = compare("lsgan", *SMALL[:2], *SMALL[6:], "--out", done)  # neither --width nor --latent
    assert status == 0, err
    assert "the networks of 'gan' for all: --network mlp" in err
    found = Tournament.open(done)
    assert networks(found.entrant("lsgan")) == networks(found.entrant("gan"))
    for words in (["dcgan", *SMALL], []):  # also where it would add nobody
        status, _, err = compare(*words, "--own-networks", "--out", done)
        assert status == 2
        assert "--own-networks" in err
        assert "another --out" in err


def test_a_dry_run_says_whose_networks(compare):
    words = ["gan", "lsgan", "--data", "ring8", "--steps", 5, "--out", "t", "--dry-run"]
    _, out, _ = compare(*words)
    assert "networks    the networks of 'gan' for all: --network mlp --latent 64" in out
    assert "differs: latent" not in out
    _, out, _ = compare(*words, "--own-networks")
    assert "networks    each recipe's own networks" in out
    assert "differs: latent: gan 64; lsgan 1024" in out


# ---- what goes wrong


def test_a_run_that_fails_is_told_and_does_not_stop_the_others(compare):
    """Adam's step is the rate, whatever the gradient: the second step's costs are infinite."""
    words = ["gan", "wild=gan --lr 1e25", *SMALL, "--steps", 5, "--seeds", 2, "--out", "t"]
    status, out, err = compare(*words)
    assert status == 0
    assert "2 of 4 runs done: wild, seed 0 failed: cost" in err
    assert "0 of 2, 2 failed" in out
    assert re.search(r"failed: wild, seed 1: cost '\w+/\w+' became", out)
    found = shown(compare, "t")
    assert [row["label"] for row in found["entrants"]] == ["gan", "wild"]
    assert len(found["entrants"][0]["values"]) == 2
    assert "seed 0, failed: cost" in Path("t/compare.html").read_text(encoding="utf-8")
    assert "4 are done" in compare(*words)[2]
    assert "2 failed run(s) are tried again" in compare(*words, "--retry")[2]


def test_an_error_in_a_recipe_fails_its_runs_and_keeps_the_traceback(compare):
    Path("mine.py").write_text("""
from torch import nn
from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.game import Duel, Latent
from ganworks.recipes import Training
from ganworks.train import Hook, Recipe

class Broken(Hook):
    def stepped(self, trainer):
        raise RuntimeError("no such luck")

def mine(source: Source, training: Training = Training()) -> Recipe:
    game = Duel(nn.Linear(2, 2), nn.Linear(2, 1), objective_named("nonsaturating"), Latent(2))
    return training.recipe(game, source, hooks=[Broken()])
""")
    status, out, _ = compare("mine.py:mine", "gan", *SMALL, "--steps", 3, "--seeds", 1, "--out", "t")
    assert status == 0
    assert "failed: mine, seed 0: RuntimeError: no such luck (see mine-seed-0/failure.txt)" in out
    assert "Traceback" in Path("t/mine-seed-0/failure.txt").read_text()
    assert "latent: gan 3" in out  # what the other recipe does not have


def interrupting(monkeypatch, step):
    """Send Ctrl-C once, at a step of the third run."""
    left, plain = [3], Budget.stepped

    def stepped(self, trainer):
        plain(self, trainer)
        if trainer.step == step:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Budget, "stepped", stepped)


def test_an_interrupted_tournament_goes_on_where_it_was(finished, compare, monkeypatch):
    words = ["gan", "twin=gan", "wgan=gan --objective wgan", *SMALL, "--steps", 6, "--seeds", 2, "--out", "t"]
    with monkeypatch.context() as patch:
        interrupting(patch, 4)
        status, out, err = compare(*words)
    assert status == 130
    assert "stopped with 2 of 6 runs done; everything is kept, and the same command goes on" in err
    assert out == ""
    assert Run("t/wgan-seed-0").load()[0]["step"] == 4
    status, _, err = compare(*words)
    assert status == 0
    assert "resuming t/wgan-seed-0 at step 4 of 6" in err
    for run in ("gan-seed-0", "wgan-seed-0", "wgan-seed-1"):
        assert same(state(Path("t") / run), state(finished / run))
    assert shown(compare, "t")["entrants"][0]["values"] == shown(compare, finished)["entrants"][0]["values"]


# ---- seconds


def test_a_budget_of_seconds_ends_the_run_as_a_run_of_so_many_steps(compare, monkeypatch):
    import ganworks.train.budget

    ticks = iter(range(10**9))
    monkeypatch.setattr(ganworks.train.budget.time, "perf_counter", lambda: float(next(ticks)))  # a second a look
    status, out, err = compare("gan", *SMALL, "--seconds", 5, "--seeds", 1, "--out", "t")
    assert status == 0, err
    assert "5 s of training each" in out
    row = shown(compare, "t")["entrants"][0]
    assert row["steps"] == [5, 5]
    assert row["seconds_a_step"] == 1.0
    assert yaml.safe_load(Run("t/gan-seed-0").recipe)["training"]["steps"] == 5
    Path("t", JOURNAL).unlink()
    assert compare("--out", "t", "--device", "cpu", "--quiet")[0] == 0
    assert Run("t/gan-seed-0").load()[0]["step"] == 5
    assert main(["train", "t/gan-seed-0/recipe.yaml", "--run", "again", "--device", "cpu", "--quiet"]) == 0
    assert same(state("again"), state("t/gan-seed-0"))


# ---- who does which run


@pytest.fixture
def queue(tmp_path):
    """Return a function that makes one worker's queue; there are six runs."""
    def make(add=0):
        found = Queue(tmp_path)
        if add:
            found.add([(f"e {i % 2}", i // 2) for i in range(add)])
        return found

    (tmp_path / "claims").mkdir()
    return make


def test_many_workers_do_each_run_once(queue):
    queue(24)
    taken, errors = [], []

    def worker():
        try:
            mine = queue()
            while claim := mine.claim():
                with mine.alive(claim):
                    taken.append((claim.label, claim.seed))
                    mine.done(claim, 1.0, {"label": claim.label})
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(taken) == sorted((f"e {i % 2}", i // 2) for i in range(24))
    assert all(state.state == "done" and state.outcome == {"label": pair[0]}
               for pair, state in queue().states().items())


def test_a_run_that_ends_while_others_look_is_not_thought_abandoned(queue, monkeypatch):
    first, second = queue(1), queue()
    claim, seen = first.claim(), second._trials
    ending = threading.Thread(target=first.done, args=(claim, 1.0, {}))

    def read():
        trials = seen()
        if not ending.ident:
            ending.start()
            ending.join(0.3)
            if not ending.is_alive():  # it did not wait for whoever reads
                claim.lock.release()
        return trials

    monkeypatch.setattr(second, "_trials", read)
    assert second.claim() is None
    ending.join()
    assert queue().states()["e 0", 0].state == "done"


@pytest.mark.parametrize("word", ["done", "failed", "give_back"])
def test_a_worker_that_was_thought_dead_changes_nothing(queue, word):
    first, second = queue(1), queue()
    lost = first.claim()
    lost.lock.release()
    again = second.claim()
    second.done(again, 1.0, {"by": "second"})
    getattr(first, word)(lost, *{"done": (2.0, {"by": "first"}), "failed": ("late",), "give_back": ()}[word])
    assert queue().states() == {("e 0", 0): compare_queue.State("done", outcome={"by": "second"})}


def test_a_worker_whose_run_was_taken_up_says_so_and_goes_on(queue, tmp_path, monkeypatch, capsys):
    from ganworks.commands import compare_work

    mine, other = queue(3), queue()
    claim = mine.claim()

    def play(*told):
        claim.lock.release()
        assert other.claim().seed == claim.seed
        return {"steps": 1, "seconds": 1.0, "judged": 1.0, "figures": [{"name": "FD", "value": 1.0}]}, 1.0

    monkeypatch.setattr(compare_work, "play", play)
    compare_work._do(mine, claim, None, "cpu", True)
    assert "e 0, seed 0 was taken up by another worker" in capsys.readouterr().err


def test_a_claim_holds_until_its_lock_falls(queue):
    first, second = queue(1), queue()
    claim = first.claim()
    assert (claim.label, claim.seed) == ("e 0", 0)
    assert second.claim() is None
    assert second.states()["e 0", 0].state == "running"
    claim.lock.release()  # as the system does for a process that is killed
    again = second.claim()
    assert (again.label, again.seed) == ("e 0", 0)
    again.lock.release()


def test_another_machines_claim_holds_while_it_gives_signs_of_life(queue, tmp_path, monkeypatch):
    first = queue(1)
    with monkeypatch.context() as patch:
        patch.setattr(compare_queue, "_here", lambda: "another machine")
        claim = first.claim()
    claim.lock.release()  # locks of that machine are not seen here
    sign = tmp_path / "claims" / "e-0-seed-0.alive"
    assert queue().claim() is None
    old = time.time() - compare_queue.PATIENCE - 5
    os.utime(sign, (old, old))
    assert queue().claim() is not None


def test_what_is_given_back_waits_again_and_counts_as_no_death(queue):
    mine = queue(1)
    for _ in range(compare_queue.DEATHS + 1):
        claim = mine.claim()
        with mine.alive(claim):
            mine.give_back(claim)
    assert mine.states()["e 0", 0].state == "waiting"


def test_a_run_that_kills_its_workers_is_given_up(queue):
    for _ in range(compare_queue.DEATHS):
        queue(1).claim().lock.release()
    mine = queue()
    assert mine.claim() is None
    assert mine.states()["e 0", 0].state == "failed"
    assert f"died {compare_queue.DEATHS} times" in mine.states()["e 0", 0].reason
    assert mine.retry() == 1
    assert mine.claim() is not None


def test_a_failure_keeps_its_reason(queue):
    mine = queue(2)
    claim = mine.claim()
    with mine.alive(claim):
        mine.failed(claim, "cost became nan")
    assert mine.states()["e 0", 0].reason == "cost became nan"
    assert mine.claim().label == "e 1"


@pytest.mark.parametrize(("label", "folder"), [("dcgan r1 1", "dcgan-r1-1"), ("../etc/x", "etc-x"), ("é", "entrant")])
def test_a_label_is_no_path(label, folder):
    assert folder_of(label) == folder


def test_a_file_that_is_no_tournament_any_more(tmp_path):
    (tmp_path / "tournament.yaml").write_text("seeds: 3\n")
    with pytest.raises(UserError, match="is no tournament any more"):
        Tournament.open(tmp_path)


# ---- processes


def logged(run):
    try:
        return json.loads((run / "log.jsonl").read_text().splitlines()[-1])["step"]
    except (OSError, IndexError, ValueError):
        return 0


def started(words, where):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GANWORKS_CACHE": str(where / "cache")}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, "compare", *map(str, words)], cwd=where, env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_step(runs, step, process, seconds=200):
    end = time.monotonic() + seconds
    while max(map(logged, runs)) < step:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)


LONG = [*TWO, *SMALL, "--steps", 300, "--seeds", 2, "--log-every", 5, "--checkpoint-every", 20]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kills and process groups")
def test_workers_that_are_killed_and_interrupted_leave_a_tournament_that_ends_the_same(tmp_path):
    whole = started([*LONG, "--out", "whole"], tmp_path)
    assert whole.wait(timeout=500) == 0, whole.stderr.read()
    folders = ("gan-seed-0", "wgan-seed-0", "gan-seed-1", "wgan-seed-1")
    runs = [tmp_path / "broken" / name for name in folders]

    first = started([*LONG, "--out", "broken", "--workers", 2], tmp_path)
    until_step(runs[:2], 60, first)
    first.kill()  # kill -9 of the one that started the workers: they end by themselves, and save
    first.communicate()
    end = time.monotonic() + 100
    while len(list((tmp_path / "broken").glob("claims/*.alive"))) and _held(tmp_path / "broken"):
        assert time.monotonic() < end
        time.sleep(0.2)

    second = started([*LONG, "--out", "broken"], tmp_path)
    until_step(runs, 150, second)
    second.kill()  # a worker in the middle of a run
    second.communicate()

    third = started([*LONG, "--out", "broken", "--workers", 2], tmp_path)
    until_step(runs, 200, third)
    third.send_signal(signal.SIGINT)
    _, said = third.communicate(timeout=200)
    assert third.returncode == 130, said
    assert "everything is kept" in said

    last = started([*LONG, "--out", "broken", "--workers", 2], tmp_path)
    out, said = last.communicate(timeout=500)
    assert last.returncode == 0, said
    assert "2" in out
    for name in folders:
        assert same(state(tmp_path / "broken" / name), state(tmp_path / "whole" / name))
        steps = [record["step"] for record in Run(tmp_path / "broken" / name).records()]
        assert steps == list(range(5, 301, 5))


def _held(out):
    """Whether a process holds the lock of a run."""
    import fcntl

    for path in out.glob("claims/*-seed-*.lock"):
        with open(path, "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
    return False
