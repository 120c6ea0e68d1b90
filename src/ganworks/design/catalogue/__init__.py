"""The catalogue: every function of these modules that returns a Design or an Objective, found by walking."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from functools import cache

from ganworks.design.design import Design
from ganworks.objective import Objective


@cache
def entries() -> dict[str, Callable[..., Design | Objective]]:
    """Return everything in the catalogue by name: designs, and what cannot be derived."""
    found: dict[str, Callable[..., Design | Objective]] = {}
    for module in pkgutil.iter_modules(__path__):
        name = f"{__name__}.{module.name}"
        for key, value in vars(importlib.import_module(name)).items():
            own = inspect.isfunction(value) and value.__module__ == name and not key.startswith("_")
            if own and inspect.signature(value).return_annotation in ("Design", "Objective"):
                found[key] = value
    return dict(sorted(found.items()))


def named_designs() -> dict[str, Callable[..., Design]]:
    """Return the designs of the catalogue by name."""
    return {name: make for name, make in entries().items()  # type: ignore[misc]
            if inspect.signature(make).return_annotation == "Design"}
