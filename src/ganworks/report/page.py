"""RUN/report.html: one self-contained file that says at a glance whether a run went well, and then why."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from pathlib import Path

from ganworks.errors import UserError
from ganworks.files import write_text
from ganworks.report import diagnosis, watched
from ganworks.report.curves import panel_svg
from ganworks.report.facts import Facts, facts_of
from ganworks.report.history import measures, panels
from ganworks.report.judgement import Judgement, judgements, table
from ganworks.report.pictures import LARGE, SMALL, Picture, image_tag, pictures, spread
from ganworks.report.summary import summary, tiles
from ganworks.report.words import number, size
from ganworks.train.run import Run
from ganworks.train.state import read_facts


def write_report(run: Run) -> Path:
    """Write RUN/report.html and return its path.

    The page needs no network and nothing beside it. What a run does not have yet is said in its place; a run that is
    being trained may be reported at any moment.
    """
    path = run.path / "report.html"
    write_text(path, page(run))
    return path


def page(run: Run) -> str:
    """Return the report of a run as HTML."""
    facts = facts_of(run)
    found, missing = judgements(run.path / "metrics.json")
    style = (files("ganworks.report") / "page.css").read_text(encoding="utf-8")
    title = escape(facts.name)
    return "\n".join([
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">', f"<title>{title}</title>",
        f"<style>{style}</style>", "</head>", "<body>",
        f"<header><h1>{title}</h1><p class='summary'>{summary(facts, found)}</p></header>",
        f"<div class='tiles'>{tiles(facts, found)}</div>",
        f"<div class='pair'><section><h2>Samples</h2>{_latest(run, facts)}</section>",
        f"<section><h2>Judged</h2>{_judged(run, found, missing)}</section></div>",
        diagnosis.section(run.path, facts.records), watched.section(run.path, facts.records),
        _earlier(run), _worst(run), f"<section><h2>Curves</h2>{_curves(facts)}</section>",
        f"<div class='facts'><section><h2>Checkpoints</h2>{_checkpoints(run, facts)}",
        f"<h2>Made with</h2>{_versions(run)}</section>",
        f"<section><h2>recipe.yaml</h2><pre>{escape(facts.recipe)}</pre></section></div>",
        f"<footer>Written by ganworks from {escape(str(run.path))}.</footer>", "</body>", "</html>", ""])


def _latest(run: Run, facts: Facts) -> str:
    found = pictures(run.path / "samples")
    if not found:
        return '<p class="missing">No samples have been drawn yet.</p>'
    last = found[-1]
    words = f"samples at step {number(last.step)}"
    averaged = "averaged weights" if facts.averaged else "the same latents at every step"
    return (f'<figure class="large">{image_tag(last, words, LARGE)}<figcaption>step {number(last.step)}, {averaged}: '
            f"samples/{escape(last.path.name)}</figcaption></figure>")


def _earlier(run: Run) -> str:
    found = pictures(run.path / "samples")
    if len(found) < 2:
        return ""
    shown = "".join(f"<figure>{image_tag(picture, f'samples at step {picture.step}', SMALL)}"
                    f"<figcaption>step {number(picture.step)}</figcaption></figure>" for picture in spread(found))
    return f'<section><h2>On the way</h2><div class="strip">{shown}</div></section>'


def _worst(run: Run) -> str:
    """Return the translations that an evaluation found worst, where there was one of translations."""
    picture = run.path / "worst.png"
    try:
        listed = json.loads((run.path / "worst.json").read_text(encoding="utf-8"))
        figure = next(name for name in listed[0] if name != "name")
        words = ", ".join(f"{escape(str(one['name']))} {number(one[figure])}" for one in listed)
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return ""
    shown = image_tag(Picture(0, picture), "the worst translations", LARGE)
    return (f'<section><h2>Worst</h2><figure class="large">{shown}<figcaption>worst.png, by {escape(figure)}: {words}'
            "</figcaption></figure></section>")


def _judged(run: Run, found: list[Judgement], missing: str) -> str:
    if not found:
        return (f'<p class="missing">{escape(missing[:1].upper() + missing[1:])}. Judge it against its data with '
                f"<code>ganworks evaluate {escape(str(run.path))}</code></p>")
    legend = ('<p class="caption">The dot is the figure of the samples on its interval; the tick is the same figure of '
              "other real data against the real data: what a perfect generator would get.</p>")
    return legend + "".join(table(judgement) for judgement in found)


def _curves(facts: Facts) -> str:
    found = panels(facts.records)
    if not found:
        return '<p class="missing">The log holds nothing to draw yet.</p>'
    drawn = "".join(f'<div class="card"><h3>{escape(panel.title)}</h3>{panel_svg(panel)}</div>' for panel in found)
    return f'<div class="curves">{drawn}</div>'


def _checkpoints(run: Run, facts: Facts) -> str:
    found = run.checkpoints()
    if not found:
        return '<p class="missing">There is no checkpoint yet.</p>'
    best, rows = run.best(), []
    for path in found:
        marks = [word for word, is_it in (("last", path == found[-1]), ("best", path == best)) if is_it]
        try:
            about = read_facts(path)
            figure = about.get("figure")
            step, measured = number(about["step"]), "&ndash;" if figure is None else number(figure)
            weight = size(path.stat().st_size)
        except (UserError, OSError, KeyError, TypeError):  # damaged, or pruned by a trainer at this moment
            step, measured, weight = escape(path.stem), "cannot be read", ""
        rows.append(f"<tr><td class='n'>{step}</td><td class='n'>{measured}</td><td class='n'>{weight}</td>"
                    f"<td class='strong'>{', '.join(marks)}</td></tr>")
    measure = ", ".join(measures(facts.records)) or "measure"
    return (f"<table><thead><tr><th class='n'>step</th><th class='n'>{escape(measure)}</th><th class='n'>size</th>"
            f"<th></th></tr></thead><tbody>{''.join(rows)}</tbody></table>")


def _versions(run: Run) -> str:
    try:
        known = json.loads((run.path / "versions.json").read_text(encoding="utf-8"))
        rows = "".join(f"<tr><th>{escape(str(name))}</th><td>{escape(str(what))}</td></tr>"
                       for name, what in known.items())
    except (OSError, ValueError, AttributeError):
        return '<p class="missing">versions.json is missing or cannot be read.</p>'
    return f"<table>{rows}</table>"
