"""Train a GAN, go on with a run, or show what a training would be.

  ganworks train RECIPE [options]       a recipe by name (ganworks list recipes), or my.py:function
  ganworks train runs/x/recipe.yaml     repeat a run, or train from a file
  ganworks train --resume runs/x        go on exactly where the run's last checkpoint stands

'ganworks train RECIPE --help' lists the recipe's own options too. Ctrl-C saves and ends; a second one ends at once.
What goes wrong on the way is told in a line (ganworks diagnose tells all of it); --autopilot does something about it.
"""

from __future__ import annotations

import argparse
import typing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganworks.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic.fields import FieldInfo

    from ganworks.diagnose.watcher import Act
    from ganworks.recipes import Call
    from ganworks.recipes.call import Function
    from ganworks.train import Cadence, Hook, Machine, Recipe, Run

OWN = ("target", "run", "resume", "device", "threads", "dry_run", "quiet", "autopilot")
OWN_FLAGS = frozenset("--" + name.replace("_", "-") for name in OWN[1:])

UNWATCHED = 100
"""Where no vitals are recorded, the doctor looks at the costs every so many steps."""


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's own arguments, and the options of the recipe that ``argv`` names."""
    parser.add_argument("target", nargs="?", metavar="RECIPE", help="recipe, file.yaml or my.py:function")
    parser.add_argument("--run", metavar="DIR", help="directory of the run (default: runs/RECIPE-N, the next free N)")
    parser.add_argument("--resume", metavar="RUN", help="go on with this run")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: %(default)s")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: torch's choice)")
    parser.add_argument("--dry-run", action="store_true", help="print networks, memory and time, and train nothing")
    parser.add_argument("--quiet", action="store_true", help="show no progress and no warnings")
    parser.add_argument("--autopilot", action="store_true", help="where the doctor finds something serious, go back to "
                        "the last healthy checkpoint and on with its remedy, up to 3 times; keeps 8 checkpoints")
    target, resumed = _target_of(argv), _value_of("--resume", argv)
    if target:
        add_options(parser, target)
    elif resumed:
        from ganworks.train import Run

        add_options(parser, str(Run.open(resumed).path / "recipe.yaml"))


def run(args: argparse.Namespace) -> int:
    """Train, and return 0, or 130 where the training was interrupted."""
    import torch

    from ganworks.commands.autopilot import fly, prepared
    from ganworks.recipes.treating import piloted, settle
    from ganworks.train import Machine, Run, fit

    given = {name: value for name, value in vars(args).items() if name not in OWN}
    if args.threads is not None:
        if args.threads < 1:
            raise UserError(f"--threads {args.threads}", "at least 1")
        torch.set_num_threads(args.threads)
    if args.resume:
        if not args.dry_run:
            settle(Run.open(args.resume))
        call, path = _resumed(args, given), Path(args.resume)
    elif args.target:
        call = _call(args.target, given)
        path = Path(args.run) if args.run else _next_run(call.name)
    else:
        raise UserError("nothing to train", "a recipe, or --resume RUN", "see: ganworks train --help")
    autopilot = args.autopilot or (args.resume and piloted(Run.open(path)))
    if autopilot:
        call = prepared(call)
    training, stop = call.options.training, None
    if training.stop_when is not None:
        from ganworks.diagnose import Plateau

        Plateau.check(training.steps, training.checkpoint_every, training.measure is not None)
        stop = Plateau(Run(path))
    machine = Machine(args.device, training.precision, training.compile)
    if machine.world > 1 and not (args.run or args.resume):
        raise UserError(f"{machine.world} processes and no --run", "the same directory named to all: --run DIR")
    if machine.is_main and not args.resume and not args.dry_run:
        Run.refuse_existing(path)  # before the data is decoded, not after
    recipe = call.build()
    if args.dry_run:
        return _plan(recipe, machine, path)

    def after(run: Run) -> Sequence[Hook]:
        return [stop] if stop else []

    if autopilot:
        trainer = fly(call, recipe, path, machine, args.quiet, bool(args.resume), _watching, after)
    else:
        trainer = fit(recipe, path, text=call.text(), resume=bool(args.resume), machine=machine, quiet=args.quiet,
                      hooks=partial(_watching, call, recipe.cadence, args.quiet, None, 0), after=after)
    done = trainer.step if stop and stop.reason else recipe.steps  # what a plateau has ended is a whole run
    status = _closing(path, trainer.step, done) if machine.is_main else 0
    machine.wait()  # a process that ends early would have torchrun end the one that still writes the report
    return status


def _watching(call: Call, cadence: Cadence, quiet: bool, act: Act | None, after: int, run: Run) -> Sequence[Hook]:
    from ganworks.diagnose import Vitals, Watcher

    if cadence.vitals is None and act is None:  # nothing to look at, as in a tournament
        return []
    vitals = [] if cadence.vitals is None else [Vitals(run, cadence.vitals)]
    return [*vitals, Watcher(run, call.values, cadence.vitals or UNWATCHED, quiet, act, after)]


def _resumed(args: argparse.Namespace, given: dict[str, Any]) -> Call:
    from ganworks.recipes import Call
    from ganworks.train import Run

    if args.run:
        raise UserError("--run beside --resume", "one of them: --resume goes on in the run's own directory")
    run = Run.open(args.resume)
    where = str(run.path / "recipe.yaml")
    stored, call = Call.load(run.recipe, where=where), Call.load(run.recipe, given, where)
    named = _call(args.target, given) if args.target else call
    changed = stored.differs(named if named.name != stored.name or _is_yaml(args.target) else call)
    if changed:
        raise UserError(f"{run.path} is from another recipe: " + "; ".join(changed),
                        "the run's own recipe; only --steps, --stop-when and how often things are written may change",
                        f"ganworks train --resume {run.path}, or start a new run")
    return call


def _call(target: str, given: dict[str, Any]) -> Call:
    from ganworks.recipes import Call

    if not _is_yaml(target):
        return Call.make(target, {}, given)
    if not Path(target).is_file():
        raise UserError(f"{target} does not exist", "a recipe.yaml")
    return Call.load(Path(target).read_text(encoding="utf-8"), given, target)


def _recipe(target: str) -> tuple[str, Function]:
    # Not by a call: a recipe may have options without a default, which nobody has given yet.
    from ganworks.recipes import function_named

    if _is_yaml(target):
        call = _call(target, {})
        return call.name, call.function
    return target, function_named(target)


def _is_yaml(target: str | None) -> bool:
    return target is not None and target.endswith((".yaml", ".yml"))


def add_options(parser: argparse.ArgumentParser, target: str) -> None:
    """Add the options of the recipe that ``target`` names."""
    from ganworks.recipes import flat_fields, options_of

    recipe, function = _recipe(target)
    model = options_of(function)
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, place in sorted(flat_fields(model).items(), key=lambda item: len(item[1][:-1])):  # its own ones first
        field = model.model_fields[place[0]]
        default, about = field.default, function.__doc__
        if len(place) == 2:
            about, field = type(default).__doc__, type(default).model_fields[place[1]]
            default = getattr(default, place[1])
        title = f"options of {recipe}" if len(place) == 1 else place[0]
        if title not in groups:
            groups[title] = parser.add_argument_group(title, (about or "").strip().split("\n")[0])
        _add_option(groups[title], name, field, default)


def _add_option(group: argparse._ArgumentGroup, name: str, field: FieldInfo, default: Any) -> None:
    usual = "always needed" if field.is_required() else f"default: {_written(default)}"
    text = f"{field.description or ''} ({usual})".replace("%", "%%")
    flag = "--" + name.replace("_", "-")
    if field.annotation is bool:
        group.add_argument(flag, dest=name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
    else:
        kinds = typing.get_args(field.annotation)
        group.add_argument(flag, dest=name, type=partial(_read, optional=type(None) in kinds,
                                                         several=typing.get_origin(field.annotation) is tuple),
                           metavar=_kind(field.annotation), default=argparse.SUPPRESS, help=text)


def _read(text: str, optional: bool, several: bool) -> Any:
    if optional and text.lower() == "none":
        return None
    return [part.strip() for part in text.split(",")] if several else text


def _written(value: Any) -> str:
    if value is None:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _kind(annotation: Any) -> str:
    arguments = [a for a in typing.get_args(annotation) if a is not type(None)]
    if typing.get_origin(annotation) is typing.Literal:
        return "{" + ",".join(map(str, arguments)) + "}"
    if typing.get_origin(annotation) is tuple:
        return "X,Y"
    if len(arguments) == 1:
        return _kind(arguments[0])
    return {int: "N", float: "X", str: "NAME"}.get(annotation, "VALUE")


def _target_of(argv: list[str]) -> str | None:
    # The first word that is neither one of the verb's own flags nor the value of one.
    words = iter(argv)
    for word in words:
        if not word.startswith("-"):
            return word
        if word in ("--run", "--resume", "--device", "--threads"):
            next(words, None)
        elif word in ("-h", "--help"):
            return None
        elif word.partition("=")[0] not in OWN_FLAGS:
            if _value_of("--resume", argv):
                return None
            raise UserError(f"'{word}' before the recipe", "the recipe first: ganworks train RECIPE [options]",
                            "see: ganworks list recipes, ganworks train --help")
    return None


def _value_of(flag: str, argv: list[str]) -> str | None:
    for i, word in enumerate(argv):
        if word == flag and i + 1 < len(argv):
            return argv[i + 1]
        if word.startswith(flag + "="):
            return word.partition("=")[2]
    return None


def _next_run(name: str) -> Path:
    stem = Path(name.split(":")[-1]).stem
    number = 1
    while (Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return Path("runs") / f"{stem}-{number}"


def _plan(recipe: Recipe, machine: Machine, path: Path) -> int:
    from ganworks.train.plan import plan

    print(plan(recipe, machine).text(path))
    return 0


def _closing(path: Path, step: int, steps: int) -> int:
    from ganworks.console import note
    from ganworks.report import write_curves, write_report
    from ganworks.train import Run

    if step < steps:
        note(f"stopped at step {step} of {steps}, everything is saved; go on: ganworks train --resume {path}")
        return 130
    run = Run.open(path)
    write_curves(run)
    note(f"trained {step} steps: {write_report(run)}")
    note(f"next: ganworks evaluate {path}   ganworks sample {path}")
    return 0
