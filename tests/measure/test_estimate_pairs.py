"""The ten pairs of benchmarks/estimates.py: does the bound hold, is the interval near, is a doubt said?"""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import numpy as np
import pytest

from ganworks.measure import estimate

NEAR = ("same", "shift-1", "shift-3", "scale-2", "mixture", "laplace", "uniforms", "plane-shift", "ring")


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("estimates")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["js", "kl"])
def test_ten_pairs(bench, name):
    for pair, (p, q, kind, ends) in bench.PAIRS.items():
        real, fake = p.draw(2000, np.random.default_rng((0, 1))), q.draw(2000, np.random.default_rng((0, 2)))
        truth, e = bench.exact(name, p, q, kind, ends), estimate(name, real, fake)
        assert truth >= e.interval[0], pair
        if pair in NEAR:
            assert truth <= e.interval[1], pair
        else:
            assert any("almost without a mistake" in w for w in e.warnings), pair
        assert (e.trust == "doubtful") == (name == "kl" and pair in ("shift-3", "disjoint")), pair


@pytest.mark.slow
@pytest.mark.parametrize("name", ["js", "kl"])
def test_equal_laws_are_seldom_told_apart(name):
    wrong = 0
    for seed in range(20):
        x, y = np.random.default_rng((seed, 3)).normal(size=(2, 500, 2))
        wrong += estimate(name, x, y, seed=seed, steps=200, hidden=(32, 32)).interval[0] > 0
    assert wrong <= 2  # 2.5 % are allowed for


def test_the_exact_values_of_the_benchmark(bench):
    # Closed forms: KL of normals, and of two rings of one radius about that of their widths.
    value = {pair: bench.exact("kl", *bench.PAIRS[pair]) for pair in bench.PAIRS}
    assert value["shift-1"] == pytest.approx(0.5, rel=1e-9)
    assert value["shift-3"] == pytest.approx(4.5, rel=1e-9)
    assert value["scale-2"] == pytest.approx(math.log(2) + 1 / 8 - 1 / 2, rel=1e-9)
    assert value["plane-shift"] == pytest.approx(0.625, rel=1e-6)
    assert value["uniforms"] == pytest.approx(math.log(2), rel=1e-9)
    assert value["disjoint"] == math.inf
    assert value["ring"] == pytest.approx(math.log(2) + 1 / 8 - 1 / 2, abs=0.02)
    assert bench.exact("js", *bench.PAIRS["disjoint"]) == pytest.approx(math.log(2), rel=1e-9)
