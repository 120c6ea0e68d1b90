"""What every network keeps: who judges alone, what a panel says, when a condition is passed, spectral norms of 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.nets import Critic, DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator, Panel, Verdict
from ganworks.nets.contract import as_verdict, call, judges_alone

NORMS = ["batch", "instance", "spectral", "none"]

CRITICS: dict[str, Callable[[str], nn.Module]] = {
    "mlp": lambda norm: MLPCritic((3, 8, 8), (8, 6), norm),  # type: ignore[arg-type]
    "dcgan-8": lambda norm: DCGANCritic((3, 8, 8), 4, norm),  # type: ignore[arg-type]
    "dcgan-16": lambda norm: DCGANCritic((3, 16, 16), 4, norm),  # type: ignore[arg-type]
    "dcgan-33": lambda norm: DCGANCritic((3, 33, 33), 4, norm),  # type: ignore[arg-type]
    "panel": lambda norm: Panel(MLPCritic((3, 16, 16), (5,), norm), DCGANCritic((3, 16, 16), 3, norm)),  # type: ignore[arg-type]
    "mixed panel": lambda norm: Panel(MLPCritic((3, 16, 16), (5,), norm), DCGANCritic((3, 16, 16), 3, "batch")),  # type: ignore[arg-type]
}
SIDES = {"mlp": 8, "dcgan-8": 8, "dcgan-16": 16, "dcgan-33": 33, "panel": 16, "mixed panel": 16}


def flat(verdict: Verdict) -> list[Tensor]:
    return [*verdict.scores, *(layer for head in verdict.features for layer in head)]


@pytest.mark.parametrize(("name", "norm"), [(name, norm) for name in CRITICS for norm in NORMS])
def test_judges_alone_exactly_where_the_batch_does_not_matter(name: str, norm: str) -> None:
    critic, side = CRITICS[name](norm), SIDES[name]
    x = torch.randn(4, 3, side, side)
    others = [torch.cat([x[:1], 3 * torch.randn(n, 3, side, side) + 2]) for n in (1, 5)]
    with torch.no_grad():
        for _ in range(100):  # let spectral normalisation's power iterations settle
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
], ids=["dcgan-critic", "dcgan-generator", "mlp-critic", "mlp-generator"])
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
