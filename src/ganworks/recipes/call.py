"""A recipe's signature is its configuration: from names, YAML and flags to a checked call, and back to YAML."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

import ganworks.recipes
from ganworks.data import TOYS, Source
from ganworks.data.opening import Kind, kind_of
from ganworks.design.named import inline
from ganworks.errors import UserError, did_you_mean
from ganworks.seeds import mix
from ganworks.train import Recipe

Function = Callable[..., Recipe]
FREE = frozenset({"steps", "log_every", "sample_every", "checkpoint_every", "keep", "stop_when"})
"""What may change when a run is resumed: it decides when things happen, not what they are."""


@cache
def recipes() -> dict[str, Function]:
    """Return every function of this package that returns a Recipe, by its name on the command line."""
    found = {}
    for module in pkgutil.iter_modules(ganworks.recipes.__path__):
        for name, value in vars(importlib.import_module(f"ganworks.recipes.{module.name}")).items():
            if not name.startswith("_") and _is_recipe(value, f"ganworks.recipes.{module.name}"):
                found[name.replace("_", "-")] = value
    return found


def _is_recipe(value: object, module: str) -> bool:
    return (inspect.isfunction(value) and value.__module__ == module and "source" in inspect.signature(value).parameters
            and typing.get_type_hints(value).get("return") is Recipe)


def function_named(name: str) -> Function:
    """Return a recipe by name, or a user's own from ``path/to/file.py:function``."""
    if ".py" in name:
        return _user_function(name)
    known, dashed = recipes(), name.replace("_", "-")
    if dashed not in known:
        raise UserError(f"unknown recipe '{name}'", did_you_mean(dashed, known),
                        "see: ganworks list recipes; or give a recipe.yaml, or my.py:function")
    return known[dashed]


def _user_function(name: str) -> Function:
    file, _, function = name.partition(":")
    if not file.endswith(".py") or not Path(file).is_file() or not function:
        raise UserError(f"recipe '{name}'", "a Python file and a function in it, as in ./my.py:mine")
    path = Path(file).resolve()
    module = _user_module(path, path.stat().st_mtime_ns)
    found = getattr(module, function, None)
    if found is None or not _is_recipe(found, module.__name__):
        raise UserError(f"{file} has no recipe '{function}'",
                        "a function whose first parameter is 'source' and that is annotated to return a Recipe")
    parameters = inspect.signature(found).parameters
    for parameter in parameters.values():
        if parameter.annotation is parameter.empty:
            raise UserError(f"recipe '{function}' in {file}: '{parameter.name}' has no type",
                            "a type for each parameter, as in depth: int = 3")
    if "training" not in parameters:
        raise UserError(f"recipe '{function}' in {file} has no parameter 'training'",
                        "training: Training = Training(), from ganworks.recipes: steps, batch, learning rates, seed")
    return found


@cache
def _user_module(path: Path, changed: int) -> ModuleType:
    # As if Python had started it: what lies beside it can be imported, and it is found by its name (dataclasses look).
    name = f"{path.stem}_{mix(str(path)):x}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(specification)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    specification.loader.exec_module(module)
    return module


@cache
def options_of(function: Function) -> type[BaseModel]:
    """Return a recipe's options as a model: ``data``, ``training``, and the function's own parameters."""
    hints = typing.get_type_hints(function, include_extras=True)
    options = kind_of(hints["source"]).options
    fields: dict[str, Any] = {"data": (options, options())}
    for name, parameter in inspect.signature(function).parameters.items():
        if name != "source":
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (hints[name], default)
    return create_model(function.__name__, __config__=ConfigDict(frozen=True, extra="forbid"),
                        __doc__=function.__doc__, **fields)


def flat_fields(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """Return where each option stands: its flat name, and its path in the model ("data" and "training" are flat)."""
    places: dict[str, tuple[str, ...]] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if inspect.isclass(inner) and issubclass(inner, BaseModel):
            places |= {("data" if (name, sub) == ("data", "path") else sub): (name, sub) for sub in inner.model_fields}
        else:
            places[name] = (name,)
    return places


@dataclass(frozen=True)
class Call:
    """A recipe with checked values for all its options; what recipe.yaml holds.

    Attributes:
        name: the recipe's name, or file.py:function.
        function: the recipe.
        options: its options, checked.
    """

    name: str
    function: Function
    options: Any

    @classmethod
    def make(cls, name: str, values: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> Call:
        """Check ``values`` (from YAML, nested or flat), overridden by flat ``given`` ones (from flags)."""
        function = function_named(name)
        model = options_of(function)
        places = flat_fields(model)
        tree: dict[str, Any] = {key: dict(value) if isinstance(value, Mapping) else value
                                for key, value in values.items() if key in model.model_fields or key not in places}
        flat = {key: value for key, value in values.items() if key not in tree}
        for key, value in (flat | dict(given or {})).items():
            if key not in places:
                raise UserError(f"recipe '{name}' has no option '{key}'", did_you_mean(key, places))
            *above, last = places[key]
            (tree.setdefault(above[0], {}) if above else tree)[last] = value
        file, _, function_name = name.partition(":")
        if function_name and Path(file).is_file():
            name = f"{Path(file).resolve()}:{function_name}"
        return cls(name, function, _at_home(_checked(name, model, tree)))

    @classmethod
    def load(cls, text: str, given: Mapping[str, Any] | None = None, where: str = "recipe.yaml") -> Call:
        """Read a recipe.yaml's text."""
        try:
            tree = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UserError(f"{where} is not YAML: {str(error).splitlines()[0]}") from error
        if not isinstance(tree, dict) or "recipe" not in tree:
            raise UserError(f"{where} names no recipe", "a line 'recipe: NAME'")
        if tree["recipe"] is None:
            raise UserError(f"{where}: this run was built in Python and cannot be rebuilt from its file",
                            "the script that built it", "call ganworks.train.fit there with resume=True")
        return cls.make(str(tree.pop("recipe")), tree, given)

    def text(self) -> str:
        """Return the call as YAML, every value written out, so that it repeats whatever defaults become."""
        tree = {"recipe": self.name, **self.options.model_dump(mode="json")}
        return yaml.safe_dump(tree, sort_keys=False, default_flow_style=None)

    @property
    def values(self) -> dict[str, Any]:
        """Every option's value by its flat name."""
        return {name: _at(self.options, place) for name, place in flat_fields(type(self.options)).items()}

    @property
    def kind(self) -> Kind:
        """What its data is, and how that is opened."""
        return kind_of(typing.get_type_hints(self.function)["source"])

    def build(self, source: Source | None = None) -> Recipe:
        """Open the data (unless it is given) and build the recipe; initial weights are a function of the seed."""
        values = {name: getattr(self.options, name) for name in type(self.options).model_fields}
        data = values.pop("data")
        if source is None:  # an endless source has length 0, so is "false"
            source = self.kind.open(data)
        with torch.random.fork_rng():
            torch.manual_seed(mix(self.options.training.seed, "weights"))
            return self.function(source, **values)

    def differs(self, other: Call) -> list[str]:
        """Return what makes another call a different training: a line for each value that must not change."""
        if self.name.replace("_", "-") != other.name.replace("_", "-"):
            return [f"recipe: {self.name}, not {other.name}"]
        lines = []
        for key, place in flat_fields(type(self.options)).items():
            mine, theirs = _at(self.options, place), _at(other.options, place)
            if mine != theirs and key not in FREE:
                lines.append(f"{key}: {mine}, not {theirs}")
        return lines


def _at(options: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        options = getattr(options, name)
    return options


def _may_be_none(model: type[BaseModel], *place: str) -> bool:
    annotation: Any = model
    for name in place:
        annotation = annotation.model_fields[name].annotation
    return type(None) in typing.get_args(annotation)


def _at_home(options: Any) -> Any:
    # A run must be repeatable from any working directory, so a path to data is kept whole, and a design is kept as
    # what its file says now.
    files = {name: value for name, value in options if isinstance(value, str) and value.endswith((".yaml", ".yml"))}
    options = options.model_copy(update={name: inline(Path(file)) for name, file in files.items()})
    named = {name: getattr(options.data, name) for name in ("path", "to") if getattr(options.data, name, None)}
    whole = {name: str(Path(path).resolve()) for name, path in named.items()
             if Path(path).exists() and path not in {"digits", *TOYS}}
    return options.model_copy(update={"data": options.data.model_copy(update=whole)}) if whole else options


def _checked(name: str, model: type[BaseModel], tree: dict[str, Any]) -> BaseModel:
    # What a YAML or a flag leaves out comes from the recipe's own default, not from the nested model's.
    for key, field in model.model_fields.items():
        if isinstance(field.default, BaseModel) and isinstance(tree.get(key), dict):
            tree[key] = {**field.default.model_dump(), **tree[key]}
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        places = {place: key for key, place in flat_fields(model).items()}
        problems, wanted = [], []
        for item in error.errors():
            place = tuple(str(part) for part in item["loc"] if isinstance(part, str))
            key = places.get(place) or places.get(place[:2]) or places.get(place[:1]) or ".".join(place)
            if item["type"] == "extra_forbidden":
                problems.append(f"recipe '{name}' has no option '{place[-1]}'")
                wanted.append(did_you_mean(place[-1], places.values()))
            elif item["type"] == "missing":
                problems.append(f"recipe '{name}' without --{key.replace('_', '-')}")
                wanted.append(model.model_fields[place[0]].description or "a value for it")
            else:
                problems.append(f"--{key.replace('_', '-')} {item['input']}")
                off = ", or none to leave it out" if _may_be_none(model, *flat_fields(model).get(key, ())) else ""
                wanted.append(item["msg"][0].lower() + item["msg"][1:] + off)
        raise UserError("; ".join(problems), "; ".join(dict.fromkeys(wanted)),
                        f"see: ganworks train {name} --help") from None

