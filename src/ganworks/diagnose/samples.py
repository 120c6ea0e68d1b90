"""Findings about samples beside their data, wherever they were made."""

from __future__ import annotations

from ganworks.diagnose.advice import finding
from ganworks.diagnose.exam import Exam, left_out
from ganworks.diagnose.finding import Evidence, Finding, Severity
from ganworks.diagnose.pacing import balanced, before, shorter
from ganworks.diagnose.past import Course
from ganworks.train.series import Records

FINE = 0.85
"""The precision of fine samples, as a share of that of real ones."""
ROUGH, FEW, FEWEST = 0.3, 0.28, 0.06
"""That of samples so rough that classes are told apart with pains; less than such a share of what should be there of a
class must be there to miss it, in others and in these."""
APART, NAMELESS, LARGE = 0.3, 0.15, 0.4
"""Shares of the data that rough samples must leave out in groups next to each other: of data whose classes say more, of
other data, and for that to be serious."""
NAMED = 8
"""So many classes are named in a line."""
WORDS = {"duplicates": "share of the samples with a near copy among the others",
         "diversity": "typical distance of two samples, the data's being 1",
         "missing": "share of the data in groups that the samples leave out",
         "together": "the same in groups whose nearest other group they leave out too",
         "classes": "share of the data whose class the samples leave out",
         "uneven": "share of the groups of which there are too many or too few",
         "coverage": "share of the data that has a sample near by (coverage)",
         "copies": "share of the samples with a near copy in the data",
         "nearer": "how often a sample is nearer to the data than real ones are to the rest of it",
         "level": "mean of the values, less the data's, in standard deviations of the data's",
         "contrast": "spread of the values, the data's being 1",
         "ends": "share of the values that stand at either end of their range",
         "colour": "how far the mean of each channel is from the data's",
         "exchanged": "the same with the first and the last channel exchanged"}


def sample_findings(exam: Exam, records: Records = ()) -> list[Finding]:
    """Return what an exam finds; what was looked for and is not there is "healthy".

    Args:
        records: of the log of the training, which may tell why samples are alike.
    """
    course = Course(records)
    pace = balanced(course)
    found = [before(collapse(exam), pace), before(dropping(exam), pace), copying(exam), levels(exam)]
    found += [before(saturation(exam), shorter(course))] if "ends" in exam.figures else []
    return [*found, channels(exam)] if "exchanged" in exam.figures else found


def collapse(exam: Exam) -> Finding:
    """Samples that are few ones over and over, or hardly differ."""
    (copies, usual), varied = exam.figures["duplicates"], exam.figures["diversity"][0]
    few, some = copies > usual + 0.5 or varied < 0.3, copies > usual + 0.1 or varied < 0.6
    return finding("collapse", _severity(few, some), _evidence(exam, "duplicates", "diversity"))


def dropping(exam: Exam) -> Finding:
    """Parts of the data that the samples leave out."""
    coverage, precision = (exam.figures[name][0] / max(exam.figures[name][1], 1e-12)
                           for name in ("coverage", "precision"))
    # Rough samples miss the outer groups of each mode, so only what is missing together is counted, and least is asked
    # of them where classes say more; those that lie nowhere near the data cover nothing, and yet leave out no part more
    # than another.
    fine = precision > FINE
    bare, known = 1 - coverage if fine else 0.0, ("classes",) if exam.classes else ()
    missing, usual = exam.figures["missing" if fine else "together"]
    least, large = (0.03, 0.25) if fine else (APART if known else NAMELESS, LARGE)
    lost = left_out(exam.classes, exam.count, FEW if precision > ROUGH else FEWEST)
    classes = sum(group.real for group in lost)
    return finding("dropping", _severity(missing > usual + large or classes > 0.25 or bare > 0.3,
                                         missing > usual + least or classes > 0 or bare > 0.12),
                   _evidence(exam, "missing", "together", "coverage", "uneven", *known),
                   missing=max(missing, classes, bare), which=_named([group.label for group in lost]))


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" (classes: {', '.join(names[:NAMED])}{more})" if names else ""


def copying(exam: Exam) -> Finding:
    """Samples that are the data over again."""
    (copies, usual), nearer = exam.figures["copies"], exam.figures["nearer"][0]
    return finding("copying", _severity(copies > usual + 0.3 and nearer > 0.75, copies > usual + 0.1),
                   _evidence(exam, "copies", "nearer"))


def levels(exam: Exam) -> Finding:
    """Values in another range than the data's."""
    off = max(abs(exam.figures["level"][0]) / 0.28, abs(exam.figures["contrast"][0] - 1) / 0.5)
    return finding("levels", _severity(off > 2, off > 1), _evidence(exam, "level", "contrast"))


def saturation(exam: Exam) -> Finding:
    """Values that stand at the ends of their range, from where no slope leads back."""
    ends, usual = exam.figures["ends"]
    more = (ends - usual) / max(1 - usual, 1e-12)
    return finding("saturation", _severity(more > 0.9, more > 0.5), _evidence(exam, "ends"))


def channels(exam: Exam) -> Finding:
    """Channels in another order than the data's."""
    colour, exchanged = exam.figures["colour"][0], exam.figures["exchanged"][0]
    return finding("channels", _severity(exchanged < colour / 3 and colour > 0.03, False),
                   _evidence(exam, "colour", "exchanged"))


def _severity(serious: bool, warning: bool) -> Severity:
    return "serious" if serious else "warning" if warning else "healthy"


def _evidence(exam: Exam, *names: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(WORDS[name], exam.figures[name][0], f"{exam.figures[name][1]:.3g} for other real ones")
                 for name in names)
