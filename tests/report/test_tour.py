"""The tour's pages: well-formed, closed in themselves, linked, and full of numbers that were found elsewhere too."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from ganworks.cli import main
from ganworks.report.tour import CHAPTERS
from ganworks.report.tour.energy import chapter
from ganworks.report.tour.parts import Chapter, number, page, table, words


def read(text):
    """The page as XML, which it must be, without its document type."""
    return ElementTree.fromstring(text.split("\n", 1)[1])


def nothing_is_loaded(text):
    return not re.search(r"<(script|link|img|iframe)|https?://(?!www\.w3\.org)|url\((?!#)", text)


def test_cells():
    html = table(["a"], [["12.5"], ["2 x JS"], ["<b>x</b>"], ["50 %"], ["a < b"]])
    assert html.count("class='n'") == 2
    assert "<td><b>x</b></td>" in html
    assert "a &lt; b" in html
    assert [number(x) for x in (float("inf"), 1 / 3, 2.0)] == ["infinite", "0.3333", "2"]


def test_a_page_links_to_its_neighbours():
    made = page(Chapter("b", "Two & more", "Lead.", words("1 < 2")), (("a", "One"), ("b", "Two"), ("c", "Three")))
    links = [a.get("href") for a in read(made).iter("{http://www.w3.org/1999/xhtml}a")]
    assert links == ["index.html", "a.html", "c.html", "a.html", "c.html"]
    assert nothing_is_loaded(made)


def test_a_chapter():
    made = page(chapter(), (("energy", "Energies"),))
    read(made)
    assert nothing_is_loaded(made)
    assert made.count("<svg") == 2
    # Total variation of N(0, 1) and N(1, 1): 2 Phi(1/2) - 1 = 0.38292; the margin is 1.
    assert "0.3829" in made
    assert "0.6171" in made


def test_the_command_refuses(tmp_path, capsys):
    (tmp_path / "index.html").write_text("mine")
    assert main(["tour", "--output", str(tmp_path)]) == 2
    assert "holds a page already" in capsys.readouterr().err
    assert main(["tour", "--output", str(tmp_path / "index.html")]) == 2
    assert (tmp_path / "index.html").read_text() == "mine"


@pytest.mark.slow
def test_the_whole_tour(tmp_path, capsys):
    assert main(["tour", "--output", str(tmp_path / "tour")]) == 0
    pages = {path.name: path.read_text() for path in (tmp_path / "tour").iterdir()}
    assert set(pages) == {"index.html", *(f"{name}.html" for name, _ in CHAPTERS)}
    for name, text in pages.items():
        whole = read(text)
        assert nothing_is_loaded(text), name
        links = {a.get("href") for a in whole.iter("{http://www.w3.org/1999/xhtml}a")}
        assert {link for link in links if link and not link.startswith("#")} <= set(pages)
        seen = " ".join(whole.itertext())
        assert not re.search(r"\bnan\b|None|Traceback", seen), name
    assert "1.386294" in pages["minimax.html"]  # log 4
    assert "0.340" in pages["failures.html"]  # the spurious width, docs/theory.md F6
