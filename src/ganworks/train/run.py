"""A run on disk: recipe.yaml, versions.json, source.json, log.jsonl, checkpoints/, samples/."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ganworks.errors import UserError
from ganworks.files import write_text
from ganworks.train.state import read_facts, read_state, write_state


class Run:
    """The directory of one training run. ``create`` makes a new one, ``open`` takes up an old one.

    Attributes:
        path: the directory.
        listener: is handed each record that is logged, so that nobody has to read the log again and again.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.listener: Callable[[dict[str, Any]], None] | None = None
        self._handle: IO[str] | None = None
        self._lock: IO[str] | None = None

    @classmethod
    def create(cls, path: Path | str, recipe: str, source: dict[str, Any]) -> Run:
        """Make a new directory; one that exists and is not empty is refused, never overwritten.

        Args:
            recipe: text of recipe.yaml, from which the run can be repeated.
            source: name, shape and classes of the data, and the law of its conditions where samples are made on
                some, so that they can be made without it.
        """
        cls.refuse_existing(path)
        run = cls(path)
        run.path.mkdir(parents=True, exist_ok=True)
        write_text(run.path / "versions.json", json.dumps(versions(), indent=1))
        write_text(run.path / "source.json", json.dumps(source, indent=1))
        write_text(run.path / "recipe.yaml", recipe)
        return run

    @staticmethod
    def refuse_existing(path: Path | str) -> None:
        """Raise UserError where a new run may not begin: the directory exists and is not empty."""
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            is_run = (path / "recipe.yaml").is_file()
            raise UserError(f"{path} exists already", "a new directory for a new run",
                            f"go on with it (ganworks train --resume {path}), or take another name (--run)" if is_run
                            else "it is not a run: take another name (--run)")

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Take up an existing run."""
        run = cls(path)
        if not (run.path / "recipe.yaml").is_file():
            problem = "is not a run" if run.path.exists() else "does not exist"
            raise UserError(f"{run.path} {problem}", "the directory of a run, with its recipe.yaml",
                            "see which runs there are: ls runs")
        return run

    @property
    def recipe(self) -> str:
        """Text of recipe.yaml."""
        return (self.path / "recipe.yaml").read_text(encoding="utf-8")

    @property
    def source(self) -> dict[str, Any]:
        """Name, shape and classes of the data, "vector" where it has vectors, "conditions" where samples need some."""
        return json.loads((self.path / "source.json").read_text(encoding="utf-8"))

    def lock(self) -> None:
        """Refuse a second trainer in the same directory until ``close``; a killed process leaves no lock behind."""
        try:
            import fcntl
        except ImportError:  # no such lock on Windows
            return
        self._lock = open(self.path / ".lock", "w")  # noqa: SIM115 - held for the life of the run
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            self._lock = None
            raise UserError(f"{self.path} is being trained by another process", "one trainer for each run",
                            "wait for it, or stop it") from error

    # ---- log

    def log(self, record: dict[str, Any]) -> None:
        """Append a record to log.jsonl."""
        if self._handle is None:
            self._handle = open(self.path / "log.jsonl", "a", encoding="utf-8")  # noqa: SIM115 - kept open
        self._handle.write(json.dumps(record) + "\n")
        self._handle.flush()
        if self.listener is not None:
            self.listener(record)

    def records(self) -> list[dict[str, Any]]:
        """Return the log's records; a last line that was cut off by a kill is left out."""
        return list(self._records())

    def seconds(self) -> float:
        """Return the training time logged so far."""
        return max((record.get("seconds", 0.0) for record in self._records()), default=0.0)

    def rewind(self, step: int) -> None:
        """Forget log records and samples of later steps than ``step``: a resumed run makes them again.

        What a killed process left half-written is removed too.
        """
        self._end_log()
        kept = [record for record in self._records() if record["step"] <= step]
        write_text(self.path / "log.jsonl", "".join(json.dumps(record) + "\n" for record in kept))
        for picture in (self.path / "samples").glob("step-*.png"):
            if _step_of(picture) > step:
                picture.unlink()
        for half in self.path.rglob(".*.tmp"):
            half.unlink()

    def go_back(self, step: int) -> None:
        """Forget all that came after ``step``: checkpoints as well as records and samples."""
        for path in self.checkpoints():
            if _step_of(path) > step:
                path.unlink()
        self.rewind(step)

    def close(self) -> None:
        """Sync and close the log, and unlock the directory, even where the log can no longer be written."""
        try:
            self._end_log()
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def withdraw(self) -> None:
        """Remove the directory of a run that has taken no step, but for what it has not put there itself."""
        self.close()
        for name in ("recipe.yaml", "source.json", "versions.json", "certificate.json", "log.jsonl", ".lock"):
            (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            self.path.rmdir()

    def _end_log(self) -> None:
        try:
            self._sync()
        finally:
            handle, self._handle = self._handle, None
            if handle is not None:
                handle.close()

    def _sync(self) -> None:
        if self._handle is not None:
            self._handle.flush()
            os.fsync(self._handle.fileno())

    def _records(self) -> Iterator[dict[str, Any]]:
        log = self.path / "log.jsonl"
        if not log.is_file():
            return
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return

    # ---- checkpoints

    def save(self, state: dict[str, Any], step: int, figure: float | None = None, keep: int = 2) -> Path:
        """Write a checkpoint, then remove old ones but the last ``keep`` and the best.

        Args:
            figure: a measure of the checkpoint, smaller is better, or None where there is none.
        """
        self._sync()
        path = self.path / "checkpoints" / f"step-{step:08d}.safetensors"
        write_state(path, state, {"step": step, "figure": figure})
        best = self.best()
        for old in self.checkpoints()[:-keep]:
            if old != best:
                old.unlink()
        return path

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        return sorted((self.path / "checkpoints").glob("step-*.safetensors"), key=_step_of)

    @property
    def steps(self) -> list[int]:
        """The steps of the checkpoints, the oldest first."""
        return [_step_of(path) for path in self.checkpoints()]

    def best(self) -> Path | None:
        """Return the checkpoint with the smallest figure, None where none has one."""
        figures = {}
        for path in self.checkpoints():
            try:
                figure = read_facts(path).get("figure")
            except UserError:
                continue
            if figure is not None and math.isfinite(figure):
                figures[path] = figure
        return min(figures, key=lambda path: figures[path]) if figures else None

    def load(self, which: str = "last") -> tuple[dict[str, Any], list[str]]:
        """Return a checkpoint's state, and a line for each damaged one that was passed over on the way to it.

        Args:
            which: "last", "best", or a step.
        """
        found = self.checkpoints()
        if which == "last":
            wanted = found[::-1]
        elif which == "best":
            best = self.best()
            wanted = [best] if best else found[::-1]
        else:
            wanted = [path for path in found if str(_step_of(path)) == which]
        if not wanted:
            steps = ", ".join(map(str, self.steps)) or "none"
            raise UserError(f"{self.path} has no checkpoint '{which}'", f"last, best, or one of these steps: {steps}",
                            "train it first" if not found else "")
        passed: list[str] = []
        for path in wanted:
            try:
                return read_state(path), passed
            except UserError as error:
                passed.append(error.problem)
        raise UserError("\n".join(passed), "an undamaged checkpoint", "train the recipe anew: "
                        f"ganworks train {self.path / 'recipe.yaml'}")


def _step_of(path: Path) -> int:
    return int(path.stem.split("-")[1])


def versions() -> dict[str, str]:
    """Return what a run's figures depend on beside the recipe."""
    from importlib.metadata import PackageNotFoundError, version

    import torch

    from ganworks import __version__

    gpu = {"gpu": f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"} if torch.cuda.is_available() else {}
    found = {name: version(name) for name in ("torch", "numpy", "accelerate", "safetensors", "scikit-learn")}
    with suppress(PackageNotFoundError):
        found["numba"] = version("numba")  # sums of minibatch discrimination are in another order with it
    return {"ganworks": __version__, **found, **gpu, "python": sys.version.split()[0],
            "platform": platform.platform(), "threads": str(torch.get_num_threads())}
