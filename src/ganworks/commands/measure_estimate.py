"""Estimate a divergence of two samples by critics trained for it, with an interval and what it rests on.

REAL and FAKE are files of samples (CSV, npy, npz; a row each), or known distributions such as "normal(0, 1)", of which
samples are drawn; then the exact value stands beside the estimate. Critics learn from all folds but one and are judged
on that one, so the figure is a lower bound on average: a divergence lies above the lower end of its interval. Beside
it stands an estimate by nearest neighbours, for which nothing is trained. A bound that rests on few effective samples
is called doubtful, with what to do.

examples:
  ganworks measure estimate real.csv fake.csv
  ganworks measure estimate "normal(0, 1)" "normal(1, 1)" --objective kl --picture ratio.png
  ganworks measure estimate real.npy fake.npy --objective my.yaml --objective squared_hellinger --json
  ganworks measure estimate "normal(0, 1)" "normal(3, 1)" --wasserstein      W1 by critics and by linear program
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganworks.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from ganworks.measure import Caution, Estimate, Neighbours, Wasserstein

OBJECTIVES = ("js", "kl")


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the command's arguments."""
    parser.add_argument("real", metavar="REAL", help="samples of p: a file, or a known distribution")
    parser.add_argument("fake", metavar="FAKE", help="samples of q: a file, or a known distribution")
    parser.add_argument("--objective", action="append", metavar="NAME", help="what is measured: a name of 'ganworks "
                        f"list objectives', a design file; repeatable (default: {' and '.join(OBJECTIVES)})")
    parser.add_argument("--samples", type=int, default=2000, metavar="N", help="of a known distribution (default: "
                        "%(default)s)")
    parser.add_argument("--folds", type=int, default=5, metavar="N", help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="critics a fold (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=600, metavar="N", help="of training, at most (default: "
                        "%(default)s)")
    parser.add_argument("--hidden", default="64,64", metavar="A,B", help="widths of a critic's layers (default: "
                        "%(default)s)")
    parser.add_argument("--neighbours", type=int, default=5, metavar="K", help="default: %(default)s")
    parser.add_argument("--wasserstein", action="store_true", help="W1 instead: by clipped, penalised and spectrally "
                        "normalised critics, and by a linear program")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--picture", metavar="FILE.png", help="the critics' log p/q along the line, or as histograms")
    parser.add_argument("--force", action="store_true", help="replace the picture if it exists")


def run(args: argparse.Namespace) -> int:
    """Estimate and print; return 0."""
    hidden = _widths(args.hidden)
    _check_picture(args)
    (real, p), (fake, q) = _sample(args, args.real, "real"), _sample(args, args.fake, "fake")
    common: dict[str, Any] = {"steps": args.steps, "hidden": hidden, "seed": args.seed, "device": args.device}
    if args.wasserstein:
        from ganworks.measure import wasserstein

        found = wasserstein(real, fake, **common)
        print(_json(_wasserstein_facts(found)) if args.json else found.table())
        return 0
    from ganworks.measure import estimate, neighbours
    from ganworks.measure.estimate import objective_of

    names = args.objective or list(OBJECTIVES)
    games = [objective_of(name)[0] for name in names]  # a wrong name is said before the first training
    known = None if p is None or q is None else (p, q)
    pairs = [(estimate(game, real, fake, folds=args.folds, seeds=args.seeds, known=known, **common),
              neighbours(real, fake, args.neighbours, game, args.seed)) for game in games]
    print(_json([_facts(*pair) for pair in pairs]) if args.json else _text(real, fake, pairs))
    if args.picture:
        _write_picture(args.picture, [e for e, _ in pairs], real, fake, known)
    return 0


def _widths(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = (0,)
    if min(found) < 1:
        raise UserError(f"--hidden {text}", "widths of layers, such as 64,64")
    return found


def _check_picture(args: argparse.Namespace) -> None:
    from ganworks.commands.pictures import refuse_picture

    if args.picture and args.wasserstein:
        raise UserError("--picture with --wasserstein", "one of them", "see: ganworks measure transport --picture")
    refuse_picture(args.picture, args.force)


def _sample(args: argparse.Namespace, text: str, side: str) -> tuple[np.ndarray, Any]:
    """Return points (n, d), and the distribution they come from if it is known, else None."""
    from ganworks.commands.clouds import ENDINGS, read_cloud

    if text.lower().endswith(ENDINGS) or Path(text).exists():
        cloud = read_cloud(text)
        if cloud.weights is not None:
            raise UserError(f"{text} holds weights", "samples that all count alike: folds and intervals are made for "
                            "those", "draw samples in proportion to the weights, or see: ganworks measure transport")
        return cloud.points, None
    from ganworks.measure.texts import distribution
    from ganworks.seeds import mix

    known = distribution(text)
    if args.samples < 1:
        raise UserError(f"--samples {args.samples}", "1 or more")
    points = known.sample(args.samples, mix(args.seed, "sample", side))
    return points.reshape(len(points), -1), known


def _text(real: np.ndarray, fake: np.ndarray, pairs: list[tuple[Estimate, Neighbours]]) -> str:
    dimension = real.shape[1]
    lines = [f"{len(real)} real and {len(fake)} generated points, {dimension} coordinate{'s' * (dimension > 1)}", "",
             f"{'objective':<20}{'bound':>10}{'95 % interval':>24}{'exact':>10}{'neighbours':>12}  trust"]
    for e, beside in pairs:
        interval = f"{e.interval[0]:.4g} to {e.interval[1]:.4g}"
        exact = "-" if e.exact is None else f"{e.exact:.4g}"
        lines.append(f"{e.objective[:19]:<20}{e.value:>10.4g}{interval:>24}{exact:>10}{beside.value:>12.4g}  {e.trust}")
    return "\n".join([*lines, *(line for pair in pairs for line in ("", *_more(*pair)))])


def _more(e: Estimate, beside: Neighbours) -> list[str]:
    lines = [f"{e.objective}: {e.measures}; at most {e.ceiling:.4g}"]
    if e.perfect is not None:
        lines.append(f"  the perfect critic would have earned {e.perfect:.4g} on these samples")
    lines.append(f"  pairs of real and generated points in the right order: {e.auc:.1%}")
    if e.log_ratio is not None:
        lines.append(f"  effective samples: {e.log_ratio.effective_fake:.0f} of {len(e.log_ratio.fake)} for p/q, "
                     f"{e.log_ratio.effective_real:.0f} of {len(e.log_ratio.real)} for q/p; "
                     f"mean of p/q {e.log_ratio.mean_ratio:.3g} (1 is right)")
    if beside.at_equality:
        lines.append(f"  neighbours: {beside.ratio_k} a ratio; shuffled labels give {beside.at_equality:.4g}, their "
                     "bias at p = q")
    else:
        lines.append(f"  neighbours: {beside.ratio_k}; standard error {beside.error:.2g}")
    mark = {True: "  doubtful: ", False: "  note: "}
    return lines + [mark[c.doubtful] + str(c) for c in _together(e, beside)]


def _together(e: Estimate, beside: Neighbours) -> list[Caution]:
    from ganworks.measure.trust import compared

    return [*e.cautions, *beside.cautions, *compared(e, beside)]


def _facts(e: Estimate, beside: Neighbours) -> dict[str, Any]:
    keys = ("objective", "measures", "value", "interval", "error", "ceiling", "per_fold", "per_seed", "auc", "perfect",
            "exact", "trust", "stopped_at")
    ratio = None if e.log_ratio is None else {"effective_real": e.log_ratio.effective_real, "effective_fake":
                                              e.log_ratio.effective_fake, "mean_ratio": e.log_ratio.mean_ratio}
    return {**{key: getattr(e, key) for key in keys}, "log_ratio": ratio, "cautions": _cautions(_together(e, beside)),
            "neighbours": {key: value for key, value in vars(beside).items() if key != "cautions"}}


def _cautions(cautions: Sequence[Caution]) -> list[dict[str, Any]]:
    return [dict(vars(c)) for c in cautions]


def _wasserstein_facts(found: Wasserstein) -> dict[str, Any]:
    return {"exact": found.exact, "held": found.held, "critics": [dict(vars(c)) for c in found.critics],
            "cautions": _cautions(found.cautions)}


def _json(facts: Any) -> str:
    import json
    import math

    def plain(x: Any) -> Any:
        if isinstance(x, dict):
            return {key: plain(value) for key, value in x.items()}
        if isinstance(x, list | tuple):
            return [plain(value) for value in x]
        return str(x) if isinstance(x, float) and not math.isfinite(x) else x  # JSON has no infinity

    return json.dumps(plain(facts), indent=2, allow_nan=False)


def _write_picture(path: str, estimates: list[Estimate], real: np.ndarray, fake: np.ndarray, known: Any) -> None:
    from ganworks.commands.pictures import write_picture
    from ganworks.report.measure_estimate import picture_png

    write_picture(path, picture_png(estimates, real, fake, known))
