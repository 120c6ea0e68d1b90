"""Kill a training at random moments, resume it each time, and compare its end with an uninterrupted one.

  python benchmarks/kill_and_resume.py
  python benchmarks/kill_and_resume.py --recipe wgan-gp --kills 3

Every session is a real `ganworks train` in a process of its own; a kill is SIGKILL, at a random moment after a random
number of further steps. Compared are the last checkpoint (weights, average, optimiser states, counts) and all records
of the log but their times, to the last bit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ganworks.train import Run

OPTIONS = ["--data", "digits", "--width", "4", "--latent", "8", "--batch", "16", "--log-every", "1", "--sample-every",
           "1000000", "--measure", "none"]


def session(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start `ganworks train` with ``words`` in ``folder``."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GANWORKS_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "ganworks", "train", *words, "--threads", "1", "--quiet"]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def ended(process: subprocess.Popen[str]) -> None:
    """Wait for a session, which must end well."""
    said = process.communicate()[1]
    if process.returncode:
        raise SystemExit(f"a session ended with {process.returncode}: {said}")


def logged(run: Path) -> int:
    """Return the last step in the log of a run that may be in the making."""
    try:
        return int(json.loads((run / "log.jsonl").read_text().splitlines()[-1])["step"])
    except (OSError, IndexError, ValueError):
        return 0


def sessions(folder: Path, words: list[str], kills: int, steps: int) -> Iterator[tuple[int, int]]:
    """Kill and resume until the run is done; yield the step that each kill fell at and the checkpoint it left."""
    run, kept = folder / "cut", 0
    for _ in range(kills):
        process, begun = session(folder, *words), changed(run)
        # A resumed session rewrites the log first, so a changed log is a session that is under way.
        goal = kept + random.randint(1, steps // (kills + 2))
        while process.poll() is None and (changed(run) == begun or logged(run) < goal):
            time.sleep(0.005)
        time.sleep(random.uniform(0.0, 0.05))
        process.kill()
        said = process.communicate()[1]
        if process.returncode >= 0:
            raise SystemExit(f"the session ended by itself with {process.returncode} before the kill: {said}")
        found = Run(run).checkpoints()
        kept = int(found[-1].stem.split("-")[1]) if found else 0
        yield logged(run), kept
        words = ["--resume", "cut"]
    ended(session(folder, *words))


def changed(run: Path) -> int:
    """Return when the run's log was last written, 0 where there is none."""
    return (run / "log.jsonl").stat().st_mtime_ns if (run / "log.jsonl").exists() else 0


def differences(a: Any, b: Any, where: str = "checkpoint") -> list[str]:
    """Return where two trees of tensors and plain values differ in any bit."""
    if isinstance(a, torch.Tensor):
        return [] if torch.equal(a, b) else [where]
    if isinstance(a, dict):
        return [where] if list(a) != list(b) else [d for k in a for d in differences(a[k], b[k], f"{where}/{k}")]
    if isinstance(a, list):
        pairs = enumerate(zip(a, b, strict=True))
        return [d for i, (x, y) in pairs for d in differences(x, y, f"{where}/{i}")]
    return [] if a == b else [where]


def compared(folder: Path) -> tuple[list[str], int, int]:
    """Return the differences between both runs, the numbers compared and the records compared."""
    state, other = (Run(folder / name).load()[0] for name in ("cut", "whole"))
    logs = [[{k: v for k, v in record.items() if k != "seconds"} for record in Run(folder / name).records()]
            for name in ("cut", "whole")]
    if len(logs[0]) != len(logs[1]):
        return [f"{len(logs[0])} records, not {len(logs[1])}"], 0, 0
    return differences(state, other) + differences(logs[0], logs[1], "log"), numbers(state), len(logs[0])


def numbers(tree: Any) -> int:
    """Return how many numbers the tensors of a tree hold."""
    if isinstance(tree, torch.Tensor):
        return tree.numel()
    if isinstance(tree, dict | list):
        return sum(map(numbers, tree.values() if isinstance(tree, dict) else tree))
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="dcgan", help="default: %(default)s")
    parser.add_argument("--kills", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=1500, help="default: %(default)s")
    parser.add_argument("--every", type=int, default=50, help="steps between checkpoints (default: %(default)s)")
    args = parser.parse_args()
    words = [args.recipe, *OPTIONS, "--steps", str(args.steps), "--checkpoint-every", str(args.every)]
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}; {args.recipe} on digits, "
          f"{args.steps} steps, a checkpoint every {args.every}\n\n"
          "| kill | fell at step | went on from |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (step, kept) in enumerate(sessions(folder, [*words, "--run", "cut"], args.kills, args.steps), 1):
            print(f"| {number} | {step} | {kept} |", flush=True)
        ended(session(folder, *words, "--run", "whole"))
        found, count, records = compared(folder)
    print(f"\nbit-identical to an uninterrupted run: {'no' if found else 'yes'} ({count:,} numbers of the last "
          f"checkpoint, {records:,} records of the log)")
    if found:
        raise SystemExit("\n".join(found[:20]))


if __name__ == "__main__":
    main()
