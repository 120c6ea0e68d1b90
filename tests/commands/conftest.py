"""What tests of trainings by the command line share."""

from __future__ import annotations

import pytest

from ganworks.cli import main
from ganworks.console import console
from ganworks.train import Run


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """Each test in a directory of its own; the report at the end is another room's business."""
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    import ganworks.report

    for name in ("write_report", "write_curves"):
        monkeypatch.setattr(ganworks.report, name, lambda run: run.path / "report.html")
    console.cache_clear()
    yield
    console.cache_clear()


@pytest.fixture
def train(capsys):
    """Return a function: words to (exit status, what was said on standard error and output in one line)."""
    def call(*words):
        status = main(["train", *map(str, words)])
        out, err = capsys.readouterr()
        return status, " ".join((out + err).split())

    return call


def state(run):
    return Run(run).load()[0]
