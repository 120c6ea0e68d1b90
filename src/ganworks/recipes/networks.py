"""Which networks a recipe trains: one model of the options for all of them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from ganworks.data import Source
from ganworks.errors import UserError
from ganworks.game import Latent
from ganworks.nets import (
    Condition,
    DCGANCritic,
    DCGANGenerator,
    MLPCritic,
    MLPGenerator,
    SNGANCritic,
    SNGANGenerator,
)
from ganworks.nets.condition import CriticTold, GeneratorTold
from ganworks.nets.layers import Norm
from ganworks.nets.minibatch import Minibatch

UNITS = 4
"""Units of a fully connected layer for each channel that ``width`` gives a convolutional network."""


class Networks(BaseModel):
    """The two players. The defaults are DCGAN's; a recipe's signature states its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: Literal["auto", "mlp", "dcgan", "sngan"] = Field(
        "auto", description="family; auto: convolutions (dcgan) for images, fully connected (mlp) for points")
    latent: int = Field(100, ge=1, description="dimension of z")
    law: Literal["gaussian", "uniform"] = Field("gaussian", description="of z")
    width: int = Field(64, ge=1, description="channels of the widest maps; a fully connected layer has four times as "
                       "many units")
    depth: int = Field(3, ge=1, description="hidden layers of fully connected networks")
    norm_generator: Norm = Field("batch", description="the generator's normalisation")
    norm_critic: Norm = Field("batch", description="the critic's normalisation")
    minibatch: Minibatch = Field("none", description="how the critic looks at a whole batch: a layer of minibatch "
                                 "discrimination, or of minibatch standard deviation")
    condition: Literal["none", "label", "vector"] = Field(
        "none", description="what both players are told of each sample: its class, or its real vector")
    told_generator: GeneratorTold = Field("concat", description="how the generator is told the condition: beside z, or "
                                          "by conditional normalisation")
    told_critic: CriticTold = Field("concat", description="how the critic is told: beside its input, by projection, or "
                                    "not at all, while it classifies (auxiliary)")

    @property
    def latents(self) -> Latent:
        """The law of z."""
        return Latent(self.latent, self.law)

    @property
    def told(self) -> str | None:
        """The batch entry that both players are told, or None."""
        return None if self.condition == "none" else self.condition

    def generator(self, source: Source) -> nn.Module:
        """Return a new generator for samples of ``source``."""
        more = {"norm": self.norm_generator, "condition": self._condition(source), "told": self.told_generator}
        family = self._family(source)
        if family == "mlp":
            return MLPGenerator(source.shape, self.latent, self._units, **more)  # type: ignore[arg-type]
        make = DCGANGenerator if family == "dcgan" else SNGANGenerator
        return make(source.shape, self.latent, self.width, **more)  # type: ignore[arg-type]

    def critic(self, source: Source, pack: int = 1) -> nn.Module:
        """Return a new critic for samples of ``source``, or for packs of them joined along their channels."""
        shape = (pack * source.shape[0], *source.shape[1:])
        more = {"norm": self.norm_critic, "minibatch": self.minibatch, "condition": self._condition(source),
                "told": self.told_critic}
        family = self._family(source)
        if family == "mlp":
            return MLPCritic(shape, self._units, **more)  # type: ignore[arg-type]
        make = DCGANCritic if family == "dcgan" else SNGANCritic
        return make(shape, self.width, **more)  # type: ignore[arg-type]

    @property
    def _units(self) -> list[int]:
        return [UNITS * self.width] * self.depth

    def _family(self, source: Source) -> str:
        if self.network != "auto":
            return self.network
        return "dcgan" if len(source.shape) == 3 else "mlp"

    def _condition(self, source: Source) -> Condition | None:
        if self.condition == "none":
            return None
        if self.condition == "label":
            if not source.classes:
                raise UserError(f"a condition on classes, and {source.name} has none", "labelled data: a folder with a "
                                "sub-folder for each class, an .npz with labels", "or a recipe without a condition")
            return Condition(classes=len(source.classes))
        if source.vector is None:
            raise UserError(f"a condition on vectors, and {source.name} has none", "data with a real vector for each "
                            "sample: an .npz with 'vectors' (N, k)", "or --condition label, or none")
        return Condition(size=source.vector)
