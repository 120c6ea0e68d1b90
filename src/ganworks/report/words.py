"""Numbers, times and sizes as a reader wants them."""

from __future__ import annotations

import math


def number(value: float, digits: int = 4) -> str:
    """Return a number with ``digits`` significant digits, thousands apart: 12,345, 0.5505, 1.2e-05."""
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{int(value):,}".replace("-", "\N{MINUS SIGN}")
    text = f"{value:,.0f}" if 10 ** (digits - 1) <= abs(value) < 1e9 else f"{value:.{digits}g}"
    return text.replace("-", "\N{MINUS SIGN}", 1) if value < 0 else text


def duration(seconds: float) -> str:
    """Return a time: 3.8 s, 2 min 5 s, 1 h 12 min."""
    if round(seconds) < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Return a number of bytes: 512 kB, 3.4 MB."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
