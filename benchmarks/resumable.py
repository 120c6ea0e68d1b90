"""Many independent runs in parallel processes; each that is finished is a line of a file, and is not played again."""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

Job = dict[str, Any]
"""What is to be run: plain values by name; all of them together are its key."""


def records(path: Path) -> list[dict[str, Any]]:
    """Return the finished runs of a file; a last line that was cut off while it was written is left out."""
    kept = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            kept.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return kept


def record_of(job: Job, kept: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the record of a job, or None where it is not finished."""
    return next((record for record in kept if all(record.get(name) == value for name, value in job.items())), None)


def play(jobs: Sequence[Job], work: Callable[[Job], dict[str, Any]], path: Path, workers: int) -> list[dict[str, Any]]:
    """Run the jobs that ``path`` does not have, append what comes of each, and return the records of all that ended.

    Args:
        work: a function of a module, from a job to what was found; it runs in a process of its own with one thread.
        path: JSON lines, one for each finished run: the job's values and then what was found, numbers by name.
    """
    kept = records(path)
    left = [job for job in jobs if record_of(job, kept) is None]
    print(f"{len(jobs)} runs, of which {len(jobs) - len(left)} are finished in {path}", file=sys.stderr)
    if left:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"  # the processes inherit it
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.read_text().endswith("\n"):
            with path.open("a") as file:
                file.write("\n")
        _play(left, work, path, workers)
    kept = records(path)
    return [record for job in jobs if (record := record_of(job, kept)) is not None]


def _play(left: Sequence[Job], work: Callable[[Job], dict[str, Any]], path: Path, workers: int) -> None:
    began = time.monotonic()
    with ProcessPoolExecutor(workers, mp.get_context("spawn")) as pool:
        waiting = {pool.submit(work, job): job for job in left}
        try:
            for number, future in enumerate(as_completed(waiting), 1):
                job = waiting[future]
                what = " ".join(str(value) for value in job.values())
                if (error := future.exception()) is not None:
                    print(f"{what}: {type(error).__name__}: {error}", file=sys.stderr)
                    continue
                found = future.result()
                with path.open("a") as file:
                    file.write(json.dumps(job | found) + "\n")
                ahead = (time.monotonic() - began) / number * (len(left) - number) / 60
                told = "  ".join(f"{name} {value:.4g}" for name, value in found.items()
                                 if isinstance(value, int | float))
                print(f"{number}/{len(left)}  {what}:  {told}  ({ahead:.0f} min to go)", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise SystemExit("interrupted; what is finished is kept, run it again to go on") from None
