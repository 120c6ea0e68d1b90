"""Play small games out: which objectives, stabilisers and ways to step settle, and which only turn.

The Dirac-GAN (Mescheder et al. 2018) has its data at 0, a generator theta and a critic psi x. Its eigenvalues at the
solution are computed where they exist, and trajectories from three places decide what it really does: "converges",
"creeps in" (ever more slowly), "circles", "rests elsewhere", "runs away" or "diverges".

Without arguments, or with --table, the table of objectives and stabilisers. An objective is a name of the catalogue
or a file that ganworks design --save wrote.

examples:
  ganworks measure dynamics                                              the table
  ganworks measure dynamics --objective wgan --stabiliser r1:gamma=0.5   one game
  ganworks measure dynamics --objective my.yaml --picture my.png         your own design
  ganworks measure dynamics --objective hinge --table --picture all.png  every stabiliser for one objective
  ganworks measure dynamics --game bilinear --stabiliser extragradient --step 0.3
  ganworks measure dynamics --game quadratic --matrix "B=1 0; 0 2" --matrix "A=0.1 0; 0 0"
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ganworks.commands.pictures import refuse_picture, write_picture
from ganworks.errors import UserError

if TYPE_CHECKING:
    from ganworks.measure.dynamics import Dynamics

THINNED = 400
"""At most so many states of a trajectory go into the JSON."""


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the part's arguments."""
    parser.add_argument("--objective", metavar="NAME|FILE.yaml", help="of the catalogue, perhaps with parameters, or a "
                        "design file (default: minimax; in a table, six of them)")
    parser.add_argument("--game", metavar="GAME", help="dirac, bilinear or quadratic (default: dirac)")
    parser.add_argument("--matrix", metavar="B=1 0; 0 2", action="append", default=[], help="of the quadratic game "
                        "x'Ax/2 + x'By - y'Cy/2: A, B or C, rows by semicolons; repeatable")
    parser.add_argument("--stabiliser", metavar="WHAT", help="r1, r2, gp, gp_one_sided, noise, clip, spectral, "
                        "consensus, extragradient, unrolled, unrolled_first_order, optimistic, momentum, with numbers "
                        "as in r1:gamma=1; two with +")
    parser.add_argument("--play", metavar="HOW", help="simultaneous or alternating (default: simultaneous; a table "
                        "shows both)")
    parser.add_argument("--step", type=float, default=0.1, metavar="H", help="of both players (default: %(default)s)")
    parser.add_argument("--critic-steps", type=int, default=1, metavar="N", help="of the critic a round (default: 1)")
    parser.add_argument("--start", metavar="1,1", action="append", default=[], help="a state to begin with; repeatable")
    parser.add_argument("--rounds", type=int, metavar="N", help="to play at most (default: 250 units of time)")
    parser.add_argument("--table", action="store_true", help="all stabilisers, simultaneous and alternating")
    parser.add_argument("--picture", metavar="FILE.png", help="phase plane and eigenvalues; with a table, a plane for "
                        "each stabiliser")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def prepare(argv: list[str]) -> list[str]:
    """Tie values that begin with a minus sign to their options."""
    words, rest = [], iter(argv)
    for word in rest:
        words.append(f"{word}={next(rest, '')}" if word in ("--start", "--matrix") else word)
    return words


def run(args: argparse.Namespace) -> int:
    """Play, print, draw; return 0."""
    _refuse(args)
    single = any((args.objective, args.game, args.stabiliser, args.play, args.matrix, args.start, args.rounds))
    return _table(args) if args.table or not single else _single(args)


def _refuse(args: argparse.Namespace) -> None:
    refuse_picture(args.picture, args.force)
    if args.table and (args.matrix or args.start or args.rounds or args.game not in (None, "dirac")):
        raise UserError("--table beside a game, starts or rounds", "the Dirac-GAN's table")
    if args.objective and args.game not in (None, "dirac"):
        raise UserError(f"--objective with the game {args.game}", "an objective for the game dirac only")


def _table(args: argparse.Namespace) -> int:
    import json

    from ganworks.measure.dynamics import OBJECTIVES, PLAYS, STABILISERS, table_of_dynamics

    objectives = [args.objective] if args.objective else list(OBJECTIVES)
    stabilisers = ["none", args.stabiliser] if args.stabiliser else list(STABILISERS)
    plays = [args.play] if args.play else list(PLAYS)
    rows = table_of_dynamics(objectives, stabilisers, plays, args.step, args.critic_steps)
    print(json.dumps([as_json(row, False) for row in rows], indent=2, allow_nan=False) if args.json
          else table_text(rows, plays))
    if args.picture:
        _draw_grid(args, [row for row in rows if row.play == plays[-1]], objectives[0])
    return 0


def _draw_grid(args: argparse.Namespace, rows: list[Dynamics], objective: str) -> None:
    from ganworks.measure.dynamics import as_objective, vector_field
    from ganworks.report.measure_dynamics import grid_png

    shown = [row for row in rows if row.objective == rows[0].objective]
    compiled = as_objective(objective)
    fields = [vector_field(compiled, stabiliser=row.stabiliser, step=args.step) for row in shown]
    write_picture(args.picture, grid_png(shown, fields), f" of {rows[0].objective}, {shown[0].play}")


def table_text(rows: list[Dynamics], plays: list[str]) -> str:
    """Return the table: a line for each objective and stabiliser, spectral radius and verdict for each play."""
    wide = max(len(row.stabiliser) for row in rows)
    lines = [f"Dirac-GAN, step {rows[0].step:g}: spectral radius of a round at the solution, and what trajectories do"]
    head = f"{'':<{wide}}" + "".join(f"   {play:<29}" for play in plays)
    known = {(row.objective, row.stabiliser, row.play): row for row in rows}
    for objective in dict.fromkeys(row.objective for row in rows):
        lines += ["", objective, head.rstrip()]
        for what in dict.fromkeys(row.stabiliser for row in rows):
            cells = [known[objective, what, play] for play in plays]
            lines.append((f"{what:<{wide}}" + "".join(
                f"   {_radius(cell):<10}   {cell.verdict:<16}" for cell in cells)).rstrip())
    return "\n".join([*lines, "", "radius '-': the game has no derivative at the solution"])


def _radius(row: Dynamics) -> str:
    return "-" if row.radius is None else f"{row.radius:.6f}"


def _single(args: argparse.Namespace) -> int:
    import json

    from ganworks.measure.dynamics import as_objective, dynamics

    game = args.game or ("quadratic" if args.matrix else "dirac")
    objective: Any = as_objective(args.objective or "minimax") if game == "dirac" else "minimax"
    result = dynamics(objective, game, args.stabiliser, args.play or "simultaneous", args.step, args.critic_steps,
                      [_numbers(text, "--start") for text in args.start] or None, args.rounds,
                      **_matrices(args.matrix))
    print(json.dumps(as_json(result, True), indent=2, allow_nan=False) if args.json else text_of(result))
    if args.picture:
        _draw(args, result, objective)
    return 0


def _draw(args: argparse.Namespace, result: Dynamics, objective: Any) -> None:
    from ganworks.measure.dynamics import vector_field
    from ganworks.report.measure_dynamics import picture_png

    field = None
    if result.game != "quadratic":
        reach = 1.6 * float(abs(result.trajectories[:, 0]).max()) or 1.0
        field = vector_field(objective, result.game, args.stabiliser, args.step, reach)
    write_picture(args.picture, picture_png(result, field))


def text_of(result: Dynamics) -> str:
    """Return what is known of one game as lines."""
    what = f"{result.objective}, Dirac-GAN" if result.game == "dirac" else f"{result.game} game"
    steps = "" if result.critic_steps == 1 else f", {result.critic_steps} of the critic a round"
    lines = [f"{what}, stabiliser {result.stabiliser}, {result.play} steps of {result.step:g}{steps}",
             f"  verdict            {result.verdict}", f"  evidence           {result.evidence}"]
    if len(set(result.verdicts)) > 1:
        lines.append(f"  by start           {', '.join(result.verdicts)}")
    if result.eigenvalues is None or result.radius is None:
        lines.append("  eigenvalues        none: the game has no derivative at the solution")
    else:
        shown = ", ".join(_complex(value) for value in result.eigenvalues[:8])
        lines += [f"  eigenvalues        {shown}{' ...' if len(result.eigenvalues) > 8 else ''} (continuous time)",
                  f"  spectral radius    {result.radius:.10g} (of a round at the solution)"]
    if result.rate is not None:
        lines.append(f"  measured rate      {result.rate:.6g} a round")
    return "\n".join(lines)


def _complex(value: complex) -> str:
    real, imag = (0.0 if abs(x) < 5e-13 else x for x in (value.real, value.imag))
    return f"{real:.6g}" if imag == 0 else f"{real:.6g}{imag:+.6g}i"


def as_json(result: Dynamics, whole: bool) -> dict[str, Any]:
    """Return a result as plain values: complex numbers as [real, imaginary], trajectories thinned or left out."""
    from dataclasses import asdict

    import numpy as np

    facts: dict[str, Any] = asdict(result)
    path = facts.pop("trajectories")
    for key, value in facts.items():
        if isinstance(value, np.ndarray):
            facts[key] = np.stack([value.real, value.imag], -1).tolist() if np.iscomplexobj(value) else value.tolist()
    facts["rounds"] = path.shape[1] - 1
    if whole:
        every = -(-path.shape[1] // THINNED)
        finite = np.where(np.isfinite(path), path, 0)[:, ::every]
        facts["trajectories"] = {"every": every, "states": [
            [state if ok else None for state, ok in zip(one, flags, strict=True)]
            for one, flags in zip(finite.tolist(), np.isfinite(path).all(axis=2)[:, ::every].tolist(), strict=True)]}
    return facts


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise UserError(f"{option} {text}", "numbers, with commas or spaces between") from None


def _matrices(given: list[str]) -> dict[str, list[list[float]]]:
    found = {}
    for text in given:
        name, equals, rows = text.partition("=")
        if name.strip().upper() not in ("A", "B", "C") or not equals:
            raise UserError(f"--matrix {text}", "A, B or C and its rows, such as --matrix 'B=1 0; 0 2'")
        found[name.strip().lower()] = [_numbers(row, "--matrix") for row in rows.split(";")]
    return found
