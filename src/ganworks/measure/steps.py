"""One round of a small game as a map of its state and memory; numpy on a batch and torch on one state alike.

A round is ``critic_steps`` steps of the critic and one of the generator. Played simultaneously both look at the state
before the round; played in turn the generator sees the critic's new state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ganworks.measure.games import Game, join
from ganworks.measure.stabilisers import Stabiliser

Direction = Callable[[Any, int], Any]
"""(state, player) to what the player adds to itself, per unit of step."""
GENERATOR, CRITIC = 0, 1


def direction_of(game: Game, stabiliser: Stabiliser, step: float) -> Direction:
    """Return the field that the players follow, before any memory."""
    chosen = stabiliser.at("direction")
    if chosen is None:
        return game.pull
    name, values = chosen
    if name == "consensus":
        return lambda z, player: _consensus(game, z, player, values["gamma"])
    if name == "extragradient":
        return lambda z, player: game.pull(z + step * whole(game.pull, z), player)
    eta, steps = values["eta"] or step, int(values["k"])
    second = name == "unrolled"
    return lambda z, player: _unrolled(game, z, steps, eta, second) if player == GENERATOR else game.pull(z, player)


def whole(direction: Direction, z: Any) -> Any:
    """Return the directions of both players as one state."""
    return join([direction(z, GENERATOR), direction(z, CRITIC)])


def _consensus(game: Game, z: Any, player: int, gamma: float) -> Any:
    """v - gamma grad |v|^2 / 2 = v - gamma J'v (Mescheder et al. 2017, eq. 8)."""
    field = whole(game.pull, z)
    slopes = join([game.slopes(z, GENERATOR), game.slopes(z, CRITIC)])
    mine = _mine(game, player)
    pulled = (slopes[:, mine] * field[:, None]).sum(0)
    return field[mine] - gamma * pulled


def _unrolled(game: Game, z: Any, steps: int, eta: float, second: bool) -> Any:
    """Minus the gradient of the generator's cost at the critic after some of its own steps (Metz et al. 2017, eq. 6).

    With ``second`` the later critic is a function of the generator: d/dx f(x, y_K(x)), by forward differentiation.
    Without it y_K is taken for a constant, which is another, weaker method.
    """
    n = game.sizes[0]
    x, y = z[:n], z[n:]
    moved = 0 * y[:, None] * x[None]  # dy_k/dx, (m, n, ...)
    for _ in range(steps):
        now = join([x, y])
        if second:
            slopes = game.slopes(now, CRITIC)
            moved = moved + eta * (slopes[:, :n] + (slopes[:, n:, None] * moved[None]).sum(1))
        y = y + eta * game.pull(now, CRITIC)
    later = join([x, y])
    pull = game.pull(later, GENERATOR)
    return pull + (moved * game.across(later)[:, None]).sum(0) if second else pull


def _mine(game: Game, player: int) -> slice:
    n = game.sizes[0]
    return slice(None, n) if player == GENERATOR else slice(n, None)


@dataclass(frozen=True)
class Rounds:
    """How a game is played.

    Attributes:
        game: its field.
        stabiliser: what is done to it.
        play: "simultaneous" or "alternating".
        step: of both players; critic_steps: of the critic in a round.
    """

    game: Game
    stabiliser: Stabiliser
    play: str = "simultaneous"
    step: float = 0.1
    critic_steps: int = 1

    @cached_property
    def direction(self) -> Direction:
        """What each player adds to itself, before any memory."""
        return direction_of(self.game, self.stabiliser, self.step)

    @property
    def remembers(self) -> bool:
        """Whether a round depends on the rounds before."""
        return self.stabiliser.at("memory") is not None

    def begin(self, z: Any) -> Any:
        """Return the memory before the first round: the field for the optimistic step, else 0."""
        chosen = self.stabiliser.at("memory")
        return whole(self.direction, z) if chosen is not None and chosen[0] == "optimistic" else 0 * z

    def __call__(self, z: Any, memory: Any) -> tuple[Any, Any]:
        """Return state and memory after one round; both of the shape of z."""
        n = self.game.sizes[0]
        x, y, of_x, of_y = z[:n], z[n:], memory[:n], memory[n:]
        seen = z
        for _ in range(self.critic_steps):
            pull, of_y = self._remembered(self.direction(seen, CRITIC), of_y)
            y = self._bounded(y + self.step * pull)
            seen = join([x, y])
        pull, of_x = self._remembered(self.direction(z if self.play == "simultaneous" else seen, GENERATOR), of_x)
        return join([x + self.step * pull, y]), join([of_x, of_y])

    def _remembered(self, pull: Any, memory: Any) -> tuple[Any, Any]:
        chosen = self.stabiliser.at("memory")
        if chosen is None:
            return pull, memory
        name, values = chosen
        if name == "optimistic":
            return 2 * pull - memory, pull
        moving = pull + values["mu"] * memory
        return moving, moving

    def _bounded(self, y: Any) -> Any:
        chosen = self.stabiliser.at("bound")
        return y.clip(-chosen[1]["bound"], chosen[1]["bound"]) if chosen and chosen[0] == "clip" else y
