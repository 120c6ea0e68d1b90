"""Many small critics trained at once, each on its own share of two samples: one batched product a layer for all.

Every critic learns from all folds but one and speaks only about the fold that it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ganworks.console import track
from ganworks.seeds import mix

if TYPE_CHECKING:
    from torch import Tensor

    from ganworks.objective import Objective

BATCH, RATE, DECAY = 256, 3e-3, 0.1
PULL_AT_MOST = 1.0  # of one point on its output: the costs of chi-square-like divergences grow like exp(2 v)
SLOPE_AT_MOST = 30.0  # norm of one critic's gradient: a longer one is shortened
WATCHED, LOOKED_AT = 0.2, 2000  # share of its points by which a critic is stopped; how many are looked at, at most
EVERY, PATIENCE = 20, 12  # steps between two looks, and looks without gain after which a critic has stopped
MEMORY = 0.95  # of the running mean of the weights, which is what is looked at and kept
ROWS = 4096  # points judged at once


@dataclass(frozen=True)
class Split:
    """Which points each of N critics learns from and is stopped by; a side each. Its fold is all the rest.

    Attributes:
        learn: (N, a) rows; watch: (N, w) rows.
    """

    learn: np.ndarray
    watch: np.ndarray


@dataclass(frozen=True)
class Judged:
    """What critics say of points that they have not seen.

    Attributes:
        real: raw outputs, float64 (seeds, n); fake: (seeds, m).
        stopped_at: the step whose weights each critic kept, (seeds, folds); 0 is a critic that learnt nothing.
        steps: how many were taken.
    """

    real: np.ndarray
    fake: np.ndarray
    stopped_at: np.ndarray
    steps: int


def comparable(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both samples in common units: centred, scaled, far values drawn in by asinh; float32.

    The map is one-to-one in every coordinate, so no f-divergence changes. Labels play no part in it.
    """
    both = np.concatenate([real, fake])
    low, centre, high = np.quantile(both, (0.25, 0.5, 0.75), axis=0)
    spread = (high - low) / 1.349  # a standard deviation, for a normal law
    scale = np.where(spread > 0, spread, both.std(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    return tuple(np.arcsinh((x - centre) / scale / 3).astype(np.float32) * 3 for x in (real, fake))  # type: ignore


def folds_of(n: int, folds: int, seed: int, side: str) -> np.ndarray:
    """Return the fold of each of n points, int (n,), in a random order and of equal sizes up to one."""
    return np.random.default_rng(mix(seed, "fold", side)).permutation(np.arange(n) % folds)


def split(fold: np.ndarray, folds: int, seeds: int, seed: int, side: str) -> Split:
    """Return what the critics (seed 0 fold 0, seed 0 fold 1, ...) learn from and are stopped by."""
    rows = []
    for s in range(seeds):
        random = np.random.default_rng(mix(seed, "split", side, s))
        rows += [random.permutation(np.flatnonzero(fold != k)) for k in range(folds)]
    size = min(map(len, rows))  # they differ by one at most
    watched = min(max(1, round(WATCHED * size)), LOOKED_AT)
    table = np.stack([r[:size] for r in rows])
    return Split(table[:, watched:], table[:, :watched])


class Critics:
    """N perceptrons of equal shape with their own weights: (N, b, d) points in, (N, b) raw outputs out.

    They begin as the constant ``start``, what the best critic says where p = q.
    """

    def __init__(self, nets: int, inputs: int, hidden: tuple[int, ...], start: float, seed: int, device: str) -> None:
        import torch

        random = torch.Generator().manual_seed(mix(seed, "weights"))
        self.weights: list[Tensor] = []
        sizes = (inputs, *hidden, 1)
        for i, (a, b) in enumerate(pairwise(sizes)):
            last = i == len(hidden)
            weight = torch.randn(nets, a, b, generator=random) * (0.0 if last else (2 / a) ** 0.5)
            bias = torch.full((nets, 1, b), float(start)) if last else torch.randn(nets, 1, b, generator=random) / 2
            self.weights += [weight.to(device), bias.to(device)]

    def __call__(self, x: Tensor, weights: list[Tensor] | None = None) -> Tensor:
        """Return raw outputs (N, b) of points (N, b, d), by other weights if given."""
        from torch.nn.functional import silu

        weights = weights or self.weights
        for i in range(0, len(weights), 2):
            x = silu(x) if i else x
            x = weights[i + 1].baddbmm(x, weights[i])
        return x[..., 0]


def train(objective: Objective, real: np.ndarray, fake: np.ndarray, fold_real: np.ndarray, fold_fake: np.ndarray, *,
          seeds: int, hidden: tuple[int, ...], steps: int, start: float, logit: bool, seed: int,
          device: str) -> Judged:
    """Return what critics, trained to minimise the objective's critic cost, say of the folds they have not seen.

    Adam with decoupled weight decay on batches of 256 a side; the running mean of the weights is looked at every 20
    steps on points set aside, and each critic keeps the best it had. Where the best output is log p/q, which
    cross-entropy finds too and without huge gradients, half of the steps are taken by it, then half by the objective.

    Args:
        real, fake: float32 (n, d) and (m, d), in units near 1; fold_real, fold_fake: their folds.
        start: the raw output with which critics begin.
        logit: whether the best output is log p/q.
    """
    import torch

    folds = int(fold_real.max()) + 1
    sides = [_Side(torch.from_numpy(x).to(device), split(fold, folds, seeds, seed, name), mix(seed, "batch", name))
             for x, fold, name in ((real, fold_real, "real"), (fake, fold_fake, "fake"))]
    critics = Critics(seeds * folds, real.shape[1], hidden, start, seed, device)
    kept = _Kept(critics, objective, sides, logit)
    adam = torch.optim.AdamW([w.requires_grad_() for w in critics.weights], RATE, (0.9, 0.99), weight_decay=DECAY)
    nets, taken, borrowed = seeds * folds, 0, steps // 2 if logit else 0
    for step in track(range(1, steps + 1), steps, f"{nets} critics, {objective.name}", "step"):
        adam.zero_grad()
        said = [critics(side.batch()) for side in sides]
        for outputs in said:
            outputs.register_hook(lambda slope: slope.nan_to_num(0.0).clamp(-PULL_AT_MOST, PULL_AT_MOST))
        cost = objective.critic_cost(*said) if step > borrowed else _cross_entropy(*said)
        (nets * cost).backward()  # the cost is a mean over all critics; each follows its own
        _limit(critics.weights)
        adam.step()
        taken = step
        if kept.look(step) and not borrowed < step < borrowed + PATIENCE * EVERY:
            break
    heard = [_held_out(critics, kept, side.points, fold, seeds)
            for side, fold in zip(sides, (fold_real, fold_fake), strict=True)]
    return Judged(heard[0], heard[1], kept.step.reshape(seeds, folds), taken)


class _Side:
    """The points of one side, on the device, and whose turn they are."""

    def __init__(self, points: Tensor, rows: Split, seed: int) -> None:
        import torch

        self.points = points
        self.learn = torch.from_numpy(rows.learn).to(points.device)
        self.watch = torch.from_numpy(rows.watch).to(points.device)
        self.random = torch.Generator().manual_seed(seed)

    def batch(self) -> Tensor:
        """Return points (N, b, d), other ones for every critic."""
        import torch

        nets, size = self.learn.shape
        at = torch.randint(size, (nets, min(BATCH, size)), generator=self.random).to(self.points.device)
        return self.points[self.learn.gather(1, at)]


class _Kept:
    """The running mean of the critics' weights, and the best that each had of it, with the range of its outputs."""

    def __init__(self, critics: Critics, objective: Objective, sides: list[_Side], logit: bool) -> None:
        self.critics, self.objective, self.sides, self.logit = critics, objective, sides, logit
        self.mean = [w.detach().clone() for w in critics.weights]
        self.best = [w.detach().clone() for w in critics.weights]
        self.least, *self.range = self._judged()
        self.step = np.zeros(len(self.least), dtype=int)

    def look(self, step: int) -> bool:
        """Follow the weights; every 20 steps keep what is better; return whether no critic gets better any more."""
        import torch

        with torch.no_grad():
            # A short memory at first, so that the weights of the beginning are soon forgotten.
            torch._foreach_lerp_(self.mean, self.critics.weights, max(1 - MEMORY, 2 / (step + 1)))
        if step % EVERY:
            return False
        cost, *ends = self._judged()
        better = cost < self.least
        for best, new in zip([*self.best, self.least, *self.range], [*self.mean, cost, *ends], strict=True):
            best[better] = new[better]
        self.step[better.cpu().numpy()] = step
        return bool((step - self.step).min() >= PATIENCE * EVERY)

    def _judged(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return each critic's cost on the points by which it is stopped, and the range of its outputs, (N,) each."""
        import torch

        with torch.no_grad():
            (real, real_new), (fake, fake_new) = ([self._outputs(side, rows) for rows in (side.learn, side.watch)]
                                                  for side in self.sides)
            high = torch.full_like(real[:, 0], torch.inf)
            low = -high
            if self.logit:
                real, fake = torch.cat([real, real_new], 1), torch.cat([fake, fake_new], 1)
                low, high = -supported(-fake, -real), supported(real, fake)
            real_new, fake_new = (v.clamp(low[:, None], high[:, None]) for v in (real_new, fake_new))
            cost = self.objective.phi(real_new).mean(1) + self.objective.psi(fake_new).mean(1)
            return torch.where(cost.isfinite(), cost, torch.inf), low, high

    def _outputs(self, side: _Side, rows: Tensor) -> Tensor:
        return self.critics(side.points[rows[:, :LOOKED_AT]], self.mean)


def supported(high: Tensor, low: Tensor) -> Tensor:
    """Return the largest log ratio that the points bear out, for each critic, (N,).

    Where no generated point lies a critic may say what it likes of real ones, and costs like exp(v) punish that
    without measure on points not seen yet. So it may say h only where at least e^h times as large a share of the real
    points as of the generated ones is said to be above h; half a point is added to both counts. A critic whose
    outputs are cut off is a critic still, and what it earns a lower bound.

    Args:
        high, low: log ratios at the points of the kind that should be high, (N, a), and of the other, (N, b).
    """
    import torch

    steps = torch.arange(0, 12, 0.125, device=high.device).expand(len(high), -1).contiguous()
    above = [v.shape[1] - torch.searchsorted(v.sort(1)[0], steps) for v in (high, low)]
    ratio = (above[0] + 0.5) / high.shape[1] / ((above[1] + 0.5) / low.shape[1])
    return torch.where(ratio.log() >= steps, steps, 0.0).amax(1)


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    from torch.nn.functional import softplus

    return softplus(-real).mean() + softplus(fake).mean()


def _limit(weights: list[Tensor]) -> None:
    """Shorten each critic's gradient to the allowed norm; one that is not finite becomes zero."""
    import torch

    slopes = [w.grad for w in weights if w.grad is not None]
    norm = torch.stack([g.flatten(1).square().sum(1) for g in slopes]).sum(0).sqrt()
    factor = torch.where(norm.isfinite(), (SLOPE_AT_MOST / (norm + 1e-12)).clamp(max=1.0), 0.0)[:, None, None]
    for g in slopes:
        g.nan_to_num_(0.0, 0.0, 0.0).mul_(factor)


def _held_out(critics: Critics, kept: _Kept, points: Tensor, fold: np.ndarray, seeds: int) -> np.ndarray:
    """Return for every point what the critics say that have not seen its fold, float64 (seeds, n)."""
    import torch

    folds, said = int(fold.max()) + 1, np.empty((seeds, len(fold)))
    with torch.no_grad():
        for k in range(folds):
            mine, (low, high) = [w[k::folds] for w in kept.best], (end[k::folds, None] for end in kept.range)
            rows = np.flatnonzero(fold == k)
            for some in np.array_split(rows, len(rows) // ROWS + 1):
                x = points[torch.from_numpy(some).to(points.device)].expand(seeds, -1, -1)
                said[:, some] = critics(x, mine).clamp(low, high).double().cpu().numpy()
    return said
