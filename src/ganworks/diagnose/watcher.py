"""The hook that looks at the course of a training while it runs, and says what is wrong as soon as that is sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ganworks.console import warn
from ganworks.diagnose.course import course_findings
from ganworks.diagnose.finding import Finding, Severity, prescribed
from ganworks.diagnose.past import LOOKS
from ganworks.train.hook import Hook

if TYPE_CHECKING:
    from ganworks.train.run import Run
    from ganworks.train.trainer import Trainer

LATER = 1.1
"""The next look comes this many times as late as the last one: a course is judged by its last third, so little is new
before, and all looks together cost no more than a few at the end."""

Act = Callable[[Finding, int], None]


class Watcher(Hook):
    """Warns of what ``course_findings`` finds in a run's own records, and changes nothing.

    A finding is told when it was there at two looks in a row, once; once more where it has become serious. It is
    printed as a line, and kept as a record of the log: "event", "finding", "severity", "title", "since", "do".

    Args:
        run: whose records are looked at, and where the findings go.
        options: of its recipe, by name, with which remedies are written out.
        every: looks are taken at multiples of so many steps.
        quiet: print nothing.
        act: called with each finding that is told and the step; it may raise to end the training.
        after: records up to this step are of another recipe, and are not looked at.
    """

    name = "watcher"

    def __init__(self, run: Run, options: Mapping[str, Any], every: int = 100, quiet: bool = False,
                 act: Act | None = None, after: int = 0) -> None:
        self.run, self.options, self.every, self.quiet, self.act, self.after = run, options, every, quiet, act, after
        self._looked = 0
        self._seen: dict[str, Severity] = {}
        self._told: dict[str, Severity] = {}

    def start(self, trainer: Trainer) -> None:
        self._records = [record for record in self.run.records() if record["step"] > self.after]
        self.run.listener = self._records.append

    def stepped(self, trainer: Trainer) -> None:
        early = trainer.step - self.after < max(LOOKS * self.every, LATER * (self._looked - self.after))
        if trainer.machine.is_main and trainer.step % self.every == 0 and not early:
            self._looked = trainer.step
            self._look(trainer.step)

    def close(self, trainer: Trainer) -> None:
        self.run.listener = None

    def state_dict(self) -> dict[str, Any]:
        return {"looked": self._looked, "seen": self._seen, "told": self._told}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._looked, self._seen, self._told = state["looked"], state["seen"], state["told"]

    def _look(self, step: int) -> None:
        before, found = self._seen, wrong(self._records)
        self._seen = {finding.name: finding.severity for finding in found}
        for finding in prescribed(found, self.options):
            sure = before.get(finding.name) in ("serious", finding.severity)
            if sure and self._told.get(finding.name) not in ("serious", finding.severity):
                self._told[finding.name] = finding.severity
                self._tell(finding, step)

    def _tell(self, finding: Finding, step: int) -> None:
        do = finding.remedies[0].do
        if not self.quiet:
            warn(f"step {step:,}: {finding.title}; what to do: {do}; more: ganworks diagnose {self.run.path}")
        self.run.log({"step": step, "event": "finding", "finding": finding.name, "severity": finding.severity,
                      "title": finding.title, "since": finding.since, "do": do})
        if self.act is not None:
            self.act(finding, step)


def wrong(records: list[dict[str, Any]]) -> list[Finding]:
    """Return what is serious or worth a warning in the course of a training."""
    return [finding for finding in course_findings(records) if finding.wrong]
