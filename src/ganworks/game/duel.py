"""The game of one generator against one critic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.game.game import Costs, Game, Move, Round
from ganworks.game.noise import Latent, Noise
from ganworks.game.terms import Weighted
from ganworks.game.turn import Turn
from ganworks.nets.contract import call
from ganworks.objective import Objective


class Duel(Game):
    """One generator against one critic: Algorithm 1 of Goodfellow et al. 2014 with any objective and any terms.

    Args:
        generator: module ``(z) -> samples``, or ``(z, condition)`` where there is a condition.
        critic: module ``(x) -> raw outputs`` (high = real), a tensor or a ``Verdict``.
        objective: what both minimise.
        latent: the law of z.
        critic_terms, generator_terms: further summands of each player's cost.
        critic_steps: critic updates per generator update, at least 1.
        condition: the batch entry that both players are told ("label", say), or None.
        fresh: draw new latents for the generator's move, as the paper's algorithm does. By default it is played on
            the samples of the last critic move, which saves one pass of the generator.
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, objective: Objective, latent: Latent, *,
                 critic_terms: Sequence[Weighted] = (), generator_terms: Sequence[Weighted] = (),
                 critic_steps: int = 1, condition: str | None = None, fresh: bool = False) -> None:
        super().__init__()
        if critic_steps < 1:
            raise UserError(f"{critic_steps} critic steps", "at least 1")
        self.generator, self.critic = generator, critic
        self.objective, self.latent, self.condition = objective, latent, condition
        self.critic_terms, self.generator_terms = tuple(critic_terms), tuple(generator_terms)
        self.terms = nn.ModuleList(weighted.term for weighted in (*critic_terms, *generator_terms))
        for weighted in (*critic_terms, *generator_terms):
            weighted.term.check(critic)
        self._moves = (Move("critic", self.critic_cost, repeat=critic_steps,
                            second_order=_second_order(self.critic_terms)),
                       Move("generator", self.generator_cost, fresh=fresh,
                            second_order=_second_order(self.generator_terms)))

    @property
    def players(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic}

    @property
    def objectives(self) -> dict[str, Objective]:
        return {"objective": self.objective}

    @property
    def moves(self) -> tuple[Move, ...]:
        return self._moves

    def open(self, batch: Mapping[str, Tensor], step: int, noise: Noise, held: bool = False) -> Round:
        round = Round(batch, step, noise, held)
        round.memory["source"] = self.latent.draw(noise)
        return round

    def critic_cost(self, round: Round) -> Costs:
        """Return the critic's cost: the objective's, and the terms that are due."""
        turn = self._turn(round, "critic")
        costs = {"adversarial": self.objective.critic_cost(turn.on_real.scores, turn.on_fake.scores)}
        costs |= {w.name: w.cost(turn) for w in self.critic_terms if w.due(round.step)}
        if turn.made is not None:
            round.memory["made"] = turn.made
        round.signals["on_real"] = turn.on_real.scores[0].detach()
        round.signals["on_fake"] = turn.on_fake.scores[0].detach()
        return costs

    def generator_cost(self, round: Round) -> Costs:
        """Return the generator's cost: the objective's, and the terms that are due."""
        turn = self._turn(round, "generator")
        on_real = turn.on_real.scores if self.objective.needs_real else None
        costs = {"adversarial": self.objective.generator_cost(on_real, turn.on_fake.scores)}
        return costs | {w.name: w.cost(turn) for w in self.generator_terms if w.due(round.step)}

    def preview(self, players: Mapping[str, nn.Module], batch: Mapping[str, Tensor], noise: Noise) -> Tensor:
        return call(players["generator"], self.latent.draw(noise), self._condition(batch))

    def _condition(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        if self.condition is None:
            return None
        if self.condition not in batch:
            raise UserError(f"a conditional game without '{self.condition}' in its data",
                            f"data with one of: {', '.join(batch)}, '{self.condition}'",
                            "take labelled data, or a recipe without a condition")
        return batch[self.condition]

    def _turn(self, round: Round, learns: Literal["generator", "critic"]) -> Turn:
        return Turn(self.generator, self.critic, round.batch["sample"], round.memory["source"], round.noise, learns,
                    self._condition(round.batch), made=round.memory.get("made"), keep=round.held and learns == "critic")


def _second_order(terms: Sequence[Weighted]):  # type: ignore[no-untyped-def]
    return lambda step: any(w.term.second_order and w.due(step) for w in terms)
