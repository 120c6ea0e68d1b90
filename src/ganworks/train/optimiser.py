"""Optimisers and learning-rate schedules as facts; torch's optimisers are built from them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from ganworks.errors import UserError, did_you_mean
from ganworks.train import optimistic

Kind = Literal["adam", "sgd", "rmsprop", "optimistic", "optimistic_adam"]
KINDS = ("adam", "sgd", "rmsprop", "optimistic", "optimistic_adam")
SHAPES = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class Schedule:
    """A factor on the learning rate as a function of the step.

    Attributes:
        shape: "constant", "linear" (falls to 0 at the end) or "cosine" (likewise).
        warmup: steps over which the rate rises linearly from 0, before the shape begins.
        hold: share of the steps after the warm-up during which the rate stays at 1, 0 to 1.
    """

    shape: Literal["constant", "linear", "cosine"] = "constant"
    warmup: int = 0
    hold: float = 0.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise UserError(f"schedule '{self.shape}'", did_you_mean(self.shape, SHAPES))
        if self.warmup < 0 or not 0 <= self.hold < 1:
            raise UserError(f"schedule: warmup {self.warmup}, hold {self.hold}", "warmup >= 0 and 0 <= hold < 1")

    def factor(self, step: int, steps: int) -> float:
        """Return the factor at ``step`` (from 0) of ``steps``, in [0, 1]."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        if self.shape == "constant":
            return 1.0
        done = (step - self.warmup) / max(steps - self.warmup, 1)
        falling = min(max((done - self.hold) / (1 - self.hold), 0.0), 1.0)
        return 1 - falling if self.shape == "linear" else 0.5 * (1 + math.cos(math.pi * falling))


@dataclass(frozen=True)
class Optimiser:
    """How one player is updated.

    Attributes:
        kind: "adam", "sgd", "rmsprop", "optimistic" (descent) or "optimistic_adam".
        rate: learning rate, above 0.
        betas: Adam's decay rates; RMSprop takes the second one as its own; SGD takes the first as momentum; optimistic
            descent has no use for them.
        decay: weight decay.
        clip: largest norm of the player's whole gradient, or None.
        schedule: of the learning rate.
    """

    kind: Kind = "adam"
    rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    decay: float = 0.0
    clip: float | None = None
    schedule: Schedule = Schedule()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"optimiser '{self.kind}'", did_you_mean(self.kind, KINDS))
        if not self.rate > 0 or self.decay < 0 or (self.clip is not None and not self.clip > 0):
            raise UserError(f"optimiser: rate {self.rate}, decay {self.decay}, clip {self.clip}",
                            "rate > 0, decay >= 0, clip > 0 or none")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise UserError(f"optimiser: betas {self.betas}", "two numbers in [0, 1)")

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return torch's optimiser, its fused form where there is one, or one of ours."""
        parameters = list(parameters)
        if self.kind == "optimistic":
            return optimistic.Optimistic(parameters, self.rate, self.decay)
        if self.kind == "optimistic_adam":
            return optimistic.OptimisticAdam(parameters, self.rate, self.betas, self.decay)
        fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)
        if self.kind == "adam":
            return torch.optim.Adam(parameters, self.rate, self.betas, weight_decay=self.decay, fused=fused)
        if self.kind == "sgd":
            return torch.optim.SGD(parameters, self.rate, self.betas[0], weight_decay=self.decay, fused=fused)
        return torch.optim.RMSprop(parameters, self.rate, alpha=self.betas[1], weight_decay=self.decay)


def Adam(rate: float = 2e-4, betas: tuple[float, float] = (0.5, 0.999), **more: object) -> Optimiser:
    """Return Adam with DCGAN's decay rates (Radford et al. 2016)."""
    return Optimiser("adam", rate, betas, **more)  # type: ignore[arg-type]


def SGD(rate: float = 1e-2, momentum: float = 0.0, **more: object) -> Optimiser:
    """Return stochastic gradient descent."""
    return Optimiser("sgd", rate, (momentum, 0.0), **more)  # type: ignore[arg-type]


def RMSprop(rate: float = 5e-5, alpha: float = 0.99, **more: object) -> Optimiser:
    """Return RMSprop with WGAN's rate (Arjovsky et al. 2017, Algorithm 1)."""
    return Optimiser("rmsprop", rate, (0.0, alpha), **more)  # type: ignore[arg-type]


def Optimistic(rate: float = 1e-2, **more: object) -> Optimiser:
    """Return optimistic gradient descent (Daskalakis et al. 2018, section 2)."""
    return Optimiser("optimistic", rate, (0.0, 0.0), **more)  # type: ignore[arg-type]


def OptimisticAdam(rate: float = 2e-4, betas: tuple[float, float] = (0.5, 0.999), **more: object) -> Optimiser:
    """Return optimistic Adam (Daskalakis et al. 2018, Algorithm 1)."""
    return Optimiser("optimistic_adam", rate, betas, **more)  # type: ignore[arg-type]
