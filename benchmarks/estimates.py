"""Do critics' bounds hold? Ten pairs of known distributions: exact value, bound, interval, neighbours, warnings.

    python benchmarks/estimates.py                  # js and kl, 2,000 points a side, about five minutes on 2 cores
    python benchmarks/estimates.py js --pairs ring shift-1
    python benchmarks/estimates.py --same 40        # how often the interval of p = q lies above 0

A lower bound holds where the exact value is not below the interval. "inside" says that it is within. For samples the
draw itself is off: "perfect" is what the exact log ratio earns on the same points.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from racing import machine
from scipy import integrate, special, stats


@dataclass(frozen=True)
class Law:
    """A law with a log density of points (n,) or (n, d), and its samples."""

    logpdf: Callable[[Any], np.ndarray]
    draw: Callable[[int, np.random.Generator], np.ndarray]


def line(law: Any) -> Law:
    return Law(law.logpdf, lambda n, random: law.rvs(size=n, random_state=random))


def plane(*parts: tuple[float, Any]) -> Law:
    """A mixture of laws of scipy, (weight, law) each."""
    def logpdf(x: Any) -> np.ndarray:
        return special.logsumexp([np.log(w) + law.logpdf(x) for w, law in parts], axis=0)

    def draw(n: int, random: np.random.Generator) -> np.ndarray:
        which = random.choice(len(parts), n, p=[w for w, _ in parts])
        all_ = [np.asarray(law.rvs(size=n, random_state=random)) for _, law in parts]
        return np.stack(all_)[which, np.arange(n)]

    return Law(logpdf, draw)


def ring(radius: float, width: float) -> Law:
    """Points at radius + width * normal from the origin, in every direction alike."""
    def logpdf(x: Any) -> np.ndarray:
        rho = np.linalg.norm(x, axis=1)
        both = np.logaddexp(*(stats.norm.logpdf(sign * rho, radius, width) for sign in (1, -1)))
        return both - np.log(2 * np.pi * rho)

    def draw(n: int, random: np.random.Generator) -> np.ndarray:
        angle = random.uniform(0, 2 * np.pi, n)
        return random.normal(radius, width, n)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)

    return Law(logpdf, draw)


def normal2(x: float, y: float, sd: float) -> Any:
    return stats.multivariate_normal([x, y], sd**2 * np.eye(2))


FIRST = line(stats.norm(0, 1))
PAIRS: dict[str, tuple[Law, Law, str, tuple[float, float]]] = {
    "same": (FIRST, FIRST, "line", (-9, 9)),
    "shift-1": (FIRST, line(stats.norm(1, 1)), "line", (-9, 10)),
    "shift-3": (FIRST, line(stats.norm(3, 1)), "line", (-9, 12)),
    "scale-2": (FIRST, line(stats.norm(0, 2)), "line", (-16, 16)),
    "mixture": (plane((0.5, stats.norm(-2, 0.6)), (0.5, stats.norm(2, 0.6))),
                plane((0.7, stats.norm(-1.5, 0.9)), (0.3, stats.norm(2, 0.6))), "line", (-9, 9)),
    "laplace": (line(stats.laplace(0, 1)), line(stats.norm(0, math.sqrt(2))), "line", (-30, 30)),
    "uniforms": (line(stats.uniform(0, 1)), line(stats.uniform(0, 2)), "line", (0, 2)),
    "disjoint": (line(stats.uniform(0, 1)), line(stats.uniform(2, 1)), "line", (0, 3)),
    "plane-shift": (plane((1.0, normal2(0, 0, 1))), plane((1.0, normal2(1, 0.5, 1))), "plane", (-7, 8)),
    "ring": (ring(2, 0.3), ring(2, 0.6), "ring", (1e-9, 7)),
}


def exact(name: str, p: Law, q: Law, kind: str, ends: tuple[float, float]) -> float:
    """Return JS or KL by scipy's quadrature; over radii for rings, over boxes in the plane."""
    def at(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            a, b = p.logpdf(x), q.logpdf(x)
            m = np.logaddexp(a, b) - math.log(2)
            kl = np.where(np.exp(a) > 0, np.exp(a) * (a - b), 0.0)
            js = [np.where(np.exp(c) > 0, np.exp(c) * (c - m), 0.0) for c in (a, b)]
        return kl if name == "kl" else (js[0] + js[1]) / 2

    if kind == "plane":
        x, w = special.roots_legendre(200)
        x, w = (ends[1] - ends[0]) / 2 * x + sum(ends) / 2, w * (ends[1] - ends[0]) / 2
        grid = np.stack(np.meshgrid(x, x), -1).reshape(-1, 2)
        return float(at(grid) @ np.outer(w, w).ravel())
    if kind == "ring":
        return integrate.quad(lambda r: 2 * np.pi * r * at(np.array([[r, 0.0]]))[0], *ends, points=[2], limit=400)[0]
    cuts = [c for c in (-1.0, 0.0, 1.0, 2.0) if ends[0] < c < ends[1]]
    if np.isinf(at(np.linspace(*ends, 1001)[1:-1])).any():
        return math.inf
    return integrate.quad(lambda x: float(at(np.array([x]))[0]), *ends, points=cuts, limit=400)[0]


def row(name: str, pair: str, n: int, seed: int, steps: int) -> str:
    from ganworks.measure import estimate, neighbours

    p, q, kind, ends = PAIRS[pair]
    real, fake = p.draw(n, np.random.default_rng((seed, 1))), q.draw(n, np.random.default_rng((seed, 2)))
    truth = exact(name, p, q, kind, ends)
    began = time.perf_counter()
    e = estimate(name, real, fake, seed=seed, steps=steps, known=(p, q), exact=truth)
    seconds = time.perf_counter() - began
    near = neighbours(real, fake, objective=name)
    where = "**ABOVE**" if truth < e.interval[0] else "inside" if truth <= e.interval[1] else "below"
    fake_ess = "-" if e.log_ratio is None else f"{e.log_ratio.effective_fake:.0f}"
    words = "; ".join(str(c.problem) for c in e.cautions)
    return (f"| {pair} | {name} | {truth:.4f} | {e.perfect:.4f} | {e.value:.4f} | {e.interval[0]:.4f} to "
            f"{e.interval[1]:.4f} | {where} | {near.value:.4f} | {fake_ess} | {e.trust} | {seconds:.0f} | {words} |")


def same(count: int, n: int, steps: int) -> None:
    """Say how often the interval of two samples of one law lies above 0."""
    from ganworks.measure import estimate

    for name in ("js", "kl"):
        wrong = 0
        for seed in range(count):
            x, y = np.random.default_rng((seed, 3)).normal(size=(2, n, 2))
            wrong += estimate(name, x, y, seed=seed, steps=steps).interval[0] > 0
        print(f"{name}: {wrong} of {count} intervals of p = q ({n} points in the plane) lie above 0", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["js", "kl"], metavar="NAME", help="js, kl")
    parser.add_argument("--pairs", nargs="*", default=list(PAIRS))
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--same", type=int, default=0, metavar="COUNT")
    args = parser.parse_args()
    print(f"{machine()}; {args.n} points a side, {args.steps} steps at most, seed {args.seed}\n")
    if args.same:
        same(args.same, args.n, args.steps)
        return
    print("| pair | divergence | exact | perfect | bound | interval | exact is | neighbours | ESS | trust | s | "
          "what is said |\n|" + "---|" * 12)
    for name in args.names:
        for pair in args.pairs:
            print(row(name, pair, args.n, args.seed, args.steps), flush=True)


if __name__ == "__main__":
    main()
