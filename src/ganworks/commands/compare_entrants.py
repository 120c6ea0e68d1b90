"""Who competes: from the words of the command line to recipes with checked options, and in what they differ."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ganworks.commands import train
from ganworks.errors import UserError, did_you_mean
from ganworks.recipes import Call, flat_fields

THE_SAME = {"steps": "--steps N or --seconds S", "seed": "--seeds", "data": "--data PATH"}
"""What is one for the whole tournament, and the option that sets it."""
WHEN = frozenset({"seed", "steps", "log_every", "sample_every", "checkpoint_every", "vitals_every", "keep",
                  "measure"})
"""Options that decide when something is written, and those that the tournament sets: no difference between recipes."""
FADING = {"noise": "noise_fade", "top": "top_fade"}
"""Options that change over a share of the steps, and that share."""
NETWORKS = ("network", "latent", "law", "width", "depth", "norm_generator")
"""What makes networks the same. The critic's normalisation is not among them: it is part of many a method."""
ENDLESS = 10**9
"""Steps of a run that a time budget ends."""
FEW = 10
"""Checkpoints, and with them measures, of a run whose cadence was not given."""


@dataclass(frozen=True)
class Entrant:
    """One competitor.

    Attributes:
        label: its name in tables.
        call: its recipe with all options, of seed 0.
        own: the options that were given to it alone, by their flat names.
    """

    label: str
    call: Call
    own: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Its label as the first part of the names of its runs' directories."""
        return folder_of(self.label)

    def values(self) -> dict[str, Any]:
        """Return every option by its flat name, as plain values."""
        tree = self.call.options.model_dump(mode="json")
        found = {}
        for name, place in flat_fields(type(self.call.options)).items():
            value: Any = tree
            for part in place:
                value = value[part]
            found[name] = value
        return found

    def with_seed(self, seed: int, steps: int | None = None) -> Call:
        """Return the call of one run."""
        given = {"seed": seed, **({} if steps is None else {"steps": steps})}
        return Call.load(self.call.text(), given, self.label)


def folder_of(label: str) -> str:
    """Return a label as a name of files."""
    return re.sub(r"[^A-Za-z0-9.+]+", "-", label).strip("-.") or "entrant"


def networks_of(entrant: Entrant) -> dict[str, Any]:
    """Return the options that make an entrant's networks; none where its family has networks of its own kind."""
    values = entrant.call.values
    return {name: values[name] for name in NETWORKS} if set(NETWORKS) <= set(values) else {}


def entrants(texts: Sequence[str], shared: Sequence[str], budget: Mapping[str, Any], alike: bool = False,
             first: Entrant | None = None) -> list[Entrant]:
    """Return the entrants that the command line names.

    Args:
        texts: "recipe", "recipe --option value ..." or "label=recipe ...".
        shared: words of the options that all recipes get which have them.
        budget: {"steps": N} or {"seconds": S}.
        alike: give all of them the networks of the first one, but for what an entrant asks for itself.
        first: that one, where it was known before.

    Raises:
        UserError: an unknown recipe or option, a bad value, two entrants of one label.
    """
    found: list[Entrant] = []
    strangers = []
    for text in texts:
        entrant, unknown = _entrant(text, shared, budget, networks_of(first) if alike and first else {})
        first = first or entrant
        found.append(entrant)
        strangers.append(unknown)
    for flag in strangers[0] if strangers else ():
        if all(flag in unknown for unknown in strangers):
            known = {name for entrant in found for name in flat_fields(type(entrant.call.options))}
            raise UserError(f"'{flag}' is an option of no entrant", did_you_mean(
                flag, ["--" + name.replace("_", "-") for name in known]),
                "see: ganworks compare --help, and ganworks train RECIPE --help for a recipe's options")
    refuse_twins(found)
    return found


def refuse_twins(found: Iterable[Entrant]) -> None:
    """Raise UserError where two entrants have the same label, or labels that give the same directory."""
    seen: dict[str, str] = {}
    for entrant in found:
        key = entrant.folder.lower()
        if key in seen:
            raise UserError(f"two entrants are called '{entrant.label}'" if seen[key] == entrant.label else
                            f"'{seen[key]}' and '{entrant.label}' would have the same directory, {entrant.folder}",
                            "a label of its own for each", f"name them, as in: \"other={entrant.label}\"")
        seen[key] = entrant.label


def _entrant(text: str, shared: Sequence[str], budget: Mapping[str, Any],
             networks: Mapping[str, Any]) -> tuple[Entrant, list[str]]:
    """Return an entrant, and the shared flags that its recipe does not know.

    Args:
        networks: what it gets where the words say nothing else; see ``networks_of``.
    """
    label, target, words = _parted(text)
    parser = _parser(target, text)
    taken, rest = parser.parse_known_args(list(shared))
    unknown = [word.partition("=")[0] for word in rest if word.startswith("--")]
    own = vars(parser.parse_args(words))
    for name, instead in THE_SAME.items():
        if name in own:
            raise UserError(f"'{text}' with a --{name} of its own", f"one for all entrants: {instead}")
    if "seed" in vars(taken):
        raise UserError("--seed in a tournament", "the seeds that every entrant is trained with: --seeds 3, or "
                        "--seeds 5,6,7")
    given = {**_cadence(budget), **vars(taken), **own, "steps": budget.get("steps", ENDLESS), "seed": 0}
    call = train._call(target, given)
    if networks and networks_of(Entrant(label, call)):
        call = train._call(target, {**networks, **given})
    if call.options.training.stop_when is not None:
        raise UserError(f"'{text}': --stop-when {call.options.training.stop_when} in a tournament",
                        "one budget for all entrants", "leave it out")
    if "seconds" in budget:
        _refuse_shares(text, Entrant(label, call).values())
    return Entrant(label, call, tuple(own)), unknown


def _refuse_shares(text: str, values: Mapping[str, Any]) -> None:
    """Raise UserError where an option is a share of the steps: nobody knows how many a time budget will hold."""
    shares = [f"--schedule {values['schedule']}"] if values["schedule"] != "constant" else []
    shares += [f"--{name} {values[name]:g} with --{fade.replace('_', '-')} {values[fade]:g}"
               for name, fade in FADING.items() if values.get(name) is not None and values.get(fade)]
    shares += [f"--penalty-fade {values['penalty_fade']:g}"] if values.get("penalty_fade") else []
    if shares:
        raise UserError(f"'{text}': {', '.join(shares)} in a tournament of --seconds",
                        "a known number of steps, over which that changes", "take --steps N, or leave that out")


def _cadence(budget: Mapping[str, Any]) -> dict[str, int | None]:
    # Pictures are drawn by the tournament at the end; checkpoints are what an interrupted run loses least by.
    every = max(1, budget["steps"] // FEW) if "steps" in budget else 200
    return {"checkpoint_every": every, "sample_every": budget.get("steps", ENDLESS), "vitals_every": None}


def _parted(text: str) -> tuple[str, str, list[str]]:
    """Return label, recipe and further words of an entrant's text."""
    named = re.match(r"([^=]+?)\s*=\s*(\S.*)$", text, re.DOTALL)
    label, rest = (named[1], named[2]) if named and "--" not in named[1] else (None, text)
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UserError(f"entrant '{text}': {error}", "a recipe and its options, as in \"dcgan --r1 1\"") from None
    if not words or words[0].startswith("-"):
        raise UserError(f"entrant '{text}' names no recipe", "a recipe, then its options, as in \"dcgan --r1 1\"",
                        "see: ganworks list recipes")
    if label is None:
        name = words[0].split(":")[-1] if ".py:" in words[0] else words[0]
        label = " ".join([name, *(word.removeprefix("--") for word in words[1:])])
    return label.strip(), words[0], words[1:]


def _parser(target: str, text: str) -> argparse.ArgumentParser:
    from ganworks.cli import Parser

    parser = Parser(prog=f"ganworks compare '{text}'", add_help=False, allow_abbrev=False)
    train.add_options(parser, target)
    return parser


def refuse_other_data(found: Sequence[Entrant]) -> None:
    """Raise UserError where entrants learn from different data: their figures could not be compared."""
    for entrant in found[1:]:
        if entrant.call.options.data != found[0].call.options.data:
            mine, first = (yaml.safe_dump(e.call.options.data.model_dump(mode="json"), default_flow_style=True).strip()
                           for e in (entrant, found[0]))
            raise UserError(f"'{entrant.label}' learns from {mine}, '{found[0].label}' from {first}",
                            "the same data for all", "give --data, --size and the like once, for all entrants")


def settings(found: Sequence[Entrant], networks: Mapping[str, Mapping[str, int]]) -> tuple[dict[str, str],
                                                                                         list[dict[str, Any]]]:
    """Return what is equal between all entrants, and a record for each thing in which they differ.

    Args:
        networks: trainable numbers of each player, by entrant.

    Returns:
        name -> value; and {"name", "values": {label: value}, "asked": labels that were given this value alone}. An
        entrant whose recipe has no such option has no value. Options of recipe families that only one entrant has
        are differences too.
    """
    table = {entrant.label: entrant.values() for entrant in found}
    names = dict.fromkeys(name for values in table.values() for name in values if name not in WHEN)
    equal: dict[str, str] = {"recipe": found[0].call.name} if len({e.call.name for e in found}) == 1 else {}
    differing: list[dict[str, Any]] = []
    for name in names:
        values = {label: written(values[name]) for label, values in table.items() if name in values}
        if len(values) == len(found) and len(set(values.values())) == 1:
            equal[name] = next(iter(values.values()))
        elif len(found) > 1:
            differing.append({"name": name, "values": values,
                              "asked": [entrant.label for entrant in found if name in entrant.own]})
    sizes = {label: ", ".join(f"{player} {count:,}" for player, count in players.items())
             for label, players in networks.items()}
    if len(set(sizes.values())) == 1:
        equal["trainable numbers"] = next(iter(sizes.values()))
    elif sizes:
        differing.insert(0, {"name": "trainable numbers", "values": sizes, "asked": []})
    return equal, differing


def written(value: Any) -> str:
    """Return an option's value as the command line takes it."""
    if value is None:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def stored(label: str, facts: Mapping[str, Any]) -> Entrant:
    """Return the entrant that ``kept`` wrote down."""
    return Entrant(label, Call.load(yaml.safe_dump(facts["call"]), where=label), tuple(facts["own"]))


def kept(entrant: Entrant, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return an entrant as plain values: its call as a recipe.yaml has it, and beside it what the tournament knows."""
    return {"own": list(entrant.own), "sizes": dict(sizes), "call": yaml.safe_load(entrant.call.text())}
