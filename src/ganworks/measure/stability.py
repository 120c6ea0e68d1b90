"""Whether a game settles: by the eigenvalues at the solution where it is smooth, and by what trajectories do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ganworks.measure.games import DiracGame, Game
from ganworks.measure.steps import Rounds, direction_of, whole

VERDICTS = ("converges", "creeps in", "circles", "rests elsewhere", "runs away", "diverges")
"""From good to bad; a game is called by the worst of its trajectories. One that converges does so at some rate; one
that creeps in comes nearer like a power of time, ever more slowly."""
HUGE, SETTLED, EXACT, CHECKED = 1e6, 1e-9, 1e-9, 100
POWER = 0.85
"""A distance that falls like t^-a loses log(4/3) / log(3/2) = 0.71 as much, in logarithms, in the last quarter as in
the one before; one that falls like a power of a number loses as much."""
DRIFT = 0.005
"""Change of the logarithm of the amplitude from one quarter of the rounds to the next that is no accident."""


@dataclass(frozen=True)
class Linear:
    """A game at its solution.

    Attributes:
        field: (n, n), derivative of what the players follow in continuous time: the field with penalties, consensus
            and unrolling. Extragradient, optimistic steps and momentum are ways to step and leave it as it is.
        rounds: (n, n) or (2n, 2n), derivative of a round, memory included.
    """

    field: np.ndarray
    rounds: np.ndarray

    @property
    def eigenvalues(self) -> np.ndarray:
        """Of the field; negative real parts: it settles in continuous time."""
        return np.linalg.eigvals(self.field)

    @property
    def multipliers(self) -> np.ndarray:
        """Eigenvalues of a round; all inside the unit circle: it settles."""
        return np.linalg.eigvals(self.rounds)

    @property
    def radius(self) -> float:
        """The largest modulus of the multipliers."""
        return float(np.abs(self.multipliers).max())


def linearised(rounds: Rounds) -> Linear | None:
    """Return the derivatives at the solution 0 by torch.func.jacrev in float64; None where there are none.

    Args:
        rounds: with the local form of its game, ``dirac_game(..., local=True)``, or a quadratic game.
    """
    game = rounds.game
    if isinstance(game, DiracGame) and not game.smooth:
        return None
    n = sum(game.sizes)
    stabiliser = rounds.stabiliser
    chosen = stabiliser.at("direction")
    # One step ahead is a matter of steps: without their size it is the field itself.
    direction = game.pull if chosen and chosen[0] == "extragradient" else direction_of(game, stabiliser, rounds.step)

    def round_of(state: torch.Tensor) -> torch.Tensor:
        memory = state[n:] if rounds.remembers else 0 * state
        after, left = rounds(state[:n], memory)
        return torch.cat([after, left]) if rounds.remembers else after

    zero = torch.zeros(n, dtype=torch.float64)
    field = torch.func.jacrev(lambda z: whole(direction, z))(zero)
    at = torch.zeros(2 * n if rounds.remembers else n, dtype=torch.float64)
    return Linear(field.numpy(), torch.func.jacrev(round_of)(at).numpy())


def play(rounds: Rounds, starts: np.ndarray, count: int) -> np.ndarray:
    """Return the trajectories, (at most count + 1, n, batch); they end when all are settled or far away.

    Args:
        starts: (n, batch).
    """
    path = np.empty((count + 1, *starts.shape))
    path[0] = starts
    with np.errstate(all="ignore"):
        memory = rounds.begin(path[0])
        for k in range(count):
            path[k + 1], memory = rounds(path[k], memory)
            if (k + 1) % CHECKED == 0 and _over(path[k + 2 - CHECKED : k + 2]):
                return path[: k + 2]
    return path


def _over(last: np.ndarray) -> bool:
    size = np.abs(last).max(axis=(0, 1))
    gone = ~(size < 1e3 * HUGE)
    still = np.abs(last - last[-1]).max(axis=(0, 1)) < 1e-3 * SETTLED
    return bool((gone | still).all())


@dataclass(frozen=True)
class Judgement:
    """What a trajectory does.

    Attributes:
        verdict: of VERDICTS.
        evidence: with numbers.
        rate: factor a round by which the distance from where it rests shrinks, or the amplitude grows; None where
            neither was measured.
    """

    verdict: str
    evidence: str
    rate: float | None


def judged(game: Game, path: np.ndarray, radius: float | None = None) -> Judgement:
    """Return what a trajectory does.

    Args:
        path: (rounds + 1, n).
        radius: of a round at the solution, where it has a derivative. It decides what comes of a distance that still
            falls at the end: below 1 a round shrinks it for good, above 1 it will be thrown out again.
    """
    finite = np.isfinite(path).all(axis=1)
    path = path[: int(np.argmin(finite))] if not finite.all() else path
    sizes, distances = np.linalg.norm(path, axis=1), game.distance(path.T)
    lost = not finite.all() or sizes.max() > HUGE * (1 + sizes[0])
    if lost:
        return _growing(path, sizes, f"beyond {sizes.max():.0e} after {len(path) - 1} rounds")
    last = path[-max(len(path) // 10, CHECKED):]
    if np.abs(last - path[-1]).max() < SETTLED * (1 + sizes[-1]):
        rests = "converges" if distances[-1] < 1e-6 else "rests elsewhere"
        return Judgement(rests, f"at rest after {len(path) - 1} rounds, {distances[-1]:.2g} from the solution",
                         _shrinking(path))
    far = [float(part.max()) for part in np.array_split(distances, 4)]
    wide = [float(part.max()) for part in np.array_split(sizes, 4)]
    fall, fell = _logs(far)
    rise, rose = _logs(wide)
    if fall < -DRIFT and fall <= 0.5 * fell and rise < DRIFT:
        words = (f"the distance falls from {far[0]:.2g} to {far[-1]:.2g} in {len(path) - 1} rounds, to "
                 f"{np.exp(fall):.3g} of itself in the last quarter")
        return _falling(path, radius, fall > POWER * fell, words)
    if rise > DRIFT and rise >= 0.25 * rose > 0:
        return _growing(path, sizes, f"the amplitude grows from {wide[0]:.3g} to {wide[-1]:.3g} in {len(path) - 1} "
                                     "rounds")
    spread = [float(np.ptp(part, axis=0).max()) for part in np.array_split(path, 4)]
    calm, calmed = _logs(spread)
    if calm < -DRIFT and calm <= 0.5 * calmed and spread[-1] < 0.05 * wide[-1]:
        return Judgement("rests elsewhere", f"moves by {spread[-1]:.2g} in the last quarter of {len(path) - 1} rounds, "
                         f"by {spread[-2]:.2g} in the one before, {distances[-1]:.3g} from the solution", None)
    return Judgement("circles", f"the amplitude stays at {wide[-1]:.3g} ({wide[1]:.3g} in the second quarter of "
                     f"{len(path) - 1} rounds)", None)


def _falling(path: np.ndarray, radius: float | None, slower: bool, words: str) -> Judgement:
    if radius is not None and radius > 1 + EXACT:
        return Judgement("circles", f"{words}, but near the solution a round stretches by {radius:.7g}", None)
    if slower and (radius is None or radius > 1 - EXACT):
        return Judgement("creeps in", f"{words}, and ever more slowly", None)
    return Judgement("converges", words, _shrinking(path))


def _logs(parts: list[float]) -> tuple[float, float]:
    """Return the logarithms of the last growth and of the one before."""
    a, b, c = np.log(np.maximum(parts[1:], 1e-300)).tolist()
    return c - b, b - a


def _growing(path: np.ndarray, sizes: np.ndarray, words: str) -> Judgement:
    half = path[len(path) // 2 :]
    turns = int((np.diff(np.sign(half), axis=0) != 0).sum(axis=0).max()) if len(half) > 1 else 0
    rate = float(np.exp(np.log(sizes[-1] / sizes[len(sizes) // 2]) / max(len(half) - 1, 1)))
    if turns >= 2:
        return Judgement("diverges", f"{words}, turning", rate)
    return Judgement("runs away", f"{words}, without turning", rate)


def _shrinking(path: np.ndarray) -> float | None:
    """Return the factor a round, fitted where the distance from the end is small and not yet rounding."""
    gap = np.linalg.norm(path - path[-1], axis=1)
    at = np.flatnonzero((gap < 1e-3 * (1 + gap[0])) & (gap > 1e-10 * (1 + gap[0])))
    if len(at) < 10:
        return None
    return float(np.exp(np.polyfit(at, np.log(gap[at]), 1)[0]))
