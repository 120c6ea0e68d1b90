"""A derivation: numbered steps, each with its formulas, what is known about it and how that was found.

The words of a derivation may hold names such as p_G or E_p (one letter, an underscore, an index); the renderers set
them with their index below the line. All else in the words is shown as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import sympy

from ganworks.design import rendering
from ganworks.errors import UserError

Status = Literal["proved", "checked", "defined", "stated", "refuted"]
"""proved: by symbols. checked: in numbers, at the places that ``how`` names. defined: a definition. stated: a theorem
that is cited, not proved. refuted: false, with the figures in ``how``."""


@dataclass(frozen=True)
class Line:
    """Words, then a formula: a sympy object shown as mathematics, or text shown as it is. Either may be empty."""

    words: str = ""
    formula: sympy.Basic | str | None = None

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"words": self.words, "formula": None, "latex": None}
        if isinstance(self.formula, str):
            shown["formula"] = self.formula
        elif self.formula is not None:
            shown |= {"formula": rendering.math_line(self.formula), "latex": rendering.math_latex(self.formula)}
        return shown


@dataclass(frozen=True)
class Step:
    """One step.

    Args:
        title: what the step says, in a few words.
        lines: words and formulas, in order.
        status: how sure it is; see ``Status``.
        how: how that is known: the method, the places, the precision found.
        note: where a well-known note or paper slips here, or empty.

    Raises:
        UserError: the status is none of the five.
    """

    title: str
    lines: tuple[Line, ...]
    status: Status
    how: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise UserError(f"a step cannot be '{self.status}'", "one of: " + ", ".join(get_args(Status)))

    def to_json(self) -> dict[str, Any]:
        return {"title": self.title, "status": self.status, "how": self.how, "note": self.note,
                "lines": [line.to_json() for line in self.lines]}


@dataclass(frozen=True)
class Derivation:
    """Steps under a title. ``holds`` is False when any step is refuted."""

    title: str
    steps: tuple[Step, ...]
    summary: str = ""

    @property
    def holds(self) -> bool:
        return all(step.status != "refuted" for step in self.steps)

    def text(self, width: int = 100) -> str:
        """Return the derivation for a terminal of ``width`` columns; formulas over several lines where they fit."""
        return rendering.text(self, width)

    def markdown(self) -> str:
        """Return the derivation as Markdown with formulas between dollar signs."""
        return rendering.markdown(self)

    def latex(self) -> str:
        """Return a complete article that needs amsmath only."""
        return rendering.latex(self)

    def html(self) -> str:
        """Return a complete page: well-formed, no script, nothing loaded from anywhere, formulas as MathML."""
        return rendering.html(self)

    def fragment(self) -> str:
        """Return the title and the steps as HTML, to stand in a page that holds ``rendering.STYLE``."""
        return rendering.fragment(self)

    def to_json(self) -> dict[str, Any]:
        """Return plain data: title, summary, holds, and the steps with formulas as text and LaTeX."""
        return {"title": self.title, "summary": self.summary, "holds": self.holds,
                "steps": [step.to_json() for step in self.steps]}
