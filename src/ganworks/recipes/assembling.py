"""From options to a recipe: the one place where networks, objective and stabilisers become a game."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from ganworks.data import Source
from ganworks.errors import UserError
from ganworks.game import (
    ADA,
    R1,
    R2,
    Consistency,
    DiffAugment,
    Duel,
    FeatureMatching,
    GradientPenalty,
    GradientPower,
    HistoricalAverage,
    InstanceNoise,
    LeCam,
    Lens,
    Lenses,
    Level,
    Orthogonal,
    Ramp,
    Term,
    Top,
    Unrolled,
    Weighted,
)
from ganworks.objective import Objective, flipped, relativistic, relativistic_average, smoothed
from ganworks.recipes.networks import Networks
from ganworks.recipes.stabilisers import Penalties, Stabilisers
from ganworks.recipes.training import Training
from ganworks.train import (
    Alternating,
    ClipWeights,
    Consensus,
    Dynamics,
    Extragradient,
    Hook,
    Recipe,
    Simultaneous,
)

MOVED: tuple[Literal["translation"], Literal["cutout"]] = ("translation", "cutout")
"""What the consistency terms do to images: what they do not change of a thing (Zhang et al. 2020, section 3)."""


def assemble(objective: Objective, data: Source, training: Training, networks: Networks, stabilisers: Stabilisers, *,
             critic: nn.Module | None = None, critic_terms: Sequence[Weighted] = (),
             generator_terms: Sequence[Weighted] = (), pretrain: int = 0) -> Recipe:
    """Return the recipe of a duel.

    Args:
        critic: by default the one of ``networks``.
        critic_terms, generator_terms: the recipe's own, beside those of ``stabilisers``.
        pretrain: see ``Duel``.
    """
    generator = networks.generator(data)
    critic = critic or networks.critic(data, stabilisers.pack)
    told = told_by(objective, stabilisers)
    game = Duel(generator, critic, told, networks.latents,
                critic_terms=[*critic_terms, *_critic_terms(stabilisers, critic, training.steps)],
                generator_terms=[*generator_terms, *_generator_terms(stabilisers, generator)],
                critic_steps=training.critic_steps, condition=networks.told,
                lens=_lens(stabilisers, training.steps, told),
                pack=stabilisers.pack, top=_top(stabilisers, training.steps),
                foresight=_foresight(stabilisers, training), pretrain=pretrain)
    return training.recipe(game, data, clipping(stabilisers), _dynamics(stabilisers))


def told_by(objective: Objective, stabilisers: Penalties) -> Objective:
    """Return the objective with the labels and the comparison that ``stabilisers`` ask for."""
    if stabilisers.relativistic != "none":
        objective = (relativistic if stabilisers.relativistic == "pair" else relativistic_average)(objective)
    if stabilisers.smoothing is not None:
        objective = smoothed(objective, stabilisers.smoothing)
    return objective if stabilisers.flipping is None else flipped(objective, stabilisers.flipping)


def penalties(s: Penalties, steps: int) -> list[Weighted]:
    """Return the terms of the critic's cost that ``s`` asks for in a training of so many steps."""
    terms: list[tuple[str, Term, float, int]] = []
    if s.gp is not None:
        penalty = GradientPenalty(s.gp_target, s.gp_side, s.gp_at, s.gp_over)
        terms.append(("gradient_penalty", penalty, s.gp, s.gp_every))
    if s.r1 is not None:
        terms.append(("r1", R1(), s.r1, s.r1_every))
    if s.r2 is not None:
        terms.append(("r2", R2(), s.r2, s.r1_every))
    if s.div is not None:
        terms.append(("div", GradientPower(s.div_power), s.div, s.penalty_every))
    if s.lecam is not None:
        terms.append(("lecam", LeCam(), s.lecam, s.penalty_every))
    if s.orthogonal is not None:
        terms.append(("orthogonal", Orthogonal("critic"), s.orthogonal, s.penalty_every))
    return [Weighted(name, term, _fading(s, weight, steps), every) for name, term, weight, every in terms]


def _fading(s: Penalties, weight: float, steps: int) -> Level:
    if not s.penalty_fade:
        return weight
    return Ramp(weight, weight * s.penalty_left, max(round(s.penalty_fade * steps), 1))


def _critic_terms(s: Stabilisers, critic: nn.Module, steps: int) -> list[Weighted]:
    terms = penalties(s, steps)
    if s.consistency is not None:
        terms.append(Weighted("consistency", Consistency(DiffAugment(MOVED), "real"),
                              _fading(s, s.consistency, steps), s.penalty_every))
    if s.consistency_fake is not None:
        terms.append(Weighted("consistency_fake", Consistency(DiffAugment(MOVED), "fake"),
                              _fading(s, s.consistency_fake, steps), s.penalty_every))
    return terms + _history(s, "critic", critic)


def _generator_terms(s: Stabilisers, generator: nn.Module) -> list[Weighted]:
    terms = [Weighted("matching", FeatureMatching(), s.matching)] if s.matching is not None else []
    return terms + _history(s, "generator", generator)


def _history(s: Stabilisers, player: Literal["critic", "generator"], network: nn.Module) -> list[Weighted]:
    return [Weighted("history", HistoricalAverage(player, network), s.history)] if s.history is not None else []


def _lens(s: Stabilisers, steps: int, objective: Objective) -> Lens | None:
    lenses: list[Lens] = []
    if s.augment != "none":
        lenses.append(DiffAugment() if s.augment == "diffaugment" else
                      ADA(s.ada_target, s.ada_over, middle=_undecided(objective)))
    noise = noise_lens(s, steps)
    if noise is not None:
        lenses.append(noise)
    return lenses[0] if len(lenses) == 1 else Lenses(lenses) if lenses else None


def noise_lens(s: Penalties, steps: int) -> Lens | None:
    """Return the noise that ``s`` asks for on all that the critic sees, or None."""
    if s.noise is None:
        return None
    fading = max(round(s.noise_fade * steps), 1)
    return InstanceNoise(Ramp(s.noise, 0.0, fading) if s.noise_fade else s.noise)


def clipping(s: Penalties) -> list[Hook]:
    """Return the hook that clips the critic's weights where ``s`` asks for it."""
    return [ClipWeights(s.clip_weights)] if s.clip_weights is not None else []


def _undecided(objective: Objective) -> float:
    """Return what a perfect critic says where real and generated samples are as likely."""
    if objective.optimum is None:
        raise UserError(f"ADA with the objective '{objective.name}', whose outputs have no middle between real and "
                        "generated", "an objective whose best output is known: nonsaturating, lsgan, hinge, an f-GAN",
                        "take --augment diffaugment")
    return float(objective.optimum(torch.zeros(())))


def _top(s: Stabilisers, steps: int) -> Top | None:
    if s.top is None:
        return None
    return Top(Ramp(1.0, s.top, max(round(s.top_fade * steps), 1)) if s.top_fade else s.top)


def _foresight(s: Stabilisers, training: Training) -> Unrolled | None:
    if s.unroll is None:
        return None
    rate = s.unroll_lr or training.lr_critic or training.lr
    return Unrolled(s.unroll, rate, s.unroll_optimiser, training.betas)


def _dynamics(s: Stabilisers) -> Dynamics:
    if s.dynamics == "consensus":
        return Consensus(s.consensus)
    known: dict[str, Dynamics] = {"alternating": Alternating(), "simultaneous": Simultaneous(),
                                  "extragradient": Extragradient()}
    return known[s.dynamics]
