"""Does memory stay flat? The resident size of a training after 200 and after 2,000 steps.

  python benchmarks/memory.py

Each case is trained in a process of its own, with its log, checkpoints, pictures and average.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

CASES = {"MLP, ring8": ("gan", {"data": "ring8", "width": 64}),
         "MLP with gradient penalty, ring8": ("wgan-gp", {"data": "ring8", "width": 16, "critic_steps": 2}),
         "DCGAN, digits 8x8": ("dcgan", {"data": "digits", "width": 16})}
EARLY, LATE = 200, 2000


def resident() -> float:
    """Return this process's resident memory in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measured(case: str, late: int) -> tuple[float, float]:
    """Train a case in this process; return MiB after the early and after the late step."""
    import torch

    from ganworks.recipes import Call
    from ganworks.train import Hook, Recipe, Trainer, fit

    torch.set_num_threads(1)
    sizes: dict[int, float] = {}

    class Watch(Hook):
        def stepped(self, trainer: Trainer) -> None:
            if trainer.step in (EARLY, late):
                sizes[trainer.step] = resident()

    name, options = CASES[case]
    # Some checkpoints and pictures come before the first look: what they load stays loaded.
    every: dict[str, Any] = {"steps": late, "checkpoint_every": 40, "sample_every": 40, "measure": 64}
    recipe = Call.make(name, {}, {**options, **every}).build()
    recipe = Recipe(**{**vars(recipe), "hooks": [*recipe.hooks, Watch()]})
    with tempfile.TemporaryDirectory() as folder:
        fit(recipe, Path(folder) / "run", quiet=True)
    return sizes[EARLY], sizes[late]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--late", type=int, default=LATE, help="the later step (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    args = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}\n\n| case | MiB at step {EARLY} | at step {args.late} | "
          "difference |\n|---|---|---|---|")
    found = {}
    for case in CASES:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            early, late = pool.apply(measured, (case, args.late))
        found[case] = late - early
        print(f"| {case} | {early:,.1f} | {late:,.1f} | {late - early:+,.1f} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
