"""The page of a tournament, from plain data and directories that nothing has trained."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganworks.report.compare import Contest, page, write_page
from ganworks.report.compare_clouds import cloud_png
from ganworks.report.compare_curves import mean_line, panels
from ganworks.report.standings import Result

VOID = {"meta", "img", "br", "input", "link"}
NASTY = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Fails on tags that do not match; keeps tags with their attributes, and the words."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader, " ".join(" ".join(reader.words).split())


def run_in(folder: Path, values, colour):
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("recipe: dcgan\n")
    (folder / "log.jsonl").write_text("".join(json.dumps(
        {"step": step, "measure/FD (pixels)": value}) + "\n" for step, value in values.items()))
    Image.new("RGB", (40, 40), colour).save(folder / "compare.png")
    return folder


@pytest.fixture
def contest(tmp_path):
    figures = {("a", 0): 1.0, ("a", 1): 2.0, (NASTY, 0): 9.0, (NASTY, 1): None}
    results = [Result(label, seed, "failed", f"cost became {NASTY}") if value is None else
               Result(label, seed, "done", "", 50, 1.0, ({"name": "FD (pixels)", "value": value, "floor": 0.5,
                                                          "better": "lower"},))
               for (label, seed), value in figures.items()]
    paths = {key: run_in(tmp_path / f"run-{i}", {10: 5.0 + i, 20: 4.0 + i}, (80 * i, 0, 0))
             for i, key in enumerate(figures)}
    (paths[NASTY, 1] / "compare.png").unlink()
    return Contest(tmp_path, "50 generator steps each", results, paths, {"data": "digits", "batch": "64"},
                   [{"name": "latent", "values": {"a": "100", NASTY: "128"}, "asked": [NASTY]},
                    {"name": "penalty", "values": {"a": "10.0"}, "asked": []}])


def test_the_page_is_whole_and_loads_and_runs_nothing(contest):
    reader, words = read(write_page(contest).read_text(encoding="utf-8"))
    assert not {"script", "link", "iframe"} & {tag for tag, _ in reader.tags}
    sources = [attrs["src"] for tag, attrs in reader.tags if tag == "img"]
    assert len(sources) == 3
    assert all(source.startswith("data:image/") for source in sources)
    assert not any("href" in attrs for _, attrs in reader.tags)
    assert NASTY in words  # as words, that is


def test_it_tells_the_standings_what_failed_and_what_differs(contest):
    _, words = read(page(contest))
    assert "a has the best FD (pixels), 1.5 ± 6.4" in words  # t of one degree: 12.706 * 0.5 = 6.35
    assert f"seed 1, failed: cost became {NASTY}" in words
    assert "1 of 2, 1 failed" in words
    assert "latent 100 128" in words
    assert "penalty 10.0 –" in words  # noqa: RUF001
    assert "digits" in words
    assert "against the real data, 0.5:" in words


def test_asked_for_values_stand_out(contest):
    html = page(contest)
    assert re.findall(r"<td class=[\"']?asked[\"']?>([^<]*)</td>", html) == ["128"]


@pytest.mark.parametrize(("values", "strong"), [((1.0, 2.0), ["1"]), ((2.0, 1.0), ["1"]), ((1.0, 1.0), [])])
def test_the_best_of_a_line_stands_out_where_there_is_one(contest, values, strong):
    results = [Result(label, 0, "done", "", 50, 1.0, ({"name": "W1", "value": value, "floor": 0.5, "better": "lower"},))
               for label, value in zip(("a", NASTY), values, strict=True)]
    html = page(replace(contest, results=results)).partition("<h2>All figures</h2>")[2]
    assert re.findall(r"<td class='n strong'>([^<]*)</td>", html) == strong


def test_samples_stand_in_the_order_of_the_standings(contest):
    reader, _ = read(page(contest))
    assert [attrs["alt"] for tag, attrs in reader.tags if tag == "img"] == [
        "samples of a, seed 0", f"samples of {NASTY}, seed 0", "samples of a, seed 1"]


def test_nothing_yet(tmp_path):
    waiting = Contest(tmp_path, "5 s of training each", [Result("a", 0, "waiting"), Result("b", 0, "running")],
                      {("a", 0): tmp_path / "a", ("b", 0): tmp_path / "b"}, {}, [])
    _, words = read(page(waiting))
    assert "No run is finished yet" in words
    assert "2 of 2 runs are not finished yet" in words
    assert "Nothing was measured" in words


def test_curves_are_means_over_seeds_with_their_range(contest):
    found = panels(contest.paths, ["a", NASTY])
    assert [panel.title for panel in found] == ["FD (pixels) by step"]
    line = found[0].lines[0]
    assert line.name == "a"
    assert (line.steps == [10, 20]).all()
    assert np.allclose([line.values, line.low, line.high], [[5.5, 4.5], [5, 4], [6, 5]])


def test_a_step_that_a_seed_lacks_is_left_out_unless_they_share_none():
    def pair(steps):
        return np.array(steps), np.array(steps) * 1.0

    assert mean_line("x", [pair([10, 20, 23]), pair([10, 20, 31])]).steps.tolist() == [10, 20]
    assert mean_line("x", [pair([23]), pair([31])]).steps.tolist() == [23, 31]


def test_clouds_share_their_axes_whatever_the_samples_are():
    reference = np.random.default_rng(0).normal(size=(300, 2))
    near, far = reference * 0.5, np.concatenate([reference, [[1e9, 0.0], [np.nan, 0.0]]])
    pictures = [np.asarray(Image.open(BytesIO(cloud_png(samples, reference))).convert("RGB"))
                for samples in (near, far)]
    assert pictures[0].shape == pictures[1].shape
    assert cloud_png(reference[:, :1], reference[:, :1])[:4] == b"\x89PNG"
    # Above the axes, there is a sentence on what lies beyond, where something does.
    assert (pictures[1][:30] < 200).any()
    assert not (pictures[0][:10] < 200).any()
