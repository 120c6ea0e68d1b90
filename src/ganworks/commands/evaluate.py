"""Judge a run: how far its samples are from the data, beside how far the data is from itself.

Frechet distance, KID, precision and recall, density and coverage on a named feature extractor; for densities that are
known, the modes found and the share of good samples. Every figure comes with an interval and with the same figure of
real data against other real data, which is what a perfect generator would get. Writes metrics.json into the run, and
its report anew.

Of a run that was told classes also the condition accuracy, the share of samples that a classifier of the real data
names as they were asked to be, beside its accuracy on real images that it has not been taught; and each class by
itself, the worst first.

Of a run that translates images, the images that were kept out of its training: for pairs L1, PSNR and SSIM beside
those of the best constant image and of the input itself; without pairs, how far an image is from itself after the way
there and back. The worst ones are drawn in RUN/worst.png.

examples:
  ganworks evaluate runs/first
  ganworks evaluate runs/first --checkpoint best --features pixels --n 2000
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ganworks.errors import UserError

if TYPE_CHECKING:
    from ganworks.data import Source
    from ganworks.train import Run


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", metavar="RUN", help="directory of the run")
    parser.add_argument("--features", default="auto", help="pixels, classifier, inception, or auto: the classifier "
                        "where the data has labels (default: %(default)s)")
    parser.add_argument("--n", type=int, metavar="N", help="samples of each kind (default: 5000, or half the data); "
                        "of a run that translates, images (default: all that were kept out)")
    parser.add_argument("--checkpoint", default="last", metavar="WHICH", help="last, best or a step "
                        "(default: %(default)s)")
    parser.add_argument("--data", metavar="PATH", help="the data, where it has moved since the training; of a run that "
                        "translates, images to judge it on, all of them")
    parser.add_argument("--lpips", action="store_true", help="of pairs, the perceptual distance too (loads weights)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the samples and halves (default: 0)")
    parser.add_argument("--live", action="store_true", help="judge the live weights, not the averaged ones")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate, print the table, write metrics.json; return 0."""
    from ganworks.console import note
    from ganworks.files import write_text
    from ganworks.recipes import rebuild
    from ganworks.report import write_report
    from ganworks.report.translations import judged
    from ganworks.train import Run

    run = Run.open(args.run)
    source = _opened(run, args.data)
    trainer = rebuild(run, args.checkpoint, args.device)
    _same_kind(trainer.source, source)

    report, worst = judged(trainer, source, args.features, args.n, args.seed, not args.live, args.lpips,
                           foreign=args.data is not None)
    if worst is not None:
        worst.write(run.path)
    facts = {"step": trainer.step, "weights": "live" if args.live or not trainer.averaged else "averaged",
             **json.loads(report.to_json())}
    write_text(run.path / "metrics.json", json.dumps(facts, indent=2) + "\n")
    page = write_report(run)
    print(json.dumps(facts, indent=2) if args.json else report.table())
    note(f"step {trainer.step}, {facts['weights']} weights; written to {run.path / 'metrics.json'} and {page}")
    return 0


def _opened(run: Run, path: str | None) -> Source:
    """Return the run's data, or the one at ``path``, of which then nothing is kept out."""
    from ganworks.recipes import Call

    call = Call.load(run.recipe, where=str(run.path / "recipe.yaml"))
    options = call.options.data
    if path is None:
        return call.kind.open(options)
    new: dict[str, Any] = {"path": path}
    if hasattr(options, "held_out"):  # in the training's size and whole, as images are that are kept out
        side = run.source["shape"][-1]
        new |= {"to": None, "held_out": 0.0, "size": side, "load_size": side}
    return call.kind.open(options.model_copy(update=new))


def _same_kind(trained: Source, given: Source) -> None:
    if (trained.input, trained.input and trained.shape) != (given.input, given.input and given.shape):
        raise UserError(f"{given.name}: inputs of shape {given.input}, to become {given.shape}",
                        f"those of the training: {trained.input}, {trained.shape}")
    if trained.classes != given.classes:
        raise UserError(f"the classes of {given.name}: {', '.join(given.classes or ('none',))}",
                        f"those of the training: {', '.join(trained.classes or ('none',))}",
                        "give the data that the run was trained on")
