"""What it costs to record vitals while training: looks beside steps, for several recipes.

    python benchmarks/vitals.py               # about 3 minutes on 2 cores
    python benchmarks/vitals.py dcgan --bursts 5

Both contenders are the trainer's, in processes of their own that take turns; one looks at every fourth step. A look's
price in steps is what that adds to four steps; its share at the default of one look in 100 steps is that over 100.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from typing import Any

from racing import Step, device, machine, race

EVERY, DEFAULT = 4, 100
CASES: dict[str, dict[str, Any]] = {
    "ring8": {"recipe": "gan", "data": "ring8", "batch": 256, "bursts": 100},
    "dcgan": {"recipe": "dcgan", "data": "digits", "size": 32, "width": 32, "bursts": 8},
    "wgan-gp": {"recipe": "wgan-gp", "data": "digits", "size": 32, "network": "dcgan", "width": 32, "bursts": 4},
    "dcgan-64": {"recipe": "dcgan", "data": "digits", "size": 64, "width": 128, "batch": 256, "bursts": 4},
}
LARGE = ("dcgan-64",)
"""Cases for a GPU."""


def step_of(case: str, every: int | None) -> Step:
    """Return one step of a case's training, with or without looks."""
    from ganworks.diagnose import Vitals
    from ganworks.recipes import Call
    from ganworks.train import Machine, Trainer

    given = {name: value for name, value in CASES[case].items() if name not in ("recipe", "bursts")}
    recipe = Call.make(CASES[case]["recipe"], {}, {**given, "steps": 10**6, "measure": None}).build()

    class Nowhere:
        def log(self, record: dict[str, Any]) -> None:
            pass

    hooks = [] if every is None else [Vitals(Nowhere(), every)]  # type: ignore[arg-type]
    trainer = Trainer(recipe, Machine(), hooks)
    for hook in trainer.hooks:
        hook.start(trainer)
    return trainer.advance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--bursts", type=int, default=11, help="turns that count (default: %(default)s)")
    args = parser.parse_args()
    print(machine())
    print(f"\n| case | steps/s | a look, in steps | share of the time at one in {DEFAULT} steps |\n|---|---|---|---|")
    for case in args.cases or [case for case in CASES if device() == "cuda" or case not in LARGE]:
        rates = race({"bare": partial(step_of, case, None), "looking": partial(step_of, case, EVERY)},
                     CASES[case]["bursts"] * EVERY, args.bursts)
        looks = [EVERY * (bare / looking - 1) for bare, looking in zip(rates["bare"], rates["looking"], strict=True)]
        middle = statistics.median(looks)
        pace = statistics.median(rates["bare"])
        print(f"| {case} | {pace:.1f} | {middle:.2f} ({min(looks):.2f} to {max(looks):.2f}) | {middle / DEFAULT:.1%} |")


if __name__ == "__main__":
    main()
