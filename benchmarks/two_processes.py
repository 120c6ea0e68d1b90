"""Two processes against one: the same global batch, ten steps, the largest differences of costs and weights.

  python benchmarks/two_processes.py

Each case is trained here in one process, then by torchrun in two that talk over gloo. Gradients are averaged by one
flat all-reduce, so both are the same training but for rounding. Batch normalisation takes the rows of each process by
themselves, as it takes the parts of an accumulated batch, so there one process plays the batch in two parts.

The Wasserstein critic's cost is linear in its output, so the bias of a unit that is active for every sample has the
gradient 0. In floating point it is a rounding error, which Adam blows up to a whole step whatever the number of
processes. That case is played by descent without moments; the case behind it shows what Adam makes of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ganworks.data import DataOptions, Source, open_source
from ganworks.game import Costs, Move, Round
from ganworks.recipes import Call
from ganworks.train import Hook, Machine, Recipe, Trainer

STEPS, SEED = 10, 0
SMALL: dict[str, Any] = {"steps": STEPS, "seed": SEED, "latent": 8, "batch": 32, "measure": None}
ADAM = "WGAN-GP, MLP, ring8, Adam"
CASES: dict[str, tuple[str, str, dict[str, Any], dict[str, int]]] = {
    # name: recipe, data, options, parts in one process and in each of two
    "WGAN-GP, MLP, ring8, SGD": ("wgan-gp", "ring8", {"width": 8, "norm_generator": "none", "optimiser": "sgd",
                                                      "lr": 1e-3}, {"one": 1, "two": 1}),
    ADAM: ("wgan-gp", "ring8", {"width": 8, "norm_generator": "none"}, {"one": 1, "two": 1}),
    "WGAN-GP, DCGAN, digits": ("wgan-gp", "digits", {"width": 8, "norm_generator": "instance"}, {"one": 1, "two": 1}),
    "DCGAN, instance norm, digits": (
        "dcgan", "digits", {"width": 8, "norm_generator": "instance", "norm_critic": "instance"}, {"one": 1, "two": 1}),
    "DCGAN, spectral norm, lazy R1, digits": (
        "dcgan", "digits", {"width": 8, "norm_critic": "spectral", "norm_generator": "instance", "r1": 1.0,
                            "r1_every": 4, "objective": "hinge"}, {"one": 1, "two": 1}),
    "DCGAN, batch norm, digits": ("dcgan", "digits", {"width": 8}, {"one": 2, "two": 1}),
    "DCGAN, batch norm, two parts each": ("dcgan", "digits", {"width": 8}, {"one": 4, "two": 2}),
}


class Kept(Hook):
    """Keeps the costs of every move, averaged over the processes."""

    def __init__(self) -> None:
        self.costs: list[float] = []

    def moved(self, trainer: Trainer, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        self.costs += trainer.machine.mean(torch.stack(list(costs.values()))).tolist()


def recipe_of(case: str, here: str, hook: Hook) -> Recipe:
    """Return a case's recipe; images are enlarged to 16 pixels, so that there are normalised layers."""
    name, data, options, parts = CASES[case]
    source: Source = open_source(DataOptions(path=data, size=16) if data == "digits" else DataOptions(path=data))
    recipe = Call.make(name, {}, {**SMALL, **options, "accumulate": parts[here]}).build(source)
    return Recipe(recipe.game, recipe.source, recipe.optimisers, recipe.steps, recipe.batch, recipe.accumulate,
                  [*recipe.hooks, hook], recipe.seed)


def played(case: str, here: str, machine: Machine) -> dict[str, Any]:
    """Train a case and return its costs and its weights as lists."""
    kept = Kept()
    trainer = Trainer(recipe_of(case, here, kept), machine)
    trainer.fit()
    weights = torch.cat([p.detach().reshape(-1) for p in trainer.game.parameters()])
    return {"costs": kept.costs, "weights": weights.tolist()}


def work(out: Path) -> None:
    """Play all cases in this process of two; the first one writes what it got."""
    machine = Machine("cpu")
    assert machine.world == 2
    ends = {case: played(case, "two", machine) for case in CASES}
    if machine.is_main:
        out.write_text(json.dumps(ends))


def in_two_processes(out: Path) -> dict[str, Any]:
    """Start torchrun on this very file, and return what its first process wrote."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    subprocess.run([sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_addr",
                    "127.0.0.1", "--master_port", str(port), __file__, "--worker", str(out)], check=True,
                   env={**os.environ, "OMP_NUM_THREADS": "1"})
    return json.loads(out.read_text())


def compared() -> dict[str, dict[str, float]]:
    """Return each case's largest difference in costs and weights, and how far the weights went."""
    with tempfile.TemporaryDirectory() as folder:
        two = in_two_processes(Path(folder) / "two.json")
    machine, found = Machine("cpu"), {}
    for case in CASES:
        one = played(case, "one", machine)
        start = torch.cat([p.detach().reshape(-1) for p in recipe_of(case, "one", Hook()).game.parameters()])
        costs, others = torch.tensor(one["costs"]), torch.tensor(two[case]["costs"])
        weights = torch.tensor(one["weights"])
        found[case] = {"costs": (costs - others).abs().max().item(),
                       "weights": (weights - torch.tensor(two[case]["weights"])).abs().max().item(),
                       "moved": (weights - start).abs().max().item()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    args = parser.parse_args()
    if args.worker:
        work(args.worker)
        return
    found = compared()
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, gloo; {STEPS} steps of batch "
          f"{SMALL['batch']}\n")
    print("| case | largest difference in costs | in weights | the weights moved by |\n|---|---|---|---|")
    for case, row in found.items():
        print(f"| {case} | {row['costs']:.1e} | {row['weights']:.1e} | {row['moved']:.1e} |")
    if args.json:
        args.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
