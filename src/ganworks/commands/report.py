"""Write a run's report.html, one self-contained page, and curves.png.

A run that is still being trained may be reported at any moment; what it does not have yet is said on the page.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", metavar="RUN", help="directory of the run")
    parser.add_argument("--open", action="store_true", help="show the page in the browser")


def run(args: argparse.Namespace) -> int:
    """Write the page and the curves, and print where they are. Returns 0."""
    from ganworks.console import note
    from ganworks.report import write_curves, write_report
    from ganworks.train import Run

    source = Run.open(args.run)
    page, curves = write_report(source), write_curves(source)
    print(page)
    print(curves or "no curves yet: the log is empty")
    if args.open:
        import webbrowser

        if not webbrowser.open(page.resolve().as_uri()):
            note(f"no browser to be found; the page is {page}")
    return 0
