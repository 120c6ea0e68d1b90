"""The top of a report: one sentence, and a few tiles that show at a glance how a run went."""

from __future__ import annotations

from html import escape

import numpy as np

from ganworks.report.facts import Facts
from ganworks.report.history import measures
from ganworks.report.judgement import Judged, Judgement
from ganworks.report.words import duration, number

WORSE = 1.1
"""A last measure of more than this many times the best one is said to be worse than it."""

BARELY = 0.8
"""A last measure of more than this share of the first one is said to have hardly fallen."""


def summary(facts: Facts, found: list[Judgement]) -> str:
    """Return one line of HTML: what was trained on what, how far, and what the main figure is."""
    begin = f"<b>{escape(facts.recipe_name)}</b> on" if facts.recipe_name else "Trained on"
    parts = [f"{begin} {escape(facts.data)}: {_progress(facts)}"]
    main = _main(found)
    if main is not None and main.value is not None:
        floor = "" if main.floor is None else f" (real data against real data: {number(main.floor)})"
        parts.append(f"{escape(main.name)}: <b>{number(main.value)}</b>{floor}")
    return ". ".join(parts) + "."


def tiles(facts: Facts, found: list[Judgement]) -> str:
    """Return the tiles: the main figures, each measure taken while training, and the progress."""
    shown = [_figure_tile(figure) for judgement in found[:1] for figure in judgement.figures[:1]]
    if not shown:
        shown = [_tile("", "judged", "not yet", f"<code>ganworks evaluate {escape(facts.path)}</code>", words=True)]
    shown += [_measure_tile(name, *line) for name, line in measures(facts.records).items()]
    shown += [_steps_tile(facts), _time_tile(facts)]
    return "".join(shown)


def _main(found: list[Judgement]) -> Judged | None:
    return found[0].figures[0] if found and found[0].figures else None


def _progress(facts: Facts) -> str:
    if not facts.step:
        return "no step is logged yet"
    of = f" of {number(facts.steps)}" if facts.steps is not None and facts.step < facts.steps else ""
    return f"{number(facts.step)}{of} steps" + (f" in {duration(facts.seconds)}" if facts.seconds else "")


def _tile(state: str, label: str, value: str, note: str, words: bool = False) -> str:
    kind = "value words" if words else "value"
    return (f'<div class="tile {state}"><div class="label">{label}</div><div class="{kind}">{value}</div>'
            f'<div class="note">{note}</div></div>')


def _figure_tile(figure: Judged) -> str:
    value = "not a number" if figure.value is None else number(figure.value)
    notes = [] if figure.floor is None else [f"real against real: {number(figure.floor)}"]
    better = f"{escape(figure.better)} is better" if figure.better else ""
    notes += [", ".join(filter(None, (figure.ratio, better)))]
    return _tile(figure.state, escape(figure.name), value, "<br>".join(notes), words=figure.value is None)


def _measure_tile(name: str, steps: np.ndarray, values: np.ndarray) -> str:
    label, best = f"{escape(name)} while training", int(values.argmin())
    if len(values) == 1:
        return _tile("", label, number(values[0]), f"measured once, at step {number(steps[0])}")
    value = f"{number(values[0], 3)} &rarr; {number(values[-1], 3)}"
    if values[-1] >= values[0]:
        return _tile("bad", label, value, f"no better than at first; best {number(values[best], 3)} at step "
                     f"{number(steps[best])}")
    if values[-1] > BARELY * values[0]:
        return _tile("warn", label, value, "it has hardly fallen")
    if values[-1] > WORSE * values[best]:
        return _tile("warn", label, value, f"worse than its best, {number(values[best], 3)} at step "
                     f"{number(steps[best])}")
    return _tile("good", label, value, f"best {number(values[best], 3)} at step {number(steps[best])}")


def _steps_tile(facts: Facts) -> str:
    if facts.steps is None:
        return _tile("", "steps", number(facts.step), "how many were planned is not known")
    if facts.step >= facts.steps:
        return _tile("good", "steps", number(facts.step), "finished as planned")
    on = f"else go on: <code>ganworks train --resume {escape(facts.path)}</code>" if facts.has_checkpoint else ""
    return _tile("warn", "steps", f"{number(facts.step)} of {number(facts.steps)}", f"still in training? {on}")


def _time_tile(facts: Facts) -> str:
    if facts.pace is None:
        return _tile("", "time", "not known", "the log tells of no time yet", words=True)
    samples = f", {number(facts.pace * facts.batch, 3)} samples/s" if facts.batch else ""
    return _tile("", "time", duration(facts.seconds), f"{number(facts.pace, 3)} steps/s{samples}")
