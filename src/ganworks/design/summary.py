"""A design in a few words and in plain values: for tables, tiles and JSON. Nothing here fails or takes long."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sympy

from ganworks.design.certificate import FATAL
from ganworks.design.corners import LipschitzCritic
from ganworks.design.design import Design
from ganworks.design.document import interval_text
from ganworks.design.limits import attempt
from ganworks.design.writing import formula_text
from ganworks.errors import UserError

SECONDS = 4.0
"""After which one fact is left out."""
FORMULAS = ("f", "omega", "rho", "phi", "psi", "d", "beta", "alpha", "H")
FORMAT = 1
"""Version of the JSON."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Summary:
    """What a reader wants to know first.

    Attributes:
        verdict: "accept", "warn", "reject" or "not decided"; why: the worst check's reason, or "".
        critic: the divergence that the critic measures; "none", as all below, where the formulas make no critic.
        generator: what the generator descends at the best critic.
        disjoint: the divergence of densities that do not overlap.
        local: the game near p = q, in words.
        forms: "closed" where the losses have formulas, else "numeric".
    """

    verdict: str
    why: str
    critic: str
    generator: str
    disjoint: str
    local: str
    forms: str


def summarise(design: Design) -> Summary:
    """Return a design in words; its certificate is made if it has none yet."""
    certificate = design.certificate()
    problems = certificate.problems()
    verdict = certificate.verdict.partition(":")[0]
    why = problems[0].reason if problems else ""
    if design.trouble is not None or any(c.status == "refuted" and c.code in FATAL for c in problems):
        return Summary(verdict, why, "none", "none", "none", "none", "none")
    if isinstance(design.critic, LipschitzCritic):
        forms = "closed"
    else:
        forms = "closed" if None not in (design.phi, design.psi, design.omega, design.d) else "numeric"
    return Summary(verdict, why, _critic(design), _generator(design), _disjoint(design), _local(design), forms)


def quiet(function: Callable[[], Found]) -> Found | None:
    """Return what the function returns, or None where it cannot or takes too long."""
    try:
        return attempt(SECONDS, "a fact", function)
    except UserError:
        return None


def _critic(design: Design) -> str:
    name = quiet(lambda: design.divergence_name)
    return name or _unnamed("d", quiet(lambda: design.d))


def _generator(design: Design) -> str:
    if isinstance(design.critic, LipschitzCritic) or design.zero_sum:
        return _critic(design)
    named = quiet(lambda: design.generator_divergence)
    return str(named) if named is not None else _unnamed("H", quiet(lambda: design.H))


def _unnamed(letter: str, formula: Any) -> str:
    text = "" if formula is None else formula_text(formula)
    shown = f"{letter}(r) = {text}" if 0 < len(text) <= 80 else "without a name"
    return f"int p {letter}(q/p), {shown}"


def _disjoint(design: Design) -> str:
    if isinstance(design.critic, LipschitzCritic):
        return "grows with the distance"
    value = quiet(lambda: design.disjoint)
    if value is None or math.isnan(value):
        return "not known"
    return "infinite" if math.isinf(value) else f"{value:.6g}"


def _local(design: Design) -> str:
    product = quiet(lambda: design.stiffness)
    if product is None:
        return "not smooth"
    if abs(product) < 1e-20:
        return "degenerate"
    return "turns; settles with R1" if product > 0 else "saddle"


def to_json(design: Design) -> dict[str, Any]:
    """Return everything known of a design as plain values: formulas are text, infinite numbers "inf", unknowns None."""
    words = summarise(design)
    values: dict[str, Any] = {"format": FORMAT, "name": design.name, "reference": design.reference,
                              "given": {key: formula_text(formula) for key, formula in design.given.items()},
                              "zero_sum": design.zero_sum}
    known = design.trouble is None
    values["labels_swapped"] = known and design.critic.labels_swapped
    values["domain"] = _domain_text(quiet(lambda: design.domain))
    values["formulas"] = {name: _formula(design, name) for name in FORMULAS}
    values["divergence"] = quiet(lambda: design.divergence_name) if known else None
    named = quiet(lambda: design.generator_divergence) if known else None
    values["generator_divergence"] = None if named is None else str(named)
    values["disjoint"] = _number(quiet(lambda: design.disjoint)) if known else None
    values["at_equality"] = _number(quiet(lambda: design.at_equality)) if known else None
    roots = quiet(lambda: design.eigenvalues) if known else None
    values["eigenvalues"] = None if roots is None else [[root.real + 0.0, root.imag + 0.0] for root in roots]
    return {**values, "forms": words.forms, "certificate": design.certificate().to_json()}


def _formula(design: Design, name: str) -> str | None:
    found = quiet(lambda: getattr(design, name))
    return formula_text(found) if isinstance(found, sympy.Basic) else None


def _domain_text(domain: sympy.Set | None) -> str | None:
    return interval_text(domain) if isinstance(domain, sympy.Interval) else None


def _number(value: float | None) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
