"""What a doctor says: a finding with its evidence, its likely cause, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["serious", "warning", "unknown", "healthy"]
ORDER: tuple[Severity, ...] = ("serious", "warning", "unknown", "healthy")


@dataclass(frozen=True)
class Evidence:
    """A figure in words, its value, and what it is where all is well, in words."""

    what: str
    value: float
    usual: str


@dataclass(frozen=True)
class Remedy:
    """What to do, as options of ``ganworks train`` or in other words, and why it helps."""

    do: str
    why: str


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: its short name, the same wherever it is found.
        severity: "serious" (what is trained is of no use), "warning" (it is worse than it could be), "unknown" (cannot
            be told; the title says for lack of what), "healthy" (looked for, and not there).
        title: what it is, in a line.
        evidence: the figures that it rests on.
        since: the step at which it began, where that is known.
        cause: the likely cause.
        remedies: in order of expected effect.
        reference: where it is described.
    """

    name: str
    severity: Severity
    title: str
    evidence: tuple[Evidence, ...] = ()
    since: int | None = None
    cause: str = ""
    remedies: tuple[Remedy, ...] = ()
    reference: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return asdict(self)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the most serious ones first, otherwise in their order."""
    return sorted(findings, key=lambda finding: ORDER.index(finding.severity))
