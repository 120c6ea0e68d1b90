"""What any game can be steadied with: one model of the options for all recipes; what is off is none."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Penalties(BaseModel):
    """Labels, penalties and noise: what any critic can be steadied with. A recipe's signature states its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relativistic: Literal["none", "pair", "average"] = Field(
        "none", description="compare outputs on real and generated samples: in pairs, or with the mean of the others")
    smoothing: float | None = Field(None, gt=0.5, le=1, description="label of real samples, 0.9 say (one-sided)")
    flipping: float | None = Field(None, gt=0, lt=0.5, description="share of the labels that are told wrongly")

    gp: float | None = Field(None, gt=0, description="weight of the gradient penalty")
    gp_target: float = Field(1.0, ge=0, description="norm of the gradient that costs nothing")
    gp_side: Literal["two", "one", "linear"] = Field(
        "two", description="which norms cost: all that miss the target, the larger ones, the larger ones linearly")
    gp_at: Literal["between", "real", "fake", "around"] = Field(
        "between", description="where: between real and generated samples, at either, or around real ones (DRAGAN)")
    gp_over: Literal["mean", "most"] = Field("mean", description="mean over the batch, or its largest penalty")
    gp_every: int = Field(1, ge=1, description="steps between gradient penalties")
    r1: float | None = Field(None, gt=0, description="gamma of the R1 penalty, at real samples")
    r2: float | None = Field(None, gt=0, description="gamma of the R2 penalty, at generated samples")
    r1_every: int = Field(1, ge=1, description="steps between R1 and R2 penalties (lazy regularisation)")
    div: float | None = Field(None, gt=0, description="weight k of the WGAN-div penalty")
    div_power: float = Field(6.0, ge=1, description="its power p")
    lecam: float | None = Field(None, gt=0, description="weight of the LeCam penalty")
    orthogonal: float | None = Field(None, gt=0, description="weight of orthogonal regularisation of the critic")
    clip_weights: float | None = Field(None, gt=0, description="the critic's weights are clipped to [-x, x]")
    penalty_every: int = Field(1, ge=1, description="steps between the other penalties: WGAN-div, LeCam, consistency, "
                               "orthogonality")
    penalty_fade: float = Field(0.0, ge=0, le=1, description="share of the steps over which the weights of all "
                                "penalties fall to --penalty-left of themselves; 0: they stay")
    penalty_left: float = Field(0.0, ge=0, description="what is then left of them, as a share; above 1 they rise")

    noise: float | None = Field(None, gt=0, description="sd of the noise on all that the critic sees")
    noise_fade: float = Field(0.0, ge=0, le=1, description="share of the steps over which that noise falls to 0; 0: it "
                              "stays")


class Stabilisers(Penalties):
    """Penalties, tricks and remedies. All are off by default; a recipe's signature states its own."""

    consistency: float | None = Field(None, gt=0, description="weight of consistency under augmentation, at real "
                                      "samples (CR)")
    consistency_fake: float | None = Field(None, gt=0, description="the same at generated samples (with the former: "
                                           "bCR)")

    augment: Literal["none", "diffaugment", "ada"] = Field(
        "none", description="augmentation of all that the critic sees: DiffAugment, or ADA, which steers itself")
    ada_target: float = Field(0.6, gt=-1, lt=1, description="ADA: wanted mean sign of the critic on real samples")
    ada_over: int = Field(500_000, ge=1, description="ADA: real images in which its probability can go from 0 to 1")
    pack: int = Field(1, ge=1, description="samples that the critic judges at a time (PacGAN)")
    top: float | None = Field(None, gt=0, le=1, description="share of its best samples that the generator learns from "
                              "(top-k)")
    top_fade: float = Field(0.5, ge=0, le=1, description="share of the steps in which that share falls from 1")
    unroll: int | None = Field(None, ge=1, description="critic steps that the generator foresees (unrolled GAN)")
    unroll_lr: float | None = Field(None, gt=0, description="their learning rate; by default the critic's own")
    unroll_optimiser: Literal["sgd", "adam"] = Field("adam", description="their optimiser")

    matching: float | None = Field(None, gt=0, description="weight of feature matching in the generator's cost")
    history: float | None = Field(None, gt=0, description="weight of historical averaging, for both players")
    dynamics: Literal["alternating", "simultaneous", "extragradient", "consensus"] = Field(
        "alternating", description="how the players take turns")
    consensus: float = Field(0.1, gt=0, description="gamma of consensus dynamics")
