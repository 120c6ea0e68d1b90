"""One look at a duel: what its critic says, how that pushes its generator, and what the samples are like.

A look plays no move: weights, buffers and the training's own random numbers are afterwards what they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganworks.game import Duel, Noise, Round
from ganworks.nets.contract import Verdict, call, judges_alone

Pulls = dict[str, Tensor | None]


@dataclass(frozen=True)
class Look:
    """What one look saw.

    Attributes:
        vitals: scalars by name, see ``docs/diagnosis.md``.
        layers: gradient norm of each weight and bias, by player and name.
    """

    vitals: dict[str, Tensor]
    layers: dict[str, dict[str, Tensor]]


def look(duel: Duel, batch: Mapping[str, Tensor], unseen: Mapping[str, Tensor] | None, seed: int, step: int,
         seen: Mapping[str, Tensor] | None = None) -> Look:
    """Look at a duel on a batch of its training data.

    The costs are the objective's alone, without penalties and other terms, as a play of the current weights on
    ``batch`` would have them: networks are in training mode, and the critic sees what it sees through the lens.

    Args:
        batch: samples that are trained on, at least 2, and a multiple of the duel's packs.
        unseen: samples of the same law that are not, or None where there are none; more than the batch has make "known
            by heart" surer, and cost a pass of the critic each.
        seed: of the latents and of all else that is random.
        step: of the training.
        seen: more samples that are trained on, to stand beside ``unseen``; by default the batch.
    """
    with _unmoved(duel.generator, duel.critic):
        real, condition, noise = batch["sample"], duel.told(batch), _noise(batch, seed)
        source = duel.source(batch, noise)
        made = call(duel.generator, source, condition)
        fake = made.detach().requires_grad_()
        turn = duel.turn(real, source, Round(batch, step, noise), "both", fake, condition)
        said = {"real": turn.on_real, "fake": turn.on_fake}
        objective = duel.objective
        force, slope = _pushes(objective.generator_cost(said["real"].scores if objective.needs_real else None,
                                                        said["fake"].scores), said["fake"], fake)
        pulls = {"generator": _pulls(made, duel.generator, force),
                 "critic": _pulls(objective.critic_cost(said["real"].scores, said["fake"].scores), duel.critic)}
        if unseen is not None:
            others = {name: _parts_judged(duel, rows, len(real), seed, step)
                      for name, rows in (("unseen", unseen), ("seen", batch if seen is None else seen))}
        mixed = _mixed(duel, batch, fake.detach(), seed, step) if _has_batch_norm(duel.critic) else {}
    scores = {name: per_sample(verdict) for name, verdict in said.items()}
    vitals = _scores(scores) | mixed | ({} if unseen is None else _by_heart(scores["fake"], **others))
    vitals |= {"force": norms(force).mean() * len(force), "slope": norms(slope).mean()}
    for player, found in pulls.items():
        vitals |= {f"gradient {player}": total_norm(found), f"dead {player}": dead_share(found)}
    vitals |= spread_of(made.detach(), real)
    layers = {player: {name: pull.norm() for name, pull in found.items() if pull is not None}
              for player, found in pulls.items()}
    return Look({name: value.detach() for name, value in vitals.items()}, layers)


@torch.no_grad()
def _parts_judged(duel: Duel, batch: Mapping[str, Tensor], rows: int, seed: int, step: int) -> Tensor:
    """Return a score of each sample, so many at a time as a step sees where samples are judged beside each other."""
    rows = len(batch["sample"]) if judges_alone(duel.critic) else rows
    parts = zip(*(value.split(rows) for value in batch.values()), strict=True)
    return torch.cat([per_sample(_judged(duel, dict(zip(batch, part, strict=True)), seed + k, step))
                      for k, part in enumerate(parts)])


def _judged(duel: Duel, batch: Mapping[str, Tensor], seed: int, step: int) -> Verdict:
    real, round = batch["sample"], Round(batch, step, _noise(batch, seed))
    return duel.turn(real, real, round, "generator", real, duel.told(batch)).on_real


def _has_batch_norm(critic: nn.Module) -> bool:
    return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in critic.modules())


def _mixed(duel: Duel, batch: Mapping[str, Tensor], fake: Tensor, seed: int, step: int) -> dict[str, Tensor]:
    """Return how well samples are told apart where each batch holds as many real as generated ones."""
    real, half = batch["sample"], len(fake) // (2 * duel.pack) * duel.pack
    first = _judged(duel, {**batch, "sample": torch.cat([real[:half], fake[half:]])}, seed, step)
    second = _judged(duel, {**batch, "sample": torch.cat([fake[:half], real[half:]])}, seed, step)
    edge, (a, b) = half // duel.pack, map(per_sample, (first, second))
    return {"told apart mixed": above(torch.cat([a[:edge], b[edge:]]), torch.cat([b[:edge], a[edge:]]))}


def _noise(batch: Mapping[str, Tensor], seed: int) -> Noise:
    return Noise(seed, len(batch["sample"]), device=batch["sample"].device)


def _pushes(cost: Tensor, said: Verdict, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradient of the generator's cost at the samples, and that of the critic's score."""
    (force,) = torch.autograd.grad(cost, fake, retain_graph=True)
    (slope,) = torch.autograd.grad(per_sample(said).sum(), fake, retain_graph=True)
    return force, slope


def _pulls(of: Tensor, player: nn.Module, along: Tensor | None = None) -> Pulls:
    named = {name: p for name, p in player.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(of, list(named.values()), along, retain_graph=True, allow_unused=True)
    return dict(zip(named, found, strict=True))


@contextmanager
def _unmoved(*networks: nn.Module) -> Iterator[None]:
    """Put back what looking moves: statistics of batches, the vectors of spectral normalisation."""
    before = [(buffer, buffer.clone()) for network in networks for buffer in network.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, was in before:
                buffer.copy_(was)


def per_sample(verdict: Verdict) -> Tensor:
    """Return one score a sample (n,): the mean over each head's places, summed over the heads."""
    return torch.stack([score.reshape(len(score), -1).mean(1) for score in verdict.scores]).sum(0)


def norms(x: Tensor) -> Tensor:
    """Return the Euclidean norm of each sample (n,)."""
    return x.flatten(1).norm(dim=1)


def _scores(scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, score in scores.items():
        found |= _middle(name, score)
    found["told apart"] = above(scores["real"], scores["fake"])
    return found


def _by_heart(fake: Tensor, unseen: Tensor, seen: Tensor) -> dict[str, Tensor]:
    return _middle("unseen", unseen) | {"unseen told apart": above(unseen, fake), "known by heart": above(seen, unseen)}


def _middle(name: str, score: Tensor) -> dict[str, Tensor]:
    # One sample has no spread.
    return {f"score {name}": score.mean(), f"spread {name}": score.std(correction=min(1, len(score) - 1))}


def above(high: Tensor, low: Tensor) -> Tensor:
    """Return P(high > low) + P(high = low) / 2 for independent draws of both: the area under the ROC curve.

    1/2 where the scores of both kinds are alike, 1 where a threshold parts them (Fawcett 2006, section 7).
    """
    return ((high[:, None] > low).float() + (high[:, None] == low).float() / 2).mean()


def total_norm(pulls: Pulls) -> Tensor:
    """Return the norm of a player's whole gradient."""
    return torch.stack([pull.norm() for pull in pulls.values() if pull is not None]).norm()


def dead_share(pulls: Pulls) -> Tensor:
    """Return the share of units (rows of weights) whose gradient is exactly zero, in the layer where it is largest.

    Such units cannot learn. The last layer counts only where all of it is dead: pixels that are always black, at the
    end of tanh's range, are no fault.
    """
    felt = [pull for pull in pulls.values() if pull is not None]
    weights = [pull for pull in felt if pull.dim() > 1] or felt
    rows = [(pull.reshape(len(pull), -1).abs().amax(1) if pull.dim() else pull.abs()[None]) == 0 for pull in weights]
    shares = torch.stack([row.float().mean() for row in rows])
    shares[-1] = shares[-1].floor()
    return shares.max()


def spread_of(fake: Tensor, real: Tensor) -> dict[str, Tensor]:
    """Return how far generated samples are from each other, as a share of how far real ones are.

    "diversity" is the ratio of the mean distances of two samples; "nearest" that of the median distances to the
    nearest other one, which is small where there are (near) duplicates.
    """
    found = {}
    for name, x in (("fake", fake), ("real", real)):
        flat = x.flatten(1).float()
        apart = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist")
        own = torch.eye(len(flat), dtype=torch.bool, device=flat.device)
        found[name] = apart[~own].mean(), apart.masked_fill(own, torch.inf).amin(1).median()
    (far, near), (far_real, near_real) = found["fake"], found["real"]
    return {"diversity": far / far_real, "nearest": near / near_real}
