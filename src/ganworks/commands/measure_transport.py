"""Find the cheapest way to move one cloud of points, or one row of piles, onto another, and prove that it is.

A plan says how much goes from each point to each point; its cost is the sum of amount times distance. The cheapest
plan's mean distance is the earth mover's or Wasserstein distance W1, which a Wasserstein critic estimates. The gap is
the plan's cost minus the best value of the dual problem: where it is zero, no plan is cheaper.

Clouds are files: CSV or text, npy, npz, a sample a row; a column or array named "weight" weighs them. Without
arguments a small example is worked out.

examples:
  ganworks measure transport                                      five piles, explained
  ganworks measure transport --piles "3 1 2 0 1" "0 1 1 3 2" --picture piles.png
  ganworks measure transport real.csv fake.csv --picture plan.png
  ganworks measure transport real.csv fake.csv --power 2 --sinkhorn 0.1 --sliced
  ganworks measure transport real.csv fake.csv --plan mine.csv    your plan against the best
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganworks.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from ganworks.measure import Score, Transport

EXAMPLE = ("3 1 2 0 1", "0 1 1 3 2")
LARGE = 5000
"""Points a side from which an exact plan takes long enough to say so, and to leave it out where it was not needed."""
SHOWN = 10

LESSON = """\
Two rows of piles, P and Q, hold the same earth at the places 0, 1, 2, ...
  P: {p}
  Q: {q}
Turn P into Q. Carrying one unit by one place costs 1. There are many plans; the cheapest one's mean distance is the
earth mover's distance. Unlike JS it says how far the piles are apart even where they do not overlap.
Your own: ganworks measure transport --piles "1 0 0" "0 0 1", or two files of samples: X.csv Y.csv
"""


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    given = parser.add_argument_group("what is given")
    given.add_argument("x", nargs="?", metavar="X", help="samples of P: .csv .txt .npy .npz")
    given.add_argument("y", nargs="?", metavar="Y", help="samples of Q")
    given.add_argument("--piles", nargs=2, metavar=("P", "Q"), help="masses at the places 0, 1, 2, ...: \"3 1 2\"")
    given.add_argument("--metric", default="euclidean", metavar="NAME", help="euclidean, sqeuclidean, cityblock, "
                       "chebyshev, canberra, hamming, cosine, correlation (default: %(default)s)")
    given.add_argument("--power", type=float, default=1.0, metavar="P", help="the cost is metric ** P; 2 for W2 "
                       "(default: 1)")
    given.add_argument("--plan", metavar="PLAN", help="a plan of your own to score: a row for each x, a column for "
                       "each y")
    more = parser.add_argument_group("what else is worked out")
    more.add_argument("--sinkhorn", type=float, metavar="EPS", help="the entropic plan and divergence, at this epsilon")
    more.add_argument("--sliced", nargs="?", type=int, const=512, metavar="N", help="the sliced and max-sliced "
                      "distances, with N directions (default: 512)")
    more.add_argument("--seed", type=int, default=0, metavar="N", help="of the directions (default: 0)")
    shown = parser.add_argument_group("what is shown and written")
    shown.add_argument("--json", action="store_true", help="everything as JSON")
    shown.add_argument("--picture", metavar="FILE.png", help="piles or clouds, and how they move")
    shown.add_argument("--save-plan", metavar="FILE", help="the best plan: .npz (with potentials) or .csv")
    shown.add_argument("--force", action="store_true", help="replace files that exist")


def run(args: argparse.Namespace) -> int:
    """Work it out, print it, write the files; return 0."""
    _check(args)
    problem = _problem(args)
    best = None if _left_out(args, problem) else _exact(args, problem)
    judged = _judged(args, best)
    facts = _facts(args, problem, best, judged)
    if args.json:
        import json

        print(json.dumps(facts, indent=2, allow_nan=False))
    else:
        if not args.x and not args.piles:
            print(LESSON.format(p=EXAMPLE[0], q=EXAMPLE[1]))
        print(_text(facts))
    _write(args, best, judged)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse what does not go together, and files that exist, before anything is worked out."""
    if args.piles and args.x:
        raise UserError("files and --piles together", "one of them")
    if args.x and not args.y:
        raise UserError(f"one file of samples: {args.x}", "two: ganworks measure transport X.csv Y.csv")
    if args.sliced is not None and args.sliced < 1:
        raise UserError(f"--sliced {args.sliced}", "1 direction or more")
    for option, endings in (("picture", (".png",)), ("save_plan", (".npz", ".csv"))):
        value = getattr(args, option)
        if value and not value.endswith(endings):
            raise UserError(f"--{option.replace('_', '-')} {value}", f"a file that ends in {' or '.join(endings)}")
        if value and Path(value).exists() and not args.force:
            raise UserError(f"{value} exists already", "a new file", "take another name, or replace it with --force")


def _problem(args: argparse.Namespace) -> dict[str, Any]:
    """Return x, y, a, b as ``transport`` takes them."""
    import numpy as np

    from ganworks.commands.clouds import read_cloud

    if args.x:
        left, right = read_cloud(args.x), read_cloud(args.y)
        return {"x": left.points, "y": right.points, "a": _shares(left.weights, right.weights),
                "b": _shares(right.weights, left.weights)}
    masses = [_masses(text, name) for text, name in zip(args.piles or EXAMPLE, ("P", "Q"), strict=True)]
    return {"x": np.arange(len(masses[0]), dtype=float)[:, None],
            "y": np.arange(len(masses[1]), dtype=float)[:, None], "a": masses[0], "b": masses[1]}


def _shares(own: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """Return weights as they are if both files have them; else as shares of 1, since the other file counts as 1."""
    if own is None or other is not None:
        return own
    return own / total if (total := own.sum()) > 0 else own


def _masses(text: str, name: str) -> np.ndarray:
    import numpy as np

    try:
        masses = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        raise UserError(f"--piles {name}: '{text}'", "numbers with spaces between: \"3 1 2 0 1\"") from None
    if masses.size == 0:
        raise UserError(f"--piles {name} is empty", "a number for each place: \"3 1 2 0 1\"")
    return masses


def _left_out(args: argparse.Namespace, problem: dict[str, Any]) -> bool:
    """Say what an exact plan will take; return whether it is left out: large, and other distances were asked for."""
    from ganworks.console import note
    from ganworks.measure.costs import expected, free_memory

    n, m = len(problem["x"]), len(problem["y"])
    room, seconds = expected(n, m)
    large = n * m > LARGE**2
    if large and (args.sliced or args.sinkhorn) and not (args.plan or args.picture or args.save_plan):
        note(f"{n:,} by {m:,} points: the exact plan, about {seconds:,.0f} s and {room / 1e9:.1f} GB, is left out")
        return True
    if large and room < free_memory():
        note(f"an exact plan of {n:,} by {m:,} points takes about {seconds:,.0f} s and {room / 1e9:.1f} GB; "
             "--sliced takes neither")
    elif seconds > 2 and room < free_memory():
        note(f"an exact plan of {n:,} by {m:,} points: about {seconds:,.0f} s")
    return False


def _exact(args: argparse.Namespace, problem: dict[str, Any]) -> Transport:
    from ganworks.measure import transport

    return transport(**problem, metric=args.metric, power=args.power)


def _judged(args: argparse.Namespace, best: Transport | None) -> Score | None:
    if not args.plan or best is None:
        return None
    from ganworks.commands.clouds import read_cloud
    from ganworks.measure import score_against

    return score_against(read_cloud(args.plan).points, best)


def _facts(args: argparse.Namespace, problem: dict[str, Any], best: Transport | None,
           judged: Score | None) -> dict[str, Any]:
    """Return all figures, as plain numbers."""
    n, m, d = len(problem["x"]), len(problem["y"]), problem["x"].shape[1]
    facts: dict[str, Any] = {"n": n, "m": m, "dimension": d, "metric": args.metric, "power": args.power}
    if best is not None:
        facts |= {"cost": best.cost, "distance": best.distance, "dual": best.dual, "gap": best.gap,
                  "marginal_error": best.marginal_error, "total": best.total,
                  "lipschitz": best.lipschitz if n * m <= LARGE**2 else None,
                  "pairs": int((best.plan > 0).sum())}
        if n * m <= 2500:
            facts["moves"] = [{"from": i, "to": j, "mass": share * best.total} for i, j, share in best.moves]
    if args.sliced:
        from ganworks.measure import max_sliced, sliced

        along = sliced(**problem, projections=args.sliced, power=args.power, seed=args.seed)
        facts["sliced"] = {"distance": along.distance, "error": along.error, "projections": args.sliced,
                           "max_sliced": max_sliced(**problem, power=args.power, seed=args.seed).distance}
    if args.sinkhorn is not None:
        from ganworks.measure import sinkhorn

        soft = sinkhorn(**problem, metric=args.metric, power=args.power, epsilon=args.sinkhorn, debias=True)
        facts["sinkhorn"] = {"epsilon": soft.epsilon, "cost": soft.cost, "lower": soft.lower,
                             "regularised": soft.regularised, "divergence": soft.divergence,
                             "converged": soft.converged, "marginal_error": soft.marginal_error,
                             "iterations": soft.iterations}
    if judged is not None:
        facts["plan"] = {"cost": judged.cost, "excess": judged.excess, "valid": judged.valid,
                         "percent": judged.percent if abs(judged.percent) < float("inf") else None,
                         "wrong": [vars(item) for item in judged.wrong],
                         "negative": [list(at) for at in judged.negative]}
    return facts


def _text(facts: dict[str, Any]) -> str:
    """Return the figures as lines."""
    lines = []
    if "cost" in facts:
        lines += _best_text(facts)
    for name, write in (("sliced", _sliced_text), ("sinkhorn", _sinkhorn_text), ("plan", _plan_text)):
        if name in facts:
            lines += write(facts[name])
    return "\n".join(lines)


def _best_text(facts: dict[str, Any]) -> list[str]:
    total, power = facts["total"], facts["power"]
    name = f"W{power:g}" if facts["metric"] != "sqeuclidean" else "mean cost"
    lines = [f"{facts['n']:,} and {facts['m']:,} points in {facts['dimension']} "
             f"dimension{'s' if facts['dimension'] > 1 else ''}, {facts['metric']}",
             f"{name:<16} {facts['distance']:.10g}"]
    if total != 1:
        lines.append(f"{'total cost':<16} {facts['cost'] * total:.10g}, for {total:g} units of mass")
    lines.append(f"{'duality gap':<16} {facts['gap']:.1e}: no plan costs less than {facts['dual']:.10g} a unit")
    if facts["lipschitz"] is not None:
        lines.append(f"{'critic slope':<16} at most {facts['lipschitz']:.6f}: the best critic is 1-Lipschitz")
    if "moves" in facts:
        for move in facts["moves"][:SHOWN]:
            lines.append(f"  {move['mass']:.4g} from {move['from']} to {move['to']}")
        if len(facts["moves"]) > SHOWN:
            lines.append(f"  and {len(facts['moves']) - SHOWN} more moves")
    return lines


def _sliced_text(facts: dict[str, Any]) -> list[str]:
    return [f"{'sliced':<16} {facts['distance']:.6g} +- {facts['error']:.2g}, {facts['projections']} directions",
            f"{'max-sliced':<16} {facts['max_sliced']:.6g} or more"]


def _sinkhorn_text(facts: dict[str, Any]) -> list[str]:
    how = f"converged in {facts['iterations']} iterations" if facts["converged"] else (
        f"NOT converged in {facts['iterations']} iterations: sums are off by {facts['marginal_error']:.1e}; "
        "take a larger epsilon")
    return [f"{'sinkhorn':<16} cost {facts['cost']:.8g} at epsilon {facts['epsilon']:g}, {how}",
            f"{'':<16} the best cost is between {facts['lower']:.8g} and {facts['cost']:.8g}",
            f"{'':<16} divergence {facts['divergence']:.8g}"]


def _plan_text(facts: dict[str, Any]) -> list[str]:
    if not facts["valid"]:
        lines = [f"{'your plan':<16} is no plan: it costs {facts['cost']:.8g}, which says nothing"]
        for item in facts["wrong"][:SHOWN]:
            what = f"what {'leaves' if item['side'] == 'x' else 'arrives at'} {item['index']} ({item['side']})"
            lines.append(f"  {what} is {item['given']:.6g}, should be {item['wanted']:.6g}")
        more = len(facts["wrong"]) - SHOWN
        lines += [f"  and {more} more sums"] if more > 0 else []
        return lines + [f"  negative at {i}, {j}" for i, j in facts["negative"][:SHOWN]]
    percent = "the best costs nothing" if facts["percent"] is None else f"{facts['percent']:.4g} %"
    verdict = "is a best one" if facts["excess"] <= 1e-9 * max(abs(facts["cost"]), 1e-300) else (
        f"costs {facts['cost']:.8g}, {facts['excess']:.6g} too much ({percent})")
    return [f"{'your plan':<16} {verdict}"]


def _write(args: argparse.Namespace, best: Transport | None, judged: Score | None) -> None:
    """Write the files that were asked for, and say where they are."""
    if best is None:
        return
    from ganworks.console import note
    from ganworks.files import write_bytes, write_text

    if args.save_plan:
        if args.save_plan.endswith(".csv"):
            write_text(args.save_plan, "\n".join(",".join(f"{mass:.17g}" for mass in row) for row in best.plan) + "\n")
        else:
            write_bytes(args.save_plan, _npz(best))
        note(f"plan: {args.save_plan}")
    if args.picture:
        from ganworks.report.measure_transport import transport_png

        write_bytes(args.picture, transport_png(best, judged))
        note(f"picture: {args.picture}")


def _npz(best: Transport) -> bytes:
    from io import BytesIO

    import numpy as np

    held = BytesIO()
    np.savez_compressed(held, plan=best.plan, u=best.u, v=best.v, a=best.a, b=best.b, cost=best.cost, gap=best.gap)
    return held.getvalue()
