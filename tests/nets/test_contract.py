"""What every network keeps: who judges alone, what a panel says, when a condition is passed, spectral norms of 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.nets import (
    AutoencoderCritic,
    Condition,
    Critic,
    DCGANCritic,
    DCGANGenerator,
    MLPCritic,
    MLPGenerator,
    Panel,
    SNGANCritic,
    SNGANGenerator,
    Verdict,
)
from ganworks.nets.condition import ConditionMap
from ganworks.nets.contract import as_verdict, call, judges_alone

NORMS = ["batch", "instance", "spectral", "none"]

CRITICS: dict[str, Callable[[str], nn.Module]] = {
    "mlp": lambda norm: MLPCritic((3, 8, 8), (8, 6), norm),  # type: ignore[arg-type]
    "dcgan-8": lambda norm: DCGANCritic((3, 8, 8), 4, norm),  # type: ignore[arg-type]
    "dcgan-16": lambda norm: DCGANCritic((3, 16, 16), 4, norm),  # type: ignore[arg-type]
    "dcgan-33": lambda norm: DCGANCritic((3, 33, 33), 4, norm),  # type: ignore[arg-type]
    "sngan-8": lambda norm: SNGANCritic((3, 8, 8), 2, norm),  # type: ignore[arg-type]
    "sngan-16": lambda norm: SNGANCritic((3, 16, 16), 2, norm),  # type: ignore[arg-type]
    "autoencoder": lambda norm: AutoencoderCritic((3, 16, 16), 5, 4, norm),  # type: ignore[arg-type]
    "minibatch": lambda norm: MLPCritic((3, 8, 8), (8, 6), norm, "stddev"),  # type: ignore[arg-type]
    "panel": lambda norm: Panel(MLPCritic((3, 16, 16), (5,), norm), DCGANCritic((3, 16, 16), 3, norm)),  # type: ignore[arg-type]
    "mixed panel": lambda norm: Panel(MLPCritic((3, 16, 16), (5,), norm), DCGANCritic((3, 16, 16), 3, "batch")),  # type: ignore[arg-type]
}
SIDES = {"mlp": 8, "dcgan-8": 8, "dcgan-16": 16, "dcgan-33": 33, "panel": 16, "mixed panel": 16,
         "sngan-8": 8, "sngan-16": 16, "autoencoder": 16, "minibatch": 8}


def flat(verdict: Verdict) -> list[Tensor]:
    return [*verdict.scores, *(layer for head in verdict.features for layer in head)]


@pytest.mark.parametrize(("name", "norm"), [(name, norm) for name in CRITICS for norm in NORMS])
def test_judges_alone_exactly_where_the_batch_does_not_matter(name: str, norm: str) -> None:
    critic, side = CRITICS[name](norm), SIDES[name]
    x = torch.randn(4, 3, side, side)
    others = [torch.cat([x[:1], 3 * torch.randn(n, 3, side, side) + 2]) for n in (1, 5)]
    with torch.no_grad():
        for _ in range(100 if norm == "spectral" else 0):  # let its power iterations settle
            critic(x)
        before = flat(critic(x))
        depends = any(not torch.allclose(a[:1], b[:1], rtol=1e-3, atol=1e-4)
                      for other in others for a, b in zip(before, flat(critic(other)), strict=True))
    assert judges_alone(critic) is not depends


def test_a_plain_module_is_not_trusted_to_judge_alone() -> None:
    assert not judges_alone(nn.Linear(2, 1))
    assert not judges_alone(Critic())
    assert not judges_alone(Panel(MLPCritic((2,)), nn.Linear(2, 1)))
    assert judges_alone(Panel(MLPCritic((2,)), MLPCritic((2,), norm="spectral")))


def matrix(layer: nn.Module) -> np.ndarray:
    weight = layer.weight.detach().numpy()  # type: ignore[union-attr, operator]
    outputs_first = np.moveaxis(weight, 1, 0) if isinstance(layer, nn.ConvTranspose2d) else weight
    return outputs_first.reshape(outputs_first.shape[0], -1)


@pytest.mark.parametrize(("network", "shape"), [
    (lambda: DCGANCritic((3, 32, 32), 8, "spectral"), (3, 32, 32)),
    (lambda: DCGANGenerator((3, 32, 32), 16, 8, "spectral"), (16,)),
    (lambda: MLPCritic((2,), (32, 16), "spectral"), (2,)),
    (lambda: MLPGenerator((2,), 8, (32, 16), "spectral"), (8,)),
    (lambda: SNGANCritic((3, 32, 32), 4), (3, 32, 32)),
    (lambda: SNGANCritic((3, 48, 48), 1, minibatch="discrimination"), (3, 48, 48)),
    (lambda: SNGANGenerator((3, 32, 32), 16, 4, "spectral"), (16,)),
], ids=["dcgan-critic", "dcgan-generator", "mlp-critic", "mlp-generator", "sngan-critic", "sngan-minibatch",
        "sngan-generator"])
def test_spectral_norms_are_one(network: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    module, x = network(), torch.randn(2, *shape)
    with torch.no_grad():
        for _ in range(150):
            module(x)
    layers = [m for m in module.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    if "Critic" in type(module).__name__:  # every layer of a critic; a generator's last one is free
        assert all(nn.utils.parametrize.is_parametrized(layer) for layer in layers)
    normed = [layer for layer in layers if nn.utils.parametrize.is_parametrized(layer)]
    assert len(normed) >= len(layers) - 1
    for layer in normed:
        assert np.linalg.svd(matrix(layer), compute_uv=False)[0] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("told", "condition"), [
    ("projection", Condition(classes=6)), ("projection", Condition(size=6)), ("auxiliary", Condition(classes=6)),
    ("concat", Condition(classes=6, embedding=3)), ("concat", Condition(size=6, embedding=3)),
])
def test_spectral_norms_of_what_is_told_are_one(told: str, condition: Condition) -> None:
    x = torch.randn(6, 3, 8, 8)
    y = torch.arange(6) if condition.classes else torch.randn(6, 6)
    for critic in (MLPCritic((3, 8, 8), (8, 6), "spectral", condition=condition, told=told),  # type: ignore[arg-type]
                   DCGANCritic((3, 8, 8), 4, "spectral", condition=condition, told=told),  # type: ignore[arg-type]
                   SNGANCritic((3, 8, 8), 2, condition=condition, told=told)):  # type: ignore[arg-type]
        with torch.no_grad():
            for _ in range(100):
                critic(x, y)
        layers = [m for m in critic.modules() if isinstance(m, nn.Linear | nn.Conv2d | ConditionMap)]
        assert any(isinstance(m, ConditionMap) for m in layers) is (told != "auxiliary")
        for layer in layers:
            assert nn.utils.parametrize.is_parametrized(layer)
            assert np.linalg.svd(matrix(layer), compute_uv=False)[0] == pytest.approx(1, abs=0.02)


GAMES: dict[str, Callable[[], tuple[nn.Module, Tensor | None]]] = {
    "mlp": lambda: (MLPCritic((3, 8, 8), (8, 6)), None),
    "dcgan": lambda: (DCGANCritic((3, 8, 8), 4, "none"), None),
    "sngan": lambda: (SNGANCritic((3, 8, 8), 2, "none"), None),
    "sngan spectral": lambda: (SNGANCritic((3, 8, 8), 2).eval(), None),
    "squared energy": lambda: (AutoencoderCritic((3, 8, 8), 5, 4), None),
    "absolute energy": lambda: (AutoencoderCritic((3, 8, 8), 5, 4, energy="absolute"), None),
    "mlp stddev": lambda: (MLPCritic((3, 8, 8), (8, 6), minibatch="stddev"), None),
    "dcgan discrimination": lambda: (DCGANCritic((3, 8, 8), 4, "none", "discrimination"), None),
    "mlp told": lambda: (MLPCritic((3, 8, 8), (8, 6), condition=Condition(size=2)), torch.randn(3, 2)),
    "dcgan projection": lambda: (DCGANCritic((3, 8, 8), 4, "none", condition=Condition(classes=3), told="projection"),
                                 torch.arange(3)),
    "sngan projection": lambda: (SNGANCritic((3, 8, 8), 2, "none", condition=Condition(size=2)), torch.randn(3, 2)),
}


@pytest.mark.parametrize("name", GAMES)
def test_penalties_on_the_slope_can_be_learnt_from_in_float64(name: str) -> None:
    """The gradient of |dD/dx|^2 with respect to the weights is that of finite differences."""
    torch.manual_seed(0)
    critic, condition = GAMES[name]()
    critic = critic.double()
    x = torch.randn(3, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    parameters = list(critic.parameters())

    def penalty() -> Tensor:
        (score,) = as_verdict(call(critic, x, condition)).scores
        assert score.dtype == torch.float64
        (slope,) = torch.autograd.grad(score.sum(), x, create_graph=True)
        return slope.square().sum()

    gradients = torch.autograd.grad(penalty(), parameters, allow_unused=True)
    directions = [torch.randn_like(p) for p in parameters]
    expected = sum((g * d).sum().item() for g, d in zip(gradients, directions, strict=True) if g is not None)

    def moved(step: float) -> float:
        with torch.no_grad():
            for p, d in zip(parameters, directions, strict=True):
                p.add_(d, alpha=step)
        value = penalty().item()
        with torch.no_grad():
            for p, d in zip(parameters, directions, strict=True):
                p.sub_(d, alpha=step)
        return value

    step = 1e-6
    assert (moved(step) - moved(-step)) / (2 * step) == pytest.approx(expected, rel=1e-4)
    assert expected != 0


@pytest.mark.parametrize("generator", [MLPGenerator((3, 8, 8), 4, (6,), "batch"), DCGANGenerator((3, 9, 9), 4, 2),
                                       SNGANGenerator((3, 9, 9), 4, 2)])
def test_generators_work_in_float64(generator: nn.Module) -> None:
    made = generator.double()(torch.randn(4, 4, dtype=torch.float64))
    assert made.dtype == torch.float64
    assert made.isfinite().all()


def test_other_norms_leave_weights_alone() -> None:
    for norm in ("batch", "instance", "none"):
        critic = DCGANCritic((1, 16, 16), 4, norm)  # type: ignore[arg-type]
        assert not any(nn.utils.parametrize.is_parametrized(m) for m in critic.modules())
        kinds = {type(m) for m in critic.modules()}
        assert (nn.BatchNorm2d in kinds) is (norm == "batch")
        assert (nn.InstanceNorm2d in kinds) is (norm == "instance")


def test_a_tensor_is_a_verdict_of_one_head() -> None:
    score = torch.randn(3)
    verdict = as_verdict(score)
    assert len(verdict.scores) == 1
    assert verdict.scores[0] is score
    assert verdict.features == ()
    assert verdict.classes is None
    whole = Verdict((score, score), ((score,), ()), score)
    assert as_verdict(whole) is whole


class Told(nn.Module):
    """Says what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []

    def forward(self, x: Tensor, *more: object) -> Tensor:
        self.calls.append(more)
        return x.sum(1)


def test_conditions_are_passed_only_when_there_are_some() -> None:
    told, x, labels = Told(), torch.randn(2, 3), torch.tensor([0, 1])
    call(told, x, None)
    call(told, x, labels)
    panel = Panel(told)
    panel(x)
    panel(x, labels)
    assert [len(more) for more in told.calls] == [0, 1, 0, 1]
    assert told.calls[1][0] is labels
    assert told.calls[3][0] is labels
    assert call(nn.Linear(3, 1), x, None).shape == (2, 1)  # a plain torch module needs no such argument


class Classifying(nn.Module):
    def forward(self, x: Tensor) -> Verdict:
        return Verdict((x[:, 0],), ((x, 2 * x),), 3 * x)


def test_a_panel_puts_heads_and_features_side_by_side() -> None:
    x = torch.randn(4, 3)
    mlp = MLPCritic((3,), (5, 4))
    verdict = Panel(mlp, Told(), Classifying(), Panel(mlp))(x)
    alone = mlp(x)
    assert [score.shape for score in verdict.scores] == [(4,)] * 4
    assert torch.equal(verdict.scores[0], alone.scores[0])
    assert torch.equal(verdict.scores[1], x.sum(1))
    assert torch.equal(verdict.scores[2], x[:, 0])
    assert torch.equal(verdict.scores[3], alone.scores[0])
    assert [len(head) for head in verdict.features] == [2, 2, 2]  # the head without features shows none
    assert torch.equal(verdict.features[1][1], 2 * x)
    assert verdict.classes is not None
    assert torch.equal(verdict.classes, 3 * x)
    assert Panel(mlp)(x).classes is None
