"""Critics that judge an image patch by patch (Isola et al. 2017, section 3.2.2), or pixel by pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.nets.contract import Critic, Verdict
from ganworks.nets.layers import check_norm, doubled, initialise
from ganworks.nets.spectral import spectral_norm
from ganworks.nets.translator import image_norm, small_weights

DEEPEST = 6


class PatchCritic(Critic):
    """Images (N, C, H, W) to a map of raw outputs (N, 1, h, w), one for each patch, and a layer of features a stage.

    4x4 convolutions, of stride 2 but for the last two, with leaky ReLU 0.2. With 3 layers of stride 2 a patch has
    70 x 70 pixels (the paper's), with 1 it has 16 x 16; without any, 1x1 convolutions judge each pixel by itself.

    Args:
        channels: of an image and, where the critic is told the input, of that.
        layers: convolutions of stride 2, 0 to 6.
        width: channels of the first maps; each stage has twice as many, up to 8 times.
        norm: "instance" (without a gain and a shift), "batch", "spectral" or "none"; none on the first stage.
    """

    def __init__(self, channels: int, layers: int = 3, width: int = 64, norm: str = "instance") -> None:
        super().__init__()
        check_norm(norm)
        if channels < 1 or width < 1 or not 0 <= layers <= DEEPEST:
            raise UserError(f"patch critic: {channels} channels, {layers} layers, width {width}",
                            f"at least 1 channel and width, 0 to {DEEPEST} layers")
        self.layers, self.norm = layers, norm
        self.judges_alone = norm != "batch"
        self.stages = nn.ModuleList()
        before = channels
        for i, wide in enumerate(doubled(width, layers + 1) if layers else [width, 2 * width]):
            conv = self._conv(before, wide, 2 if i < layers else 1, bias=norm != "batch" or i == 0)
            own = image_norm(wide, norm) if i and norm in ("instance", "batch") else []
            self.stages.append(nn.Sequential(conv, *own, nn.LeakyReLU(0.2, inplace=True)))
            before = wide
        self.last = self._conv(before, 1, 1, bias=layers > 0 or norm != "batch")
        initialise(self, "none") if norm == "none" else small_weights(self)  # else small weights let the signal vanish

    @property
    def smallest(self) -> int:
        """The smallest side of an image that leaves a patch to judge."""
        return 3 * 2**self.layers if self.layers else 2

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Verdict:
        """Judge images, beside the input that they are translations of where that is told."""
        if min(x.shape[-2:]) < self.smallest:
            raise UserError(f"patch critic of {self.layers} layers: images of {x.shape[-1]} x {x.shape[-2]} pixels",
                            f"at least {self.smallest} pixels a side", "take fewer layers (--patch-layers)")
        if condition is not None:
            x = torch.cat([condition.to(x.dtype), x], dim=1)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return Verdict((self.last(x),), (tuple(features),))

    def _conv(self, before: int, wide: int, stride: int, bias: bool) -> nn.Module:
        conv = (nn.Conv2d(before, wide, 4, stride, 1, bias=bias) if self.layers
                else nn.Conv2d(before, wide, 1, bias=bias))
        return spectral_norm(conv) if self.norm == "spectral" else conv
