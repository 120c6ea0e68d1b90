"""A training step on a GPU: what precision and layout bring, beside loops by hand; what terms and looks take.

    python benchmarks/gpu.py                  # about 90 s on a large GPU; without one, minutes of smoke only

All contenders live in one process and run in bursts by turns; a figure is the median of the turns in milliseconds a
step. "Deterministic" is what the trainer asks of cuDNN, so that a resumed run ends bit for bit where an uninterrupted
one does. PyTorch's own settings are those of the textbook loop: TF32 in convolutions, any algorithm.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import penalties
import torch
import trainer
import vitals
from racing import Step, device, machine, wait

Contender = tuple[Callable[[], Step], Callable[[], None]]
CASE, TERMS_CASE = ("dcgan-64", "large") if device() == "cuda" else ("mlp", "mlp")


def settings(convolutions: bool, products: str, deterministic: bool = True) -> Callable[[], None]:
    """Return what sets TF32 in convolutions, the precision of products, and cuDNN's choice of algorithms."""
    def put() -> None:
        cudnn = torch.backends.cudnn
        cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic = convolutions, False, deterministic
        torch.set_float32_matmul_precision(products)

    return put


EXACT, TF32 = settings(False, "highest"), settings(True, "high")
ANY, TORCHS_OWN = settings(False, "highest", deterministic=False), settings(True, "highest", deterministic=False)


def ours(case: str, precision: str = "float32", channels_last: bool = True) -> Step:
    """Return the trainer's step in that precision and layout."""
    step = trainer.ganworks_step(case)
    player: Any = step.__self__  # type: ignore[attr-defined]
    player.machine.precision = precision
    if not channels_last:
        player.machine._channels_last = False
        player.game.to(memory_format=torch.contiguous_format)
    return step


def race(title: str, contenders: dict[str, Contender], steps: int, turns: int = 3) -> None:
    """Print a row for each contender."""
    ready: dict[str, tuple[Step, Callable[[], None]]] = {}
    for name, (make, put) in contenders.items():
        put()
        step = make()
        put()  # building a trainer sets its own
        for _ in range(2):
            step()
        wait()
        ready[name] = step, put
    took: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(turns):
        for name, (step, put) in ready.items():
            put()
            wait()
            began = time.perf_counter()
            for _ in range(steps):
                step()
            wait()
            took[name].append(1000 * (time.perf_counter() - began) / steps)
    for name, found in took.items():
        middle = statistics.median(found)
        print(f"| {title} | {name} | {middle:.2f} ({min(found):.2f} to {max(found):.2f}) |", flush=True)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"{machine()}\n\n| what | contender | ms a step, median (min to max) |\n|---|---|---|")
    by_hand, textbook = (partial(loop, CASE) for loop in (trainer.minimal_step, trainer.textbook_step))
    mine = partial(ours, CASE)
    race(trainer.CASES[CASE]["title"], {
        "float32": (mine, EXACT), "float32, not deterministic": (mine, ANY),
        "tf32": (partial(mine, "tf32"), TF32), "tf32, channels first": (partial(mine, "tf32", False), TF32),
        "bf16": (partial(mine, "bf16"), EXACT), "bf16, channels first": (partial(mine, "bf16", False), EXACT),
        "by hand, float32": (by_hand, EXACT), "by hand, tf32": (by_hand, TF32),
        "textbook, float32": (textbook, EXACT), "textbook, PyTorch's own settings": (textbook, TORCHS_OWN)}, 6)
    race(trainer.CASES["mlp"]["title"], {
        "ours": (partial(ours, "mlp"), EXACT), "by hand": (partial(trainer.minimal_step, "mlp"), EXACT),
        "textbook": (partial(trainer.textbook_step, "mlp"), EXACT)}, 60)
    many = ("wgan-gp", "r1/16", "lecam", "stddev", "discrimination", "pack", "top-k", "ema")
    for case, put, names in ((TERMS_CASE, TF32, many), ("mlp", EXACT, ("wgan-gp", "r1/16", "stddev", "ema"))):
        race(penalties.TITLES[case], {name or "without": (partial(penalties.step_of, case, name), put)
                                      for name in (None, *names)}, 16)
    for case in ("ring8", "wgan-gp"):
        bare, looking = (partial(vitals.step_of, case, every) for every in (None, vitals.EVERY))
        race(f"looks, {case}", {"without": (bare, EXACT), f"every {vitals.EVERY} steps": (looking, EXACT)}, 40)


if __name__ == "__main__":
    main()
