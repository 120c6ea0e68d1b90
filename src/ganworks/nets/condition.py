"""What networks are told beside their input: a class or a vector, and the ways to tell it.

A generator is told by ``concat`` (beside z: Mirza and Osindero 2014) or by ``norm`` (gain and shift of its
normalisations are functions of the condition: Dumoulin et al. 2017, de Vries et al. 2017). A critic is told by
``concat`` (beside its input, constant maps beside an image) or by ``projection`` (Miyato and Koyama 2018, eq. 3), or is
not told and classifies instead, ``auxiliary`` (Odena et al. 2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganworks.errors import UserError, did_you_mean
from ganworks.nets.spectral import spectral_norm

GeneratorTold = Literal["concat", "norm"]
CriticTold = Literal["concat", "projection", "auxiliary"]


@dataclass(frozen=True)
class Condition:
    """What a condition looks like: one of ``classes``, or a vector of ``size`` numbers.

    Attributes:
        classes: how many classes there are; conditions are labels int64 (N,) in [0, classes).
        size: how many numbers a vector has; conditions are floats (N, size).
        embedding: dimension of learned vectors that "concat" puts in the place of one-hot labels or of the vector.
    """

    classes: int | None = None
    size: int | None = None
    embedding: int | None = None

    def __post_init__(self) -> None:
        if (self.classes is None) == (self.size is None):
            raise UserError(f"a condition of {self.classes} classes and size {self.size}", "one of classes and size")
        if self.width < 1 or (self.embedding is not None and self.embedding < 1):
            raise UserError(f"a condition of width {self.width}, embedding {self.embedding}", "at least 1 of each")

    @property
    def width(self) -> int:
        """How many numbers say a condition: the classes, one-hot, or the size."""
        return self.classes if self.classes is not None else self.size or 0

    def check(self, value: Tensor | None, rows: int) -> Tensor:
        """Return ``value`` where it is a condition of ``rows`` samples, and raise UserError where it is not.

        The range of labels is looked at on the CPU only: elsewhere that would wait for the device at each step.
        """
        wanted = (f"labels int64 ({rows},) from 0 to {self.classes - 1}" if self.classes is not None
                  else f"float vectors ({rows}, {self.size})")
        if value is None:
            raise UserError("a conditional network without a condition", wanted,
                            "call network(x, condition), or build the network without a condition")
        if self.classes is None:
            fits = value.is_floating_point() and value.shape == (rows, self.size)
        else:
            fits = value.dtype == torch.int64 and value.shape == (rows,)
        if not fits:
            raise UserError(f"a condition {value.dtype} of shape {tuple(value.shape)}", wanted)
        if self.classes is not None and rows and value.device.type == "cpu" and not torch.compiler.is_compiling():
            low, high = (bound.item() for bound in torch.aminmax(value))
            if low < 0 or high >= self.classes:
                raise UserError(f"labels from {low} to {high}", wanted, "give the network as many classes as there are")
        return value


class ConditionMap(nn.Module):
    """Conditions to vectors (N, width): a learned row for each class, or a linear map of a vector.

    Args:
        condition: what is mapped.
        width: of the result.
        std: of the initial numbers.
        bias: add a learned vector to the linear map; it starts at 0. Rows of classes have no use for one.
    """

    def __init__(self, condition: Condition, width: int, std: float, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(std * torch.randn(condition.width, width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias and condition.classes is None else None

    def forward(self, value: Tensor) -> Tensor:
        weight = self.weight
        if not value.is_floating_point():
            return F.embedding(value, weight)
        mapped = value.to(weight.dtype) @ weight
        return mapped if self.bias is None else mapped + self.bias


class ConditionalNorm(nn.Module):
    """A normalisation whose gain 1 + g(y) and shift b(y) are functions of the condition.

    With one class and batch normalisation it is the plain layer with gain 1 + g and shift b.

    Args:
        plain: the normalisation without gain and shift, (N, width) or (N, width, H, W).
        width: how many features it normalises.
        condition: what y is.
    """

    def __init__(self, plain: nn.Module, width: int, condition: Condition) -> None:
        super().__init__()
        self.plain = plain
        # Initial gains as those of the plain layers (layers.initialise): N(1, 0.02^2), and shifts 0.
        self.gain = ConditionMap(condition, width, 0.02, bias=True)
        self.shift = ConditionMap(condition, width, 0.0, bias=True)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        x = self.plain(x)
        shape = (*x.shape[:2], *[1] * (x.dim() - 2))
        gain, shift = (part(told).to(x.dtype).view(shape) for part in (self.gain, self.shift))
        return torch.addcmul(shift, x, 1 + gain)


class ConditionInput(nn.Module):
    """The way of a condition into a network: it is checked, and put beside the input where it is told by "concat".

    Attributes:
        extra: how many features or maps it adds to the input.
    """

    def __init__(self, condition: Condition, told: str, spectral: bool) -> None:
        super().__init__()
        self.condition, self.told, self.extra = condition, told, 0
        self.embedding: nn.Module | None = None
        if told == "concat":
            self.extra = condition.embedding or condition.width
            if condition.embedding:
                self.embedding = _bounded(ConditionMap(condition, condition.embedding, 1.0), spectral)

    def forward(self, x: Tensor, value: Tensor | None) -> Tensor:
        if value is None and self.told == "auxiliary":
            return x
        value = self.condition.check(value, len(x))
        if not self.extra:
            return x
        if self.embedding is not None:
            vector = self.embedding(value)
        else:
            vector = value if self.condition.classes is None else F.one_hot(value, self.condition.classes)
        return beside(x, vector)


class ConditionHead(nn.Module):
    """What a condition adds to a critic's last layer: <V y, phi(x)> to the score, or class logits beside it.

    Miyato and Koyama 2018, eq. 3: f(x, y) = psi(phi(x)) + <V y, phi(x)>, where psi is the critic's own last layer.

    Args:
        condition: what y is.
        told: "projection" or "auxiliary".
        width: how many numbers phi(x) has.
        spectral: bound the spectral norm of what is added.
    """

    def __init__(self, condition: Condition, told: str, width: int, spectral: bool) -> None:
        super().__init__()
        self.projection: nn.Module | None = None
        self.auxiliary: nn.Module | None = None
        if told == "projection":
            ways = width * (condition.size or 1)
            self.projection = _bounded(ConditionMap(condition, width, 1 / math.sqrt(ways)), spectral)
        else:
            self.auxiliary = _bounded(nn.Linear(width, condition.width), spectral)

    def forward(self, phi: Tensor, score: Tensor, value: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the score (N,) and the class logits (N, classes) or None, from phi (N, ...)."""
        if self.projection is not None:
            return score + (self.projection(value) * torch.flatten(phi, 1)).sum(1), None
        return score, None if self.auxiliary is None else self.auxiliary(torch.flatten(phi, 1))


def generator_input(condition: Condition | None, told: GeneratorTold, norm: str) -> ConditionInput | None:
    """Return the way of a condition into a generator with the given normalisation, or None without a condition."""
    _check_told(told, ("concat", "norm"))
    if condition is not None and told == "norm" and norm not in ("batch", "instance"):
        raise UserError(f"a generator told by its normalisation, which is '{norm}'", "batch or instance normalisation",
                        "take --norm-generator batch, or tell it by concat")
    return None if condition is None else ConditionInput(condition, told, norm == "spectral")


def critic_input(condition: Condition | None, told: CriticTold, norm: str) -> ConditionInput | None:
    """Return the way of a condition into a critic with the given normalisation, or None without a condition."""
    _check_told(told, ("concat", "projection", "auxiliary"))
    if condition is not None and condition.classes is None and told == "auxiliary":
        raise UserError("an auxiliary classifier of vectors", "classes", "tell the critic by projection or concat")
    return None if condition is None else ConditionInput(condition, told, norm == "spectral")


def critic_head(condition: Condition | None, told: CriticTold, width: int, norm: str) -> ConditionHead | None:
    """Return what a condition adds to a critic's last layer of ``width`` inputs, or None where that is nothing."""
    if condition is None or told == "concat":
        return None
    return ConditionHead(condition, told, width, norm == "spectral")


def extra_inputs(told: ConditionInput | None) -> int:
    """Return how many features or maps a condition adds to the input."""
    return 0 if told is None else told.extra


def heard(told: ConditionInput | None, x: Tensor, value: Tensor | None) -> Tensor:
    """Return the input x with what is told beside it. Small networks feel a module's call, so None costs none."""
    if told is not None:
        return told(x, value)
    if value is not None:
        raise UserError("a condition for a network that takes none", "network(x)",
                        "build the network with a Condition, or play a game without one")
    return x


def through(layers: nn.Module, x: Tensor, told: Tensor | None) -> Tensor:
    """Return x behind the layers of an ``nn.Sequential``; conditional normalisations are told ``told``."""
    if told is None:
        return layers(x)
    for layer in layers.children():
        x = layer(x, told) if isinstance(layer, ConditionalNorm) else layer(x)
    return x


def beside(x: Tensor, values: Tensor) -> Tensor:
    """Return x (N, A) or (N, A, H, W) with values (N, B) appended, to maps as constant maps, in the layout of x."""
    values = values.to(x.dtype)
    if x.dim() == 4:
        values = values.view(*values.shape, 1, 1).expand(-1, -1, *x.shape[2:])
        if x.is_contiguous(memory_format=torch.channels_last):
            values = values.contiguous(memory_format=torch.channels_last)
    return torch.cat([x, values], 1)


def _check_told(told: str, ways: tuple[str, ...]) -> None:
    if told not in ways:
        raise UserError(f"a condition told by '{told}'", did_you_mean(told, ways))


def _bounded(layer: nn.Module, spectral: bool) -> nn.Module:
    return spectral_norm(layer) if spectral else layer
