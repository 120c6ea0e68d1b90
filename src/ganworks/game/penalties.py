"""Penalties on the critic's gradient with respect to its input."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganworks.errors import UserError, did_you_mean
from ganworks.game.piecewise import without_zeros
from ganworks.game.scores import full
from ganworks.game.terms import Term
from ganworks.game.turn import Turn

Place = Literal["between", "real", "fake", "around"]
Side = Literal["two", "one", "linear"]
Over = Literal["mean", "most"]
SIDES, OVER = get_args(Side), get_args(Over)


def between(turn: Turn) -> Tensor:
    """Return e real + (1 - e) fake with e uniform in [0, 1], one e a sample."""
    real = turn.real
    return torch.lerp(turn.fake.to(real.dtype), real, _one_a_sample(turn))


def around(turn: Turn) -> Tensor:
    """Return real + e u s / 2 with e, one a sample, and u, one an entry, uniform in [0, 1].

    s is the standard deviation of all entries of the real samples. This is what the authors' program does; their text
    has real + normal noise instead (Kodali et al. 2017).
    """
    real = turn.real
    noise = turn.noise.uniform(*real.shape[1:]).to(real.dtype)
    return real + _one_a_sample(turn) * noise * (0.5 * real.std(correction=0))


def _one_a_sample(turn: Turn) -> Tensor:
    return turn.noise.uniform(*[1] * (turn.real.dim() - 1)).to(turn.real.dtype)


PLACES: dict[str, Callable[[Turn], Tensor]] = {
    "between": between, "real": lambda turn: turn.real, "fake": lambda turn: turn.fake, "around": around}


class GradientTerm(Term):
    """Base of the penalties on the critic's gradient with respect to its input."""

    second_order = True

    def check(self, critic: nn.Module) -> None:
        for name, module in critic.named_modules():
            if isinstance(module, _BatchNorm):
                raise UserError(
                    f"{type(self).__name__} on a critic with batch normalisation (layer '{name}')",
                    "a critic that judges each sample alone: under batch normalisation the gradient at one sample "
                    "contains the others, and the penalty bounds nothing",
                    "take instance, spectral or no normalisation in the critic (--norm-critic none)")

    def gradient(self, turn: Turn, at: Tensor) -> Tensor:
        """Return d critic(x) / dx at each row of ``at``, in float32 or better: heads summed, positions averaged."""
        x = full(at)
        if not (turn.learns == "both" and x.requires_grad):  # a foreseen critic's cost reaches the generator
            x = x.detach().requires_grad_()
        with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
            scores = turn.judge(x).scores
            total = functools.reduce(torch.add, [score.flatten(1).mean(1).sum() if score.dim() > 1 else score.sum()
                                                 for score in scores])
            (gradient,) = torch.autograd.grad(total, x, create_graph=True)
        return without_zeros(gradient)

    def squares(self, turn: Turn, at: Tensor) -> Tensor:
        """Return |d critic(x) / dx|^2 (N,), over all of a sample's entries."""
        gradient = self.gradient(turn, at)
        return gradient.square().sum(tuple(range(1, gradient.dim())))


class GradientPenalty(GradientTerm):
    """E (|grad D(x)| - target)^2, or one of its relatives.

    As it is, WGAN-GP (Gulrajani et al. 2017, eq. 3). ``side="one"``: WGAN-LP (Petzka et al. 2018, eq. 8). ``"linear"``:
    max(0, |grad D| - target), not squared. ``at="around"``: DRAGAN (Kodali et al. 2017). ``target=0, over="most"``:
    MAX-GP (Zhou et al. 2019).

    "around" and "most" look at the samples of one part of one process, so they change with the number of parts.

    Args:
        target: the norm that costs nothing, at least 0. With 0 all sides of a square are the same, and smooth.
        side: which norms cost: "two", all that miss the target; "one", larger ones; "linear", larger ones, linearly.
        at: where the gradient is taken; see ``PLACES``.
        over: "mean" over the batch, or its "most".
    """

    def __init__(self, target: float = 1.0, side: Side = "two", at: Place = "between", over: Over = "mean") -> None:
        super().__init__()
        if not 0 <= target < math.inf:
            raise UserError(f"gradient penalty: target {target}", "a norm of at least 0")
        for what, given, known in (("side", side, SIDES), ("at", at, PLACES), ("over", over, OVER)):
            if given not in known:
                raise UserError(f"gradient penalty: {what} '{given}'", did_you_mean(given, known))
        self.target, self.side, self.at, self.over = target, side, at, over

    def forward(self, turn: Turn) -> Tensor:
        costs = self._costs(self.squares(turn, PLACES[self.at](turn)))
        return costs.mean() if self.over == "mean" else costs.max()

    def _costs(self, squares: Tensor) -> Tensor:
        if self.target == 0 and self.side != "linear":
            return squares
        excess = raised(squares, 0.5) - self.target
        if self.side != "two":
            excess = excess.relu()
        return excess if self.side == "linear" else excess.square()


class GradientPower(GradientTerm):
    """E |grad D(x)|^power; WGAN-div with power 6 and the weight k = 2 (Wu et al. 2018).

    Args:
        power: at least 1.
        at: where the gradient is taken; see ``PLACES``.
    """

    def __init__(self, power: float = 6.0, at: Place = "between") -> None:
        super().__init__()
        if not 1 <= power < math.inf:
            raise UserError(f"gradient power {power}", "a power of at least 1")
        if at not in PLACES:
            raise UserError(f"gradient power: at '{at}'", did_you_mean(at, PLACES))
        self.power, self.at = power, at

    def forward(self, turn: Turn) -> Tensor:
        return raised(self.squares(turn, PLACES[self.at](turn)), self.power / 2).mean()


class R1(GradientTerm):
    """E |grad D(x)|^2 / 2 on real samples, so that the weight is the paper's gamma (Mescheder et al. 2018, eq. 9)."""

    def forward(self, turn: Turn) -> Tensor:
        return 0.5 * self.squares(turn, turn.real).mean()


class R2(GradientTerm):
    """E |grad D(x)|^2 / 2 on generated samples (Mescheder et al. 2018, eq. 10)."""

    def forward(self, turn: Turn) -> Tensor:
        return 0.5 * self.squares(turn, turn.fake).mean()


def raised(squares: Tensor, exponent: float) -> Tensor:
    """Return ``squares ** exponent``; below 1 the slope at 0 is infinite, and taken as 0."""
    if exponent >= 1:
        return squares if exponent == 1 else squares.pow(exponent)
    # The second backward would make NaN of that slope; what is not 0 is raised alone, so that no derivative meets it.
    positive = squares > 0
    return torch.where(positive, squares, 1.0).pow(exponent) * positive
