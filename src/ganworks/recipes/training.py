"""What every recipe is trained with: one model of the options, one way to put a recipe together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from ganworks.data import Source
from ganworks.game import Game
from ganworks.train import EMA, Alternating, Cadence, Dynamics, Hook, Measure, Optimiser, Recipe, Schedule

Figure = Callable[[Tensor], float]
Measured = Callable[[int], Measure | None]


class Training(BaseModel):
    """How long, how fast and how carefully. The defaults are DCGAN's; a recipe's signature states its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(5000, ge=1, description="generator steps")
    batch: int = Field(64, ge=1, description="samples of one draw, over all processes")
    seed: int = Field(0, ge=0, description="of the initial weights, the data's order and the latents")
    optimiser: Literal["adam", "sgd", "rmsprop", "optimistic", "optimistic_adam"] = Field(
        "adam", description="for both players")
    lr: float = Field(2e-4, gt=0, description="learning rate")
    lr_critic: float | None = Field(None, gt=0, description="the critic's own learning rate (TTUR); by default lr")
    betas: tuple[float, float] = Field((0.5, 0.999), description="Adam's decay rates, as in 0.5,0.999; the first is "
                                       "SGD's momentum, the second RMSprop's alpha")
    decay: float = Field(0.0, ge=0, description="weight decay")
    clip: float | None = Field(None, gt=0, description="largest norm of a player's gradient, or none")
    schedule: Literal["constant", "linear", "cosine"] = Field("constant", description="of the learning rates")
    warmup: int = Field(0, ge=0, description="steps in which the learning rates rise from 0")
    hold: float = Field(0.0, ge=0, lt=1, description="share of the steps before a schedule begins to fall")
    critic_steps: int = Field(1, ge=1, description="critic updates per generator update")
    ema: float | None = Field(0.999, ge=0, lt=1, description="decay of the generator's moving average, or none")
    accumulate: int = Field(1, ge=1, description="parts in which a batch is played, to save memory")
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "tf32", description="of the networks' arithmetic: tf32 is float32 on a CPU; newer GPUs round what they "
        "multiply to 10 bits, and are several times as fast")
    compile: bool = Field(False, description="compile the networks with torch.compile")
    log_every: int = Field(10, ge=1, description="steps between records of the log")
    sample_every: int = Field(500, ge=1, description="steps between pictures of samples")
    checkpoint_every: int = Field(500, ge=1, description="steps between checkpoints")
    vitals_every: int | None = Field(100, ge=1, description="steps between records of vitals: what the critic tells "
                                     "apart, how varied samples are, gradients; or none")
    keep: int = Field(2, ge=2, description="checkpoints kept beside the best one")
    measure: int | None = Field(1000, ge=16, description="samples on which each checkpoint is measured (Frechet "
                                "distance on pixels, Wasserstein distance of points, L1 of pairs), or none")
    stop_when: Literal["plateau"] | None = Field(None, description="end before the last step when the measure of the "
                                                 "checkpoints has stopped falling (16 of them at least); or none")

    def optimisers(self) -> dict[str, Optimiser]:
        """Return the two players' optimisers."""
        schedule = Schedule(self.schedule, self.warmup, self.hold)
        rates = {"generator": self.lr, "critic": self.lr_critic or self.lr}
        return {player: Optimiser(self.optimiser, rate, self.betas, self.decay, self.clip, schedule)
                for player, rate in rates.items()}

    def recipe(self, game: Game, source: Source, hooks: Sequence[Hook] = (), dynamics: Dynamics = Alternating(),
               measured: Measured | None = None) -> Recipe:
        """Return the recipe of a game of a generator and a critic on a source with these options.

        Args:
            measured: from the number of samples to what decides which checkpoint is best; by default a distance to
                the data, of pixels or of points.
        """
        averages = [EMA(self.ema)] if self.ema is not None else []
        return Recipe(
            game, source, self.optimisers(), self.steps, self.batch, self.accumulate, [*hooks, *averages], self.seed,
            self.precision, self.compile, Cadence(self.log_every, self.sample_every, self.checkpoint_every, self.keep,
                                                  self.vitals_every),
            None if self.measure is None else (measured or partial(self._distance, source))(self.measure), dynamics)

    def _distance(self, source: Source, count: int) -> Measure:
        if len(source.shape) == 1:
            return Measure("Wasserstein distance", count, once(lambda: _transport_to(source, count)))
        return Measure("FD (pixels)", count, once(lambda: _frechet_to(source, count)))


def once(make: Callable[[], Figure]) -> Figure:
    """Return a figure that reads its reference at the first use: a run that is only sampled from never needs it."""
    made = functools.cache(make)
    return lambda samples: made()(samples)


def _frechet_to(source: Source, count: int) -> Figure:
    from ganworks.evaluate import quick_frechet

    return quick_frechet(source.head(count)["sample"])


def _transport_to(source: Source, count: int) -> Figure:
    from ganworks.evaluate import transport_distance

    reference = source.head(count)["sample"]
    return lambda samples: transport_distance(samples, reference)
