"""Small games whose fields can be written down: the Dirac-GAN, the bilinear game, quadratic games.

A state z has its components first, (n, batch) in numpy or (n,) in torch: the generator's, then the critic's. A field
is minus each player's gradient of its own cost; both players descend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.measure.slopes import Jet, Tabled, jet
from ganworks.measure.stabilisers import Stabiliser
from ganworks.objective import Objective, rival, rival_mean

NODES = 32
"""Of the Gauss-Hermite rule for instance noise: smooth costs to 1e-12 for |psi| sd up to about 2."""


class Game(Protocol):
    """A game of two players.

    Attributes:
        sizes: how many components the generator and the critic have.
    """

    @property
    def sizes(self) -> tuple[int, int]: ...

    def pull(self, z: Any, player: int) -> Any:
        """Return the field's components of player 0 (generator) or 1 (critic)."""

    def across(self, z: Any) -> Any:
        """Return minus the gradient of the generator's cost with respect to the critic's components."""

    def slopes(self, z: Any, player: int) -> Any:
        """Return the derivative of a player's pull, (its components, n, ...)."""

    def distance(self, z: np.ndarray) -> np.ndarray:
        """Return how far the generator is from the solution, (batch,)."""


def join(parts: Sequence[Any]) -> Any:
    """Return arrays or tensors one after the other along the first axis."""
    return torch.cat(tuple(parts)) if isinstance(parts[0], Tensor) else np.concatenate(parts)


def _stack(parts: Sequence[Any]) -> Any:
    return torch.stack(tuple(parts)) if isinstance(parts[0], Tensor) else np.stack(parts)


class Cost(Protocol):
    """Slope and curvature of an elementwise cost."""

    def slope(self, v: Any) -> Any: ...

    def curvature(self, v: Any) -> Any: ...


@dataclass(frozen=True)
class Term:
    """A summand of a player's cost: E cost(offset + psi (lean theta + spread z)), z standard normal.

    Attributes:
        cost: the function; lean: 1 for a generated sample, 0 for a real one, -1 where it is subtracted;
        spread: standard deviation of the noise on it.
    """

    cost: Cost
    lean: float
    spread: float


@dataclass(frozen=True)
class DiracGame:
    """The Dirac-GAN of Mescheder et al. 2018, section 2: data at 0, generator theta, critic psi x.

    Attributes:
        critic, generator: the summands of the two costs.
        offset: what the critic says at psi = 0: its best output where p = q; a number or one for each column.
        gamma: of penalties gamma/2 psi^2, R1 and R2.
        two_sided, one_sided: weights of (|psi| - 1)^2 and of max(0, |psi| - 1)^2.
        spectral: the critic is psi/|psi| x.
    """

    critic: tuple[Term, ...]
    generator: tuple[Term, ...]
    offset: Any = 0.0
    gamma: float = 0.0
    two_sided: float = 0.0
    one_sided: float = 0.0
    spectral: bool = False

    @property
    def sizes(self) -> tuple[int, int]:
        return 1, 1

    @cached_property
    def smooth(self) -> bool:
        """Whether the field has a derivative at theta = psi = 0; known where the costs are jets."""
        kinked = self.two_sided > 0 or self.spectral
        costs = [term.cost for term in (*self.critic, *self.generator)]
        return not kinked and all(not isinstance(cost, Jet) or cost.smooth for cost in costs)

    def pull(self, z: Any, player: int) -> Any:
        theta, psi = z[0], self._effective(z[1])
        if player == 0:
            pulls = [term.lean * _mean(term, psi, theta, self.offset) for term in self.generator]
            return (-psi * sum(pulls))[None]
        if self.spectral:
            return 0 * psi[None]  # psi/|psi| does not move with psi
        pull = -sum(_mean(term, psi, theta, self.offset, 1) for term in self.critic)
        return (pull + self._penalty(psi))[None]

    def across(self, z: Any) -> Any:
        theta, psi = z[0], self._effective(z[1])
        if self.spectral:
            return 0 * psi[None]
        return -sum(_mean(term, psi, theta, self.offset, 1) for term in self.generator)[None]  # type: ignore[index]

    def slopes(self, z: Any, player: int) -> Any:
        theta, psi = z[0], self._effective(z[1])
        own, mixed = 0 * theta, 0 * theta
        for term in (self.generator, self.critic)[player]:
            first = _mean(term, psi, theta, self.offset) + psi * _bend(term, psi, theta, self.offset, 1)
            mixed = mixed - term.lean * first
            if player == 0:
                own = own - (term.lean * psi) ** 2 * _bend(term, psi, theta, self.offset, 0)
            else:
                own = own - _bend(term, psi, theta, self.offset, 2)
        if player == 0:
            return _stack([own, 0 * mixed if self.spectral else mixed])[None]  # psi/|psi| does not move with psi
        return 0 * _stack([mixed, own])[None] if self.spectral else _stack([mixed, own + self._stiffness(psi)])[None]

    def distance(self, z: np.ndarray) -> np.ndarray:
        return np.abs(z[0])

    def _effective(self, psi: Any) -> Any:
        return np.sign(psi) if self.spectral else psi

    def _penalty(self, psi: Any) -> Any:
        pull = -self.gamma * psi if self.gamma else 0.0
        if self.two_sided:
            pull = pull - 2 * self.two_sided * (psi - np.sign(psi))
        if self.one_sided:
            pull = pull - 2 * self.one_sided * (psi - psi.clip(-1, 1))
        return pull

    def _stiffness(self, psi: Any) -> Any:
        held = -self.gamma - 2 * self.two_sided
        return 0 * psi + held - 2 * self.one_sided * (abs(psi) > 1)


def _mean(term: Term, psi: Any, theta: Any, offset: Any, power: int = 0) -> Any:
    """Return E x^power cost'(offset + psi x), x = lean theta + spread z."""
    return _expected(term.cost.slope, term, psi, theta, offset, power)


def _bend(term: Term, psi: Any, theta: Any, offset: Any, power: int) -> Any:
    """Return E x^power cost''(offset + psi x)."""
    return _expected(term.cost.curvature, term, psi, theta, offset, power)


def _expected(function: Callable[[Any], Any], term: Term, psi: Any, theta: Any, offset: Any, power: int) -> Any:
    x = theta if term.lean == 1 else term.lean * theta
    if not term.spread:
        value = function(offset + psi * x)
        return value if power == 0 else value * (x if power == 1 else x * x)
    nodes, weights = cast(tuple[Any, Any], _hermite())
    if isinstance(theta, Tensor):
        nodes, weights = theta.new_tensor(nodes), theta.new_tensor(weights)
    along = (-1,) + (1,) * theta.ndim
    x = x[None] + term.spread * nodes.reshape(along)
    value = weights.reshape(along) * function(offset + psi * x)
    return (value if power == 0 else value * x**power).sum(0)


@cache
def _hermite() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, weights / weights.sum()


@dataclass(frozen=True)
class QuadraticGame:
    """min over x, max over y of x'Ax/2 + x'By - y'Cy/2.

    Attributes:
        a: (n, n), b: (n, m), c: (m, m); a and c symmetric.
    """

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    smooth = True

    @property
    def sizes(self) -> tuple[int, int]:
        return self.b.shape[0], self.b.shape[1]

    @cached_property
    def matrix(self) -> np.ndarray:
        """The field is this matrix times the state."""
        return np.block([[-self.a, -self.b], [self.b.T, -self.c]])

    def _rows(self, player: int) -> slice:
        return slice(None, self.sizes[0]) if player == 0 else slice(self.sizes[0], None)

    def pull(self, z: Any, player: int) -> Any:
        return _like(z, self.matrix[self._rows(player)]) @ z

    def across(self, z: Any) -> Any:
        return _like(z, -self.matrix[self.sizes[0]:]) @ z

    def slopes(self, z: Any, player: int) -> Any:
        matrix = _like(z, self.matrix[self._rows(player)])
        return matrix.reshape(matrix.shape + (1,) * (z.ndim - 1)) + 0 * z[0]

    def distance(self, z: np.ndarray) -> np.ndarray:
        return np.linalg.norm(self.matrix @ z, axis=0)  # any state at rest is a solution


def _like(z: Any, values: np.ndarray) -> Any:
    return z.new_tensor(values) if isinstance(z, Tensor) else values


BILINEAR = Objective("bilinear", phi=lambda v: v, psi=lambda v: -v, beta=lambda v: v,
                     note="f = theta psi: a Dirac-GAN whose critic earns its output on generated samples")


def best_output(objective: Objective) -> float:
    """Return the perfect critic's raw output where p = q; 0 where none is known."""
    if objective.optimum is None or objective.link is rival or objective.link is rival_mean:
        return 0.0
    return float(objective.optimum(torch.zeros(1, dtype=torch.float64)).item())


def dirac_game(objectives: Sequence[Objective], stabiliser: Stabiliser, local: bool = False,
               columns: int = 1) -> DiracGame:
    """Return the Dirac-GAN of objectives, whose columns of a batch are in equal shares.

    Args:
        objectives: with one link among them.
        stabiliser: its penalty, noise and spectral bound are the game's own.
        local: put the costs' second-order polynomials at the solution in their place: what a Jacobian needs.
        columns: of a batch that belong to each objective; with a single objective there may be any number.
    """
    noise = stabiliser.at("noise")
    deviation = noise[1]["sd"] if noise else 0.0
    offsets = [best_output(objective) for objective in objectives]
    game = _with_terms(objectives, offsets, deviation, local)
    game = replace(game, offset=offsets[0] if len(objectives) == 1 else np.repeat(offsets, columns))
    penalty, bound = stabiliser.at("penalty"), stabiliser.at("bound")
    if penalty is not None:
        name, values = penalty
        game = replace(game, gamma=values.get("gamma", 0.0),
                       two_sided=values["weight"] if name == "gp" else 0.0,
                       one_sided=values["weight"] if name == "gp_one_sided" else 0.0)
    return replace(game, spectral=bound is not None and bound[0] == "spectral")


def _with_terms(objectives: Sequence[Objective], offsets: list[float], deviation: float, local: bool) -> DiracGame:
    link = objectives[0].link
    if any(objective.link is not link for objective in objectives):
        raise UserError("objectives with different links in one batch", "one link")
    # A real output is offset + psi (0 + noise), a generated one offset + psi (theta + noise); links subtract them.
    real_lean, wide = (0.0, deviation) if link not in (rival, rival_mean) else (-1.0, deviation)
    if link is rival:
        wide = deviation * np.sqrt(2)  # two independent noises are subtracted

    def term(name: str, lean: float) -> Term:
        functions = [getattr(objective, name) for objective in objectives]
        cost: Cost = jet(functions[0], offsets[0]) if local else Tabled(functions)
        return Term(cost, lean, float(wide))

    critic = [term("psi", 1.0)]
    if real_lean or wide:
        critic.append(term("phi", real_lean))
    generator = [term("beta", 1.0)]
    if link in (rival, rival_mean) and all(objective.alpha is not None for objective in objectives):
        generator.append(term("alpha", real_lean))
    return DiracGame(tuple(critic), tuple(generator))


def quadratic_game(b: Any, a: Any = None, c: Any = None) -> QuadraticGame:
    """Return min over x, max over y of x'Ax/2 + x'By - y'Cy/2.

    Args:
        b: n by m numbers; a, c: square ones, 0 where not given; their symmetric parts count.

    Raises:
        UserError: not matrices of finite numbers that fit.
    """
    b = _matrix(b, "B")
    n, m = b.shape
    squares = []
    for name, given, size in (("A", a, n), ("C", c, m)):
        matrix = np.zeros((size, size)) if given is None else _matrix(given, name)
        if matrix.shape != (size, size):
            raise UserError(f"{name} is {matrix.shape[0]} by {matrix.shape[1]}, B is {n} by {m}",
                            f"{name} of {size} by {size}")
        squares.append((matrix + matrix.T) / 2)
    return QuadraticGame(squares[0], b, squares[1])


def _matrix(given: Any, name: str) -> np.ndarray:
    try:
        matrix = np.atleast_2d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise UserError(f"{name} = {given!r} is no matrix", "rows of equally many numbers") from None
    if matrix.ndim != 2 or 0 in matrix.shape or not np.isfinite(matrix).all() or max(matrix.shape) > 200:
        raise UserError(f"{name} has shape {matrix.shape}", "finite numbers, 1 to 200 rows and columns")
    return matrix
