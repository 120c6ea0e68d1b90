"""Speed and memory of the metrics, side by side with torchmetrics and torch-fidelity; prints a Markdown table.

    python benchmarks/metrics.py [--repeats 5] [--busy] [--torch-fidelity FOLDER]

Both sides get the same features and run in turn; the ratio is the median of the pairs' ratios. torch-fidelity is used
where it can be imported, or from FOLDER, where its wheel was unpacked (pip download --no-deps torch-fidelity); what it
imports for its networks is not needed for its arithmetic and is stood in for.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from ganworks.evaluate.frechet import frechet_distance
from ganworks.evaluate.kid import kernel_distance
from ganworks.evaluate.prdc import prdc

NEIGHBOURS = 3
POINTS, WIDTH = 10_000, 512
clock = time.perf_counter


def features(n: int, d: int, seed: int, dead: int = 0) -> np.ndarray:
    """Return float32 features (n, d) whose standard deviations fall as 1 / sqrt(i); the last ``dead`` are constant."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d), dtype=np.float32) / np.sqrt(1 + np.arange(d, dtype=np.float32))
    x = x @ np.linalg.qr(rng.standard_normal((d, d)))[0].astype(np.float32) + 0.02 * seed
    x[:, d - dead :] = 0.5
    return x


def torchmetrics_frechet(x: np.ndarray, y: np.ndarray) -> float:
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Identity(torch.nn.Module):
        num_features = x.shape[1]

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return rows

    metric = FrechetInceptionDistance(feature=Identity()).set_dtype(torch.float64)
    metric.update(torch.from_numpy(x).double(), real=True)
    metric.update(torch.from_numpy(y).double(), real=False)
    return metric.compute().item()


def torch_fidelity_prc(folder: str | None) -> Callable[[np.ndarray, np.ndarray], tuple[float, float]] | None:
    """Return torch-fidelity's precision and recall of (real, fake), or None where it is not installed."""
    if folder:
        sys.path.append(folder)  # only now: torchmetrics, imported before, would stumble over it
    if importlib.util.find_spec("torchvision") is None:
        for name in ("", ".transforms", ".datasets", ".transforms.functional"):
            sys.modules["torchvision" + name] = _StandIn("torchvision" + name)
    try:
        module = importlib.import_module("torch_fidelity.metric_prc")
    except ImportError as error:
        print(f"torch-fidelity is left out: {error}", file=sys.stderr)
        return None
    finally:
        for name in [name for name, kept in sys.modules.items() if isinstance(kept, _StandIn)]:
            del sys.modules[name]  # or torchmetrics would take them for the real thing

    def measure(real: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
        found = module.prc_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), save_cpu_ram=False,
                                              prc_neighborhood=NEIGHBOURS, prc_batch_size=10_000, verbose=False)
        return found["precision"], found["recall"]

    return measure


class _StandIn(ModuleType):
    """A module in which every name is a class."""

    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return sys.modules.get(f"{self.__name__}.{name}") or type(name, (), {})


def seconds(work: Callable[[], object]) -> float:
    start = clock()
    work()
    return clock() - start


def paired(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Return the medians of both times and of the pairs' ratios, after one run of ours to warm up."""
    ours()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return (statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs),
            statistics.median(b / a for a, b in pairs))


def frechet_rows(repeats: int) -> None:
    for n, d, dead in ((5000, 512, 0), (5000, 512, 100), (5000, 2048, 0), (500, 2048, 0), (1000, 2048, 0)):
        x, y = features(n, d, 1, dead), features(n, d, 2, dead)
        a, b, ratio = paired(partial(frechet_distance, x, y), partial(torchmetrics_frechet, x, y), repeats)
        gap = abs(frechet_distance(x, y) / torchmetrics_frechet(x, y) - 1)
        about = f", {dead} constant" if dead else ""
        row(f"Frechet distance, n = {n:,}, d = {d:,}{about}", a, "torchmetrics, float64", b, ratio, gap)


def neighbour_row(repeats: int, folder: str | None) -> None:
    theirs = torch_fidelity_prc(folder)
    if theirs is None:
        return
    real, fake = features(POINTS, WIDTH, 1), features(POINTS, WIDTH, 2)
    a, b, ratio = paired(lambda: prdc(real, fake, NEIGHBOURS), lambda: theirs(real, fake), repeats)
    found, other = prdc(real, fake, NEIGHBOURS), theirs(real, fake)
    gap = max(abs(found.precision - other[0]), abs(found.recall - other[1]))
    row(f"precision, recall, density, coverage, {POINTS:,} x {WIDTH}", a, "torch-fidelity (precision, recall)", b,
        ratio, gap)


def memory_rows(arguments: list[str]) -> None:
    for who in ("ours", "theirs"):
        done = subprocess.run([sys.executable, __file__, "--memory", who, *arguments], capture_output=True, text=True)
        if done.returncode == 0:
            print(f"| peak memory of it above the features, {who} | {float(done.stdout):.0f} MiB | | | | |", flush=True)


def memory(who: str, folder: str | None) -> None:
    """Print the peak resident memory, in MiB, that one measurement adds to a process which holds the features."""
    real, fake = features(POINTS, WIDTH, 1), features(POINTS, WIDTH, 2)
    work = (lambda a, b: prdc(a, b, NEIGHBOURS)) if who == "ours" else torch_fidelity_prc(folder)
    if work is None:
        sys.exit(1)
    work(real[:50], fake[:50])  # load what has to be loaded
    before = resident("VmRSS")
    work(real, fake)
    print(resident("VmHWM") - before)


def resident(key: str) -> float:
    """Return this process's resident memory in MiB, now (VmRSS) or at its peak (VmHWM); Linux only.

    The peak that getrusage tells is no use here: a child starts with its parent's.
    """
    return int(re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text()).group(1)) / 1024  # type: ignore[union-attr]


def row(what: str, ours: float, rival: str, theirs: float, ratio: float, gap: float) -> None:
    print(f"| {what} | {ours:.2f} s | {rival} | {theirs:.2f} s | {ratio:.1f} | {gap:.0e} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--torch-fidelity", metavar="FOLDER")
    parser.add_argument("--memory", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    parser.add_argument("--busy", action="store_true", help="on a busy machine: one thread, processor time")
    options = parser.parse_args()
    if options.busy:
        global clock
        clock = time.process_time
        torch.set_num_threads(1)
    if options.memory:
        memory(options.memory, options.torch_fidelity)
        return
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()}, torch "
          f"{torch.__version__}, numpy {np.__version__}; medians of {options.repeats} alternating pairs"
          f"{', processor time' if options.busy else ''}\n")
    print("| what | ganworks | against | theirs | ratio | figures differ by |\n|---|---|---|---|---|---|", flush=True)
    frechet_rows(options.repeats)
    neighbour_row(options.repeats, options.torch_fidelity)
    memory_rows(["--torch-fidelity", options.torch_fidelity] if options.torch_fidelity else [])
    x, y = features(5000, 512, 1), features(5000, 512, 2)
    print(f"| kernel distance, n = 5,000, d = 512 | {seconds(lambda: kernel_distance(x, y)):.2f} s | | | | |")


if __name__ == "__main__":
    main()
