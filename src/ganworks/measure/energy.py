"""The energy-based game, where the critic is an energy: low on real samples, high on generated ones.

Zhao, Mathieu & LeCun 2017 (arXiv 1609.03126). The critic minimises E_p D + E_q max(0, m - D), D >= 0, the generator
minimises E_q D. Their theorem 1 and lemma 1 are what ``energy_game`` computes on points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.console import track
from ganworks.errors import UserError
from ganworks.measure.distributions import checked_masses
from ganworks.seeds import mix

RATE, HIDDEN, CODE = 3e-3, 48, 1


@dataclass(frozen=True, eq=False)
class EnergyGame:
    """The best energy of a margin m on points, and what both players get.

    Attributes:
        energy: D, (n,): m where p < q, 0 where p > q; where they are equal any value in [0, m] does, here m/2.
        critic_cost: E_p D + E_q max(0, m - D), least possible: m sum min(p, q).
        generator_cost: E_q D.
        total_variation: half the sum of |p - q|; critic_cost is m times one minus this.
    """

    energy: np.ndarray
    critic_cost: float
    generator_cost: float
    total_variation: float


def energy_game(p: Any, q: Any, margin: float = 1.0) -> EnergyGame:
    """Return the best energy for probabilities p (real) and q (generated), (n,) each.

    Raises:
        UserError: no probabilities, unequal lengths, a margin that is not positive.
    """
    real, fake = checked_masses(p, "p"), checked_masses(q, "q")
    if len(real) != len(fake):
        raise UserError(f"p has {len(real)} places, q has {len(fake)}", "equal lengths")
    if not (np.isfinite(margin) and margin > 0):
        raise UserError(f"margin {margin}", "a number above 0")
    energy = np.select([real < fake, real > fake], [margin, 0.0], margin / 2)
    return EnergyGame(energy, float((real * energy + fake * np.maximum(0, margin - energy)).sum()),
                      float((fake * energy).sum()), float(np.abs(real - fake).sum() / 2))


def reconstruction_energy(real: np.ndarray, *, steps: int = 1500, seed: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """Return the squared reconstruction error of an autoencoder that has seen real samples only, a function of points.

    Args:
        real: (n, d), float; steps: of Adam; the code has one number.
    """
    import torch

    centre, scale = real.mean(0), float(np.sqrt(real.var(0).mean())) or 1.0
    points = torch.from_numpy((real - centre) / scale).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(seed, "autoencoder"))
        d = points.shape[1]
        net = torch.nn.Sequential(torch.nn.Linear(d, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, CODE),
                                  torch.nn.Linear(CODE, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, d))
    adam = torch.optim.Adam(net.parameters(), RATE)
    for _ in track(range(steps), steps, "autoencoder", "step"):
        cost = (net(points) - points).square().sum(1).mean()
        adam.zero_grad()
        cost.backward()
        adam.step()

    def energy(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            there = torch.from_numpy((x - centre) / scale).float()
            return (net(there) - there).square().sum(1).double().numpy() * scale**2

    return energy
