"""How findings are shown: as text, as a section of a page, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganworks.data.pictures import beside, scatter
from ganworks.diagnose.checkpoints import Ranking, Span
from ganworks.diagnose.exam import SHOWN, Exam
from ganworks.diagnose.finding import Evidence, Finding, Remedy, ranked
from ganworks.report.words import number
from ganworks.train.series import Records

HEADS = {"serious": "SERIOUS", "warning": "warning", "note": "note", "unknown": "cannot tell", "healthy": "fine"}
SHOWN_WHOLE = ("serious", "warning", "note")
PICTURES = "diagnosis"
"""The folder of a run with a picture for each finding about samples."""
ROWS = {"collapse": ("samples", "nearest samples", "to each other"), "dropping": ("samples", "left out", "data"),
        "copying": ("samples nearest", "to these data"), "levels": ("samples", "data"),
        "channels": ("samples", "data")}
STATES = {"serious": "bad", "warning": "warn", "note": "", "unknown": "", "healthy": "good"}


def text(findings: Iterable[Finding]) -> str:
    """Return findings as plain text, the most serious first; what is well in a line each."""
    return "\n".join(_block(finding) for finding in ranked(findings))


def _block(finding: Finding) -> str:
    since = "" if finding.since is None else f", since step {finding.since:,}"
    lines = [f"{HEADS[finding.severity]:<12} {finding.title}{since}"]
    if finding.severity in SHOWN_WHOLE:
        lines += [f"    {one.what}: {one.value:.3g} ({one.usual})" for one in finding.evidence]
        lines += [f"  likely cause: {finding.cause}", "  what to do, the best first:"] if finding.remedies else []
        lines += [f"    {remedy.do}\n        {remedy.why}" for remedy in finding.remedies]
        lines += [f"  see: {finding.reference}"] if finding.reference else []
    return "\n".join([*lines, ""] if len(lines) > 1 else lines)


def ranking_text(ranking: Ranking) -> str:
    """Return how checkpoints compare as plain text: a table, and what follows from it."""
    lines = [f"checkpoints: {ranking.count:,} samples each, from the same latents, beside {ranking.data}", "",
             f"{'step':>10}  {'JS at least':<28}{'more than the best':<30}{ranking.distance}"]
    for one in ranking.placed:
        mark = "*" if one.step == ranking.best else " "
        behind = "-" if one.step == ranking.best else _span(one.behind)
        lines.append(f"{mark}{one.step:>9,}  {_span(one.bound):<28}{behind:<30}{_span(one.distance)}")
    lines.append(f"{'real':>10}  {'0':<28}{'':<30}{ranking.floor:.3g}")
    return "\n".join([*lines, "", *ranking.sentences()])


def _span(span: Span) -> str:
    return f"{span.value:.3g} ({span.low:.3g} .. {span.high:.3g})"


def _ranking_table(ranking: Ranking) -> str:
    rows = "".join(
        f"<tr><th>{number(one.step)}{' (best)' if one.step == ranking.best else ''}</th><td>{_span(one.bound)}</td>"
        f"<td>{'' if one.step == ranking.best else _span(one.behind)}</td><td>{_span(one.distance)}</td></tr>"
        for one in ranking.placed)
    rows += f"<tr><th>other real ones</th><td>0</td><td></td><td>{number(ranking.floor, 3)}</td></tr>"
    words = f"{number(ranking.count)} samples each, from the same latents, beside {ranking.data}; intervals of 95 %."
    return (f"<h3>Which checkpoint</h3><p>{escape(' '.join(ranking.sentences()))}</p><table><tr><th>step</th>"
            "<th>Jensen-Shannon divergence, at least</th><th>more than the best</th>"
            f"<th>{escape(ranking.distance)}</th></tr>{rows}</table><p class='caption'>{escape(words)}</p>")


def section(run: Path, records: Records) -> str:
    """Return the diagnosis that lies in a run as HTML, "" where there is none or it cannot be read."""
    try:
        listed = json.loads((run / "diagnosis.json").read_text(encoding="utf-8"))
        findings = [read(one) for one in listed["findings"]]
        step = listed["step"]
        compared = _ranking_table(Ranking.from_json(listed["checkpoints"])) if listed.get("checkpoints") else ""
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    shown = "".join(_card(finding, _figure(finding, run, step, records)) for finding in ranked(findings)
                    if finding.severity in SHOWN_WHOLE)
    rest = "".join(f"<li>{escape(HEADS[f.severity])}: {escape(f.title)}</li>" for f in ranked(findings)
                   if f.severity in ("unknown", "healthy"))
    from ganworks.report.pictures import LARGE, Picture, image_tag

    picture = run / "diagnosis.png"
    drawn = image_tag(Picture(step, picture), "what the findings rest on", LARGE) if picture.is_file() else ""
    return (f"<section><h2>Diagnosis at step {number(step)}</h2>{shown}<ul>{rest}</ul>{compared}"
            f"<figure class='large'>{drawn}</figure></section>")


def _figure(finding: Finding, run: Path, step: int, records: Records) -> str:
    """Return the curves or the images on which a finding rests."""
    from ganworks.report.curves import panel_svg
    from ganworks.report.history import evidence_panel
    from ganworks.report.pictures import LARGE, Picture, image_tag

    panel, drawn = evidence_panel(finding.name, finding.since, records), run / PICTURES / f"{finding.name}.png"
    if panel is not None:
        inner = panel_svg(panel)
    elif drawn.is_file():
        inner = image_tag(Picture(step, drawn), finding.title, LARGE)
    else:
        return ""
    return f"<figure class='evidence'>{inner}</figure>"


def _card(finding: Finding, figure: str) -> str:
    since = "" if finding.since is None else f" Since step {number(finding.since)}."
    rows = "".join(f"<tr><th>{escape(one.what)}</th><td class='n'>{number(one.value, 3)}</td><td>{escape(one.usual)}"
                   "</td></tr>" for one in finding.evidence)
    todo = "".join(f"<li><code>{escape(remedy.do)}</code> &ndash; {escape(remedy.why)}</li>"
                   for remedy in finding.remedies)
    see = f"<p class='caption'>See {escape(finding.reference)}.</p>" if finding.reference else ""
    return (f"<div class='tile {STATES[finding.severity]}'><div class='label'>{escape(HEADS[finding.severity])}</div>"
            f"<div class='words'>{escape(finding.title)}</div><div class='note'>{escape(since)}</div></div>"
            f"<table>{rows}</table>{figure}<p>Likely cause: {escape(finding.cause)}.</p><ol>{todo}</ol>{see}")


def read(one: dict) -> Finding:
    """Return the finding that ``Finding.to_json`` wrote."""
    parts = {"evidence": tuple(Evidence(**e) for e in one["evidence"]),
             "remedies": tuple(Remedy(**r) for r in one["remedies"])}
    return Finding(**{**one, **parts})


def picture(exam: Exam, fake: np.ndarray, real: np.ndarray) -> Image.Image:
    """Return what an exam rests on: samples, the nearest two of them, what they leave out, what they are nearest to."""
    if fake.ndim == 2:
        return scatter(fake[:2000], real[:2000])
    return _sheet(_rows(exam, fake, real))


def pictures(exam: Exam, fake: np.ndarray, real: np.ndarray) -> dict[str, Image.Image]:
    """Return what each finding about samples rests on, by the finding's name."""
    if fake.ndim == 2:
        return dict.fromkeys(ROWS, scatter(fake[:2000], real[:2000]))
    rows = _rows(exam, fake, real)
    return {name: _sheet({row: rows[row] for row in wanted if row in rows}) for name, wanted in ROWS.items()}


def _rows(exam: Exam, fake: np.ndarray, real: np.ndarray) -> dict[str, np.ndarray]:
    rows = {"samples": _some(fake), "data": _some(real),
            "nearest samples": fake[[a for a, _ in exam.twins]], "to each other": fake[[b for _, b in exam.twins]],
            "samples nearest": fake[[a for a, _ in exam.copied]], "to these data": real[[b for _, b in exam.copied]]}
    missing = [group.centre for group in exam.missing][:SHOWN]
    if missing:
        rows["left out"] = np.full((SHOWN, *fake.shape[1:]), 255, np.uint8)
        rows["left out"][: len(missing)] = real[missing]
    return rows


def _some(images: np.ndarray) -> np.ndarray:
    return images[np.linspace(0, len(images) - 1, SHOWN).astype(int)]


def _sheet(rows: Mapping[str, np.ndarray]) -> Image.Image:
    return beside({name: torch.from_numpy(np.ascontiguousarray(images)) for name, images in rows.items()})
