"""What a chapter of the tour is made of: words, formulas, figures, tables, and the page around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import sympy

from ganworks.design.rendering import STYLE, frame, math_html, words_html
from ganworks.report.drawing import svg_of

OWN = """
.tour { max-width: 860px; margin: 0 auto; }
.tour > p, .tour > ul { font-size: 16px; max-width: 74ch; }
.tour figure { margin: 18px 0; background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 12px 14px; }
.tour figure svg { display: block; width: 100%; height: auto; }
.tour figure svg text { font-family: inherit; }
.tour figcaption { margin-top: 8px; max-width: 84ch; }
.tour .formula { overflow-x: auto; padding: 4px 0; }
.tour .scroll { margin: 14px 0; }
.tour td, .tour th { font-variant-numeric: tabular-nums; }
nav.chapters { display: flex; flex-wrap: wrap; gap: 6px 14px; margin-bottom: 18px; font-size: 14px; }
nav.chapters a { color: var(--line-1); text-decoration: none; } nav.chapters b { font-weight: 650; }
nav.turn { display: flex; justify-content: space-between; gap: 20px; margin-top: 34px; }
nav.turn a, ol.contents a { color: var(--line-1); }
ol.contents li { margin: 10px 0; }
details { margin: 14px 0; } summary { cursor: pointer; font-weight: 550; }
.derivation h1 { font-size: 18px; } .derivation .summary { font-size: 1em; }
.slip { border-left: 4px solid var(--warn); padding: 2px 12px; margin: 14px 0; max-width: 74ch; }
"""


@dataclass(frozen=True)
class Chapter:
    """A page of the tour.

    Attributes:
        name: of its file, without ending. title, lead: its heading, and in a sentence what it shows.
        body: HTML.
    """

    name: str
    title: str
    lead: str
    body: str


def words(*paragraphs: str) -> str:
    """Return paragraphs, escaped."""
    return "".join(f"<p>{words_html(p)}</p>" for p in paragraphs)


def slip(text: str) -> str:
    """Return a paragraph on what is often said wrongly."""
    return f"<p class='slip'><b>Often said otherwise.</b> {words_html(text)}</p>"


def heading(text: str) -> str:
    return f"<h2>{words_html(text)}</h2>"


def formula(*expressions: sympy.Basic) -> str:
    """Return formulas, each on a line of its own."""
    return "".join(f"<div class='formula'>{math_html(e)}</div>" for e in expressions)


def figure(width: float, height: float, draw: Callable[[Any], None], caption: str) -> str:
    """Return a figure of this shape in inches with a caption."""
    svg = svg_of(width, height, draw, caption)
    return f"<figure>{svg}<figcaption>{words_html(caption)}</figcaption></figure>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Return a table; cells that look like numbers stand to the right. A cell that begins with < is HTML already."""
    top = "".join(f"<th>{words_html(h)}</th>" for h in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    under = f"<p class='caption'>{words_html(caption)}</p>" if caption else ""
    return f"<div class='scroll'><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>{under}"


def _cell(text: str) -> str:
    if text.startswith("<"):
        return f"<td>{text}</td>"
    number = text.lstrip("+-")[:1].isdigit() and " " not in text.removesuffix(" %")
    return f"<td{' class=' + repr('n') if number else ''}>{words_html(text)}</td>"


def folded(title: str, html: str) -> str:
    """Return content that opens when its title is clicked."""
    return f"<details><summary>{words_html(title)}</summary>{html}</details>"


def number(x: float, digits: int = 4) -> str:
    """Return a number for a table."""
    if x != x:
        return "–"  # noqa: RUF001
    if abs(x) == float("inf"):
        return "infinite"
    return f"{x:.{digits}g}"


def page(chapter: Chapter, chapters: Sequence[tuple[str, str]]) -> str:
    """Return a complete page.

    Args:
        chapters: (name, title) of all chapters in their order; the page links to them.
    """
    at = [name for name, _ in chapters].index(chapter.name)
    links = ["<a href='index.html'>Tour</a>"] + [
        f"<b>{escape(title)}</b>" if i == at else f"<a href='{name}.html'>{escape(title)}</a>"
        for i, (name, title) in enumerate(chapters)]
    turn = ["<span></span>", "<span></span>"]
    if at > 0:
        turn[0] = f"<a href='{chapters[at - 1][0]}.html'>before: {escape(chapters[at - 1][1])}</a>"
    if at + 1 < len(chapters):
        turn[1] = f"<a href='{chapters[at + 1][0]}.html'>next: {escape(chapters[at + 1][1])}</a>"
    body = (f"<main class='tour'><nav class='chapters'>{' '.join(links)}</nav><h1>{words_html(chapter.title)}</h1>"
            f"<p class='summary'>{words_html(chapter.lead)}</p>{chapter.body}"
            f"<nav class='turn'>{''.join(turn)}</nav>"
            "<footer>Written by ganworks tour. Every number and every line was computed when this page was built."
            "</footer></main>")
    return framed(chapter.title, body)


def framed(title: str, body: str) -> str:
    """Return a page that loads nothing and runs nothing."""
    style = (files("ganworks.report") / "page.css").read_text(encoding="utf-8")
    return frame(title, body, style + STYLE + OWN)
