"""Looking at a function of r on a grid: where it is undefined, where it is least, whether it rises."""

from __future__ import annotations

from collections.abc import Sequence

from mpmath import mp

from ganworks.design.evaluate import Function, Number, OutOfReach, Undefined

POINTS = 121
REACH = 18
"""The grid runs from exp(-18) to exp(18), about 1.5e-8 to 6.6e7, with r = 1 in it."""
WHERE = f"at {POINTS} points r from 1.5e-08 to 6.6e+07, 30 digits"
SCAN_DIGITS = 30


def grid() -> list[Number]:
    """Return the ratios that are looked at, increasing; denser near 1."""
    half = POINTS // 2
    steps = [(mp.mpf(k) / half) for k in range(-half, half + 1)]
    return [mp.exp(REACH * (x / 3 + 2 * x * abs(x) / 3)) for x in steps]


def undefined_at(function: Function) -> Number | None:
    """Return the ratio nearest to 1 at which the function is no finite number, or None."""
    bad = [r for r in grid() if value(function, r) is None]
    return min(bad, key=lambda r: abs(mp.log(r))) if bad else None


def out_of_reach(function: Function, r: Number) -> bool:
    """Whether the function's value at r is only too large to be worked with."""
    try:
        return bool(function(r) is None)
    except OutOfReach:
        return True
    except (Undefined, ArithmeticError, ValueError):
        return False


def value(function: Function, r: Number) -> Number | None:
    """Return the function's value, or None where it has none or is infinite."""
    try:
        found = function(r)
    except (Undefined, ArithmeticError, ValueError):
        return None
    return found if mp.isfinite(found) else None


def lowest(function: Function) -> tuple[Number, Number]:
    """Return (r, value) where the function is least on the grid, refined between neighbouring points."""
    known = [(r, v) for r in grid() if (v := value(function, r)) is not None]
    dips = [i for i in range(1, len(known) - 1) if known[i][1] <= min(known[i - 1][1], known[i + 1][1])]
    dips = sorted(dips, key=lambda i: known[i][1])[:3]
    found = [_refined(function, known[i - 1][0], known[i + 1][0]) for i in dips]
    return min([*known, *found], key=lambda pair: pair[1])


def _refined(function: Function, low: Number, high: Number) -> tuple[Number, Number]:
    golden = (mp.sqrt(5) - 1) / 2
    a, b = high - golden * (high - low), low + golden * (high - low)
    fa, fb = value(function, a), value(function, b)
    for _ in range(40):
        if fa is None or fb is None:
            break
        if fa <= fb:
            high, b, fb = b, a, fa
            a = high - golden * (high - low)
            fa = value(function, a)
        else:
            low, a, fa = a, b, fb
            b = low + golden * (high - low)
            fb = value(function, b)
    best = [(r, v) for r, v in ((a, fa), (b, fb)) if v is not None]
    return min(best, key=lambda pair: pair[1]) if best else (low, mp.inf)


def nearest_negative(function: Function, fallback: tuple[Number, Number]) -> tuple[Number, Number]:
    """Return (r, value) of the point of the grid nearest to 1 at which the function is clearly negative."""
    known = [(r, v) for r in grid() if (v := value(function, r)) is not None and v < -mp.mpf(10) ** -15]
    return min(known, key=lambda pair: abs(mp.log(pair[0]))) if known else fallback


def first_fall(function: Function, strictly: bool) -> tuple[Number, Number, Number, Number] | None:
    """Return (r1, f1, r2, f2), neighbours r1 < r2 with f1 > f2 (or f1 = f2 where ``strictly``), nearest to r = 1."""
    points = grid()
    values = [value(function, r) for r in points]
    falls = []
    for r1, f1, r2, f2 in zip(points, values, points[1:], values[1:], strict=False):
        if f1 is None or f2 is None:
            continue
        # Bounded functions come so near to their limits that 30 digits cannot tell neighbours apart.
        slack = mp.mpf(10) ** (3 - SCAN_DIGITS) * max(abs(f1), abs(f2))
        flat = abs(f2 - f1) <= slack
        if f1 - f2 > slack or (strictly and flat and abs(mp.log(r1)) < REACH / 2):
            falls.append((r1, f1, r2, f2))
    return min(falls, key=lambda fall: abs(mp.log(fall[0]))) if falls else None


def flats(function: Function) -> list[tuple[Number, Number]]:
    """Return the intervals of the grid, within exp(+-9), on which the function does not change."""
    points = [r for r in grid() if abs(mp.log(r)) <= REACH / 2]
    values = [value(function, r) for r in points]
    flat: list[tuple[Number, Number]] = []
    for r1, f1, r2, f2 in zip(points, values, points[1:], values[1:], strict=False):
        if f1 is not None and f1 == f2:
            flat.append((flat.pop()[0] if flat and flat[-1][1] == r1 else r1, r2))
    return flat


def show(*numbers: Number) -> Sequence[str]:
    """Return numbers as short text."""
    return [mp.nstr(mp.mpf(x), 6) for x in numbers]
