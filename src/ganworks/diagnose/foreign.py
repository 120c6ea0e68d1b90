"""Logs of other programs: a CSV file of losses, read as records of a log of ours."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganworks.diagnose.finding import Finding
from ganworks.errors import UserError

COLUMNS: dict[str, str] = {
    "step": r"(global_?)?(step|steps|iter|iters|iteration|iterations|batch|epoch)",
    "critic/adversarial": r"(loss_?(d|disc|discriminator|critic)|(d|disc|discriminator|critic)_?(loss|cost))",
    "generator/adversarial": r"(loss_?(g|gen|generator)|(g|gen|generator)_?(loss|cost))",
    "score/on_real": r"((d|disc|discriminator|critic)_?(x|real)|(score|scores)_?real|real_?(score|scores))",
    "score/on_fake": r"((d|disc|discriminator|critic)_?(g_?z1?|fake)|(score|scores)_?fake|fake_?(score|scores))",
}
"""What a column's name may look like, in small letters with other signs as underscores."""
WANTED = {"critic/adversarial": "the critic's loss (d_loss)", "generator/adversarial": "the generator's loss (g_loss)",
          "score/on_real": "mean scores of real samples (d_real)", "score/on_fake": "mean scores of samples (d_fake)"}


def read_losses(path: Path | str) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return the records of a CSV file with a head line, and what cannot be told for lack of columns.

    Rows without a step are counted from 1; what is no finite number is left out.

    Raises:
        UserError: no such file, no head line, or no column of losses or scores.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.reader(handle))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}", "a CSV file of losses") from error
    names = _named(rows[0] if rows else [])
    if not set(names) - {"step"}:
        raise UserError(f"{path}: columns {', '.join(rows[0]) if rows else 'none'}", "a head line with one of: "
                        + ", ".join(WANTED.values()), "name the columns, the step's too (step)")
    records = [_record(row, names, number) for number, row in enumerate(rows[1:], 1)]
    lacks = [what for key, what in WANTED.items() if key not in names]
    told = [Finding("columns", "unknown", f"what {path.name} has no column for: {', '.join(lacks)}")] if lacks else []
    return records, told


def _named(head: Sequence[str]) -> dict[str, int]:
    plain = [re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_") for name in head]
    found: dict[str, int] = {}
    for key, pattern in COLUMNS.items():
        for column, name in enumerate(plain):
            if re.fullmatch(pattern, name) and key not in found:
                found[key] = column
    return found


def _record(row: Sequence[str], names: dict[str, int], number: int) -> dict[str, Any]:
    values = {key: _number(row[column]) for key, column in names.items() if column < len(row)}
    step = values.pop("step", None)
    return {"step": number if step is None else int(step), **{k: v for k, v in values.items() if v is not None}}


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
