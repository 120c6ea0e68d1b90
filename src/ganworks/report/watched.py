"""What the doctor said and did while a run was trained, as a section of its page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ganworks.report.words import number
from ganworks.train.series import Records


def section(run: Path, records: Records) -> str:
    """Return warnings and interventions as HTML, "" where there were none; what cannot be read is left out."""
    shown = "".join(map(_treated, _treatments(run))) + "".join(_warned(one) for one in records if _is_warning(one))
    return f"<section><h2>While it was trained</h2><ul>{shown}</ul></section>" if shown else ""


def _treatments(run: Path) -> list[Any]:
    try:
        found = json.loads((run / "interventions.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _treated(one: Any) -> str:
    try:
        at, title, back, do, why = (one[key] for key in ("at", "title", "back_to", "do", "why"))
        return (f"<li>Autopilot, step {number(at)}: {escape(title)}. It went back to step {number(back)}, and on with "
                f"<code>{escape(do)}</code>: {escape(why)}.</li>")
    except (LookupError, TypeError, ValueError, AttributeError):
        return ""


def _is_warning(record: Mapping[str, Any]) -> bool:
    return record.get("event") == "finding" and {"step", "title", "do"} <= record.keys()


def _warned(record: Mapping[str, Any]) -> str:
    return (f"<li>Step {number(record['step'])}: {escape(str(record['title']))}. What to do: "
            f"<code>{escape(str(record['do']))}</code></li>")
