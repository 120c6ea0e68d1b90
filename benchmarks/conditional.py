"""Are samples what they were asked to be? Ways to tell a GAN the class, on the same data with the same networks.

  python benchmarks/conditional.py --data fashion.npz --out conditional   # all methods, one seed
  python benchmarks/conditional.py --data fashion.npz --methods projection --steps 500 --out /tmp/conditional
  python benchmarks/conditional.py --list                                 # the methods, and what each of them is

The data is anything that `ganworks train --data` takes, as long as it is images with labels. Each run is judged as
`ganworks evaluate` does it: --n samples on classes that come as often as in the data are named by a classifier of the
real data; the condition accuracy is the share that is named as it was asked to be, with Wilson's interval. FD is the
Frechet distance on that classifier's last activations, and "FD within" the mean of the same class by class, which a
generator that makes one good image of each class does not get low. The witness is a second classifier, fitted three
times as long to the same data and used for nothing else; it names as many other samples. The row "data" is what real
samples get: the classifiers' accuracy on images that they have not been taught, and distances of real samples to other
real ones. Odena et al. (2017), Miyato and Koyama (2018) have figures of larger networks on larger data; they are not
comparable with these.

The same for all methods: DCGAN's networks of --width channels, latents of 64 normal numbers, the non-saturating costs,
no normalisation in the critic, R1 of 1 at every fourth step, batch 64, Adam with betas 0 and 0.99, a learning rate of
1e-3 that falls linearly to 0, and the average of the generator's weights (decay 0.995). --list says what differs.

FOLDER/conditional.jsonl gets a line for each finished run; those are not run again. FOLDER/samples holds a picture of
each, a row for each class. Seconds are those that the run's one core worked.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from racing import machine
from resumable import Job, play
from scipy.stats import binomtest
from witness import fitted

from ganworks.data import Finite
from ganworks.data.opening import open_source
from ganworks.data.options import checked
from ganworks.data.pictures import save
from ganworks.data.source import Source
from ganworks.evaluate import Drawn, evaluate
from ganworks.evaluate.classifier import Classifier
from ganworks.evaluate.figures import Report
from ganworks.evaluate.judge import Sampler
from ganworks.recipes.call import function_named
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.report.draws import sampler
from ganworks.seeds import mix
from ganworks.train import Machine, Recipe, Trainer
from ganworks.train.portrait import portrait
from ganworks.train.watch import Guard, Log, NonFinite, Progress

N, STEPS, WIDTH, LATENT = 5000, 4500, 24, 64
TRAINING = Training(batch=64, lr=1e-3, betas=(0.0, 0.99), schedule="linear", ema=0.995, measure=None)
STABILISERS = Stabilisers(r1=1.0, r1_every=4)


@dataclass(frozen=True)
class Method:
    """A recipe by name with what differs from the settings that all methods share."""

    recipe: str
    what: str
    networks: dict[str, Any] = field(default_factory=dict)

    def build(self, source: Source, seed: int, steps: int, width: int) -> Recipe:
        """Return the recipe."""
        training = TRAINING.model_copy(update={"steps": steps, "seed": seed})
        networks = Networks(network="dcgan", latent=LATENT, width=width, norm_critic="none", **self.networks)
        torch.manual_seed(mix(seed, "weights"))
        return function_named(self.recipe)(source, training=training, networks=networks, stabilisers=STABILISERS)


LABEL = {"condition": "label"}
METHODS: dict[str, Method] = {
    "none": Method("dcgan", "no one is told the class; samples are asked for at random"),
    "concat": Method("cgan", "one-hot beside z and, as constant maps, beside the image", LABEL),
    "projection": Method("cgan", "one-hot beside z; the critic by projection", LABEL | {"told_critic": "projection"}),
    "norm+projection": Method("cgan", "conditional batch normalisation; the critic by projection",
                              LABEL | {"told_generator": "norm", "told_critic": "projection"}),
    "acgan": Method("acgan", "one-hot beside z; the critic is not told but names the class, for both players",
                    LABEL | {"told_critic": "auxiliary"}),
}


def labelled(path: str) -> Source:
    """Return the data; without labels there can be no classifier, which says so."""
    return open_source(checked(path=path))


def found_in(report: Report, names: Sequence[str]) -> dict[str, Any]:
    """Return what is kept of an evaluation: condition accuracy, the number of the worst class, distances, floors."""
    right, far = report["condition accuracy"], report["FD"]
    within = [one.distance for one in report.classes if one.distance]
    mean, floor = (round(float(np.mean(values)), 4) if within else None
                   for values in ([one.value for one in within], [one.floor for one in within]))
    worst = report.classes[0]
    return {"accuracy": round(right.value, 4), "low": right.low, "high": right.high, "worst": names.index(worst.name),
            "worst_accuracy": round(worst.accuracy.value, 4), "fd": round(far.value, 4), "within": mean,
            "real_accuracy": round(right.floor, 4), "real_worst": round(min(one.accuracy.floor for one in
                                                                            report.classes), 4),
            "real_fd": round(far.floor, 4), "real_within": floor}


def run(job: Job) -> dict[str, Any]:
    """Train once and judge; a run that diverges finds nothing."""
    torch.set_num_threads(1)
    source = labelled(job["source"])
    recipe = METHODS[job["method"]].build(source, job["seed"], job["steps"], job["width"])
    log = Log(None, every=100)
    trainer = Trainer(recipe, Machine("cpu"), [Guard(), log, Progress(log)])
    began = time.process_time()
    try:
        trainer.fit()
    except NonFinite:
        return {"accuracy": None, "seconds": round(time.process_time() - began, 1)}
    seconds = round(time.process_time() - began, 1)
    path = Path(os.environ["GANWORKS_CONDITIONAL"]) / "samples"
    path.mkdir(parents=True, exist_ok=True)
    save(portrait(trainer), path / f"{job['method']}-{job['seed']}-{job['steps']}-{job['width']}.png")
    asked = _asked(trainer, source)
    report = evaluate(asked, source, "classifier", job["n"])
    return found_in(report, source.classes or ()) | {"seconds": seconds} | witnessed(source, asked, job)


def witnessed(source: Source, asked: Sampler, job: Job) -> dict[str, Any]:
    """Return the share of samples that the witness names as they were asked to be, and that of real images."""
    assert isinstance(source, Finite)
    network, right, held_out = fitted(source, Path(os.environ["GANWORKS_CONDITIONAL"]))
    drawn = asked(job["n"], mix(job["seed"], "witness"))
    assert isinstance(drawn, Drawn)
    with torch.inference_mode():
        named = torch.cat([network(part).argmax(dim=1) for part in torch.as_tensor(drawn.samples).split(500)])
    hits = binomtest(int((named == torch.as_tensor(drawn.labels)).sum()), len(named))
    low, high = hits.proportion_ci(method="wilson")
    return {"witness": round(hits.statistic, 4), "witness_low": round(low, 4), "witness_high": round(high, 4),
            "real_witness": round(int(right.sum()) / int(held_out.sum()), 4)}


def _asked(trainer: Trainer, source: Source) -> Sampler:
    """Return the trainer's sampler; one that is told nothing is asked for classes all the same."""
    if trainer.game.condition is not None:
        return sampler(trainer)

    def draw(n: int, seed: int) -> Drawn:
        wanted = source.conditions.draw("label", n, mix(seed, "wanted"))
        assert wanted is not None  # the classifier refuses data without labels before
        return Drawn(trainer.samples(n, seed), wanted)

    return draw


def table(found: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """Return the figures as Markdown, the data's own first."""
    lines = ["| method | seed | condition accuracy | by the witness | worst class | FD | FD within | s |",
             "|---|---|---|---|---|---|---|---|"]
    whole = [record for record in found if record["accuracy"] is not None]
    if whole:
        one = whole[0]
        lines.append(f"| data | - | {one['real_accuracy']:.1%} | {one['real_witness']:.1%} | "
                     f"{one['real_worst']:.1%} | {one['real_fd']:.3f} | "
                     f"{_number(one['real_within'])} | - |")
    for record in found:
        start = f"| {record['method']} | {record['seed']} | "
        if record["accuracy"] is None:
            lines.append(f"{start}diverged | - | - | - | - | {record['seconds']:.0f} |")
            continue
        lines.append(f"{start}{record['accuracy']:.1%} ({record['low']:.1%} to {record['high']:.1%}) | "
                     f"{record['witness']:.1%} ({record['witness_low']:.1%} to {record['witness_high']:.1%}) | "
                     f"{names[record['worst']]} {record['worst_accuracy']:.1%} | {record['fd']:.3f} | "
                     f"{_number(record['within'])} | {record['seconds']:.0f} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help="images with labels")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="METHOD",
                        help="some of: " + " ".join(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the generator (default %(default)s)")
    parser.add_argument("--width", type=int, default=WIDTH, help="channels of the widest maps (default %(default)s)")
    parser.add_argument("--n", type=int, default=N, help="samples that are judged (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("conditional"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes, by default one a core")
    parser.add_argument("--list", action="store_true", help="say what the methods are, and stop")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{name:<18}{method.what}" for name, method in METHODS.items()))
        return
    if args.data is None:
        parser.error("--data PATH: images with labels, an .npz with images and labels, say")
    source = labelled(args.data)
    Classifier.of(source)  # both once, before the processes would each fit their own
    assert isinstance(source, Finite)
    fitted(source, args.out)
    os.environ["GANWORKS_CONDITIONAL"] = str(args.out)
    jobs = [{"method": method, "source": args.data, "seed": seed, "steps": args.steps, "width": args.width, "n": args.n}
            for seed in args.seeds for method in args.methods]
    found = play(jobs, run, args.out / "conditional.jsonl", args.workers)
    print(f"{machine()}; {args.steps} steps, width {args.width}, {args.n} samples\n")
    print(table(found, source.classes or ()))


if __name__ == "__main__":
    main()
