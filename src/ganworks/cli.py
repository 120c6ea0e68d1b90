"""The command line: find the verb, let it add its arguments, run it, and turn user errors into exit status 2."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from ganworks import __version__
from ganworks.errors import UserError, did_you_mean

VERBS = {
    "train": "train a GAN, go on with a run, or show what a training would be",
    "sample": "make images from a trained run: grids, single files, arrays, walks between latents",
    "translate": "translate a folder of images of any size by a run of pix2pix or cyclegan",
    "evaluate": "judge a run: Frechet distance, KID, precision and recall, modes",
    "diagnose": "say what is wrong with samples and data, why, and what to do",
    "report": "write a run's self-contained report.html",
    "compare": "hold a fair tournament of recipes over several seeds, with intervals",
    "data": "say what a data set holds, what was skipped and why, and show it",
    "design": "derive a GAN from a formula, certify it, show what the generator descends",
    "measure": "divergences, transport, critics' estimates, dynamics of games, the generator's true force",
    "tour": "build six pages on what a GAN does, why it fails and what mends it, computed anew",
    "list": "list recipes, objectives and built-in data",
}

EXAMPLES = """\
examples:
  ganworks design --omega "log(r)/2" --rho "exp(-t)"
  ganworks train dcgan --data digits --run runs/first
  ganworks train dcgan --data photos/ --size 64 --objective hinge --run runs/photos
  ganworks train --resume runs/photos
  ganworks evaluate runs/photos
  ganworks sample runs/photos --count 64 --out grid.png

'ganworks VERB --help' explains a verb, 'ganworks train RECIPE --help' all options of a recipe."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are user errors, with a guess at what was meant."""

    def error(self, message: str):  # type: ignore[no-untyped-def]
        raise UserError(f"{self.prog}: {message}", "", f"see: {self.prog} --help")

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        known, rest = self.parse_known_args(args, namespace)
        if rest:
            flags = [flag for action in self._actions for flag in action.option_strings]
            wanted = did_you_mean(rest[0].split("=")[0], flags) if rest[0].startswith("-") else "no more arguments"
            raise UserError(f"{self.prog}: unknown argument '{rest[0]}'", wanted, f"see: {self.prog} --help")
        return known


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done, 2 a user error, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"ganworks {__version__}")
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        raise UserError(f"unknown verb '{verb}'", did_you_mean(verb, VERBS), "see: ganworks --help")
    module = importlib.import_module(f"ganworks.commands.{verb}")
    if hasattr(module, "PARTS"):  # a verb of several commands, a module each
        if not rest or rest[0] in ("-h", "--help"):
            print(_parts(verb, module.PARTS, module.__doc__ or ""))
            raise SystemExit(0)
        part, *rest = rest
        if part not in module.PARTS:
            raise UserError(f"unknown: ganworks {verb} {part}", did_you_mean(part, module.PARTS),
                            f"see: ganworks {verb} --help")
        module, verb = importlib.import_module(f"ganworks.commands.{verb}_{part}"), f"{verb} {part}"
    if hasattr(module, "prepare"):  # a verb with values that argparse would take for options
        rest = module.prepare(rest)
    parser = Parser(prog=f"ganworks {verb}", description=module.__doc__, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    module.add_arguments(parser, rest)
    return module.run(parser.parse_args(rest))


def _parts(verb: str, parts: dict[str, str], text: str) -> str:
    lines = [f"  {part:<14} {what}" for part, what in parts.items()]
    return "\n".join([f"usage: ganworks {verb} WHAT ...", "", text.strip(), "", "what:", *lines, "",
                      f"'ganworks {verb} WHAT --help' explains one."])


def _help() -> str:
    lines = ["usage: ganworks VERB ...", "", "A workshop for generative adversarial networks.", "", "verbs:"]
    lines += [f"  {verb:<10} {what}" for verb, what in VERBS.items()]
    return "\n".join([*lines, "", EXAMPLES])
