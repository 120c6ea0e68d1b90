"""The whole catalogue, certified: one row for each entry, worked out by two processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import Any

WORKERS = 2
FEW = 4
"""Up to as many entries are done here: starting a process takes longer than they do."""
HEADINGS = ("name", "verdict", "critic measures", "generator descends", "disjoint", "near p = q", "forms", "output",
            "seconds")


@dataclass(frozen=True)
class Row:
    """What one entry of the catalogue comes to; ``seconds`` to make, certify and compile it."""

    name: str
    verdict: str
    critic: str
    generator: str
    disjoint: str
    local: str
    forms: str
    output: str
    seconds: float
    why: str = ""

    def cells(self) -> list[str]:
        """Return the row for a table; what follows the comma in a divergence's name is its formula, left out here."""
        critic, generator = (_short(text) for text in (self.critic, self.generator))
        return [self.name, self.verdict, critic, "the same" if generator == critic else generator, self.disjoint,
                self.local, self.forms, self.output, f"{self.seconds:.2f}"]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def _short(text: str) -> str:
    if text.startswith("int p "):  # no name, but perhaps a formula
        formula = text.partition("), ")[2]
        return formula if len(formula) <= 44 else "no name of its own"
    return text.partition(", int ")[0].partition(", m = ")[0]


def rows(names: Sequence[str]) -> Iterator[Row]:
    """Yield a row for each name of the catalogue, as they come."""
    if len(names) <= FEW:
        yield from map(examine, names)
        return
    # Spawned, not forked: this process may have threads of torch by now.
    pool = ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn"), _calm)
    try:
        for done in as_completed([pool.submit(examine, name) for name in names]):
            yield done.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _calm() -> None:
    import signal

    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others


def examine(name: str) -> Row:
    """Return the row of one entry."""
    from ganworks.design import Design
    from ganworks.design.catalogue import entries
    from ganworks.design.summary import summarise
    from ganworks.errors import UserError

    began = time.monotonic()
    found = entries()[name]()
    if not isinstance(found, Design):
        return Row(name, "-", "not derived", "-", "-", "-", "-", "linear", time.monotonic() - began,
                   found.note.removeprefix("not derived: "))
    summary = summarise(found)
    try:
        output = "-" if summary.verdict == "reject" else _output(found.compile())
    except UserError as error:
        output = f"none: {error.problem}"
    return Row(name, summary.verdict, summary.critic, summary.generator, summary.disjoint, summary.local, summary.forms,
               output, time.monotonic() - began, summary.why)


def _output(objective: Any) -> str:
    import torch

    at = torch.tensor([-1.5, 2.0])
    same = objective.optimum is not None and bool(torch.allclose(objective.optimum(at), at))
    return "logit" if same else "linear"


def show_catalogue(as_json: bool) -> int:
    """Certify and print the whole catalogue; return 0 where none is rejected or undecided, 1 for a reject, else 2."""
    import json

    from ganworks.commands.design_text import in_colour, table
    from ganworks.console import track
    from ganworks.design.catalogue import entries

    names = list(entries())
    found = sorted(track(rows(names), len(names), "certifying the catalogue", "designs"), key=lambda row: row.name)
    if as_json:
        print(json.dumps([row.to_json() for row in found], indent=2))
    else:
        print(table(HEADINGS, [row.cells() for row in found], in_colour()))
        for row in found:
            if row.why:
                print(f"{row.name}: {row.why}")
        print(_counted([row.verdict for row in found]))
    verdicts = {row.verdict for row in found}
    return 1 if "reject" in verdicts else 2 if "not decided" in verdicts else 0


def _counted(verdicts: Sequence[str]) -> str:
    counts = {word: verdicts.count(word) for word in ("accept", "warn", "reject", "not decided")}
    rest = verdicts.count("-")
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    return f"{len(verdicts)} objectives: " + ", ".join([*parts, *([f"{rest} that cannot be derived"] if rest else [])])
