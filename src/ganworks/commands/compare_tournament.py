"""A tournament on disk: who competes, with which seeds, for how long, and how it is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ganworks.commands.compare_entrants import (
    ENDLESS,
    Entrant,
    kept,
    networks_of,
    refuse_other_data,
    refuse_twins,
    stored,
    written,
)
from ganworks.errors import UserError
from ganworks.files import write_text
from ganworks.recipes import Call

FILE = "tournament.yaml"


@dataclass(frozen=True)
class Tournament:
    """What every worker must know, and nothing of who works.

    Attributes:
        out: the directory.
        entrants: in the order in which they were given.
        seeds: each entrant is trained with each of them.
        budget: {"steps": N} or {"seconds": S}.
        judging: how runs are judged: {"features", "n"}.
        networks: trainable numbers of each player, by entrant.
        alike: whether entrants have the networks of the first one, where they ask for no others.
    """

    out: Path
    entrants: tuple[Entrant, ...]
    seeds: tuple[int, ...]
    budget: Mapping[str, Any]
    judging: Mapping[str, Any]
    networks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    alike: bool = False

    @classmethod
    def open(cls, out: Path) -> Tournament:
        """Read the tournament in ``out``."""
        path = out / FILE
        if not path.is_file():
            raise UserError(f"{out} holds no tournament", "the directory of one, with its tournament.yaml",
                            "start one: ganworks compare RECIPE RECIPE --steps N --out DIR")
        try:
            tree = yaml.safe_load(path.read_text(encoding="utf-8"))
            found = tree["entrants"]
            return cls(out, tuple(stored(label, facts) for label, facts in found.items()), tuple(tree["seeds"]),
                       dict(tree["budget"]), dict(tree["judging"]),
                       {label: facts["sizes"] for label, facts in found.items()}, bool(tree.get("alike", False)))
        except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path} is no tournament any more: {str(error).splitlines()[0]}",
                            "the file as ganworks compare wrote it", "take another --out, or put it back") from error

    def save(self) -> None:
        """Write the tournament, atomically."""
        tree = {"budget": dict(self.budget), "seeds": list(self.seeds), "judging": dict(self.judging),
                "alike": self.alike,
                "entrants": {e.label: kept(e, self.networks.get(e.label, {})) for e in self.entrants}}
        write_text(self.out / FILE, "# A tournament of ganworks compare.\n"
                   + yaml.safe_dump(tree, sort_keys=False, default_flow_style=None))

    @property
    def pairs(self) -> list[tuple[str, int]]:
        """All runs as (label, seed), a seed of all entrants before the next one: what is done first can be compared."""
        return [(entrant.label, seed) for seed in self.seeds for entrant in self.entrants]

    def entrant(self, label: str) -> Entrant:
        return next(entrant for entrant in self.entrants if entrant.label == label)

    def run_of(self, label: str, seed: int) -> Path:
        """Return the directory of a run."""
        return self.out / f"{self.entrant(label).folder}-seed-{seed}"

    def call_of(self, label: str, seed: int) -> Call:
        """Return the call of a run."""
        return self.entrant(label).with_seed(seed, self.budget.get("steps", ENDLESS))

    def budget_words(self) -> str:
        if "steps" in self.budget:
            return f"{self.budget['steps']:,} generator steps each"
        return f"{self.budget['seconds']:g} s of training each"

    def networks_words(self) -> str:
        """Say whose networks the entrants have."""
        shared = networks_of(self.entrants[0]) if self.alike else {}
        if not shared:
            return "each recipe's own networks"
        return f"the networks of '{self.entrants[0].label}' for all: " + " ".join(
            f"--{name.replace('_', '-')} {written(value)}" for name, value in shared.items())

    def merged(self, other: Tournament) -> Tournament:
        """Return this tournament with what ``other`` adds: entrants, seeds.

        Raises:
            UserError: they differ in what must be the same.
        """
        differing = [f"--{name} {_said(mine.get(name))}, not {_said(theirs.get(name))}"
                     for mine, theirs in ((self.budget, other.budget), (self.judging, other.judging))
                     for name in dict.fromkeys([*mine, *theirs]) if mine.get(name) != theirs.get(name)]
        known = {entrant.label: entrant for entrant in self.entrants}
        for entrant in other.entrants:
            if entrant.label in known:
                lines = known[entrant.label].call.differs(entrant.call)
                differing += [f"'{entrant.label}': {line}" for line in lines]
        if differing:
            raise UserError(f"{self.out} holds another tournament: " + "; ".join(differing),
                            "the same settings; entrants and seeds may be added", "take another --out")
        fresh = [entrant for entrant in other.entrants if entrant.label not in known]
        both = (*self.entrants, *fresh)
        refuse_twins(both)
        refuse_other_data(both)
        seeds = tuple(dict.fromkeys((*self.seeds, *other.seeds)))
        return replace(self, entrants=both, seeds=tuple(sorted(seeds)),
                       networks={**self.networks, **{e.label: other.networks.get(e.label, {}) for e in fresh}})


def _said(value: Any) -> str:
    return "not given" if value is None else str(value)


@contextmanager
def locked(out: Path, name: str) -> Iterator[None]:
    """Hold a lock of the tournament in ``out``; it falls with the process that holds it."""
    from filelock import FileLock

    folder = out / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):
        yield


def refuse_stranger(out: Path) -> None:
    """Raise UserError where ``out`` holds something else than a tournament."""
    if not out.exists() or (out / FILE).is_file():
        return
    if not out.is_dir():
        raise UserError(f"{out} is a file", "a directory for the tournament", "take another --out")
    foreign = sorted(path.name for path in out.iterdir() if path.name not in ("claims", "extractor"))
    if foreign:
        raise UserError(f"{out} is not empty and holds no tournament ({', '.join(foreign[:3])} ...)",
                        "a new directory, or that of a tournament", "take another --out")


def seeds_of(text: str) -> tuple[int, ...]:
    """Read --seeds: how many (3 means 0, 1, 2), or which (5,6,7)."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdigit() for part in parts):
        raise UserError(f"--seeds {text}", "how many, as in 3 (seeds 0, 1 and 2), or which, as in 5,6,7")
    if "," in text:
        return tuple(sorted(dict.fromkeys(int(part) for part in parts)))
    if int(text) < 1:
        raise UserError(f"--seeds {text}", "at least 1; 3 or more to tell a difference from chance")
    return tuple(range(int(text)))


def budget_of(steps: int | None, seconds: float | None) -> dict[str, Any]:
    """Return the budget that was asked for."""
    if (steps is None) == (seconds is None):
        raise UserError("neither --steps nor --seconds" if steps is None else "both --steps and --seconds",
                        "one of them: what each run may spend", "add --steps 2000, say" if steps is None else
                        "leave one out")
    if steps is not None:
        if steps < 1:
            raise UserError(f"--steps {steps}", "at least 1")
        return {"steps": steps}
    assert seconds is not None
    if not 0 < seconds < float("inf"):
        raise UserError(f"--seconds {seconds:g}", "more than 0")
    return {"seconds": seconds}


def of_words(out: Path, found: Sequence[Entrant], seeds: tuple[int, ...], budget: Mapping[str, Any],
             judging: Mapping[str, Any], alike: bool) -> Tournament:
    """Return the tournament that the command line asks for, before it meets what is on disk."""
    refuse_other_data(found)
    return Tournament(out, tuple(found), seeds, budget, judging, alike=alike)
