"""What the numbers in an array of images mean: its layout, and the range that is brought to 0..255."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ganworks.errors import UserError

SLACK = 1e-4  # how far a float may stick out of its range, from rounding elsewhere


@dataclass(frozen=True)
class Levels:
    """The map of values to bytes: (value - low) / (high - low) * 255, rounded."""

    low: float
    high: float
    words: str

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return ``values`` as uint8."""
        if values.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return values
        scaled = (values.astype(np.float64) - self.low) * (255 / (self.high - self.low))
        return np.rint(scaled).clip(0, 255).astype(np.uint8)


def levels(parts: Iterable[np.ndarray], dtype: np.dtype, name: str) -> Levels:
    """Find the range of image values by looking at all of them.

    Floats are taken as 0..1, -1..1 or 0..255, whichever is the first that holds them; whole numbers as 0..1
    (black and white), 0..255 or 0..65535. Raises UserError for any other range, and for NaN and infinities.
    """
    if dtype.kind not in "bufi":
        raise UserError(f"{name}: values of type {dtype}", "numbers")
    low, high = np.inf, -np.inf
    for first, part in _counted(parts):
        if not part.size:
            continue
        refuse_not_finite(part, first, name)
        low, high = min(low, float(part.min())), max(high, float(part.max()))
        if dtype == np.uint8 and high > 1:  # nothing more to learn: bytes are 0..255
            return Levels(0, 255, "0..255 (uint8)")
    known = [(0, 1), (-1, 1), (0, 255)] if dtype.kind == "f" else [(0, 1), (0, 255), (0, 65535)]
    for bottom, top in known:
        slack = SLACK * top if dtype.kind == "f" else 0
        if bottom - slack <= low and high <= top + slack:
            return Levels(bottom, top, f"{low:g}..{high:g} ({dtype}), taken as {bottom}..{top}")
    wanted = " or ".join(f"{bottom}..{top}" for bottom, top in known)
    raise UserError(f"{name}: image values from {low:g} to {high:g} ({dtype})", f"values in {wanted}",
                    "scale the array to one of these ranges")


def refuse_not_finite(part: np.ndarray, first: int, name: str) -> None:
    """Raise UserError with the place of the first NaN or infinity in ``part``, whose first row is row ``first``."""
    if part.dtype.kind != "f" or np.isfinite(part).all():
        return
    wrong = np.argwhere(~np.isfinite(part))
    place = tuple(int(i) for i in wrong[0])
    raise UserError(f"{name}: {part[place]} at index {(place[0] + first, *place[1:])}"
                    + (f" and {len(wrong) - 1} more near it" if len(wrong) > 1 else ""), "finite numbers",
                    "find out where it comes from, and remove or replace such samples")


def channels_first(part: np.ndarray, last: bool) -> np.ndarray:
    """Return (n, H, W) or (n, H, W, C) or (n, C, H, W) as (n, C, H, W)."""
    if part.ndim == 3:
        return part[:, None]
    return part.transpose(0, 3, 1, 2) if last else part


def channels_are_last(shape: tuple[int, ...], name: str) -> bool:
    """Tell (N, H, W, C) from (N, C, H, W); (N, H, W) counts as neither and gives False.

    Where both could be meant, (N, 3, H, 3), the one with square images is.
    """
    if len(shape) == 3:
        return False
    known = (1, 3, 4)
    first, last = shape[1] in known, shape[3] in known
    if not first and not last:
        raise UserError(f"{name}: images of shape {shape}",
                        "(N, H, W), (N, H, W, C) or (N, C, H, W) with C = 1, 3 or 4", "reorder or reduce the axes")
    return last and not (first and shape[2] == shape[3])


def _counted(parts: Iterable[np.ndarray]) -> Iterable[tuple[int, np.ndarray]]:
    first = 0
    for part in parts:
        yield first, part
        first += len(part)
