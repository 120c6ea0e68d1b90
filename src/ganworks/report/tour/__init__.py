"""The tour: the theory in the order of the five notes, every figure computed when it is built."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from ganworks.console import track
from ganworks.files import write_text
from ganworks.report.tour.parts import Chapter, framed, page, words_html

CHAPTERS = (("minimax", "The minimax game"), ("factories", "Two factories"), ("blindness", "When JS goes blind"),
            ("mover", "The earth mover"), ("energy", "Energies"), ("failures", "Failures and remedies"))
"""Names of the modules, which are those of the pages, and titles."""


def build(folder: Path, seed: int = 0) -> list[Path]:
    """Compute all chapters and write a page each, and index.html. The pages load nothing and run nothing.

    Args:
        folder: is made if it does not exist; pages in it are replaced.
        seed: everything random is a function of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written, chapters = [], []
    for name, _ in track(CHAPTERS, len(CHAPTERS), "chapters", "chapter"):
        found = import_module(f"ganworks.report.tour.{name}").chapter(seed)
        chapters.append(found)
        written.append(folder / f"{name}.html")
        write_text(written[-1], page(found, CHAPTERS))
    written.append(folder / "index.html")
    write_text(written[-1], _index(chapters, seed))
    return written


def _index(chapters: list[Chapter], seed: int) -> str:
    listed = "".join(f"<li><a href='{c.name}.html'>{words_html(c.title)}</a><br/>{words_html(c.lead)}</li>"
                     for c in chapters)
    body = ("<main class='tour'><h1>A tour of adversarial training</h1><p class='summary'>What a GAN does, why it "
            "fails, and what mends it, in six pages. p is the law of the data, q that of the generator; every figure "
            f"and every number was computed when these pages were built, with seed {seed}.</p>"
            f"<ol class='contents'>{listed}</ol><footer>Written by ganworks tour.</footer></main>")
    return framed("A tour of adversarial training", body)
