"""The best discriminator D* = p/(p + q) of two known densities, and how near a trained one comes.

Densities are given as text: "normal(0, 1)", "0.3*normal(-1, 0.5) + 0.7*normal(2, 1)", "laplace(0, 1)", "ring8",
"normal2([0, 0], [[1, 0], [0, 1]])". Without any, two Gaussians on the line.

examples:
  ganworks measure discriminator "normal(0, 1)" "normal(1, 1.5)" --picture d.png
  ganworks measure discriminator ring8 "normal2([0,0], [[1,0],[0,1]])" --steps 5000
"""

from __future__ import annotations

import argparse
import math

from ganworks.errors import UserError


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the command's arguments."""
    parser.add_argument("p", nargs="?", default="normal(0, 1)", metavar="P", help="the real density")
    parser.add_argument("q", nargs="?", default="normal(1.5, 1)", metavar="Q", help="the generated density")
    parser.add_argument("--steps", type=int, default=2000, help="of the critic's training (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="of samples and weights (default: 0)")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("--picture", metavar="FILE.png", help="D*, the trained D, and where they differ")
    parser.add_argument("--force", action="store_true", help="replace a picture that exists")


def run(args: argparse.Namespace) -> int:
    """Print what the best and the trained discriminator are worth."""
    from ganworks.commands.clouds import ENDINGS
    from ganworks.commands.pictures import refuse_picture, write_picture

    refuse_picture(args.picture, args.force)
    from ganworks.measure.perfect import LOG4, discriminator, push_forward

    if args.steps < 1:
        raise UserError(f"--steps {args.steps}", "1 or more")
    for given in (args.p, args.q):
        if given.endswith(ENDINGS):
            raise UserError(f"{given} holds samples", "known densities, as text",
                            "of samples: ganworks measure estimate")
    found, pushed = discriminator(args.p, args.q, steps=args.steps, seed=args.seed), push_forward(seed=args.seed)
    if args.json:
        import json

        print(json.dumps({"p": args.p, "q": args.q, "value": found.value, "error": found.error,
                          "js": (found.value + LOG4) / 2, "reached": found.reached,
                          "reached_error": found.reached_error, "rms": found.rms, "steps": found.steps,
                          "push_forward": {**vars(pushed), "off": pushed.off}}, indent=2))
    else:
        print(f"V(D*, G) = -log 4 + 2 JS = {found.value:.6f} +- {found.error:.1g}   "
              f"(-log 4 = {-math.log(4):.6f}, reached only where p = q)")
        print(f"trained D, {found.steps:,} steps: V = {found.reached:.6f} +- {found.reached_error:.1g} on fresh "
              f"samples; off D* by {found.rms:.4f} (root mean square)")
        print(f"push-forward, G(z) = z^2: E_z log(1 - D(G(z))) = {pushed.over_z:.5f} +- {pushed.error:.1g}, "
              f"E_x log(1 - D(x)) = {pushed.over_x:.5f} ({pushed.off:+.1f} standard errors)")
    if args.picture:
        from ganworks.report.measure_discriminator import picture

        write_picture(args.picture, picture(found))
    return 0
