"""Networks that map images to images: the residual translator (Johnson et al. 2016, as in Zhu et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.nets.layers import norm_layers

NORMS = ("instance", "batch", "layer")
WIDEST = 4  # times the first maps


class ResNetTranslator(nn.Module):
    """Images (N, A, H, W) to images (N, B, H, W) in [-1, 1]; H and W are multiples of 4, at least 8.

    A 7x7 convolution, two 3x3 ones of stride 2, residual blocks, two transposed 3x3 ones of stride 2, a 7x7 one with
    tanh (Zhu et al. 2017, appendix 7.2: c7s1-64, d128, d256, R256 ..., u128, u64, c7s1-3). What a convolution would
    see beyond the border is mirrored. No layer knows the size, so any size can be translated.

    Args:
        channels, made: A and B, at least 1.
        width: channels of the first maps; the inner ones have four times as many.
        blocks: residual blocks; the paper has 6 for images of 128 pixels and 9 from 256 on.
        norm: "instance" (without a gain and a shift, and convolutions with a bias, as the authors have it), "batch", or
            "layer", over all channels of an image together (Ba et al. 2016). Instance normalisation makes maps of one
            colour and maps of another the same, and of a flat image noise: on small images, of which many are flat, it
            loses what is to be translated.
        dropout: share of the maps' values that each block drops while it learns, in [0, 1).
    """

    multiple = 4
    """H and W must be multiples of it."""

    def __init__(self, channels: int, made: int, width: int = 64, blocks: int = 9, norm: str = "instance",
                 dropout: float = 0.0) -> None:
        super().__init__()
        check_translator("resnet translator", channels, made, width, norm)
        if blocks < 1 or not 0 <= dropout < 1:
            raise UserError(f"resnet translator: {blocks} blocks, dropout {dropout:g}",
                            "at least 1 block, dropout in [0, 1)")
        inner, bias = width * WIDEST, norm != "batch"
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7, bias=bias),
                                   *image_norm(width, norm), nn.ReLU(inplace=True)]
        for wide in (width, 2 * width):
            layers += [nn.Conv2d(wide, 2 * wide, 3, 2, 1, bias=bias), *image_norm(2 * wide, norm),
                       nn.ReLU(inplace=True)]
        layers += [Block(inner, norm, dropout) for _ in range(blocks)]
        for wide in (inner, inner // 2):
            layers += [nn.ConvTranspose2d(wide, wide // 2, 3, 2, 1, output_padding=1, bias=bias),
                       *image_norm(wide // 2, norm), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, made, 7), nn.Tanh())
        small_weights(self)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Translate. ``condition`` is the input again, in games that tell it to the critic; it is not looked at."""
        return self.layers(x)


class Block(nn.Module):
    """Adds two 3x3 convolutions of maps (N, width, H, W) to them, with a ReLU between (He et al. 2016)."""

    def __init__(self, width: int, norm: str, dropout: float = 0.0) -> None:
        super().__init__()
        bias = norm != "batch"
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), *image_norm(width, norm),
            nn.ReLU(inplace=True), *([nn.Dropout(dropout)] if dropout else []),
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), *image_norm(width, norm))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).add_(x)


def image_norm(width: int, norm: str) -> list[nn.Module]:
    """Return the layer that normalises maps between images; instance normalisation learns no gain and no shift."""
    if norm == "layer":
        return [nn.GroupNorm(1, width)]
    return [nn.InstanceNorm2d(width)] if norm == "instance" else norm_layers(width, "batch")


def check_translator(family: str, channels: int, made: int, width: int, norm: str) -> None:
    """Raise UserError for what no translator can have."""
    if min(channels, made, width) < 1 or norm not in NORMS:
        raise UserError(f"{family}: {channels} channels in, {made} out, width {width}, normalisation {norm}",
                        f"at least 1 of each, and one of: {', '.join(NORMS)}")


@torch.no_grad()
def small_weights(network: nn.Module) -> None:
    """Draw the weights of convolutions from N(0, 0.02^2), gains from N(1, 0.02^2); biases are 0 (both papers)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.weight.normal_(0.0, 0.02)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.normal_(1.0, 0.02)
            module.bias.zero_()
