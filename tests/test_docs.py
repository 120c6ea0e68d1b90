"""Commands that the documentation shows are commands that there are."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from ganworks.commands import train
from ganworks.recipes import Call, recipes

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown() -> list[str]:
    text = "\n".join(page.read_text() for page in PAGES)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.partition(" #")[0].strip().removeprefix(".venv/bin/") for block in blocks
             for line in block.split("\n")]
    return sorted({line for line in lines if line.startswith("ganworks train ")})


@pytest.mark.parametrize("line", shown())
def test_a_training_that_is_shown_can_be_asked_for(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[2:]
    if "--resume" in words:
        return
    parser = argparse.ArgumentParser()
    train.add_arguments(parser, words)
    args = parser.parse_args(words)
    given = {name: value for name, value in vars(args).items() if name not in train.OWN}
    if str(given.get("objective", "")).endswith(".yaml"):
        given["objective"] = "hinge"  # the file is made by the command before
    assert Call.make(args.target, {}, given).name == args.target


def test_every_recipe_is_told_of() -> None:
    readme = (ROOT / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in recipes())
