"""A look sees what closed forms and other libraries say it should, and disturbs nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import roc_auc_score
from torch import nn

from ganworks.design import objective_named
from ganworks.diagnose import look
from ganworks.diagnose.look import above, dead_share, spread_of
from ganworks.game import Duel, Latent, Noise

N, D, Z = 32, 3, 2


class Flat(nn.Module):
    """A critic w.x + c."""

    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(torch.as_tensor(w))
        self.c = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        return (x * self.w).sum(1) + self.c


def points(seed, shift=0.0):
    return {"sample": torch.from_numpy(np.random.default_rng(seed).normal(shift, 1, (N, D)).astype(np.float32))}


def duel(objective="wgan", w=(1.0, -2.0, 2.0)):
    torch.manual_seed(0)
    return Duel(nn.Linear(Z, D), Flat(w), objective_named(objective), Latent(Z))


def test_a_flat_critic_pushes_as_its_formula_says() -> None:
    game, real = duel(), points(1)
    seen = look(game, real, None, seed=5, step=0).vitals
    z = Noise(5, N).normal(Z)
    fake = game.generator(z).detach()
    w = game.critic.w.detach()
    scores = {"real": real["sample"] @ w + 0.5, "fake": fake @ w + 0.5}
    for kind, score in scores.items():
        assert seen[f"score {kind}"].item() == pytest.approx(score.mean().item(), rel=1e-5)
        assert seen[f"spread {kind}"].item() == pytest.approx(score.std().item(), rel=1e-5)
    # cost of the generator -mean(w.G(z) + c): at each sample -w/N, so |w| = 3 after N; dA = -w mean(z)', db = -w
    assert seen["slope"].item() == pytest.approx(3, rel=1e-5)
    assert seen["force"].item() == pytest.approx(3, rel=1e-5)
    expected = 3 * (1 + z.mean(0).square().sum().item()) ** 0.5
    assert seen["gradient generator"].item() == pytest.approx(expected, rel=1e-5)
    # cost of the critic mean(fake) - mean(real): dw is the difference of the means, dc = 0
    expected = (fake.mean(0) - real["sample"].mean(0)).norm().item()
    assert seen["gradient critic"].item() == pytest.approx(expected, rel=1e-4)


def test_a_saturated_minimax_critic_hardly_pushes() -> None:
    # cost log(1 - D): its slope at a score v is sigmoid(v), here with v near -30 on the generated samples
    game = duel("minimax", (0.0, 0.0, 0.0))
    with torch.no_grad():
        game.critic.w.copy_(torch.tensor([3.0, 0.0, 0.0]))
        game.critic.c.fill_(-30.0)
    seen = look(game, points(1, 10.0), None, seed=5, step=0).vitals
    fake = game.generator(Noise(5, N).normal(Z)).detach().double()
    weight = torch.sigmoid(fake[:, 0] * 3 - 30)
    assert seen["force"].item() == pytest.approx(3 * weight.mean().item(), rel=1e-4)
    assert seen["force"] < 1e-10
    assert seen["slope"].item() == pytest.approx(3)


def test_told_apart_is_the_area_under_the_roc_curve() -> None:
    rng = np.random.default_rng(2)
    for shift in (0.0, 0.7, 9.0):
        real, fake = rng.integers(0, 6, 40) + shift, rng.integers(0, 6, 30).astype(float)
        truth = roc_auc_score(np.r_[np.ones(40), np.zeros(30)], np.r_[real, fake])
        assert above(torch.from_numpy(real), torch.from_numpy(fake)).item() == pytest.approx(truth, abs=1e-6)


def test_samples_never_trained_on_are_judged_beside_those_that_are() -> None:
    game, real, unseen = duel(), points(1, 2.0), {"sample": points(2)["sample"][:20]}
    seen = look(game, real, unseen, seed=5, step=0).vitals
    scores = [game.critic(x["sample"]).detach().numpy() for x in (real, unseen)]
    truth = roc_auc_score(np.r_[np.ones(N), np.zeros(20)], np.concatenate(scores))
    assert seen["known by heart"].item() == pytest.approx(truth, abs=1e-6)
    assert seen["score unseen"].item() == pytest.approx(scores[1].mean(), rel=1e-5)
    assert "score unseen" not in look(game, real, None, seed=5, step=0).vitals


def test_more_samples_make_surer_what_is_known_by_heart() -> None:
    game, real = duel(), points(1)
    more, unseen = ({"sample": torch.cat([points(seed)["sample"] + shift for seed in (3, 4, 5)])[: 2 * N + 3]}
                    for shift in (0.5, 0.0))
    seen = look(game, real, unseen, seed=5, step=0, seen=more).vitals
    scores = [game.critic(x["sample"]).detach().numpy() for x in (more, unseen)]
    truth = roc_auc_score(np.r_[np.ones(2 * N + 3), np.zeros(2 * N + 3)], np.concatenate(scores))
    assert truth != 0.5
    assert seen["known by heart"].item() == pytest.approx(truth, abs=1e-6)


def test_distances_are_those_of_scipy() -> None:
    fake, real = points(3)["sample"] * 0.5, points(4)["sample"]
    seen = spread_of(fake, real)
    far = [pdist(x).mean() for x in (fake, real)]
    near = [np.median(np.sort(squareform(pdist(x)), axis=1)[:, 1]) for x in (fake, real)]
    assert seen["diversity"].item() == pytest.approx(far[0] / far[1], rel=1e-5)
    assert seen["nearest"].item() == pytest.approx(near[0] / near[1], rel=0.02)  # torch's median is the lower one


def test_one_point_has_no_diversity() -> None:
    game = duel()
    nn.init.zeros_(game.generator.weight)
    seen = look(game, points(1), None, seed=5, step=0).vitals
    assert seen["diversity"] == 0
    assert seen["nearest"] == 0


def test_units_that_never_fire_are_dead() -> None:
    net = nn.Sequential(nn.Linear(D, 8), nn.ReLU(), nn.Linear(8, 1))
    with torch.no_grad():
        net[0].weight.fill_(0.1)
        net[0].bias.copy_(torch.tensor([1.0, 1, 1, 1, 1, -99, -99, -99]))
    net(points(1)["sample"]).sum().backward()
    # three of the eight rows of the first layer; the second has one row, which is alive
    assert dead_share({name: p.grad for name, p in net.named_parameters()}).item() == pytest.approx(3 / 8)


def test_a_critic_with_batch_normalisation_is_asked_about_mixed_batches_too() -> None:
    class Centred(nn.Module):
        """Scores that batch normalisation has centred: a batch of one kind looks like one of the other."""

        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(D)

        def forward(self, x):
            return self.norm(x).sum(1)

    torch.manual_seed(0)
    game = Duel(nn.Linear(Z, D), Centred(), objective_named("wgan"), Latent(Z))
    before = {name: value.clone() for name, value in game.critic.state_dict().items()}
    seen = look(game, points(1, 10.0), None, seed=5, step=0).vitals
    assert seen["told apart"].item() == pytest.approx(0.5, abs=0.12)  # both kinds have mean 0
    assert seen["told apart mixed"] == 1  # side by side, real ones lie 10 above
    assert all(torch.equal(value, before[name]) for name, value in game.critic.state_dict().items())
    assert "told apart mixed" not in look(duel(), points(1), None, seed=5, step=0).vitals
