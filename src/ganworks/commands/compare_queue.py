"""Who does which run: an Optuna study in a journal that all workers share, on one machine or on many.

Each (entrant, seed) is a trial that waits, runs, is complete or has failed. A run that is being done is held by a lock
that falls with its worker; a worker of another machine, whose locks may not be seen here, also gives a sign of life
every few seconds. A trial that runs without either is abandoned: it is told as failed, without a reason, and queued
anew. Claims are made, and ends told, one at a time under a lock of the queue: no trial is seen between its claim and
its lock, and none that has ended is thought abandoned because it let go of its lock after the queue was read.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganworks.commands.compare_entrants import folder_of
from ganworks.commands.compare_tournament import locked
from ganworks.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

JOURNAL = "queue.journal"
SIGN, PATIENCE = 10.0, 60.0
"""Seconds between signs of life, and after how many without one a worker of another machine is thought dead."""
DEATHS = 5
"""A run whose workers died so often (out of memory, say) counts as failed."""

Pair = tuple[str, int]


@dataclass(frozen=True)
class State:
    """What the queue knows of a run.

    Attributes:
        state: "waiting", "running", "done" or "failed".
        reason: why it failed.
        outcome: what ``Queue.done`` was told.
    """

    state: str
    reason: str = ""
    outcome: dict[str, Any] | None = None


@dataclass(frozen=True)
class Claim:
    """A run that this worker alone may do, until it says how that went."""

    label: str
    seed: int
    trial: Trial
    lock: BaseFileLock


class Queue:
    """The runs of the tournament in ``out``, shared by all its workers.

    Raises:
        UserError: Optuna is not installed, or the journal is damaged.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.study = _study(out / JOURNAL)

    def add(self, pairs: Sequence[Pair]) -> None:
        """Queue those runs that are not in the queue yet. The caller holds the lock "queue"."""
        known = self._trials()
        for pair in pairs:
            if pair not in known:
                self._enqueue(pair)

    def states(self) -> dict[Pair, State]:
        """Return what is known of each run."""
        return {pair: _state(trials[-1]) for pair, trials in self._trials().items()}

    def claim(self) -> Claim | None:
        """Return a run to do, or None where none waits and none was abandoned."""
        from filelock import Timeout

        with locked(self.out, "queue"):
            self._take_back()
            if not any(trials[-1].state.name == "WAITING" for trials in self._trials().values()):
                return None
            trial = self.study.ask()
            pair = trial.user_attrs["entrant"], trial.user_attrs["seed"]
            lock = self._lock(pair)
            try:
                lock.acquire(timeout=10)
            except Timeout:  # whoever gave it back has not let go of it yet
                self._again(trial, pair)
                return None
            self._sign(pair).touch()
            trial.set_user_attr("worker", _here())
            return Claim(*pair, trial, lock)

    @contextmanager
    def alive(self, claim: Claim) -> Iterator[None]:
        """Give signs of life for a claim while its run is done, and let go of it in the end."""
        over, sign = threading.Event(), self._sign((claim.label, claim.seed))

        def beat() -> None:
            while not over.wait(SIGN):
                with suppress(OSError):  # a shared disk may be gone for a moment
                    sign.touch()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            claim.lock.release()

    def done(self, claim: Claim, cost: float, outcome: dict[str, Any]) -> bool:
        """Say how a run ended, and return whether that counts: others may have taken it up (see ``_held``).

        Args:
            cost: the figure that decides, smaller is better.
            outcome: plain values, finite numbers or None.
        """
        with locked(self.out, "queue"):
            if counts := self._held(claim):
                claim.trial.set_user_attr("outcome", outcome)
                self.study.tell(claim.trial, cost)
        return counts

    def failed(self, claim: Claim, reason: str) -> None:
        """Say that a run cannot be done."""
        with locked(self.out, "queue"):
            if self._held(claim):
                claim.trial.set_user_attr("reason", reason)
                self._fail(claim.trial)

    def give_back(self, claim: Claim) -> None:
        """Queue a run again that was interrupted."""
        with locked(self.out, "queue"):
            if self._held(claim):
                self._again(claim.trial, (claim.label, claim.seed))

    def retry(self) -> int:
        """Queue all failed runs again; return how many. The caller holds the lock "queue"."""
        failed = [pair for pair, state in self.states().items() if state.state == "failed"]
        for pair in failed:
            self._enqueue(pair)
        return len(failed)

    def _held(self, claim: Claim) -> bool:
        """Return whether a claim still counts: a worker that slept too long was thought dead, and others do its run."""
        return self.study.get_trials(deepcopy=False)[claim.trial.number].state.name == "RUNNING"

    def _take_back(self) -> None:
        for pair, trials in self._trials().items():
            last = trials[-1]
            if last.state.name == "RUNNING" and self._abandoned(pair, last):
                self._fail(last.number)
                deaths = 1 + _deaths(trials[:-1])
                if deaths < DEATHS:
                    self._enqueue(pair)
                else:
                    self._bury(pair, f"its worker died {deaths} times, for want of memory perhaps")
            elif last.state.name == "FAIL" and "reason" not in last.user_attrs:
                self._enqueue(pair)  # whoever wanted to do this died in the middle of it

    def _abandoned(self, pair: Pair, trial: FrozenTrial) -> bool:
        from filelock import Timeout

        lock = self._lock(pair)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        lock.release()
        sign = self._sign(pair)
        if trial.user_attrs.get("worker") in (None, _here()) or not sign.exists():
            return True
        probe = sign.with_name("now")
        probe.touch()  # both times are those of the file system, whatever the clocks of the machines say
        return probe.stat().st_mtime - sign.stat().st_mtime > PATIENCE

    def _trials(self) -> dict[Pair, list[FrozenTrial]]:
        found: dict[Pair, list[FrozenTrial]] = {}
        for trial in self.study.get_trials(deepcopy=False):
            found.setdefault((trial.user_attrs["entrant"], trial.user_attrs["seed"]), []).append(trial)
        return found

    def _enqueue(self, pair: Pair) -> None:
        self.study.enqueue_trial({}, user_attrs={"entrant": pair[0], "seed": pair[1]})

    def _again(self, trial: Trial, pair: Pair) -> None:
        trial.set_user_attr("returned", True)
        self._fail(trial)
        self._enqueue(pair)

    def _fail(self, trial: Trial | int) -> None:
        from optuna.trial import TrialState

        self.study.tell(trial, state=TrialState.FAIL)

    def _bury(self, pair: Pair, reason: str) -> None:
        from optuna.trial import TrialState, create_trial

        attributes = {"entrant": pair[0], "seed": pair[1], "reason": reason}
        self.study.add_trial(create_trial(state=TrialState.FAIL, user_attrs=attributes))

    def _lock(self, pair: Pair) -> BaseFileLock:
        from filelock import FileLock

        return FileLock(self._sign(pair).with_suffix(".lock"))

    def _sign(self, pair: Pair) -> Path:
        return self.out / "claims" / f"{folder_of(pair[0])}-seed-{pair[1]}.alive"


def _study(journal: Path) -> Study:
    try:
        import optuna
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    except ImportError as error:
        raise UserError("ganworks compare needs Optuna for its queue", "the package optuna",
                        'pip install "ganworks[sweep]"') from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        storage = optuna.storages.JournalStorage(
            JournalFileBackend(str(journal), lock_obj=JournalFileOpenLock(str(journal))))
        return optuna.create_study(storage=storage, study_name="tournament", load_if_exists=True,
                                   sampler=optuna.samplers.RandomSampler(0))
    except (ValueError, KeyError) as error:
        raise UserError(f"{journal} is damaged: {error}", "the queue's journal as Optuna wrote it",
                        "remove it: the runs are kept, and the same command goes on with them") from error


def _state(trial: FrozenTrial) -> State:
    kind = trial.state.name
    if kind == "COMPLETE":
        return State("done", outcome=trial.user_attrs["outcome"])
    if kind == "FAIL" and "reason" in trial.user_attrs:
        return State("failed", trial.user_attrs["reason"])
    return State("running" if kind == "RUNNING" else "waiting")


def _deaths(trials: Sequence[FrozenTrial]) -> int:
    """Return how many of the last attempts ended without a word."""
    count = 0
    for trial in reversed(trials):
        if trial.state.name != "FAIL" or {"reason", "returned"} & set(trial.user_attrs):
            break
        count += 1
    return count


def _here() -> str:
    """Return a name for what shares locks with this process: a running system."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()} {boot.read_text().strip() if boot.is_file() else ''}".strip()
