"""Images of any size through a network: the size stays, and tiles leave no seam."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganworks.data.source import as_bytes, as_floats
from ganworks.errors import UserError
from ganworks.nets.unet import UNetTranslator
from ganworks.train.tiles import translated


class Plain(nn.Module):
    """A network with one parameter, which tells the device."""

    def __init__(self, function: object = None) -> None:
        super().__init__()
        self.one, self.function, self.sizes = nn.Parameter(torch.ones(())), function, []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(tuple(x.shape[-2:]))
        return x * self.one if self.function is None else self.function(x)  # type: ignore[operator]


def image(height: int, width: int, channels: int = 3) -> Tensor:
    return torch.randint(0, 256, (channels, height, width), dtype=torch.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 7), (16, 16), (17, 31), (40, 23), (100, 33)])
@pytest.mark.parametrize("overlap", [0, 3, 7])
def test_the_identity_gives_the_image_back(size: tuple[int, int], overlap: int) -> None:
    net, x = Plain(), image(*size)
    assert torch.equal(translated(net, x, 16, overlap, 8), x)
    assert all((side % 8 == 0 and side <= 16) or side > 16 for shape in net.sizes for side in shape)
    assert max(max(shape) for shape in net.sizes) <= 16


def test_tiles_of_what_looks_near_are_the_whole() -> None:
    # A network that looks 2 pixels far errs within 2 pixels of a tile's border only, where the tile's weight is small;
    # everywhere else the mixture is exact.
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 3, 5, padding=2, padding_mode="reflect")
    x = image(70, 90)
    whole = as_bytes(torch.tanh(conv(as_floats(x[None]))))[0].int()
    tiled = translated(Plain(lambda part: torch.tanh(conv(part))), x, 32, 12).int()
    assert (whole - tiled).abs().float().mean() < 1.0
    inner = torch.ones(70, 90, dtype=torch.bool)
    tops, lefts = (0, 19, 38), (0, 19, 39, 58)
    for start in tops:
        inner[max(start - 3, 0) : start + 3] = inner[start + 29 : start + 35] = False
    for start in lefts:
        inner[:, max(start - 3, 0) : start + 3] = inner[:, start + 29 : start + 35] = False
    assert ((whole - tiled).abs().amax(0)[inner] <= 1).all()


@pytest.mark.parametrize(("size", "tile", "overlap", "multiple", "sides"), [
    ((600, 400), 500, 100, 4, (352, 400)),  # two of 350, the next multiple of 4
    ((1200, 1200), 1024, 256, 4, (728, 728)),
    ((300, 64), 256, 64, 256, (256, 256)),  # a network that takes one size only
    ((130, 100), 128, 60, 1, (121, 100))])  # no shorter than twice what they share
def test_tiles_are_no_larger_than_it_takes(size, tile, overlap, multiple, sides) -> None:
    net, x = Plain(), image(*size)
    assert torch.equal(translated(net, x, tile, overlap, multiple), x)
    assert set(net.sizes) == {sides}


def test_no_seam_where_tiles_disagree() -> None:
    # Each tile is a constant of its own, the worst there can be: neighbouring pixels then differ by at most a step of
    # the ramp, 2 / (overlap + 1) of the range of outputs, where a hard cut would show the whole range.
    numbers = iter(torch.linspace(-1, 1, 200).tolist())

    def constant(x: Tensor) -> Tensor:
        return torch.stack([torch.full_like(part, next(numbers) * (-1) ** i) for i, part in enumerate(x)])

    made = translated(Plain(constant), image(200, 200, 1), 64, 24)[0].int()
    step = max(int(made.diff(dim=0).abs().max()), int(made.diff(dim=1).abs().max()))
    assert 0 < step <= 2 * 255 / 25 + 1


def test_a_unet_sees_its_own_size() -> None:
    net = UNetTranslator(3, 1, 4, 2, "instance").eval()
    assert translated(net, image(50, 21), 16, 4, net.multiple).shape == (1, 50, 21)


@pytest.mark.parametrize(("tile", "overlap"), [(4, 0), (12, 0), (16, 8), (16, -1)])
def test_bad_tiles(tile: int, overlap: int) -> None:
    with pytest.raises(UserError, match="tiles of"):
        translated(Plain(), image(20, 20), tile, overlap, 8)
