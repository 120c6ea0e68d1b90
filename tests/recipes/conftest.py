from __future__ import annotations

import pytest

from ganworks.console import console


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """Every test has a cache and a directory of its own, and a console on the standard error of its own."""
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    console.cache_clear()
    yield
    console.cache_clear()
