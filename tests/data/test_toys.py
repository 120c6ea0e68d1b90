import numpy as np
import pytest
from scipy import integrate, special, stats
from sklearn.datasets import make_moons

from ganworks.data.toys import TOYS, Mixture, grid25, mixture1d, moons, ring8, spiral
from ganworks.errors import UserError


@pytest.mark.parametrize("name", TOYS)
def test_batches_are_functions_of_seed_and_k(name):
    toy = TOYS[name]()
    first = toy.batch(3, 64, seed=1)["sample"]
    assert first.shape == (64, *toy.shape)
    assert (TOYS[name]().batch(3, 64, seed=1)["sample"] == first).all()
    assert not np.allclose(toy.batch(4, 64, seed=1)["sample"], first)
    assert not np.allclose(toy.batch(3, 64, seed=2)["sample"], first)
    parts = [toy.batch(3, 64, 1, slice(i, i + 16))["sample"].numpy() for i in range(0, 64, 16)]
    assert (np.concatenate(parts) == first.numpy()).all()
    assert len(toy) == 0
    assert (toy.head(9)["sample"] == toy.head(9)["sample"]).all()


def test_a_line_of_gaussians_is_scipys():
    toy = Mixture([-1.0, 2.0], [0.5, 0.25], [1.0, 3.0])
    x = np.linspace(-4, 4, 101)
    expected = 0.25 * stats.norm(-1, 0.5).pdf(x) + 0.75 * stats.norm(2, 0.25).pdf(x)
    np.testing.assert_allclose(np.exp(toy.log_density(x[:, None])), expected, rtol=1e-12)
    drawn = toy.sample(20_000, np.random.default_rng(0))[:, 0]

    def distribution(v):
        return 0.25 * stats.norm(-1, 0.5).cdf(v) + 0.75 * stats.norm(2, 0.25).cdf(v)

    assert stats.kstest(drawn, distribution).pvalue > 1e-3


@pytest.mark.parametrize(("toy", "low", "high", "steps"), [
    (ring8(), -1.1, 1.1, 550), (grid25(), -4.5, 4.5, 550), (moons(), -2, 3, 150), (spiral(), -2.6, 2.6, 180)],
    ids=["ring8", "grid25", "moons", "spiral"])
def test_plane_densities_integrate_to_one(toy, low, high, steps):
    # A Riemann sum of a smooth function that vanishes at the border converges faster than any power of the step.
    line = np.linspace(low, high, steps + 1)
    x = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    assert np.exp(toy.log_density(x)).sum() * (line[1] - line[0]) ** 2 == pytest.approx(1, abs=1e-6)


def test_line_density_integrates_to_one():
    toy = mixture1d()
    whole, _ = integrate.quad(lambda v: np.exp(toy.log_density(np.array([[v]])))[0], -6, 6, points=[-2, 0, 2])
    assert whole == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("toy", "curves", "p"), [
    (moons(), [lambda t: (np.cos(np.pi * t), np.sin(np.pi * t)),
               lambda t: (1 - np.cos(np.pi * t), 0.5 - np.sin(np.pi * t))], lambda t: 1.0),
    (spiral(), [lambda t: (2 * t * np.cos(4 * np.pi * t), 2 * t * np.sin(4 * np.pi * t))], lambda t: 2 * t)])
def test_curves_density_is_the_integral(toy, curves, p):
    def integrand(t, x, c):
        distance = (x[0] - c(t)[0]) ** 2 + (x[1] - c(t)[1]) ** 2
        return p(t) * np.exp(-distance / (2 * toy.sd**2)) / (2 * np.pi * toy.sd**2)

    for x in [(0.3, 0.9), (-1.0, 0.0), (1.05, -0.4), (0.5, 0.25), (1.4, 0.2), (2.0, 0.1)]:
        pieces = [integrate.quad(integrand, a, a + 0.02, args=(x, c), epsabs=0, epsrel=1e-12)[0]
                  for c in curves for a in np.arange(50) / 50]
        expected = np.log(sum(pieces) / len(curves))
        assert toy.log_density(np.array([x]))[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["ring8", "grid25", "moons", pytest.param("spiral", marks=pytest.mark.slow)])
def test_samples_follow_the_density(name):
    """The share of samples in each cell is the density's integral over it, by a chi-square test."""
    toy = TOYS[name]()
    drawn = toy.sample(20_000, np.random.default_rng(5))
    span = (drawn.min(0) - 0.02, drawn.max(0) + 0.02)
    per = 40 if name == "ring8" else 12  # fine cells a coarse cell: enough for the narrowest bump
    fine = [np.linspace(a, b, 20 * per + 1) for a, b in zip(*span, strict=True)]
    middle = [(f[1:] + f[:-1]) / 2 for f in fine]
    x = np.stack(np.meshgrid(*middle, indexing="ij"), axis=-1).reshape(-1, 2)
    area = (fine[0][1] - fine[0][0]) * (fine[1][1] - fine[1][0])
    mass = np.exp(toy.log_density(x)).reshape(20 * per, 20 * per) * area
    cells = mass.reshape(20, per, 20, per).sum((1, 3)).ravel()
    counts, _, _ = np.histogram2d(drawn[:, 0], drawn[:, 1], bins=[f[::per] for f in fine])
    large = cells > 5 / len(drawn)
    expected = np.append(cells[large], max(1 - cells[large].sum(), 1e-9)) * len(drawn)
    observed = np.append(counts.ravel()[large], len(drawn) - counts.ravel()[large].sum())
    keep = expected > 1
    statistic = ((observed - expected)[keep] ** 2 / expected[keep]).sum()
    assert stats.chi2(keep.sum() - 1).sf(statistic) > 1e-4


def test_moons_are_those_of_scikit_learn():
    theirs, _ = make_moons(20_000, noise=0.1, random_state=0)
    ours = moons().sample(20_000, np.random.default_rng(0))
    for j in range(2):
        assert stats.ks_2samp(theirs[:, j], ours[:, j]).pvalue > 1e-3


def test_modes_of_veegans_protocol():
    ring, grid = ring8(), grid25()
    np.testing.assert_allclose(np.hypot(*ring.modes.T), 1)
    assert ring.modes.shape == (8, 2)
    assert set(ring.sd) == {0.01}
    assert {tuple(m) for m in grid.modes} == {(-4 + 2.0 * i, -4 + 2.0 * j) for i in range(5) for j in range(5)}
    assert grid.sd[0] ** 2 == pytest.approx(0.0025)


@pytest.mark.parametrize("toy", [moons(), spiral()], ids=lambda t: t.name)
def test_far_from_a_curve_the_density_is_still_the_integral(toy):
    """Against a quadrature with a hundred times the nodes: at ten units the mass comes from one end of a curve."""
    node, weight = np.polynomial.legendre.leggauss(32)
    t = ((np.arange(4000)[:, None] + (node + 1) / 2) / 4000).ravel()
    log_mass = np.log(np.tile(weight / 8000, 4000) * (2 * t if toy.name == "spiral" else 1) / len(toy.curves))
    along = np.random.default_rng(0).normal(size=(8, 2))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    for distance in (2, 5, 10):
        x = toy.head(8)["sample"].numpy() + distance * along
        terms = [np.concatenate([log_mass - ((c(t) - a) ** 2).sum(1) / (2 * toy.sd**2) for c in toy.curves]) for a in x]
        expected = special.logsumexp(terms, axis=1) - np.log(2 * np.pi * toy.sd**2)
        np.testing.assert_allclose(toy.log_density(x), expected, atol=1e-9)


def test_far_away_the_log_density_is_finite():
    for make in TOYS.values():
        toy = make()
        assert np.isfinite(toy.log_density(np.full((1, toy.shape[0]), 1e3))).all()


def test_refuses_a_mixture_that_is_none():
    with pytest.raises(UserError, match="weights"):
        Mixture([0.0, 1.0], 0.1, [1.0])
    with pytest.raises(UserError, match="points of shape"):
        ring8().log_density(np.zeros((3, 1)))
