"""What is really so with a training, found without the doctor: by known densities and scikit-learn's classifiers.

None of these is what the doctor uses: it names samples by support vectors of principal components, these by a network
of the pixels; it asks how dense samples are around data, these a forest.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from ailments import Patient
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import Tensor, nn

from ganworks.data import Mixture, Source
from ganworks.data.source import as_floats
from ganworks.evaluate.modes import mode_figures, transport_distance
from ganworks.train import Hook, Trainer

COUNT = 1000
RARE = 0.2
"""A mode or class is missing where less than this share of what should be there is."""
Truth = dict[str, Any]


class Walk(Hook):
    """Where the point of a Dirac-GAN was, every five steps."""

    def __init__(self) -> None:
        self.places: list[float] = []

    def stepped(self, trainer: Trainer) -> None:
        if trainer.step % 5 == 0:
            self.places.append(float(trainer.game.players["generator"].theta.detach()))


def truth(patient: Patient, trainer: Trainer, source: Source, before: np.ndarray, samples: np.ndarray) -> Truth:
    """Return figures of a finished training.

    Args:
        source: the data that the generator should have learnt.
        before: samples of the untrained generator.
        samples: of the trained one, at least 1,000.
    """
    real = _fresh(source)
    found: Truth = {"distance": distance(samples, source), "distance at first": distance(before, source)}
    found |= shares(samples, source)
    flat, other = (x[:COUNT].reshape(COUNT, -1).astype(np.float32) for x in (samples, real))
    found["variance"] = float(flat.var(0).sum() / other.var(0).sum())
    found["strangers"] = _apart(flat, other)
    found |= _critic(trainer, samples, real)
    found |= _copies(samples, trainer.source)
    found |= _silent(trainer)
    return found


def walked(places: list[float]) -> Truth:
    """Return a Dirac-GAN's swing in the last third, of that in the first, and how often its point passes 0."""
    x = np.abs(places)
    third = len(x) // 3
    return {"swing": float(x[-third:].max() / x[:third].max()),
            "turns": int((np.diff(np.sign(places[-2 * third:])) != 0).sum()), "distance": float(x[-third:].mean()),
            "distance at first": 1.0}


def distance(samples: np.ndarray, source: Source) -> float:
    """Return a distance to other samples of the data: of points W1, of images that of 200 random projections."""
    return apart(samples, _fresh(source))


def apart(samples: np.ndarray, real: np.ndarray) -> float:
    """Return the distance of at most 1,000 samples of either kind: of points W1, of images by 200 projections."""
    if samples.ndim == 2:
        return float(transport_distance(samples[:COUNT], real[:COUNT])) if np.isfinite(samples).all() else float("inf")
    x, y = (rows[:COUNT].reshape(COUNT, -1) / 255.0 for rows in (samples, real))
    along = np.random.default_rng(0).standard_normal((x.shape[1], 200)) / x.shape[1] ** 0.5
    return float(np.abs(np.sort(x @ along, 0) - np.sort(y @ along, 0)).mean())


def held_out(source: Source, taught: Source, times: int) -> list[np.ndarray]:
    """Return ``times`` sets of 1,000 real samples that were not trained on, as far as there are such.

    Of a density they are drawn afresh. Of Fashion-MNIST they are other ones than the patients are taught, no two sets
    alike. Of digits, those that were held out, or all 1,797 where none were; drawn with replacement, so that the sets
    differ as much as sets of real samples do.
    """
    rng = np.random.default_rng(78)
    if isinstance(source, Mixture):
        return [source.sample(COUNT, rng) for _ in range(times)]
    rows = source.trained(len(source))["sample"].numpy()
    if len(rows) >= 2 * times * COUNT:
        known = {row.tobytes() for row in taught.trained(len(source))["sample"].numpy()}
        known |= {row.tobytes() for row in _unseen(taught)}
        others = np.array([i for i, row in enumerate(rows) if row.tobytes() not in known])
        return [rows[part] for part in np.split(rng.permutation(others)[: times * COUNT], times)]
    rest = _unseen(taught)
    rest = rest if len(rest) else rows
    return [rest[rng.integers(len(rest), size=COUNT)] for _ in range(times)]


def _unseen(taught: Source) -> np.ndarray:
    kept = taught.unseen(len(taught))
    return np.empty(0) if kept is None else kept["sample"].numpy()


def _fresh(source: Source) -> np.ndarray:
    if isinstance(source, Mixture):
        return source.sample(2 * COUNT, np.random.default_rng(77))
    rows = source.trained(6000)["sample"].numpy()
    return rows[np.random.default_rng(77).permutation(len(rows))[: 2 * COUNT]]


def shares(samples: np.ndarray, source: Source) -> Truth:
    """Return how many modes or classes there are, and how many of them the samples have."""
    if isinstance(source, Mixture):
        if not np.isfinite(samples).all():
            return {"parts": len(source.modes), "present": 0, "effective": 1.0, "quality": 0.0}
        figures = mode_figures(samples, source.modes, source.sd)
        away = np.linalg.norm(samples[:, None] - source.modes[None], axis=2)
        good = away.min(1) <= 3 * source.sd[0]
        share = np.bincount(away.argmin(1)[good], minlength=len(source.modes)) / len(samples)
        near = np.bincount(away.argmin(1), minlength=len(source.modes)) / len(samples)
        return {"parts": len(source.modes), "present": int((near > RARE / len(source.modes)).sum()),
                "effective": _effective(near), "quality": figures.high_quality, "hit": int((share > 0).sum())}
    guess = _namer(source).predict(samples[:COUNT].reshape(COUNT, -1))
    share = np.bincount(guess, minlength=10) / COUNT
    return {"parts": 10, "present": int((share > RARE / 10).sum()), "effective": _effective(share)}


def _effective(share: np.ndarray) -> float:
    held = share[share > 0]
    return float(np.exp(-(held * np.log(held)).sum()))


@cache
def _namer(source: Source) -> Pipeline:
    # Nearest neighbours would name rough samples by their roughness.
    rows = source.trained(4000)
    network = MLPClassifier((128,), alpha=1e-2, learning_rate_init=2e-3, tol=3e-3, max_iter=300, random_state=0)
    return make_pipeline(FunctionTransformer(_unit), network).fit(rows["sample"].flatten(1).numpy(),
                                                                  rows["label"].numpy())


def _unit(x: np.ndarray) -> np.ndarray:
    return np.asarray(x, np.float32) / 255


def _apart(fake: np.ndarray, real: np.ndarray) -> float:
    """Return how well a forest tells samples from data that it has not seen (area under the ROC curve)."""
    if not np.isfinite(fake).all():
        return 1.0
    x, y = np.concatenate([fake, real]), np.repeat([0, 1], [len(fake), len(real)])
    order = np.random.default_rng(0).permutation(len(x))
    learn, test = order[: len(x) // 2], order[len(x) // 2:]
    forest = RandomForestClassifier(30, random_state=0).fit(x[learn], y[learn])
    return float(roc_auc_score(y[test], forest.predict_proba(x[test])[:, 1]))


@torch.no_grad()
def _critic(trainer: Trainer, samples: np.ndarray, real: np.ndarray) -> Truth:
    critic = trainer.game.players["critic"]

    def said(rows: np.ndarray | Tensor) -> np.ndarray:
        x = as_floats(torch.as_tensor(rows))
        score = torch.cat([critic(part).scores[0].flatten() for part in x.split(100)])
        return score.double().numpy()

    fake = said(trainer.samples(COUNT, 5, averaged=False))
    trained = said(trainer.source.trained(COUNT)["sample"])
    if not (np.isfinite(fake).all() and np.isfinite(trained).all()):
        return {"critic apart": float("nan"), "scores": float("inf")}
    found = {"critic apart": _above(trained, fake), "scores": float(max(abs(fake).max(), abs(trained).max())),
             "D of fake": float((1 / (1 + np.exp(-fake.clip(-700, 700)))).mean())}
    mixed = _mixed(critic, samples, real) if batch_norms(critic) else None
    if mixed is not None:
        found["alone apart"] = mixed
    unseen = trainer.source.unseen(COUNT)
    if unseen is not None:
        found["known"] = _above(trained, said(unseen["sample"]))
    return found


def batch_norms(critic: nn.Module) -> bool:
    """Whether what a critic says of a sample depends on the others."""
    return any("BatchNorm" in type(layer).__name__ for layer in critic.modules())


def _mixed(critic: nn.Module, samples: np.ndarray, real: np.ndarray) -> float:
    """Return how well a critic parts real from generated samples in shuffled batches that hold as many of both."""
    x = as_floats(torch.as_tensor(np.concatenate([samples[:COUNT], real[:COUNT]])))
    kind, order = np.repeat([0, 1], COUNT), torch.randperm(2 * COUNT, generator=torch.Generator().manual_seed(0))
    score = torch.cat([critic(part).scores[0].flatten() for part in x[order].split(100)]).numpy()
    return float(roc_auc_score(kind[order.numpy()], score))


def _above(high: np.ndarray, low: np.ndarray) -> float:
    return float(roc_auc_score(np.repeat([1, 0], [len(high), len(low)]), np.concatenate([high, low])))


def _copies(samples: np.ndarray, taught: Source) -> Truth:
    """Return the share of samples that lie nearer to one of the data than a hundredth of the data do to their next."""
    if samples.ndim == 2:
        return {}
    rows = taught.trained(2000)["sample"].flatten(1).double()
    made = torch.as_tensor(samples[:500]).flatten(1).double()
    own = torch.cdist(rows, rows)
    own.fill_diagonal_(torch.inf)
    least = own.amin(1).quantile(0.01) / 2
    return {"copied": float((torch.cdist(made, rows).amin(1) < least).float().mean())}


@torch.no_grad()
def _silent(trainer: Trainer) -> Truth:
    """Return the share of the generator's ReLUs that are 0 for 500 latents, and of its outputs at the ends of tanh."""
    generator, zero, heard = trainer.game.players["generator"], [], []
    for layer in generator.modules():
        if isinstance(layer, nn.ReLU):
            heard.append(layer.register_forward_hook(
                lambda _, given, out: zero.append((out.transpose(0, 1).flatten(1) <= 0).all(1).float())))
    made = as_floats(trainer.samples(500, 6, averaged=False))
    for hook in heard:
        hook.remove()
    count = sum(len(z) for z in zero) or 1
    found = {"silent": float(sum(z.sum() for z in zero) / count)}
    if made.dim() == 4:
        found["saturated"] = float((made.abs() > 0.999).float().mean())
    return found
