"""What the machine's two choices are worth on a CPU: channels-last layout, and an allocator that keeps large blocks.

    python benchmarks/layout.py

The same training step of the product with either choice switched off, by turns (see racing.py).
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial

from racing import Step, machine, race, ratio

CASES = {"DCGAN-32, 3 channels, width 64": ("dcgan", 32, 3, 64, 6),
         "DCGAN-28, 1 channel, width 32": ("dcgan", 28, 1, 32, 30),
         "DCGAN-64, 3 channels, width 16": ("dcgan", 64, 3, 16, 10), "MLP 3x256, 28x28": ("mlp", 28, 1, 256, 120)}
CHOICES = {"both": (True, True), "no channels last": (False, True), "no kept blocks": (True, False),
           "neither": (False, False)}


def step_of(case: str, channels_last: bool, keep: bool) -> Step:
    """Build the trainer of a case with the machine's choices switched."""
    import torch

    import ganworks.train.machine as module
    from ganworks.data import from_torch
    from ganworks.design import objective_named
    from ganworks.game import Duel, Latent
    from ganworks.nets import DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator
    from ganworks.train import Adam, Machine, Recipe, Trainer

    if not keep:
        module._keep_large_blocks = lambda: None
    kind, side, channels, width, _ = CASES[case]
    shape = (channels, side, side)
    torch.manual_seed(0)
    networks = ((DCGANGenerator(shape, 100, width), DCGANCritic(shape, width)) if kind == "dcgan"
                else (MLPGenerator(shape, 100, [width] * 3), MLPCritic(shape, [width] * 3)))
    game = Duel(*networks, objective_named("nonsaturating"), Latent(100))
    data = from_torch(torch.randint(0, 256, (1024, *shape), dtype=torch.uint8))
    recipe = Recipe(game, data, {"generator": Adam(), "critic": Adam()}, steps=10**9)
    where = Machine("cpu")
    trainer = Trainer(recipe, where)
    if not channels_last:
        game.to(memory_format=torch.contiguous_format)
        where._channels_last = False
    return trainer.advance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bursts", type=int, default=5, help="turns that count (default: %(default)s)")
    args = parser.parse_args()
    print(f"{machine()}; batch 64, median of {args.bursts} turns\n")
    print("| case | choices | steps/s | both / it, median (min to max) |\n|---|---|---|---|")
    for case, facts in CASES.items():
        rates = race({name: partial(step_of, case, *choice) for name, choice in CHOICES.items()}, facts[-1],
                     args.bursts)
        for name, mine in rates.items():
            print(f"| {case} | {name} | {statistics.median(mine):.1f} | {ratio(rates['both'], mine)} |", flush=True)


if __name__ == "__main__":
    main()
