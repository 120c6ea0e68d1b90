"""Unrolled GANs: the generator plays against the critic as it will be after some more steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganworks.errors import UserError, did_you_mean
from ganworks.game.adam import adam_step
from ganworks.game.foresight import Foresight
from ganworks.game.memory import free_bytes, held_by_graphs
from ganworks.game.turn import Learns, Turn
from ganworks.nets.contract import Critic, judges_alone, judges_kinds

Tensors = dict[str, Tensor]
Moments = dict[str, tuple[Tensor, Tensor]]
SLACK = 1.4
"""So many times what graphs keep is asked for: the way back takes a tenth more, the allocator wastes up to a sixth, and
the training itself and others want some of what is free."""


class Unrolled(Foresight):
    """The critic after ``steps`` descents of its own cost, as a function of the generator (Metz et al. 2017, eq. 6-9).

    The generator's gradient runs through those steps too, which differentiates the critic's gradients (eq. 12, second
    term). The critic itself learns as ever (eq. 11). All steps are played on the batch of the generator's move, terms
    that are due included, each with fresh noise; the critic's weights and buffers stay as they are.

    Each foreseen step costs as much as two to three plain critic steps, since its backward pass is passed through once
    more, and all of them are kept until the generator's gradient is there: time and memory are linear in ``steps``.
    What they keep is measured on two steps before a training begins, which is refused where ``steps`` do not fit.
    Each part of an accumulated batch, and each process, foresees on its own rows.

    Args:
        steps: K, at least 0; 0 is the plain game.
        rate: of the foreseen steps, above 0.
        optimiser: "sgd", or "adam", which begins anew at each move: zero moments, whatever the critic's own have
            come to. Where a gradient is not much above Adam's 1e-8, the step is a steep function of it.
        betas: Adam's decay rates.
        first_order: take the foreseen critic for a constant. It is another, weaker method, for comparison: memory no
            longer grows, and neither does the generator learn what the critic will answer.
    """

    def __init__(self, steps: int, rate: float, optimiser: Literal["sgd", "adam"] = "sgd",
                 betas: tuple[float, float] = (0.5, 0.999), first_order: bool = False) -> None:
        if steps < 0 or not 0 < rate < float("inf"):
            raise UserError(f"unrolling: {steps} steps at rate {rate}", "steps >= 0 and a rate above 0")
        if optimiser not in ("sgd", "adam"):
            raise UserError(f"unrolling: optimiser '{optimiser}'", did_you_mean(optimiser, ("sgd", "adam")))
        if not all(0 <= beta < 1 for beta in betas):
            raise UserError(f"unrolling: betas {betas}", "two numbers in [0, 1)")
        self.steps, self.rate, self.optimiser, self.betas = steps, rate, optimiser, betas
        self.first_order = first_order

    def __call__(self, turn: Turn, cost: Callable[[Turn], Tensor]) -> Turn:
        if self.steps == 0:
            return turn
        for tensors in self._path(turn, cost, self.steps):
            foreseen = tensors
        if self.first_order:
            foreseen = {name: tensor.detach() for name, tensor in foreseen.items()}
        return turn.against(_Foreseen(turn.critic, foreseen), turn.learns)

    def check(self, critic: nn.Module) -> None:
        if self.steps and not any(p.requires_grad for p in critic.parameters()):
            raise UserError("unrolling a critic without weights to learn", "a critic that learns", "leave out --unroll")

    def rehearse(self, turn: Turn, cost: Callable[[Turn], Tensor]) -> None:
        """Raise UserError where the steps do not fit the memory: two of them tell how much each one keeps."""
        free = free_bytes(turn.real.device)
        if self.steps < 2 or self.first_order or free is None:
            return
        a_step = math.ceil(SLACK * self.keeps(turn, cost))
        if a_step * self.steps > free:
            raise UserError(
                f"{self.steps} unrolled steps are too many for the memory: they take about "
                f"{a_step * self.steps / 2**30:,.2f} GiB, and {free / 2**30:,.2f} GiB are free",
                f"at most {free // a_step} steps", "take a smaller --unroll, or a smaller --batch")

    def keeps(self, turn: Turn, cost: Callable[[Turn], Tensor]) -> int:
        """Return how many bytes each foreseen step keeps, by what the second one adds to the first."""
        with held_by_graphs() as held:
            first, second = (held() for _ in self._path(turn, cost, 2))
        return second - first

    def _path(self, turn: Turn, cost: Callable[[Turn], Tensor], steps: int) -> Iterator[Tensors]:
        """Yield the critic's weights and buffers after each foreseen step."""
        _ = turn.fake  # made here, once; every turn from here on shares it
        played = _Played(turn.critic)
        weights: Tensors = {name: p for name, p in played.named_parameters() if p.requires_grad}
        buffers: Tensors = dict(played.named_buffers())
        moments: Moments = {}
        for step in range(1, steps + 1):
            if self.first_order:
                weights = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
                moments = {name: (mean.detach(), square.detach()) for name, (mean, square) in moments.items()}
            # Cloned at each step: a later one must not write over what an earlier one's graph keeps.
            buffers = {name: buffer.clone() for name, buffer in buffers.items()}
            gradients = self._gradients(played, {**weights, **buffers}, list(weights), turn, cost)
            weights, moments = self._stepped(weights, gradients, moments, step)
            yield {**weights, **buffers}

    def _gradients(self, played: _Played, tensors: Tensors, wanted: list[str], turn: Turn,
                   cost: Callable[[Turn], Tensor]) -> Tensors:
        # The whole cost sees the foreseen weights, so that terms which read the critic's weights do so too.
        learns: Learns = "critic" if self.first_order else "both"
        total = functional_call(played, tensors, (turn, cost, learns))
        with torch.autocast(total.device.type, enabled=False):
            found = torch.autograd.grad(total, [tensors[name] for name in wanted], create_graph=not self.first_order,
                                        allow_unused=True, materialize_grads=True)
        return dict(zip(wanted, found, strict=True))

    def _stepped(self, weights: Tensors, gradients: Tensors, moments: Moments, step: int) -> tuple[Tensors, Moments]:
        if self.optimiser == "sgd":
            return {name: weight - self.rate * gradients[name] for name, weight in weights.items()}, moments
        stepped, now = {}, {}
        for name, weight in weights.items():
            mean, square = moments.get(name, (torch.zeros_like(weight), torch.zeros_like(weight)))
            stepped[name], *both = adam_step(weight, gradients[name], mean, square, self.rate, self.betas, step)
            now[name] = both[0], both[1]
        return stepped, now


class _Played(nn.Module):
    """The critic's whole cost as a function of its weights."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, turn: Turn, cost: Callable[[Turn], Tensor], learns: Learns) -> Tensor:
        return cost(turn.against(self.critic, learns))


class _Foreseen(Critic):
    """A critic with other weights and buffers; only its ``forward`` knows them, ``parameters()`` are today's."""

    def __init__(self, critic: nn.Module, tensors: Tensors) -> None:
        super().__init__()
        self.critic = critic
        self.judges_alone, self.judges_kinds = judges_alone(critic), judges_kinds(critic)
        self._tensors = {name.removeprefix("critic."): tensor for name, tensor in tensors.items()}

    def forward(self, *told: Any, **more: Any) -> Any:
        return functional_call(self.critic, self._tensors, told, more)

