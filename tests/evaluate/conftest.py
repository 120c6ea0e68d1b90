"""Real digits, and one cache for the session, so that their classifier is fitted once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ganworks.data.arrays import Images


@pytest.fixture(scope="session")
def digits() -> Images:
    data = load_digits()
    return Images((data.images * 255 / 16).round().astype(np.uint8)[:, None], data.target, name="digits")


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")
