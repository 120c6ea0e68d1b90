"""Images to translate: pairs of an input and what should become of it, and two kinds of images without pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ganworks.data.facts import Facts
from ganworks.data.source import Batch, Finite, Source
from ganworks.errors import UserError
from ganworks.seeds import mix


class Crops(Finite):
    """Images of one shape, used in random square crops.

    Args:
        pixels: uint8 (N, C, L, L); a memory-mapped array is read only where it is used.
        side: of the crops, at most L. Their place and whether they are mirrored are the image's first three chances.
        name: what to call it in reports.
        flip: mirror with probability 1/2.
        facts: what was found in the files.
        kept: images that are not trained on, for pictures and measures; ``head`` takes them where there are some.
        names: of the images, for the user.
    """

    def __init__(self, pixels: np.ndarray, side: int, name: str = "images", flip: bool = False,
                 facts: Facts | None = None, kept: Crops | None = None, names: Sequence[str] = ()) -> None:
        if pixels.ndim != 4 or pixels.dtype != np.uint8 or not len(pixels) or not 1 <= side <= pixels.shape[-1]:
            raise UserError(f"images of shape {pixels.shape} and type {pixels.dtype} in crops of {side}",
                            "uint8 (N, C, L, L), N > 0, and crops that are not larger")
        self.pixels, self.side, self.name, self.flip, self.facts = pixels, side, name, flip, facts
        self.kept, self.names = kept, names
        self.random = flip or side < pixels.shape[-1]
        self.shape = (int(pixels.shape[1]), side, side)

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, index: np.ndarray, chance: np.ndarray) -> Batch:
        return {"sample": torch.from_numpy(self._cropped(index, chance))}

    def head(self, count: int) -> Batch:
        return self.trained(count) if self.kept is None else self.kept.head(count)

    def trained(self, count: int) -> Batch:
        return super().head(count)

    def unseen(self, count: int) -> Batch | None:
        return None if self.kept is None else self.kept.head(count)

    def _cropped(self, index: np.ndarray, chance: np.ndarray) -> np.ndarray:
        room = self.pixels.shape[-1] - self.side + 1
        lefts, tops = (np.minimum((chance[:, i] * room).astype(np.int64), room - 1) for i in (1, 2))
        out = np.empty((len(index), self.pixels.shape[1], self.side, self.side), np.uint8)
        for place, (row, left, top) in enumerate(zip(index, lefts, tops, strict=True)):
            out[place] = self.pixels[row, :, top : top + self.side, left : left + self.side]
        if self.flip:
            mirrored = chance[:, 0] < 0.5
            out[mirrored] = out[mirrored][..., ::-1]
        return out


class Pairs(Crops):
    """Inputs and what should become of them, cut and mirrored alike: batches with "input" and "sample".

    Args:
        pixels: uint8 (N, A + B, L, L), the channels of both halves of a pair one behind the other.
        split: A, the input's channels.
        side, name, flip, facts, kept, names: as for ``Crops``.
        turned: the halves change places: the second one is the input.
    """

    kept: Pairs | None

    def __init__(self, pixels: np.ndarray, split: int, side: int, name: str = "pairs", flip: bool = False,
                 facts: Facts | None = None, kept: Pairs | None = None, names: Sequence[str] = (),
                 turned: bool = False) -> None:
        super().__init__(pixels, side, name, flip, facts, kept, names)
        both = pixels.shape[1]
        if not 0 < split < both:
            raise UserError(f"pairs of {both} channels, {split} of them the input's", f"1 to {both - 1}")
        self.split, self.turned = split, turned
        first, second = (split, side, side), (both - split, side, side)
        self.input, self.shape = (second, first) if turned else (first, second)

    def take(self, index: np.ndarray, chance: np.ndarray) -> Batch:
        both = torch.from_numpy(self._cropped(index, chance))
        first, second = both[:, : self.split].contiguous(), both[:, self.split :].contiguous()
        return {"input": second, "sample": first} if self.turned else {"input": first, "sample": second}


class Unpaired(Source):
    """Images of two kinds: batches with an "input" of the first and a "sample" of the second, drawn independently.

    An epoch of either kind ends where its images do, so of unequal numbers the fewer come more often.

    Args:
        inputs, samples: the two kinds, of one side.
        name: what to call them in reports.
    """

    def __init__(self, inputs: Crops, samples: Crops, name: str = "unpaired") -> None:
        if inputs.side != samples.side:
            raise UserError(f"crops of {inputs.side} and of {samples.side} pixels", "one size for both kinds")
        self.inputs, self.samples, self.name = inputs, samples, name
        self.input, self.shape = inputs.shape, samples.shape

    def __len__(self) -> int:
        """The number of images of the kind of which there are fewer."""
        return min(len(self.inputs), len(self.samples))

    def batch(self, k: int, size: int, seed: int, shard: slice = slice(None)) -> Batch:
        return {"input": self.inputs.batch(k, size, mix("inputs", seed), shard)["sample"],
                "sample": self.samples.batch(k, size, mix("samples", seed), shard)["sample"]}

    def trained(self, count: int) -> Batch:
        return {"input": self.inputs.trained(count)["sample"], "sample": self.samples.trained(count)["sample"]}

    def unseen(self, count: int) -> Batch | None:
        inputs, samples = self.inputs.unseen(count), self.samples.unseen(count)
        if inputs is None or samples is None:
            return None
        rows = min(len(inputs["sample"]), len(samples["sample"]))
        return {"input": inputs["sample"][:rows], "sample": samples["sample"][:rows]}

    def head(self, count: int) -> Batch:
        return {"input": self.inputs.head(count)["sample"], "sample": self.samples.head(count)["sample"]}
