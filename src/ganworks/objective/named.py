"""Objectives from text: ``hinge``, or ``lsgan:a=-1,b=1,c=0`` with parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ganworks.errors import UserError, did_you_mean
from ganworks.objective import catalogue
from ganworks.objective.objective import Objective


def named_objectives() -> dict[str, Callable[..., Objective]]:
    """Return the catalogue: every function of it that makes an objective, by name."""
    return {name: make for name, make in inspect.getmembers(catalogue, inspect.isfunction)
            if inspect.signature(make).return_annotation == "Objective"}


def objective_named(text: str) -> Objective:
    """Return the objective that ``text`` names: ``name`` or ``name:parameter=number,...``."""
    name, _, rest = text.partition(":")
    known = named_objectives()
    if name not in known:
        raise UserError(f"unknown objective '{name}'", did_you_mean(name, known), "see: ganworks list objectives")
    make, values = known[name], {}
    parameters = inspect.signature(make).parameters
    for part in filter(None, rest.split(",")):
        key, _, number = part.partition("=")
        if key.strip() not in parameters:
            raise UserError(f"objective '{name}' has no parameter '{key.strip()}'",
                            did_you_mean(key.strip(), parameters) if parameters else "no parameters")
        try:
            values[key.strip()] = float(number)
        except ValueError:
            raise UserError(f"objective '{name}': {key.strip()} = '{number}'", "a number") from None
    return make(**values)
