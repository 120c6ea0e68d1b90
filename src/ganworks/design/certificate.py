"""The verdict on a design, and every check behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.limits import TimedOut, limited

if TYPE_CHECKING:
    from ganworks.design.design import Design

Status = Literal["proved", "checked", "warned", "refuted", "undecided"]
PATIENCE = 25.0
"""Seconds after which a certificate is given up."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        code: reason code, as "beta.monotone".
        status: "proved" (symbolically), "checked" (in numbers; ``evidence`` says where and to what precision),
            "warned", "refuted" (``evidence`` is a counterexample) or "undecided".
        reason: a sentence.
        evidence: formulas or numbers.
        remedy: the mend, where there is one.
    """

    code: str
    status: Status
    reason: str
    evidence: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Certificate:
    """What is known of a design.

    Attributes:
        verdict: "accept", "warn", "reject", or "not decided: ..." with the reason.
        checks: in the order in which they were made.
        seconds: how long they took.
    """

    verdict: str
    checks: tuple[Check, ...]
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return {"verdict": self.verdict, "checks": [asdict(check) for check in self.checks],
                "seconds": round(self.seconds, 3)}

    def text(self) -> str:
        """Return the verdict and the checks for a terminal."""
        lines = [f"verdict: {self.verdict}"]
        for check in self.checks:
            lines.append(f"  {MARKS[check.status]} {check.code}: {check.reason}")
            lines += [f"      {word}{text}" for word, text in (("", check.evidence), ("to do: ", check.remedy)) if text]
        return "\n".join(lines)

    def problems(self) -> tuple[Check, ...]:
        """Return the checks that are refuted, warned or undecided, the worst first."""
        order = {"refuted": 0, "undecided": 1, "warned": 2}
        return tuple(sorted((c for c in self.checks if c.status in order), key=lambda c: order[c.status]))


MARKS = {"proved": "[proved]   ", "checked": "[checked]  ", "warned": "[WARNING]  ", "refuted": "[REFUTED]  ",
         "undecided": "[undecided]"}


def certify(design: Design) -> Certificate:
    """Return the certificate of a design; it takes at most ``PATIENCE`` seconds."""
    began, checks = time.monotonic(), []
    try:
        with limited(PATIENCE, "certificate", working=True):
            for step in _steps(design):
                found = step(design)
                checks += found
                if any(check.status == "refuted" and check.code in FATAL for check in found):
                    break
        verdict = _verdict(checks)
    except TimedOut:
        checks.append(Check("time", "undecided", f"the checks took longer than {PATIENCE:.0f} s and were stopped", "",
                            "simplify the formulas, or give the terms of the loss directly"))
        verdict = f"not decided: stopped after {PATIENCE:.0f} s"
    return Certificate(verdict, tuple(checks), time.monotonic() - began)


def _verdict(checks: list[Check]) -> str:
    states = {check.status for check in checks}
    if "refuted" in states:
        return "reject"
    undecided = [check.reason for check in checks if check.status == "undecided"]
    if undecided:
        return f"not decided: {undecided[0]}"
    return "warn" if "warned" in states else "accept"


FATAL = frozenset({"terms", "omega.defined", "omega.increasing", "rho.positive", "psi.finite", "f.defined", "affine",
                   "range", "domain", "maximum", "stationary", "unbounded", "jump", "d.convex"})
"""Refutations after which there is no critic of which anything more could be said."""

Step = Callable[["Design"], list[Check]]


def _steps(design: Design) -> list[Step]:
    from ganworks.design import checks_critic as critic
    from ganworks.design import checks_generator as generator

    if design.trouble is not None:
        return [critic.troubled]
    return [critic.letters, *_steps_of(design, critic, generator)]


def _steps_of(design: Design, critic: Any, generator: Any) -> list[Step]:
    if isinstance(design.critic, LipschitzCritic):
        return [critic.lipschitz, generator.against_lipschitz]
    if isinstance(design.critic, CornerCritic):
        return [critic.labels, critic.corners, critic.disjoint, generator.monotone, generator.local]
    return [critic.labels, critic.defined, critic.increasing, critic.positive, critic.finite, critic.convex,
            critic.strict, critic.whole_domain, critic.first_conclusion, critic.disjoint, generator.monotone,
            generator.second_conclusion, generator.local]
