"""The Wasserstein distance by critics, and what each way of keeping a critic Lipschitz really bounds.

W1(p, q) = sup E_p D - E_q D over D of slope at most 1. A critic of slope at most K earns at most K W1, on any two
samples, their own optimal transport included. So the gap in mean output means something only beside the slope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ganworks.console import track
from ganworks.errors import UserError, did_you_mean
from ganworks.measure.trust import Caution
from ganworks.seeds import mix

if TYPE_CHECKING:
    from torch import Tensor

CONSTRAINTS = {
    "clip": "every weight kept within [-c, c] (Arjovsky et al. 2017)",
    "penalty": "(|slope| - 1)^2 between real and generated points (Gulrajani et al. 2017)",
    "one-sided": "max(0, |slope| - 1)^2 there (Petzka et al. 2018)",
    "spectral": "every layer divided by its largest singular value (Miyato et al. 2018)",
}
BATCH, RATE, BETAS = 256, 1e-2, (0.5, 0.9)
HELD_AT_MOST = 2000  # points a side on which everything is compared
PROBES = 4000  # places at which slopes are looked for: points, places between them, and a grid or a box around


@dataclass(frozen=True)
class Bounded:
    """A trained Wasserstein critic, on points that it has not seen.

    Attributes:
        constraint: how it was kept Lipschitz.
        gap: mean output on real minus mean output on generated points: what training reports.
        slope: the largest |gradient| found at the points, between them and around them: a lower bound of its slope.
        bound: the product of its layers' largest singular values: an upper bound of its slope, everywhere.
        per_slope: gap / slope, the distance that the critic speaks for if the slope found is all there is.
        certified: gap / bound, at most the exact distance of the same points, whatever was missed.
        share: per_slope / exact.
    """

    constraint: str
    gap: float
    slope: float
    bound: float
    per_slope: float
    certified: float
    share: float


@dataclass(frozen=True)
class Wasserstein:
    """Critics beside the exact distance of the same held points.

    Attributes:
        exact: W1 between the held points by a linear program; held: their numbers, real and generated.
        critics: one for each constraint.
        cautions: what to know.
    """

    exact: float
    held: tuple[int, int]
    critics: tuple[Bounded, ...]
    cautions: tuple[Caution, ...]

    def table(self) -> str:
        """Return the critics as text, a line each."""
        lines = [f"W1 of {self.held[0]} and {self.held[1]} held points, by linear program: {self.exact:.5g}", "",
                 f"{'critic':<10}{'gap':>11}{'slope':>11}{'bound':>11}{'gap/slope':>11}{'of W1':>8}"]
        lines += [f"{c.constraint:<10}{c.gap:>11.4g}{c.slope:>11.4g}{c.bound:>11.4g}{c.per_slope:>11.4g}{c.share:>8.1%}"
                  for c in self.critics]
        return "\n".join([*lines, *(f"note: {c}" for c in self.cautions)])


def wasserstein(real: Any, fake: Any, constraint: str | Sequence[str] = tuple(CONSTRAINTS), *, steps: int = 600,
                hidden: tuple[int, ...] = (64, 64), clip: float = 0.05, weight: float = 10.0, seed: int = 0,
                device: str = "cpu") -> Wasserstein:
    """Train a Wasserstein critic for each constraint on half of the points, and judge it on the other half.

    Args:
        real, fake: samples of p and q, (n, d) and (m, d), or (n,) and (m,); of the held half at most 2,000 are used.
        constraint: of CONSTRAINTS, or several.
        steps: of training; hidden: widths of the ReLU layers.
        clip: largest weight for "clip", above 0; weight: of the penalties.
        seed: the result is a function of it. device: of torch.

    Raises:
        UserError: samples that will not do, fewer than 8 points on a side, an unknown constraint.
    """
    from ganworks.measure.estimate import pair_of_samples
    from ganworks.measure.transport import transport

    wanted = (constraint,) if isinstance(constraint, str) else tuple(constraint)
    for name in wanted:
        if name not in CONSTRAINTS:
            raise UserError(f"unknown constraint '{name}'", did_you_mean(name, CONSTRAINTS))
    if not clip > 0 or not weight > 0 or steps < 1:
        raise UserError(f"clip {clip}, weight {weight}, steps {steps}", "numbers above 0")
    real, fake = pair_of_samples(real, fake)
    if min(len(real), len(fake)) < 8:
        raise UserError(f"{len(real)} real and {len(fake)} generated points", "8 of each kind or more")
    (learn_real, held_real), (learn_fake, held_fake) = (_halves(x, seed, name) for x, name in
                                                        ((real, "real"), (fake, "fake")))
    exact = transport(held_real, held_fake).cost
    scale = _scale(learn_real, learn_fake)
    critics = []
    for name in wanted:
        critic = Critic(name, real.shape[1], hidden, scale, clip, seed, device)
        critic.train(learn_real, learn_fake, steps, weight)
        critics.append(_judged(critic, held_real, held_fake, exact, seed))
    return Wasserstein(exact, (len(held_real), len(held_fake)), tuple(critics), _cautions(exact, critics))


def _halves(x: np.ndarray, seed: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(mix(seed, "half", name)).permutation(len(x))
    return x[order[len(x) // 2 :]], x[order[: len(x) // 2][:HELD_AT_MOST]]


def _scale(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the centre and one scale for all coordinates: D(x) = scale * net((x - centre) / scale) keeps slopes."""
    both = np.concatenate([real, fake])
    return both.mean(0), float(np.sqrt(both.var(0).mean())) or 1.0


class Critic:
    """A ReLU perceptron kept Lipschitz in one of four ways."""

    def __init__(self, constraint: str, inputs: int, hidden: tuple[int, ...], scale: tuple[np.ndarray, float],
                 clip: float, seed: int, device: str) -> None:
        import torch

        self.constraint, self.clip, self.device = constraint, clip, device
        self.centre, self.scale = scale
        self.seed = mix(seed, "lipschitz", constraint)
        random = torch.Generator().manual_seed(self.seed)
        self.weights: list[Tensor] = []
        sizes = (inputs, *hidden, 1)
        for a, b in pairwise(sizes):
            self.weights += [(torch.randn(a, b, generator=random) * (2 / a) ** 0.5).to(device),
                             (torch.randn(b, generator=random) / 10).to(device)]

    def points(self, x: np.ndarray) -> Tensor:
        """Return points in the network's units, float32 (n, d)."""
        import torch

        return torch.from_numpy(((x - self.centre) / self.scale).astype(np.float32)).to(self.device)

    def __call__(self, x: Tensor) -> Tensor:
        """Return outputs (n,) at points in the network's units; times ``scale`` they are those of D."""
        import torch

        for i in range(0, len(self.weights), 2):
            w = self.weights[i]
            if self.constraint == "spectral":
                w = w / torch.linalg.matrix_norm(w, 2)  # exact, and so small here that no power iteration is needed
            x = torch.relu(x) if i else x
            x = x @ w + self.weights[i + 1]
        return x[:, 0]

    def slopes(self, x: Tensor, graph: bool = False) -> Tensor:
        """Return |gradient| at points, (n,); D has the same."""
        import torch

        x = x.detach().requires_grad_()
        return torch.linalg.vector_norm(torch.autograd.grad(self(x).sum(), x, create_graph=graph)[0], dim=1)

    def bound(self) -> float:
        """Return the product of the layers' largest singular values, those that are used."""
        if self.constraint == "spectral":
            return 1.0
        return float(np.prod([np.linalg.norm(w.detach().cpu().double().numpy(), 2) for w in self.weights[::2]]))

    def train(self, real: np.ndarray, fake: np.ndarray, steps: int, weight: float) -> None:
        """Maximise mean output on real minus mean output on fake points, within the constraint."""
        import torch

        adam = torch.optim.Adam([w.requires_grad_() for w in self.weights], RATE, BETAS)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        random = torch.Generator().manual_seed(mix(self.seed, "batch"))
        sides = self.points(real), self.points(fake)
        for _ in track(range(steps), steps, f"Wasserstein critic, {self.constraint}", "step"):
            x, y = (s[torch.randint(len(s), (BATCH,), generator=random).to(self.device)] for s in sides)
            cost = self(y).mean() - self(x).mean()
            if self.constraint in ("penalty", "one-sided"):
                at = torch.rand(BATCH, 1, generator=random).to(self.device)
                over = self.slopes(at * x + (1 - at) * y, graph=True) - 1
                cost = cost + weight * (over if self.constraint == "penalty" else over.relu()).square().mean()
            adam.zero_grad()
            cost.backward()
            adam.step()
            falling.step()
            if self.constraint == "clip":
                with torch.no_grad():
                    for w in self.weights:
                        w.clamp_(-self.clip, self.clip)


def _judged(critic: Critic, real: np.ndarray, fake: np.ndarray, exact: float, seed: int) -> Bounded:
    import torch

    with torch.no_grad():
        outputs = [critic(critic.points(x)).double().mean().item() for x in (real, fake)]
    gap = (outputs[0] - outputs[1]) * critic.scale
    slope = max(float(critic.slopes(critic.points(x)).max()) for x in (real, fake, *_places(real, fake, seed)))
    bound, per_slope = critic.bound(), gap / slope if slope > 0 else 0.0
    return Bounded(critic.constraint, gap, slope, bound, per_slope, gap / bound if bound > 0 else 0.0,
                   per_slope / exact if exact > 0 else float("nan"))


def _places(real: np.ndarray, fake: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places between real and generated points, and a grid (random places for d > 2) around all of them."""
    random = np.random.default_rng(mix(seed, "places"))
    a, b = (x[random.integers(len(x), size=PROBES)] for x in (real, fake))
    at = random.random((PROBES, 1))
    both = np.concatenate([real, fake])
    low, high = both.min(0), both.max(0)
    d, wide = both.shape[1], 0.25 * (high - low)
    if d <= 2:
        side = round(PROBES ** (1 / d))
        box = np.stack(np.meshgrid(*[np.linspace(0, 1, side)] * d), -1).reshape(-1, d)
    else:
        box = random.random((PROBES, d))
    return at * a + (1 - at) * b, low - wide + box * (high - low + 2 * wide)


def _cautions(exact: float, critics: Sequence[Bounded]) -> tuple[Caution, ...]:
    found = [Caution("the exact distance of two finite samples is above that of their laws: it is of the order of "
                     "n^(-1/d) even where p = q", "compare with two samples of the same law", doubtful=False)]
    for c in critics:
        if c.slope > 1 + 1e-3 and c.constraint in ("penalty", "one-sided"):
            found.append(Caution(f"{c.constraint}: slopes up to {c.slope:.3g} were found, a penalty is no bound",
                                 "read gap/slope, not the gap", doubtful=False))
        if c.constraint == "clip":
            found.append(Caution(f"clip: its slope is {c.slope:.3g}, some number between 0 and {c.bound:.3g}, not 1",
                                 "read gap/slope, not the gap", doubtful=False))
        if exact > 0 and c.share < 0.3:
            words = ": it also punishes slopes below 1, so that a critic can stay on the wrong side of a hill"
            found.append(Caution(f"{c.constraint}: the critic found {c.share:.0%} of the distance"
                                 + (words if c.constraint == "penalty" else ""),
                                 "take more steps, another seed or another constraint"))
    return tuple(found)
