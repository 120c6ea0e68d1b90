"""Work out f-divergences of two known distributions, D_f(p, q) = int q f(p/q), exactly or with an error bound.

P (real) and Q (generated) are distributions as text, vectors of probabilities, or files of probabilities (CSV, npy,
npz). Without --f all divergences with a name are shown; inf comes with its reason. Samples have no density: see
'ganworks measure estimate' and 'ganworks measure transport' for them.

distributions:
  normal(mean, sd)  uniform(low, high)  laplace  cauchy  logistic  student(degrees)  beta(a, b)  gamma(shape)
  exponential(rate)  lognormal  poisson(mean)  binomial(n, chance)  geometric(chance)  normal2([0,0], [[1,0],[0,1]])
  ring8  grid25, mixtures such as "0.3*normal(-1, 0.5) + 0.7*normal(2, 1)", and "0.2 0.3 0.5"

examples:
  ganworks measure divergence "normal(0, 1)" "normal(4, 1)"
  ganworks measure divergence "0.2 0.3 0.5" "0.5 0.3 0.2" --f js --f "alpha:a=0.3" --f "(u-1)^2"
  ganworks measure divergence "normal(0, 1)" "normal(1, 2)" --f nonsaturating --of generator --picture force.png
"""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from ganworks.errors import UserError

if TYPE_CHECKING:
    from ganworks.measure.distributions import Distribution
    from ganworks.measure.divergence import Value

ENDINGS = (".csv", ".txt", ".tsv", ".npy", ".npz")


def prepare(argv: list[str]) -> list[str]:
    """Return the words with formulas tied to their option: ``--f -log(u)`` is ``--f=-log(u)``."""
    words: list[str] = []
    for word in argv:
        if words and words[-1] == "--f" and word.startswith("-") and not word.startswith("--"):
            words[-1] = f"--f={word}"
        else:
            words.append(word)
    return words


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the command's arguments."""
    parser.add_argument("p", metavar="P", help="the real distribution: text, or a file of probabilities")
    parser.add_argument("q", metavar="Q", help="the generated one")
    parser.add_argument("--f", action="append", metavar="F", help="a divergence or objective by name, a formula in "
                        "u = p/q, or a design file; repeatable (default: all divergences with a name)")
    parser.add_argument("--all", action="store_true", help="all divergences with a name, beside those of --f")
    parser.add_argument("--of", default="critic", choices=("critic", "generator"), help="of an objective: what its "
                        "critic measures, or what its generator descends (default: %(default)s)")
    parser.add_argument("--tolerance", type=float, default=1e-10, metavar="T", help="relative, of integrals "
                        "(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the values as JSON")
    parser.add_argument("--picture", metavar="FILE.png", help="draw the densities and what the first F integrates")
    parser.add_argument("--force", action="store_true", help="replace a picture that exists")


def run(args: argparse.Namespace) -> int:
    """Print the values; return 0."""
    from ganworks.commands.pictures import refuse_picture
    from ganworks.console import note, track
    from ganworks.measure.divergence import as_pair, measure
    from ganworks.measure.functions import NAMED, measured

    refuse_picture(args.picture, args.force)
    p, q = as_pair(_read(args.p, args.q, "P"), _read(args.q, args.p, "Q"))
    names = [*(args.f or []), *(NAMED if args.all or not args.f else ())]
    if not 0 < args.tolerance < 1:
        raise UserError(f"--tolerance {args.tolerance:g}", "a number between 0 and 1, such as 1e-10")
    found: list[tuple[str, Any, Value]] = []
    for name in track(names, len(names), "divergences"):
        function = measured(name, args.of if args.f and name in args.f else "critic")
        try:
            found.append((name, function, measure(function, p, q, args.tolerance)))
        except UserError as error:
            if args.f and name in args.f:
                raise
            note(f"{name} is left out: {error.problem}")
    if args.picture:
        _draw(args.picture, p, q, found[0])
    if args.json:
        print(json.dumps(_to_json(args, found), indent=2, allow_nan=False))
    else:
        print(_table([(name, value, function.title) for name, function, value in found]))
        _metric(p, q, args)
    return 0


def _read(text: str, other: str, name: str) -> Distribution:
    """Return the distribution that an argument gives, as text or as a file of probabilities."""
    from ganworks.measure.distributions import SUM, Atoms
    from ganworks.measure.texts import distribution

    if not text.lower().endswith(ENDINGS):
        return distribution(text)
    from ganworks.commands.clouds import read_cloud

    cloud = read_cloud(text)
    if cloud.weights is not None:
        raise UserError(f"{name}: {text} has a column of weights", "probabilities that sum to 1, and nothing else",
                        "keep that column alone, with another name, if those are the probabilities")
    points = cloud.points
    total = math.fsum(points.ravel())
    if points.size == 0 or (points < 0).any() or abs(total - 1) > SUM:
        raise UserError(f"{name}: {text} holds {points.shape[0]} x {points.shape[1]} numbers that sum to {total:.6g}: "
                        "samples, which have no density", "probabilities that sum to 1, or a distribution as text",
                        f"of samples: ganworks measure estimate {text} {other}, or ganworks measure transport {text} "
                        f"{other}")
    return Atoms(points.ravel(), text)


def _draw(path: str, p: Distribution, q: Distribution, found: tuple[str, Any, Value]) -> None:
    from ganworks.commands.pictures import write_picture
    from ganworks.report.measure_divergence import picture_png

    name, function, value = found
    write_picture(path, picture_png(p, q, name, function.integrand, value))


def _to_json(args: argparse.Namespace, found: list[tuple[str, Any, Value]]) -> dict[str, Any]:
    rows = [{"f": name, "title": function.title, "value": _number(value.value), "error": _number(value.error),
             "method": value.method, "reason": value.reason} for name, function, value in found]
    return {"p": args.p, "q": args.q, "of": args.of, "divergences": rows}


def _number(x: float) -> float | str:
    return x if math.isfinite(x) else str(x)


def _table(rows: list[tuple[str, Value, str]]) -> str:
    """Return values, error bars and methods in columns."""
    width = max(len(name[:28]) for name, _, _ in rows)
    lines = [f"{'':{width}}  {'value':>20}  {'error':>8}  {'method':<11}"]
    for name, value, title in rows:
        said = value.reason or title
        bar = "" if math.isinf(value.value) else f"{value.error:.1e}"
        lines.append(f"{name[:28]:{width}}  {value.value:>20.14g}  {bar:>8}  {value.method:<11}  {said}")
    return "\n".join(lines)


def _metric(p: Distribution, q: Distribution, args: argparse.Namespace) -> None:
    """Show, at the mixture of both, that sqrt(JS) keeps the triangle inequality where JS may not."""
    from ganworks.measure.metric import triangle

    if args.f:
        return
    found = triangle(p, q)
    if found is not None:
        print("\n" + found.text())
