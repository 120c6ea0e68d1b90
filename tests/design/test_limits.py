"""Time limits: they stop what they should, soon, where it runs, and nothing else."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sympy

from ganworks.design import limits
from ganworks.design.limits import TimedOut, attempt, limited

SLACK = 0.3  # seconds of work after the limit within which a block must have been stopped; a machine may stand still
X, Y, Z = sympy.symbols("x y z")


def spin(seconds: float = 5.0) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "done"


def factor_a_big_polynomial() -> object:
    return sympy.factor(sympy.expand((X + Y + Z + 1) ** 9 * (X - Y) ** 8 + 1))


def integrate_something_slow() -> object:
    return sympy.integrate(sympy.exp(sympy.sin(X) ** 3) / (1 + sympy.log(X) ** 2 + sympy.tan(X)), X)


def swallow_every_exception() -> str:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            spin(0.5)
        except Exception:
            continue
    return "done"


WORK = (spin, factor_a_big_polynomial, integrate_something_slow, swallow_every_exception)


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_stopped_soon_after_the_limit(work: Callable[[], object]) -> None:
    start, worked = time.monotonic(), time.process_time()
    with pytest.raises(TimedOut, match=r"this work: stopped after 0\.4 s") as caught, limited(0.4, "this work"):
        work()
    assert time.monotonic() - start >= 0.4
    assert time.process_time() - worked < 0.4 + SLACK
    assert (caught.value.what, caught.value.seconds) == ("this work", 0.4)


def test_no_exception_where_the_block_is_in_time() -> None:
    with limited(5.0, "a sum"):
        assert sum(range(10)) == 45
    with limited(math.inf, "a sum"):
        assert sum(range(10)) == 45


def test_the_blocks_own_errors_pass() -> None:
    with pytest.raises(KeyError, match="mine"), limited(5.0, "a block"):
        raise KeyError("mine")


def test_ctrl_c_in_a_late_block_passes() -> None:
    def interrupted() -> None:
        try:
            spin()
        finally:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), limited(0.01, "a block"):
        interrupted()


def test_a_swallowed_alarm_is_raised_at_the_end() -> None:
    def swallows() -> None:
        with contextlib.suppress(BaseException):
            spin()

    with pytest.raises(TimedOut), limited(0.05, "a block"):
        swallows()


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns every 10 microseconds, not every 5 milliseconds, so that every order of events is met."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty")
def test_nothing_arrives_after_the_block() -> None:
    """2,000 blocks that end about when their limit does: late, in time, or in between."""
    stopped = escaped = 0
    for k in range(2000):
        seconds = 0.0004 + 0.0000002 * k
        end = time.monotonic() + seconds + (k % 21 - 10) * 3e-5
        try:
            with limited(seconds, "short"):
                while time.monotonic() < end:
                    pass
        except TimedOut as late:
            stopped += (late.what, late.seconds) == ("short", seconds)
        try:
            for _ in range(30):
                math.sqrt(2.0)
        except TimedOut:
            escaped += 1
    assert escaped == 0
    assert 100 < stopped < 1900
    spin(0.05)
    assert not limits._watchdog.waiting


@pytest.mark.usefixtures("hasty")
def test_nothing_arrives_after_nested_blocks() -> None:
    """As before with two limits that end together: one of them is raised, once, and neither is left over."""
    seen = {"inner": 0, "outer": 0}
    wrong = 0
    for k in range(1500):
        seconds = 0.001
        end = time.monotonic() + seconds + (k % 21 - 14) * 5e-5
        try:
            with limited(seconds, "outer"):
                try:
                    with limited(seconds * (0.4, 0.7, 1.0, 1.3)[k % 4], "inner"):
                        while time.monotonic() < end:
                            pass
                except TimedOut as late:
                    seen[late.what] += 1
                    if late.what == "outer":
                        raise
        except TimedOut as late:
            wrong += late.what != "outer"
        for _ in range(30):
            math.sqrt(2.0)
    assert min(seen.values()) > 20
    assert wrong == 0
    spin(0.05)
    assert not limits._watchdog.waiting


def test_the_outer_limit_holds_inside_an_inner_one() -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut) as caught, limited(0.2, "outer"), limited(9.0, "inner"):
        spin()
    assert caught.value.what == "outer"
    assert time.monotonic() - start < 0.2 + SLACK


def test_the_inner_limit_ends_before_the_outer_one() -> None:
    with limited(9.0, "outer"):
        with pytest.raises(TimedOut) as caught, limited(0.1, "inner"):
            spin()
        assert caught.value.what == "inner"
        assert spin(0.01) == "done"
        with pytest.raises(TimedOut) as caught, limited(0.1, "inner again"):
            spin()
        assert caught.value.what == "inner again"


def test_the_outer_limit_survives_many_inner_ones() -> None:
    start, done = time.monotonic(), []

    def many() -> None:
        while time.monotonic() < start + 5:
            done.append(attempt(0.004, "inner", spin))

    with pytest.raises(TimedOut) as caught, limited(0.3, "outer"):
        many()
    assert caught.value.what == "outer"
    assert time.monotonic() - start < 0.3 + SLACK
    assert len(done) > 5
    assert set(done) == {None}


def test_attempt_returns_the_result_or_none() -> None:
    assert attempt(5.0, "a power", pow, 2, 10) == 1024
    assert attempt(0.05, "spinning", spin) is None
    assert attempt(5.0, "an integral", sympy.integrate, X, X) == X**2 / 2


@pytest.mark.parametrize("error", [
    NotImplementedError, ValueError, TypeError, AttributeError, RecursionError, ZeroDivisionError, KeyError, IndexError,
    OverflowError, AssertionError, sympy.PolynomialError, sympy.polys.polyerrors.NotInvertible, sympy.PoleError,
    sympy.SympifyError])
def test_attempt_takes_what_sympy_raises_for_none(error: type[Exception]) -> None:
    def fails() -> None:
        raise error("no")

    assert attempt(5.0, "failing", fails) is None


def test_attempt_lets_other_errors_pass() -> None:
    class Mine(Exception):
        pass

    def fails() -> None:
        raise Mine

    with pytest.raises(Mine):
        attempt(5.0, "failing", fails)


@pytest.mark.parametrize("inner", [9.0, 0.2])
def test_attempt_does_not_swallow_an_outer_limit(inner: float) -> None:
    start = time.monotonic()

    def two() -> None:
        attempt(inner, "inner", attempt, inner, "innermost", spin)
        spin()

    with pytest.raises(TimedOut) as caught, limited(0.2, "outer"):
        two()
    assert caught.value.what == "outer"
    assert time.monotonic() - start < 0.2 + SLACK


def test_sympys_answers_are_the_same_after_a_stop() -> None:
    """What sympy left half done in its caches is not met again."""
    x = sympy.Symbol("x", positive=True)

    def stopped_half_way() -> None:
        root = sympy.sqrt(x + 7)
        root._assumptions = root.default_assumptions.copy()
        root._assumptions["positive"] = None
        del root
        spin()

    assert attempt(0.05, "reasoning", stopped_half_way) is None
    assert sympy.sqrt(x + 7).is_positive is True


def test_every_thread_has_its_own_limits() -> None:
    found: dict[int, object] = {}

    def work(k: int) -> None:
        try:
            with limited(0.1 + 0.1 * k if k % 2 else 9.0, f"thread {k}"):
                found[k] = spin(0.8)
        except TimedOut as late:
            found[k] = late.what

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: "done", 1: "thread 1", 2: "done", 3: "thread 3"}


def test_a_limit_costs_little_and_there_is_one_watchdog() -> None:
    before = threading.active_count()
    start = time.perf_counter()
    for _ in range(5000):
        attempt(2.0, "nothing", int)
    assert (time.perf_counter() - start) / 5000 < 2e-4
    assert threading.active_count() <= before + 1
    assert limits._watchdog.thread is not None
    assert limits._watchdog.thread.daemon


def _in_a_fork(answers: multiprocessing.SimpleQueue[object]) -> None:
    answers.put(attempt(0.1, "spinning", spin))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_limits_too() -> None:
    attempt(1.0, "nothing", int)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    with limited(30.0, "around the fork"):
        child = context.Process(target=_in_a_fork, args=(answers,))
        child.start()
        child.join(4)
        assert child.exitcode == 0
    assert answers.get() is None


def test_waiting_is_not_work() -> None:
    with limited(0.2, "waiting", working=True):
        time.sleep(0.5)  # as if another program had the processor
    began = time.thread_time()

    def work() -> None:
        while time.thread_time() - began < 5:
            pass

    with pytest.raises(TimedOut), limited(0.2, "working", working=True):
        work()
    assert time.thread_time() - began < 1
    with pytest.raises(TimedOut), limited(0.1, "waiting for ever", working=True):
        time.sleep(0.6)
