"""How many of 1,000 modes? Stacked MNIST: three random digits are the channels of one image; each triple is a mode.

  python benchmarks/stacked.py --data mnist.npz --out stacked              # all methods, one seed: hours on one core
  python benchmarks/stacked.py --data mnist.npz --methods rp+r1+r2 --steps 2000 --out /tmp/stacked
  python benchmarks/stacked.py --list                                      # the methods, and what each of them is

The data is anything that `ganworks train --data` takes, as long as it is one-channel images of ten labelled classes
(an .npz with images and labels, say). A convolutional classifier is fitted to single digits for six epochs and kept
in FOLDER; a tenth of the digits (at most 5,000), which it is not fitted to, tell its accuracy. Each channel of 26,000
samples is classified, as VEEGAN (Srivastava et al. 2017, section 4.2) and PacGAN (Lin et al. 2018, section 4.2) do
it; a mode is found when one sample is taken for it. KL is from the histogram of the found modes to the equal one, in
nats. Those papers' figures, with larger networks: DCGAN 99 modes and KL 3.4, Unrolled GAN 48.7 and 4.3, VEEGAN 150
and 2.95, PacDCGAN2 1,000 and 0.06. As many real samples give the row "data": what a perfect generator would have.

The same for all methods: convolutional networks of --width channels, latents of 128 normal numbers, batch 64, the
average of the generator's weights (decay 0.999), a learning rate that falls linearly to 0, and the number of real
batches that are looked at: with n critic steps there are n times fewer generator steps. --list says what differs.

FOLDER/stacked.jsonl gets a line for each finished run; those are not run again. FOLDER/samples holds pictures of
samples. Seconds are those that the run's one core worked.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from racing import machine
from resumable import Job, play
from torch import Tensor
from witness import fitted

from ganworks.data import Finite
from ganworks.data.opening import open_source
from ganworks.data.options import checked
from ganworks.data.pictures import picture, save
from ganworks.data.stacked import Stacked
from ganworks.errors import UserError
from ganworks.evaluate.classifier import Network
from ganworks.recipes.call import function_named
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.seeds import mix
from ganworks.train import Machine, Recipe, Trainer
from ganworks.train.watch import Guard, Log, NonFinite, Progress

SAMPLES, STEPS, WIDTH, DIGITS = 26_000, 12_000, 24, 10
TRAINING = Training(batch=64, lr=1e-3, betas=(0.0, 0.99), schedule="linear", ema=0.999, measure=None)
HALF = {"betas": (0.5, 0.99), "lr": 2e-4}


@dataclass(frozen=True)
class Method:
    """A recipe by name with what differs from the settings that all methods share."""

    recipe: str
    what: str
    stabilisers: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    networks: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def build(self, source: Stacked, seed: int, steps: int, width: int) -> Recipe:
        """Return the recipe; its critic looks at ``steps`` batches in all."""
        training = TRAINING.model_copy(update=self.training)
        training = training.model_copy(update={"steps": max(steps // training.critic_steps, 1), "seed": seed})
        networks = Networks(network="dcgan", latent=128, width=width, **{"norm_critic": "none"} | self.networks)
        torch.manual_seed(mix(seed, "weights"))
        return function_named(self.recipe)(source, training=training, networks=networks,
                                           stabilisers=Stabilisers(**self.stabilisers), **self.more)


METHODS: dict[str, Method] = {
    "dcgan": Method("dcgan", "non-saturating, batch normalisation, DCGAN's rate 2e-4 and beta 0.5", {}, HALF,
                    {"norm_critic": "batch"}),
    "non-saturating": Method("nsgan", "non-saturating, no normalisation in the critic"),
    "hinge+sn": Method("dcgan", "hinge, spectral normalisation of the critic", {}, {},
                       {"norm_critic": "spectral"}, {"objective": "hinge"}),
    "pacgan2": Method("pacgan", "as dcgan, the critic judges two samples at a time", {"pack": 2}, HALF,
                      {"norm_critic": "batch"}),
    "wgan-gp": Method("wgan-gp", "gradient penalty 10, three critic steps", {"gp": 10.0}, {"critic_steps": 3}),
    "ns+r1": Method("dcgan", "non-saturating, R1 1", {"r1": 1.0}),
    "rp+r1+r2": Method("rpgan", "relativistic pairs, R1 and R2 1", {"relativistic": "pair", "r1": 1.0, "r2": 1.0}),
}


def digits(path: str) -> Finite:
    """Return the single digits."""
    source = open_source(checked(path=path))
    if not isinstance(source, Finite) or len(source.shape) != 3 or source.shape[0] != 1 or (
            len(source.classes or ()) != DIGITS):
        raise UserError(f"{path}: samples of shape {source.shape}, classes {source.classes}",
                        "one-channel images with labels of ten classes", "see: ganworks data PATH")
    return source


def figures(samples: Iterable[Tensor], classifier: Network) -> dict[str, Any]:
    """Return modes found and KL(found | equal) in nats of stacked images, uint8 (n, 3, H, W) at a time."""
    counts = np.zeros(DIGITS**3, dtype=np.int64)
    for images in samples:
        with torch.inference_mode():
            single = classifier(images.reshape(-1, 1, *images.shape[2:])).argmax(dim=1).reshape(-1, 3)
        counts += np.bincount((single @ torch.tensor([100, 10, 1])).numpy(), minlength=DIGITS**3)
    share = counts[counts > 0] / counts.sum()
    return {"modes": int((counts > 0).sum()), "kl": round(float(np.sum(share * np.log(share * DIGITS**3))), 4)}


def real(source: Stacked, seed: int) -> Iterator[Tensor]:
    """Yield as many samples of the data as are made of a generator."""
    for k in range(SAMPLES // 500):
        yield source.batch(k, 500, seed=mix("counted", seed))["sample"]


def run(job: Job) -> dict[str, Any]:
    """Train once and count; a run that diverges finds nothing."""
    torch.set_num_threads(1)
    single, folder = digits(job["source"]), Path(os.environ["GANWORKS_STACKED"])
    classifier, right, held_out = fitted(single, folder)
    source, accuracy = Stacked(single), {"accuracy": round(int(right.sum()) / int(held_out.sum()), 4)}
    if job["method"] == "data":
        return figures(real(source, job["seed"]), classifier) | {"seconds": 0.0} | accuracy
    recipe = METHODS[job["method"]].build(source, job["seed"], job["steps"], job["width"])
    log = Log(None, every=100)
    trainer = Trainer(recipe, Machine("cpu"), [Guard(), log, Progress(log)])
    began = time.process_time()
    try:
        trainer.fit()
    except NonFinite:
        return {"modes": 0, "kl": None, "seconds": round(time.process_time() - began, 1)} | accuracy
    seconds = round(time.process_time() - began, 1)
    name = f"{job['method']}-{job['seed']}-{job['steps']}-{job['width']}.png"
    path = folder / "samples" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    save(picture(trainer.samples(64)), path)
    return figures(trainer.chunks(SAMPLES, seed=job["seed"]), classifier) | {"seconds": seconds} | accuracy


def table(found: Sequence[dict[str, Any]]) -> str:
    """Return the figures as Markdown."""
    lines = ["| method | seed | modes of 1,000 | KL, nats | s |", "|---|---|---|---|---|"]
    for record in found:
        kl = "-" if record["kl"] is None else f"{record['kl']:.3f}"
        lines.append(f"| {record['method']} | {record['seed']} | {record['modes']} | {kl} | {record['seconds']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help="the single digits with their labels")
    parser.add_argument("--methods", nargs="+", default=["data", *METHODS], choices=["data", *METHODS],
                        metavar="METHOD", help="some of: data " + " ".join(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED")
    parser.add_argument("--steps", type=int, default=STEPS, help="batches the critic looks at (default %(default)s)")
    parser.add_argument("--width", type=int, default=WIDTH, help="channels of the widest maps (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("stacked"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes, by default one a core")
    parser.add_argument("--list", action="store_true", help="say what the methods are, and stop")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{name:<16}{method.what}" for name, method in METHODS.items()))
        return
    if args.data is None:
        parser.error("--data PATH: single digits with labels, an .npz with images and labels, say")
    _, right, held_out = fitted(digits(args.data), args.out)  # once, before the processes would each fit their own
    os.environ["GANWORKS_STACKED"] = str(args.out)
    jobs = [{"method": method, "source": args.data, "seed": seed, "steps": args.steps, "width": args.width}
            for seed in args.seeds for method in args.methods]
    found = play(jobs, run, args.out / "stacked.jsonl", args.workers)
    print(f"{machine()}; {args.steps} batches, width {args.width}, {SAMPLES} samples; "
          f"the classifier is right on {int(right.sum()) / int(held_out.sum()):.2%} of held-out digits\n")
    print(table(found))


if __name__ == "__main__":
    main()
