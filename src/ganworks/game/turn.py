"""What the terms of a player's cost may look at; each thing is computed once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganworks.game.noise import Noise
from ganworks.nets.contract import Verdict, as_verdict, call, judges_alone


class Turn:
    """One duel between a generator and a critic on one batch, from the point of view of the player that learns.

    While the critic learns, ``fake`` is detached from the generator; while the generator learns, nothing that only
    the critic could learn from is recorded.

    Attributes:
        generator, critic: the networks.
        real: real samples (N, ...).
        source: what the generator is given: latents (N, d), or images to translate.
        condition: what both players are told, or None.
        noise: random numbers for terms that need some.
        learns: whose cost is being computed.
        keep: in the critic's turn, make the samples with their graph and keep them for the generator's turn.
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, real: Tensor, source: Tensor, noise: Noise,
                 learns: Literal["generator", "critic"], condition: Tensor | None = None,
                 made: Tensor | None = None, keep: bool = False) -> None:
        self.generator, self.critic = generator, critic
        self.real, self.source, self.condition, self.noise = real, source, condition, noise
        self.learns, self.keep, self._made = learns, keep, made

    @property
    def made(self) -> Tensor | None:
        """The generated samples with their graph, where they have been made with it."""
        return self._made

    @cached_property
    def fake(self) -> Tensor:
        """Generated samples (N, ...)."""
        if self._made is None:
            if self.learns == "critic" and not self.keep:
                with torch.no_grad():
                    return call(self.generator, self.source, self.condition).detach()
            self._made = call(self.generator, self.source, self.condition)
        return self._made if self.learns == "generator" else self._made.detach()

    def judge(self, x: Tensor) -> Verdict:
        """Return the critic's verdict on any samples."""
        return as_verdict(call(self.critic, x, self.condition))

    @property
    def on_real(self) -> Verdict:
        """The critic's verdict on the real samples."""
        if self.learns == "critic":
            return self._both[0]
        return self._on_real_watched

    @property
    def on_fake(self) -> Verdict:
        """The critic's verdict on the generated samples."""
        if self.learns == "critic":
            return self._both[1]
        return self._on_fake_felt

    @cached_property
    def _both(self) -> tuple[Verdict, Verdict]:
        # A critic that judges samples one by one sees both kinds in one pass: fewer, larger products.
        if not judges_alone(self.critic) or self.real.shape != self.fake.shape or self.condition is not None:
            return self.judge(self.real), self.judge(self.fake)
        return _halves(self.judge(torch.cat([self.real, self.fake.to(self.real.dtype)])))

    @cached_property
    def _on_real_watched(self) -> Verdict:
        with torch.no_grad():
            return self.judge(self.real)

    @cached_property
    def _on_fake_felt(self) -> Verdict:
        return self.judge(self.fake)


def _halves(verdict: Verdict) -> tuple[Verdict, Verdict]:
    # Each score is cut once: two cuts would be two nodes in the graph, each padding its half of the gradient.
    scores = [score.chunk(2) for score in verdict.scores]

    def half(part: int) -> Verdict:
        def cut(x: Tensor) -> Tensor:
            return x.chunk(2)[part]

        return Verdict(tuple(score[part] for score in scores), [_Cut(head, cut) for head in verdict.features],
                       None if verdict.classes is None else cut(verdict.classes))

    return half(0), half(1)


class _Cut(Sequence[Tensor]):
    # Layers are cut when they are looked at: most turns never do, and each cut is a node in the graph.
    def __init__(self, layers: Sequence[Tensor], cut: Callable[[Tensor], Tensor]) -> None:
        self._layers, self._cut = layers, cut

    def __len__(self) -> int:
        return len(self._layers)

    def __getitem__(self, i: Any) -> Any:
        return tuple(map(self._cut, self._layers[i])) if isinstance(i, slice) else self._cut(self._layers[i])
