"""An adversarial objective as a value: four elementwise costs of the critic's raw output, and a link."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.objective.link import Link, separate

Elementwise = Callable[[Tensor], Tensor]
Scores = Tensor | Sequence[Tensor]
"""Raw critic outputs of any shape (samples first), or one such tensor for each head."""


@dataclass(frozen=True)
class Objective:
    """What critic and generator minimise. Everything is a COST of raw outputs v, and HIGH v means REAL, always.

    Attributes:
        name: its name in reports.
        phi: critic's cost of an output on a real sample.
        psi: critic's cost of an output on a generated sample.
        beta: generator's cost of an output on a generated sample.
        alpha: generator's cost of an output on a real sample, for links where that moves the generator.
        link: how raw outputs reach those functions: separate, rival or rival_mean.
        optimum: v*(log p/q), the perfect critic's output at log density ratio log p/q; None where it is not
            a function of the ratio.
        reference: paper and equation.
        design: the mathematics it was compiled from (a ``ganworks.design.Design``), or None.
        note: how it was compiled, or why nothing could be derived.

    Costs are computed in float32 or better whatever the networks run in.
    """

    name: str
    phi: Elementwise
    psi: Elementwise
    beta: Elementwise
    alpha: Elementwise | None = None
    link: Link = separate
    optimum: Elementwise | None = None
    reference: str = ""
    design: Any = None
    note: str = ""

    def critic_cost(self, real: Scores, fake: Scores) -> Tensor:
        """Return E phi(real) + E psi(fake): mean over elements, sum over heads; a scalar."""
        return _sum(self._critic_head(r, f) for r, f in _heads(real, fake))

    def real_cost(self, real: Scores) -> Tensor:
        """Return E phi(real) alone: mean over elements, sum over heads; a scalar. Only of separate outputs."""
        if self.link.paired:
            raise UserError(f"objective '{self.name}': its critic compares real samples with generated ones",
                            "an objective of separate outputs, where the critic is to learn real samples alone")
        return _sum(self.phi(_full(r)).mean() for r in _listed(real))

    def generator_cost(self, real: Scores | None, fake: Scores) -> Tensor:
        """Return E beta(fake) (+ E alpha(real)): mean over elements, sum over heads; a scalar.

        Args:
            real: the outputs on real samples; only looked at where ``needs_real`` is true.
        """
        if not self.needs_real:
            return _sum(self.beta(_full(f)).mean() for f in _listed(fake))
        if real is None:
            raise UserError(f"objective '{self.name}': its generator cost needs the outputs on real samples too")
        return _sum(self._generator_head(r, f) for r, f in _heads(real, fake))

    @property
    def needs_real(self) -> bool:
        """Whether the generator's cost looks at the outputs on real samples."""
        return self.link.paired or self.alpha is not None

    def _critic_head(self, real: Tensor, fake: Tensor) -> Tensor:
        real, fake = self.link(_full(real), _full(fake))
        return self.phi(real).mean() + self.psi(fake).mean()

    def _generator_head(self, real: Tensor, fake: Tensor) -> Tensor:
        real, fake = self.link(_full(real), _full(fake))
        cost = self.beta(fake).mean()
        return cost if self.alpha is None else cost + self.alpha(real).mean()


def _listed(scores: Scores) -> Sequence[Tensor]:
    return [scores] if isinstance(scores, Tensor) else scores


def _heads(real: Scores, fake: Scores) -> list[tuple[Tensor, Tensor]]:
    reals, fakes = _listed(real), _listed(fake)
    if len(reals) != len(fakes):
        raise UserError(f"{len(reals)} heads on real samples, {len(fakes)} on fake", "the same heads on both")
    return list(zip(reals, fakes, strict=True))


def _sum(costs: Iterable[Tensor]) -> Tensor:
    return functools.reduce(torch.add, costs)


def _full(v: Tensor) -> Tensor:
    return v.float() if v.dtype in (torch.bfloat16, torch.float16) else v
