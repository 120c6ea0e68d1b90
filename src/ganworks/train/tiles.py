"""Translating an image of any size: whole where it is small, else in tiles that fade into each other."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganworks.data.source import as_bytes, as_floats
from ganworks.errors import UserError

AT_ONCE, LEAST = 4, 8


@torch.inference_mode()
def translated(network: nn.Module, image: Tensor, tile: int, overlap: int, multiple: int = 1) -> Tensor:
    """Return what ``network`` makes of one image, of its size.

    An image of at most ``tile`` pixels a side goes through the network as it is. A larger one is cut into tiles; where
    they overlap, each one's weight rises linearly from its border, and the weights of all sum to 1. What is missing
    to a multiple is mirrored in, and cut off again.

    Args:
        network: (N, C, H, W) in [-1, 1] to (N, C', H, W); H and W are multiples of ``multiple``.
        image: uint8 (C, H, W), on any device.
        tile: largest side of a tile in pixels, a multiple of ``multiple``.
        overlap: pixels that neighbouring tiles share, less than half a tile.

    Returns:
        uint8 (C', H, W) on the CPU.
    """
    if tile < multiple or tile % multiple or not 0 <= overlap < tile / 2:
        raise UserError(f"tiles of {tile} pixels that share {overlap}",
                        f"a multiple of {multiple} that is more than twice the overlap")
    device = next(network.parameters()).device
    height, width = image.shape[-2:]
    x = _extended(as_floats(image[None].to(device)), *(_wanted(side, tile, multiple) for side in (height, width)))
    sides = [_side(side, tile, overlap, multiple) for side in x.shape[-2:]]
    rows, columns = (_starts(side, own, overlap) for side, own in zip(x.shape[-2:], sides, strict=True))
    if len(rows) == len(columns) == 1:
        return as_bytes(network(x)[0, :, :height, :width]).cpu()
    weight = _ramp(sides[0], overlap, device)[:, None] * _ramp(sides[1], overlap, device)
    out, total = None, torch.zeros(x.shape[-2:], device=device)
    for places in _batched([(top, left) for top in rows for left in columns]):
        made = network(torch.cat([x[..., t : t + sides[0], left : left + sides[1]] for t, left in places])).float()
        out = made.new_zeros(made.shape[1], *x.shape[-2:]) if out is None else out
        for (top, left), part in zip(places, made, strict=True):
            here = slice(top, top + sides[0]), slice(left, left + sides[1])
            out[:, *here] += part * weight
            total[here] += weight
    assert out is not None
    return as_bytes((out / total)[:, :height, :width]).cpu()


def _wanted(side: int, tile: int, multiple: int) -> int:
    # Below 8 pixels, inner maps would be too small to mirror at their borders.
    return max(-(-side // multiple) * multiple, -(-LEAST // multiple) * multiple) if side <= tile else side


def _extended(x: Tensor, height: int, width: int) -> Tensor:
    # A mirror shows at most what there is, so a small image is mirrored again and again.
    while x.shape[-2] < height or x.shape[-1] < width:
        below, beside = height - x.shape[-2], width - x.shape[-1]
        below, beside = min(below, x.shape[-2] - 1), min(beside, x.shape[-1] - 1)
        if below + beside == 0:  # one pixel has no mirror image
            return F.pad(x, (0, width - x.shape[-1], 0, height - x.shape[-2]), mode="replicate")
        x = F.pad(x, (0, beside, 0, below), mode="reflect")
    return x


def _side(side: int, tile: int, overlap: int, multiple: int) -> int:
    """Return the side of tiles: no longer than as many as it takes need, so that no pixel is translated in vain."""
    if side <= tile:
        return side
    count = _count(side, tile, overlap)
    least = max(-(-(side + (count - 1) * overlap) // count), 2 * overlap + 1)  # where ramps meet they sum to 1
    return min(tile, -(-least // multiple) * multiple)


def _count(side: int, tile: int, overlap: int) -> int:
    return -(-(side - overlap) // (tile - overlap))


def _starts(side: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin: as few as share ``overlap`` pixels or more, evenly spread, the last one at the end."""
    if side <= tile:
        return [0]
    count = _count(side, tile, overlap)
    return [round(i * (side - tile) / (count - 1)) for i in range(count)]


def _ramp(side: int, overlap: int, device: torch.device) -> Tensor:
    from_border = torch.minimum(torch.arange(side, device=device), torch.arange(side - 1, -1, -1, device=device))
    return ((from_border + 1) / (overlap + 1)).clamp(max=1.0)


def _batched(places: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(places), AT_ONCE):
        yield places[start : start + AT_ONCE]
