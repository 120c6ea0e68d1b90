"""What the terms of a player's cost may look at; each thing is computed once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganworks.game.lens import Lens
from ganworks.game.noise import Noise
from ganworks.game.packing import packed, unpacked
from ganworks.game.replay import Replay
from ganworks.nets.contract import Verdict, as_verdict, call, judges_alone, judges_kinds

Learns = Literal["generator", "critic", "both"]


class Turn:
    """One duel between a generator and a critic on one batch, from the point of view of the player that learns.

    While the critic learns, ``fake`` is detached from the generator; while the generator learns, nothing that only
    the critic could learn from is recorded. "both" is the critic's cost as the generator foresees it: nothing is
    detached.

    Attributes:
        generator, critic: the networks.
        real: real samples (N, ...); packed ones (N / pack, ...) where the critic judges several at a time.
        source: what the generator is given: latents (N, d), or images to translate.
        condition: what both players are told, or None.
        noise: random numbers for terms that need some, a row for each row of ``real``; ``single_noise`` is the same
            stream with a row for each single sample.
        learns: whose cost is being computed.
        keep: in the critic's turn, make the samples with their graph and keep them for the generator's turn.
        step: the training step.
        lens: what the critic sees samples through, or None.
        pack: how many samples the critic judges at a time.
        replay: older samples that the critic sees in place of some new ones while it learns, or None.
    """

    def __init__(self, generator: nn.Module, critic: nn.Module, real: Tensor, source: Tensor, noise: Noise,
                 learns: Learns, condition: Tensor | None = None, made: Tensor | None = None, keep: bool = False,
                 step: int = 0, lens: Lens | None = None, pack: int = 1, replay: Replay | None = None) -> None:
        self.generator, self.critic = generator, critic
        self.real, self.source, self.condition = packed(real, pack), source, condition
        self.noise, self.single_noise = noise.grouped(pack), noise
        self.learns, self.keep, self._made = learns, keep, made
        self.step, self.lens, self.pack, self.replay = step, lens, pack, replay

    def against(self, critic: nn.Module, learns: Learns) -> Turn:
        """Return the same turn against another critic, for another learner; made samples are shared."""
        return Turn(self.generator, critic, unpacked(self.real, self.pack), self.source, self.single_noise, learns,
                    self.condition, self._made, self.keep, self.step, self.lens, self.pack, self.replay)

    @property
    def made(self) -> Tensor | None:
        """The generated samples with their graph, single ones, where they have been made with it."""
        return self._made

    @cached_property
    def fake(self) -> Tensor:
        """Generated samples, of the shape of ``real``; while the critic learns, older ones are among them."""
        if self.learns == "critic":
            made = self._made_for_critic().detach()
            return packed(made if self.replay is None else self.replay(made, self.single_noise), self.pack)
        if self._made is None:
            self._made = call(self.generator, self.source, self.condition)
        return packed(self._made, self.pack)

    def _made_for_critic(self) -> Tensor:
        if self._made is not None:
            return self._made
        if self.keep:
            self._made = call(self.generator, self.source, self.condition)
            return self._made
        with torch.no_grad():
            return call(self.generator, self.source, self.condition)

    def judge(self, x: Tensor) -> Verdict:
        """Return the critic's verdict on any samples of the shape of ``real``, seen through the lens."""
        return self._verdict(self._seen(x))

    @property
    def on_real(self) -> Verdict:
        """The critic's verdict on the real samples."""
        return self._on_real_watched if self.learns == "generator" else self._both[0]

    @property
    def on_fake(self) -> Verdict:
        """The critic's verdict on the generated samples."""
        return self._on_fake_felt if self.learns == "generator" else self._both[1]

    def _seen(self, x: Tensor) -> Tensor:
        if self.lens is None:
            return x
        return packed(self.lens(unpacked(x, self.pack), self.single_noise, self.step), self.pack)

    def _verdict(self, seen: Tensor) -> Verdict:
        return as_verdict(call(self.critic, seen, self.condition))

    @cached_property
    def _both(self) -> tuple[Verdict, Verdict]:
        # A critic that need not compare real samples with generated ones sees both in one pass: fewer, larger products.
        real, fake = self._seen(self.real), self._seen(self.fake)
        alone, by_kind = judges_alone(self.critic), judges_kinds(self.critic)
        if real.shape != fake.shape or not (alone or by_kind):
            return self._verdict(real), self._verdict(fake)
        told = None if self.condition is None else torch.cat([self.condition] * 2)
        both = torch.cat([real, fake.to(real.dtype)])
        return _halves(as_verdict(self.critic(both, told, kinds=2) if by_kind else call(self.critic, both, told)))

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
