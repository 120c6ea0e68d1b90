"""Conditional networks: what is told arrives, only with its own sample, and as the papers' formulas say."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganworks.errors import UserError
from ganworks.nets import (
    Condition,
    ConditionalNorm,
    DCGANCritic,
    DCGANGenerator,
    MLPCritic,
    MLPGenerator,
    SNGANCritic,
    SNGANGenerator,
)
from ganworks.nets.condition import ConditionMap, beside
from ganworks.nets.contract import as_verdict

SHAPE = (3, 16, 16)
CLASSES, SIZE, ROWS = 4, 3, 6
LABELS, VECTORS = Condition(classes=CLASSES), Condition(size=SIZE)
Network = Callable[..., nn.Module]

GENERATORS: dict[str, Network] = {
    "mlp": lambda norm="instance", **more: MLPGenerator(SHAPE, 5, (8, 6), norm, **more),
    "dcgan": lambda norm="instance", **more: DCGANGenerator(SHAPE, 5, 3, norm, **more),
    "sngan": lambda norm="instance", **more: SNGANGenerator(SHAPE, 5, 2, norm, **more),
}
CRITICS: dict[str, Network] = {
    "mlp": lambda norm="none", **more: MLPCritic(SHAPE, (8, 6), norm, **more),
    "dcgan": lambda norm="none", **more: DCGANCritic(SHAPE, 3, norm, **more),
    "sngan": lambda norm="none", **more: SNGANCritic(SHAPE, 2, norm, **more),
}
KINDS = {
    "labels": LABELS, "vectors": VECTORS,
    "embedded labels": Condition(classes=CLASSES, embedding=2), "embedded vectors": Condition(size=SIZE, embedding=2),
}


def told(condition: Condition, rows: int = ROWS) -> Tensor:
    if condition.classes is not None:
        return torch.arange(rows) % condition.classes
    return torch.randn(rows, condition.width, generator=torch.Generator().manual_seed(7))


def another(value: Tensor) -> Tensor:
    return (value + 1) % CLASSES if value.dtype == torch.int64 else value + 1


def inputs(network: nn.Module) -> Tensor:
    generator = "Generator" in type(network).__name__
    return torch.randn(ROWS, *((5,) if generator else SHAPE), generator=torch.Generator().manual_seed(8))


def scores(output: Any) -> Tensor:
    return as_verdict(output).scores[0]


CASES = [pytest.param(build, how, kind, id=f"{family}-{role}-{how}-{kind}")
         for role, families, ways in (("generator", GENERATORS, ("concat", "norm")),
                                      ("critic", CRITICS, ("concat", "projection")))
         for (family, build), how, kind in itertools.product(families.items(), ways, KINDS)
         if how == "concat" or "embedded" not in kind]


@pytest.mark.parametrize(("build", "how", "kind"), CASES)
def test_outputs_depend_on_ones_own_condition_alone(build: Network, how: str, kind: str) -> None:
    torch.manual_seed(0)
    network = build(condition=KINDS[kind], told=how).double().eval()
    x, y = inputs(network).double(), told(KINDS[kind])
    other = torch.cat([another(y[:1]), y[1:]])
    with torch.no_grad():
        before, after = scores(network(x, y)), scores(network(x, other))
    assert len(before) == ROWS
    assert (after[0] - before[0]).abs().max() > 1e-5
    torch.testing.assert_close(after[1:], before[1:], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("build", "how", "kind"), CASES)
def test_every_parameter_learns(build: Network, how: str, kind: str) -> None:
    torch.manual_seed(0)
    network = build(condition=KINDS[kind], told=how)
    (scores(network(inputs(network), told(KINDS[kind]))) ** 2).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("kind", ["labels", "vectors"])
@pytest.mark.parametrize("family", GENERATORS)
def test_a_generator_told_by_concat_is_a_plain_one_with_longer_latents(family: str, kind: str) -> None:
    torch.manual_seed(0)
    condition = KINDS[kind]
    build = {"mlp": lambda latent, **more: MLPGenerator(SHAPE, latent, (8,), "batch", **more),
             "dcgan": lambda latent, **more: DCGANGenerator(SHAPE, latent, 3, "batch", **more),
             "sngan": lambda latent, **more: SNGANGenerator(SHAPE, latent, 2, "batch", **more)}[family]
    conditional, plain = build(5, condition=condition, told="concat"), build(5 + condition.width)
    plain.load_state_dict(conditional.state_dict())
    z, y = torch.randn(ROWS, 5), told(condition)
    side = np.eye(CLASSES, dtype=np.float32)[y.numpy()] if kind == "labels" else y.numpy()
    torch.testing.assert_close(conditional(z, y), plain(torch.from_numpy(np.concatenate([z.numpy(), side], 1))))


@pytest.mark.parametrize("family", ["dcgan", "sngan"])
def test_a_critic_told_by_concat_is_a_plain_one_with_more_maps(family: str) -> None:
    torch.manual_seed(0)
    critic: Network = {"dcgan": DCGANCritic, "sngan": SNGANCritic}[family]
    conditional = critic((1, 16, 16), 3, "none", condition=VECTORS, told="concat")
    plain = critic((4, 16, 16), 3, "none")
    plain.load_state_dict(conditional.state_dict())
    x, y = torch.randn(ROWS, 1, 16, 16), told(VECTORS)
    maps = np.broadcast_to(y.numpy()[:, :, None, None], (ROWS, SIZE, 16, 16))
    torch.testing.assert_close(scores(conditional(x, y)),
                               scores(plain(torch.from_numpy(np.concatenate([x.numpy(), maps], 1)))))


@pytest.mark.parametrize("kind", ["labels", "vectors"])
@pytest.mark.parametrize("norm", ["none", "spectral"])
@pytest.mark.parametrize("family", CRITICS)
def test_projection_is_the_papers_formula(family: str, norm: str, kind: str) -> None:
    """Miyato and Koyama 2018, eq. 3: psi(phi(x)) + y^T V phi(x), from phi and V as they are."""
    torch.manual_seed(0)
    critic = CRITICS[family](norm, condition=KINDS[kind], told="projection").eval()
    seen: list[tuple[Tensor, Tensor]] = []
    critic.last.register_forward_hook(lambda _module, given, output: seen.append((given[0], output)))
    x, y = inputs(critic), told(KINDS[kind])
    with torch.no_grad():
        score = scores(critic(x, y))
        v = critic.head.projection.weight.numpy()
    phi, psi = (part.numpy().reshape(ROWS, -1) for part in seen[0])
    rows = np.eye(CLASSES)[y.numpy()] if kind == "labels" else y.numpy()
    np.testing.assert_allclose(score.numpy(), psi[:, 0] + ((rows @ v) * phi).sum(1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", CRITICS)
def test_an_auxiliary_critic_classifies_and_is_not_told(family: str) -> None:
    torch.manual_seed(0)
    critic = CRITICS[family](condition=LABELS, told="auxiliary")
    x, y = inputs(critic), told(LABELS)
    verdict, other, alone = critic(x, y), critic(x, another(y)), critic(x)
    assert verdict.classes.shape == (ROWS, CLASSES)
    for again in (other, alone):
        assert torch.equal(again.scores[0], verdict.scores[0])
        assert torch.equal(again.classes, verdict.classes)
    (nn.functional.cross_entropy(verdict.classes, y) + verdict.scores[0].sum()).backward()
    for name, parameter in critic.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
    assert CRITICS[family](condition=LABELS, told="projection")(x, y).classes is None


def test_an_auxiliary_critic_can_learn_its_classes() -> None:
    torch.manual_seed(0)
    critic = MLPCritic((2,), (16,), condition=Condition(classes=2), told="auxiliary")
    y = torch.arange(64) % 2
    x = torch.randn(64, 2) * 0.2 + torch.stack([2.0 * y - 1, 1 - 2.0 * y], 1)
    optimiser = torch.optim.Adam(critic.parameters(), 0.05)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(critic(x, y).classes, y).backward()
        optimiser.step()
    assert (critic(x).classes.argmax(1) == y).all()


PLAIN: dict[str, tuple[Callable[[bool], nn.Module], tuple[int, ...]]] = {
    "batch 2d": (lambda affine: nn.BatchNorm2d(5, affine=affine), (6, 5, 3, 2)),
    "batch 1d": (lambda affine: nn.BatchNorm1d(5, affine=affine), (6, 5)),
    "instance 2d": (lambda affine: nn.InstanceNorm2d(5, affine=affine), (6, 5, 3, 2)),
    "layer": (lambda affine: nn.LayerNorm(5, elementwise_affine=affine), (6, 5)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_with_one_class_a_conditional_norm_is_the_plain_one(name: str) -> None:
    build, shape = PLAIN[name]
    conditional, plain = ConditionalNorm(build(False), 5, Condition(classes=1)), build(True)
    gain, shift = torch.randn(5), torch.randn(5)
    with torch.no_grad():
        conditional.gain.weight.copy_(gain.unsqueeze(0) - 1)
        conditional.shift.weight.copy_(shift.unsqueeze(0))
        plain.weight.copy_(gain)
        plain.bias.copy_(shift)
    y = torch.zeros(6, dtype=torch.int64)
    for _ in range(3):
        x = 3 * torch.randn(shape) + 1
        torch.testing.assert_close(conditional(x, y), plain(x))
    conditional.eval()
    plain.eval()
    torch.testing.assert_close(conditional(x, y), plain(x))  # the running statistics are the same too


@pytest.mark.parametrize("condition", [LABELS, VECTORS])
def test_gain_and_shift_are_those_of_each_samples_condition(condition: Condition) -> None:
    norm = ConditionalNorm(nn.BatchNorm2d(5, affine=False), 5, condition).double()
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    x, y = torch.randn(6, 5, 3, 2, dtype=torch.float64), told(condition, 6)
    y = y.double() if condition is VECTORS else y
    rows = np.eye(CLASSES)[y.numpy()] if condition is LABELS else y.numpy()
    parts = [rows @ part.weight.detach().numpy() + (0 if part.bias is None else part.bias.detach().numpy())
             for part in (norm.gain, norm.shift)]
    gain, shift = (part[:, :, None, None] for part in parts)
    mean, var = x.numpy().mean((0, 2, 3), keepdims=True), x.numpy().var((0, 2, 3), keepdims=True)
    by_hand = (1 + gain) * (x.numpy() - mean) / np.sqrt(var + 1e-5) + shift
    np.testing.assert_allclose(norm(x, y).detach().numpy(), by_hand, rtol=1e-9, atol=1e-9)


def test_conditional_norms_begin_as_plain_ones_do() -> None:
    torch.manual_seed(0)
    generator = DCGANGenerator((3, 32, 32), 8, 32, condition=Condition(classes=50), told="norm")
    norms = [m for m in generator.modules() if isinstance(m, ConditionalNorm)]
    assert len(norms) == 3
    gains = torch.cat([norm.gain.weight.flatten() for norm in norms]).detach()
    assert gains.mean().item() == pytest.approx(0, abs=1e-3)
    assert gains.std().item() == pytest.approx(0.02, rel=0.05)
    assert all((norm.shift.weight == 0).all() for norm in norms)


def test_the_papers_conditional_generator_replaces_the_norms_in_the_blocks() -> None:
    generator = SNGANGenerator((3, 32, 32), 8, 4, condition=LABELS)
    assert sum(isinstance(m, ConditionalNorm) for m in generator.modules()) == 2 * 3
    affine = [m for m in generator.modules() if isinstance(m, nn.BatchNorm2d) and m.affine]
    assert len(affine) == 1  # the one behind the last block


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_constant_maps_keep_the_layout(layout: torch.memory_format) -> None:
    x, values = torch.randn(2, 3, 4, 5).contiguous(memory_format=layout), torch.randn(2, 2)
    out = beside(x, values)
    assert out.is_contiguous(memory_format=layout)
    assert torch.equal(out[:, :3], x)
    assert torch.equal(out[:, 3:], values[:, :, None, None].expand(2, 2, 4, 5))


def test_maps_of_conditions() -> None:
    rows = ConditionMap(LABELS, 5, 1.0, bias=True)
    assert torch.equal(rows(torch.tensor([3, 0])), rows.weight[[3, 0]])
    assert rows.bias is None  # each class has its own row
    linear = ConditionMap(VECTORS, 5, 1.0, bias=True)
    assert torch.equal(linear(torch.zeros(1, SIZE))[0], linear.bias)
    torch.testing.assert_close(linear(torch.eye(SIZE)), linear.weight)


WRONG_LABELS = [
    (torch.tensor([0, 1, 2, 3, 4, 0]), "labels from 0 to 4"),
    (torch.tensor([0, -1, 2, 3, 0, 0]), "labels from -1 to 3"),
    (torch.zeros(ROWS), "torch.float32"), (torch.zeros(ROWS, 1, dtype=torch.int64), r"\(6, 1\)"),
    (torch.zeros(ROWS - 1, dtype=torch.int64), r"\(5,\)"), (torch.zeros(ROWS, dtype=torch.int32), "torch.int32"),
    (None, "without a condition"),
]
WRONG_VECTORS = [(torch.zeros(ROWS, SIZE + 1), r"\(6, 4\)"), (torch.zeros(ROWS), r"\(6,\)"),
                 (torch.zeros(ROWS, SIZE, dtype=torch.int64), "torch.int64"), (None, "without a condition")]


@pytest.mark.parametrize(("build", "how"), [
    *itertools.product(GENERATORS.values(), ("concat", "norm")),
    *itertools.product(CRITICS.values(), ("concat", "projection")),
])
def test_wrong_conditions_are_refused(build: Network, how: str) -> None:
    for condition, wrong in ((LABELS, WRONG_LABELS), (VECTORS, WRONG_VECTORS)):
        network = build(condition=condition, told=how)
        for value, message in wrong:
            with pytest.raises(UserError, match=message) as caught:
                network(inputs(network), value)
            assert ("labels int64 (6,) from 0 to 3" if condition is LABELS else "(6, 3)") in caught.value.wanted


def test_labels_are_looked_at_on_the_cpu_only() -> None:
    """A meta tensor has no values: a look at them would raise."""
    LABELS.check(torch.empty(ROWS, dtype=torch.int64, device="meta"), ROWS)
    LABELS.check(torch.empty(0, dtype=torch.int64), 0)


@pytest.mark.parametrize("build", [*GENERATORS.values(), *CRITICS.values()])
def test_plain_networks_refuse_conditions(build: Network) -> None:
    network = build()
    assert len(scores(network(inputs(network)))) == ROWS
    with pytest.raises(UserError, match="takes none"):
        network(inputs(network), told(LABELS))


@pytest.mark.parametrize("family", GENERATORS)
def test_refused_ways(family: str) -> None:
    for norm in ("spectral", "none"):
        with pytest.raises(UserError, match=f"normalisation, which is '{norm}'"):
            GENERATORS[family](norm, condition=LABELS, told="norm")
        GENERATORS[family](norm, told="norm")  # nothing is told
    with pytest.raises(UserError, match="did you mean 'norm'"):
        GENERATORS[family](condition=LABELS, told="norms")
    with pytest.raises(UserError, match="did you mean 'projection'"):
        CRITICS[family](condition=LABELS, told="projektion")
    with pytest.raises(UserError, match="auxiliary classifier of vectors"):
        CRITICS[family](condition=VECTORS, told="auxiliary")


@pytest.mark.parametrize("wrong", [{}, {"classes": 3, "size": 2}, {"classes": 0}, {"size": -1},
                                   {"classes": 3, "embedding": 0}])
def test_refused_conditions(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="a condition of"):
        Condition(**wrong)
