"""A tournament before it happens: its entrants built once, what differs between them, and the time it will take."""

from __future__ import annotations

from dataclasses import replace

from ganworks.commands.compare_entrants import settings
from ganworks.commands.compare_queue import JOURNAL, Queue
from ganworks.commands.compare_tournament import Tournament
from ganworks.commands.compare_work import extractor_of, opened
from ganworks.console import track
from ganworks.errors import UserError
from ganworks.nets import count_parameters
from ganworks.train import Machine, Recipe


def with_networks(tournament: Tournament) -> Tournament:
    """Return the tournament with the sizes of its entrants' networks; builds each one that is new.

    Raises:
        UserError: a recipe that cannot be built on this data.
    """
    found = {label: dict(networks) for label, networks in tournament.networks.items()}
    for entrant in tournament.entrants:
        if not found.get(entrant.label):
            found[entrant.label] = _sizes(_built(tournament, entrant.label))
    return replace(tournament, networks=found)


def refuse_unjudgeable(tournament: Tournament) -> None:
    """Raise UserError where the runs could not be judged as it is asked for: before they are trained, not after."""
    source, n = opened(tournament.entrants[0].call), tournament.judging["n"]
    if n is not None and len(source) and n > len(source) // 2:
        raise UserError(f"--n {n} with {len(source)} samples in {source.name}", f"at most {len(source) // 2}: half of "
                        "them are kept to be judged as a perfect generator would be", "leave --n out, or take fewer")
    extractor_of(tournament, source)


def plan(tournament: Tournament, device: str, workers: int) -> str:
    """Return as text what would be run, how long it would take, and what differs between the entrants."""
    from ganworks.commands.compare import differences
    from ganworks.report.standings import columns
    from ganworks.report.words import duration
    from ganworks.train.plan import plan as timed

    states = Queue(tournament.out).states() if (tournament.out / JOURNAL).is_file() else {}
    rows, total, sizes = [("entrant", "runs", "done", "steps/s", "time of a run", "networks")], 0.0, {}
    for entrant in track(tournament.entrants, len(tournament.entrants), "trying a few steps", "entrants"):
        recipe = _built(tournament, entrant.label)
        sizes[entrant.label] = _sizes(recipe)
        options = entrant.call.options.training
        pace = timed(recipe, Machine(device, options.precision, options.compile)).seconds_a_step
        seconds = tournament.budget.get("seconds") or pace * tournament.budget["steps"]
        done = sum(state.state == "done" for (label, _), state in states.items() if label == entrant.label)
        total += seconds * (len(tournament.seeds) - done)
        rows.append((entrant.label, str(len(tournament.seeds)), str(done), f"{1 / pace:,.1f}", duration(seconds),
                     ", ".join(f"{player} {count:,}" for player, count in sizes[entrant.label].items())))
    lines = [f"tournament  {tournament.out}", f"budget      {tournament.budget_words()}",
             f"seeds       {', '.join(map(str, tournament.seeds))}", f"networks    {tournament.networks_words()}",
             "", columns(rows, left=(0, 5)), "",
             f"time        about {duration(total / workers)} of training with {workers} worker(s) here; pictures, "
             "measures and judging are not counted", *differences(settings(tournament.entrants, sizes)[1])]
    return "\n".join(lines)


def _built(tournament: Tournament, label: str) -> Recipe:
    call = tournament.call_of(label, tournament.seeds[0])
    try:
        return call.build(opened(call))
    except UserError as error:
        raise UserError(f"entrant '{label}': {error.problem}", error.wanted, error.remedy) from error


def _sizes(recipe: Recipe) -> dict[str, int]:
    return {name: count_parameters(player) for name, player in recipe.game.players.items()}
