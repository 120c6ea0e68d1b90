"""What divergences see when supports come apart, and what reaches the generator then.

Two parallel lines and two Gaussians that move apart; the pull on the generator through critics that have learnt for
a while; and how often samples of one and the same law can be told apart without a fault as the dimension grows.

examples:
  ganworks measure blindness --picture blind.png
  ganworks measure blindness --json > blind.json
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the command's arguments."""
    parser.add_argument("--seed", type=int, default=0, help="of samples and weights (default: 0)")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("--picture", metavar="FILE.png", help="five panels")
    parser.add_argument("--force", action="store_true", help="replace a picture that exists")


def run(args: argparse.Namespace) -> int:
    """Print four short tables."""
    from ganworks.commands.pictures import refuse_picture, write_picture

    refuse_picture(args.picture, args.force)
    from ganworks.measure import blindness as b

    lines, gaussians = b.parallel_lines(), b.moving_gaussians()
    force, split = b.felt(seed=args.seed), b.separable(seed=args.seed)
    if args.json:
        import json

        print(json.dumps({"parallel_lines": b.as_json(lines), "gaussians": b.as_json(gaussians),
                          "pull": b.as_json(force), "separable": b.as_json(split)}, indent=2))
    else:
        _tables(lines, gaussians, force, split)
    if args.picture:
        from ganworks.report.measure_blindness import picture

        write_picture(args.picture, picture(lines, gaussians, force, split))
    return 0


def _tables(lines, gaussians, force, split) -> None:  # type: ignore[no-untyped-def]
    names = list(lines.values)
    for title, found, shown in (("parallel lines, theta apart", lines, (20, 22, 30, 40)),
                                ("Gaussians N(0, 1) and N(m, 1)", gaussians, (0, 1, 2, 4, 8, 16, 32))):
        print(f"{title}\n{'distance':>9}" + "".join(f"{name:>17}" for name in names))
        for i in shown:
            print(f"{found.distance[i]:>9.3g}" + "".join(f"{found.values[name][i]:>17.6g}" for name in names))
        print()
    print("pull on the mean of N(m, 1) towards N(0, 1), against the steps that the critic has learnt (W1: 1)")
    for name in ("saturating", "nonsaturating"):
        print(f"{name:>14}" + "".join(f"{s:>10,}" for s in force.steps) + f"{'best':>10}")
        for i, m in enumerate(force.distance):
            print(f"{f'm = {m:g}':>14}" + "".join(f"{x:>10.2g}" for x in force.force[name][i]))
    print(f"\n{split.samples} + {split.samples} samples of N(0, I): share of {split.draws} draws that a hyperplane "
          "separates; Cover's count")
    for d, share, exact in zip(split.dimension, split.share, split.exact, strict=True):
        print(f"{f'dimension {d}':>14}{share:>8.2f}{exact:>10.4f}")
