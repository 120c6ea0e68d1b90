"""What a run's log holds, as series of numbers by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Records = Sequence[Mapping[str, Any]]
Series = tuple[np.ndarray, np.ndarray]
"""Steps, rising, and values, (n,) each."""


def series(records: Records) -> dict[str, Series]:
    """Return (steps, values) of every quantity "group/name" in a log, in order of step.

    Values that are not finite numbers are left out; of two records of one step, the later one counts.
    """
    found: dict[str, dict[int, float]] = {}
    for record in records:
        step = record.get("step") if isinstance(record, Mapping) else None
        if not isinstance(step, int):
            continue
        for key, value in record.items():
            if "/" in key and isinstance(value, int | float) and math.isfinite(value):
                found.setdefault(key, {})[step] = float(value)
    return {key: (np.array(sorted(known)), np.array([known[step] for step in sorted(known)]))
            for key, known in found.items()}
