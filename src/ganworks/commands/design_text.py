"""What ganworks design prints: the certificate and the catalogue's table, in colour on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganworks.design import Certificate
    from ganworks.design.summary import Summary

WIDEST = 110
PLAIN, BOLD, SOFT, RED, GREEN, YELLOW = "\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m"
COLOURS = {"proved": GREEN, "checked": GREEN, "warned": YELLOW, "refuted": RED, "undecided": YELLOW,
           "accept": GREEN, "warn": YELLOW, "reject": RED, "not decided": YELLOW}


def in_colour() -> bool:
    """Whether standard output is a terminal whose user has nothing against colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the columns to write in."""
    return min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST) if sys.stdout.isatty() else WIDEST


def painted(text: str, *codes: str, colour: bool) -> str:
    """Return text between the codes of a colour and the end of it."""
    return f"{''.join(codes)}{text}{PLAIN}" if colour and text else text


def certificate_text(certificate: Certificate, summary: Summary, columns: int = WIDEST, colour: bool = False) -> str:
    """Return the verdict, what it amounts to, and every check with its evidence."""
    lines = ["Certificate", "==========="] if not colour else [painted("Certificate", BOLD, colour=True)]
    shown = painted(certificate.verdict.upper() if len(certificate.verdict) < 8 else certificate.verdict, BOLD,
                    COLOURS.get(summary.verdict, ""), colour=colour)
    facts = [("verdict", shown)]
    if summary.critic != "none":
        generator = "the same" if summary.generator == summary.critic else summary.generator
        facts += [("measures", summary.critic), ("descends", generator),
                  ("disjoint", summary.disjoint), ("near p = q", summary.local)]
    for label, words in facts:
        lines += _wrapped(words, f"{label:<12}", " " * 12, columns)
    lines.append("")
    for check in certificate.checks:
        mark = painted(f"{check.status:<10}", COLOURS[check.status], colour=colour)
        head = textwrap.wrap(check.reason, max(30, columns - 12)) or [""]
        lines.append(f"{mark}  {head[0]}")
        lines += [" " * 12 + line for line in head[1:]]
        evidence = f"{check.evidence} [{check.code}]" if check.evidence else f"[{check.code}]"
        lines += [painted(line, SOFT, colour=colour) for line in _wrapped(evidence, " " * 12, " " * 12, columns)]
        if check.remedy:
            lines += _wrapped(f"to do: {check.remedy}", " " * 12, " " * 19, columns)
    return "\n".join(lines)


def _wrapped(words: str, first: str, rest: str, columns: int) -> list[str]:
    if "\033" in words:
        return [first + words]
    return textwrap.wrap(words, max(40, columns), initial_indent=first, subsequent_indent=rest,
                         break_long_words=False) or [first]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], colour: bool = False) -> str:
    """Return rows in columns; the second column is a verdict and is coloured."""
    widths = [max(len(row[k]) for row in (headings, *rows)) for k in range(len(headings))]
    widths[-1] = 0  # nothing follows the last column

    def line(row: Sequence[str], verdict: bool) -> str:
        cells = [f"{cell:<{size}}" for cell, size in zip(row, widths, strict=True)]
        if verdict:
            cells[1] = painted(cells[1], COLOURS.get(row[1], ""), colour=colour)
        return "  ".join(cells).rstrip()

    head = line(headings, False)
    return "\n".join([painted(head, BOLD, colour=colour), "-" * len(head), *(line(row, True) for row in rows)])
