"""Design files: an objective as a few lines of YAML, which can be read, changed by hand and trained.

    objective: my-design
    omega: log(r)/2
    rho: exp(-t)
    beta: t

A file holds formulas as they were given, never what was derived from them: all of that is worked out, and checked,
each time the file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sympy
import yaml
from sympy import Expr, Interval, Symbol

from ganworks.design.building import from_divergence, from_likelihood_ratio, from_terms
from ganworks.design.calculus import points_of, same
from ganworks.design.compiling import OUTPUTS
from ganworks.design.corners import LipschitzCritic
from ganworks.design.design import Design
from ganworks.design.evaluate import function_of
from ganworks.design.parse import parse
from ganworks.design.symbols import R, T, U
from ganworks.design.writing import formula_text
from ganworks.errors import UserError, did_you_mean
from ganworks.files import write_text

LETTERS: dict[str, Symbol] = {"f": U, "omega": R, "rho": T, "phi": T, "psi": T, "beta": T, "alpha": T}
"""The formulas that a design may be given by, and the letter that each is in."""
KINDS = (("f",), ("omega", "rho"), ("phi", "psi"))
KEYS = ("objective", *LETTERS, "domain", "lipschitz", "parameters", "output", "reference")
MOST_CHARACTERS, MOST_BRACKETS, MOST_PARAMETERS = 20_000, 50, 20
LONGEST_NAME, LONGEST_REFERENCE = 80, 500
EXAMPLE = "f: u*log(u), or omega: log(r)/2 with rho: exp(-t), or phi: -exp(t) with psi: t"


@dataclass(frozen=True)
class Document:
    """What a design file says.

    Attributes:
        design: the design, which is compiled for ``output``.
        output: "logit", "linear", or None for the design's own choice; see ``Design.compile``.
    """

    design: Design
    output: str | None = None


def load(path: Path | str) -> Document:
    """Read a design file. Raises UserError: it is not there, no design file, or a formula in it cannot be read."""
    path = Path(path)
    try:
        with open(path, encoding="utf-8") as handle:
            text = handle.read(MOST_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UserError(f"cannot read {path}: {reason}", "a design file, as ganworks design --save writes it") from None
    found = read(text, str(path))
    design = found.design
    return found if design.name else Document(design.named(path.stem, design.reference), found.output)


def save(design: Design, path: Path | str, output: str | None = None) -> None:
    """Write a design file atomically. Raises UserError: a formula of it cannot be written."""
    write_text(path, to_yaml(design, output))


def from_yaml(text: str, where: str = "the design file") -> Design:
    """Return the design that the text of a design file describes; see ``read``."""
    return read(text, where).design


def read(text: str, where: str = "the design file") -> Document:
    """Return what the text of a design file says.

    Args:
        text: YAML; where: name of the file, for the errors.

    Raises:
        UserError: unknown keys, a formula without its partner, several designs at once, a formula that cannot be read.
    """
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"{where} is too long for a design file", f"at most {MOST_CHARACTERS} characters")
    if text.count("[") + text.count("{") > MOST_BRACKETS:  # the YAML parser is slow and deep on these
        raise UserError(f"{where} is too nested for a design file", f"at most {MOST_BRACKETS} brackets [ and {{")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        raise UserError(f"{where}{line}: this is no YAML", "lines such as  omega: log(r)/2",
                        "put formulas and intervals that begin with | [ { or hold ': ' in quotes") from None
    if not isinstance(found, dict):
        raise UserError(f"{where} holds no keys", EXAMPLE)
    return from_fields(found, f"{where}: ")


def from_fields(fields: Mapping[Any, Any], where: str = "") -> Document:
    """Return the design with these fields, by the keys of a design file; None stands for a field that is not there.

    Args:
        fields: see ``KEYS``. where: what stands before a key's name in errors: "my.yaml: " or "--".

    Raises:
        UserError: as ``read``.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    for key in given:
        if key not in KEYS:
            raise UserError(f"{where}{str(key)[:60]!r} is not known", did_you_mean(str(key)[:60], KEYS))
    kind = _kind(given, where)
    parameters = _parameters(given.get("parameters", {}), where)
    formulas = {key: _formula(given[key], key, parameters, where) for key in LETTERS if key in given}
    output = given.get("output")
    if output not in (None, *OUTPUTS):
        raise UserError(f"{where}output: {_shown(output)}", "one of: " + ", ".join(OUTPUTS))
    about = {"name": _words(given, "objective", LONGEST_NAME, where),
             "reference": _words(given, "reference", LONGEST_REFERENCE, where)}
    design = _built(kind, given, formulas, parameters, about, where)
    if "beta" in given:
        design = design.with_generator(formulas["beta"], formulas.get("alpha"), **parameters)
    elif "alpha" in given:
        raise UserError(f"{where}alpha without beta", "beta, what the generator minimises; alpha alone moves nothing")
    return Document(design.with_output(output), output)


def _kind(given: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the keys of the one way in which the design is given."""
    begun = [kind for kind in KINDS if any(key in given for key in kind)]
    if not begun:
        raise UserError(f"{where.rstrip(': -') or 'nothing'} gives no design", EXAMPLE)
    if len(begun) > 1:
        first, second = (next(key for key in kind if key in given) for kind in begun[:2])
        raise UserError(f"{where}{first} and {where}{second} are two designs", "one of them")
    for key in begun[0]:
        if key not in given:
            partner = next(other for other in begun[0] if other in given)
            raise UserError(f"{where}{partner} without {key}", f"both {' and '.join(begun[0])}", f"give {key} too")
    for key in ("domain", "lipschitz"):
        if key in given and begun[0][0] != "phi":
            raise UserError(f"{where}{key} beside {begun[0][0]}", f"{key} belongs to phi and psi; here it follows")
    return begun[0]


def _built(kind: tuple[str, ...], given: Mapping[str, Any], formulas: Mapping[str, Expr],
           parameters: Mapping[str, Any], about: Mapping[str, str], where: str) -> Design:
    parts: list[Any] = [formulas[key] for key in kind]
    makes: dict[str, Callable[..., Design]] = {"f": from_divergence, "omega": from_likelihood_ratio, "phi": from_terms}
    limits: dict[str, Any] = {}
    if "domain" in given:
        limits["domain"] = _domain(given["domain"], where)
    if "lipschitz" in given:
        limits["lipschitz"] = _scalar(given["lipschitz"], "lipschitz", where)
    return makes[kind[0]](*parts, **limits, **about, **parameters)


def _formula(value: Any, key: str, parameters: Mapping[str, Any], where: str) -> Expr:
    try:
        return parse(_scalar(value, key, where), LETTERS[key], parameters)
    except UserError as error:
        if error.problem.startswith(f"{where}{key}: "):
            raise
        raise UserError(f"{where}{key}: {error.problem}", error.wanted, error.remedy) from None


def _scalar(value: Any, key: str, where: str) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UserError(f"{where}{key}: {_shown(value)}", "a formula or a number", "put it in quotes")
    if isinstance(value, int) and value.bit_length() > 120:
        raise UserError(f"{where}{key}: a number of more than 30 digits", "a number of at most 30 digits")
    return value


def _domain(value: Any, where: str) -> str:
    if isinstance(value, list) and len(value) == 2:  # YAML's own reading of [-1, 1]
        low, high = (_scalar(end, "domain", where) for end in value)
        return f"[{low}, {high}]"
    return str(_scalar(value, "domain", where))


def _parameters(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MOST_PARAMETERS:
        raise UserError(f"{where}parameters: {_shown(value)}", f"at most {MOST_PARAMETERS} letters with their numbers, "
                        "such as {a: 1, b: 1/3}")
    return {str(name)[:60]: _scalar(number, f"parameters: {str(name)[:60]}", where) for name, number in value.items()}


def _words(given: Mapping[str, Any], key: str, longest: int, where: str) -> str:
    value = given.get(key, "")
    if isinstance(value, str) and len(value) <= longest and value.isprintable():
        return value
    raise UserError(f"{where}{key}: {_shown(value)}", f"a line of at most {longest} characters")


def _shown(value: Any) -> str:
    # Never the text of a container: with YAML's aliases a short one may be gigantic when written out.
    kinds = {dict: "a mapping", list: "a list", bool: f"{value!r:.10}" if isinstance(value, bool) else ""}
    return kinds.get(type(value)) or f"'{str(value)[:60]}'"


def to_yaml(design: Design, output: str | None = None) -> str:
    """Return a design as the text of a design file.

    Args:
        output: what it is to be compiled for, where that is not the design's own ``output``.

    Raises:
        UserError: one of its formulas cannot be written so that it reads back the same.
    """
    fields: dict[str, Any] = {"objective": design.name} if design.name else {}
    for key, letter in LETTERS.items():
        if key in design.given:
            text = _written(design.given[key], letter, key)
            fields[key] = int(text) if text.isdecimal() else text
    if design.given_domain is not None and design.given_domain != sympy.S.Reals:
        fields["domain"] = interval_text(design.given_domain)
    if design.trouble is None and isinstance(design.critic, LipschitzCritic):
        fields["lipschitz"] = formula_text(design.critic.bound)
    if output or design.output:
        fields["output"] = output or design.output
    if design.reference:
        fields["reference"] = design.reference
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=10_000)


def interval_text(interval: Interval) -> str:
    """Return an interval as ``parse_domain`` reads it."""
    low, high = (formula_text(end) for end in (interval.start, interval.end))
    return f"{'(' if interval.left_open else '['}{low}, {high}{')' if interval.right_open else ']'}"


def _written(expr: Expr, letter: Symbol, key: str) -> str:
    """Return the formula's text, after reading it back."""
    text = formula_text(expr)
    try:
        back = parse(text, letter)
        if back == expr or _same(expr, back, letter):
            return text
        problem = "it would read back as another formula"
    except UserError as error:
        problem = error.problem.splitlines()[0]
    raise UserError(f"cannot write {key} = {text[:200]}: {problem}", "a formula of numbers and known functions")


def _same(expr: Expr, back: Expr, letter: Symbol) -> bool:
    plain = function_of(expr, letter)
    points = points_of(plain)
    return bool(points) and same(plain, function_of(back, letter), points)
