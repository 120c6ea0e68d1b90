"""A fair tournament of recipes: the same data, seeds, networks and budget for all, and a judgement with its noise.

Every entrant is trained once with each seed; the order of the data is a function of the seed, so all see the same
batches. Each run is an ordinary run directory in OUT, judged as 'ganworks evaluate' does, all by the same network and
on equally many samples. The table gives means over seeds with Student's 95 % interval, and says which entrants are
within noise of the best (Welch's t test over seeds). What is killed or interrupted goes on with the same command where
it was; several machines that share OUT may be given the same command, and share the work.

An entrant is a recipe (ganworks list recipes), my.py:function, or a recipe.yaml; in quotes, with options of its own;
LABEL=RECIPE names it. Options of recipes (ganworks train RECIPE --help) that stand outside of quotes, such as --data,
--width or --batch, are given to every entrant that has them. All get the networks of the first entrant
(--own-networks: each its recipe's); learning rates and critic steps are the recipes' own, and the table says so.

examples:
  ganworks compare dcgan wgan-gp --data digits --size 16 --steps 1000 --seeds 3 --out runs/t
  ganworks compare dcgan "hinge=dcgan --objective hinge --r1 1" --data digits --steps 1000 --out runs/t
  ganworks compare gan wgan-gp --data ring8 --seconds 60 --seeds 5 --workers 2 --out runs/rings
  ganworks compare wgan --data digits --size 16 --steps 1000 --out runs/t   add an entrant to a tournament
  ganworks compare --out runs/t                 go on with a tournament, or help with it from another machine
  ganworks compare --out runs/t --report --by recall     run nothing: table and page of what is there
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganworks.errors import UserError

if TYPE_CHECKING:
    from ganworks.commands.compare_queue import Pair, State
    from ganworks.commands.compare_tournament import Tournament
    from ganworks.report.compare import Contest

VALUES = ("--seeds", "--steps", "--seconds", "--out", "--workers", "--features", "--n", "--by", "--device", "--threads",
          "--worker")
SWITCHES = ("--own-networks", "--dry-run", "--report", "--retry", "--json", "--quiet", "-h", "--help")


def prepare(argv: list[str]) -> list[str]:
    """Put the verb's own options first, then the entrants, then, behind "--", the options that are for recipes."""
    own: list[str] = []
    entrants: list[str] = []
    shared: list[str] = []
    words = iter(argv)
    flag = ""  # an option for recipes that still may take a value
    for word in words:
        name = word.partition("=")[0]
        if name in VALUES:
            own += [word] if "=" in word else [word, *list(_next(words))]
            flag = ""
        elif word in SWITCHES:
            own.append(word)
            flag = ""
        elif word == "--recipes":
            flag = ""
        elif word.startswith("--"):
            shared.append(word)
            flag = "" if "=" in word else word
        elif flag:
            shared.append(word)
            flag = ""
        else:
            entrants.append(word)
    return [*own, *(["--recipes", *entrants] if entrants else []), "--", *shared]


def _next(words: Any) -> Any:
    word = next(words, None)
    return [] if word is None else [word]


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments; ``argv`` comes from ``prepare``."""
    parser.usage = "ganworks compare RECIPE RECIPE ... (--steps N | --seconds S) --out DIR [options]"
    parser.add_argument("--recipes", nargs="+", default=[], metavar="RECIPE", help="entrants; the word may be left out")
    parser.add_argument("--out", type=Path, metavar="DIR", help="directory of the tournament")
    parser.add_argument("--steps", type=int, metavar="N", help="budget: generator steps of each run")
    parser.add_argument("--seconds", type=float, metavar="S", help="budget: seconds of training of each run; pictures, "
                        "checkpoints and judging are not counted")
    parser.add_argument("--seeds", metavar="N", help="how many, as in 3, or which, as in 5,6,7 (default: 3)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes on this machine (default: 1)")
    parser.add_argument("--features", help="as in ganworks evaluate (default: auto)")
    parser.add_argument("--n", type=int, metavar="N", help="samples on which runs are judged (default: 5000, or half "
                        "the data)")
    parser.add_argument("--by", metavar="FIGURE", help="the figure to sort by (default: W1 on points, else the first)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: %(default)s")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads of each worker")
    parser.add_argument("--own-networks", action="store_true", help="let each recipe have its own networks; without "
                        "it, all have those of the first entrant (family, latents, widths, the generator's "
                        "normalisation), but for what an entrant asks for in its quotes")
    parser.add_argument("--retry", action="store_true", help="try failed runs again")
    parser.add_argument("--report", action="store_true", help="run nothing, show what is there")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run and for how long, and run "
                        "nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="show no steps")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("shared", nargs="*", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Hold the tournament; return 0, or 130 where it was interrupted."""
    from ganworks.commands import compare_tournament as disk

    if args.out is None:
        raise UserError("no --out", "the directory of the tournament", "add --out runs/tournament")
    if args.workers < 1 or (args.threads is not None and args.threads < 1):
        raise UserError(f"--workers {args.workers}, --threads {args.threads}", "at least 1 of each")
    if args.worker is not None:
        return _worker(args)
    disk.refuse_stranger(args.out)
    asked = _asked(args)
    if args.dry_run:
        from ganworks.commands.compare_plan import plan

        print(plan(_met(args, asked), args.device, args.workers))
        return 0
    if not args.report:
        _set_up(args, asked)
        try:
            _work(args)
        except KeyboardInterrupt:
            return _interrupted(args.out)
    return _show(args, disk.Tournament.open(args.out))


def _worker(args: argparse.Namespace) -> int:
    from ganworks.commands.compare_work import work

    _set_threads(args.threads)
    try:
        work(args.out, args.device, quiet=True, parent=args.worker)
    except KeyboardInterrupt:
        return 130
    return 0


def _asked(args: argparse.Namespace) -> Tournament | None:
    """Return the tournament that the words describe, None where they only name a directory."""
    from ganworks.commands import compare_tournament as disk
    from ganworks.commands.compare_entrants import entrants
    from ganworks.evaluate.judge import FEATURES, LEAST

    if args.n is not None and args.n < LEAST:
        raise UserError(f"--n {args.n}", f"at least {LEAST} samples")
    if args.features is not None and args.features not in FEATURES:
        raise UserError(f"--features {args.features}", "one of: " + ", ".join(FEATURES))
    there = disk.Tournament.open(args.out) if (args.out / disk.FILE).is_file() else None
    if args.own_networks and there is not None and there.alike:
        raise UserError(f"--own-networks in {args.out}, whose entrants have the networks of the first",
                        "the same for all of a tournament", "leave it out, or take another --out")
    if args.report or not args.recipes:
        if args.recipes or args.shared:
            raise UserError("options of recipes without recipes" if args.shared else "recipes with --report",
                            "recipes to run, or --report alone")
        if there is None:
            raise UserError("no recipes", "two or more, as in: ganworks compare dcgan wgan-gp --steps 1000 --out "
                            f"{args.out}", "see: ganworks list recipes, ganworks compare --help")
        changes = {"seeds": disk.seeds_of(args.seeds)} if args.seeds else {}
        asked = [name for name in ("steps", "seconds") if getattr(args, name) is not None]
        budget = disk.budget_of(args.steps, args.seconds) if asked else there.budget
        return replace(there, **changes, budget=budget, judging=_judging(args, there.judging))  # type: ignore[arg-type]
    # Who adds entrants to a tournament need not repeat its budget, how it is judged and with which seeds.
    given = args.steps is not None or args.seconds is not None
    budget = disk.budget_of(args.steps, args.seconds) if given or there is None else there.budget
    seeds = disk.seeds_of(args.seeds or "3") if args.seeds or there is None else there.seeds
    known = {"features": "auto", "n": None} if there is None else there.judging
    alike = not args.own_networks if there is None else there.alike
    found = entrants(args.recipes, args.shared, budget, alike, there.entrants[0] if there else None)
    return disk.of_words(args.out, found, seeds, budget, _judging(args, known), alike)


def _judging(args: argparse.Namespace, known: Any) -> dict[str, Any]:
    return {"features": args.features or known["features"], "n": known["n"] if args.n is None else args.n}


def _met(args: argparse.Namespace, asked: Tournament | None) -> Tournament:
    """Return what is asked for, together with what is on disk."""
    from ganworks.commands.compare_tournament import FILE, Tournament

    assert asked is not None
    return Tournament.open(args.out).merged(asked) if (args.out / FILE).is_file() else asked


def _set_up(args: argparse.Namespace, asked: Tournament | None) -> None:
    """Check what is asked for by building every new entrant once, write it down, and queue what is new."""
    from ganworks.commands.compare_plan import refuse_unjudgeable, with_networks
    from ganworks.commands.compare_queue import Queue
    from ganworks.commands.compare_tournament import locked
    from ganworks.console import note

    met = with_networks(_met(args, asked))
    refuse_unjudgeable(met)
    args.out.mkdir(parents=True, exist_ok=True)
    with locked(args.out, "queue"):
        whole = with_networks(_met(args, met))
        queue = Queue(args.out)
        whole.save()
        queue.add(whole.pairs)
        if args.retry:
            note(f"{queue.retry()} failed run(s) are tried again")
        states = queue.states()
    done = sum(state.state in ("done", "failed") for state in states.values())
    note(f"{len(whole.entrants)} entrants x {len(whole.seeds)} seeds: {len(whole.pairs)} runs, "
         f"{whole.budget_words()}" + (f"; {done} are done" if done else ""))
    note(whole.networks_words())


def _work(args: argparse.Namespace) -> None:
    from ganworks.commands.compare_work import work, work_in_processes

    if args.workers > 1:
        work_in_processes(args.out, args.workers, args.device, args.threads)
    else:
        _set_threads(args.threads)
        work(args.out, args.device, args.quiet)


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def _interrupted(out: Path) -> int:
    from ganworks.commands.compare_queue import Queue
    from ganworks.console import note

    states = Queue(out).states().values()
    done = sum(state.state in ("done", "failed") for state in states)
    note(f"stopped with {done} of {len(states)} runs done; everything is kept, and the same command goes on, or: "
         f"ganworks compare --out {out}")
    return 130


def _show(args: argparse.Namespace, tournament: Tournament) -> int:
    from ganworks.commands.compare_queue import Queue
    from ganworks.console import note
    from ganworks.report.compare import write_page
    from ganworks.report.standings import means_text, table, text, to_json

    contest = contest_of(tournament, Queue(args.out).states(), args.by)
    found = table(contest.results, args.by)
    path = write_page(contest)
    if args.json:
        runs = [{**vars(result), "figures": list(result.figures)} for result in contest.results]
        print(json.dumps({**to_json(found), "budget": dict(tournament.budget), "seeds": list(tournament.seeds),
                          "equal": dict(contest.equal), "differing": list(contest.differing), "runs": runs}, indent=2))
    else:
        print(text(found))
        if any(result.figures for result in contest.results):
            print("\n" + means_text(contest.results, [row.label for row in found.rows]))
        for line in said(contest):
            print(line)
    note(f"page: {path}")
    return 0


def contest_of(tournament: Tournament, states: dict[Pair, State], by: str | None = None) -> Contest:
    """Return all that is known of a tournament, as plain data."""
    from ganworks.commands.compare_entrants import settings
    from ganworks.report.compare import Contest
    from ganworks.report.standings import Result

    results = []
    for label, seed in tournament.pairs:
        state = states.get((label, seed))
        facts = (state.outcome if state else None) or {}
        results.append(Result(label, seed, state.state if state else "waiting", state.reason if state else "",
                              facts.get("steps"), facts.get("seconds"), tuple(facts.get("figures", ()))))
    equal, differing = settings(tournament.entrants, tournament.networks)
    judged = next((state.outcome for state in states.values() if state.outcome), None)
    if judged:
        equal["judged"] = f"{judged['n']:,} samples of each kind, features: {judged['features']}"
    equal["budget"], equal["seeds"] = tournament.budget_words(), ", ".join(map(str, tournament.seeds))
    paths = {pair: tournament.run_of(*pair) for pair in tournament.pairs}
    notes = tuple(dict.fromkeys(warning for state in states.values() if state.outcome
                                for warning in state.outcome["warnings"] if "generated" not in warning))
    return Contest(tournament.out, tournament.budget_words(), results, paths, equal, differing, by=by, notes=notes)


def said(contest: Contest) -> list[str]:
    """Return what a reader of the table must know beside it: how it was made, what differs, what failed."""
    lines = ["", f"{contest.equal.get('data', 'data')}, {contest.budget}, seeds {contest.equal['seeds']}"
             + (f"; judged on {contest.equal['judged']}" if "judged" in contest.equal else "")
             + "; intervals: Student's t over seeds, 95 %; noise: Welch's t test, p >= 0.05"]
    lines += differences(contest.differing)
    lines += [f"failed: {r.label}, seed {r.seed}: {r.reason}" for r in contest.results if r.state == "failed"]
    left = sum(result.state in ("waiting", "running") for result in contest.results)
    lines += [f"not finished: {left} of {len(contest.results)} runs"] if left else []
    return lines + [f"note: {note}" for note in contest.notes]


def differences(differing: Any) -> list[str]:
    """Return a line for each thing in which entrants differ; what was asked for is marked."""
    lines = []
    for record in differing:
        values = [f"{label} {value}{' (asked for)' if label in record['asked'] else ''}"
                  for label, value in record["values"].items()]
        lines.append(f"differs: {record['name']}: " + "; ".join(values))
    return lines
