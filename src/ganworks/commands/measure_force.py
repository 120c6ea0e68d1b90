"""Compare the force that a generator follows with the gradient of the divergence that its objective claims.

With the critic at its best and held there, the generator follows the gradient of int p H(q/p), where H' is its own
cost along the best critic. That need not be the divergence that the critic measures, nor point the same way: with
least squares and the aim c in the middle it walks into a wrong place (docs/theory.md, F4 to F6).

Without --objective: nonsaturating, minimax and lsgan_middle side by side.

examples:
  ganworks measure force
  ganworks measure force --objective lsgan_middle --start 0.9 --picture force.png
  ganworks measure force --objective my.yaml --family normal_shift --start 2
  ganworks measure force --family simplex --start 0.5,0.3,0.2
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ganworks.commands.pictures import refuse_picture, write_picture
from ganworks.errors import UserError

if TYPE_CHECKING:
    from ganworks.measure.force import Force
    from ganworks.measure.walks import Walk

OBJECTIVES = ("nonsaturating", "minimax", "lsgan_middle")
STARTS = {"normal_scale": [0.9], "normal_shift": [1.5], "normal": [0.5, 0.7], "simplex": [0.5, 0.3, 0.2]}


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the part's arguments."""
    parser.add_argument("--objective", metavar="NAME|FILE.yaml", action="append", default=[], help="of the catalogue, "
                        "or a design file; repeatable (default: three of the catalogue)")
    parser.add_argument("--family", default="normal_scale", metavar="NAME", help="normal_scale, normal_shift, normal "
                        "or simplex (default: %(default)s)")
    parser.add_argument("--at", metavar="0.5", help="where to show the gradients (default: 0.5 for normal_scale, else "
                        "the start)")
    parser.add_argument("--start", metavar="0.9", help="where the walk begins: s, m, 'm,s' or masses (default: 0.9 "
                        "for normal_scale)")
    parser.add_argument("--p", metavar="0.2,0.3,0.5", help="of the simplex (default: uniform)")
    parser.add_argument("--picture", metavar="FILE.png", help="both gradients along the family and the walk")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def prepare(argv: list[str]) -> list[str]:
    """Tie values that may begin with a minus sign to their options."""
    words, rest = [], iter(argv)
    for word in rest:
        words.append(f"{word}={next(rest, '')}" if word in ("--start", "--at") else word)
    return words


def run(args: argparse.Namespace) -> int:
    """Compute, print, draw; return 0."""
    import json

    from ganworks.console import track
    from ganworks.measure.dynamics import as_objective
    from ganworks.measure.families import family_named
    from ganworks.measure.force import force
    from ganworks.measure.walks import walk

    _refuse(args)
    p = None if args.p is None else _numbers(args.p, "--p")
    start = _numbers(args.start, "--start") if args.start else STARTS.get(args.family, [0.9])
    at = _numbers(args.at, "--at") if args.at else ([0.5] if args.family == "normal_scale" else start)
    family_named(args.family, p if p is not None else [1 / len(start)] * len(start) if args.family == "simplex"
                 else None).checked(start)
    names = args.objective or list(OBJECTIVES)
    found: list[tuple[Any, Force, Walk]] = []
    for name in track(names, len(names), "walks", "walk"):
        objective = as_objective(name)
        found.append((objective, force(objective, args.family, at, p), walk(objective, args.family, start, p)))
    if args.json:
        print(json.dumps([as_json(one, path) for _, one, path in found], indent=2, allow_nan=False))
    else:
        print("\n\n".join(text_of(one, path) for _, one, path in found))
    if args.picture:
        _draw(args, found)
    return 0


def _refuse(args: argparse.Namespace) -> None:
    if args.picture is None:
        return
    refuse_picture(args.picture, args.force)
    if args.family == "normal":
        raise UserError("--picture of the family normal, which has two parameters",
                        "normal_scale, normal_shift or simplex")
    if args.family == "simplex" and args.start and len(_numbers(args.start, "--start")) != 3:
        raise UserError("--picture of a simplex of more or fewer than three atoms", "three atoms")


def _draw(args: argparse.Namespace, found: list[tuple[Any, Force, Walk]]) -> None:
    import numpy as np

    from ganworks.report.measure_force import lines_png, simplex_png

    if args.family == "simplex":
        p = [1 / 3] * 3 if args.p is None else _numbers(args.p, "--p")
        picture = simplex_png([path for _, _, path in found], np.array(p))
    else:
        picture = lines_png([line_of(objective, args.family, path) for objective, _, path in found])
    write_picture(args.picture, picture)


def line_of(objective: Any, family: str, path: Walk) -> Any:
    """Return both gradients along a family of one parameter, for the picture."""
    import numpy as np

    from ganworks.measure.families import family_named
    from ganworks.measure.force import Forces
    from ganworks.report.measure_force import Line

    begin = float(path.path[0, 0])
    if family == "normal_scale":
        grid = np.linspace(min(0.15, 0.8 * begin), max(2.0, 1.2 * begin), 121)
    else:
        grid = np.linspace(min(-3.0, 1.2 * begin), max(3.0, 1.2 * begin), 121)
    forces = Forces(objective, family_named(family))
    followed, claimed = (np.array([function(np.array([x]))[0] for x in grid])
                         for function in (forces.followed, forces.claimed))
    return Line(path.objective, path.letters[0], grid, followed, claimed, (path,))


def text_of(one: Force, path: Walk) -> str:
    """Return gradients and walk as lines."""
    where = ", ".join(f"{letter} = {x:.6g}" for letter, x in zip(one.letters, one.at, strict=True))
    lines = [f"{one.objective}, {one.family} at {where}", f"  followed gradient     {_row(one.followed)}",
             f"  of the divergence     {_row(one.claimed)}   {_agreement(one)}"]
    if one.value is not None:
        lines.append(f"  of alpha + r beta     {_row(one.value)}")
    lines.append(f"  walk from {_plain(path.path[0])}: {path.verdict}, at {_plain(path.end, 12)}")
    return "\n".join(lines)


def _agreement(one: Force) -> str:
    import math

    if math.isnan(one.agreement):
        return ""
    if len(one.at) == 1:
        return "same sign" if one.agreement > 0 else "OPPOSITE SIGNS"
    return f"cosine {one.agreement:+.4f}"


def _row(values: Any) -> str:
    return "  ".join(f"{0.0 if abs(x) < 1e-14 else x:+.6g}" for x in values)


def _plain(values: Any, digits: int = 6) -> str:
    return ", ".join(f"{0.0 if abs(x) < 1e-12 else x:.{digits}g}" for x in values)


def as_json(one: Force, path: Walk) -> dict[str, Any]:
    """Return plain values; None where a number does not exist."""
    import numpy as np

    def plain(values: Any) -> Any:
        return None if values is None else [float(x) if np.isfinite(x) else None for x in np.atleast_1d(values)]

    return {"objective": one.objective, "family": one.family, "letters": list(one.letters), "at": plain(one.at),
            "followed": plain(one.followed), "claimed": plain(one.claimed), "value": plain(one.value),
            "agreement": plain(one.agreement)[0],
            "walk": {"start": plain(path.path[0]), "end": plain(path.end), "verdict": path.verdict,
                     "time": float(path.times[-1]), "path": path.path.tolist()}}


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise UserError(f"{option} {text}", "numbers, with commas between") from None
