"""Few images: what keeps a critic from knowing them by heart, and does the generator gain by it?

  python benchmarks/few.py --data fashion.npz --out few    # all methods, 3 seeds: hours, on one core
  python benchmarks/few.py --data fashion.npz --methods plain ada --seeds 0 --steps 500 --out /tmp/few
  python benchmarks/few.py --list                          # the methods, and what each of them is

The data is anything that `ganworks train --data` takes, as long as it is images with labels. Of it, --images drawn at
random are trained on, always the same; the others are never seen. "Known by heart" is the area under the ROC curve by
which the critic's scores tell images that it has seen from others: 0.5 where it cannot, 1 where it never errs. FD is
the Frechet distance to the whole data on the features of the classifier of `ganworks evaluate`, so copying the few does
not get it low. The row "many images" trains on half of the data, and otherwise with the settings of "plain": what few
images cost.

The same for all methods: DCGAN's networks of --width channels at the images' own size, no normalisation in the critic,
latents of 64 normal numbers, the non-saturating costs, batch 64, Adam at 1e-3 with betas 0 and 0.99, averaged weights
(decay 0.995). Weights of the remedies are their papers' where they give one. ADA's probability can go from 0 to 1 in
the first quarter of the training; its paper's 500,000 images would be more than the training has.

FOLDER/few.jsonl gets a line for each finished run; those are not run again. Seconds are those that the run's one core
worked.
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

import torch
from racing import machine
from resumable import Job, play
from torch import Tensor

from ganworks.data import Finite
from ganworks.data.opening import open_source
from ganworks.data.options import checked
from ganworks.data.part import parted
from ganworks.data.pictures import save
from ganworks.data.source import Source, as_floats
from ganworks.diagnose.look import above, per_sample
from ganworks.errors import UserError
from ganworks.evaluate import evaluate
from ganworks.evaluate.classifier import Classifier
from ganworks.nets.contract import call
from ganworks.recipes.call import function_named
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Stabilisers
from ganworks.recipes.training import Training
from ganworks.seeds import mix
from ganworks.train import Machine, Recipe, Trainer
from ganworks.train.portrait import portrait
from ganworks.train.watch import Guard, Log, NonFinite, Progress

N, STEPS, WIDTH, IMAGES, BATCH, LOOKED_AT = 5000, 5000, 16, 100, 64, 2000
TRAINING = Training(batch=BATCH, lr=1e-3, betas=(0.0, 0.99), schedule="constant", ema=0.995, measure=None)


@dataclass(frozen=True)
class Method:
    """What is added to the plain game."""

    what: str
    stabilisers: dict[str, Any] = field(default_factory=dict)
    networks: dict[str, Any] = field(default_factory=dict)

    def build(self, source: Source, seed: int, steps: int, width: int) -> Recipe:
        """Return the recipe."""
        networks = Networks(network="dcgan", latent=64, width=width, **{"norm_critic": "none"} | self.networks)
        over = {"ada_over": max(steps * BATCH // 4, 1)} if self.stabilisers.get("augment") == "ada" else {}
        torch.manual_seed(mix(seed, "weights"))
        return function_named("nsgan")(
            source, training=TRAINING.model_copy(update={"steps": steps, "seed": seed}), networks=networks,
            stabilisers=Stabilisers(**self.stabilisers, **over))


METHODS: dict[str, Method] = {
    "many images": Method("the plain game, with half of the data"),
    "plain": Method("the plain game"),
    "smoothing": Method("label 0.9 for real images (Salimans et al. 2016)", {"smoothing": 0.9}),
    "flipping": Method("a twentieth of the labels told wrongly", {"flipping": 0.05}),
    "noise": Method("noise of sd 0.3 on all that the critic sees, throughout", {"noise": 0.3}),
    "r1": Method("R1 of 1 (Mescheder et al. 2018)", {"r1": 1.0}),
    "lecam": Method("LeCam penalty 0.1 (Tseng et al. 2021)", {"lecam": 0.1}),
    "spectral": Method("spectral normalisation of the critic (Miyato et al. 2018)",
                       networks={"norm_critic": "spectral"}),
    "orthogonal": Method("orthogonal regularisation 1e-4 of the critic (Brock et al. 2018)", {"orthogonal": 1e-4}),
    "consistency": Method("consistency 10 on real images (CR, Zhang et al. 2020)", {"consistency": 10.0}),
    "both consistent": Method("consistency 10 on real and on generated images (bCR, Zhao et al. 2020)",
                              {"consistency": 10.0, "consistency_fake": 10.0}),
    "diffaugment": Method("DiffAugment (Zhao et al. 2020)", {"augment": "diffaugment"}),
    "ada": Method("ADA (Karras et al. 2020)", {"augment": "ada"}),
}


def opened(path: str) -> Finite:
    """Return the whole data."""
    source = open_source(checked(path=path))
    if not isinstance(source, Finite) or len(source.shape) != 3 or source.classes is None:
        raise UserError(f"{path}: samples of shape {source.shape}", "images with labels", "see: ganworks data PATH")
    return source


@torch.inference_mode()
def known_by_heart(trainer: Trainer, few: Source) -> float:
    """Return P(score of an image that was trained on > score of one that was not)."""
    others = few.unseen(LOOKED_AT)
    assert others is not None
    return float(above(_scores(trainer, few.trained(LOOKED_AT)["sample"]), _scores(trainer, others["sample"])))


def _scores(trainer: Trainer, images: Tensor) -> Tensor:
    critic = trainer.game.critic.eval()  # type: ignore[union-attr, operator]
    return torch.cat([per_sample(call(critic, as_floats(part), None)) for part in images.split(500)])


def run(job: Job) -> dict[str, Any]:
    """Train once and judge; a run that diverges finds nothing."""
    torch.set_num_threads(1)
    whole = opened(job["source"])
    few = parted(whole, 0.5 if job["method"] == "many images" else 1 - job["images"] / len(whole))
    log = Log(None, every=100)
    trainer = Trainer(METHODS[job["method"]].build(few, job["seed"], job["steps"], job["width"]), Machine("cpu"),
                      [Guard(), log, Progress(log)])
    began = time.process_time()
    try:
        trainer.fit()
    except NonFinite:
        return {"fd": None, "known": None, "seconds": round(time.process_time() - began, 1)}
    seconds = round(time.process_time() - began, 1)
    path = Path(os.environ["GANWORKS_FEW"]) / "samples"
    path.mkdir(parents=True, exist_ok=True)
    save(portrait(trainer), path / f"{job['method']}-{job['seed']}-{job['steps']}-{job['images']}.png")
    far = evaluate(trainer.samples, whole, "classifier", job["n"], resamples=2)["FD"]
    return {"fd": round(far.value, 3), "real_fd": round(far.floor, 3), "known": round(known_by_heart(trainer, few), 3),
            "seconds": seconds}


def table(found: Sequence[dict[str, Any]], methods: Sequence[str]) -> str:
    """Return the figures as Markdown."""
    lines = ["| method | known by heart, mean (min to max) | FD, mean (min to max) | s |", "|---|---|---|---|"]
    for method in methods:
        runs = [record for record in found if record["method"] == method and record["fd"] is not None]
        if runs:
            lines.append(f"| {method} | {_spread([run['known'] for run in runs], 2)} | "
                         f"{_spread([run['fd'] for run in runs], 1)} | "
                         f"{statistics.mean(run['seconds'] for run in runs):.0f} |")
    return "\n".join(lines)


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{statistics.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help="images with labels")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="METHOD",
                        help="some of: " + ", ".join(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="SEED")
    parser.add_argument("--images", type=int, default=IMAGES, help="that are trained on (default %(default)s)")
    parser.add_argument("--steps", type=int, default=STEPS, help="default: %(default)s")
    parser.add_argument("--width", type=int, default=WIDTH, help="channels of the widest maps (default %(default)s)")
    parser.add_argument("--n", type=int, default=N, help="samples that are judged (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("few"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes, by default one a core")
    parser.add_argument("--list", action="store_true", help="say what the methods are, and stop")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{name:<18}{method.what}" for name, method in METHODS.items()))
        return
    if args.data is None:
        parser.error("--data PATH: images with labels, an .npz with images and labels, say")
    whole = opened(args.data)
    if not BATCH <= args.images <= len(whole) // 2:
        parser.error(f"--images {args.images}: from {BATCH}, a batch, to {len(whole) // 2}, half of the data")
    Classifier.of(whole)  # once, before the processes would each fit their own
    os.environ["GANWORKS_FEW"] = str(args.out)
    jobs = [{"method": method, "source": args.data, "seed": seed, "images": args.images, "steps": args.steps,
             "width": args.width, "n": args.n} for seed in args.seeds for method in args.methods]
    found = play(jobs, run, args.out / "few.jsonl", args.workers)
    print(f"{machine()}; {args.images} images, {args.steps} steps, width {args.width}, seeds {args.seeds}\n")
    print(table(found, args.methods))


if __name__ == "__main__":
    main()
