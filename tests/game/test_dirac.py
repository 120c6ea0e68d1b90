"""The Dirac-GAN of Mescheder et al. 2018: the dynamics that theory gives in closed form, by this code.

Data sits at 0, the generator at theta, the critic is D(x) = psi x. With f = log sigma the field of simultaneous
gradient descent has the eigenvalues +-i f'(0) at the solution, and -gamma/2 +- sqrt(gamma^2/4 - f'(0)^2) under R1.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.design import entry_named, objective_named
from ganworks.game import R1, Duel, GradientPenalty, Latent, Noise, Weighted
from ganworks.objective import Objective, rival

MINIMAX, NS, WGAN = (objective_named(name) for name in ("minimax", "nonsaturating", "wgan"))


class Theta(nn.Module):
    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta * torch.ones(len(z), 1, dtype=torch.float64)


class Psi(nn.Module):
    def __init__(self, psi: float, at_zero: float = 0.0) -> None:
        super().__init__()
        self.psi, self.at_zero = nn.Parameter(torch.tensor(psi, dtype=torch.float64)), at_zero

    def forward(self, x: Tensor) -> Tensor:
        return self.psi * x[:, 0] + self.at_zero


def costs(duel: Duel) -> tuple[Tensor, Tensor]:
    round = duel.open({"sample": torch.zeros(2, 1, dtype=torch.float64)}, 0, Noise(0, 2))
    critic, generator = duel.critic_cost(round), duel.generator_cost(round)
    return torch.stack(list(generator.values())).sum(), torch.stack(list(critic.values())).sum()


def field(objective: Objective, theta: float, psi: float, gamma: float = 0.0, at_zero: float = 0.0) -> np.ndarray:
    """Return minus each player's gradient of its own cost: the direction of simultaneous descent."""
    terms = [Weighted("r1", R1(), gamma)] if gamma else []
    duel = Duel(Theta(theta), Psi(psi, at_zero), objective, Latent(1), critic_terms=terms)
    of_generator, of_critic = costs(duel)
    pulls = [torch.autograd.grad(cost, list(player.parameters()), allow_unused=True)[0]
             for cost, player in ((of_generator, duel.generator), (of_critic, duel.critic))]
    return -np.array([pull.item() if pull is not None else 0.0 for pull in pulls])


def jacobian(objective: Objective, gamma: float = 0.0, at_zero: float = 0.0, h: float = 1e-5) -> np.ndarray:
    # A critic's cost is cut off from theta by design, so the derivative across players is taken by differences.
    columns = [(field(objective, x, y, gamma, at_zero) - field(objective, -x, -y, gamma, at_zero)) / (2 * h)
               for x, y in ((h, 0.0), (0.0, h))]
    return np.stack(columns, axis=1)


def assert_eigenvalues(matrix: np.ndarray, wanted: list[complex], tolerance: float = 1e-7) -> None:
    found = np.linalg.eigvals(matrix)
    for value in wanted:
        assert np.abs(found - value).min() < tolerance, (found, wanted)


SLOPES = [  # f'(0) of the objectives that turn about the solution
    pytest.param(MINIMAX, 0.0, 0.5, id="minimax"),
    pytest.param(NS, 0.0, 0.5, id="nonsaturating"),
    pytest.param(WGAN, 0.0, 1.0, id="wgan"),
    # Each pair costs the critic twice, in phi and in psi, and the generator once: sqrt(1 * 1/2).
    pytest.param(replace(NS, link=rival), 0.0, math.sqrt(0.5), id="rival"),
    # sqrt(rho beta'): the two halves of least squares, (v - 0)^2/2 and (v - 1)^2/2, each of slope 1/2 at v = 1/2.
    pytest.param(objective_named("lsgan"), 0.5, 0.5, id="lsgan"),
]


@pytest.mark.parametrize(("objective", "at_zero", "slope"), SLOPES)
def test_without_a_penalty_it_turns(objective: Objective, at_zero: float, slope: float) -> None:
    assert field(objective, 0, 0, at_zero=at_zero) == pytest.approx([0, 0], abs=1e-12)
    assert_eigenvalues(jacobian(objective, at_zero=at_zero), [1j * slope, -1j * slope])


@pytest.mark.parametrize("gamma", [0.1, 0.8, 1.0, 3.0])
@pytest.mark.parametrize(("objective", "slope"), [(MINIMAX, 0.5), (NS, 0.5), (WGAN, 1.0)],
                         ids=["minimax", "nonsaturating", "wgan"])
def test_r1_draws_it_in(objective: Objective, slope: float, gamma: float) -> None:
    root = cmath.sqrt(gamma**2 / 4 - slope**2)
    tolerance = 1e-3 if abs(root) < 1e-9 else 1e-6  # a double eigenvalue moves with the root of an error
    assert_eigenvalues(jacobian(objective, gamma), [-gamma / 2 + root, -gamma / 2 - root], tolerance)
    assert np.linalg.eigvals(jacobian(objective, gamma)).real.max() < 0


def test_lsgan_in_the_middle_has_no_force_and_beyond_it_a_saddle() -> None:
    middle = objective_named("lsgan", a=0, b=1, c=0.5)
    wrong = entry_named("lsgan", a=0, b=1, c=0).compile()  # a name that is rejected; here its field is wanted
    assert jacobian(middle, at_zero=0.5)[0, 1] == pytest.approx(0, abs=1e-9)
    assert np.linalg.eigvals(jacobian(wrong, at_zero=0.5)).real.max() > 0.1


@pytest.mark.parametrize("h", [0.1, 0.5, 1.5])
def test_steps_of_size_h(h: float) -> None:
    """Simultaneous steps spiral out by sqrt(1 + h^2 f'(0)^2) each; alternating ones keep radius 1 below h f'(0) = 2."""
    matrix, eye = jacobian(MINIMAX), np.eye(2)
    simultaneous = eye + h * matrix
    assert max(abs(np.linalg.eigvals(simultaneous))) == pytest.approx(math.sqrt(1 + h**2 / 4), abs=1e-7)
    critic_moves, generator_moves = eye + h * matrix * [[0], [1]], eye + h * matrix * [[1], [0]]
    assert max(abs(np.linalg.eigvals(generator_moves @ critic_moves))) == pytest.approx(1, abs=1e-6)


def test_gradient_penalty_does_not_vanish_at_the_solution() -> None:
    """WGAN-GP's critic is pushed to slope 1, where theta cannot rest: the reason why it does not converge here."""
    penalty = Weighted("gp", GradientPenalty(), 4.0)
    duel = Duel(Theta(0.0), Psi(0.5), WGAN, Latent(1), critic_terms=[penalty])
    _, of_critic = costs(duel)
    (pull,) = torch.autograd.grad(of_critic, duel.critic.psi)  # type: ignore[arg-type]
    assert pull.item() == pytest.approx(4 * 2 * (0.5 - 1))
