"""Domains: intervals as users write them."""

from __future__ import annotations

import re

import sympy
from sympy import Expr, Interval, S

from ganworks.design.parse import parse_constant
from ganworks.errors import UserError

EXAMPLES = "an interval such as R, (0, oo), [-1, 1], t > 0 or -pi/2 < t < pi/2"
MOST_CHARACTERS = 200
LETTERS = ("t", "r", "u", "v", "x")
ALL = ("r", "reals", "real", "all")
INFINITE = {"oo": S.Infinity, "inf": S.Infinity, "infinity": S.Infinity, "∞": S.Infinity}


def parse_domain(text: str) -> Interval:
    """Return the interval that ``text`` describes.

    Args:
        text: "R"; an interval in brackets, round for an open end; or comparisons with t, r, u, v or x.

    Raises:
        UserError: the text is none of these, or the interval holds no more than a point.
    """
    if not isinstance(text, str):
        raise UserError(f"a domain is text, not {type(text).__name__}", EXAMPLES)
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"a domain of {len(text)} characters", EXAMPLES)
    plain = text.strip()
    if plain == "R" or plain.lower() in ALL[1:]:
        return Interval(S.NegativeInfinity, S.Infinity)
    if "<" in plain or ">" in plain:
        low, high, left_open, right_open = _comparison(text)
    elif plain[:1] in ("(", "[") and plain[-1:] in (")", "]") and _commas(plain[1:-1]):
        at = _commas(plain[1:-1])
        if len(at) > 1:
            raise _unreadable(text, "it has more than two ends")
        low, high = _end(text, plain[1:at[0] + 1]), _end(text, plain[at[0] + 2:-1])
        left_open, right_open = plain[0] == "(", plain[-1] == ")"
    else:
        raise _unreadable(text, "it is no interval")
    if low in (S.Infinity,) or high in (S.NegativeInfinity,) or not (low < high) == sympy.true:
        raise UserError(f"the domain '{_shown(text)}' holds no more than a point", EXAMPLES)
    return Interval(low, high, left_open, right_open)


def _commas(inside: str) -> list[int]:
    """Return where the commas outside brackets are."""
    found, level = [], 0
    for at, character in enumerate(inside):
        level += (character in "([") - (character in ")]")
        if character == "," and level == 0:
            found.append(at)
    return found


def _comparison(text: str) -> tuple[Expr, Expr, bool, bool]:
    parts = re.split(r"(<=|>=|<|>)", text)
    sides, signs = [part.strip() for part in parts[::2]], parts[1::2]
    if all(sign[0] == ">" for sign in signs):
        sides, signs = sides[::-1], [sign.replace(">", "<") for sign in signs[::-1]]
    letters = [k for k, side in enumerate(sides) if side in LETTERS]
    if any(sign[0] == ">" for sign in signs) or len(letters) != 1 or len(sides) > 3:
        raise _unreadable(text, "its comparisons give no interval")
    (at,) = letters
    if len(sides) == 3 and at != 1:
        raise _unreadable(text, "its comparisons give no interval")
    low = _end(text, sides[0]) if at == 1 else S.NegativeInfinity
    high = _end(text, sides[-1]) if at < len(sides) - 1 else S.Infinity
    return low, high, signs[0] == "<", signs[-1] == "<"


def _end(text: str, part: str) -> Expr:
    plain = part.strip()
    negative = plain.startswith("-")
    infinite = INFINITE.get(plain.lstrip("+-").strip().lower() if plain[:2].count("-") < 2 else "")
    if infinite is not None:
        return -infinite if negative else infinite
    if not plain:
        raise _unreadable(text, "an end is missing")
    try:
        return parse_constant(plain)
    except UserError as error:
        raise UserError(f"cannot read the domain '{_shown(text)}'\n{error.problem}", EXAMPLES) from error


def _unreadable(text: str, problem: str) -> UserError:
    return UserError(f"cannot read the domain '{_shown(text)}': {problem}", EXAMPLES)


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
