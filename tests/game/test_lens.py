"""What is seen through a lens and in which move; noise on samples; several lenses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from ganworks.design import objective_named
from ganworks.errors import UserError
from ganworks.game import ADA, Duel, InstanceNoise, Latent, Lens, Lenses, Noise, Ramp, Round
from ganworks.nets import MLPGenerator
from ganworks.objective import rival

NS = objective_named("nonsaturating")


class Marked(Lens):
    """Remembers what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor, noise: Noise, step: int) -> Tensor:
        self.seen.append(x)
        return x + 10


@pytest.mark.parametrize("pack", [1, 2])
def test_both_kinds_are_seen_through_it_in_both_moves(pack: int) -> None:
    lens, critic = Marked(), Recording()
    duel = Duel(MLPGenerator((2,), 3, (4,)), critic, replace(NS, link=rival), Latent(3), lens=lens, pack=pack)
    batch = {"sample": torch.randn(6, 2)}
    round = duel.open(batch, 0, Noise(0, 6), True)
    duel.critic_cost(round)
    made = round.memory["made"]
    duel.generator_cost(round)
    for shown, wanted in zip(lens.seen, [batch["sample"], made, batch["sample"], made], strict=True):
        assert torch.equal(shown, wanted)  # single samples, packed or not
    assert [shown.requires_grad for shown in lens.seen] == [False, False, False, True]
    for judged, wanted in zip(critic.judged, [batch["sample"], made] * 2, strict=True):
        assert torch.equal(judged, (wanted + 10).reshape(6 // pack, 2 * pack))
    assert torch.equal(duel.preview(duel.players, {}, Noise(0, 6)), duel.generator(round.memory["source"]))


class Recording(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w, self.judged = nn.Parameter(torch.ones(())), list[Tensor]()

    def forward(self, x: Tensor) -> Tensor:
        self.judged.append(x.detach())
        return self.w * x.sum(1)


def test_instance_noise_is_gaussian_and_the_samples_are_its_mean() -> None:
    x = torch.tensor([3.0, -1.0]).expand(20_000, 2)
    off = InstanceNoise(0.4)(x, Noise(0, 20_000), 0) - x
    assert stats.kstest(off.flatten().double().numpy(), stats.norm(0, 0.4).cdf).pvalue > 1e-3
    assert abs(stats.pearsonr(off[:, 0], off[:, 1]).statistic) < 0.03


@pytest.mark.parametrize("shape", [(2,), (3, 4, 5), (1, 7)])
def test_instance_noise_of_any_shape_in_parts(shape: tuple[int, ...]) -> None:
    x, lens = torch.randn(6, *shape), InstanceNoise(0.1)
    whole = lens(x, Noise(1, 6), 0)
    assert whole.shape == x.shape
    assert torch.equal(whole, torch.cat([lens(x[rows], Noise(1, 6, rows), 0) for rows in (slice(0, 2), slice(2, 6))]))
    assert not torch.equal(whole, lens(x, Noise(2, 6), 0))


def test_instance_noise_fades_to_the_samples_themselves() -> None:
    lens, x = InstanceNoise(Ramp(0.5, 0.0, 10)), torch.randn(5000, 1)
    for step, sd in ((0, 0.5), (5, 0.25), (8, 0.1)):
        assert (lens(x, Noise(0, 5000), step) - x).std().item() == pytest.approx(sd, rel=0.05)
    for quiet, step in ((lens, 10), (lens, 999), (InstanceNoise(0.0), 0)):
        noise = Noise(0, 5000)
        assert quiet(x, noise, step) is x
        assert torch.equal(noise.uniform(), Noise(0, 5000).uniform())  # nothing was drawn


@pytest.mark.parametrize("sd", [-0.1, float("nan"), float("inf"), Ramp(0.1, -0.1, 5)])
def test_bad_noise_is_refused(sd: float | Ramp) -> None:
    with pytest.raises(UserError, match="instance noise"):
        InstanceNoise(sd)


def test_half_precision_is_seen_in_full() -> None:
    x = torch.randn(4, 2).bfloat16()
    assert InstanceNoise(1e-4)(x, Noise(0, 4), 0).dtype == torch.float32


def test_several_lenses_one_behind_the_other() -> None:
    x, noise = torch.rand(8, 1, 8, 8), Noise(4, 8)
    ada, fog = ADA(None, start=0.5), InstanceNoise(0.2)
    assert torch.equal(Lenses([ada, fog])(x, Noise(4, 8), 3), fog(ada(x, noise, 3), noise, 3))
    steered = ADA(over=100, interval=1)
    rounds = [Round({}, 0, Noise(0, 9), signals={"on_real": torch.ones(9)})]
    both = Lenses([steered, fog])
    both.played("critic", rounds, lambda values: values)
    assert steered.p == 0.09
    assert any(name.endswith("raised") for name in both.state_dict())
