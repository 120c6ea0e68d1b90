"""What a turn shows to whom: detached samples, samples that are kept, one pass for both kinds."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from ganworks.game import Noise, Turn
from ganworks.nets import Critic, DCGANCritic, MLPCritic, MLPGenerator, Panel, SNGANCritic, Verdict
from ganworks.nets.condition import Condition
from ganworks.nets.contract import call, judges_alone


class Counting(nn.Module):
    """Counts the passes of a network, and the rows of each."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.rows = network, list[int]()

    def forward(self, x: Tensor) -> object:
        self.rows.append(len(x))
        return self.network(x)


class CountingCritic(Critic):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.rows, self.judges_alone = network, list[int](), judges_alone(network)

    forward = Counting.forward


def turn_of(learns: Literal["generator", "critic"], critic: nn.Module | None = None, **more: object) -> Turn:
    torch.manual_seed(0)
    generator, real, z = MLPGenerator((2,), 3, (5,)), torch.randn(4, 2), torch.randn(4, 3)
    return Turn(generator, critic or MLPCritic((2,), (5,)), real, z, Noise(0, 4), learns, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("keep", [False, True])
def test_samples_are_detached_while_the_critic_learns(keep: bool) -> None:
    turn = turn_of("critic", keep=keep)
    assert not turn.fake.requires_grad
    assert (turn.made is not None) is keep
    (turn.on_fake.scores[0].sum() + turn.on_real.scores[0].sum()).backward()
    assert all(p.grad is None for p in turn.generator.parameters())
    assert all(p.grad is not None for p in turn.critic.parameters())


def test_samples_are_attached_while_the_generator_learns() -> None:
    turn = turn_of("generator")
    turn.on_fake.scores[0].sum().backward(inputs=list(turn.generator.parameters()))
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in turn.generator.parameters())
    assert not turn.on_real.scores[0].requires_grad  # nothing there that the generator could learn from
    assert not any(layer.requires_grad for head in turn.on_real.features for layer in head)


def test_kept_samples_are_the_same_samples() -> None:
    turn = turn_of("critic", keep=True)
    assert turn.made is None  # until they are asked for
    assert turn.fake is not None
    assert turn.made is not None
    again = Turn(turn.generator, turn.critic, turn.real, turn.source, turn.noise, "generator", made=turn.made)
    assert torch.equal(again.fake, turn.fake)
    assert again.fake is turn.made
    given = Turn(turn.generator, turn.critic, turn.real, turn.source, turn.noise, "critic", made=turn.made)
    assert torch.equal(given.fake, turn.fake)
    assert not given.fake.requires_grad


class Views(nn.Module):
    """A generator whose samples are a view of its parameter (a cloud of points that are moved, a Dirac)."""

    def __init__(self) -> None:
        super().__init__()
        self.points = nn.Parameter(torch.randn(2))

    def forward(self, z: Tensor) -> Tensor:
        return self.points.expand(len(z), 2)


def test_samples_made_without_a_graph_are_not_kept_for_the_generator() -> None:
    turn = turn_of("critic", keep=False)
    turn.generator = Views()
    assert not turn.fake.requires_grad
    assert turn.made is None


def test_a_generator_is_asked_once() -> None:
    for learns in ("generator", "critic"):
        for keep in (False, True):
            turn = turn_of(learns, keep=keep)  # type: ignore[arg-type]
            turn.generator = counting = Counting(turn.generator)
            assert turn.fake.equal(turn.fake)
            _ = turn.on_fake, turn.on_real, turn.on_fake
            assert counting.rows == [4]


def test_a_critic_is_asked_once_a_kind() -> None:
    critic = CountingCritic(MLPCritic((2,), (5,)))
    turn = turn_of("critic", critic)
    _ = turn.on_fake, turn.on_real, turn.on_fake
    assert critic.rows == [8]  # both kinds in one pass
    critic = CountingCritic(MLPCritic((2,), (5,), "batch"))
    turn = turn_of("critic", critic)
    _ = turn.on_fake, turn.on_real, turn.on_fake
    assert critic.rows == [4, 4]
    critic = CountingCritic(MLPCritic((2,), (5,)))
    turn = turn_of("generator", critic)
    _ = turn.on_fake, turn.on_fake
    assert critic.rows == [4]  # real samples are not looked at unasked
    _ = turn.on_real, turn.on_real
    assert critic.rows == [4, 4]


class Deaf(nn.Module):
    """A generator that gives back what it is given, whatever it is told."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return x


class Classed(Critic):
    """Two heads, one of them with patches, features and class logits."""

    judges_alone = True

    def __init__(self) -> None:
        super().__init__()
        self.line, self.classes = nn.Linear(48, 3), nn.Linear(48, 5)
        self.patch = nn.Conv2d(3, 1, 2)

    def forward(self, x: Tensor) -> Verdict:
        flat = x.flatten(1)
        inner = torch.tanh(self.line(flat))
        return Verdict((inner.sum(1), self.patch(x)), ((inner, inner**2), (x,)), self.classes(flat))


@pytest.mark.parametrize("critic", [
    MLPCritic((3, 4, 4), (6,)), MLPCritic((3, 4, 4), (6,), "instance"), DCGANCritic((3, 16, 16), 3, "instance"),
    DCGANCritic((3, 16, 16), 3, "none"), Classed(), Panel(Classed(), MLPCritic((3, 4, 4), (6,))),
    *(critic for kind in ("discrimination", "stddev") for critic in (
        MLPCritic((3, 4, 4), (6,), minibatch=kind), DCGANCritic((3, 16, 16), 3, "none", kind),
        SNGANCritic((3, 16, 16), 3, "none", kind))),
    MLPCritic((3, 4, 4), (6,), condition=Condition(4)), DCGANCritic((3, 16, 16), 3, "none", condition=Condition(4)),
    SNGANCritic((3, 16, 16), 3, "none", condition=Condition(4)),
    MLPCritic((3, 4, 4), (6,), minibatch="stddev", condition=Condition(4), told="auxiliary"),
], ids=["mlp", "mlp-instance", "dcgan-instance", "dcgan", "classed", "panel",
        *(f"{net}-{kind}" for kind in ("discrimination", "stddev") for net in ("mlp", "dcgan", "sngan")),
        "mlp-told", "dcgan-told", "sngan-told", "mlp-stddev-told"])
def test_one_pass_says_what_two_say(critic: nn.Module) -> None:
    critic = critic.double()
    side = 16 if isinstance(critic, DCGANCritic | SNGANCritic) else 4
    real, fake = (torch.randn(6, 3, side, side, dtype=torch.float64) for _ in range(2))
    condition = None if getattr(critic, "told", None) is None and getattr(critic, "head", None) is None else (
        torch.tensor([0, 1, 2, 3, 0, 2]))
    asked = list[int]()
    critic.register_forward_pre_hook(lambda _, given: asked.append(len(given[0])))

    def told(network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
        turn = Turn(nn.Identity() if condition is None else Deaf(), network, real, fake, Noise(0, 6), "critic",
                    condition)
        flat = []
        for weight, verdict in ((1.0, turn.on_real), (-2.0, turn.on_fake)):
            parts = [*verdict.scores, *(layer for head in verdict.features for layer in head)]
            flat += [weight * part for part in (parts if verdict.classes is None else [*parts, verdict.classes])]
        cost = torch.stack([part.square().sum() + part.sum() for part in flat]).sum()
        return flat, list(torch.autograd.grad(cost, list(critic.parameters())))

    class Plain(nn.Module):  # the same critic, but not trusted to judge alone
        def forward(self, x: Tensor, condition: Tensor | None = None) -> Verdict:
            return call(critic, x, condition)  # type: ignore[no-any-return]

    for one, two in zip(told(critic), told(Plain()), strict=True):
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            assert a.shape == b.shape
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
    assert asked == [12, 6, 6]


def test_unequal_batches_are_judged_apart() -> None:
    critic = CountingCritic(MLPCritic((2,), (5,)))
    turn = Turn(nn.Identity(), critic, torch.randn(4, 2), torch.randn(6, 2), Noise(0, 4), "critic")
    assert turn.on_real.scores[0].shape == (4,)
    assert turn.on_fake.scores[0].shape == (6,)


def test_batch_statistics_of_real_and_generated_samples_are_not_mixed() -> None:
    critic = MLPCritic((2,), (5,), "batch").double()
    real, fake = torch.randn(6, 2).double(), 3 + 2 * torch.randn(6, 2).double()
    turn = Turn(nn.Identity(), critic, real, fake, Noise(0, 6), "critic")
    torch.testing.assert_close(turn.on_real.scores[0], critic(real).scores[0])
    torch.testing.assert_close(turn.on_fake.scores[0], critic(fake).scores[0])


def test_gradients_under_bf16_autocast_reach_both_players() -> None:
    """autocast keeps the low-precision copies of weights; one made without a graph must not serve a later pass."""
    for learns in ("critic", "generator"):
        turn = turn_of(learns, keep=learns == "critic")  # type: ignore[arg-type]
        with torch.autocast("cpu", torch.bfloat16):
            cost = turn.on_real.scores[0].float().mean() + turn.on_fake.scores[0].float().square().mean()
        player = turn.generator if learns == "generator" else turn.critic
        cost.backward(inputs=list(player.parameters()))
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in player.parameters())
