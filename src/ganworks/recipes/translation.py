"""Images to images: pix2pix for pairs, CycleGAN for two kinds of images without pairs."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ganworks.data import Source
from ganworks.data.pairs import Pairs, Unpaired
from ganworks.data.source import as_floats
from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import Cycle, Duel, Entry, Likeness, Replay, Weighted
from ganworks.nets.patchgan import PatchCritic
from ganworks.nets.translator import ResNetTranslator
from ganworks.nets.unet import DROPPED, UNetTranslator
from ganworks.objective import scaled
from ganworks.recipes.assembling import clipping, noise_lens, penalties, told_by
from ganworks.recipes.stabilisers import Penalties
from ganworks.recipes.training import Figure, Training, once
from ganworks.train import Measure, Recipe
from ganworks.train.sampling import CHUNK, filled

DEEPEST, FEW = 8, 16
Named = Annotated[str, Field(description="name (ganworks list objectives), or a design file")]
Likely = Annotated[float, Field(ge=0, description="weight of E |y - G(x)|")]
CriticWeight = Annotated[float, Field(gt=0, description="factor of the critic's cost; the paper halves it")]
ThereAndBack = Annotated[float, Field(ge=0, description="weight of the way there and back, E |F(G(x)) - x|")]
Identity = Annotated[float, Field(ge=0, description="weight of E |G(y) - y|, as a share of --cycle; 0 where colours "
                                  "should change")]
Pool = Annotated[int, Field(ge=0, description="earlier translations that the critics are shown again; 0: none")]
GeneratorWeight = Annotated[float, Field(gt=0, description="factor of the objective in the generators' cost; 2 takes "
                                         "away the half that least squares have here, and not in the paper")]


class Translators(BaseModel):
    """The networks that translate, and the critics of patches. The defaults are CycleGAN's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: Literal["resnet", "unet"] = Field("resnet", description="residual blocks, or a U-Net as deep as the size "
                                               "can be halved, up to 8 times")
    width: int = Field(64, ge=1, description="channels of the translator's first maps")
    blocks: int = Field(9, ge=1, description="residual blocks; the paper has 9, and 6 up to 128 pixels")
    norm_generator: Literal["instance", "batch", "layer"] = Field("instance", description="the translator's "
                                                                  "normalisation; instance forgets flat colours")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the values that inner layers drop while they learn")
    patch_layers: int = Field(3, ge=0, le=6, description="the critic's convolutions of stride 2: 3 judge patches of 70 "
                              "pixels, 2 of 34, 1 of 16, 0 judge single pixels")
    width_critic: int = Field(64, ge=1, description="channels of the critic's first maps")
    norm_critic: Literal["instance", "batch", "spectral", "none"] = Field("instance", description="the critic's "
                                                                          "normalisation")

    def generator(self, shape: tuple[int, ...], made: tuple[int, ...]) -> nn.Module:
        """Return a new translator from images of one shape to images of another."""
        side = shape[-1]
        if self.network == "resnet":
            if side % ResNetTranslator.multiple:
                raise UserError(f"a residual translator for {side} pixels", "a multiple of 4", "change --size")
            return ResNetTranslator(shape[0], made[0], self.width, self.blocks, self.norm_generator, self.dropout)
        depth = min(DEEPEST, (side & -side).bit_length() - 1)
        if depth < 2:
            raise UserError(f"a U-Net for {side} pixels", "a side that can be halved at least twice", "take --size 64, "
                            "128 or 256")
        return UNetTranslator(shape[0], made[0], depth, self.width, self.norm_generator, self.dropout)

    def critic(self, channels: int, side: int) -> PatchCritic:
        """Return a new critic of images of so many channels, the input's among them where it is told."""
        critic = PatchCritic(channels, self.patch_layers, self.width_critic, self.norm_critic)
        if side < critic.smallest:
            raise UserError(f"a critic of {self.patch_layers} layers for {side} pixels", f"at least {critic.smallest} "
                            "pixels", "take fewer (--patch-layers), or a larger --size")
        return critic


PAPER = Training(steps=200_000, batch=1, schedule="linear", hold=0.5, ema=None, sample_every=1000,
                 checkpoint_every=1000, measure=100)
SMALL = Training(steps=4000, batch=4, lr=4e-4, schedule="linear", hold=0.5, ema=None, sample_every=500,
                 checkpoint_every=500, measure=100)
UNET = Translators(network="unet", dropout=DROPPED)
"""With batches of one image, the paper's batch normalisation is instance normalisation (its section 3.3)."""


def pix2pix(
    source: Pairs,
    training: Training = PAPER,
    networks: Translators = UNET,
    stabilisers: Penalties = Penalties(),
    objective: Named = "nonsaturating",
    l1: Likely = 100.0,
    critic_weight: CriticWeight = 0.5,
) -> Recipe:
    """Translate images by pairs: a critic that is told the input, and L1 (Isola et al. 2017, eq. 1 to 4)."""
    given, made = _shapes(source)
    generator, critic = networks.generator(given, made), networks.critic(given[0] + made[0], made[-1])
    told = scaled(told_by(objective_named(objective), stabilisers), critic_weight)
    game = Duel(generator, critic, told, Entry(), condition="input",
                critic_terms=penalties(stabilisers, training.steps),
                generator_terms=[Weighted("l1", Likeness(), l1)] if l1 else [],
                critic_steps=training.critic_steps, lens=noise_lens(stabilisers, training.steps))
    return training.recipe(game, source, clipping(stabilisers), measured=lambda count: _likeness_to(source, count))


def pix2pix_small(
    source: Pairs,
    training: Training = SMALL.model_copy(update={"steps": 8000, "lr": 6e-4}),
    networks: Translators = Translators(width=16, blocks=6, norm_generator="batch", norm_critic="spectral",
                                        patch_layers=2, width_critic=16),
    stabilisers: Penalties = Penalties(),
    objective: Named = "nonsaturating",
    l1: Likely = 100.0,
    critic_weight: CriticWeight = 0.5,
) -> Recipe:
    """Translate images by pairs on a CPU, for 64 pixels: narrow, residual, a spectral critic (Isola et al. 2017)."""
    return pix2pix(source, training, networks, stabilisers, objective, l1, critic_weight)


def cyclegan(
    source: Unpaired,
    training: Training = PAPER,
    networks: Translators = Translators(),
    stabilisers: Penalties = Penalties(),
    objective: Named = "lsgan",
    cycle: ThereAndBack = 10.0,
    identity: Identity = 0.5,
    pool: Pool = 50,
    generator_weight: GeneratorWeight = 2.0,
) -> Recipe:
    """Translate between two kinds of images without pairs, there and back (Zhu et al. 2017, eq. 1 to 3)."""
    a, b = _shapes(source)
    if a != b:
        raise UserError(f"a game of cycles between images of shapes {a} and {b}", "one shape", "take --channels 3")
    told = scaled(told_by(objective_named(objective), stabilisers), generator=generator_weight)

    def duel(given: tuple[int, ...], made: tuple[int, ...]) -> Duel:
        return Duel(networks.generator(given, made), networks.critic(made[0], made[-1]), told, Entry(),
                    critic_terms=penalties(stabilisers, training.steps),
                    lens=noise_lens(stabilisers, training.steps),
                    replay=Replay(pool, made) if pool else None)

    if training.critic_steps > 1:
        raise UserError(f"--critic-steps {training.critic_steps} in a game of cycles", "1")
    return training.recipe(Cycle(duel(a, b), duel(b, a), cycle, identity), source, clipping(stabilisers),
                           measured=_unmeasured if _few(source) else None)


def cyclegan_small(
    source: Unpaired,
    training: Training = SMALL.model_copy(update={"batch": 1, "steps": 8000}),
    networks: Translators = Translators(width=12, blocks=4, norm_generator="layer", norm_critic="spectral",
                                        patch_layers=2, width_critic=16),
    stabilisers: Penalties = Penalties(),
    objective: Named = "lsgan",
    cycle: ThereAndBack = 10.0,
    identity: Identity = 0.5,
    pool: Pool = 50,
    generator_weight: GeneratorWeight = 2.0,
) -> Recipe:
    """Translate without pairs on a CPU, for 64 pixels: CycleGAN, narrow, layer-normalised (Zhu et al. 2017)."""
    return cyclegan(source, training, networks, stabilisers, objective, cycle, identity, pool, generator_weight)


def _shapes(source: Source) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if source.input is None or len(source.shape) != 3:
        raise UserError(f"{source.name}: nothing to translate in it", "pairs of images, or images of two kinds")
    return source.input, source.shape


def _few(source: Source) -> bool:
    """Whether there are too few images of the target's kind for a distance to them."""
    return isinstance(source, Unpaired) and len(source.samples.kept or source.samples) < FEW


def _unmeasured(count: int) -> None:
    return None


def _likeness_to(source: Source, count: int) -> Measure:
    def make() -> Figure:
        # Samples of a game that translates are made from the head of its data, a chunk after the other.
        targets = filled({"sample": as_floats(source.head(CHUNK)["sample"])}, CHUNK)["sample"]

        def figure(samples: Tensor) -> float:
            chunks = as_floats(samples).split(CHUNK)
            far = [(chunk - targets[: len(chunk)]).abs().flatten(1).mean(1) for chunk in chunks]
            return float(torch.cat(far).mean()) / 2  # of the range of the values, as ganworks evaluate has it

        return figure

    return Measure("L1", count, once(make))
