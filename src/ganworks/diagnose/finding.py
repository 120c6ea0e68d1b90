"""What a doctor says: a finding with its evidence, its likely cause, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Severity = Literal["serious", "warning", "note", "unknown", "healthy"]
ORDER: tuple[Severity, ...] = ("serious", "warning", "note", "unknown", "healthy")


@dataclass(frozen=True)
class Evidence:
    """A figure in words, its value, and what it is where all is well, in words."""

    what: str
    value: float
    usual: str


@dataclass(frozen=True)
class Remedy:
    """What to do, as options of ``ganworks train`` or in other words, and why it helps.

    Attributes:
        do: options, or words that begin with no dash.
        why: how it helps, in words.
        scale: options that are multiplied, by their names in a recipe, and by how much.
        above: options that must be larger than so much for this to be of use; it is left out where they are not.
    """

    do: str
    why: str
    scale: Mapping[str, float] = field(default_factory=dict)
    above: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: its short name, the same wherever it is found.
        severity: "serious" (what is trained is of no use), "warning" (it is worse than it could be), "note" (good to
            know, and nothing wrong), "unknown" (cannot be told; the title says for lack of what), "healthy" (looked
            for, and not there).
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

    @property
    def wrong(self) -> bool:
        """Whether something is wrong, and not only good to know or unknown."""
        return self.severity in ("serious", "warning")

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return asdict(self)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the most serious ones first, otherwise in their order."""
    return sorted(findings, key=lambda finding: ORDER.index(finding.severity))


def prescribed(findings: Iterable[Finding], options: Mapping[str, Any] | None = None) -> list[Finding]:
    """Return findings whose remedies are written out, option by option.

    Args:
        options: of the recipe that was trained, by name; None where it is not known, and what is to be multiplied is
            then said in words.
    """
    return [replace(finding, remedies=tuple(_written(remedy, options) for remedy in finding.remedies
                                            if _of_use(remedy, options)))
            for finding in findings]


def _of_use(remedy: Remedy, options: Mapping[str, Any] | None) -> bool:
    return all(((options or {}).get(name) or 0) > least for name, least in remedy.above.items())


def _written(remedy: Remedy, options: Mapping[str, Any] | None) -> Remedy:
    parts = [remedy.do] if remedy.do else []
    for name, factor in remedy.scale.items():
        both = name.removesuffix("_critic")  # what holds for both players unless the critic has its own
        if options is not None and options.get(name) is None and remedy.scale.get(both) == factor and name != both:
            continue
        value = None if options is None else options.get(name) or options.get(both)
        flag = "--" + name.replace("_", "-")
        if value is not None:
            parts.append(f"{flag} {_scaled(value, factor)}")
        elif factor != 1:
            parts.append(f"{flag} X, {factor:g} times what it was")
    return Remedy(" ".join(parts), remedy.why)


def _scaled(value: float, factor: float) -> str:
    return str(max(1, round(value * factor))) if isinstance(value, int) else f"{value * factor:.3g}"
