"""The U-Net that pix2pix translates with (Ronneberger et al. 2015; Isola et al. 2017, appendix 6.1.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.nets.layers import doubled
from ganworks.nets.translator import check_translator, image_norm, small_weights

DROPPED = 0.5
DEEPEST = 10


class UNetTranslator(nn.Module):
    """Images (N, A, H, W) to images (N, B, H, W) in [-1, 1]; H and W are multiples of 2 ** depth.

    4x4 convolutions of stride 2 down to a single pixel, as many transposed ones back, and each stage of the way back
    sees the maps of the way down of its size. Decoder stages of full width drop half of their values while they learn,
    which is all the randomness that the paper has; when images are translated nothing is dropped.

    Args:
        channels, made: A and B, at least 1.
        depth: halvings, 2 to 10: 8 takes 256 pixels to 1, 7 takes 128.
        width: channels of the first maps; each smaller stage has twice as many, up to 8 times.
        norm: "batch", as the paper's networks have it, "instance", or "layer" (see ``ResNetTranslator``); for batches
            of one image the first two are the same but for a gain and a shift.
        dropout: in [0, 1).
    """

    def __init__(self, channels: int, made: int, depth: int = 8, width: int = 64, norm: str = "batch",
                 dropout: float = DROPPED) -> None:
        super().__init__()
        check_translator("U-Net", channels, made, width, norm)
        if not 2 <= depth <= DEEPEST or not 0 <= dropout < 1:
            raise UserError(f"U-Net: depth {depth}, dropout {dropout:g}",
                            f"a depth from 2 to {DEEPEST}, dropout in [0, 1)")
        self.multiple, bias = 2**depth, norm != "batch"
        widths, last = doubled(width, depth), depth - 1
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, wide in enumerate(widths):
            conv = nn.Conv2d(widths[i - 1] if i else channels, wide, 4, 2, 1, bias=bias or i == 0)
            own = image_norm(wide, norm) if 0 < i < last else []  # a single pixel has no statistics of its own
            self.down.append(nn.Sequential(*([nn.LeakyReLU(0.2)] if i else []), conv, *own))
        for i in reversed(range(depth)):
            before, wide = widths[i] * (1 if i == last else 2), widths[i - 1] if i else made
            up = nn.ConvTranspose2d(before, wide, 4, 2, 1, bias=bias or i == 0)
            behind = [*image_norm(wide, norm), *_dropout(dropout, i, widths)] if i else [nn.Tanh()]
            self.up.append(nn.Sequential(nn.ReLU(), up, *behind))
        small_weights(self)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Translate. ``condition`` is the input again, in games that tell it to the critic; it is not looked at."""
        if x.shape[-1] % self.multiple or x.shape[-2] % self.multiple:
            raise UserError(f"U-Net: images of {x.shape[-1]} x {x.shape[-2]} pixels", f"multiples of {self.multiple}")
        kept = []
        for stage in self.down:
            x = stage(x)
            kept.append(x)
        x = self.up[0](kept.pop())
        for stage in self.up[1:]:
            x = stage(torch.cat([x, kept.pop()], dim=1))
        return x


def _dropout(share: float, stage: int, widths: list[int]) -> list[nn.Module]:
    # Between two stages of full width, but not behind the innermost one, as the authors' networks have it.
    dropped = share and stage < len(widths) - 1 and widths[stage] == widths[stage - 1]
    return [nn.Dropout(share)] if dropped else []
