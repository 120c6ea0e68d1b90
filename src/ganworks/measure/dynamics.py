"""Dynamics of small games: which ways to play settle, computed from eigenvalues and from trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.console import track
from ganworks.errors import UserError, did_you_mean
from ganworks.measure.games import BILINEAR, DiracGame, QuadraticGame, dirac_game, quadratic_game
from ganworks.measure.stabilisers import KINDS, Stabiliser, stabiliser_named
from ganworks.measure.stability import VERDICTS, Judgement, Linear, judged, linearised, play
from ganworks.measure.steps import Rounds, direction_of, whole
from ganworks.objective import Objective

GAMES, PLAYS = ("dirac", "bilinear", "quadratic"), ("simultaneous", "alternating")
STARTS = ((1.0, 1.0), (-0.5, 0.8), (0.3, -0.6))
"""(theta, psi) where trajectories of a Dirac-GAN begin."""
OBJECTIVES = ("minimax", "nonsaturating", "wgan", "hinge", "lsgan", "lsgan_middle")
STABILISERS = ("none", "r1", "r2", "noise", "clip", "gp", "gp_one_sided", "spectral", "consensus", "extragradient",
               "optimistic", "unrolled", "unrolled_first_order", "momentum")


@dataclass(frozen=True)
class Dynamics:
    """How a game is played out.

    Attributes:
        objective, game, stabiliser, play: what was asked for, as text.
        step, critic_steps: of a round.
        verdict: "converges" (the generator comes to rest at the solution, at some rate), "creeps in" (nearer like a
            power of time, ever more slowly), "circles" (bounded, no rest), "rests elsewhere", "runs away" (grows
            without turning) or "diverges" (grows and turns): the worst of the trajectories' own, ``verdicts``.
        evidence: for the verdict, with numbers.
        rate: measured factor a round, of shrinking or of growing; None where none was measured.
        eigenvalues: (n,) complex, of the continuous-time field at the solution; None where it has no derivative.
        jacobian: (n, n), of that field; multipliers, radius: eigenvalues of one round, memory included, and the
            largest modulus; round_jacobian: its derivative. None where there is none.
        trajectories: (starts, rounds + 1, n), generator's components first; they end early when all is decided.
    """

    objective: str
    game: str
    stabiliser: str
    play: str
    step: float
    critic_steps: int
    verdict: str
    verdicts: tuple[str, ...]
    evidence: str
    rate: float | None
    eigenvalues: np.ndarray | None
    jacobian: np.ndarray | None
    multipliers: np.ndarray | None
    radius: float | None
    round_jacobian: np.ndarray | None
    trajectories: np.ndarray


def dynamics(objective: Any = "minimax", game: str = "dirac", stabiliser: str | None = None,
             play: str = "simultaneous", step: float = 0.1, critic_steps: int = 1, starts: Any = None,
             rounds: int | None = None, a: Any = None, b: Any = None, c: Any = None) -> Dynamics:
    """Return eigenvalues, trajectories and the verdict of a small game.

    Args:
        objective: a name, a design file, a Design or an Objective; looked at by the Dirac-GAN.
        game: "dirac" (Mescheder et al. 2018: data at 0, generator theta, critic psi x plus its best output where
            p = q), "bilinear" (theta psi) or "quadratic" (min over x, max over y of x'Ax/2 + x'By - y'Cy/2).
        stabiliser: such as "r1", "r1:gamma=0.5", "r1:gamma=1+extragradient"; see ``stabilisers.KINDS``.
        play: "simultaneous" or "alternating" (the critic first).
        step: above 0; critic_steps: of the critic a round.
        starts: (starts, n) states; by default three.
        rounds: how many to play at most; by default 250 units of time, at least 2,000 and at most 40,000.
        a, b, c: matrices of the quadratic game.

    Raises:
        UserError: an unknown name, a number out of range, a stabiliser that this game has no meaning for.
    """
    wanted = stabiliser_named(stabiliser)
    if game == "quadratic":
        return _quadratic(quadratic_game(1.0 if b is None else b, a, c), wanted, play, step, critic_steps, starts,
                          rounds)
    if any(matrix is not None for matrix in (a, b, c)):
        raise UserError(f"matrices for the game '{game}'", "game quadratic")
    found = [as_objective(objective)] if game == "dirac" else [BILINEAR]
    return _dirac(found, game, wanted, play, step, critic_steps, starts, rounds)[0]


def as_objective(given: Any) -> Objective:
    """Return the objective that a name, file, Design or Objective is, whatever its certificate says.

    A rejected design is welcome here: what it does is what one wants to see.
    """
    from ganworks.design import Design, entry_named

    found = entry_named(given) if isinstance(given, str) else given
    found = found.compile() if isinstance(found, Design) else found
    if not isinstance(found, Objective):
        raise UserError(f"objective {given!r}", "a name, a design file, a Design or an Objective")
    return found


def table_of_dynamics(objectives: Sequence[Any] = OBJECTIVES, stabilisers: Sequence[str] = STABILISERS,
                      plays: Sequence[str] = PLAYS, step: float = 0.1, critic_steps: int = 1) -> list[Dynamics]:
    """Return the dynamics of the Dirac-GAN for each objective, stabiliser and play, in this order of nesting.

    Objectives of one link are played as one batch, which is what makes a table quick.
    """
    found = [as_objective(objective) for objective in objectives]
    links = list(dict.fromkeys(objective.link for objective in found))
    cells = [(link, text, how) for link in links for text in stabilisers for how in plays]
    rows: dict[tuple[int, str, str], Dynamics] = {}
    for link, text, how in track(cells, len(cells), "games", "game"):
        places = [k for k, objective in enumerate(found) if objective.link is link]
        batch = _dirac([found[k] for k in places], "dirac", stabiliser_named(text), how, step, critic_steps)
        rows |= {(k, text, how): row for k, row in zip(places, batch, strict=True)}
    return [rows[k, text, how] for k in range(len(found)) for text in stabilisers for how in plays]


@dataclass(frozen=True)
class Field:
    """A vector field on a grid.

    Attributes:
        theta, psi: (points, points), where; d_theta, d_psi: what the players follow there.
    """

    theta: np.ndarray
    psi: np.ndarray
    d_theta: np.ndarray
    d_psi: np.ndarray


def vector_field(objective: Any = "minimax", game: str = "dirac", stabiliser: str | None = None, step: float = 0.1,
                 reach: float = 2.0, points: int = 25) -> Field:
    """Return what the players follow on [-reach, reach]^2: the field with penalties, consensus, unrolling, one step
    ahead for extragradient; memory and clipping have no place in it.

    Args:
        objective, game, stabiliser, step: as for ``dynamics``; "dirac" or "bilinear".
    """
    if game not in ("dirac", "bilinear"):
        raise UserError(f"a vector field of the game '{game}'", "dirac or bilinear, which have two components")
    if not (np.isfinite(reach) and reach > 0 and 2 <= points <= 1000):
        raise UserError(f"reach {reach}, {points} points", "a reach above 0 and 2 to 1000 points")
    wanted = stabiliser_named(stabiliser)
    played = dirac_game([as_objective(objective) if game == "dirac" else BILINEAR], wanted)
    axis = np.linspace(-reach, reach, points)
    theta, psi = np.meshgrid(axis, axis)
    moves = whole(direction_of(played, wanted, step), np.stack([theta.ravel(), psi.ravel()]))
    return Field(theta, psi, moves[0].reshape(theta.shape), moves[1].reshape(theta.shape))


def _dirac(objectives: list[Objective], game: str, stabiliser: Stabiliser, how: str, step: float, critic_steps: int,
           starts: Any = None, rounds: int | None = None) -> list[Dynamics]:
    _check(game, how, step, critic_steps, rounds)
    begin = _starts(STARTS if starts is None else starts, 2)
    columns = len(begin)
    played: DiracGame = dirac_game(objectives, stabiliser, columns=columns)
    path = play(Rounds(played, stabiliser, how, step, critic_steps), np.tile(begin.T, len(objectives)),
                _rounds(rounds, step))
    found = []
    for k, objective in enumerate(objectives):
        local = Rounds(dirac_game([objective], stabiliser, local=True), stabiliser, how, step, critic_steps)
        own = path[:, :, k * columns : (k + 1) * columns]
        name = objective.name if game == "dirac" else game
        found.append(_gathered(name, game, local, linearised(local), own))
    return found


def _quadratic(game: QuadraticGame, stabiliser: Stabiliser, how: str, step: float, critic_steps: int, starts: Any,
               rounds: int | None) -> Dynamics:
    _check("quadratic", how, step, critic_steps, rounds)
    if stabiliser.needs_input is not None:
        fitting = [name for name, kind in KINDS.items() if not kind.dirac]
        raise UserError(f"stabiliser '{stabiliser.needs_input}' for a quadratic game, whose critic has no input",
                        "one of: " + ", ".join(fitting), "R1 on the bilinear Dirac-GAN is game bilinear")
    n = sum(game.sizes)
    begin = np.random.default_rng(0).normal(size=(3, n)) if starts is None else starts
    how_played = Rounds(game, stabiliser, how, step, critic_steps)
    path = play(how_played, _starts(begin, n).T, _rounds(rounds, step))
    return _gathered("quadratic", "quadratic", how_played, linearised(how_played), path)


def _gathered(name: str, game: str, rounds: Rounds, linear: Linear | None, path: np.ndarray) -> Dynamics:
    radius = None if linear is None else linear.radius
    each = [judged(rounds.game, path[:, :, k], radius) for k in range(path.shape[2])]
    worst: Judgement = max(each, key=lambda one: VERDICTS.index(one.verdict))
    share = sum(one.verdict == worst.verdict for one in each)
    evidence = worst.evidence if share == len(each) else f"{share} of {len(each)} starts: {worst.evidence}"
    return Dynamics(
        name, game, rounds.stabiliser.text, rounds.play, rounds.step, rounds.critic_steps, worst.verdict,
        tuple(one.verdict for one in each), evidence, worst.rate,
        eigenvalues=None if linear is None else linear.eigenvalues,
        jacobian=None if linear is None else linear.field,
        multipliers=None if linear is None else linear.multipliers, radius=radius,
        round_jacobian=None if linear is None else linear.rounds, trajectories=path.transpose(2, 0, 1))


def _check(game: str, how: str, step: float, critic_steps: int, rounds: int | None) -> None:
    if game not in GAMES:
        raise UserError(f"unknown game '{game}'", did_you_mean(game, GAMES))
    if how not in PLAYS:
        raise UserError(f"unknown play '{how}'", did_you_mean(how, PLAYS))
    if not (np.isfinite(step) and step > 0):
        raise UserError(f"step {step}", "a finite step above 0")
    if not 1 <= critic_steps <= 1000:
        raise UserError(f"{critic_steps} steps of the critic", "1 to 1000")
    if rounds is not None and not 10 <= rounds <= 1_000_000:
        raise UserError(f"{rounds} rounds", "10 to 1,000,000")


def _rounds(given: int | None, step: float) -> int:
    return int(np.clip(250 / step, 2000, 40_000)) if given is None else given


def _starts(given: Any, n: int) -> np.ndarray:
    try:
        starts = np.atleast_2d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise UserError(f"starts {given!r}", f"rows of {n} numbers") from None
    if starts.ndim != 2 or starts.shape[1] != n or len(starts) == 0 or not np.isfinite(starts).all():
        raise UserError(f"starts of shape {starts.shape}", f"rows of {n} finite numbers")
    return starts
