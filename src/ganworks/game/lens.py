"""What the critic is shown instead of the samples themselves: noise on them, augmentations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ganworks.errors import UserError, did_you_mean
from ganworks.game.game import Round
from ganworks.game.noise import Noise


class Lens(nn.Module, ABC):
    """A random map of samples, through which the critic sees real and generated ones alike, and penalties too.

    The generator learns through it, so it is differentiable in the samples. Its state, if any, lives in buffers.
    """

    @abstractmethod
    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        """Return what is seen of ``x`` (N, ...), of the same shape.

        Args:
            x: single samples, not packed; images float in [-1, 1].
            noise: random numbers, N rows.
            step: the training step.
        """

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        """Learn from a move that has been played; see ``Game.played``."""


def in_full(x: Tensor) -> Tensor:
    """Return ``x`` in float32 or better: a lens does not add the rounding of a half-precision network to itself."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def check_images(x: Tensor, lens: str) -> None:
    """Raise UserError where ``x`` are no images (N, C, H, W) of 1, 3 or 4 channels."""
    if x.dim() != 4 or x.shape[1] not in (1, 3, 4):
        raise UserError(f"{lens} of samples of shape {tuple(x.shape[1:])}", "images of 1, 3 or 4 channels",
                        "take instance noise (--noise), which is for samples of any shape, or none of it")


def check_policy(lens: str, policy: Sequence[str], known: Sequence[str]) -> None:
    """Raise UserError where ``policy`` is not some of the ``known`` names, each once."""
    for name in policy:
        if name not in known:
            raise UserError(f"{lens}: policy '{name}'", did_you_mean(name, known))
    if not policy or len(set(policy)) < len(policy):
        raise UserError(f"{lens}: policy {tuple(policy)}", f"some of {', '.join(known)}, each once")
