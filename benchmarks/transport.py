"""Exact and sliced transport: seconds, gaps, and the sliced distance beside POT's in the same run.

    python benchmarks/transport.py            # about four minutes on 2 cores
    python benchmarks/transport.py --quick    # half a minute

Exact: two normal clouds in 2 and 64 dimensions, one run each after a warm-up; the gap is cost minus dual, divided by
the cost. Sliced: 512 directions, W1, both programs given the same directions, the best of several runs taken in turn.
"product" is the time of projecting both clouds alone, "sort" that of sorting the projections alone, on one thread:
nothing that projects and sorts in that precision is faster than the two, but for more threads.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from racing import machine

from ganworks.measure import sliced, transport


def clouds(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(n + d)
    return random.normal(size=(n, d)), random.normal(size=(n, d)) + 0.3


def seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def exact(sizes: tuple[int, ...]) -> None:
    print("| n = m | d | s | W1 | relative gap |\n|---|---|---|---|---|")
    transport(*clouds(50, 2))
    for d in (2, 64):
        for n in sizes:
            x, y = clouds(n, d)
            began = time.perf_counter()
            best = transport(x, y)
            took = time.perf_counter() - began
            print(f"| {n:,} | {d} | {took:.2f} | {best.distance:.8f} | {best.gap / best.cost:.0e} |", flush=True)


def beside_pot(sizes: tuple[int, ...], dimensions: tuple[int, ...], turns: int) -> None:
    import ot

    print("\n| n = m | d | POT s | ours s | times as fast | difference | float32 s | times | product s | sort s |\n"
          "|---|---|---|---|---|---|---|---|---|---|")
    for d in dimensions:
        for n in sizes:
            x, y = clouds(n, d)
            small = x.astype(np.float32), y.astype(np.float32)
            along = sliced(x, y).directions
            turned = np.ascontiguousarray(along.T)
            placed = along @ x.T
            contenders: dict[str, Callable[[], object]] = {
                "pot": lambda x=x, y=y, turned=turned: ot.sliced_wasserstein_distance(x, y, projections=turned, p=1),
                "ours": lambda x=x, y=y, along=along: sliced(x, y, directions=along),
                "single": lambda small=small, along=along: sliced(*small, directions=along),
                "product": lambda x=x, y=y, along=along: (along @ x.T, along @ y.T),
                "sort": lambda placed=placed: (np.sort(placed, axis=1), np.sort(placed, axis=1))}
            took = {name: float("inf") for name in contenders}
            for turn in range(turns):
                for name, do in contenders.items():
                    if name != "pot" or turn < 3:
                        took[name] = min(took[name], seconds(do))
            apart = abs(sliced(x, y, directions=along).distance - contenders["pot"]())  # type: ignore[operator]
            print(f"| {n:,} | {d} | {took['pot']:.3f} | {took['ours']:.4f} | {took['pot'] / took['ours']:.1f} | "
                  f"{apart:.0e} | {took['single']:.4f} | {took['pot'] / took['single']:.1f} | {took['product']:.4f} | "
                  f"{took['sort']:.4f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    print(f"{machine()}\n")
    exact((500, 1000, 2000) if args.quick else (500, 1000, 2000, 4000))
    sizes, dimensions = ((1000, 2000), (2, 64)) if args.quick else ((1000, 2000, 10_000), (2, 64, 784))
    beside_pot(sizes, dimensions, 5 if args.quick else 7)


if __name__ == "__main__":
    main()
