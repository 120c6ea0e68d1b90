"""What the program says while it works: notes, warnings and progress bars, all on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

T = TypeVar("T")


@cache
def console() -> Console:
    """Return the console on standard error (rich is imported at the first use)."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)  # finds sys.stderr at each line, whoever has replaced it


def note(message: str) -> None:
    """Print a line for the user on standard error."""
    console().print(message, markup=False, soft_wrap=True)


def warn(message: str) -> None:
    """Print a warning on standard error."""
    console().print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)


def bar(unit: str = "it", transient: bool = True) -> Progress:
    """Return a rich progress bar with rate and ETA; add tasks to it inside ``with``.

    The rate column shows ``unit`` per second; the field ``info`` of a task is printed at the end of its line.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task):  # type: ignore[no-untyped-def]
            return Text("" if task.speed is None else f"{task.speed:,.1f} {unit}/s")

    columns = [TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), Rate(),
               TextColumn("ETA"), TimeRemainingColumn(), TextColumn("{task.fields[info]}")]
    return Progress(*columns, console=console(), transient=transient, speed_estimate_period=30.0)


def track(items: Iterable[T], total: int, description: str, unit: str = "it") -> Iterator[T]:
    """Yield ``items`` behind a progress bar. Off a terminal, print a line every ten seconds instead.

    Work that is over within two seconds off a terminal prints nothing.
    """
    if console().is_terminal:
        with bar(unit) as progress:
            task = progress.add_task(description, total=total, info="")
            for item in items:
                yield item
                progress.advance(task)
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= 10:
            last, rate = now, done / (now - start)
            note(f"{description}: {done}/{total}, {rate:,.1f} {unit}/s, ETA {(total - done) / rate:,.0f} s")
