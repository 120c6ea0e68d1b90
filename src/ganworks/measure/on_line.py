"""f-divergences of densities on the line, by adaptive quadrature.

The line is cut at the ends of supports. In between, x = base + exp(y) or base - exp(y), where base is such an end or,
on a line without ends, a point in the middle: so singularities at ends and heavy tails both become exponential decay,
which is followed until nothing is left of it, or until it shows that the integral diverges.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from ganworks.measure.adaptive import gauss_kronrod, integrate
from ganworks.measure.distributions import Line
from ganworks.measure.integrand import EPS, Integrand
from ganworks.measure.result import Value, infinite, lone

Array = np.ndarray
NEAREST, FARTHEST, STEP = -700.0, 275.0, 0.25
"""Range of y in which an integrand is looked at, and how finely."""
CUT = 55.0
"""What is this far below the largest in the logarithm is left out."""
WIDEST = 2.0
CORNERED = 10
FAINT = -700.0
"""Log densities below which a density is 0 to a distribution that has no logarithm of its own."""
BUDGET = 2_000_000


@dataclass(frozen=True)
class Branch:
    """x = base + sign exp(y), for y up to ``end``."""

    base: float
    sign: int
    end: float


@dataclass(frozen=True)
class Found:
    """The range of y that counts on a branch, the largest log integrand, what is left out, why it diverges."""

    low: float
    high: float
    left_out: float
    diverges: str
    lost: bool


def of_lines(integrand: Integrand, p: Line, q: Line, tolerance: float) -> Value:
    """Return the divergence of two densities.

    Args:
        tolerance: relative.
    """
    branches, alone, missing = _branches(p, q)
    if (found := lone(integrand, alone, missing)) is not None:
        return found
    with np.errstate(all="ignore"):
        seen = [_look(integrand, p, q, branch) for branch in branches]
        top = max((log.max() for _, log, _ in seen), default=-np.inf)
        ranges = [_range(branch, *look, top) for branch, look in zip(branches, seen, strict=True)]
    for part in ranges:
        if part.diverges and not integrand.bounded:
            return infinite(part.diverges, "quadrature")
    with np.errstate(all="ignore"):
        corners = [_corners(integrand, p, q, *pair) for pair in zip(branches, ranges, strict=True)]
    at_ends = [alone * integrand.at_infinity if alone else 0.0, missing * integrand.at_zero if missing else 0.0]
    low, high, tags = _panels(p, q, branches, ranges, corners)

    def evaluate(points: Array, which: Array) -> tuple[Array, Array]:
        y = points[..., 0]
        value, noise = np.zeros_like(y), np.zeros_like(y)
        for tag in np.unique(which):
            at = which == tag
            value[at], noise[at] = _values(integrand, p, q, branches[tag], y[at])
        return value, noise

    safety = CORNERED if integrand.kinked else 1  # beside a corner that was missed the two rules agree by chance
    whole = integrate(evaluate, low, high, tags, gauss_kronrod(1), tolerance / (2 * safety), BUDGET)
    left_out = math.fsum(part.left_out for part in ranges)
    error = safety * whole.error + left_out + 8 * EPS * (math.fsum(np.abs(at_ends)) + abs(integrand.offset))
    reason = ""
    if any(part.diverges for part in ranges):  # but it cannot: what is out of reach is too large to be left out
        error = integrand.at_zero + integrand.at_infinity
        reason = "much of it lies nearer to an end, or farther out, than numbers reach"
    if any(part.lost for part in ranges):
        error, reason = math.inf, "a density is so small that it is 0 to the computer where the other one is not"
    return Value(math.fsum([integrand.offset, whole.value, *at_ends]), error, "quadrature", reason)


def profile(integrand: Integrand, p: Line, q: Line, x: Array) -> Array:
    """Return q F(p/q) at points of the line, for a picture; 0 where both densities are."""
    with np.errstate(all="ignore"):
        log_p, log_q = p.logpdf(x), q.logpdf(x)
        log, sign = integrand.logs(log_p, log_q)
        value = sign * np.exp(log)
        value = np.where(np.isneginf(log_p), np.exp(log_q) * integrand.at_zero, value)
        value = np.where(np.isneginf(log_q), np.exp(log_p) * integrand.at_infinity, value)
    return np.where(np.isneginf(log_p) & np.isneginf(log_q), 0.0, value)


def _branches(p: Line, q: Line) -> tuple[list[Branch], float, float]:
    """Return the branches of the common support, and the masses of p and of q outside it."""
    edges = sorted({*p.edges, *q.edges})
    branches, alone, missing = [], 0.0, 0.0
    for low, high in itertools.pairwise([-math.inf, *edges, math.inf]):
        inside = _inside(low, high)
        mine, theirs = p.covers(inside), q.covers(inside)
        if mine and theirs:
            branches += _between(low, high, [x for x in (*p.landmarks, *q.landmarks) if low < x < high])
        elif mine:
            alone += p.mass(low, high)
        elif theirs:
            missing += q.mass(low, high)
    return branches, alone, missing


def _inside(low: float, high: float) -> float:
    if math.isinf(low):
        return 0.0 if math.isinf(high) else high - max(1.0, abs(high))
    return low + max(1.0, abs(low)) if math.isinf(high) else low + (high - low) / 2


def _between(low: float, high: float, landmarks: list[float]) -> list[Branch]:
    middle = float(np.median(landmarks)) if landmarks else _inside(low, high)
    if math.isinf(low) and math.isinf(high):
        return [Branch(middle, 1, FARTHEST), Branch(middle, -1, FARTHEST)]
    if math.isinf(high):
        return [Branch(low, 1, FARTHEST)]
    if math.isinf(low):
        return [Branch(high, -1, FARTHEST)]
    middle = min(max(middle, low + (high - low) / 8), high - (high - low) / 8)
    return [Branch(low, 1, math.log(middle - low)), Branch(high, -1, math.log(high - middle))]


def _logs(integrand: Integrand, p: Line, q: Line, branch: Branch, y: Array) -> tuple[Array, Array, Array, Array]:
    """Return log |integrand| along y and its sign, its relative rounding error, and where a density is lost."""
    offset = branch.sign * np.exp(y)
    log_p, log_q = p.beside(branch.base, offset), q.beside(branch.base, offset)
    log, sign = integrand.logs(log_p, log_q)
    noise = integrand.rounding(log_p, log_q)
    no_p, no_q = ~np.isfinite(log_p), ~np.isfinite(log_q)
    log = np.where(no_p, log_q + _log(integrand.at_zero), log)
    log = np.where(no_q, log_p + _log(integrand.at_infinity), log)
    lost = ((no_p & np.isinf(integrand.at_zero)) | (no_q & np.isinf(integrand.at_infinity))) & ~(no_p & no_q)
    faint = (no_p & (log_q < FAINT)) | (no_q & (log_p < FAINT))  # the density that is 0 may be the larger one
    gone = faint | lost | np.isnan(log)
    return np.where(gone, -np.inf, log + y), np.where(np.isnan(sign), 1.0, sign), np.where(gone | no_p | no_q, EPS,
                                                                                          noise), lost


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _values(integrand: Integrand, p: Line, q: Line, branch: Branch, y: Array) -> tuple[Array, Array]:
    with np.errstate(all="ignore"):
        log, sign, noise, _ = _logs(integrand, p, q, branch, y)
        value = np.exp(log)
    return sign * value, noise * value


def _look(integrand: Integrand, p: Line, q: Line, branch: Branch) -> tuple[Array, Array, Array]:
    marks = [_along(branch, x) for x in (*p.landmarks, *q.landmarks) if branch.sign * (x - branch.base) > 0]
    y = np.union1d(np.arange(NEAREST, branch.end, STEP), [m for m in [*marks, branch.end] if m <= branch.end])
    log, _, _, lost = _logs(integrand, p, q, branch, y)
    return y, log, lost


def _along(branch: Branch, x: float) -> float:
    return math.log(branch.sign * (x - branch.base))


def _range(branch: Branch, y: Array, log: Array, lost: Array, top: float) -> Found:
    if np.isneginf(top):
        return Found(0.0, 0.0, 0.0, "", False)
    left_out, diverges = 0.0, ""
    seen = np.flatnonzero(np.isfinite(log))
    if len(seen) < 50:
        return Found(float(y[0]), float(y[-1]), 0.0, "", bool(lost.any()))
    ends = [(seen[0], 1, "near")] + ([(seen[-1], -1, "far")] if branch.end == FARTHEST else [])
    for at, inwards, kind in ends:
        inner = at + 40 * inwards
        slope = (log[at] - log[inner]) / abs(y[at] - y[inner])
        if np.isnan(slope) or slope > -1.5 / abs(y[at]):
            far = "towards infinity" if branch.sign > 0 else "towards -infinity"
            diverges = f"the integral diverges {f'near x = {branch.base:g}' if kind == 'near' else far}"
        else:
            left_out += math.exp(min(log[at], 700.0)) / -slope
    counts = np.flatnonzero(log > top - CUT)
    if not len(counts):
        return Found(0.0, 0.0, left_out, diverges, False)
    low, high = max(counts[0] - 1, 0), min(counts[-1] + 1, len(y) - 1)
    return Found(float(y[low]), float(y[high]), left_out, diverges, bool(lost[low:high + 1].any()))


def _corners(integrand: Integrand, p: Line, q: Line, branch: Branch, part: Found) -> list[float]:
    """Return y at which log p/q has one of the values where f is not smooth: panels must not reach across."""
    if not integrand.kinked or part.high <= part.low:
        return []

    def gap(y: Array, value: float) -> Array:
        offset = branch.sign * np.exp(y)
        return p.beside(branch.base, offset) - q.beside(branch.base, offset) - value

    found: list[float] = []
    grid = np.linspace(part.low, part.high, 2 + int((part.high - part.low) / 0.02))
    for value in {*integrand.breaks, 0.0}:
        signs = np.sign(gap(grid, value))
        at = np.flatnonzero(signs[1:] * signs[:-1] < 0)
        low, high, before = grid[at], grid[at + 1], signs[at]
        for _ in range(60):
            middle = (low + high) / 2
            same = np.sign(gap(middle, value)) == before
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        found += [*low, *grid[signs == 0][:100]]
    return found


def _panels(p: Line, q: Line, branches: list[Branch], ranges: list[Found], corners: list[list[float]]
            ) -> tuple[Array, Array, Array]:
    """Return the panels to begin with: from landmark to landmark, none wider than ``WIDEST``."""
    low, high, tags = [], [], []
    for tag, (branch, part, more) in enumerate(zip(branches, ranges, corners, strict=True)):
        marks = [_along(branch, x) for x in (*p.landmarks, *q.landmarks) if branch.sign * (x - branch.base) > 0]
        bounds = sorted({part.low, part.high, *(m for m in [*marks, *more] if part.low < m < part.high)})
        for a, b in itertools.pairwise(bounds):
            cuts = np.linspace(a, b, 1 + math.ceil((b - a) / WIDEST))
            low += list(cuts[:-1])
            high += list(cuts[1:])
            tags += [tag] * (len(cuts) - 1)
    return np.array(low)[:, None].reshape(-1, 1), np.array(high).reshape(-1, 1), np.array(tags, dtype=int)
