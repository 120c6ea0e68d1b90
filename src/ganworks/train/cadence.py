"""How often a run is written down, and what its checkpoints are measured by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ganworks.errors import UserError


@dataclass(frozen=True)
class Cadence:
    """How often things are written, in steps.

    Attributes:
        log: a record of the costs.
        sample: a picture of samples from fixed latents.
        checkpoint: a checkpoint, measured where the recipe has a measure.
        vitals: a record of vitals (``ganworks.diagnose``), or None.
        keep: how many of the last checkpoints stay, at least 2, so that a damaged one is no loss; the best stays too.
    """

    log: int = 10
    sample: int = 500
    checkpoint: int = 500
    keep: int = 2
    vitals: int | None = None

    def __post_init__(self) -> None:
        if min(self.log, self.sample, self.checkpoint) < 1 or self.keep < 2:
            raise UserError(f"{self}", "steps of at least 1, and at least 2 checkpoints kept")


@dataclass(frozen=True)
class Measure:
    """A figure of merit for checkpoints, smaller is better.

    Attributes:
        name: what it is, with its features: "FD (pixels)".
        count: how many samples it is computed on.
        figure: from samples (uint8 images or float points) to the figure.
    """

    name: str
    count: int
    figure: Callable[[Tensor], float]
