"""JS blindness, and what cures it: two clusters far apart, a critic that is ever better, and who still moves.

    python benchmarks/blindness.py            # about twenty minutes on one core
    python benchmarks/blindness.py --quick    # two minutes

Real points are N(0, 0.1^2 I) in the plane; the generator is N(b, 0.1^2 I) and can move b alone, which begins 8 away.
Its density ratio to the data is so extreme that a perfect critic is certain everywhere.

First table: the length of the generator's gradient in b after the critic alone has learnt for some steps. Second:
where b is after both have learnt, the critic five steps to each of the generator's, for three seeds. Everything is
trained by ganworks' own trainer; every method has the same networks, data, learning rates and steps.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from racing import machine
from torch import Tensor, nn

from ganworks.data.toys import Mixture
from ganworks.design import objective_named
from ganworks.game import (
    R1,
    Duel,
    FeatureMatching,
    GradientPenalty,
    GradientPower,
    InstanceNoise,
    Latent,
    LeCam,
    Noise,
    Ramp,
    Weighted,
)
from ganworks.nets import MLPCritic
from ganworks.nets.layers import Norm
from ganworks.objective import Objective, flipped, smoothed
from ganworks.train import Adam, Machine, Recipe, Trainer

AWAY, SD, BATCH, RATE, SPEED = 8.0, 0.1, 256, 1e-3, 1e-2
WIDTHS = (64, 64)


class Shift(nn.Module):
    """z to b + 0.1 z: a generator that can only move."""

    def __init__(self) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.tensor([AWAY, 0.0]))

    def forward(self, z: Tensor) -> Tensor:
        return self.b + SD * z


@dataclass(frozen=True)
class Method:
    """An objective and what steadies it."""

    objective: str
    more: Callable[[int], dict[str, Any]] = field(default=lambda steps: {})
    told: Callable[[Objective], Objective] = field(default=lambda objective: objective)
    norm: Norm = "none"

    def game(self, critic_steps: int, steps: int) -> Duel:
        return Duel(Shift(), MLPCritic((2,), WIDTHS, self.norm), self.told(objective_named(self.objective)), Latent(2),
                    critic_steps=critic_steps, **self.more(steps))


def _with(name: str, term: nn.Module, weight: float) -> Callable[[int], dict[str, Any]]:
    return lambda steps: {"critic_terms": [Weighted(name, term, weight)]}  # type: ignore[arg-type]


def _matching(steps: int) -> dict[str, Any]:
    return {"generator_terms": [Weighted("matching", FeatureMatching(), 1.0)]}


def _noise(steps: int) -> dict[str, Any]:
    return {"lens": InstanceNoise(Ramp(4.0, 0.0, steps))}


METHODS = {
    "minimax": Method("minimax"),
    "non-saturating": Method("nonsaturating"),
    "least squares": Method("lsgan"),
    "WGAN, no constraint": Method("wgan"),
    "WGAN-GP": Method("wgan", _with("gp", GradientPenalty(), 10.0)),
    "WGAN-LP": Method("wgan", _with("gp", GradientPenalty(side="one"), 10.0)),
    "WGAN-div": Method("wgan", _with("div", GradientPower(6.0), 2.0)),
    "hinge + spectral normalisation": Method("hinge", norm="spectral"),
    "minimax + spectral normalisation": Method("minimax", norm="spectral"),
    "minimax + LeCam (0.1)": Method("minimax", _with("lecam", LeCam(), 0.1)),
    "minimax + smoothed labels (0.9)": Method("minimax", told=smoothed),
    "minimax + flipped labels (0.05)": Method("minimax", told=flipped),
    "minimax + feature matching": Method("minimax", _matching),
    "minimax + R1 (gamma 1)": Method("minimax", _with("r1", R1(), 1.0)),
    "non-saturating + R1 (gamma 1)": Method("nonsaturating", _with("r1", R1(), 1.0)),
    "minimax + noise (sd 4, falls to 0)": Method("minimax", _noise),
    "non-saturating + noise (sd 4, falls to 0)": Method("nonsaturating", _noise),
}


def trainer_of(method: Method, critic_steps: int, steps: int, seed: int, still: bool = False) -> Trainer:
    torch.manual_seed(seed)
    game = method.game(critic_steps, max(steps, 1))
    rates = {"generator": Adam(1e-12 if still else SPEED, (0.0, 0.9)), "critic": Adam(RATE, (0.0, 0.9))}
    return Trainer(Recipe(game, Mixture([[0.0, 0.0]], SD), rates, steps, BATCH, seed=seed), Machine("cpu"))


def force(trainer: Trainer) -> float:
    """Return the length of the gradient of the generator's cost in b."""
    game = trainer.game
    batch = trainer.machine.feed(trainer.source.batch(10**6, 4 * BATCH, 0))
    round = game.open(batch, 0, Noise(7, 4 * BATCH))
    costs = game.generator_cost(round)  # type: ignore[operator]
    (gradient,) = torch.autograd.grad(sum(costs.values()), game.generator.b)  # type: ignore[union-attr]
    return float(gradient.norm())


def forces(methods: list[str], stops: tuple[int, ...], seed: int = 0) -> None:
    print(f"| method | {' | '.join(f'after {stop:,}' for stop in stops)} |\n|---|{'---|' * len(stops)}")
    for name in methods:
        method = METHODS[name]
        found, trained = [], 0
        trainer = trainer_of(method, 1, max(stops), seed, still=True)
        for stop in stops:
            while trained < stop:
                trainer.advance()
                trained += 1
            found.append(force(trainer))
        print(f"| {name} | {' | '.join(f'{value:.1e}' for value in found)} |", flush=True)


def journeys(methods: list[str], steps: int, seeds: tuple[int, ...], before: int) -> None:
    print(f"\n| method | distance of b from 0 after {steps:,} steps, each seed | ms a step |\n|---|---|---|")
    for name in methods:
        method = METHODS[name]
        ends, times = [], []
        for seed in seeds:
            learnt = trainer_of(method, 1, before, seed, still=True)
            for _ in range(before):
                learnt.advance()
            trainer = trainer_of(method, 5, steps, seed)
            trainer.game.load_state_dict(learnt.game.state_dict())
            began = time.perf_counter()
            trainer.fit()
            times.append((time.perf_counter() - began) / steps)
            ends.append(float(trainer.game.generator.b.detach().norm()))  # type: ignore[operator, union-attr]
        print(f"| {name} | {', '.join(f'{end:.2f}' for end in ends)} | {1000 * statistics.median(times):.1f} |",
              flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="METHOD",
                        help="some of: " + ", ".join(METHODS))
    args = parser.parse_args()
    print(f"{machine()}\n")
    forces(args.methods, (0, 10, 100, 1000) if args.quick else (0, 10, 100, 1000, 5000))
    journeys(args.methods, *((1000, (0,), 1000) if args.quick else (1500, (0, 1, 2), 1000)))


if __name__ == "__main__":
    main()
