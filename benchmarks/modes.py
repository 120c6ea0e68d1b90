"""Which stabilisers cure mode collapse? Modes found on the 2-D ring of 8 and the 2-D grid of 25, method by method.

  python benchmarks/modes.py --out modes                          # all methods, 5 seeds: hours; interrupt, run again
  python benchmarks/modes.py --methods minimax rp+r1+r2 --seeds 10 --steps 2000 --out /tmp/modes
  python benchmarks/modes.py --list                               # the methods, and what each of them is

The protocol is that of VEEGAN (Srivastava et al. 2017, section 4.1): 2,500 samples; a mode is found when a sample lies
within 3 sd of it; a sample is of high quality when it lies within 3 sd of its nearest mode. KL is from the histogram of
samples by their nearest mode to the equal one, which tells collapse from blur: 0 where samples are spread evenly over
all modes, however far from them they lie, ln of the number of modes where all are at one. VEEGAN's paper has, ring
and grid: GAN 1 and 3.3 modes, 99.3 and 0.5 % of high quality; Unrolled GAN 7.6 and 23.6 modes, 35.6 and 16 %; VEEGAN
8 and 24.6 modes, 52.9 and 40 %.

The same for all methods: generator and critic (three layers of 128 units each, z of two normal numbers), batch 128,
Adam with betas (0, 0.99), a learning rate of 3e-3 that falls linearly to 0, the average of the generator's weights
(decay 0.999) that is sampled from, and the number of real batches that are looked at: with n critic steps there are
n times fewer generator steps. The plane is divided by the data's standard deviation, which changes no figure here.
Where a method cannot be had without another optimiser, critic or number of critic steps, --list says so.

How the settings were found: those that all methods share, and gamma, by some fifteen runs of rp+r1+r2 on seed 0; its
noise on seeds 1 to 4. The other methods stand as they were first written down, so the table shows that a combination
works, not that the others could not. Figures are to be taken on other seeds, 10 and up.

FOLDER/modes.jsonl gets a line for each finished run; those are not run again, so an interrupted run goes on where it
was. After a change of a method, remove its lines. FOLDER/samples holds the samples, FOLDER/modes.png shows those of the
first seed. The table is printed. Seconds are those that the run's one core worked.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from racing import machine
from resumable import Job, play

from ganworks.data import Mixture
from ganworks.data.toys import grid25, ring8
from ganworks.evaluate.modes import mode_figures
from ganworks.recipes.call import function_named
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.report.drawing import PAPER, new_figure, png_of
from ganworks.seeds import mix
from ganworks.train import Machine, Recipe, Trainer
from ganworks.train.watch import Guard, NonFinite

SAMPLES = 2500
STEPS = {"ring8": 5000, "grid25": 20_000}
"""Batches that the critic looks at. The grid asks for more than the ring does."""
NETWORKS = Networks(network="mlp", latent=2, width=32, depth=3, norm_generator="none", norm_critic="none")
TRAINING = Training(batch=128, lr=3e-3, betas=(0.0, 0.99), schedule="linear", ema=0.999, measure=None)


def _unit(toy: str) -> Mixture:
    """Return the data with a standard deviation of 1 in each coordinate; sd to spacing is as in the paper."""
    if toy == "ring8":
        return ring8(radius=2**0.5, sd=0.01 * 2**0.5)
    return grid25(spacing=2 / 8**0.5, sd=0.05 / 8**0.5)


TOYS = tuple(STEPS)


@dataclass(frozen=True)
class Method:
    """A recipe by name with what differs from the settings that all methods share."""

    recipe: str
    what: str
    stabilisers: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    networks: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def build(self, toy: str, seed: int, steps: int) -> Recipe:
        """Return the recipe; its critic looks at ``steps`` batches in all."""
        training = TRAINING.model_copy(update=self.training)
        training = training.model_copy(update={"steps": max(steps // training.critic_steps, 1), "seed": seed})
        torch.manual_seed(mix(seed, "weights"))
        return function_named(self.recipe)(
            _unit(toy), training=training, networks=NETWORKS.model_copy(update=self.networks),
            stabilisers=Stabilisers(**self.stabilisers), **self.more)


GAMMA = 0.002
"""Of R1 and R2. A mode is 0.014 to 0.018 of the data's width: the critic must be let be steep."""


def _slow(recipe: str, what: str, minibatch: str = "none", **stabilisers: Any) -> Method:
    """Return a method in the setting in which plain GANs were published to fail: appendix A of Metz et al. 2017."""
    return Method(recipe, what, stabilisers,
                  {"lr": 1e-3, "lr_critic": 1e-4, "betas": (0.5, 0.999), "schedule": "constant", "ema": None},
                  {"latent": 256, "depth": 2, "minibatch": minibatch})


METHODS: dict[str, Method] = {
    "minimax, slow critic": _slow("gan", "as Metz et al. 2017 have it: z of 256 numbers, two layers, the critic at a "
                                  "tenth of the generator's constant rate, betas (0.5, 0.999), no average"),
    "non-saturating, slow critic": _slow("nsgan", "the same, non-saturating"),
    "unrolled5, slow critic": _slow("unrolled", "the first, and the generator foresees five critic steps", unroll=5),
    "stddev, slow critic": _slow("gan", "the first, and the critic sees standard deviations over its batch",
                                 minibatch="stddev"),
    "discrimination, slow critic": _slow("gan", "the first, and the critic compares the samples of its batch",
                                         minibatch="discrimination"),
    "pacgan4, slow critic": _slow("gan", "the first, and the critic judges four samples at a time", pack=4),
    "matching, slow critic": _slow("gan", "the first, and feature matching of weight 1 in the generator's cost",
                                   matching=1.0),
    "history, slow critic": _slow("gan", "the first, and historical averaging of weight 0.1, for both players",
                                  history=0.1),
    "minimax": Method("gan", "the first paper's game, and nothing else"),
    "minimax, no average": Method("gan", "the first paper's game; the last weights are sampled from",
                                  training={"ema": None}),
    "minimax, stddev": Method("gan", "the first paper's game; the critic sees standard deviations over its batch",
                              networks={"minibatch": "stddev"}),
    "minimax, history": Method("gan", "the first paper's game, historical averaging of weight 0.1, for both players",
                               {"history": 0.1}),
    "minimax, matching": Method("gan", "the first paper's game, feature matching of weight 1", {"matching": 1.0}),
    "non-saturating": Method("nsgan", "the first paper's other generator cost, and nothing else"),
    "lsgan": Method("lsgan", "least squares"),
    "wgan": Method("wgan", "weight clipping at 0.01; RMSprop at 5e-5, five critic steps, as its paper has it",
                   {"clip_weights": 0.01}, {"optimiser": "rmsprop", "lr": 5e-5, "critic_steps": 5}),
    "wgan-gp": Method("wgan-gp", "gradient penalty 1; three critic steps", {"gp": 1.0}, {"critic_steps": 3}),
    "dragan": Method("dragan", "gradient penalty 1 around real samples", {"gp": 1.0, "gp_at": "around"}),
    "hinge+sn": Method("nsgan", "hinge, spectral normalisation of the critic", networks={"norm_critic": "spectral"},
                       more={"objective": "hinge"}),
    "ebgan": Method("ebgan", "autoencoder as critic, margin 1, pull-away 0.1", more={"code": 16}),
    "began": Method("began", "autoencoder as critic, with a balance; uniform z", networks={"law": "uniform"},
                    more={"code": 16}),
    "minibatch": Method("minibatch-discrimination", "the critic compares the samples of a batch; batches of 32, since "
                        "the cost is their square", training={"batch": 32}, networks={"minibatch": "discrimination"}),
    "pacgan4": Method("pacgan", "the critic judges four samples at a time", {"pack": 4}),
    "noise": Method("nsgan", "instance noise of sd 0.1 that fades to 0", {"noise": 0.1, "noise_fade": 1.0}),
    "lecam": Method("nsgan", "LeCam penalty 0.1", {"lecam": 0.1}),
    "top-k": Method("nsgan", "the generator learns from its best half", {"top": 0.5}),
    "ragan": Method("ragan", "relativistic average", {"relativistic": "average"}),
    "rpgan": Method("rpgan", "relativistic pairs", {"relativistic": "pair"}),
    "ns+r1": Method("nsgan", f"non-saturating, R1 {GAMMA}", {"r1": GAMMA}),
    "rp+r1+r2+noise": Method("rpgan", f"relativistic pairs, R1 and R2 {GAMMA}, instance noise of sd 0.5 that fades "
                             "over the first fifth", {"relativistic": "pair", "r1": GAMMA, "r2": GAMMA, "noise": 0.5,
                                                 "noise_fade": 0.2}),
    "rp+r1+r2": Method("rpgan", f"relativistic pairs, R1 and R2 {GAMMA}",
                       {"relativistic": "pair", "r1": GAMMA, "r2": GAMMA}),
}


def run(job: Job) -> dict[str, Any]:
    """Train once and say what the samples are like; a run that diverges finds nothing."""
    torch.set_num_threads(1)
    recipe = METHODS[job["method"]].build(job["data"], job["seed"], job["steps"])
    trainer = Trainer(recipe, Machine("cpu"), [Guard()])
    began = time.process_time()
    try:
        trainer.fit()
        samples = trainer.samples(SAMPLES, seed=job["seed"]).numpy()
    except NonFinite:
        samples = np.full((SAMPLES, 2), np.nan)
    seconds = time.process_time() - began
    path = _samples(Path(os.environ["GANWORKS_MODES"]), job)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, samples.astype(np.float32))
    if not np.isfinite(samples).all():
        return {"modes": 0, "high_quality": 0.0, "kl": None, "seconds": round(seconds, 1)}
    truth = _unit(job["data"])
    figures = mode_figures(samples, truth.modes, truth.sd)
    return {"modes": figures.found, "high_quality": round(figures.high_quality, 4), "kl": round(figures.kl, 4),
            "seconds": round(seconds, 1)}


def _samples(folder: Path, job: Job) -> Path:
    return folder / "samples" / f"{job['method']}-{job['data']}-{job['seed']}-{job['steps']}.npy"


def table(found: Sequence[dict[str, Any]], methods: Sequence[str]) -> str:
    """Return the figures as Markdown: a row for each method, both data sets side by side."""
    columns = "modes (min-max) | high quality % (min-max) | KL, nats | s a run"
    lines = ["| method | " + " | ".join(f"{toy}: {columns}" for toy in TOYS) + " |",
             "|---" * (1 + 4 * len(TOYS)) + "|"]
    for method in methods:
        cells = [method]
        for toy in TOYS:
            runs = [r for r in found if r["method"] == method and r["data"] == toy]
            cells += _cells(runs) if runs else ["-"] * 4
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cells(runs: Sequence[dict[str, Any]]) -> list[str]:
    modes, good = [r["modes"] for r in runs], [100 * r["high_quality"] for r in runs]
    far = [r["kl"] for r in runs if r["kl"] is not None]
    return [f"{statistics.mean(modes):.1f} ({min(modes)}-{max(modes)})",
            f"{statistics.mean(good):.1f} ({min(good):.1f}-{max(good):.1f})",
            f"{statistics.mean(far):.3f}" if far else "-",
            f"{statistics.mean(r['seconds'] for r in runs):.0f}"]


def picture(found: Sequence[dict[str, Any]], methods: Sequence[str], seed: int, folder: Path) -> bytes:
    """Return a PNG: for each method its samples (dark) over the data's modes (rings), ring above grid."""
    across = 7
    blocks = -(-len(methods) // across)
    toys = [toy for toy in TOYS if any(r["data"] == toy for r in found)]
    figure = new_figure(1.5 * across, 1.65 * len(toys) * blocks)
    cells = figure.subplots(len(toys) * blocks, across, squeeze=False)
    for axes in cells.flat:
        axes.set_axis_off()
    for number, method in enumerate(methods):
        for below, toy in enumerate(toys):
            axes = cells[len(toys) * (number // across) + below, number % across]
            run = next((r for r in found if (r["method"], r["data"], r["seed"]) == (method, toy, seed)), None)
            if run is not None and _samples(folder, run).exists():
                _scatter(axes, np.load(_samples(folder, run)), _unit(toy), f"{method}\n" if below == 0 else "", run)
    return png_of(figure)


def _scatter(axes: Any, samples: np.ndarray, truth: Mixture, title: str, run: dict[str, Any]) -> None:
    reach = 1.25 * np.abs(truth.modes).max()
    axes.scatter(*truth.modes.T, s=40, facecolors="none", edgecolors=PAPER.lines[1], linewidths=0.6)
    axes.scatter(*samples.T, s=1, color=PAPER.lines[0], alpha=0.5, linewidths=0, rasterized=True)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set_title(f"{title}{run['modes']}/{len(truth.modes)}, {100 * run['high_quality']:.0f} %", fontsize=8,
                   color=PAPER.ink)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="METHOD",
                        help="some of: " + " ".join(METHODS))
    parser.add_argument("--data", nargs="+", default=list(TOYS), choices=TOYS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[10, 11, 12, 13, 14], metavar="SEED")
    parser.add_argument("--steps", type=int, help="batches the critic looks at (default "
                        + ", ".join(f"{steps} on {toy}" for toy, steps in STEPS.items()) + ")")
    parser.add_argument("--out", type=Path, default=Path("modes"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes, by default one a core")
    parser.add_argument("--list", action="store_true", help="say what the methods are, and stop")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{name:<30}{method.what}" for name, method in METHODS.items()))
        return
    os.environ["GANWORKS_MODES"] = str(args.out)
    jobs = [{"method": method, "data": toy, "seed": seed, "steps": args.steps or STEPS[toy]}
            for seed in args.seeds for method in args.methods for toy in args.data]
    found = play(jobs, run, args.out / "modes.jsonl", args.workers)
    batches = ", ".join(f"{args.steps or STEPS[toy]} batches on {toy}" for toy in args.data)
    print(f"{machine()}; {batches}, {SAMPLES} samples, seeds {args.seeds}\n")
    print(table(found, args.methods))
    if found:
        (args.out / "modes.png").write_bytes(picture(found, args.methods, args.seeds[0], args.out))


if __name__ == "__main__":
    main()
