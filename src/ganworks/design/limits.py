"""Time limits on symbolic work, in any thread.

One watchdog thread makes Python raise ``TimedOut`` in the thread whose time is up, between two bytecodes. A single
call into C that never comes back to Python (a product of two gigantic integers) is therefore not stopped before it
ends: sizes are bounded where formulas are read.

The awkward part is that such an exception may arrive a moment late, when the block has just ended. Three rules keep
that from doing harm: a limit raises its alarm at most once; leaving a block takes the watchdog's lock and clears an
alarm that was raised and has not arrived; and an alarm that arrives inside the code of this file leaves behind only
limits that have had their one alarm, or that the next outer block switches off.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import ParamSpec, TypeVar

import sympy
from mpmath.libmp import NoConvergence
from sympy.core.cache import clear_cache
from sympy.polys.polyerrors import BasePolynomialError

P = ParamSpec("P")
Result = TypeVar("Result")

CANNOT = (ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, RecursionError, TypeError,
          ValueError, BasePolynomialError, NoConvergence, sympy.PoleError)
"""What sympy and mpmath raise when they cannot do something, on purpose or by a fault of theirs."""


LONGEST_WAIT = 4.0
"""How many times its seconds a limit on work may last while other programs have the processor."""


class TimedOut(BaseException):
    """A block took longer than its limit.

    It is no ``Exception``: sympy tries one method after another with ``except Exception`` around each, and would take
    the end of its time for one more method that failed.

    Args:
        what: what took too long.
        seconds: the limit.
        owner: the limit that was exceeded; an outer block must not be taken for an inner one.
    """

    def __init__(self, what: str, seconds: float, owner: limited | None = None) -> None:
        super().__init__(f"{what}: stopped after {seconds:g} s")
        self.what, self.seconds, self.owner = what, seconds, owner


class _Alarm(TimedOut):
    # Python makes the exception in the thread that is stopped, without arguments: it finds there whose time is up.
    def __init__(self) -> None:
        owner = _overdue()
        if owner is not None:
            owner.raised = True
        super().__init__(owner.what if owner else "work", owner.seconds if owner else 0.0, owner)


_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in_thread.argtypes = (ctypes.c_ulong, ctypes.py_object)
_raise_in_thread.restype = ctypes.c_int
_NOTHING = ctypes.py_object()

_here = threading.local()  # .innermost: the innermost limit of this thread


class _Watchdog:
    """The thread that waits for the next deadline of all limits."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.waiting: set[limited] = set()
        self.wakes = 0.0  # when the thread looks again; a deadline after that need not wake it
        self.thread: threading.Thread | None = None

    def watch(self, limit: limited) -> None:
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="time limits", daemon=True)
                self.thread.start()
            self.waiting.add(limit)
            if limit.deadline < self.wakes:
                self.changed.notify()

    def _run(self) -> None:
        with self.lock:
            while True:
                now = time.monotonic()
                for limit in [limit for limit in self.waiting if limit.deadline <= now and not limit.prolonged(now)]:
                    self.waiting.discard(limit)
                    limit.expired = True
                    _raise_in_thread(limit.thread, _Alarm)
                # Looking once a minute also without work keeps the wait within what the operating system can count.
                self.wakes = min([now + 60.0, *(limit.deadline for limit in self.waiting)])
                self.changed.wait(max(0.0, self.wakes - now))


_watchdog = _Watchdog()


def _after_fork() -> None:
    # A forked child has no watchdog thread, and perhaps a lock that nobody will release.
    global _watchdog
    _watchdog = _Watchdog()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class limited:
    """Run a block for at most so many seconds; raise ``TimedOut`` in it when they are over.

    Blocks may be nested, and the outer limit holds inside an inner one. A block that swallows the exception still
    raises ``TimedOut`` at its end. Each object is for one block.

    Args:
        seconds: the limit; ``inf`` is none.
        what: what is being done, for the message.
        working: the seconds are those that this thread works. On a busy machine that takes longer, up to
            ``LONGEST_WAIT`` times, and finds the same as on an idle one.
    """

    def __init__(self, seconds: float, what: str, working: bool = False) -> None:
        self.seconds, self.what, self.working = seconds, what, working
        self.expired = self.raised = False  # its time is up; TimedOut was raised for it
        self.depth = 0
        self.outer: limited | None = None

    def __enter__(self) -> limited:
        outer = getattr(_here, "innermost", None)
        while outer is not None and outer.raised:  # left over, or about to end: nothing more to do for it
            outer = outer.outer
        self.outer, self.depth = outer, outer.depth + 1 if outer else 0
        self.thread, self.began = threading.get_ident(), time.monotonic()
        self.worked = _worked(self.thread) if self.working else 0.0
        self.deadline = self.began + self.seconds
        _here.innermost = self
        _watchdog.watch(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        with _watchdog.lock:
            due = self._leave()
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return
        if isinstance(error, TimedOut) and error.owner is not None and (due is None or error.owner.depth < due.depth):
            return
        if due is None and self.expired:
            due = self  # it was raised, and the block swallowed it
        if due is not None:
            due.raised = True
            raise TimedOut(due.what, due.seconds, due) from None

    def prolonged(self, now: float) -> bool:
        """Move the deadline on where the thread has not worked for so long; say whether it was moved."""
        if not self.working or now >= self.began + LONGEST_WAIT * self.seconds:
            return False
        left = self.seconds - (_worked(self.thread) - self.worked)
        if left <= 0:
            return False
        self.deadline = now + max(left, 0.01)
        return True

    def _leave(self) -> limited | None:
        # Under the lock: switch off this limit and those inside it, drop an alarm that is on its way, and return the
        # outermost limit of this thread whose time is up and who has not said so.
        expired = self.expired
        for limit in _limits():
            expired = expired or limit.expired
            if limit.depth >= self.depth:
                _watchdog.waiting.discard(limit)
        _watchdog.waiting.discard(self)
        if expired:
            _raise_in_thread(self.thread, _NOTHING)
        due = _overdue()
        _here.innermost = self.outer
        return due


def _worked(thread: int) -> float:
    """Return the seconds of processor time that a thread has used; all time counts where that is not known."""
    clock = getattr(time, "pthread_getcpuclockid", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock(thread))


def _limits() -> Iterator[limited]:
    limit = getattr(_here, "innermost", None)
    while limit is not None:
        yield limit
        limit = limit.outer


def _overdue() -> limited | None:
    found = None
    for limit in _limits():
        if limit.expired and not limit.raised:
            found = limit
    return found


def attempt(seconds: float, what: str, function: Callable[P, Result], *args: P.args,
            **kwargs: P.kwargs) -> Result | None:
    """Return ``function(*args)``, or None where it takes too long or sympy cannot do it.

    An outer limit that ends inside is not caught.
    """
    limit = limited(seconds, what, working=True)
    try:
        with limit:
            return function(*args, **kwargs)
    except TimedOut as late:
        if late.owner is not limit:
            raise
    except CANNOT:
        return None
    # Stopped half way through a deduction, sympy keeps objects that know half of what follows: asked later, it would
    # answer "not known" where it answers "positive" otherwise.
    clear_cache()
    return None
