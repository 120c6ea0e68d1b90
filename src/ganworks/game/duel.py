"""The game of one generator against one critic."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game.foresight import Foresight
from ganworks.game.game import Costs, Game, Move, Round
from ganworks.game.lens import Lens
from ganworks.game.noise import Entry, Latent, Noise
from ganworks.game.packing import check_packing
from ganworks.game.replay import Replay
from ganworks.game.terms import Weighted
from ganworks.game.top import Top
from ganworks.game.turn import Learns, Turn
from ganworks.nets.contract import call, in_parts
from ganworks.objective import Objective


class Duel(Game):
    """One generator against one critic: Algorithm 1 of Goodfellow et al. 2014 with any objective and any terms.

    Args:
        generator: module ``(z) -> samples``, or ``(z, condition)`` where there is a condition.
        critic: module ``(x) -> raw outputs`` (high = real), a tensor or a ``Verdict``.
        objective: what both minimise.
        latent: the law of z; or the batch entry that is the generator's input, ``Entry("input")``.
        critic_terms, generator_terms: further summands of each player's cost.
        critic_steps: critic updates per generator update, at least 1.
        condition: the batch entry that both players are told ("label", say), or None.
        fresh: draw new latents for the generator's move, as the paper's algorithm does. By default it is played on
            the samples of the last critic move, which saves one pass of the generator.
        lens: what the critic sees all samples through: noise on them, augmentations.
        pack: how many samples the critic judges at a time, joined along their channels (PacGAN); the critic is one
            for that many channels.
        top: which of its samples the generator learns from.
        foresight: the critic that the generator plays against is not today's (unrolling).
        replay: older samples that the critic is shown in place of some new ones.
        pretrain: steps in which the critic minimises its cost on real samples alone and the generator rests (Zhao et
            al. 2017: an autoencoder that knows the data first).
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, objective: Objective, latent: Latent | Entry, *,
                 critic_terms: Sequence[Weighted] = (), generator_terms: Sequence[Weighted] = (),
                 critic_steps: int = 1, condition: str | None = None, fresh: bool = False, lens: Lens | None = None,
                 pack: int = 1, top: Top | None = None, foresight: Foresight | None = None,
                 replay: Replay | None = None, pretrain: int = 0) -> None:
        super().__init__()
        if critic_steps < 1:
            raise UserError(f"{critic_steps} critic steps", "at least 1")
        if pack > 1 and condition is not None:
            raise UserError(f"packs of {pack} samples in a game with a condition", "one or the other",
                            "leave out --pack")
        if replay is not None and condition is not None:
            raise UserError("a replay pool in a game with a condition: older samples would be judged beside conditions "
                            "that they were not made on", "one or the other")
        self.generator, self.critic = generator, critic
        self.objective, self.latent, self.condition = objective, latent, condition
        self.lens, self.pack, self.top, self.foresight, self.pretrain = lens, pack, top, foresight, pretrain
        self.replay = replay
        self.needs = (latent.name,) if isinstance(latent, Entry) else ()
        self.critic_terms, self.generator_terms = tuple(critic_terms), tuple(generator_terms)
        self.terms = nn.ModuleList(weighted.term for weighted in (*critic_terms, *generator_terms))
        for weighted in (*critic_terms, *generator_terms):
            weighted.term.check(critic)
        self._moves = (Move("critic", self.critic_cost, repeat=critic_steps,
                            second_order=_second_order(self.critic_terms)),
                       Move("generator", self.generator_cost, fresh=fresh, begin=pretrain,
                            second_order=(_always if foresight else _second_order(self.generator_terms))))

    @property
    def players(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic}

    @property
    def objectives(self) -> dict[str, Objective]:
        return {"objective": self.objective}

    @property
    def moves(self) -> tuple[Move, ...]:
        return self._moves

    def duels(self, batch: Mapping[str, Tensor]) -> dict[str, tuple[Duel, Mapping[str, Tensor]]]:
        return {"": (self, batch)}

    def open(self, batch: Mapping[str, Tensor], step: int, noise: Noise, held: bool = False) -> Round:
        round = Round(batch, step, noise, held)
        round.memory["source"] = self.source(batch, noise)
        return round

    def check(self, rows: int) -> None:
        check_packing(rows, self.pack)
        if self.foresight is not None:
            self.foresight.check(self.critic)

    def rehearse(self, draw: Callable[[int], Round]) -> None:
        if self.foresight is None:
            return
        lazy = math.lcm(*(weighted.every for weighted in self.critic_terms))
        round = draw(math.ceil(self.pretrain / lazy) * lazy)  # the costliest kind of step: every term is due
        # Made without the generator, whose statistics stay as they are: what is in a sample takes no memory.
        round.memory["made"] = torch.zeros_like(round.batch["sample"]).requires_grad_()
        self.foresight.rehearse(self._turn(round, "generator"), self._critic_cost)

    def critic_cost(self, round: Round) -> Costs:
        """Return the critic's cost: the objective's, and the terms that are due."""
        turn = self._turn(round, "critic")
        costs = self.critic_costs(turn)
        if turn.made is not None:
            round.memory["made"] = turn.made
        round.signals["on_real"] = turn.on_real.scores[0].detach()
        round.signals["on_fake"] = turn.on_fake.scores[0].detach()
        return costs

    def generator_cost(self, round: Round) -> Costs:
        """Return the generator's cost: the objective's, and the terms that are due."""
        return self.generator_costs(self._turn(round, "generator"))

    def critic_costs(self, turn: Turn) -> Costs:
        """Return the critic's cost in a turn."""
        if turn.step < self.pretrain:
            return {"adversarial": self.objective.real_cost(turn.on_real.scores)}
        costs = {"adversarial": self.objective.critic_cost(turn.on_real.scores, turn.on_fake.scores)}
        return costs | {w.name: w.cost(turn) for w in self.critic_terms if w.due(turn.step)}

    def generator_costs(self, turn: Turn) -> Costs:
        """Return the generator's cost in a turn."""
        if self.foresight is not None:
            turn = self.foresight(turn, self._critic_cost)
        real, fake = turn.on_real.scores if self.objective.needs_real else None, turn.on_fake.scores
        if self.top is not None:
            rows = self.top.rows(fake, turn.step)
            real, fake = real and tuple(score[rows] for score in real), tuple(score[rows] for score in fake)
        costs = {"adversarial": self.objective.generator_cost(real, fake)}
        return costs | {w.name: w.cost(turn) for w in self.generator_terms if w.due(turn.step)}

    def source(self, batch: Mapping[str, Tensor], noise: Noise) -> Tensor:
        """Return what the generator begins with: latents, or images to translate."""
        return self.latent.of(batch) if isinstance(self.latent, Entry) else self.latent.draw(noise)

    def turn(self, real: Tensor, source: Tensor, round: Round, learns: Learns, made: Tensor | None = None,
             condition: Tensor | None = None, keep: bool = False) -> Turn:
        """Return a turn of this duel in a round, on samples and inputs that may be parts of its batch.

        Args:
            real, source, learns, made, condition, keep: see ``Turn``.
        """
        return Turn(self.generator, self.critic, real, source, round.noise, "both" if round.joint else learns,
                    condition, made, keep, round.step, self.lens, self.pack, self.replay)

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        if any(round.step < self.pretrain for round in rounds):  # nobody has met yet, so there is nothing to steer by
            return
        for weighted in (*self.critic_terms, *self.generator_terms):
            weighted.term.played(player, rounds, mean)
        if self.lens is not None:
            self.lens.played(player, rounds, mean)

    def preview(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> Tensor:
        start, condition = self.source(batch, noise), self.told(batch)
        if isinstance(self.latent, Entry):
            return in_parts(players["generator"], start, condition)
        return call(players["generator"], start, condition)

    def panels(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> dict[str, Tensor]:
        if not isinstance(self.latent, Entry):
            return {}
        shown = {"input": self.latent.of(batch), "translated": self.preview(players, batch, noise)}
        return shown | ({"real": batch["sample"]} if "sample" in batch else {})

    def told(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """Return what both players are told of a batch, None in a game without a condition."""
        if self.condition is None:
            return None
        if self.condition not in batch:
            raise UserError(f"a conditional game without '{self.condition}' in its data",
                            f"data with one of: {', '.join(batch)}, '{self.condition}'",
                            "take labelled data, or a recipe without a condition")
        return batch[self.condition]

    def _critic_cost(self, turn: Turn) -> Tensor:
        return functools.reduce(torch.add, self.critic_costs(turn).values())

    def _turn(self, round: Round, learns: Learns) -> Turn:
        return self.turn(round.batch["sample"], round.memory["source"], round, learns, round.memory.get("made"),
                         self.told(round.batch), round.held and learns == "critic")


def _always(step: int) -> bool:
    return True


def _second_order(terms: Sequence[Weighted]) -> Callable[[int], bool]:
    return lambda step: any(w.term.second_order and w.due(step) for w in terms)
