"""Objectives from text: ``hinge``, ``lsgan:a=-1,b=1,c=0``, a design file, or its content: ``{f: u*log(u)}``."""

from __future__ import annotations

import inspect
from functools import lru_cache
from pathlib import Path

import yaml

from ganworks.design.catalogue import entries
from ganworks.design.design import Design
from ganworks.design.document import Document, load, read, to_yaml
from ganworks.errors import UserError, did_you_mean
from ganworks.objective import Objective


def objective_named(text: str, **parameters: float) -> Objective:
    """Return the objective that ``text`` names: ``name``, ``name:parameter=number,...``, ``file.yaml``
    or the content of such a file in one line, ``{omega: log(r)/2, rho: exp(-t)}``.

    Args:
        parameters: of a named one, beside those in the text.

    Raises:
        UserError: no such name or parameter, or a design that is no GAN.
    """
    if text.endswith((".yaml", ".yml")):  # a file may change
        return _compiled(text, **parameters)
    return _remembered(text, tuple(sorted(parameters.items())))


@lru_cache(maxsize=128)
def _remembered(text: str, parameters: tuple[tuple[str, float], ...]) -> Objective:
    return _compiled(text, **dict(parameters))


def _compiled(text: str, **parameters: float) -> Objective:
    found = entry_named(text, **parameters)
    if isinstance(found, Objective):
        return found
    verdict = found.certificate()
    if verdict.verdict == "reject":
        problem = verdict.problems()[0]
        raise UserError(f"objective '{text}' is rejected: {problem.reason} ({problem.evidence})", "a design that is "
                                                                                                  "a GAN",
                        problem.remedy or "see: ganworks design")
    return found.compile()


def entry_named(text: str, **parameters: float) -> Design | Objective:
    """Return the catalogue's entry, or the design in a file or in braces, that ``text`` names."""
    if text.endswith((".yaml", ".yml")):
        return _of(load(Path(text)))
    if text.lstrip().startswith("{"):
        return _of(read(text, "the objective"))
    name, _, rest = text.partition(":")
    known = entries()
    if name not in known:
        raise UserError(f"unknown objective '{name}'", did_you_mean(name, known),
                        "see: ganworks list objectives; or give a file written by ganworks design --save")
    make, values = known[name], dict(parameters)
    letters = inspect.signature(make).parameters
    for part in filter(None, rest.split(",")):
        key, _, number = part.partition("=")
        if key.strip() not in letters:
            raise UserError(f"objective '{name}' has no parameter '{key.strip()}'",
                            did_you_mean(key.strip(), letters) if letters else "no parameters")
        try:
            values[key.strip()] = float(number)
        except ValueError:
            raise UserError(f"objective '{name}': {key.strip()} = '{number}'", "a number") from None
    return make(**values)


def inline(path: Path) -> str:
    """Return a design file as one line that ``objective_named`` reads."""
    document = load(path)
    fields = yaml.safe_load(to_yaml(document.design, document.output))
    return yaml.safe_dump(fields, sort_keys=False, default_flow_style=True, allow_unicode=True, width=100_000).strip()


def _of(document: Document) -> Design:
    return document.design.with_output(document.output)
