"""Contenders side by side: each in a process of its own, running in bursts by turns, compared pair by pair."""

from __future__ import annotations

import multiprocessing as mp
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Step = Callable[[], None]


def machine() -> str:
    """Return what the figures were measured on."""
    import torch

    names = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    chip = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    return (f"{chip}{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
            f"{torch.get_num_threads()} threads, Python {platform.python_version()}, torch {torch.__version__}")


def device() -> str:
    """Return where contenders run: on the GPU where there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def wait() -> None:
    """Wait until the GPU, where there is one, has done what was asked of it."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def worker(make: Callable[[], Step], pipe: Any) -> None:
    """Build a contender, then play a burst of steps whenever asked, and answer with its seconds."""
    try:
        step = make()
        for _ in range(3):
            step()
        wait()
        pipe.send("ready")
    except Exception as error:  # the parent says so and goes on without this contender
        pipe.send(f"{type(error).__name__}: {error}")
        return
    while (count := pipe.recv()):
        began = time.perf_counter()
        for _ in range(count):
            step()
        wait()
        pipe.send(time.perf_counter() - began)


def race(contenders: Mapping[str, Callable[[], Step]], steps: int, bursts: int) -> dict[str, list[float]]:
    """Return steps/s of each contender in each of ``bursts`` turns of ``steps`` steps; a first turn warms up."""
    context, pipes, people = mp.get_context("spawn"), {}, {}
    for name, make in contenders.items():
        here, there = context.Pipe()
        people[name] = context.Process(target=worker, args=(make, there), daemon=True)
        people[name].start()
        answer = here.recv()
        if answer == "ready":
            pipes[name] = here
        else:
            print(f"{name} is left out: {answer}", file=sys.stderr)
    rates: dict[str, list[float]] = {name: [] for name in pipes}
    for turn in range(bursts + 1):
        for name, pipe in pipes.items():
            pipe.send(steps)
            seconds = pipe.recv()
            if turn:
                rates[name].append(steps / seconds)
    for name, pipe in pipes.items():
        pipe.send(0)
        people[name].join()
    return rates


def ratio(mine: Sequence[float], other: Sequence[float]) -> str:
    """Return the median of the turn-by-turn ratios with their range."""
    ratios = [a / b for a, b in zip(mine, other, strict=True)]
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
