"""The page of a design: its certificate, its picture, its derivation and its costs in one file that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from ganworks.design import Check, Design
from ganworks.design.document import interval_text, to_yaml
from ganworks.design.limits import TimedOut, limited
from ganworks.design.rendering import STYLE, frame, math_html, words_html
from ganworks.design.summary import Summary, quiet, summarise
from ganworks.design.symbols import R, T, U
from ganworks.errors import UserError
from ganworks.report.design_picture import greek, picture_svgs, title_of

EXPLAINING = 15.0  # seconds
TONES = {"accept": "good", "warn": "warn", "reject": "bad"}
MARKS = {"proved": "good", "checked": "good", "warned": "warn", "undecided": "warn", "refuted": "bad"}
VERDICTS = {"accept": "accepted", "warn": "accepted with a warning", "reject": "rejected"}
OUTPUTS = (-100.0, -30.0, -10.0, -3.0, -1.0, 0.0, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Raw outputs at which the page lists the compiled costs."""
OWN = """
.checks { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
.checks li { background: var(--card); border: 1px solid var(--rule); border-left: 4px solid var(--good);
  border-radius: 8px; padding: 9px 14px; }
.checks li.warn { border-left-color: var(--warn); } .checks li.bad { border-left-color: var(--bad); }
.checks b { font-weight: 550; } .checks p { margin: 3px 0 0; max-width: 100ch; overflow-wrap: anywhere; }
.checks .status { float: right; margin-left: 12px; color: var(--soft); font-size: 13px; }
.checks .warn .status { color: var(--warn); } .checks .bad .status { color: var(--bad); }
.checks .good .status { color: var(--good); }
.soft { color: var(--soft); font-size: 13px; }
.given { font-size: 1.06em; overflow-x: auto; overflow-y: hidden; padding: 3px 0; }
.given math { width: max-content; }
body > header { margin-bottom: 18px; } body > header .summary { margin-bottom: 10px; }
.given math { font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math", "DejaVu Math TeX Gyre", math; }
@media screen and (min-width: 761px) {
  .tiles { grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); }
}
.tile .value { overflow-wrap: anywhere; } .tile .value.words { font-size: 16px; line-height: 1.4; }
.derivation { margin-top: 36px; } .derivation h1 { font-size: 18px; } .derivation .summary { font-size: 1em; }
"""


def design_page(design: Design) -> str:
    """Return the page of a design as HTML: well-formed XML, without scripts and without anything from elsewhere.

    A design that is rejected or not decided gets a page too, with what there is and the reason.
    """
    summary, title = summarise(design), title_of(design)
    body = "\n".join([
        f"<header><h1>{escape(title)}</h1><p class='summary'>{words_html(greek(_sentence(design, summary)))}</p>",
        f"{_given(design)}</header>", f"<div class='tiles'>{_tiles(summary)}</div>",
        f"<section><h2>Certificate</h2>{_checks(design.certificate().checks)}</section>",
        f"<section><h2>Pictures</h2>{_pictures(design)}</section>", _derivation(design),
        f"<section><h2>Costs as they are trained</h2>{_costs(design, summary)}</section>",
        f"<section><h2>Train it</h2>{_training(design, summary)}</section>",
        "<footer>Written by ganworks design.</footer>"])
    style = (files("ganworks.report") / "page.css").read_text(encoding="utf-8")
    return frame(title, body, style + STYLE + OWN)


def _sentence(design: Design, summary: Summary) -> str:
    if summary.verdict not in ("accept", "warn"):
        return f"This design is {VERDICTS.get(summary.verdict, 'not decided')}: {summary.why}."
    game = "The game is zero-sum: the generator descends the same." if design.zero_sum else (
        f"At the best critic the generator descends {summary.generator}.")
    return f"The critic measures {summary.critic}. {game}" + (f" {design.reference}." if design.reference else "")


def _given(design: Design) -> str:
    import sympy

    letters = {"f": U, "omega": R}
    rows = [math_html(sympy.Eq(sympy.Function(key)(letters.get(key, T)), formula, evaluate=False))
            for key, formula in design.given.items()]
    if design.given_domain is not None:
        text = interval_text(design.given_domain)
        words = "every t" if text == "(-oo, oo)" else f"t in {escape(text)}"
        rows.append(f"<span class='soft'>for {words}</span>")
    return "".join(f"<div class='given'>{row}</div>" for row in rows)


def _tiles(summary: Summary) -> str:
    verdict = VERDICTS.get(summary.verdict, "not decided")
    tiles = [("Verdict", verdict, summary.why, TONES.get(summary.verdict, "warn"))]
    if summary.verdict in ("accept", "warn"):
        same = summary.generator == summary.critic
        local = {"saddle": "bad", "degenerate": "warn"}.get(summary.local, "")
        tiles += [("The critic measures", summary.critic, "", ""),
                  ("The generator descends", "the same" if same else summary.generator, "", ""),
                  ("On densities that do not overlap", summary.disjoint, "", ""),
                  ("Near p = q the game", summary.local, "", local)]
    return "".join(f"<div class='tile {tone}'><div class='label'>{escape(label)}</div>"
                   f"<div class='value{' words' if len(value) > 14 else ''}'>{words_html(value)}</div>"
                   f"<div class='note'>{words_html(greek(note))}</div></div>" for label, value, note, tone in tiles)


def _checks(checks: Sequence[Check]) -> str:
    order = {"refuted": 0, "undecided": 1, "warned": 2}
    rows = []
    for check in sorted(checks, key=lambda c: order.get(c.status, 3)):
        evidence = f"<p class='soft'>{words_html(greek(check.evidence))}</p>" if check.evidence else ""
        remedy = f"<p>To do: {words_html(greek(check.remedy))}.</p>" if check.remedy else ""
        rows.append(f"<li class='{MARKS[check.status]}'><span class='status'>{check.status}</span>"
                    f"<b>{words_html(greek(_capital(check.reason)))}</b>{evidence}{remedy}</li>")
    return f"<ol class='checks'>{''.join(rows)}</ol>"


def _capital(words: str) -> str:
    # A sentence that begins with the name of a function keeps it.
    names = ("omega", "rho", "beta", "alpha", "phi", "psi", "d", "f")
    return words if words.split(" ", 1)[0] in names else words[:1].upper() + words[1:]


def _pictures(design: Design) -> str:
    cards = "".join(f"<div class='card'><h3>{escape(title)}</h3>{svg}</div>" for title, svg in picture_svgs(design))
    return f"<div class='curves'>{cards}</div>"


def _derivation(design: Design) -> str:
    if design.certificate().verdict.startswith("not decided"):
        return "<p class='missing'>No derivation: the certificate could not be finished.</p>"
    try:
        with limited(EXPLAINING, "the derivation"):
            return design.derivation().fragment()
    except TimedOut as late:
        return f"<p class='missing'>No derivation: {escape(str(late))}.</p>"
    except UserError as error:
        return f"<p class='missing'>No derivation: {escape(error.problem)}.</p>"


def _costs(design: Design, summary: Summary) -> str:
    if summary.verdict not in ("accept", "warn"):
        return "<p class='missing'>There is nothing to train.</p>"
    try:
        objective = design.compile()
    except UserError as error:
        return f"<p class='missing'>It cannot be compiled: {escape(error.problem)}</p>"
    heads = ("v", "critic, on real", "critic, on generated", "generator", "its slope")
    head = "".join(f"<th class='n'>{word}</th>" for word in heads)
    cells = ("".join(f"<td class='n'>{cell}</td>" for cell in row) for row in _values(objective))
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    note = f"<p class='caption'>Compiled: {escape(objective.note)}.</p>" if objective.note else ""
    return ("<p>Each is a cost to minimise, a function of the critic's raw output v, high for real samples; in float32."
            f"</p><div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{note}")


def _values(objective: Any) -> list[list[str]]:
    import torch

    v = torch.tensor(OUTPUTS, requires_grad=True)
    beta = objective.beta(v)
    (slope,) = torch.autograd.grad(beta.sum(), v)
    columns = [v.detach(), objective.phi(v).detach(), objective.psi(v).detach(), beta.detach(), slope]
    return [[f"{float(x) + 0.0:.5g}".replace("-", "−") for x in row] for row in zip(*columns, strict=True)]  # noqa: RUF001


def _training(design: Design, summary: Summary) -> str:
    if summary.verdict not in ("accept", "warn"):
        return "<p class='missing'>A design that is not accepted is not trained.</p>"
    text = quiet(lambda: to_yaml(design if design.name else design.named("my-design", design.reference)))
    if text is None:
        return "<p class='missing'>These formulas cannot be written to a file; train it from Python.</p>"
    return (f"<p>Put this into <code>my-design.yaml</code> (<code>ganworks design ... --save my-design.yaml</code> "
            f"writes it):</p><pre>{escape(text)}</pre><p>and give it to any recipe:</p>"
            "<pre>ganworks train gan --data ring8 --objective my-design.yaml --run runs/my-design\n"
            "ganworks train dcgan --data digits --objective my-design.yaml --run runs/my-digits</pre>")
