"""How long the design workshop takes: derive, certify and compile each entry of the catalogue, each from scratch.

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
    print(f"{machine()}\n\n| design | verdict | derive s | certify s | explain s | compile s | form |")
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
        totals.append(explained - began)
        print(f"| {name} | {verdict} | {derived - began:.2f} | {certified - derived:.2f} | {explained - compiled:.2f} | "
              f"{compiled - certified:.2f} | {objective.note.split(';')[0]} |", flush=True)
    print(f"\nmedian {statistics.median(totals):.2f} s, longest {max(totals):.2f} s, all {sum(totals):.1f} s")


if __name__ == "__main__":
    main()
