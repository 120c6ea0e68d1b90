"""How soon --stop-when plateau ends a training that is flat, and how seldom one that still gets better.

Series of 80 measures with noise of standard deviation 1, judged after each measure by the rule in diagnose/plateau.py,
and by a plainer one: stop as soon as no fall of the second half is proved at 5 %.

    python benchmarks/plateau.py [SERIES OF EACH KIND]        about 3 minutes on one core for 100
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from ganworks.diagnose import plateau

N = 80
X = np.arange(1.0, N + 1)


def noise(random: np.random.Generator, memory: float = 0.0) -> np.ndarray:
    """Return unit noise (80,) that remembers a share of what it was before."""
    found = random.normal(size=N)
    for i in range(1, N):
        found[i] = memory * found[i - 1] + np.sqrt(1 - memory**2) * found[i]
    return found


KINDS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "flat": noise,
    "flat, noise that remembers half": lambda random: noise(random, 0.5),
    "rising by 0.1": lambda random: noise(random) + 0.1 * X,
    "falling far, flat from the 10th on": lambda random: np.maximum(30 - 3 * X, 0) + noise(random),
    "falling by 0.1 each": lambda random: noise(random) - 0.1 * X,
    "falling by 0.2 each": lambda random: noise(random) - 0.2 * X,
    "falling by 0.3 each": lambda random: noise(random) - 0.3 * X,
    "falling by 0.5 each": lambda random: noise(random) - 0.5 * X,
    "falling by 0.3, noise that remembers half": lambda random: noise(random, 0.5) - 0.3 * X,
    "1 / sqrt(n), noise of 10 %": lambda random: X**-0.5 * np.exp(0.1 * noise(random)),
}


def row(make: Callable[[np.random.Generator], np.ndarray], runs: int) -> str:
    """Return the share of series that are stopped, and after how many measures: median and 90 %."""
    found = [plateau.ended((X.astype(int), make(np.random.default_rng(seed)))) for seed in range(runs)]
    at = [n for n in found if n is not None]
    when = f"{np.median(at):>6.0f}{np.quantile(at, 0.9):>6.0f}" if at else f"{'-':>6}{'-':>6}"
    return f"{len(at) / runs:>6.0%}{when}"


def main(runs: int) -> None:
    """Print the table."""
    print(f"{'':<44}{'the rule':<20}no fall at 5 %\n{'':<44}" + "  stop  half   90%  " * 2)
    hint, clear = plateau.HINT, plateau.CLEAR
    for name, make in KINDS.items():
        rows = []
        for limits in ((hint, clear), (plateau.SURE, np.inf)):
            plateau.HINT, plateau.CLEAR = limits
            rows.append(row(make, runs))
        print(f"{name:<44}" + "  ".join(rows), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
