"""What foreseeing costs: the time of a training step and its peak memory at K unrolled critic steps.

    python benchmarks/unrolled.py                          # K = 0, 1, 5, 10 on an MLP and on a DCGAN, about 15 minutes
    python benchmarks/unrolled.py mlp --bursts 5 --foreseen 1 5

Contenders run side by side in bursts by turns (see racing.py). The unit is a plain critic step, measured as a
tenth of what ten more critic steps add to a step of the same game; beside it stands the same ratio of the operations in
products, counted as both run, which is the same on every machine. "Least" adds to these the time in which this machine
reads and writes what Adam inside must: 7 arrays of the critic's size (weights, gradient and two moments read, three of
them written), and 9 on the way back (three slopes and three arrays kept, and three slopes written). Memory is what
three steps add to the largest resident size of a process of its own (Linux), behind the building of networks and data.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import statistics
from functools import partial
from pathlib import Path
from typing import Any

from penalties import an_array, products
from racing import Step, machine, race

BATCH, RATE = 64, 1e-4
ARRAYS = 7 + 9
"""So many arrays of the critic's size an inner step of Adam, and its way back, read or write."""
CASES: dict[str, dict[str, Any]] = {
    "mlp": {"side": 28, "latent": 64, "steps": 5, "title": "MLP 3x256, 28x28"},
    "dcgan": {"side": 32, "latent": 64, "steps": 1, "title": "DCGAN-32, width 32, no normalisation in the critic"}}


def networks(case: str) -> tuple[Any, Any]:
    import torch

    from ganworks.nets import DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator

    torch.manual_seed(0)
    shape = (1, CASES[case]["side"], CASES[case]["side"])
    if case == "mlp":
        return MLPGenerator(shape, 64, [256] * 3), MLPCritic(shape, [256] * 3)
    return DCGANGenerator(shape, 64, 32), DCGANCritic(shape, 32, "none")


def a_step(case: str, foreseen: int, critic_steps: int = 1, optimiser: Any = "adam",
           first_order: bool = False) -> Step:
    """Return the trainer's step at K = ``foreseen``."""
    import torch

    from ganworks.data import from_torch
    from ganworks.design import objective_named
    from ganworks.game import Duel, Latent, Unrolled
    from ganworks.train import Adam, Machine, Recipe, Trainer

    torch.set_num_threads(1)
    generator, critic = networks(case)
    foresight = Unrolled(foreseen, RATE, optimiser, first_order=first_order) if foreseen else None
    game = Duel(generator, critic, objective_named("nonsaturating"), Latent(64), critic_steps=critic_steps,
                foresight=foresight)
    data = torch.randint(0, 256, (512, 1, CASES[case]["side"], CASES[case]["side"]), dtype=torch.uint8)
    recipe = Recipe(game, from_torch(data), {"generator": Adam(RATE), "critic": Adam(RATE)}, 10**9, BATCH)
    return Trainer(recipe, Machine("cpu")).advance


def measured(case: str, contender: dict[str, Any], pipe: Any) -> None:
    """Send what three steps add to the largest resident size, in MiB."""
    step = a_step(case, **contender)
    Path("/proc/self/clear_refs").write_text("5")  # the largest size so far is the size now
    before = peak()
    for _ in range(3):
        step()
    pipe.send(peak() - before)


def peak() -> float:
    """Return the largest resident size since it was last cleared (Linux), in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def memory(case: str, contender: dict[str, Any]) -> float:
    context = mp.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=measured, args=(case, contender, there))
    process.start()
    grown = here.recv()
    process.join()
    return grown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--bursts", type=int, default=9, help="turns that count (default: %(default)s)")
    parser.add_argument("--foreseen", type=int, nargs="+", default=[1, 5, 10], help="K (default: 1 5 10)")
    args = parser.parse_args()
    print(f"{machine()}, 1 used; batch {BATCH}, Adam inside unless said otherwise, median of {args.bursts} turns\n")
    print("| case | K | ms a step | above K = 0, in critic steps | a foreseen step costs | in operations | least | "
          "peak memory |\n|---|---|---|---|---|---|---|---|")
    for case in args.cases or CASES:
        table(case, args.bursts, [k for k in args.foreseen if k])


def operations(case: str, contender: dict[str, Any]) -> float:
    """Return the products of a foreseen step over those of a plain critic step."""
    plain, eleven, mine = (products(a_step(case, **facts))
                           for facts in ({"foreseen": 0}, {"foreseen": 0, "critic_steps": 11}, contender))
    return (mine - plain) / contender["foreseen"] / ((eleven - plain) / 10)


def table(case: str, bursts: int, foreseen: list[int]) -> None:
    """Print a case's rows."""
    most = max(foreseen)
    contenders: dict[str, dict[str, Any]] = {
        "0": {"foreseen": 0}, "eleven": {"foreseen": 0, "critic_steps": 11},
        **{str(k): {"foreseen": k} for k in foreseen},
        f"{most}, SGD inside": {"foreseen": most, "optimiser": "sgd"},
        f"{most}, first order": {"foreseen": most, "first_order": True}}
    rates = race({name: partial(a_step, case, **facts) for name, facts in contenders.items()},
                 CASES[case]["steps"], bursts)
    seconds = {name: [1 / rate for rate in found] for name, found in rates.items()}
    for name, found in seconds.items():
        if name == "eleven":
            continue
        more = [10 * (mine - plain) / (eleven - plain)
                for mine, plain, eleven in zip(found, seconds["0"], seconds["eleven"], strict=True)]
        k, cells = contenders[name]["foreseen"], [""] * 4
        if k:
            counted, least = operations(case, contenders[name]), ""
            if "optimiser" not in contenders[name] and "first_order" not in contenders[name]:
                critic_step = statistics.median(seconds["eleven"]) - statistics.median(seconds["0"])
                numbers = sum(p.numel() for p in networks(case)[1].parameters())
                least = f"{counted + ARRAYS * an_array(numbers) / (critic_step / 10):.2f}"
            cells = [f"{statistics.median(more):.1f} ({min(more):.1f} to {max(more):.1f})",
                     f"{statistics.median(more) / k:.2f} critic steps", f"{counted:.2f}", least]
        print(f"| {CASES[case]['title']} | {name} | {1000 * statistics.median(found):.1f} | {' | '.join(cells)} | "
              f"{memory(case, contenders[name]):.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
