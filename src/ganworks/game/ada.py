"""Adaptive discriminator augmentation (Karras, Aittala, Hellsten, Laine, Lehtinen and Aila 2020)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from ganworks.errors import UserError
from ganworks.game.ada_laws import colour, geometry
from ganworks.game.game import Round, signal
from ganworks.game.lens import Lens, check_images, check_policy, in_full
from ganworks.game.noise import Noise
from ganworks.game.resample import warped

Kind = Literal["blit", "geometry", "color"]


class ADA(Lens):
    """Augmentations, each with a probability p that rises while the critic overfits (Karras et al. 2020, section 3).

    Overfitting is read off r = E sign(D(real)): the share of real samples, as the critic sees them, that it calls
    real, less the share of those that it does not. Every ``interval`` minibatches of the critic p moves up where
    their mean r is above the target, else down, by their number of images / ``over``, and stays in [0, 1].

    The maps are those of appendix B in its order: pixel blitting (mirroring, quarter turns, shifts by whole pixels),
    geometry (scaling, rotation, stretching, fractional shifts), colours (brightness, contrast, luma flip, hue,
    saturation). Grey images have no hue and no saturation; alpha is moved, but not coloured. All moves are one affine
    map, read bilinearly, the image continued by its mirror image. The paper's low-pass filter is left out: log2 of a
    scale has a standard deviation of 0.2, so that what is shrunk is aliased a little; what is turned is blurred a
    little, real and generated samples alike.

    At p = 0 the lens returns the samples themselves. An image of which nothing was chosen is returned to the bit.

    Args:
        target: the wanted r, between -1 and 1; None keeps p at ``start``.
        over: images after which p can have gone from 0 to 1.
        interval: minibatches between two moves of p.
        start: p at the beginning, from 0 to 1.
        middle: the raw output at which the critic takes no side: 0 for logits and hinge, 0.5 for least squares with
            targets 0 and 1. Outputs of which only differences count (Wasserstein, relativistic) have none: give such
            a game a fixed p.
        policy: which maps, some of blit, geometry, color.
    """

    raised: Tensor
    minibatches: Tensor
    images: Tensor
    signs: Tensor

    def __init__(self, target: float | None = 0.6, over: int = 500_000, interval: int = 4, start: float = 0.0,
                 middle: float = 0.0, policy: Sequence[Kind] = ("blit", "geometry", "color")) -> None:
        super().__init__()
        if not ((target is None or -1 < target < 1) and over >= 1 and interval >= 1 and 0 <= start <= 1
                and math.isfinite(middle)):
            raise UserError(f"ADA: target {target}, over {over}, interval {interval}, start {start}, middle {middle}",
                            "target between -1 and 1, over >= 1, interval >= 1, start from 0 to 1, a finite middle")
        check_policy("ADA", policy, get_args(Kind))
        self.target, self.over, self.interval, self.middle, self.policy = target, over, interval, middle, tuple(policy)
        # p in images, a whole number: no sum of small floats, and the same after any number of saves.
        self.register_buffer("raised", torch.tensor(round(start * over)))
        self.register_buffer("minibatches", torch.tensor(0))
        self.register_buffer("images", torch.tensor(0))
        self.register_buffer("signs", torch.tensor(0.0))

    @property
    def p(self) -> float:
        """The probability of each augmentation."""
        return int(self.raised) / self.over

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        check_images(x, "ADA")
        p = self.p
        if p == 0:
            return x
        with torch.autocast(x.device.type, enabled=False):  # or the products of maps would be in half precision
            return self._coloured(self._moved(in_full(x), noise, p), noise, p)

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        if player != "critic":
            return
        if self.target is not None:
            self.signs += signal(rounds, "on_real", mean, of=lambda v: (v - self.middle).sign().mean())
            self.images += rounds[0].noise.total
            self.minibatches += 1
            if int(self.minibatches) == self.interval:
                self._steer(self.target)
        for round in rounds:
            round.signals["augmentation"] = self.raised / self.over

    def _steer(self, target: float) -> None:
        excess = self.signs / self.interval - target
        self.raised += self.images * excess.sign().long()
        self.raised.clamp_(0, self.over)
        for sum_ in (self.signs, self.images, self.minibatches):
            sum_.zero_()

    def _moved(self, x: Tensor, noise: Noise, p: float) -> Tensor:
        blit, warp = "blit" in self.policy, "geometry" in self.policy
        if not (blit or warp):
            return x
        chosen, linear, shift = geometry(noise, p, (x.shape[3], x.shape[2]), blit, warp)
        rows = chosen.nonzero()[:, 0]
        if len(rows) == len(x):
            return warped(x, linear, shift)
        return warped(x, linear[rows], shift[rows], rows) if len(rows) else x

    def _coloured(self, x: Tensor, noise: Noise, p: float) -> Tensor:
        if "color" not in self.policy:
            return x
        ink = min(x.shape[1], 3)
        linear, shift = (part.to(x.dtype) for part in colour(noise, p, ink))
        if ink == 1:
            return torch.addcmul(shift[..., None], x, linear[..., None])
        seen = torch.baddbmm(shift, linear, x[:, :3].flatten(2)).unflatten(2, x.shape[2:])
        return seen if x.shape[1] == 3 else torch.cat([seen, x[:, 3:]], 1)
