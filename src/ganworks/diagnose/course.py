"""Findings about the course of a training, from its log: costs, scores, measures, and vitals if there are some."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ganworks.diagnose.advice import finding
from ganworks.diagnose.exam import Exam
from ganworks.diagnose.finding import Evidence, Finding
from ganworks.diagnose.pacing import LONG_STEP, SHORT_STEP, USUAL_STEP, balanced, before, shorter, usual
from ganworks.diagnose.past import LOOKS, Course, since
from ganworks.diagnose.plateau import LEAST, SURE, ended, measured, trend
from ganworks.train.series import Records, Series

LEAK, STANDING, LEFT, ALIKE, LITTLE, DEAD, SWINGS = 0.2, 0.8, 0.3, 0.5, 0.3, 0.6, 0.6
UNSURE, TURNED, BLIND, GROWN = 0.65, 0.2, 0.2, 20
"""Set on the labelled collection of ``benchmarks/doctor.py``; ``docs/diagnosis.md`` says on which part of it."""
NO_PULL = 1e-7
"""A norm of a player's gradient below which it is as good as none."""


def course_findings(records: Records, exam: Exam | None = None) -> list[Finding]:
    """Return what the log of a training tells; what was looked for and is not there is "healthy".

    Args:
        exam: of samples from its end, which tells a critic that sees nothing from one that has nothing to see.
    """
    course = Course(records, exam)
    found = [spikes(course), cycling(course), plateau(course)]
    if not course.looks("told apart"):
        count = len(course.known.get("vital/told apart", ((),))[0])
        lack = (f"what the critic does to the generator: {count} records of vitals, {LOOKS} are needed (more --steps, "
                "or a smaller --vitals-every)")
        return [*found, Finding("vitals", "unknown", lack)]
    return [*found, *(_judged(name, judge, course) for name, judge in JUDGES.items())]


def _judged(name: str, judge: Callable[[Course], Finding], course: Course) -> Finding:
    try:
        return judge(course)
    except _Lacking as lacking:
        return Finding(name, "unknown", f"{name}: too few records of '{lacking}' that are finite numbers, {LOOKS} are "
                       "needed, one of them in the last third")


class _Lacking(Exception):
    """A vital that there is too little of: after a divergence, say, it was no number any more."""


def varied(course: Course) -> Finding:
    """Samples of fixed latents that lose their variety on the way."""
    worst, line = _worst(course, "diversity", min)
    found = finding("variety", "serious" if worst < LITTLE else "warning" if worst < ALIKE else "healthy",
                    (Evidence("typical distance of two samples, the data's being 1, at the end", worst, "near 1"),),
                    since(line, lambda v: v < ALIKE))
    return before(found, shorter(course) or balanced(course))


def vanishing(course: Course) -> Finding:
    """A generator that is hardly pushed: its cost has gone flat at its samples."""
    slopes, shares = course.looks("slope"), {}
    for name, line in course.looks("force").items():
        if name in slopes:
            steps, own, other = np.intersect1d(line[0], slopes[name][0], return_indices=True)
            shares[name] = steps, line[1][own] / np.maximum(slopes[name][1][other], 1e-30)
    if not shares:
        raise _Lacking("slope")
    duel = min(shares, key=lambda name: float(np.median(course.last(shares[name]))))
    share, pull = float(np.median(course.last(shares[duel]))), _worst(course, "gradient generator", min)[0]
    gone = share < 1e-3 or pull < NO_PULL
    found = finding("vanishing gradient", "serious" if gone else "warning" if share < 0.02 else "healthy",
                    (Evidence("share of the critic's slope that reaches the samples", share, "0.05 to 1 or more"),
                     Evidence("norm of the generator's gradient", pull, "above 1e-5")),
                    since(shares[duel], lambda v: v < 0.02))
    return before(found, shorter(course))


def strong(course: Course) -> Finding:
    """A critic that parts all samples from the data, for good."""
    apart, line = _worst(course, "told apart", max)
    left = course.left
    evidence = [Evidence("how often the critic puts a real sample above a generated one", apart, "0.6 to 0.98")]
    if left is not None:
        evidence.append(Evidence("what is left of the first checkpoint's distance to the data", left, "below 0.5"))
    elif apart > 0.999:
        return Finding("critic too strong", "unknown", "whether the critic is too strong: it parts all samples from "
                       f"the data, and fewer than {LOOKS} measured checkpoints say whether samples get better",
                       tuple(evidence))
    wins = apart > 0.999 and left is not None and left > STANDING
    found = finding("critic too strong", "warning" if wins else "healthy", tuple(evidence),
                    since(line, lambda v: v > 0.999))
    return before(found, balanced(course))


def weak(course: Course) -> Finding:
    """A critic that cannot tell samples from data that it should."""
    apart, line = _worst(course, "told apart", min)
    left, varied = course.left, _worst(course, "diversity", min)[0]
    poor = varied < ALIKE or (left is not None and left > STANDING) or (_rough(course) and _blind(line))
    wrong = apart < TURNED or (abs(apart - 0.5) < 0.05 and poor) or (apart < UNSURE and varied < LITTLE)
    found = finding("critic too weak", "warning" if wrong else "healthy",
                    (Evidence("how often the critic puts a real sample above a generated one", apart, "0.6 to 0.98"),),
                    since(line, lambda v: v < UNSURE))
    return before(found, balanced(course, smooth=False))


def _blind(line: Series) -> bool:
    """Whether a critic has told nothing apart at any look, the first one included, when samples were noise."""
    return float(np.abs(line[1] - 0.5).max()) < BLIND


def _rough(course: Course) -> bool:
    if course.exam is None:
        return False
    precision, usual = course.exam.figures["precision"]
    return precision < usual / 2


def overfitting(course: Course) -> Finding:
    """A critic that knows the data by heart: it scores data that it never saw lower."""
    if not course.looks("known by heart"):
        return Finding("critic overfits", "unknown", "whether the critic knows the data by heart: no data was held out "
                       "(--held-out 0.1)")
    known, line = _worst(course, "known by heart", max)
    # The few samples of a look differ by chance from the start on.
    more = known - float(line[1][0])
    return finding("critic overfits", "serious" if more > 0.3 else "warning" if more > 0.12 else "healthy",
                   (Evidence("how often the critic puts data that it is taught above data that it is not", known,
                             "0.5, up to chance"),
                    Evidence("that, less what it was at first", more, "below 0.1")),
                   since((line[0], line[1] - line[1][0]), lambda v: v > 0.12))


def leaking(course: Course) -> Finding:
    """A critic with batch normalisation that knows batches, not samples."""
    if not course.looks("told apart mixed"):
        return finding("batch-norm leak", "healthy", ())
    mixed = course.looks("told apart mixed")
    gaps = {duel: (line[0], line[1] - mixed[duel][1]) for duel, line in course.looks("told apart").items()
            if duel in mixed and len(mixed[duel][0]) == len(line[0])}
    if not gaps:
        raise _Lacking("told apart mixed")
    duel = max(gaps, key=lambda name: float(np.median(course.last(gaps[name]))))
    gap = float(np.median(course.last(gaps[duel])))
    return finding("batch-norm leak", "warning" if gap > LEAK else "healthy",
                   (Evidence("how much more often real samples are put above generated ones in batches of one kind "
                             "than in batches of both", gap, "below 0.1"),), since(gaps[duel], lambda v: v > LEAK))


def dead(course: Course) -> Finding:
    """Units that no longer learn."""
    shares = {player: _worst(course, f"dead {player}", max) for player in ("generator", "critic")}
    player = max(shares, key=lambda name: shares[name][0])
    share, line = shares[player]
    found = finding("dead units", "serious" if share > 0.9 else "warning" if share > DEAD else "healthy",
                    (Evidence(f"share of the {player}'s units whose gradient is exactly 0", share, "below 0.2"),),
                    since(line, lambda v: v > DEAD), share=share)
    return before(found, shorter(course))


def paces(course: Course) -> Finding:
    """Steps that are too long or too short for the weights."""
    lines = {player: course.looks(f"step {player}").get("") for player in ("generator", "critic")}
    # Over the whole training: at its end a schedule may have brought the rate to 0.
    typical = {player: float(np.median(line[1])) for player, line in lines.items() if line is not None}
    if not typical:
        raise _Lacking("step generator")
    typical = {player: length for player, length in typical.items() if _pulled(course, player)}
    if not typical:
        return Finding("learning rate", "unknown", "whether steps are of the right length: there is no gradient to "
                       "step along")
    player = max(typical, key=lambda name: abs(np.log10(max(typical[name], 1e-30) / USUAL_STEP)))
    length = max(typical[player], 1e-30)
    # Where samples have come much nearer to the data, weights may have become small, and steps only look long.
    left = course.left
    long, short = length > LONG_STEP and (left is None or left > LEFT), length < SHORT_STEP
    found = finding("learning rate", "warning" if long or short else "healthy",
                    (Evidence(f"length of a step of the {player}, of that of its weights", length, "1e-5 to 1e-2"),),
                    times=length / USUAL_STEP if long else USUAL_STEP / length, too="too long" if long else "too short")
    return before(found, usual(course))


def _pulled(course: Course, player: str) -> bool:
    lines = course.looks(f"gradient {player}").values()
    return not lines or max(float(np.median(line[1])) for line in lines) > NO_PULL


def spikes(course: Course) -> Finding:
    """Costs that run away: many times what they were at first, and still growing."""
    found = []
    for key, (steps, values) in course.known.items():
        if key.endswith("/adversarial") and len(steps) >= 4 * LOOKS:
            size = np.abs(values)
            early = max(float(np.quantile(size[: max(LOOKS, len(size) // 10)], 0.9)), 1e-3)
            end, middle = (float(np.median(part)) for part in (course.last((steps, size)), _middle(size)))
            began = since((steps, size / early), lambda v: v > 5)
            found.append((end / early, end / max(middle, 1e-3), key, began))
    if not found:
        return Finding("divergence", "unknown", f"whether costs run away: fewer than {4 * LOOKS} records of them")
    grown, still, name, at = max(found, key=lambda one: one[0] if one[1] > 1.4 else 0.0)
    runs = still > 1.4
    return finding("divergence", "serious" if runs and grown > GROWN else "healthy",
                   (Evidence(f"size of {name} at the end, of that of its first tenth", grown, "below 10"),
                    Evidence("the same, of that of its middle third", still, "near 1")), at)


def _middle(values: np.ndarray) -> np.ndarray:
    return values[len(values) // 3 : 2 * len(values) // 3]


def cycling(course: Course) -> Finding:
    """Players that chase each other in circles: scores that swing with a steady period."""
    lines = [line for key, line in course.known.items()
             if key.startswith("score/") and len(course.last(line)) >= 4 * LOOKS]
    if not lines:
        return Finding("cycling", "unknown", f"whether the players go in circles: fewer than {12 * LOOKS} "
                       "records of scores")
    found = max(swing(course.last(line)) for line in lines)
    return finding("cycling", "warning" if found[0] > SWINGS else "healthy",
                   (Evidence("how alike scores are one period later (autocorrelation)", found[0], "below 0.3"),
                    Evidence("that period, in records of the log", float(found[1]), "none")))


def plateau(course: Course) -> Finding:
    """A measure that has stopped falling, since the step at which ``--stop-when plateau`` would have ended it."""
    found = measured(course.known)
    judged = None if found is None else trend(found[1])
    if found is None or judged is None:
        return Finding("plateau", "unknown", f"whether it still gets better: fewer than {LEAST} measured checkpoints "
                       "(a smaller --checkpoint-every)")
    at = None if judged.state == "falls" else ended(found[1])
    if judged.state != "falls" and at is None:
        return Finding("plateau", "unknown", f"whether it still gets better: {found[0]} neither clearly falls nor has "
                       "clearly stopped")
    return finding("plateau", "healthy" if judged.state == "falls" else "note",
                   (Evidence(f"chance of such a fall of {found[0]} in the second half, were there none", judged.chance,
                             f"below {SURE:g}"),
                    Evidence("best of the second half below that of the first, in standard deviations", judged.gain,
                             "above 0.5")), at)


def swing(values: np.ndarray) -> tuple[float, int]:
    """Return how steadily values swing, 0 to 1, and the period: the first peak of the autocorrelation behind a trough.

    A straight line is taken away first. Noise has no trough to speak of; a drift has no peak behind it.
    """
    n = len(values)
    x = np.arange(n)
    rest = values - np.polyval(np.polyfit(x, values, 1), x)
    power = np.fft.rfft(rest, 2 * n)
    auto = np.fft.irfft(np.abs(power) ** 2)[: n // 2] / max(float((rest**2).sum()), 1e-30)
    auto = auto * n / (n - np.arange(len(auto)))
    troughs = np.flatnonzero(auto < -0.3)
    if not troughs.size:
        return 0.0, 0
    behind = auto[troughs[0] :]
    best = int(behind.argmax())
    return max(0.0, float(behind[best])), int(troughs[0]) + best


def _worst(course: Course, name: str, which: Callable[..., str]) -> tuple[float, Series]:
    """Return the median of a vital at the end, and its series, of the duel where it is least or greatest."""
    lines: Mapping[str, Series] = course.looks(name)
    if not lines:
        raise _Lacking(name)
    duel = which(lines, key=lambda one: float(np.median(course.last(lines[one]))))
    return float(np.median(course.last(lines[duel]))), lines[duel]


JUDGES: Mapping[str, Callable[[Course], Finding]] = {
    "variety": varied, "vanishing gradient": vanishing, "critic too strong": strong, "critic too weak": weak,
    "critic overfits": overfitting, "batch-norm leak": leaking, "dead units": dead, "learning rate": paces}
"""What is judged by vitals."""
