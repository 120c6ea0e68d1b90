"""What a lens costs: a training step of DCGAN-32, width 32, with each, against the same step without, side by side.

    python benchmarks/lenses.py               # about 5 minutes on 2 cores
    python benchmarks/lenses.py --bursts 5    # fewer turns

A step looks through the lens three times (at real and generated samples in the critic's move, at generated ones in the
generator's) and takes one gradient back. The floor is what copying would take: at each of the four, every number of
the batch read once and written once.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial
from typing import Any

from racing import Step, machine, race

BATCH, SHAPE, WIDTH, LOOKS = 64, (3, 32, 32), 32, 4


def lens_named(name: str) -> Any:
    from ganworks.game import ADA, DiffAugment, InstanceNoise

    lenses = {"none": lambda: None, "noise": lambda: InstanceNoise(0.1), "diffaugment": DiffAugment, "ADA, p = 0": ADA}
    for policy in ("color", "translation", "cutout"):
        lenses[f"diffaugment, {policy}"] = partial(DiffAugment, (policy,))
    for p in (0.1, 0.6):
        lenses[f"ADA, p = {p}"] = partial(ADA, None, start=p)
    return lenses[name]()


NAMES = ("none", "noise", "diffaugment", "diffaugment, color", "diffaugment, translation", "diffaugment, cutout",
         "ADA, p = 0", "ADA, p = 0.1", "ADA, p = 0.6")


def step_of(name: str) -> Step:
    import torch

    from ganworks.data import from_torch
    from ganworks.design import objective_named
    from ganworks.game import Duel, Latent
    from ganworks.nets import DCGANCritic, DCGANGenerator
    from ganworks.train import Adam, Recipe, Trainer

    torch.manual_seed(0)
    images = torch.randint(0, 256, (2048, *SHAPE), dtype=torch.uint8)
    game = Duel(DCGANGenerator(SHAPE, 100, WIDTH), DCGANCritic(SHAPE, WIDTH), objective_named("nonsaturating"),
                Latent(100), lens=lens_named(name))
    adam = Adam(1e-4, (0.5, 0.9))
    recipe = Recipe(game, from_torch(images), {"generator": adam, "critic": adam}, steps=10**9, batch=BATCH)
    return Trainer(recipe).advance


def floor() -> float:
    """Return the milliseconds of the step's unavoidable copies: the best of many, in memory that stays allocated."""
    import torch

    x = torch.zeros(BATCH, *SHAPE)
    y, best = torch.empty_like(x), float("inf")
    for _ in range(200):
        began = time.perf_counter()
        y.copy_(x)
        best = min(best, time.perf_counter() - began)
    return LOOKS * best * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bursts", type=int, default=15, help="turns that count (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=8, help="steps a turn (default: %(default)s)")
    args = parser.parse_args()
    rates = race({name: partial(step_of, name) for name in NAMES}, args.steps, args.bursts)
    size = LOOKS * 2 * 4 * BATCH * SHAPE[0] * SHAPE[1] * SHAPE[2] / 1e6
    print(f"{machine()}; DCGAN-32, width {WIDTH}, batch {BATCH}, median of {args.bursts} turns; "
          f"floor {floor():.2f} ms a step ({size:.1f} MB)\n")
    print("| lens | ms a step | more than without, ms | with / without, median (min to max) |\n|---|---|---|---|")
    for name, mine in rates.items():
        pairs = list(zip(rates["none"], mine, strict=True))
        times = [plain / rate for plain, rate in pairs]
        more = statistics.median(1e3 / rate - 1e3 / plain for plain, rate in pairs)
        print(f"| {name} | {1e3 / statistics.median(mine):.1f} | {more:.2f} | "
              f"{statistics.median(times):.3f} ({min(times):.3f} to {max(times):.3f}) |")


if __name__ == "__main__":
    main()
