"""What a user may call an f: a name of the catalogue, a formula in u, a design file, a ``Design``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from ganworks.design import Design, entries, entry_named, from_divergence
from ganworks.design.certificate import FATAL
from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.critic import Critic, DivergenceCritic
from ganworks.design.divergences import KNOWN, Known
from ganworks.design.evaluate import function_of
from ganworks.design.kinks import kinks
from ganworks.design.symbols import R, U
from ganworks.errors import UserError, did_you_mean
from ganworks.measure.integrand import Integrand

Of = Literal["critic", "generator"]
NAMED = ("total_variation", "kl", "reverse_kl", "jeffrey", "js", "js_2x", "gan", "squared_hellinger", "pearson_chi2",
         "neyman_chi2", "vincze_le_cam", "alpha", "js_weighted", "k_divergence", "softened_reverse_kl",
         "arithmetic_geometric", "perimeter")
"""The divergences of the theory's table B, in the order in which they are shown."""


SHORT = {"a": ("alpha", "alpha"), "w": ("js_weighted", "weight")}


@dataclass(frozen=True, eq=False)
class Measured:
    """An f that can be measured with.

    Attributes:
        name: as it was asked for.
        title: what it is, in words.
        integrand: q f(p/q).
    """

    name: str
    title: str
    integrand: Integrand


def measured(f: Any, of: Of = "critic") -> Measured:
    """Return what ``f`` names; see ``ganworks.measure.divergence``.

    Raises:
        UserError: an unknown name, a formula that cannot be read, no divergence, a Wasserstein critic.
    """
    if of not in ("critic", "generator"):
        raise UserError(f"of='{of}'", "'critic' or 'generator'")
    if isinstance(f, Design):
        return _of_design(f, of, f.name or _formulas(f), True)
    if not isinstance(f, str):
        raise UserError(f"an f of type {type(f).__name__}", "a name such as 'js', a formula in u, or a Design")
    return _of_text(f.strip(), of)


def _formulas(design: Design) -> str:
    return ", ".join(f"{key} = {value}" for key, value in design.given.items())


@lru_cache(maxsize=64)
def _of_text(text: str, of: Of) -> Measured:
    known = {entry.name: entry for entry in KNOWN}
    name = text.partition(":")[0].strip()
    if name in entries() or text.endswith((".yaml", ".yml")) or text.startswith("{"):
        found = entry_named(_spelled_out(text))
        if not isinstance(found, Design):
            raise UserError(f"'{text}' is {getattr(found, 'note', 'no design')}",
                            "an objective that follows from the likelihood ratio")
        return _of_design(found, of, text, name not in entries())
    if text in known:
        return _of_known(known[text], of)
    formula = text.removeprefix("f:").strip()
    if formula == text and formula.replace("_", "").isalnum() and not formula.isdigit() and formula not in ("u", "x"):
        raise UserError(f"unknown divergence '{text}'", did_you_mean(text, {*entries(), *known}),
                        "or give a formula in u = p/q, such as 'u*log(u)'")
    return _of_design(from_divergence(formula), of, text, True)


def _spelled_out(text: str) -> str:
    """Return "alpha:a=0.3" as "alpha:alpha=0.3", and so for the weight: the theory's letters are short."""
    name, colon, rest = text.partition(":")
    for short, (owner, long) in SHORT.items():
        if name == owner and rest.startswith(short + "="):
            return f"{name}:{long}{rest[len(short):]}"
    return name + colon + rest


def _of_known(known: Known, of: Of) -> Measured:
    _no_generator(of, known.name)
    return Measured(known.name, known.title, Integrand(function_of(known.f, U)))


def _no_generator(of: Of, name: str) -> None:
    if of == "generator":
        raise UserError(f"'{name}' has no generator of its own", "a design, when of is 'generator'")


def _of_design(design: Design, of: Of, name: str, check: bool) -> Measured:
    if design.trouble is None and isinstance(design.critic, LipschitzCritic):
        raise UserError(f"'{name}' is a Wasserstein GAN: it measures no f-divergence", "a function of p/q",
                        "see: ganworks measure transport")
    if design.open_letters:
        raise UserError(f"{', '.join(design.open_letters)} without a value in '{name}'", "numbers for all letters")
    if check:
        _refuse_rejected(design, of, name)
    if of == "generator" and not design.zero_sum:
        return _of_generator(design, name)
    critic = design.critic
    title = design.divergence_name or "a divergence without a name"
    if isinstance(critic, DivergenceCritic | CornerCritic) and "f" in design.given:
        formula = design.given["f"]
        return Measured(name, title, Integrand(function_of(formula, U), kinks(formula, U) if _cornered(critic) else ()))
    if isinstance(critic, CornerCritic):
        return Measured(name, title, Integrand(lambda u: u * critic.d_of(1 / u), [1 / r for r in kinks(critic.d, R)]))
    assert isinstance(critic, Critic)
    if critic.closed and critic.d is not None:
        d = function_of(critic.d, R)
        return Measured(name, title, Integrand(lambda u: u * d(1 / u), _inverted(critic)))
    return Measured(name, title, Integrand(lambda u: u * critic.d_of(1 / u), _inverted(critic), closed=False))


def _cornered(critic: Any) -> bool:
    return isinstance(critic, CornerCritic) or bool(critic.breaks)


def _inverted(critic: Critic) -> list[Any]:
    return [1 / r for r in critic.breaks if r > 0]


def _of_generator(design: Design, name: str) -> Measured:
    half = design.generator
    named = design.generator_divergence
    title = "what the generator descends: " + (str(named) if named else "int p H(q/p)")
    breaks = [] if half.beta_along is None else [1 / r for r in kinks(half.beta_along, R) if r > 0]
    closed = half.H is not None
    return Measured(name, title, Integrand(lambda u: u * half.H_function(1 / u), breaks, closed))


def _refuse_rejected(design: Design, of: Of, name: str) -> None:
    """Raise UserError for a design whose certificate refutes what is to be measured."""
    for check in design.certificate().problems():
        if check.status == "refuted" and (of == "generator" or check.code in FATAL):
            raise UserError(f"'{name}' is no GAN: {check.reason} ({check.evidence})", "a convex f of u = p/q",
                            check.remedy or "see: ganworks design")
