"""The words of a formula, and errors that point at one of its characters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ganworks.errors import UserError

MOST_CHARACTERS, MOST_WORDS, MOST_DIGITS, LARGEST_EXPONENT = 2000, 400, 30, 300
SHOWN = 100  # characters of a long formula around the place of an error
ASCII = {
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "•": "*", "÷": "/",  # noqa: RUF001
    "∕": "/", "⁄": "/",  # noqa: RUF001
    "²": "^2", "³": "^3", "¹": "^1", "⁻": "^(-1)", "½": "(1/2)", "¼": "(1/4)", "¾": "(3/4)", "√": "sqrt(...)",
    "∛": "cbrt(...)", "π": "pi", "∣": "|", "≤": "<=", "≥": ">=", "[": "(",  # noqa: RUF001
    "]": ")", "{": "(", "}": ")",
}
_WORD = re.compile(r"(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)|(?P<name>[A-Za-z][A-Za-z0-9]*)"
                   r"|(?P<sign>\*\*|[-+*/^(),|])|(?P<space>[\s\u00a0\u3000]+)", re.ASCII)


@dataclass(frozen=True)
class Token:
    """A word of a formula.

    Attributes:
        kind: "number", "name", "sign" or "end".
        text: as it was written, with ``^`` for ``**``.
        at: where it begins, counted in characters from 0.
    """

    kind: str
    text: str
    at: int


def unreadable(text: str, at: int, problem: str, wanted: str = "", remedy: str = "") -> UserError:
    """Return the error that shows the formula with a caret below character ``at``."""
    start = max(0, at - SHOWN // 2) if len(text) > SHOWN else 0
    part = text[start:start + SHOWN]
    head, tail = "..." if start else "", "..." if start + SHOWN < len(text) else ""
    shown = head + "".join(_visible(c) for c in part) + tail
    before = shown[:len(head) + at - start]
    # Below a character of double width stands a space of double width.
    indent = "".join("\u3000" if unicodedata.east_asian_width(c) in "WF" else " " for c in before)
    return UserError(f"cannot read the formula: {problem}\n  {shown}\n  {indent}^", wanted, remedy)


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() and unicodedata.category(character)[0] != "M" else "\ufffd"


def tokens(text: str) -> list[Token]:
    """Return the words of ``text``, the last of kind "end".

    Raises:
        UserError: a character that no formula has, a formula or a number that is too long, nothing at all.
    """
    if len(text) > MOST_CHARACTERS:
        raise unreadable(text, MOST_CHARACTERS, f"it has {len(text)} characters",
                         f"at most {MOST_CHARACTERS} characters")
    found: list[Token] = []
    words = at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise _stray(text, at)
        kind, word = str(match.lastgroup), match.group()
        if kind == "number":
            _check_number(text, at, word)
        if kind != "space":
            found.append(Token(kind, "^" if word == "**" else word, at))
            words += word not in "(),"
        if words > MOST_WORDS:
            raise unreadable(text, at, "it is too long", f"at most {MOST_WORDS} numbers, names and operators")
        at = match.end()
    if not found:
        raise unreadable(text, 0, "it is empty", "a formula such as u*log(u)")
    return [*found, Token("end", "", len(text.rstrip()))]


def _check_number(text: str, at: int, word: str) -> None:
    mantissa, _, exponent = word.lower().partition("e")
    if len(mantissa.replace(".", "")) > MOST_DIGITS:
        raise unreadable(text, at, f"a number of {len(word)} characters", f"at most {MOST_DIGITS} digits")
    if len(exponent) > 6 or abs(int(exponent or 0)) > LARGEST_EXPONENT:
        raise unreadable(text, at, "a number too large or too small", f"exponents of at most {LARGEST_EXPONENT}")


def _stray(text: str, at: int) -> UserError:
    character = text[at]
    visible = _visible(character) == character
    name = unicodedata.name(character, "").lower() or f"U+{ord(character):04X}"
    problem = f"unexpected '{character}'" if visible else "unexpected character"
    if not (visible and character.isascii()):
        problem += f" ({name})"
    if character == "_":
        return unreadable(text, at, problem, "names of letters and digits, without underscores")
    if character == ".":
        return unreadable(text, at, problem, "a number such as 0.5; names have no attributes")
    if character in "<>=":
        return unreadable(text, at, problem, "a formula; a comparison describes a domain")
    normal = ASCII.get(character) or unicodedata.normalize("NFKC", character)
    if normal != character and normal.isascii() and normal.isprintable() and normal.strip():
        return unreadable(text, at, problem, f"write {normal}")
    return unreadable(text, at, problem, "numbers, names, + - * / ^ and round brackets")
