"""What an evaluation found (RUN/metrics.json), read without trust and shown as tables with the floors beside."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ganworks.report.words import number

GOOD, FAIR = 0.8, 0.4
"""Shares of what real data gets, from which a figure of which more is better is called good, or fair."""


@dataclass(frozen=True)
class Judged:
    """One figure. ``floor`` is the same figure of other reals against the reals; None stands for what is not known."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    floor: float | None
    n: int | None
    better: str

    @property
    def ratio(self) -> str:
        """How it stands to its floor: "as good" where its interval reaches it, else "16x that" or "39% of that"."""
        if self.value is None or self.floor is None:
            return ""
        near = self.low if self.better == "lower" else self.high
        near = self.value if near is None else near
        if near <= self.floor if self.better == "lower" else near >= self.floor:
            return "as good"
        if self.floor <= 0 or self.value < 0:
            return ""
        share = self.value / self.floor
        return f"{number(share, 2)}\N{MULTIPLICATION SIGN} that" if self.better == "lower" else f"{share:.0%} of that"


    @property
    def state(self) -> str:
        """ "good", "warn", "bad", or "" where nothing can be said.

        A distance has no scale of its own: how many times the floor is far depends on n and on the features. So it is
        good where it reaches the floor, and is not called bad.
        """
        if self.value is None:
            return "bad"
        if self.ratio == "as good":
            return "good"
        if self.better != "higher" or self.floor is None or self.floor <= 0:
            return ""
        share = self.value / self.floor
        return "good" if share >= GOOD else "warn" if share >= FAIR else "bad"


@dataclass(frozen=True)
class JudgedClass:
    """One class that samples were asked to be of: how many are, what the others are taken for, and how far they are."""

    name: str
    accuracy: Judged
    confused: str
    distance: Judged | None


@dataclass(frozen=True)
class Judgement:
    """One evaluation: its figures, the features they are on, and sentences about it (seed and the like; warnings)."""

    figures: tuple[Judged, ...]
    features: str
    about: str
    warnings: tuple[str, ...]
    classes: tuple[JudgedClass, ...] = ()


def judgements(path: Path) -> tuple[list[Judgement], str]:
    """Read metrics.json: one evaluation, or several in a list or by name. Return them, and what is wrong or missing."""
    if not path.is_file():
        return [], "not judged yet"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [], f"{path.name} cannot be read: {error}"
    if isinstance(content, Mapping) and "figures" not in content:
        content = list(content.values())
    found = [_judgement(part) for part in (content if isinstance(content, list) else [content])
             if isinstance(part, Mapping) and isinstance(part.get("figures"), list)]
    return found, "" if found else f"{path.name} holds no figures"


def table(judgement: Judgement) -> str:
    """Return an evaluation as an HTML table, a drawing in each row, with what is to be known about it below."""
    counts = [figure.n for figure in judgement.figures if figure.n is not None]
    usual = max(counts, key=counts.count, default=None)
    rows = "".join(_row(figure, judgement.features, figure.n != usual) for figure in judgement.figures)
    warnings = "".join(f'<p class="warning">{escape(warning)}</p>' for warning in judgement.warnings)
    about = ", ".join(filter(None, [judgement.about, "" if usual is None else f"n = {number(usual)} of each kind"]))
    return ('<div class="scroll"><table class="figures"><thead><tr><th>figure</th><th class="n">value</th>'
            f'<th></th><th class="n">real against real</th></tr></thead><tbody>{rows}</tbody></table></div>'
            f'<p class="caption">{escape(about)}</p>{warnings}{_classes(judgement)}')


def _classes(judgement: Judgement) -> str:
    """Return the classes as an HTML table, in the order of the file: the worst first."""
    if not judgement.classes:
        return ""
    far = next((one.distance.name for one in judgement.classes if one.distance), "")
    rows = "".join(_class_row(one, bool(far)) for one in judgement.classes)
    distance = f"<th class='n'>{escape(far)}</th><th class='n'>real against real</th>" if far else ""
    return ('<div class="scroll"><table><thead><tr><th>class</th><th class="n">named so</th>'
            f'<th class="n">of real ones</th><th>else taken for</th>{distance}</tr></thead><tbody>{rows}</tbody>'
            '</table></div><p class="caption">Samples that a classifier of the real data names as they were asked '
            "to be, the worst class first; beside it, the same of real samples that it has not been taught.</p>")


def _class_row(one: JudgedClass, far: bool) -> str:
    distance = ""
    if far:
        value, floor = (None, None) if one.distance is None else (one.distance.value, one.distance.floor)
        distance = f"<td class='n'>{_cell(value)}</td><td class='n'>{_cell(floor)}</td>"
    ends = one.accuracy
    interval = ""
    if ends.low is not None and ends.high is not None:
        interval = f"<small class='{ends.state}'>{ends.low:.0%} to {ends.high:.0%}</small>"
    return (f"<tr><th>{escape(one.name)}</th><td class='n strong'>{_share(ends.value)}{interval}</td>"
            f"<td class='n'>{_share(ends.floor)}</td><td>{escape(one.confused)}</td>{distance}</tr>")


def _share(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.1%}"


def _row(figure: Judged, features: str, unusual_count: bool) -> str:
    interval, ratio = "", ""
    if figure.low is not None and figure.high is not None:
        interval = f"<small>{number(figure.low, 3)} to {number(figure.high, 3)}</small>"
    if figure.ratio:
        ratio = f'<small class="{figure.state}">{figure.ratio}</small>'
    better = f"<small>{escape(figure.better)} is better</small>" if figure.better else ""
    count = f"<small>n = {_cell(figure.n)}</small>" if unusual_count else ""
    name = escape(figure.name.removesuffix(f" ({features})"))
    return (f"<tr><th>{name}{better}{count}</th><td class='n strong'>{_cell(figure.value)}{interval}</td>"
            f"<td class='drawing'>{_drawing(figure)}</td><td class='n'>{_cell(figure.floor)}{ratio}</td></tr>")


def _cell(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else number(value)


def _drawing(figure: Judged) -> str:
    """Return a line from 0 with the figure as a dot on its interval, the floor as a tick, and the gap between."""
    if figure.value is None:
        return ""
    known = [v for v in (figure.value, figure.low, figure.high, figure.floor) if v is not None]
    low, high = min(0.0, *known), max(0.0, *known)

    def part(kind: str, begin: float, end: float) -> str:
        left, right = (100 * (v - low) / ((high - low) or 1.0) for v in sorted((begin, end)))
        return f'<i class="{kind}" style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'

    parts = ["" if figure.floor is None else part("gap", figure.floor, figure.value)]
    if figure.low is not None and figure.high is not None:
        parts.append(part("interval", figure.low, figure.high))
    parts.append("" if figure.floor is None else part("floor", figure.floor, figure.floor))
    parts.append(part("dot", figure.value, figure.value))
    words = f"{figure.name}: {_cell(figure.value)}, real against real {_cell(figure.floor)}"
    return f'<div class="bar" role="img" aria-label="{escape(words)}">{"".join(parts)}</div>'


def _judgement(content: Mapping[str, Any]) -> Judgement:
    figures = tuple(_judged(figure) for figure in content["figures"] if isinstance(figure, Mapping))
    facts = content.get("facts")
    about = [f"features: {content['features']}"] if content.get("features") else []
    about += [f"{key} {value}" for key, value in facts.items()] if isinstance(facts, Mapping) else []
    about += [f"{key} {content[key]}" for key in ("checkpoint", "step", "weights", "seed") if key in content]
    level, seconds = _number(content.get("level")), _number(content.get("seconds"))
    about += [f"{level:.0%} intervals"] if level is not None else []
    about += [f"took {seconds:.1f} s"] if seconds is not None else []
    warnings = content.get("warnings")
    classes = content.get("classes")
    return Judgement(figures, str(content.get("features", "")), ", ".join(about),
                     tuple(map(str, warnings)) if isinstance(warnings, list) else (),
                     tuple(_judged_class(one) for one in classes if isinstance(one, Mapping))
                     if isinstance(classes, list) else ())


def _judged_class(content: Mapping[str, Any]) -> JudgedClass:
    accuracy, distance, share = (content.get(key) for key in ("accuracy", "distance", "confused_share"))
    confused = str(content.get("confused") or "")
    if confused and _number(share) is not None:
        confused += f" ({_number(share):.0%})"
    return JudgedClass(str(content.get("name", "unnamed")), _judged(accuracy if isinstance(accuracy, Mapping) else {}),
                       confused, _judged(distance) if isinstance(distance, Mapping) else None)


def _judged(content: Mapping[str, Any]) -> Judged:
    n = _number(content.get("n"))
    value, low, high, floor = (_number(content.get(key)) for key in ("value", "low", "high", "floor"))
    return Judged(str(content.get("name", "unnamed")), value, low, high, floor, None if n is None else int(n),
                  str(content.get("better", "")))


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None
