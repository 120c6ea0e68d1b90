"""The game of two translators, there and back (Zhu et al. 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganworks.errors import UserError
from ganworks.game.duel import Duel
from ganworks.game.game import Costs, Game, Move, Round
from ganworks.game.likeness import distance
from ganworks.game.noise import Noise
from ganworks.nets.contract import call, in_parts
from ganworks.objective import Objective

THERE, BACK = "AtoB", "BtoA"


class Cycle(Game):
    """Two duels: one translates A, the batch's "input", to B, its "sample", the other one back.

    Zhu et al. 2017, eq. 3: the costs of both duels, and for both kinds of images ``cycle`` E |back(there(x)) - x|; and,
    of section 5.2, ``cycle * identity`` E |there(y) - y| for an image y that is of the target's kind already. Both
    generators step together, then both critics, on the same translations; that is the order of the authors' code.

    Both generators are one player, "generator", and both critics are "critic": two networks by the names "AtoB", the
    one that makes or judges B, and "BtoA".

    Args:
        there, back: the duels, from A to B and from B to A; each with ``Entry`` inputs and no condition. Their replay
            pools, if they have some, are shown to the critics.
        cycle: weight of the way there and back, at least 0.
        identity: weight of what should stay as it is, as a share of ``cycle``, at least 0; 0 needs no such pass, and
            images of A and B may then have different channels.
    """

    needs = ("input", "sample")

    def __init__(self, there: Duel, back: Duel, cycle: float = 10.0, identity: float = 0.5) -> None:
        super().__init__()
        for name, weight in (("cycle", cycle), ("identity", identity)):
            if not (weight >= 0 and math.isfinite(weight)):
                raise UserError(f"a game of cycles: {name} {weight:g}", "a finite number of at least 0")
        for duel in (there, back):
            if (duel.condition is not None or duel.pack > 1 or duel.foresight is not None or duel.pretrain
                    or duel.moves[0].repeat > 1 or duel.moves[1].fresh):
                raise UserError("a game of cycles between duels with a condition, packs, unrolling, pre-training, "
                                "several critic steps or fresh inputs", "duels without")
        self.there, self.back, self.cycle, self.identity = there, back, cycle, identity
        self._players = {"generator": nn.ModuleDict({THERE: there.generator, BACK: back.generator}),
                         "critic": nn.ModuleDict({THERE: there.critic, BACK: back.critic})}
        self._moves = (Move("generator", self.generator_cost, second_order=partial(self._second_order, 1)),
                       Move("critic", self.critic_cost, fresh=False, second_order=partial(self._second_order, 0)))

    @property
    def players(self) -> dict[str, nn.Module]:
        return dict(self._players)

    @property
    def moves(self) -> tuple[Move, ...]:
        return self._moves

    @property
    def objectives(self) -> dict[str, Objective]:
        return {"objective": self.there.objective}

    def duels(self, batch: Mapping[str, Tensor]) -> dict[str, tuple[Duel, Mapping[str, Tensor]]]:
        return {THERE: (self.there, batch), BACK: (self.back, {"input": batch["sample"], "sample": batch["input"]})}

    def open(self, batch: Mapping[str, Tensor], step: int, noise: Noise, held: bool = False) -> Round:
        for duel in (self.there, self.back):
            duel.source(batch, noise)  # says what is missing
        return Round(batch, step, noise, held)

    def check(self, rows: int) -> None:
        self.there.check(rows)
        self.back.check(rows)

    def generator_cost(self, round: Round) -> Costs:
        """Return what both generators pay."""
        a, b = round.batch["input"], round.batch["sample"]
        (fake_b, same_b), (fake_a, same_a) = self._made(self.there, a, b), self._made(self.back, b, a)
        there = self.there.turn(b, a, round, "generator", fake_b)
        back = self.back.turn(a, b, round, "generator", fake_a)
        costs = _named(self.there.generator_costs(there), THERE) | _named(self.back.generator_costs(back), BACK)
        if self.cycle:
            costs["cycle A"] = self.cycle * distance(call(self.back.generator, fake_b, None), a)
            costs["cycle B"] = self.cycle * distance(call(self.there.generator, fake_a, None), b)
        if same_a is not None and same_b is not None:
            costs["identity A"] = self.cycle * self.identity * distance(same_a, a)
            costs["identity B"] = self.cycle * self.identity * distance(same_b, b)
        if round.joint:
            round.memory[THERE], round.memory[BACK] = fake_b, fake_a
        else:  # parts of a batch keep theirs, too: the critics' turn comes when the generators have moved on
            round.memory[THERE], round.memory[BACK] = fake_b.detach(), fake_a.detach()
        return costs

    def critic_cost(self, round: Round) -> Costs:
        """Return what both critics pay, on the translations of the generators' move."""
        a, b = round.batch["input"], round.batch["sample"]
        there = self.there.turn(b, a, round, "critic", round.memory.get(THERE))
        back = self.back.turn(a, b, round, "critic", round.memory.get(BACK))
        costs = _named(self.there.critic_costs(there), THERE) | _named(self.back.critic_costs(back), BACK)
        for turn, suffix in ((there, ""), (back, f" {BACK}")):
            round.signals["on_real" + suffix] = turn.on_real.scores[0].detach()
            round.signals["on_fake" + suffix] = turn.on_fake.scores[0].detach()
        return costs

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        for duel, suffix in ((self.there, ""), (self.back, f" {BACK}")):
            own = [Round(round.batch, round.step, round.noise, signals=_own(round.signals, suffix)) for round in rounds]
            duel.played(player, own, mean)

    def preview(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> Tensor:
        return in_parts(_both(players["generator"])[THERE], self.there.source(batch, noise))

    def panels(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> dict[str, Tensor]:
        both = _both(players["generator"])
        a, b = batch["input"], batch["sample"]
        made_b, made_a = in_parts(both[THERE], a), in_parts(both[BACK], b)
        return {"A": a, "A to B": made_b, "A to B to A": in_parts(both[BACK], made_b),
                "B": b, "B to A": made_a, "B to A to B": in_parts(both[THERE], made_a)}

    def _second_order(self, move: int, step: int) -> bool:
        return any(duel.moves[move].second_order(step) for duel in (self.there, self.back))

    def _made(self, duel: Duel, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return what a translator makes of its source, and of images that are of the target's kind already."""
        generator = duel.generator
        if not self.cycle * self.identity:
            return call(generator, source, None), None
        if source.shape != target.shape or any(isinstance(module, _BatchNorm) for module in generator.modules()):
            return call(generator, source, None), call(generator, target, None)
        made, same = call(generator, torch.cat([source, target]), None).chunk(2)  # one pass: fewer, larger products
        return made, same


def _own(signals: Mapping[str, Tensor], suffix: str) -> dict[str, Tensor]:
    return {name: signals[name + suffix] for name in ("on_real", "on_fake") if name + suffix in signals}


def _named(costs: Costs, direction: str) -> Costs:
    return {f"{name} {direction}": cost for name, cost in costs.items()}


def _both(player: nn.Module) -> nn.ModuleDict:
    assert isinstance(player, nn.ModuleDict)
    return player
