"""Build the tour: six pages on what a GAN does, why it fails and what mends it.

Every figure and number on them is computed while they are built, which takes two to four minutes. The pages are
plain files that load nothing and run nothing; open index.html in a browser.

examples:
  ganworks tour
  ganworks tour --output pages --seed 3
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--output", default="tour", metavar="FOLDER", help="where the pages go (default: tour)")
    parser.add_argument("--seed", type=int, default=0, help="of samples and networks (default: 0)")
    parser.add_argument("--force", action="store_true", help="replace pages that exist")


def run(args: argparse.Namespace) -> int:
    """Build the pages and say where they are."""
    import time
    from pathlib import Path

    from ganworks.console import note
    from ganworks.errors import UserError

    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file", "a folder")
    if (folder / "index.html").exists() and not args.force:
        raise UserError(f"{folder} holds a page already", "a new folder",
                        "take another with --output, or replace the pages with --force")
    from ganworks.report.tour import build

    began = time.monotonic()
    pages = build(folder, args.seed)
    note(f"{len(pages)} pages in {time.monotonic() - began:.0f} s; open {folder / 'index.html'}")
    return 0
