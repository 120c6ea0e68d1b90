"""Say what is wrong with a generator's samples and with its data, on what evidence, and what to do.

  ganworks diagnose RUN                               a run's last checkpoint
  ganworks diagnose --samples FOLDER --data FOLDER    samples that were made elsewhere, beside the data

Looked for in the log: vanishing gradients, a critic too strong or too weak, dead units, steps too long or too short,
costs that run away, players that go in circles, a plateau; in the samples: mode collapse, parts of the data that are
left out, copies of the data, values or channels that do not fit; in the data: repetitions, a range that is not filled,
labels that do not belong to it. Each finding says how serious it is, on what figures it rests (beside those of real
samples that took no part), what causes it, and what to do, the best first. The checkpoints that a run keeps are
compared with data that was held out (--held-out), by critics that are trained afresh, and the best one is named.
Written into the run: diagnosis.json, diagnosis.png, and a section of report.html.

examples:
  ganworks diagnose runs/first
  ganworks diagnose runs/first --checkpoint best --json
  ganworks diagnose --samples made/ --data photos/ --size 64
  ganworks diagnose --samples made.npy --data photos.npz --log losses.csv --out diagnosis.png
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganworks.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from ganworks.data import Source
    from ganworks.diagnose import Exam, Finding, Ranking
    from ganworks.train import Run
    from ganworks.train.series import Records

MOST = 10_000
COUNT = 2000
FEW = 5
"""Checkpoints that are compared unasked: each takes about 5 s on one core."""


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="directory of a run")
    parser.add_argument("--samples", metavar="PATH", help="samples in place of a run: a folder or zip of images, an "
                        "array; at least 100")
    parser.add_argument("--data", metavar="PATH", help="the data; of a run, where it has moved since the training")
    parser.add_argument("--log", metavar="CSV", help="losses of that training: columns step, d_loss, g_loss, d_real, "
                        "d_fake, or some of them")
    parser.add_argument("--size", type=int, metavar="N", help="bring samples and data to so many pixels a side "
                        "(default: as the samples are)")
    parser.add_argument("--channels", type=int, choices=(1, 3, 4), help="1 grey, 3 RGB, 4 RGBA (default: as the "
                        "samples are)")
    parser.add_argument("--checkpoint", default="last", metavar="WHICH", help="of a run: last, best or a step "
                        "(default: %(default)s)")
    parser.add_argument("--checkpoints", action=argparse.BooleanOptionalAction, help="say which of a run's checkpoints "
                        f"is the best (default: where there are 2 to {FEW}; each takes about 5 s)")
    parser.add_argument("--n", type=int, default=COUNT, metavar="N", help="samples to look at (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the samples and of what is drawn "
                        "(default: %(default)s)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="PNG", help="where the picture goes (default: into the run, or "
                        "nowhere)")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON; of a run, what is written "
                        "into diagnosis.json")


def run(args: argparse.Namespace) -> int:
    """Diagnose, print the findings; return 0, or 1 where one of them is serious."""
    if (args.run is None) == (args.samples is None):
        raise UserError("nothing to diagnose" if args.run is None else "a run beside --samples",
                        "a run, or --samples PATH --data PATH", "see: ganworks diagnose --help")
    if args.run is not None and args.log is not None:
        raise UserError(f"--log {args.log} beside a run", "one of them: a run has a log of its own")
    if args.n < 1:
        raise UserError(f"--n {args.n}", "at least 100 samples")
    found, told, ranking = (_of_samples(args), None, None) if args.run is None else _of_run(args)
    from ganworks.diagnose import ranked
    from ganworks.report.diagnosis import ranking_text, text

    if args.json:
        print(json.dumps(told or [f.to_json() for f in ranked(found)], indent=2))
    else:
        print(text(found) + (f"\n\n{ranking_text(ranking)}" if ranking else ""))
    return int(any(finding.severity == "serious" for finding in found))


def _of_samples(args: argparse.Namespace) -> list[Finding]:
    from ganworks.data import open_source
    from ganworks.data.options import checked
    from ganworks.data.pictures import save
    from ganworks.diagnose import prescribed
    from ganworks.report.diagnosis import picture

    if args.data is None:
        raise UserError("--samples without --data", "the data that the generator was trained on, or should resemble")
    samples = open_source(checked(path=args.samples, size=args.size, channels=args.channels))
    images = len(samples.shape) == 3
    like = {"size": args.size or samples.shape[-1], "channels": args.channels or samples.shape[0]} if images else {}
    source = open_source(checked(path=args.data, **like))
    if images and args.size is None and args.channels is None:
        _tell_size(args.data, samples.shape)
    fake, (real, labels) = _arrays(samples, args.n)[0], _arrays(source)
    found, seen = _examined(source, fake, real, labels, args.seed)
    if args.out is not None:
        save(picture(seen, fake, real), args.out)
    if args.log is not None:
        from ganworks.diagnose import course_findings
        from ganworks.diagnose.foreign import read_losses

        records, lacks = read_losses(args.log)
        found += [one for one in course_findings(records) if one.name != "vitals"] + lacks
    return prescribed(found)


def _tell_size(path: str, shape: tuple[int, ...]) -> None:
    """Say where the data is of another size than the samples: what is judged is then not quite the data."""
    from ganworks.console import note
    from ganworks.data import open_source
    from ganworks.data.options import checked

    own = open_source(checked(path=path)).shape
    if own != shape:
        note(f"the data is of shape {own} and was brought to that of the samples, {shape}: sharpness may differ for "
             "that reason alone (--size N brings both to one size)")


def _of_run(args: argparse.Namespace) -> tuple[list[Finding], dict[str, Any], Ranking | None]:
    from ganworks.console import note
    from ganworks.data.pictures import save
    from ganworks.diagnose import Finding, course_findings, prescribed, ranked
    from ganworks.files import write_text
    from ganworks.recipes import Call, rebuild
    from ganworks.report import write_report
    from ganworks.report.diagnosis import PICTURES, picture, pictures
    from ganworks.train import Run

    run = Run.open(args.run)
    call = Call.load(run.recipe, where=str(run.path / "recipe.yaml"))
    options = call.options.data
    records, seen = run.records(), None
    trainer = rebuild(run, args.checkpoint, args.device)
    ranking: Ranking | None = None
    if trainer.game.needs:  # translations are as varied as what they are made from
        others = [Finding("best checkpoint", "unknown", "which checkpoint is the best: translations are not compared "
                          "so (see: ganworks evaluate RUN --checkpoint STEP)")]
    else:
        source = call.kind.open(options if args.data is None else options.model_copy(update={"path": args.data}))
        fake, (real, labels) = trainer.samples(args.n, args.seed).numpy(), _arrays(source)
        others, seen = _examined(source, fake, real, labels, args.seed, records)
        save(picture(seen, fake, real), args.out or run.path / "diagnosis.png")
        (run.path / PICTURES).mkdir(exist_ok=True)
        shown = pictures(seen, fake, real)
        for one in others:
            if one.name in shown and one.wrong:
                save(shown[one.name], run.path / PICTURES / f"{one.name}.png")
        ranking, lacks = _ranking(args, run, source)
        others += lacks
    found = prescribed(course_findings(records, seen) + others, call.values)
    told = {"step": trainer.step, "findings": [finding.to_json() for finding in ranked(found)],
            "checkpoints": ranking and ranking.to_json()}
    write_text(run.path / "diagnosis.json", json.dumps(told, indent=1) + "\n")
    note(f"step {trainer.step}; written to {run.path / 'diagnosis.json'} and {write_report(run)}")
    return found, told, ranking


def _ranking(args: argparse.Namespace, run: Run, source: Source) -> tuple[Ranking | None, list[Finding]]:
    """Return how a run's checkpoints compare, or a finding that says why that cannot be told; neither if not wanted."""
    from ganworks.diagnose import Finding, ranked_checkpoints

    steps = run.steps
    if args.checkpoints is False:
        return None, []
    if args.checkpoints is None and len(steps) > FEW:
        lack = f"the run has {len(steps)} of them, which would take about {5 * len(steps)} s (--checkpoints)"
    elif len(steps) < 2:
        lack = "the run has only one"
    else:
        try:
            draws = {step: partial(_drawn, run, step, args) for step in steps}
            return ranked_checkpoints(draws, source, min(args.n, COUNT), args.seed), []
        except UserError as error:
            lack = f"{error.problem} (wanted: {error.wanted})"
    return None, [Finding("best checkpoint", "unknown", f"which checkpoint is the best: {lack}")]


def _drawn(run: Run, step: int, args: argparse.Namespace, count: int) -> np.ndarray:
    from ganworks.recipes import rebuild

    return rebuild(run, str(step), args.device).samples(count, args.seed).numpy()


def _examined(source: Source, fake: np.ndarray, real: np.ndarray, labels: list[str] | None, seed: int,
              records: Records = ()) -> tuple[list[Finding], Exam]:
    from ganworks.diagnose import data_findings, exam, material, sample_findings

    seen = exam(fake, real, labels, seed)
    return sample_findings(seen, records) + data_findings(material(source, seed), len(source.shape) == 3), seen


def _arrays(source: Source, most: int = MOST) -> tuple[np.ndarray, list[str] | None]:
    batch = source.trained(most)
    classes = source.classes
    labels = [classes[i] for i in batch["label"].tolist()] if classes and "label" in batch else None
    return batch["sample"].numpy(), labels
