"""An f-divergence of two samples, by critics trained for it: a lower bound that no critic has cheated on.

What a critic earns, -E_p phi(v) - E_q psi(v), is for every v at most the divergence behind the objective (Nguyen,
Wainwright and Jordan 2010, lemma 1), and equal to it at the best v. So a critic trained on some points and judged on
others gives, on average over samples, a lower bound. Critics judged on their own points do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.costs import as_points
from ganworks.measure.trust import APART, Caution, auc, effective_samples, growth, of_estimate, of_samples

if TYPE_CHECKING:
    from ganworks.design import Design
    from ganworks.objective import Objective

CONFIDENCE = 0.95
FAR = 300.0  # a log ratio at which every output that is not itself one has reached its end


@dataclass(frozen=True, eq=False)
class LogRatio:
    """Estimates of log p/q, each by critics that have not seen the point.

    Attributes:
        real: at the real points, float64 (n,); fake: at the generated points, (m,).
        effective_real: effective samples of the weights q/p on the real points; effective_fake: of p/q on the fake.
        mean_ratio: mean of p/q over the fake points; 1 for the true ratio.
    """

    real: np.ndarray
    fake: np.ndarray
    effective_real: float
    effective_fake: float
    mean_ratio: float


@dataclass(frozen=True, eq=False)
class Estimate:
    """A lower bound of a divergence, with what it rests on. 0 is p = q.

    Attributes:
        objective: its name; measures: the divergence it measures, in words, with its factor.
        value: the bound, in the units of ``measures``: the mean of what the critics earn on points not seen.
        interval: 95 % for that bound. The divergence itself lies above its lower end; above its upper end, too, where
            the critics are not good enough. Samples that are told apart without a mistake set it no upper end.
        error: the standard error behind it.
        ceiling: the divergence where nothing overlaps, the most there is; may be inf.
        per_fold: the bound on each fold; per_seed: by the critics of each seed alone.
        auc: share of pairs (real, fake) that the critics put in the right order.
        log_ratio: or None where the critics' outputs are something else (hinge, lsgan, total_variation).
        outputs_real, outputs_fake: raw outputs, the mean over seeds, (n,) and (m,).
        stopped_at: the step whose weights each critic kept, (seeds, folds).
        perfect: what the perfect critic earns on the same samples, for distributions that are known, else None; from
            ``value`` it differs by what the critics missed, from ``exact`` by the luck of the draw.
        exact: the divergence itself, where it is known, else None.
        cautions: what to know, and what to do.
    """

    objective: str
    measures: str
    value: float
    interval: tuple[float, float]
    error: float
    ceiling: float
    per_fold: tuple[float, ...]
    per_seed: tuple[float, ...]
    auc: float
    log_ratio: LogRatio | None
    outputs_real: np.ndarray
    outputs_fake: np.ndarray
    stopped_at: tuple[tuple[int, ...], ...]
    perfect: float | None = None
    exact: float | None = None
    cautions: tuple[Caution, ...] = ()

    @property
    def effective_samples(self) -> tuple[float, float] | None:
        """Effective samples of the weights q/p on real and of p/q on fake points, or None without a log ratio."""
        return None if self.log_ratio is None else (self.log_ratio.effective_real, self.log_ratio.effective_fake)

    @property
    def trust(self) -> str:
        """ "good" or "doubtful"."""
        return "doubtful" if any(c.doubtful for c in self.cautions) else "good"

    @property
    def warnings(self) -> tuple[str, ...]:
        """The cautions as text."""
        return tuple(map(str, self.cautions))


def estimate(objective: str | Design | Objective, real: Any, fake: Any, *, folds: int = 5, seeds: int = 2,
             hidden: tuple[int, ...] = (64, 64), steps: int = 600, seed: int = 0, device: str = "cpu",
             known: tuple[Any, Any] | None = None, exact: float | None = None) -> Estimate:
    """Return a lower bound of the divergence that an objective measures, from samples, with its interval.

    For every fold, ``seeds`` small critics are trained on the other folds and judged on it; their outputs are averaged
    over seeds. All are trained at once. Coordinates are centred and scaled first, which changes no f-divergence.

    Args:
        objective: a name ("js", "kl", "minimax", "lsgan:b=2"), a design file, a Design or an Objective.
        real, fake: samples of p and q, (n, d) and (m, d), or (n,) and (m,); images are flattened.
        folds: 2 or more; seeds: critics a fold; hidden: widths of the layers; steps: of training, at most.
        seed: the result is a function of it. device: of torch.
        known: p and q, where they are known: objects with ``logpdf``, for what the perfect critic would earn; of
            ``ganworks.measure.divergence`` if they are distributions of its kind, for the exact value.
        exact: the exact value, where you know it.

    Raises:
        UserError: samples that are empty, not finite, of different dimensions or too few for the folds; an objective
            that is no function of the likelihood ratio.
    """
    from ganworks.measure.critics import comparable, folds_of, train

    game, design = objective_of(objective)
    real, fake = _checked(real, fake, folds, seeds, hidden, steps)
    start = _start(game)
    fold_real, fold_fake = folds_of(len(real), folds, seed, "real"), folds_of(len(fake), folds, seed, "fake")
    judged = train(game, *comparable(real, fake), fold_real, fold_fake, seeds=seeds, hidden=hidden, steps=steps,
                   start=start, logit=_is_logit(game), seed=seed, device=device)
    phi, psi = _plain(game.phi), _plain(game.psi)
    equal = float((phi(np.full(1, start)) + psi(np.full(1, start)))[0])
    v_real, v_fake = judged.real.mean(0), judged.fake.mean(0)
    value, interval, error, per_fold = _interval(-phi(v_real), -psi(v_fake), fold_real, fold_fake, equal)
    per_seed = tuple(float(equal - phi(a).mean() - psi(b).mean()) for a, b in zip(judged.real, judged.fake,
                                                                                 strict=True))
    perfect = None if known is None else _perfect(game, known, real, fake, equal)
    if exact is None and known is not None:
        exact = _exact(design, known)
    right = auc(v_real, v_fake)
    if right >= APART:
        interval = interval[0], max(interval[1], design.disjoint)
    found = Estimate(game.name, design.divergence_name or "a divergence without a name", value, interval, error,
                     design.disjoint, per_fold, per_seed, right, _log_ratio(game, v_real, v_fake),
                     v_real, v_fake, tuple(map(tuple, judged.stopped_at.tolist())), perfect, exact)
    growths = (growth(phi, -1), growth(psi, 1))
    return replace(found, cautions=(*of_samples(real, fake, folds), *of_estimate(found, growths)))


@dataclass(frozen=True)
class Gap:
    """How much larger one bound is than another: the difference, its 95 % interval, and its standard error."""

    value: float
    interval: tuple[float, float]
    error: float


def gap(one: Estimate, other: Estimate, objective: str | Design | Objective, *, folds: int = 5, seed: int = 0) -> Gap:
    """Return how much larger ``one`` is than ``other``, two estimates of an objective by equal folds and equal seeds.

    The same real points were judged in both, and where row i of the generated points is made from the same random
    numbers in both, those are paired too: so what both share by chance cancels.

    Raises:
        UserError: the estimates are of different numbers of points.
    """
    from ganworks.measure.critics import folds_of

    kinds = (one.outputs_real, other.outputs_real), (one.outputs_fake, other.outputs_fake)
    if any(a.shape != b.shape for a, b in kinds):
        raise UserError("a gap between estimates of different numbers of points", "as many real and generated points "
                        "in both, in the same order")
    game = objective_of(objective)[0]
    real, fake = (_plain(cost)(b) - _plain(cost)(a) for cost, (a, b) in zip((game.phi, game.psi), kinds, strict=True))
    fold_real, fold_fake = folds_of(len(real), folds, seed, "real"), folds_of(len(fake), folds, seed, "fake")
    value, interval, error, _ = _interval(real, fake, fold_real, fold_fake, 0.0)
    return Gap(value, interval, error)


def objective_of(objective: str | Design | Objective) -> tuple[Objective, Design]:
    """Return the objective and its design. Raises UserError where it is no function of the likelihood ratio."""
    from ganworks.design import Design, objective_named
    from ganworks.design.corners import LipschitzCritic

    game = objective_named(objective) if isinstance(objective, str) else objective
    game = game.compile() if isinstance(game, Design) else game
    if game.design is None:
        raise UserError(f"objective '{game.name}' measures no f-divergence: {game.note or 'it has no design'}",
                        "one that follows from the likelihood ratio, such as js, kl, squared_hellinger")
    if isinstance(game.design.critic, LipschitzCritic):
        raise UserError(f"objective '{game.name}' measures a Wasserstein distance: its critic needs a Lipschitz bound "
                        "and knows no likelihood ratio", "an f-divergence, such as js or kl",
                        "ganworks.measure.wasserstein, or: ganworks measure estimate REAL FAKE --wasserstein")
    return game, game.design


def _checked(real: Any, fake: Any, folds: int, seeds: int, hidden: tuple[int, ...],
             steps: int) -> tuple[np.ndarray, np.ndarray]:
    real, fake = pair_of_samples(real, fake)
    for name, number, least in (("folds", folds, 2), ("seeds", seeds, 1), ("steps", steps, 1),
                                ("width of a layer", min(hidden, default=1), 1)):
        if number < least:
            raise UserError(f"{name}: {number}", f"{least} or more")
    fewest = min(len(real), len(fake))
    if fewest < 4 * folds:
        raise UserError(f"{len(real)} real and {len(fake)} generated points for {folds} folds",
                        f"4 points of each kind a fold: {4 * folds}", "take more samples, or fewer folds")
    return real, fake


def pair_of_samples(real: Any, fake: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both samples as float64 (n, d) and (m, d). Raises UserError: empty, not finite, different dimensions."""
    real, fake = as_points(real, "the real sample"), as_points(fake, "the generated sample")
    if real.shape[1] != fake.shape[1]:
        raise UserError(f"real points have {real.shape[1]} coordinates, generated ones {fake.shape[1]}",
                        "points of one space", "look for one more column, such as a row number or a label")
    return real, fake


def _plain(cost: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    def in_numpy(v: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return cost(torch.from_numpy(np.ascontiguousarray(v, dtype=np.float64))).numpy()

    return in_numpy


def _start(game: Objective) -> float:
    """Return the raw output that is best where p = q, the one nearest 0 of several."""
    if game.optimum is not None:
        return float(_plain(game.optimum)(np.zeros(1))[0])
    v = np.linspace(-8.0, 8.0, 1601)
    cost = _plain(game.phi)(v) + _plain(game.psi)(v)
    good = v[cost <= cost.min() + 1e-9]
    return float(good[np.abs(good).argmin()])


def _is_logit(game: Objective) -> bool:
    s = np.array([-2.0, 0.0, 1.0])
    return game.optimum is not None and bool(np.abs(_plain(game.optimum)(s) - s).max() < 1e-9)


def _interval(gain_real: np.ndarray, gain_fake: np.ndarray, fold_real: np.ndarray, fold_fake: np.ndarray,
              equal: float) -> tuple[float, tuple[float, float], float, tuple[float, ...]]:
    """Return the mean gain, its interval, its standard error and the gain on each fold.

    The error is the larger of two: that of independent points within folds, which is asymptotically right where
    critics of different folds are alike (Bayle et al. 2020), and that of the folds as independent draws. The quantile
    is Student's with folds - 1 degrees of freedom, on the safe side of both.
    """
    from scipy.stats import t

    folds = int(fold_real.max()) + 1
    means = [np.array([gain[fold == k].mean() for k in range(folds)])
             for gain, fold in ((gain_real, fold_real), (gain_fake, fold_fake))]
    per_fold = means[0] + means[1] + equal
    by_points = sum(float(np.mean((gain - mean[fold]) ** 2)) / (len(gain) - folds) for gain, mean, fold in
                    ((gain_real, means[0], fold_real), (gain_fake, means[1], fold_fake)))
    error = max(by_points, float(per_fold.var(ddof=1)) / folds) ** 0.5
    value, half = float(gain_real.mean() + gain_fake.mean() + equal), float(t.ppf((1 + CONFIDENCE) / 2, folds - 1))
    return value, (value - half * error, value + half * error), error, tuple(per_fold.tolist())


def _log_ratio(game: Objective, real: np.ndarray, fake: np.ndarray) -> LogRatio | None:
    """Return the outputs as log p/q, or None where they are something else."""
    if not _is_logit(game):
        return None
    return LogRatio(real, fake, effective_samples(-real), effective_samples(fake), float(np.exp(fake).mean()))


def _perfect(game: Objective, known: tuple[Any, Any], real: np.ndarray, fake: np.ndarray, equal: float) -> float | None:
    if game.optimum is None:
        return None
    far = np.inf if _is_logit(game) else FAR
    real_says, fake_says = (_plain(game.optimum)(log_ratio_at(known, x).clip(-far, far)) for x in (real, fake))
    with np.errstate(all="ignore"):
        return float(equal - _plain(game.phi)(real_says).mean() - _plain(game.psi)(fake_says).mean())


def log_ratio_at(known: tuple[Any, Any], points: np.ndarray) -> np.ndarray:
    """Return log p/q at points (n, d), float64 (n,), of two objects with ``logpdf``; +-inf where one of them is 0."""
    x = points[:, 0] if points.shape[1] == 1 else points
    with np.errstate(all="ignore"):
        return np.nan_to_num(known[0].logpdf(x) - known[1].logpdf(x), nan=0.0, posinf=np.inf, neginf=-np.inf)


def _exact(design: Design, known: tuple[Any, Any]) -> float | None:
    from ganworks.measure.divergence import divergence

    try:
        return float(divergence(design, *known))
    except UserError:  # distributions that only the caller understands
        return None
