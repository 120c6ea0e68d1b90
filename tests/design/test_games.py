"""Five games as their papers write them: what is compiled from the designs is right to the last digit and stable.

The papers' costs stand here by hand, in exact arithmetic. What holds of every design is in test_catalogue.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
import torch
from scipy import optimize, stats
from torch import Tensor

from ganworks.design import Design, entries, entry_named, objective_named
from ganworks.errors import UserError
from ganworks.objective import Objective, rival, rival_mean, separate

LINKS = [separate, rival, rival_mean]


FIVE = ("minimax", "nonsaturating", "lsgan", "hinge", "wgan")
NAMED = {name: objective_named(name) for name in FIVE}
MINIMAX, NS, WGAN = NAMED["minimax"], NAMED["nonsaturating"], NAMED["wgan"]
CODED = {f"lsgan(-1,1,{c})": objective_named("lsgan", a=-1, b=1, c=c) for c in (1, 0)}
EVERY = NAMED | CODED
PARTS = ["phi", "psi", "beta"]


def log_sigma(v: mp.mpf) -> mp.mpf:
    return -mp.log(1 + mp.exp(-v))


def halved(label: int) -> Callable[[mp.mpf], mp.mpf]:
    return lambda v: (v - label) ** 2 / 2


# The papers' costs, written in exact arithmetic: (phi, psi, beta) of a raw output v, D = sigma(v) where there is one.
EXACT: dict[str, tuple[Callable[[mp.mpf], mp.mpf], ...]] = {
    "minimax": (lambda v: -log_sigma(v), lambda v: -log_sigma(-v), lambda v: log_sigma(-v)),
    "nonsaturating": (lambda v: -log_sigma(v), lambda v: -log_sigma(-v), lambda v: -log_sigma(v)),
    "hinge": (lambda v: max(mp.mpf(0), 1 - v), lambda v: max(mp.mpf(0), 1 + v), lambda v: -v),
    "wgan": (lambda v: -v, lambda v: v, lambda v: -v),
    "lsgan": (halved(1), halved(0), halved(1)),
    "lsgan(-1,1,1)": (halved(1), halved(-1), halved(1)),
    "lsgan(-1,1,0)": (halved(1), halved(-1), halved(0)),
}


def derivatives(function: Callable[[Tensor], Tensor], points: list[float], dtype: torch.dtype) -> list[Tensor]:
    """Return value, first and second derivative at each point."""
    v = torch.tensor(points, dtype=dtype, requires_grad=True)
    value = function(v)
    (first,) = torch.autograd.grad(value.sum(), v, create_graph=True)
    if not first.requires_grad:
        return [value.detach(), first, torch.zeros_like(first)]
    (second,) = torch.autograd.grad(first.sum(), v, allow_unused=True)
    return [value.detach(), first.detach(), torch.zeros_like(v) if second is None else second]


def test_the_catalogue_names_the_five() -> None:
    assert set(FIVE) <= set(entries())
    assert all(isinstance(objective.design, Design) for objective in NAMED.values())
    assert all(objective.name == name for name, objective in NAMED.items())
    assert all(objective.reference for objective in NAMED.values())


def test_every_objective_has_its_exact_form_here() -> None:
    assert set(EVERY) == set(EXACT)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", EVERY)
def test_finite_at_hundred_in_float32(name: str, part: str) -> None:
    for figure in derivatives(getattr(EVERY[name], part), [-100.0, 100.0, 0.0], torch.float32):
        assert figure.dtype == torch.float32
        assert torch.isfinite(figure).all()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", EVERY)
def test_value_and_derivatives_against_exact_arithmetic(name: str, part: str) -> None:
    # Away from the hinge's kinks at -1 and 1; 20 to 30 is where torch's own softplus cuts its second derivative.
    points = [-100.0, -37.5, -25.0, -20.5, -7.0, -1.25, -0.5, 0.0, 0.25, 1.5, 6.0, 19.5, 20.5, 25.0, 33.0, 100.0]
    exact = EXACT[name][PARTS.index(part)]
    with mp.workdps(120):
        wanted = [[float(mp.diff(exact, mp.mpf(v), order)) for v in points] for order in range(3)]
    for order, figure in enumerate(derivatives(getattr(EVERY[name], part), points, torch.float64)):
        # The second derivative of logsigmoid is s (1 - s), where 1 - s is good to one rounding of 1.
        np.testing.assert_allclose(figure.numpy(), wanted[order], rtol=1e-12, atol=1.2e-16 if order == 2 else 0,
                                   err_msg=f"{name}.{part}, derivative {order}")


@pytest.mark.parametrize("link", LINKS, ids=["separate", "rival", "rival_mean"])
@pytest.mark.parametrize("name", EVERY)
def test_gradcheck(name: str, link: object) -> None:
    objective = replace(EVERY[name], link=link)
    real, fake = (torch.randn(4, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    for cost in (objective.critic_cost, objective.generator_cost):
        assert torch.autograd.gradcheck(cost, (real, fake))
        assert torch.autograd.gradgradcheck(cost, (real, fake), atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("link", LINKS, ids=["separate", "rival", "rival_mean"])
@pytest.mark.parametrize("name", EVERY)
def test_half_precision_outputs_give_float32_costs(name: str, link: object, dtype: torch.dtype) -> None:
    objective = replace(EVERY[name], link=link)
    real, fake = (5 * torch.randn(7).to(dtype) for _ in range(2))
    for cost in (objective.critic_cost, objective.generator_cost):
        assert cost(real, fake).dtype == torch.float32
        # In float32 from the first operation on: equal to the cost of the same numbers held in float32.
        assert torch.equal(cost(real, fake), cost(real.float(), fake.float()))
        assert cost(real.double(), fake.double()).dtype == torch.float64


@pytest.mark.parametrize("link", LINKS, ids=["separate", "rival", "rival_mean"])
@pytest.mark.parametrize("name", EVERY)
def test_cost_does_not_change_when_the_batch_is_doubled(name: str, link: object) -> None:
    objective = replace(EVERY[name], link=link, alpha=torch.sin)
    real, fake = (2 * torch.randn(5, 1, 3, 3, dtype=torch.float64) for _ in range(2))
    twice = torch.cat([real, real]), torch.cat([fake, fake])
    for cost in (objective.critic_cost, objective.generator_cost):
        assert torch.allclose(cost(real, fake), cost(*twice), rtol=1e-12)
        # Patch positions are averaged as samples are.
        assert torch.allclose(cost(real, fake), cost(real.repeat(1, 1, 2, 1), fake.repeat(1, 1, 2, 1)), rtol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_heads_are_summed(name: str) -> None:
    for objective in (EVERY[name], replace(EVERY[name], link=rival_mean, alpha=torch.cos)):
        real, fake = ([torch.randn(6, dtype=torch.float64), torch.randn(6, 1, 2, 2, dtype=torch.float64)]
                      for _ in range(2))
        for cost in (objective.critic_cost, objective.generator_cost):
            alone = [cost(r, f) for r, f in zip(real, fake, strict=True)]
            assert torch.allclose(cost(real, fake), alone[0] + alone[1], rtol=1e-12)
            assert torch.allclose(cost(tuple(real), tuple(fake)), alone[0] + alone[1], rtol=1e-12)


# Counts of 24 draws on 6 atoms, so that a plain mean over samples is the expectation. The last two meet nowhere.
PAIRS = {
    "overlapping": ([1, 2, 3, 4, 6, 8], [8, 5, 5, 3, 2, 1]),
    "partly": ([0, 4, 8, 6, 6, 0], [5, 0, 7, 6, 2, 4]),
    "equal": ([4, 4, 4, 4, 4, 4], [4, 4, 4, 4, 4, 4]),
    "disjoint": ([10, 8, 6, 0, 0, 0], [0, 0, 0, 9, 9, 6]),
}


def negative_critic_cost(objective: Objective, v: np.ndarray, p: list[int], q: list[int]) -> float:
    real, fake = (torch.from_numpy(np.repeat(v, counts)) for counts in (p, q))
    return -objective.critic_cost(real, fake).item()


def supremum(objective: Objective, p: list[int], q: list[int]) -> float:
    """Return sup over one output an atom: the cost is a sum over atoms, so each is searched for by itself."""
    best = np.zeros(len(p))
    for atom in range(len(p)):
        def cost(v: float, atom: int = atom) -> float:
            trial = np.zeros(len(p))
            trial[atom] = v
            return -negative_critic_cost(objective, trial, p, q)

        best[atom] = optimize.minimize_scalar(cost, bounds=(-45, 45), method="bounded", options={"xatol": 1e-9}).x
    return negative_critic_cost(objective, best, p, q)


def claimed(name: str, p: np.ndarray, q: np.ndarray) -> float:
    def kl(a: np.ndarray, b: np.ndarray) -> float:
        return float(stats.entropy(a, b))

    if name in ("minimax", "nonsaturating"):
        m = (p + q) / 2
        return kl(p, m) + kl(q, m) - np.log(4)  # 2 JS - log 4
    if name == "hinge":
        return float(np.abs(p - q).sum() - 2)  # 2 TV - 2
    # With the paper's 1/2 the best regression leaves (b-a)^2/2 sum pq/(p+q) = (b-a)^2 (2 - Le Cam)/8.
    span = 1.0 if name == "lsgan" else 2.0
    both = p + q > 0
    le_cam = ((p - q)[both] ** 2 / (p + q)[both]).sum()
    return float(span**2 * (le_cam - 2) / 8)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", [name for name in EVERY if EVERY[name].optimum is not None])
def test_supremum_is_the_claimed_divergence_and_attained_at_the_optimum(name: str, pair: str) -> None:
    p, q = PAIRS[pair]
    wanted = claimed(name, np.array(p) / 24, np.array(q) / 24)
    assert supremum(EVERY[name], p, q) == pytest.approx(wanted, abs=1e-7)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(np.log(np.array(p, float) / np.array(q, float)), nan=0.0, posinf=700, neginf=-700)
    optimum = EVERY[name].optimum
    assert optimum is not None
    at = optimum(torch.from_numpy(ratio)).numpy()
    assert negative_critic_cost(EVERY[name], at, p, q) == pytest.approx(wanted, abs=1e-12)


def test_wgan_over_lipschitz_outputs_is_the_earth_movers_distance() -> None:
    p, q = PAIRS["overlapping"]
    place = np.array([-1.0, 0.5, 0.7, 2.0, 5.0, 5.5])
    v = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    cost = WGAN.critic_cost(v[np.repeat(np.arange(6), p)], v[np.repeat(np.arange(6), q)])
    (slope,) = torch.autograd.grad(cost, v)  # the cost is linear in v
    steps = np.diff(np.eye(6), axis=0)
    bounds = np.concatenate([np.diff(place)] * 2)
    found = optimize.linprog(slope.numpy(), np.concatenate([steps, -steps]), bounds,
                             bounds=[(0, 0)] + [(None, None)] * 5)
    assert -found.fun == pytest.approx(stats.wasserstein_distance(place, place, p, q), rel=1e-9)


@pytest.mark.parametrize(("name", "slope"), [
    # dH/dr up to a constant, at p = 1, q = r, of the divergence that the generator is said to descend.
    ("minimax", lambda r: np.log(2 * r / (1 + r))),  # 2 JS
    ("nonsaturating", lambda r: np.log((1 + r) / 2) + 1),  # 2 KL((p+q)/2, p)
    ("hinge", lambda r: np.sign(r - 1)),  # sum |p - q|
])
def test_generator_follows_the_claimed_divergence(name: str, slope: Callable[[np.ndarray], np.ndarray]) -> None:
    r = np.array([0.01, 0.2, 0.9, 1.3, 4.0, 60.0])
    optimum = NAMED[name].optimum
    assert optimum is not None
    followed = NAMED[name].beta(optimum(torch.from_numpy(-np.log(r)))).numpy()
    assert np.ptp(followed - slope(r)) < 1e-12


@pytest.mark.parametrize(("a", "b", "c", "right"), [(0, 1, 1, True), (-1, 1, 1, True), (0, 1, 2, True),
                                                    (0, 1, 0.5, False), (-1, 1, 0, False), (0, 1, 0, False)])
def test_lsgan_pushes_the_right_way_only_with_c_at_the_real_label_or_above(a: float, b: float, c: float,
                                                                          right: bool) -> None:
    # Compiled straight from the design, since a coding that pushes the wrong way everywhere is refused by name.
    design = entry_named("lsgan", a=a, b=b, c=c)
    assert isinstance(design, Design)
    objective = design.compile()
    assert objective.optimum is not None
    surplus = torch.linspace(-8, 8, 201, dtype=torch.float64)  # log q/p
    force = objective.beta(objective.optimum(-surplus))
    assert bool((force.diff() >= 0).all()) is right


def test_a_coding_that_pushes_the_wrong_way_everywhere_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="the generator climbs"):
        objective_named("lsgan", a=0, b=1, c=0)


def test_lsgan_labels_reach_the_right_sample() -> None:
    objective = objective_named("lsgan", a=-2.0, b=3.0, c=5.0)
    assert objective.phi(torch.tensor(3.0)) == 0
    assert objective.psi(torch.tensor(-2.0)) == 0
    assert objective.beta(torch.tensor(5.0)) == 0
    assert objective.phi(torch.tensor(0.0)) == 4.5
    assert objective.psi(torch.tensor(0.0)) == 2.0
    assert objective.beta(torch.tensor(0.0)) == 12.5


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.5, 0.5), (float("nan"), 1.0)])
def test_bad_lsgan_labels_are_refused(a: float, b: float) -> None:
    with pytest.raises(UserError, match="b > a"):
        objective_named("lsgan", a=a, b=b)


def test_generator_gradients_of_minimax_and_nonsaturating_differ() -> None:
    def pull(objective: Objective, at: float) -> float:
        v = torch.tensor([at], dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(objective.generator_cost(None, v), v)[0].item()

    # Sure of a fake (v = -10), minimax has almost no pull, the non-saturating cost nearly all of it: -sigma, sigma - 1.
    for v in (-10.0, 0.7, 10.0):
        sigma = 1 / (1 + np.exp(-v))
        assert pull(MINIMAX, v) == pytest.approx(-sigma, rel=1e-12)
        assert pull(NS, v) == pytest.approx(sigma - 1, rel=1e-10)


@pytest.mark.parametrize("name", NAMED)
def test_high_means_real(name: str) -> None:
    v = torch.linspace(-0.4, 0.4, 5)
    objective = NAMED[name]
    assert (objective.phi(v).diff() < 0).all()
    assert (objective.beta(v).diff() < 0).all()
    assert objective.psi(v)[-1] > objective.psi(v)[2]
