"""How long the design workshop takes: derive, certify, compile and explain each entry, from scratch.

    python benchmarks/design_catalogue.py            # the whole catalogue, one after the other
    python benchmarks/design_catalogue.py kl circle  # some entries
"""

from __future__ import annotations

import argparse
import statistics
import time

from racing import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    from ganworks.design import named_designs

    known = named_designs()
    print(f"{machine()}\n\n| design | verdict | derive s | certify s | compile s | explain s | form |")
    print("|---|---|---|---|---|---|---|")
    totals = []
    for name in args.names or known:
        began = time.perf_counter()
        design = known[name]()
        _ = design.phi, design.psi, design.d, design.H, design.domain, design.divergence_name, design.disjoint
        derived = time.perf_counter()
        verdict = design.certificate().verdict
        certified = time.perf_counter()
        objective = design.compile()
        compiled = time.perf_counter()
        design.derivation()
        explained = time.perf_counter()
        seconds = (derived - began, certified - derived, compiled - certified, explained - compiled)
        totals.append(compiled - began)
        print(f"| {name} | {verdict} | {' | '.join(f'{x:.2f}' for x in seconds)} | {objective.note.split(';')[0]} |",
              flush=True)
    print(f"\nderive, certify, compile: median {statistics.median(totals):.2f} s, longest {max(totals):.2f} s, "
          f"all {sum(totals):.1f} s on one core")


if __name__ == "__main__":
    main()
