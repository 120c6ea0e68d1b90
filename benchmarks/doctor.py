"""Does the doctor find what is wrong, and nothing else? A labelled collection of short trainings, most of them ill.

  python benchmarks/doctor.py train --fashion fashion.npz --out doctor    # all patients: an hour on 2 cores
  python benchmarks/doctor.py judge --fashion fashion.npz --out doctor    # what the doctor says of each; the table
  python benchmarks/doctor.py treat --fashion fashion.npz --out doctor    # the first remedy, applied as printed

Patients (``ailments.py``) are ill by construction, in twelve ways, each in eight settings or more and on several kinds
of data; others are healthy. What is really so is measured without the doctor (``truths.py``). Patients of odd place
only test: the thresholds in ganworks/diagnose were set by looking at the others. FOLDER keeps each run, its samples and
a line for what was measured; what is finished is not done again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ailments import Patient, patients
from planting import arrays, call_of, plant, taught, whole
from racing import machine
from resumable import Job, play, records
from truths import Walk, truth, walked

from ganworks.diagnose import Finding, Vitals, course_findings, exam, prescribed, sample_findings
from ganworks.train import Machine, Run, fit
from ganworks.train.watch import NonFinite

SAMPLES = 2000
MEANT = {"collapse": {"collapse", "variety"}, "dropping": {"dropping", "collapse"},
         "divergence": {"divergence", "learning rate"}}
"""Findings that count as having found what is in the group's name, where that is not the name itself."""


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


def judged(job: Job) -> dict[str, Any]:
    """Return what the doctor says of a patient."""
    torch.set_num_threads(1)
    patient = by_name()[job["patient"]]
    return {"findings": [one.to_json() for one in judge(patient, folder() / "runs" / patient.name)]}


def judge(patient: Patient, path: Path, more: dict[str, Any] | None = None) -> list[Finding]:
    """Return all findings about a run: its course, and its last samples beside the data that it should have learnt."""
    fashion = os.environ["GANWORKS_FASHION"]
    found = course_findings(Run.open(path).records())
    if (path / "samples.npy").exists():
        source = whole(patient, fashion)
        # Copies are copies of what was taught; what is left out is left out of the whole.
        source = taught(patient, source) if patient.fault.startswith("few") or not patient.fault else source
        samples = np.load(path / "samples.npy")
        if np.isfinite(samples).all():
            found += sample_findings(exam(samples, *arrays(source)))
    return prescribed(found, call_of(patient, fashion, more).values)


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
        "divergence": lambda: found["scores"] > 1e3,
        "cycling": lambda: found["swing"] > 0.5 and found["turns"] >= 3,
    }
    return bool(tests[patient.group]())


def _well(patient: Patient, found: dict[str, Any]) -> bool:
    if patient.kind == "dirac":
        return bool(found["swing"] < 0.1)
    better = found["distance"] < 0.5 * found["distance at first"]
    whole = found["present"] == found["parts"] and 0.5 < found["variance"] < 2
    return bool(better and whole and found.get("quality", 1.0) > 0.3 and found.get("known", 0.5) < 0.65
                and found.get("copied", 0.0) < 0.05)


def table(rows: Sequence[dict[str, Any]], tests: bool) -> str:
    """Return how often each illness was found, and what else was said: a confusion matrix as Markdown."""
    known = by_name()
    kept = [(known[row["patient"]], row) for row in rows]
    kept = [(patient, row) for patient, row in kept if patient.tests == tests and ill(patient, row["truth"])]
    groups = list(dict.fromkeys(patient.group for patient, _ in kept))
    names = sorted({one["name"] for _, row in kept for one in row["findings"]
                    if one["severity"] in ("serious", "warning")})
    lines = ["| really | runs | found | " + " | ".join(names) + " |", "|---" * (3 + len(names)) + "|"]
    for group in groups:
        said = [{one["name"] for one in row["findings"] if one["severity"] in ("serious", "warning")}
                for patient, row in kept if patient.group == group]
        meant = MEANT.get(group, {group})
        hits = sum(bool(names & meant) for names in said) if group != "healthy" else sum(not names for names in said)
        counts = Counter(name for names in said for name in names)
        cells = [group, str(len(said)), str(hits), *(str(counts[name] or "") for name in names)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "judge", "treat"))
    parser.add_argument("--fashion", required=True, metavar="NPZ", help="Fashion-MNIST, or other images of ten classes")
    parser.add_argument("--groups", nargs="+", metavar="GROUP", help="only these")
    parser.add_argument("--out", type=Path, default=Path("doctor"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes, by default one a core")
    args = parser.parse_args()
    os.environ["GANWORKS_DOCTOR"], os.environ["GANWORKS_FASHION"] = str(args.out.resolve()), args.fashion
    jobs = [{"patient": patient.name} for patient in sorted(patients(), key=lambda one: one.place)
            if not args.groups or patient.group in args.groups]
    if args.what == "train":
        play(jobs, trained, args.out / "trained.jsonl", args.workers)
        return
    done = {row["patient"]: row for row in records(args.out / "trained.jsonl")}
    found = play([job for job in jobs if job["patient"] in done], judged, args.out / "judged.jsonl", args.workers)
    rows = [{**row, **done[row["patient"]]} for row in found]
    print(machine())
    for tests in (False, True):
        print(f"\n{'tests' if tests else 'thresholds were set on'}\n\n{table(rows, tests)}")


if __name__ == "__main__":
    main()
