"""List recipes, objectives and built-in data.

  ganworks list recipes
  ganworks list objectives
  ganworks list data
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    parser.add_argument("what", choices=("recipes", "objectives", "data"))


def run(args: argparse.Namespace) -> int:
    """Print names with a line each."""
    if args.what == "recipes":
        from ganworks.recipes import recipes

        rows = {name: recipe.__doc__ for name, recipe in recipes().items()}
    elif args.what == "objectives":
        from ganworks.design import entries

        rows = {name: (make.__doc__ or "").removeprefix("Return ") for name, make in entries().items()}
    else:
        from ganworks.data import TOYS

        rows = {"digits": "1,797 handwritten digits of scikit-learn, 8x8 grey, 10 classes"}
        rows |= {name: make.__doc__ or "" for name, make in TOYS.items()}
    width = max(map(len, rows))
    for name, text in rows.items():
        print(f"{name:<{width}}  {(text or '').strip().splitlines()[0]}")
    return 0
