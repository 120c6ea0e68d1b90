"""Imports go down only (docs/architecture.md), and the command line starts without the heavy libraries."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ganworks

PACKAGE = Path(ganworks.__file__).parent

# The ground is below every floor; modules that share a room may import each other.
GROUND = {"__init__", "errors", "files", "console", "seeds"}
FLOORS: tuple[set[str], ...] = (
    {"objective"},
    {"design"},
    {"measure", "nets", "data"},
    {"game"},
    {"train", "evaluate"},
    {"diagnose"},
    {"recipes", "report"},
    {"cli"},
)
ONE_ROOM = {"commands": "cli", "lab": "cli", "__main__": "cli"}


def room_of(name: str) -> str:
    """Return the room that a module or folder right below the package belongs to."""
    return "ground" if name in GROUND else ONE_ROOM.get(name, name)


def floor_of(room: str) -> int:
    if room == "ground":
        return -1
    return next(floor for floor, rooms in enumerate(FLOORS) if room in rooms)


def known(room: str) -> bool:
    return room == "ground" or any(room in rooms for rooms in FLOORS)


def imported(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, room) of each import of the package's own modules, wherever it stands in the file."""
    parents = ("ganworks", *path.relative_to(package).with_suffix("").parts)[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(parents[: len(parents) - node.level + 1]) if node.level else []
            module = ".".join(base + (node.module.split(".") if node.module else []))
            names = [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                names = [str(node.args[0].value)]
        for name in names:
            first, *rest = name.split(".")
            if first == "ganworks":
                inside = rest[0] if rest else "__init__"
                exists = (package / inside).is_dir() or (package / f"{inside}.py").is_file()
                # ``from ganworks import __version__`` takes a name of the package itself.
                yield getattr(node, "lineno", 0), room_of(inside if exists else "__init__")


def violations(package: Path) -> list[str]:
    found = []
    for path in sorted(package.rglob("*.py")):
        where = path.relative_to(package)
        own = room_of(where.parts[0].removesuffix(".py"))
        if not known(own):
            found.append(f"{where}: room '{own}' has no floor")
            continue
        for line, other in imported(path, package):
            if not known(other):
                found.append(f"{where}:{line}: imports '{other}', which has no floor")
            elif other != own and floor_of(other) >= floor_of(own):
                found.append(f"{where}:{line}: '{own}' (floor {floor_of(own)}) imports '{other}' "
                             f"(floor {floor_of(other)})")
    return found


def test_imports_go_down_only() -> None:
    assert violations(PACKAGE) == []


def test_every_room_has_a_floor() -> None:
    names = {p.name.removesuffix(".py") for p in PACKAGE.iterdir()
             if p.suffix == ".py" or (p.is_dir() and any(p.rglob("*.py")))}
    assert [name for name in sorted(names) if not known(room_of(name))] == []


@pytest.mark.parametrize(("files", "wrong"), [
    ({"objective/a.py": "from ganworks.game import Turn"}, True),  # upward
    ({"game/a.py": "from ganworks.objective import Link"}, False),  # downward
    ({"objective/a.py": "from ganworks.design import Design"}, True),  # mathematics is compiled to objectives
    ({"design/a.py": "from ganworks.objective import Objective"}, False),
    ({"design/a.py": "from ganworks.nets import c"}, True),
    ({"game/a.py": "import ganworks.train.trainer as t"}, True),
    ({"nets/a.py": "from ganworks.data import Source"}, True),  # sideways
    ({"nets/a.py": "from ganworks.nets.b import c"}, False),  # within the room
    ({"nets/a.py": "from .b import c"}, False),
    ({"nets/a.py": "from ..game import c"}, True),
    ({"nets/deep/a.py": "from ...game import c"}, True),
    ({"nets/a.py": "from .. import game"}, True),
    ({"nets/a.py": "from ganworks import game"}, True),
    ({"nets/a.py": "from ganworks import __version__"}, False),
    ({"nets/a.py": "def f():\n    import ganworks.game"}, True),  # inside a function
    ({"nets/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ganworks.game import c"}, True),
    ({"nets/a.py": "import importlib\nimportlib.import_module('ganworks.game')"}, True),
    ({"errors.py": "from ganworks.nets import c"}, True),  # the ground on a floor
    ({"errors.py": "from ganworks.files import c"}, False),
    ({"commands/a.py": "from ganworks.cli import c"}, False),  # one room
    ({"cli.py": "from ganworks.commands import c\nfrom ganworks.lab import d"}, False),
    ({"train/a.py": "from ganworks.evaluate import c"}, True),
    ({"report/a.py": "from ganworks.recipes import c"}, True),
    ({"utils/a.py": "import os"}, True),  # a room that nobody knows
    ({"common.py": "import os"}, True),
    ({"nets/a.py": "import torch\nimport ganworksish.game"}, False),
])
def test_the_walk_sees(tmp_path: Path, files: dict[str, str], wrong: bool) -> None:
    rooms = ["objective", "design", "nets", "data", "game", "train", "evaluate", "recipes", "report", "commands", "lab"]
    files = {f"{room}/__init__.py": "" for room in rooms} | {
        f"{name}.py": "" for name in ("errors", "files", "cli", "__init__")} | files
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert bool(violations(tmp_path)) is wrong


@pytest.mark.parametrize("do", [
    "import ganworks.cli",
    "sys.argv = ['ganworks', '--help']; import ganworks.cli; ganworks.cli.main()",
], ids=["import", "help"])
def test_the_command_line_starts_without_torch_and_sympy(do: str) -> None:
    code = f"import sys\ntry:\n    {do}\nexcept SystemExit as end:\n    assert not end.code, end.code\n" \
           "print('HEAVY', sorted({m.partition('.')[0] for m in sys.modules} & {'torch', 'sympy', 'scipy', " \
           "'accelerate', 'matplotlib', 'sklearn', 'PIL'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"
