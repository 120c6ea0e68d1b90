"""What the tests of training share: a machine, and small data that lies in memory."""

from __future__ import annotations

import numpy as np
import pytest

from ganworks.console import console
from ganworks.data import Images, Points
from ganworks.train import Machine


@pytest.fixture(scope="session")
def machine() -> Machine:
    return Machine("cpu")


@pytest.fixture(scope="session")
def images() -> Images:
    """Return 40 images of 16x16, not a multiple of the batches drawn from them."""
    return Images(np.random.default_rng(0).integers(0, 256, (40, 1, 16, 16), dtype=np.uint8), name="speckles")


@pytest.fixture(scope="session")
def points() -> Points:
    return Points(np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32), name="blob")


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """Every test has a cache of its own, and a console on the standard error of its own."""
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    console.cache_clear()
    yield
    console.cache_clear()
