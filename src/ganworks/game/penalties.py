"""Penalties on the critic's gradient with respect to its input."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganworks.errors import UserError
from ganworks.game.terms import Term
from ganworks.game.turn import Turn


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
        x = at.float() if at.dtype in (torch.bfloat16, torch.float16) else at
        if not (turn.learns == "both" and x.requires_grad):  # a foreseen critic's cost reaches the generator
            x = x.detach().requires_grad_()
        with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
            scores = turn.judge(x).scores
            total = functools.reduce(torch.add, [score.flatten(1).mean(1).sum() if score.dim() > 1 else score.sum()
                                                 for score in scores])
            (gradient,) = torch.autograd.grad(total, x, create_graph=True)
        return gradient


class GradientPenalty(GradientTerm):
    """E (|grad D(x)| - target)^2 at random points between real and generated samples (WGAN-GP).

    Gulrajani et al. 2017, eq. 3: x = e real + (1 - e) fake with e uniform in [0, 1], one e a sample; the norm is over
    all of a sample's entries. One-sided (Petzka et al. 2018, eq. 8): only norms above the target cost.

    Args:
        target: the wanted norm, above 0.
        one_sided: leave norms below the target alone.
    """

    def __init__(self, target: float = 1.0, one_sided: bool = False) -> None:
        super().__init__()
        if not target > 0:
            raise UserError(f"gradient penalty: target {target}", "a norm above 0")
        self.target, self.one_sided = target, one_sided

    def forward(self, turn: Turn) -> Tensor:
        real, fake = turn.real, turn.fake
        mix = turn.noise.uniform(*[1] * (real.dim() - 1)).to(real.dtype)
        norm = _norms(self.gradient(turn, torch.lerp(fake.to(real.dtype), real, mix)))
        excess = norm - self.target
        return (excess.relu() if self.one_sided else excess).square().mean()


class R1(GradientTerm):
    """E |grad D(x)|^2 / 2 on real samples, so that the weight is the paper's gamma (Mescheder et al. 2018, eq. 9)."""

    def forward(self, turn: Turn) -> Tensor:
        gradient = self.gradient(turn, turn.real)
        return 0.5 * gradient.square().sum(tuple(range(1, gradient.dim()))).mean()


def _norms(gradient: Tensor) -> Tensor:
    # vector_norm has the subgradient 0 at 0, where sqrt(sum(g^2)) would give NaN in the second backward.
    return torch.linalg.vector_norm(gradient, dim=tuple(range(1, gradient.dim())))
