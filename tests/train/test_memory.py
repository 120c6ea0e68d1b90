"""Memory stays flat over 2,000 steps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "memory.py"


@pytest.mark.slow
def test_memory_stays_flat_over_2000_steps(tmp_path):
    subprocess.run([sys.executable, str(SCRIPT), "--json", str(tmp_path / "found.json")], check=True, cwd=tmp_path)
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found) == 3
    for case, grown in found.items():
        assert grown < 8, (case, grown)  # MiB; a plot kept each time would be 50, a graph each step hundreds
