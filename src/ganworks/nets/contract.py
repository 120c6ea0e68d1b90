"""What networks keep, so that any critic fits any game.

A generator is a module ``(source, condition=None) -> sample``; a critic is a module ``(x, condition=None)`` that
returns a tensor of raw outputs (any shape, samples first; high = real) or a ``Verdict``. Plain torch modules do:
``condition`` is passed only in games that have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Verdict(NamedTuple):
    """What a critic says of a batch.

    Attributes:
        scores: raw outputs, one tensor (N, ...) for each head.
        features: inner layers, shallow to deep, one sequence for each head; empty where the critic shows none.
        classes: class logits (N, classes) of an auxiliary classifier, or None.
    """

    scores: tuple[Tensor, ...]
    features: Sequence[Sequence[Tensor]] = ()
    classes: Tensor | None = None


class Critic(nn.Module):
    """Optional base of critics that can say how they look at a batch.

    Attributes:
        judges_alone: every sample is judged without a look at the others of its batch, so that real and generated
            samples may share one pass. False where batch statistics enter (batch normalisation and the like).
        judges_kinds: ``forward`` takes ``kinds`` as well: that the batch is so many equal parts, one behind the
            other, and that a sample is compared with those of its own part only. They may share a pass then, too.
    """

    judges_alone: bool = False
    judges_kinds: bool = False


class Panel(Critic):
    """Several critics that speak as one: their heads and features side by side (HiFi-GAN's periods and scales)."""

    def __init__(self, *critics: nn.Module) -> None:
        super().__init__()
        self.critics = nn.ModuleList(critics)
        self.judges_alone = all(judges_alone(critic) for critic in critics)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Verdict:
        verdicts = [as_verdict(call(critic, x, condition)) for critic in self.critics]
        classes = [v.classes for v in verdicts if v.classes is not None]
        return Verdict(tuple(score for v in verdicts for score in v.scores),
                       tuple(features for v in verdicts for features in v.features),
                       classes[0] if classes else None)


def call(network: nn.Module, x: Tensor, condition: Tensor | None) -> Any:
    """Call a network with its condition where there is one, and without where there is none."""
    return network(x) if condition is None else network(x, condition)


def in_parts(network: nn.Module, x: Tensor, condition: Tensor | None = None, size: int = 16) -> Tensor:
    """Return a network's output on x (N, ...), computed ``size`` rows at a time: images to translate are large."""
    told = [None] * -(-len(x) // size) if condition is None else condition.split(size)
    return torch.cat([call(network, part, own) for part, own in zip(x.split(size), told, strict=True)])


def as_verdict(output: Tensor | Verdict) -> Verdict:
    """Return a critic's output as a verdict: a bare tensor is a single head without features."""
    return Verdict((output,)) if isinstance(output, Tensor) else output


def judges_alone(critic: nn.Module) -> bool:
    """Whether ``critic`` judges each sample by itself; a plain module is not trusted to."""
    return isinstance(critic, Critic) and critic.judges_alone


def judges_kinds(critic: nn.Module) -> bool:
    """Whether ``critic`` can be told to compare samples with those of their own kind only."""
    return isinstance(critic, Critic) and critic.judges_kinds


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable numbers in ``module``."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
