"""The best energies, against linear programs and the theorems of the paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from ganworks.errors import UserError
from ganworks.measure.energy import energy_game, reconstruction_energy


def masses(n):
    return st.lists(st.floats(0.01, 1), min_size=n, max_size=n).map(lambda w: np.array(w) / sum(w))


@given(masses(5), masses(5), st.floats(0.1, 10))
def test_no_energy_costs_less(p, q, margin):
    found = energy_game(p, q, margin)
    # min p D + q s over 0 <= D, s >= m - D, s >= 0: a linear program in (D, s).
    best = linprog(np.concatenate([p, q]), A_ub=np.hstack([-np.eye(5), -np.eye(5)]), b_ub=-margin * np.ones(5))
    assert found.critic_cost == pytest.approx(best.fun, abs=1e-9)
    assert found.critic_cost == pytest.approx(margin * (1 - found.total_variation), abs=1e-9)
    cost = (p * found.energy + q * np.maximum(0, margin - found.energy)).sum()
    assert found.critic_cost == pytest.approx(cost, abs=1e-12)


def test_at_equality_the_critic_pays_the_margin_and_the_generator_not_nothing():
    found = energy_game([0.25, 0.75], [0.25, 0.75], 2.0)
    assert found.critic_cost == 2.0  # theorem 1: V = m
    assert found.generator_cost == 1.0
    assert energy_game([1, 0], [0, 1], 2.0).critic_cost == 0
    for wrong in (([1], [0.5, 0.5], 1), ([1], [1], 0), ([0.5, 0.4], [1, 0], 1)):
        with pytest.raises(UserError):
            energy_game(*wrong)


def test_an_autoencoder_of_real_samples_is_low_on_them():
    draw = np.random.default_rng(0)
    t = draw.uniform(-2, 2, 400)
    real = np.stack([t, t**2 / 2], axis=1)
    energy = reconstruction_energy(real, steps=600)
    assert energy(real).mean() < 0.05
    assert energy(np.array([[0.0, 2.0], [2.0, -1.0]])).min() > 0.3
