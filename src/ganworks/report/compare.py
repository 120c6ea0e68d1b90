"""OUT/compare.html: a tournament on one self-contained page, from plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from ganworks.files import write_text
from ganworks.report.compare_curves import curves_html
from ganworks.report.pictures import SMALL, Picture, image_tag
from ganworks.report.standings import (
    LEVEL,
    Result,
    Standing,
    Table,
    figure_names,
    runs,
    seeded,
    span,
    table,
    with_half,
)
from ganworks.report.words import number

SHOWN = 3
"""Seeds whose samples are shown."""
DASH = "\N{EN DASH}"

OWN = """
.entrants { display: grid; gap: 14px; align-items: end; grid-template-columns: repeat(var(--count), minmax(150px, 1fr));
  max-width: calc(var(--count) * 380px); }
.entrants h3 { align-self: end; overflow-wrap: anywhere; }
.entrants figure { align-self: start; }
.same { columns: 3 260px; list-style: none; margin: 0; padding: 0; font-size: 14px; }
.same li { break-inside: avoid; padding: 2px 0; overflow-wrap: anywhere; } .same b { font-weight: 550; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 8px; font-size: 13px; }
.legend svg { width: 26px; height: 8px; margin-right: 7px; vertical-align: middle; }
.curves.compared { grid-template-columns: repeat(auto-fit, minmax(min(330px, 100%), 560px)); }
.bar .seed { height: 8px; margin: -4px 0 0 -0.5px; border-left: 1px solid var(--line-1); opacity: 0.7; }
table.figures tbody th, table.differs th { overflow-wrap: anywhere; }
td.mark { font-size: 13px; } td.mark.noise { color: var(--warn); }
td.mark.best { color: var(--good); font-weight: 650; }
.differs td { font-size: 13px; } table.differs tbody th { min-width: 11em; } .asked { font-weight: 650; }
"""


@dataclass(frozen=True)
class Contest:
    """All that the page shows, as plain data.

    Attributes:
        out: directory of the tournament. budget: what each run may spend, in words.
        results: of every run. paths: directory of each run, by (label, seed).
        equal: options that all share. differing: {"name", "values": {label: value}, "asked": [labels]}.
        picture: name of the picture of samples in each run's directory.
        by: the figure that decides, None for the usual one.
    """

    out: Path
    budget: str
    results: Sequence[Result]
    paths: Mapping[tuple[str, int], Path]
    equal: Mapping[str, str]
    differing: Sequence[Mapping[str, Any]]
    picture: str = "compare.png"
    by: str | None = None
    notes: Sequence[str] = field(default_factory=tuple)


def write_page(contest: Contest) -> Path:
    """Write OUT/compare.html and return its path."""
    path = contest.out / "compare.html"
    write_text(path, page(contest))
    return path


def page(contest: Contest) -> str:
    """Return the tournament as HTML that loads nothing and runs nothing."""
    found = table(contest.results, contest.by)
    order = [row.label for row in found.rows]
    style = (files("ganworks.report") / "page.css").read_text(encoding="utf-8")
    title = f"Tournament: {contest.out.resolve().name}"
    return "\n".join([
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">', f"<title>{escape(title)}</title>",
        f"<style>{style}{OWN}</style>", "</head>", "<body>",
        f"<header><h1>{escape(title)}</h1><p class='summary'>{_summary(contest, found)}</p></header>",
        f"<section><h2>Standings</h2>{_standings(found)}{_failures(contest)}</section>",
        f"<section><h2>Samples</h2>{_samples(contest, order)}</section>",
        f"<section><h2>On the way</h2>{_curves(contest, order)}</section>",
        f"<section><h2>All figures</h2>{_all(contest, order)}</section>",
        f"<section><h2>What differs</h2>{_differing(contest, order)}</section>",
        f"<section><h2>What is the same</h2>{_equal(contest)}</section>",
        f"<footer>Written by ganworks compare from {escape(str(contest.out))}.</footer>", "</body>", "</html>", ""])


def _summary(contest: Contest, found: Table) -> str:
    data = contest.equal.get("data")
    begin = f"{len(found.rows)} recipes on {escape(data)}, {escape(contest.budget)}" if data else escape(contest.budget)
    first = found.rows[0] if found.rows else None
    if first is None or first.mean is None:
        return f"{begin}. No run is finished yet."
    near = [row.label for row in found.rows[1:] if row.p is not None and row.p >= 1 - LEVEL]
    worse = [row.label for row in found.rows[1:] if row.p is not None and row.p < 1 - LEVEL]
    words = [f"{begin}. <b>{escape(first.label)}</b> has the best {escape(found.name)}, "
             f"{with_half(first.mean, first.half)}"]
    if near:
        words.append(f"{escape(_listed(near))} cannot be told from it")
    if worse:
        words.append(f"{escape(_listed(worse))} {'is' if len(worse) == 1 else 'are'} worse, beyond chance")
    if len(found.rows) > 1 and not near and not worse:
        words.append("with fewer than two seeds a side, nothing can be said of chance")
    return "; ".join(words).replace(" ± ", "&nbsp;±&nbsp;") + "."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _standings(found: Table) -> str:
    known = [value for row in found.rows for value in (
        *row.values.values(), *([] if row.half is None or row.mean is None else
                                [row.mean - row.half, row.mean + row.half]))]
    known += [] if found.floor is None else [found.floor]
    ends = (min(0.0, *known), max(0.0, *known)) if known else (0.0, 1.0)
    rows = "".join(_row(row, found, ends) for row in found.rows)
    floor = "" if found.floor is None else (" The tick is the same figure of other real data against the real data, "
                                            f"{number(found.floor)}: what a perfect generator would get.")
    return ('<div class="scroll"><table class="figures"><thead><tr><th>entrant</th>'
            f'<th class="n">{escape(found.name)}<br>{found.better} is better</th><th></th><th class="n">best<br>(seed)'
            '</th><th class="n">worst<br>(seed)</th><th class="n">s/step</th><th class="n">steps</th>'
            f'<th class="n">runs</th><th></th></tr></thead><tbody>{rows}</tbody></table></div>'
            f'<p class="caption">The dot is the mean over seeds, the line its {LEVEL:.0%} interval (Student&rsquo;s '
            f"t), the thin lines the seeds.{floor} &ldquo;Within noise&rdquo;: Welch&rsquo;s t test over seeds against "
            f"the best gives p &ge; {1 - LEVEL:.2g}; it is not corrected for the number of entrants.</p>")


def _row(row: Standing, found: Table, ends: tuple[float, float]) -> str:
    mark, kind = row.mark, "best" if row.leads else "noise" if row.p is not None and row.p >= 1 - LEVEL else ""
    said = escape(mark) + (f"<small>p = {number(row.p, 2)}</small>" if row.p is not None else "")
    pace = DASH if row.pace is None else number(row.pace, 3)
    return (f"<tr><th>{escape(row.label)}</th><td class='n strong'>{with_half(row.mean, row.half)}</td>"
            f"<td class='drawing'>{_drawing(row, found.floor, ends)}</td><td class='n'>{seeded(row, row.best)}</td>"
            f"<td class='n'>{seeded(row, row.worst)}</td><td class='n'>{pace}</td><td class='n'>{span(row.steps)}</td>"
            f"<td class='n'>{runs(row)}</td><td class='mark {kind}'>{said}</td></tr>")


def _drawing(row: Standing, floor: float | None, ends: tuple[float, float]) -> str:
    """Return a line from 0, the same for all entrants, with mean, interval, seeds and floor."""
    if row.mean is None:
        return ""
    low, high = ends

    def part(kind: str, begin: float, end: float) -> str:
        left, right = (100 * (v - low) / ((high - low) or 1.0) for v in sorted((begin, end)))
        return f'<i class="{kind}" style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'

    parts = [] if row.half is None else [part("interval", row.mean - row.half, row.mean + row.half)]
    parts += [part("seed", value, value) for value in row.values.values()]
    parts += [] if floor is None else [part("floor", floor, floor)]
    parts.append(part("dot", row.mean, row.mean))
    return f'<div class="bar" role="img" aria-label="{escape(row.label)}: {number(row.mean)}">{"".join(parts)}</div>'


def _failures(contest: Contest) -> str:
    lines = [f"{escape(result.label)}, seed {result.seed}, failed: {escape(result.reason)}"
             for result in contest.results if result.state == "failed"]
    left = sum(result.state in ("waiting", "running") for result in contest.results)
    if left:
        lines.append(f"{left} of {len(contest.results)} runs are not finished yet")
    lines += [escape(note) for note in contest.notes]
    return "".join(f'<p class="warning">{line}.</p>' for line in lines)


def _samples(contest: Contest, order: Sequence[str]) -> str:
    seeds = sorted({result.seed for result in contest.results if result.state == "done"})[:SHOWN]
    if not seeds:
        return '<p class="missing">No run is finished yet.</p>'
    cells = "".join(f"<h3>{escape(label)}</h3>" for label in order)
    for seed in seeds:
        for label in order:
            path = contest.paths[label, seed] / contest.picture if (label, seed) in contest.paths else None
            if path is None or not path.is_file():
                cells += f'<p class="missing">seed {seed}: nothing to show</p>'
            else:
                cells += (f"<figure>{image_tag(Picture(0, path), f'samples of {label}, seed {seed}', SMALL)}"
                          f"<figcaption>seed {seed}</figcaption></figure>")
    points = any(figure["name"] in ("W1", "FD (points)") for result in contest.results for figure in result.figures)
    words = " Blue: samples; orange: the data." if points else ""
    return (f'<p class="caption">At the end of each run, from the same random numbers.{words}</p><div class="scroll">'
            f'<div class="entrants" style="--count:{len(order)}">{cells}</div></div>')


def _curves(contest: Contest, order: Sequence[str]) -> str:
    drawn = curves_html(contest.paths, order)
    if not drawn:
        return '<p class="missing">Nothing was measured while training.</p>'
    return (f'{drawn}<p class="caption">The quick measure of each checkpoint: the mean over '
            "seeds, and behind it the range of the seeds.</p>")


def _all(contest: Contest, order: Sequence[str]) -> str:
    names = figure_names(contest.results)
    if not names:
        return '<p class="missing">No run is judged yet.</p>'
    head = "".join(f'<th class="n">{escape(label)}</th>' for label in order)
    body = ""
    for name in names:
        found = table(contest.results, name)
        by, means = {row.label: row for row in found.rows}, [row.mean for row in found.rows]
        best = means[0] if len(set(means)) > 1 else None  # where all are equal, none stands out
        cells = "".join(f"<td class='n{' strong' if by[label].mean == best is not None else ''}'>"
                        f"{with_half(by[label].mean, by[label].half, 3)}</td>" for label in order)
        floor = DASH if found.floor is None else number(found.floor, 3)
        body += (f"<tr><th>{escape(name)}<small>{found.better} is better</small></th>{cells}"
                 f"<td class='n'>{floor}</td></tr>")
    return (f'<div class="scroll"><table><thead><tr><th>mean over seeds</th>{head}<th class="n">real against real</th>'
            f'</tr></thead><tbody>{body}</tbody></table></div><p class="caption">The best of each line stands out; '
            "whether the others are within its noise is tested for the standings alone.</p>")


def _differing(contest: Contest, order: Sequence[str]) -> str:
    if not contest.differing:
        return '<p class="missing">Nothing but the recipes themselves.</p>'
    head = "".join(f"<th>{escape(label)}</th>" for label in order)
    rows = "".join(f"<tr><th>{escape(str(line['name']))}</th>" + "".join(
        f"<td{' class=asked' if label in line['asked'] else ''}>{escape(str(line['values'].get(label, DASH)))}</td>"
        for label in order) + "</tr>" for line in contest.differing)
    return (f'<div class="scroll"><table class="differs"><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody>'
            '</table></div><p class="caption">Strong: given to that entrant alone. All other values are what the '
            "recipes bring, and differ whether that was meant or not. A dash: the recipe has no such option.</p>")


def _equal(contest: Contest) -> str:
    lines = "".join(f"<li><b>{escape(name)}</b> {escape(value)}</li>" for name, value in contest.equal.items())
    return f'<ul class="same">{lines}</ul>' if lines else '<p class="missing">Nothing.</p>'
