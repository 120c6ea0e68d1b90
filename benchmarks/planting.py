"""Faults that are planted in a training: in its data, or in its players before the first step."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from ailments import Patient
from torch import Tensor, nn

from ganworks.data import Mixture, Source, from_torch
from ganworks.data.opening import open_source
from ganworks.data.options import checked
from ganworks.data.part import parted
from ganworks.data.source import as_floats
from ganworks.recipes import Call
from ganworks.train import Recipe

GONE = -20.0
"""A bias behind which no ReLU is ever above 0."""
MOST = 6000


def call_of(patient: Patient, fashion: str, more: dict[str, Any] | None = None) -> Call:
    """Return the recipe's call, with ``more`` options that a remedy asks for."""
    from ailments import HERE

    name = f"{HERE / 'dirac.py'}:dirac" if patient.recipe == "dirac" else patient.recipe
    given = {**patient.options, **(more or {})}
    if given.get("data") == "FASHION":
        given["data"] = fashion
    return Call.make(name, {}, given)


def whole(patient: Patient, fashion: str) -> Source:
    """Return the data that the generator should learn."""
    if patient.kind == "dirac":
        return Mixture([0.0], 0.01, name="point")
    path = patient.options["data"]
    return _opened(fashion if path == "FASHION" else path)


@cache
def _opened(path: str) -> Source:
    return open_source(checked(path=path))


def taught(patient: Patient, source: Source) -> Source:
    """Return the data that it is taught: all, or what a planted fault leaves of it."""
    fault, _, amount = patient.fault.partition(" ")
    if fault == "part":
        source = _part(source, float(amount))
    elif fault == "few":
        rows = source.trained(int(amount))
        source = from_torch((rows["sample"], rows["label"]))
    elif len(source) > MOST:
        rows = source.trained(MOST)
        source = from_torch((rows["sample"], rows["label"]))
    share = patient.options.get("held_out", 0.0)
    return parted(source, share) if share and len(source) else source


def _part(source: Source, share: float) -> Source:
    if isinstance(source, Mixture):
        return Mixture(source.modes[: round(share * len(source.modes))], float(source.sd[0]))
    rows = source.trained(MOST)
    kept = rows["label"] < round(share * len(source.classes or ()))
    return from_torch((rows["sample"][kept], rows["label"][kept]))


def plant(recipe: Recipe, patient: Patient) -> None:
    """Plant a fault in the generator."""
    fault, *amounts = patient.fault.split() or [""]
    generator = recipe.game.players["generator"]
    if fault == "deaf":
        generator.register_forward_pre_hook(lambda _, given: (float(amounts[0]) * given[0], *given[1:]))
    elif fault == "memory":
        rows = as_floats(recipe.source.trained(MOST)["sample"])
        generator.register_forward_hook(_Memory(rows, *map(float, amounts)))
    elif fault in ("dead", "saturated", "far"):
        linear = [layer for layer in generator.modules() if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            if fault == "dead":
                for layer in linear[:-1]:
                    layer.bias[: round(float(amounts[1]) * len(layer.bias))] = GONE
            elif fault == "saturated":
                linear[-1].weight *= float(amounts[0])
                linear[-1].bias.add_(torch.randn(len(linear[-1].bias)).sign(), alpha=float(amounts[0]))
            else:
                linear[-1].bias.add_(50.0)


class _Memory:
    """In place of a share of a generator's samples, samples of the data with a little noise; a function of z."""

    def __init__(self, rows: Tensor, share: float, noise: float) -> None:
        self.rows, self.share, self.noise = rows, share, noise
        self.mix = torch.randn(32, rows[0].numel(), generator=torch.Generator().manual_seed(0))

    def __call__(self, _: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> Tensor:
        z = given[0].detach()
        which = (z[:, 0].abs() * 1e5).long() % len(self.rows)
        noise = self.noise * torch.sin(7 * z @ self.mix[: z.shape[1]]).view_as(made)
        told = torch.distributions.Normal(0.0, 1.0).cdf(z[:, 1]) < self.share
        held = (self.rows[which] + noise).clamp(-1, 1) + 0 * made
        return torch.where(told.view(-1, *[1] * (made.dim() - 1)), held, made)


def arrays(source: Source, most: int = MOST) -> tuple[np.ndarray, list[str] | None]:
    """Return samples and the names of their classes."""
    rows = source.trained(most)
    classes = source.classes
    named = [classes[i] for i in rows["label"].tolist()] if classes and "label" in rows else None
    return rows["sample"].numpy(), named
