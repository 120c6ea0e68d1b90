"""Does the doctor find what is wrong, and nothing else? A labelled collection of short trainings, most of them ill.

  python benchmarks/doctor.py train --fashion fashion.npz --out doctor    # all patients: an hour on 2 cores
  python benchmarks/doctor.py judge --fashion fashion.npz --out doctor    # what the doctor says of each; the table
  python benchmarks/doctor.py treat --fashion fashion.npz --out doctor    # the first remedy, applied as printed
  python benchmarks/doctor.py choose --fashion fashion.npz --out doctor   # which checkpoint, of healthy runs

Patients (``ailments.py``) are ill by construction, in twelve ways, each in eight settings or more and on several kinds
of data; others are healthy. What is really so is measured without the doctor (``truths.py``). Patients of odd place
only test: the thresholds in ganworks/diagnose were set by looking at the others. FOLDER keeps each run, its samples and
a line for what was measured; what is finished is not done again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ailments import Patient, patients
from planting import arrays, call_of, plant, taught, whole
from racing import machine
from resumable import Job, play, records
from truths import Walk, apart, held_out, truth, walked

from ganworks.diagnose import (
    Exam,
    Finding,
    Group,
    Vitals,
    course_findings,
    exam,
    prescribed,
    ranked_checkpoints,
    sample_findings,
)
from ganworks.files import write_text
from ganworks.recipes import rebuild
from ganworks.train import Machine, Run, Trainer, fit
from ganworks.train.watch import NonFinite

SAMPLES = 2000
RANKED, CHOSEN = 4, 30
"""Checkpoints, the last ones, that are compared, in at most so many runs."""
MEANT = {"collapse": ("variety", "collapse", "dropping"), "dropping": ("dropping", "collapse"),
         "divergence": ("divergence", "learning rate"), "dead units": ("dead units", "saturation"),
         "learning rate": ("learning rate", "dead units", "saturation")}
"""Findings that count as having found what is in the group's name, where that is not the name itself."""
SAME = ("variety", "collapse")
"""One thing under two names: what the log and what samples say of it."""


def folder() -> Path:
    """Return where runs are kept."""
    return Path(os.environ["GANWORKS_DOCTOR"])


def by_name() -> dict[str, Patient]:
    """Return all patients by name."""
    return {patient.name: patient for patient in patients()}


def trained(job: Job) -> dict[str, Any]:
    """Train a patient, keep its log and samples, and return what is really so with it."""
    torch.set_num_threads(1)
    patient, began = by_name()[job["patient"]], time.process_time()
    found = train(patient, folder() / "runs" / job["patient"])
    return {"truth": found, "seconds": round(time.process_time() - began, 1)}


def train(patient: Patient, path: Path, more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Train a patient in ``path``, with ``more`` options, and return what is really so with it."""
    fashion = os.environ["GANWORKS_FASHION"]
    call, source = call_of(patient, fashion, more), whole(patient, fashion)
    recipe, walk = call.build(taught(patient, source)), Walk()
    shutil.rmtree(path, ignore_errors=True)
    plant(recipe, patient)
    before = _samples_of(recipe)
    every = recipe.cadence.vitals or 100
    diverged = ""
    try:
        trainer = fit(recipe, path, text=call.text(), machine=Machine("cpu"), quiet=True, hooks=lambda run: [
            Vitals(run, every), *([walk] if patient.kind == "dirac" else [])])
    except NonFinite as error:
        diverged = error.problem
        return {"diverged": diverged}
    if patient.kind == "dirac":
        return walked(walk.places)
    samples = trainer.samples(SAMPLES, seed=1).numpy()
    np.save(path / "samples.npy", samples)
    return _rounded(truth(patient, trainer, source, before, samples))


def _samples_of(recipe: Any) -> np.ndarray:
    from ganworks.train import Trainer

    trainer = Trainer(recipe, Machine("cpu"))
    for hook in trainer.hooks:
        hook.start(trainer)
    return trainer.samples(SAMPLES, seed=1).numpy()


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in found.items()}


def examined(job: Job) -> dict[str, Any]:
    """Look at a patient's samples beside the data that it should have learnt, and keep what was seen."""
    torch.set_num_threads(1)
    patient = by_name()[job["patient"]]
    look_at(patient, folder() / "runs" / patient.name)
    return {}


def look_at(patient: Patient, path: Path) -> None:
    """Write exam.json beside samples.npy, where there are samples."""
    if not (path / "samples.npy").exists() or not np.isfinite(samples := np.load(path / "samples.npy")).all():
        return
    source = whole(patient, os.environ["GANWORKS_FASHION"])
    write_text(path / "exam.json", json.dumps(asdict(exam(samples, *arrays(source)))))


def judge(patient: Patient, path: Path, more: dict[str, Any] | None = None) -> list[Finding]:
    """Return all findings about a run: its course, and its last samples beside the data."""
    records, seen = Run.open(path).records(), None
    found: list[Finding] = []
    if (path / "exam.json").exists():
        kept = json.loads((path / "exam.json").read_text())
        groups, classes = (tuple(Group(**group) for group in kept.pop(name)) for name in ("groups", "classes"))
        seen = Exam(groups=groups, classes=classes, **kept)
        found = sample_findings(seen, records)
    found = course_findings(records, seen) + found
    return prescribed(found, call_of(patient, os.environ["GANWORKS_FASHION"], more).values)


def found_in(patient: Patient, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that name what a patient is meant to have, the first one the most to the point."""
    meant = MEANT.get(patient.group, (patient.group,))
    said = {one.name: one for one in findings if one.wrong}
    return [said[name] for name in meant if name in said]


def treated(job: Job) -> dict[str, Any]:
    """Train a patient anew with the first remedy for what was found, and return what came of it."""
    torch.set_num_threads(1)
    patient, path = by_name()[job["patient"]], folder() / "treated" / job["patient"]
    found = found_in(patient, judge(patient, folder() / "runs" / patient.name))
    if not found or not found[0].remedies[0].do.startswith("--"):
        return {"remedy": ""}
    do = found[0].remedies[0].do
    words = do.split()
    more = {flag[2:].replace("-", "_"): value for flag, value in zip(words[::2], words[1::2], strict=True)}
    after = train(patient, path, more)
    look_at(patient, path)
    name = found[0].name
    left = [one.name for one in judge(patient, path, more)
            if one.wrong and one.name in (SAME if name in SAME else (name,))]
    return {"finding": name, "remedy": do, "left": left, "truth": after}


def ill(patient: Patient, found: dict[str, Any]) -> bool:
    """Whether a patient really has what it is meant to have."""
    if "diverged" in found:
        return patient.group in ("divergence", "learning rate")
    if patient.group == "healthy":
        return _well(patient, found)
    better = found["distance"] < 0.7 * found["distance at first"]
    tests = {
        "collapse": lambda: found["variance"] < 0.15 or found["effective"] < found["parts"] / 3,
        "dropping": lambda: found["present"] < found["parts"] or patient.fault.startswith("part"),
        "vanishing gradient": lambda: found["D of fake"] < 1e-2 and not better,
        "critic too strong": lambda: found["critic apart"] > 0.999 and not better,
        "critic too weak": lambda: found["critic apart"] < 0.65 and found["strangers"] > 0.9,
        "critic overfits": lambda: found["known"] > 0.7,
        "batch-norm leak": lambda: found["critic apart"] - found["alone apart"] > 0.2,
        "copying": lambda: found["copied"] > 0.2,
        "dead units": lambda: found["silent"] > 0.6 or found.get("saturated", 0.0) > 0.95,
        "learning rate": lambda: not better,
        "divergence": lambda: found["scores"] > 1e3 or found["distance"] > 1.5 * found["distance at first"],
        "cycling": lambda: found["swing"] > 0.25 and found["turns"] >= 3,
    }
    return bool(tests[patient.group]())


def _well(patient: Patient, found: dict[str, Any]) -> bool:
    if patient.kind == "dirac":
        return bool(found["swing"] < 0.1)
    better = found["distance"] < 0.5 * found["distance at first"]
    whole = found["present"] == found["parts"] and found["effective"] > 0.75 * found["parts"]
    whole &= 0.5 < found["variance"] < 2
    return bool(better and whole and found.get("quality", 1.0) > 0.3 and found.get("known", 0.5) < 0.65
                and found.get("copied", 0.0) < 0.05
                and found.get("alone apart", 1.0) > found.get("critic apart", 0.0) - 0.2)


def chosen(job: Job) -> dict[str, Any]:
    """Return which of a healthy run's checkpoints the doctor takes, and how far each is from the data, ten times.

    Each time from other latents, and beside other real samples (``truths.held_out``).
    """
    torch.set_num_threads(1)
    patient = by_name()[job["patient"]]
    run, source = Run.open(folder() / "runs" / patient.name), whole(patient, os.environ["GANWORKS_FASHION"])
    steps = run.steps[-RANKED:]
    trainers = {step: rebuild(run, str(step), "cpu") for step in steps}
    draws = {step: partial(_drawn, trainer) for step, trainer in trainers.items()}
    learnt = taught(patient, source)
    best = ranked_checkpoints(draws, learnt).best
    away = {str(step): [round(apart(trainer.samples(1000, 100 + k).numpy(), real), 6)
                        for k, real in enumerate(held_out(source, learnt, 10))] for step, trainer in trainers.items()}
    return {"best": best, "away": away}


def _drawn(trainer: Trainer, count: int) -> np.ndarray:
    return trainer.samples(count, 7).numpy()


def within_noise(row: dict[str, Any]) -> bool:
    """Whether the checkpoint that was taken is no farther from the data than the nearest one, but for noise.

    Noise is two standard errors of the difference of their means over ten draws.
    """
    mine, nearest = beside_the_nearest(row, row["best"])
    return bool(mine.mean() - nearest.mean() <= 2 * np.hypot(mine.std(ddof=1), nearest.std(ddof=1)) / 10**0.5)


def beside_the_nearest(row: dict[str, Any], step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how far a checkpoint is from the data, draw by draw, and how far the nearest one is."""
    away = {int(key): np.array(one) for key, one in row["away"].items()}
    return away[step], min(away.values(), key=np.mean)


def draw_by_draw(row: dict[str, Any]) -> bool:
    """Whether the checkpoint that was taken differs from the nearest one by no more than chance in the same draws."""
    mine, nearest = beside_the_nearest(row, row["best"])
    more = mine - nearest
    return bool(more.mean() <= 2 * more.std(ddof=1) / 10**0.5)


def alarms(findings: Sequence[Finding]) -> list[str]:
    """Return the names of what is said to be wrong."""
    return [one.name for one in findings if one.wrong]


Judged = list[tuple[Patient, list[Finding]]]


def table(kept: Judged) -> str:
    """Return how often each illness was found, and what else was said: a confusion matrix as Markdown."""
    groups = list(dict.fromkeys(patient.group for patient in patients() if patient in [one for one, _ in kept]))
    names = sorted({name for _, findings in kept for name in alarms(findings)})
    lines = ["| really | runs | found | " + " | ".join(names) + " |", "|---" * (3 + len(names)) + "|"]
    for group in groups:
        said = [(patient, findings) for patient, findings in kept if patient.group == group]
        counts = Counter(one.name for _, findings in said for one in findings if one.wrong)
        hits = sum(bool(found_in(*one)) if group != "healthy" else not alarms(one[1]) for one in said)
        cells = [group, str(len(said)), str(hits), *(str(counts[name] or "") for name in names)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def improved(patient: Patient, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether what shows an illness without the doctor has become better."""
    if "diverged" in after or "diverged" in before:
        return "diverged" not in after
    key = {"critic overfits": "known", "copying": "copied", "dead units": "silent", "cycling": "swing",
           "divergence": "scores"}.get(patient.group, "distance")
    return bool(after[key] < before[key])


def remedies(found: Sequence[dict[str, Any]], done: dict[str, Any]) -> str:
    """Return what became of those that no planted fault keeps ill, group by group, as Markdown."""
    known = by_name()
    lines = ["| really | treated | finding gone and better | better | first remedies |", "|---" * 5 + "|"]
    total = Counter[str]()
    for group in dict.fromkeys(known[row["patient"]].group for row in found):
        rows = [row for row in found if known[row["patient"]].group == group]
        better = [row for row in rows if row["remedy"]
                  and improved(known[row["patient"]], done[row["patient"]], row["truth"])]
        cured = [row for row in better if not row["left"]]
        told = Counter(row["remedy"] or "not found" for row in rows).most_common(2)
        total.update(treated=len(rows), cured=len(cured), better=len(better))
        lines.append(f"| {group} | {len(rows)} | {len(cured)} | {len(better)} | "
                     f"{', '.join(f'`{one}`' for one, _ in told)} |")
    return "\n".join([*lines, f"\n{total['cured']} of {total['treated']} cured, {total['better']} better"])


def _turn(patient: Patient) -> tuple[float, bool]:
    # The healthy are many: so that an interrupted run has some of all.
    return patient.place // 2 / (10 if patient.group == "healthy" else 1), patient.tests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "judge", "treat", "choose"))
    parser.add_argument("--fashion", required=True, metavar="NPZ", help="Fashion-MNIST, or other images of ten classes")
    parser.add_argument("--half", choices=("sets", "tests"), help="only those that set thresholds, or that test")
    parser.add_argument("--groups", nargs="+", metavar="GROUP", help="only these")
    parser.add_argument("--out", type=Path, default=Path("doctor"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--verbose", action="store_true", help="tell what was missed, and what was said of the healthy")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes, by default one a core")
    args = parser.parse_args()
    os.environ["GANWORKS_DOCTOR"], os.environ["GANWORKS_FASHION"] = str(args.out.resolve()), args.fashion
    jobs = [{"patient": patient.name} for patient in sorted(patients(), key=_turn)
            if (not args.groups or patient.group in args.groups)
            and (args.half is None or patient.tests == (args.half == "tests"))]
    if args.what == "train":
        play(jobs, trained, args.out / "trained.jsonl", args.workers)
        return
    done = {row["patient"]: row["truth"] for row in records(args.out / "trained.jsonl")}
    jobs = [job for job in jobs if job["patient"] in done]
    play(jobs, examined, args.out / "examined.jsonl", args.workers)
    known = by_name()
    really = [known[job["patient"]] for job in jobs if ill(known[job["patient"]], done[job["patient"]])]
    if args.what == "treat":
        jobs = [{"patient": one.name} for one in really if one.group != "healthy" and not one.planted]
        found = play(jobs, treated, args.out / "treated.jsonl", args.workers)
        print(remedies(found, done))
        return
    if args.what == "choose":
        healthy = [one for one in really if one.group == "healthy" and one.kind != "dirac"][:CHOSEN]
        rows = play([{"patient": one.name} for one in healthy], chosen, args.out / "chosen.jsonl", args.workers)
        last = [{**row, "best": max(map(int, row["away"]))} for row in rows]
        far = [beside_the_nearest(row, row["best"]) for row in rows if not within_noise(row)]
        print(f"{sum(map(within_noise, rows))} of {len(rows)} within noise of the nearest of {RANKED} checkpoints, "
              f"{sum(map(draw_by_draw, rows))} draw by draw; the last in {sum(map(within_noise, last))}; the others "
              f"are farther by {', '.join(f'{mine.mean() / nearest.mean() - 1:.0%}' for mine, nearest in far)}")
        return
    judged = [(patient, judge(patient, folder() / "runs" / patient.name)) for patient in really]
    print(f"{machine()}; {len(jobs)} trainings, of which {len(really)} are what they were meant to be")
    for tests in (False, True):
        print(f"\n{'tests' if tests else 'thresholds were set on'}\n")
        print(table([one for one in judged if one[0].tests == tests]))
    if args.verbose:
        for patient, findings in judged:
            if (patient.group == "healthy" and alarms(findings)) or (patient.group != "healthy"
                                                                     and not found_in(patient, findings)):
                print(patient.name, patient.kind, patient.recipe, patient.given, patient.fault, done[patient.name])
                print("   ", [(one.name, one.severity, [float(f"{e.value:.3g}") for e in one.evidence])
                              for one in findings if one.wrong or one.name in MEANT.get(
                                  patient.group, (patient.group,))])


if __name__ == "__main__":
    main()
