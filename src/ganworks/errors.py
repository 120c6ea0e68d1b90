"""The one error a user may cause: what was given, what was wanted, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input or a refused request. The command line prints it without a traceback and exits with 2.

    Args:
        problem: what was given and what is wrong with it.
        wanted: what would have been accepted (optional).
        remedy: what to do now (optional).
    """

    def __init__(self, problem: str, wanted: str = "", remedy: str = "") -> None:
        self.problem, self.wanted, self.remedy = problem, wanted, remedy
        lines = [problem]
        if wanted:
            lines.append(f"  wanted: {wanted}")
        if remedy:
            lines.append(f"  to do:  {remedy}")
        super().__init__("\n".join(lines))


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the closest known name, or the list of known names."""
    names = sorted(known)
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return "one of: " + ", ".join(names)
