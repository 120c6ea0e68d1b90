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
