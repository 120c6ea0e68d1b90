"""One critic that learns to tell two known distributions apart, looked at as often as one likes on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ganworks.console import track
from ganworks.measure.distributions import Distribution
from ganworks.seeds import mix

if TYPE_CHECKING:
    from torch import Tensor

BATCH, RATE = 256, 3e-3
HELD = 128  # batches drawn ahead on each side, used in turn


@dataclass(frozen=True, eq=False)
class Student:
    """A perceptron as it was after ``steps`` steps.

    Attributes:
        steps: of training, Adam on cross-entropy, fresh samples in every batch of a long list.
        centre, scale: what inputs are moved and divided by.
        weights: of its layers.
    """

    steps: int
    centre: np.ndarray
    scale: float
    weights: tuple[Tensor, ...]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return raw outputs at x (n,) or (n, d), high = real, float64 (n,)."""
        return self._said(x)[0]

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Return the gradient of the raw output with respect to x, float64 (n, d)."""
        return self._said(x)[1]

    def _said(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import torch

        points = torch.from_numpy((x.reshape(len(x), -1) - self.centre) / self.scale).float().requires_grad_()
        said = _outputs(points, self.weights)
        (slope,) = torch.autograd.grad(said.sum(), points)
        return said.detach().double().numpy(), slope.double().numpy() / self.scale


def taught(p: Distribution, q: Distribution, stops: Sequence[int], *, hidden: tuple[int, ...] = (64, 64),
           seed: int = 0) -> list[Student]:
    """Return the critic of p (real) against q (generated) after so many steps, for each of the stops, in order.

    Args:
        p, q: known distributions of one dimension or more; stops: numbers of steps, increasing; 0 is untrained.
        seed: the result is a function of it.
    """
    import torch
    from torch.nn.functional import softplus

    sides = [d.sample(HELD * BATCH, mix(seed, "student", name)).reshape(HELD, BATCH, -1)
             for d, name in ((p, "real"), (q, "fake"))]
    both = np.concatenate(sides).reshape(-1, sides[0].shape[2])
    centre, scale = both.mean(0), float(np.sqrt(both.var(0).mean())) or 1.0
    real, fake = (torch.from_numpy((side - centre) / scale).float() for side in sides)
    weights = _begun(real.shape[2], hidden, mix(seed, "student", "weights"))
    adam = torch.optim.Adam(weights, RATE, (0.9, 0.99))
    held, wanted = [], set(stops)
    for step in track(range(max(stops) + 1), max(stops) + 1, "discriminator", "step"):
        if step in wanted:
            held.append(Student(step, centre, scale, tuple(w.detach().clone() for w in weights)))
        adam.param_groups[0]["lr"] = RATE * (1 - step / (max(stops) + 1))
        cost = softplus(-_outputs(real[step % HELD], weights)).mean() + softplus(
            _outputs(fake[step % HELD], weights)).mean()
        adam.zero_grad()
        cost.backward()
        adam.step()
    return held


def _begun(inputs: int, hidden: tuple[int, ...], seed: int) -> list[Tensor]:
    import torch

    random = torch.Generator().manual_seed(seed)
    weights = []
    for a, b in pairwise((inputs, *hidden, 1)):
        weights += [torch.randn(a, b, generator=random) * (2 / a) ** 0.5, torch.zeros(b)]
    return [w.requires_grad_() for w in weights]


def _outputs(x: Tensor, weights: Sequence[Tensor]) -> Tensor:
    from torch.nn.functional import silu

    for i in range(0, len(weights), 2):
        x = silu(x) if i else x
        x = x @ weights[i] + weights[i + 1]
    return x[..., 0]
