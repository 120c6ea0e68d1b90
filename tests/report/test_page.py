from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ganworks.report import write_report
from ganworks.train import Run
from ganworks.train.state import write_state

from .conftest import SHORT, records
from .test_judgement import report

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Outline(HTMLParser):
    """Checks that tags are closed in order, and collects tags, attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def outline(run: Run) -> Outline:
    return Outline(write_report(run).read_text(encoding="utf-8"))


def checkpoint(run: Run, step: int, figure: float | None) -> None:
    write_state(run.path / "checkpoints" / f"step-{step:08d}.safetensors", {"step": step},
                {"step": step, "figure": figure})


def test_a_whole_run(make_run: Callable[..., Run]) -> None:
    run = make_run(records(), pictures=(50, 100, 150, 200))
    (run.path / "metrics.json").write_text(report().to_json())
    checkpoint(run, 100, 10.0)
    checkpoint(run, 200, 5.0)
    page = outline(run)
    for words in ("a-run", "dcgan", "digits (grey images, 8\N{MULTIPLICATION SIGN}8)", "200 steps in 4.0 s",
                  "finished as planned", "50 steps/s", "3,200 samples/s", "10 \N{RIGHTWARDS ARROW} 5", "FD", "0.5",
                  "Cost of the critic", "Critic's score", "Learning rates", "last, best", "recipe.yaml", "torch"):
        assert words in page.text, words
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 5  # the last one large, four in the filmstrip
    assert len([tag for tag, _ in page.tags if tag == "svg"]) == 5


def test_the_page_needs_nothing_from_elsewhere(make_run: Callable[..., Run]) -> None:
    run = make_run(records(), pictures=(50, 200))
    (run.path / "metrics.json").write_text(report().to_json())
    page = outline(run)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href", "xlink:href", "data", "srcset"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#")), (tag, attributes)
    assert "@import" not in (text := (run.path / "report.html").read_text(encoding="utf-8"))
    assert re.findall(r"url\((?!#)", text) == []
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_what_users_write_is_escaped(make_run: Callable[..., Run]) -> None:
    bad = "<script>alert(1)</script>"
    recipe = f"recipe: '{bad}'\ntraining: {{steps: 2}}\n# {bad} & more\n"
    run = make_run([{"step": 1, f"measure/{bad}": 2.0, f"{bad}/{bad}": 1.0}], recipe, name="a<b>&run")
    (run.path / "source.json").write_text(json.dumps({"name": bad, "shape": [3, 8, 8], "classes": [bad]}))
    (run.path / "versions.json").write_text(json.dumps({bad: bad}))
    metrics = json.loads(report().to_json())
    metrics["features"] = metrics["figures"][0]["name"] = metrics["figures"][0]["better"] = bad
    (run.path / "metrics.json").write_text(json.dumps(metrics))
    page = outline(run)
    assert {"script", "b"} & {tag for tag, _ in page.tags} == {"b"}  # our own <b>
    assert page.text.count(bad) >= 7
    assert "a<b>&run" in page.text


@pytest.mark.parametrize(("log", "words"), [
    (None, "no step is logged yet"), ([], "no step is logged yet"),
    ([{"step": 10, "critic/adversarial": 1.0}], "10 of 200"),
    ([{"step": 10, "measure/FD": 1.0}], "measured once"),
    ([{"step": 10, "measure/FD": float("nan")}], "10 of 200"),
])
def test_a_run_with_little_in_it(make_run: Callable[..., Run], log: list | None, words: str) -> None:
    page = outline(make_run(log))
    assert words in page.text
    for missing in ("No samples have been drawn yet", "Not judged yet", "There is no checkpoint yet"):
        assert missing in page.text


def test_a_log_that_is_being_written(make_run: Callable[..., Run]) -> None:
    run = make_run(SHORT)
    with open(run.path / "log.jsonl", "a") as handle:
        handle.write('{"step": 110, "critic/adver')
    assert "100 of 200 steps" in outline(run).text


def test_a_log_of_odd_lines(make_run: Callable[..., Run]) -> None:
    run = make_run()
    (run.path / "log.jsonl").write_text('{"step": 10, "a/b": 1, "seconds": "x"}\n3\n"x"\n{"step": null}\n{"a/b": 1}\n'
                                        '{"step": 20, "a/b": 2, "seconds": 1.0}\n')
    assert "20 of 200" in outline(run).text


@pytest.mark.parametrize("recipe", ["", ": [", "3", "recipe: null\n", "training: 3\n", "training: {steps: x, batch: -}",
                                    "- a\n"])
def test_a_recipe_that_says_little(make_run: Callable[..., Run], recipe: str) -> None:
    assert "how many were planned is not known" in outline(make_run(SHORT, recipe)).text


@pytest.mark.parametrize("source", ["{", "[]", '{"name": 3}', '{"name": "x", "shape": null}', None])
def test_a_source_that_says_little(make_run: Callable[..., Run], source: str | None) -> None:
    run = make_run(SHORT)
    (run.path / "source.json").unlink()
    (run.path / "versions.json").unlink()
    if source is not None:
        (run.path / "source.json").write_text(source)
        (run.path / "versions.json").write_text(source)
    assert "source.json does not tell of" in outline(run).text


def test_damaged_checkpoints_are_said(make_run: Callable[..., Run]) -> None:
    run = make_run(SHORT)
    checkpoint(run, 100, 10.0)
    (run.path / "checkpoints" / "step-00000200.safetensors").write_bytes(b"half")
    page = outline(run)
    assert "cannot be read" in page.text
    assert "best" in page.text


@pytest.mark.parametrize(("values", "words", "state"), [
    ([10.0, 2.0], "best 2 at step 2", "good"), ([10.0, 2.0, 4.0], "worse than its best", "warn"),
    ([10.0, 9.5], "hardly fallen", "warn"), ([10.0, 5.0, 12.0], "no better than at first", "bad")])
def test_whether_the_run_got_better_is_seen_at_the_top(make_run: Callable[..., Run], values: list[float], words: str,
                                                       state: str) -> None:
    page = outline(make_run([{"step": i + 1, "measure/FD": value} for i, value in enumerate(values)]))
    assert words in page.text
    tiles = [attributes["class"] for tag, attributes in page.tags
             if tag == "div" and (attributes.get("class") or "").startswith("tile ")]
    assert tiles[1] == f"tile {state}"


def test_an_unfinished_run_says_how_to_go_on(make_run: Callable[..., Run]) -> None:
    run = make_run(SHORT)
    assert "--resume" not in outline(run).text  # from what?
    checkpoint(run, 100, None)
    assert "ganworks train --resume" in outline(run).text


def test_a_page_of_heavy_pictures_stays_below_3_mb(make_run: Callable[..., Run]) -> None:
    run = make_run(SHORT)
    (run.path / "samples").mkdir()
    smooth = np.random.default_rng(0).integers(0, 256, (129, 129, 3)).astype(np.uint8)
    large = Image.fromarray(smooth).resize((1033, 1033), Image.Resampling.BICUBIC)
    pixels = np.asarray(large).astype(float) + np.random.default_rng(1).normal(0, 8, (1033, 1033, 3))
    held = BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(held, "PNG", compress_level=1)
    assert len(held.getvalue()) > 2_000_000
    for step in range(100, 2100, 100):
        (run.path / "samples" / f"step-{step:08d}.png").write_bytes(held.getvalue())
    page = write_report(run)
    assert page.stat().st_size < 3_000_000


def test_a_long_log_stays_a_small_page(make_run: Callable[..., Run]) -> None:
    run = make_run(records(100_000))
    assert write_report(run).stat().st_size < 1_000_000


def test_what_the_doctor_said_and_did_on_the_way_is_told(make_run: Callable[..., Run]) -> None:
    warned = {"step": 60, "event": "finding", "title": "costs <run> away", "do": "--lr 0.02"}
    log = [*SHORT, warned, {"step": 70, "event": "finding"}]
    made = make_run(log=log)
    assert "While it was trained" not in outline(make_run(log=SHORT, name="calm")).text
    done = {"at": 90, "title": "collapse & co", "do": "--pack 2", "why": "it helps", "back_to": 40}
    (made.path / "interventions.json").write_text(json.dumps([done, {"at": 1}, 3]))
    said = outline(made).text
    for words in ("While it was trained", "Step 60: costs <run> away", "--lr 0.02", "step 90: collapse & co",
                  "back to step 40", "--pack 2 : it helps"):
        assert words in said, words
    (made.path / "interventions.json").write_text("{")
    assert "collapse" not in outline(made).text
