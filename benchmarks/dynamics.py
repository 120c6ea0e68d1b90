"""The table of dynamics: objectives, stabilisers and ways to play on the Dirac-GAN, and how long it takes.

    python benchmarks/dynamics.py               # step 0.1
    python benchmarks/dynamics.py --step 0.02   # smaller steps, more rounds
"""

from __future__ import annotations

import argparse
import time

from racing import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=float, default=0.1)
    args = parser.parse_args()
    from ganworks.commands.measure_dynamics import table_text
    from ganworks.measure.dynamics import OBJECTIVES, PLAYS, as_objective, table_of_dynamics

    began = time.perf_counter()
    objectives = [as_objective(name) for name in OBJECTIVES]
    compiled = time.perf_counter()
    rows = table_of_dynamics(objectives, step=args.step)
    played = time.perf_counter()
    print(f"{machine()}\n\n{table_text(rows, list(PLAYS))}\n")
    print(f"objectives compiled in {compiled - began:.1f} s; {len(rows)} games in {played - compiled:.1f} s")


if __name__ == "__main__":
    main()
