"""How exact f-divergences are, and how long they take: vectors, densities on the line, mixtures in the plane.

    python benchmarks/divergences.py     # a minute on one thread

The true value is a closed form, or for vectors 60-digit arithmetic; "error" is what is off, "bar" what was said to be.
Each is timed at its second call: the first one makes the table of its f, which is kept.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from mpmath import mp
from racing import machine
from scipy import stats

from ganworks.measure import divergence

DRAW = np.random.default_rng(0)
RING, GRID = "ring8", "grid25"
ONE, TWO = "normal2([1,0],[[2,0],[0,2]])", "0.5*normal2([0,0],[[1,0.3],[0.3,1]])+0.5*normal2([3,1],[[0.5,0],[0,2]])"


def kl(p: np.ndarray, q: np.ndarray) -> float:
    """Return KL of two vectors after division by their sums, with 60 digits."""
    with mp.workdps(60):
        a, b = ([mp.mpf(float(x)) for x in v] for v in (p, q))
        a, b = ([x / mp.fsum(v) for x in v] for v in (a, b))
        return float(mp.fsum([x * mp.log(x / y) for x, y in zip(a, b, strict=True)]))


def cases() -> list[tuple[str, Any, Any, str, float | None]]:
    """Return (f, p, q, what it is, the true value or None)."""
    found: list[tuple[str, Any, Any, str, float | None]] = []
    for n in (10, 1000, 1_000_000):
        p = DRAW.dirichlet(np.ones(n))
        q = p * np.exp(1e-6 * DRAW.normal(size=n))
        q /= math.fsum(q)
        found.append(("kl", p, q, f"{n:,} atoms, p near q", kl(p, q) if n < 10_000 else None))
    tv = 2 * float(stats.norm.cdf(0.5)) - 1
    pairs = (("kl", "exponential(1)", "exponential(3)", 2 - math.log(3)), ("total_variation", "normal(0,1)",
             "normal(1,1)", tv), ("kl", "cauchy(0,1)", "cauchy(3,2)", math.log(9 / 4)),
             ("reverse_kl", "beta(0.5,0.5)", "uniform(0,1)", math.log(math.pi) - 1),
             ("kl", "exponential(1)", "normal(0,1)", math.log(2 * math.pi) / 2), ("js", "student(3)", "normal", None),
             ("js", TWO, ONE, None), ("total_variation", TWO, ONE, None), ("pearson_chi2", TWO, ONE, None),
             ("js", RING, GRID, None), ("kl", RING, GRID, None), ("total_variation", RING, GRID, None))
    return found + [(f, p, q, f"{p} | {q}"[:44], value) for f, p, q, value in pairs]


def main() -> None:
    print(machine())
    print(f"{'f':16} {'pair':46} {'value':>17} {'error':>8} {'bar':>8} {'seconds':>8}")
    for f, p, q, words, true in cases():
        divergence(f, p, q)
        began = time.perf_counter()
        found = divergence(f, p, q)
        seconds = time.perf_counter() - began
        error = "" if true is None else f"{abs(found.value - true):.1e}"
        print(f"{f:16} {words:46} {found.value:17.12g} {error:>8} {found.error:8.1e} {seconds:8.3f}")


if __name__ == "__main__":
    main()
