"""The mathematics of every design of the catalogue against the tables of the theory (conftest.py)."""

from __future__ import annotations

import inspect
import itertools
import math

import numpy as np
import pytest
import scipy.optimize
import sympy
from mpmath import mp, mpf

from ganworks.design import named_designs
from ganworks.design.symbols import R, T, U

POINTS = (0.03, 0.2, 0.7, 1.0, 1.5, 4.0, 30.0)
NAMES = sorted(named_designs())
SMOOTH = [n for n in NAMES if n not in ("total_variation", "tv", "hinge", "wgan")]
CORNERS = ["hinge", "total_variation", "tv"]
DIVERGENCES = ["alpha", "arithmetic_geometric", "gan", "jeffrey", "js", "js_2x", "js_weighted", "k_divergence", "kl",
               "neyman_chi2", "pearson_chi2", "perimeter", "reverse_kl", "softened_reverse_kl", "squared_hellinger",
               "vincze_le_cam"]


def close(found, wanted, relative=1e-10, floor=1e-12):
    wanted = np.array([float(x) for x in wanted])
    assert np.all(np.abs(found - wanted) <= relative * np.abs(wanted) + floor), (found, wanted)


def formula(expr, symbol, x):
    """The value of a sympy expression by sympy itself, to 30 digits."""
    value = sympy.N(expr.subs(symbol, sympy.Float(x, 40)), 30)
    assert abs(sympy.im(value)) < 1e-20
    return mpf(str(sympy.re(value)))


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(40):
        yield


def test_the_tables_hold_the_whole_catalogue(smooth, corners, divergences):
    assert sorted([*smooth, *corners, "wgan"]) == NAMES
    assert sorted(divergences) == DIVERGENCES


@pytest.mark.parametrize("name", SMOOTH)
def test_functions_of_the_ratio(name, smooth):
    g, row = named_designs()[name](), smooth[name]
    close(g.omega_at(POINTS), [row.omega(mpf(r)) for r in POINTS])
    close(g.d_at(POINTS), [row.d(mpf(r)) for r in POINTS])
    outputs = [float(row.omega(mpf(r))) for r in POINTS]
    for at, along in ((g.phi_at, row.phi), (g.psi_at, row.psi)):
        close(at(outputs), [along(mpf(r)) - along(mpf(1)) for r in POINTS])
    slopes = g.beta_at(outputs) if g.beta is not None else g.psi_at(outputs)
    shift = row.slope(mpf(1)) - slopes[3] if row.zero_sum else 0
    close(slopes, [row.slope(mpf(r)) - shift for r in POINTS])


@pytest.mark.parametrize("name", SMOOTH)
def test_closed_formulas(name, smooth):
    g, row = named_designs()[name](), smooth[name]
    found = 0
    for r in (0.2, 1.5, 4.0):
        t = row.omega(mpf(r))
        for expr, symbol, x, wanted in ((g.d, R, r, row.d(mpf(r))), (g.omega, R, r, t)):
            if expr is not None:
                close(float(formula(expr, symbol, x)), [wanted])
                found += 1
        for expr, along in ((g.phi, row.phi), (g.psi, row.psi)):
            if expr is not None:
                gap = formula(expr, T, t) - formula(expr, T, row.omega(mpf(1)))
                close(float(gap), [along(mpf(r)) - along(mpf(1))])
                found += 1
    assert found >= 6  # omega always; a design of which nothing is known would pass for nothing


@pytest.mark.parametrize("name", SMOOTH)
def test_what_the_generator_descends(name, smooth):
    g, row = named_designs()[name](), smooth[name]
    wanted = [row.d(mpf(r)) for r in POINTS] if row.zero_sum else [mp.quad(row.slope, [1, mpf(r)]) for r in POINTS]
    close(g.H_at(POINTS), wanted)
    if g.H is not None:
        close(float(formula(g.H, R, 4.0)), wanted[5:6])


@pytest.mark.parametrize("name", SMOOTH)
def test_convex_with_the_curvature_of_the_pair(name, smooth):
    """d >= 0 with 0 at 1, convex, and d'' = rho(omega) omega', by differences of what d_at and its kin say."""
    g = named_designs()[name]()
    assert g.d_at(1.0) == 0
    r = np.exp(np.linspace(-3, 3, 61))
    d = g.d_at(r)
    assert np.all(d >= 0)
    assert np.all(np.diff(np.diff(d) / np.diff(r)) > -1e-12 * (1 + np.abs(d[1:-1])))
    h = 1e-3
    for x in (0.3, 1.6, 5.0):
        points = x + h * np.array([-2, -1, 0, 1, 2])
        weights = np.array([-1, 16, -30, 16, -1]) / 12
        second = weights @ g.d_at(points) / h**2
        t = g.omega_at(points)
        rate = np.array([1, -8, 0, 8, -1]) / 12
        # rho omega' = (psi o omega)', and phi' = -omega^{-1} psi'.
        along = rate @ g.psi_at(t) / h
        assert second == pytest.approx(along, rel=1e-6, abs=1e-8)
        assert rate @ g.phi_at(t) / h == pytest.approx(-x * along, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", SMOOTH)
def test_disjoint_supports(name, smooth):
    g, row = named_designs()[name](), smooth[name]
    assert g.disjoint == pytest.approx(float(row.disjoint), rel=1e-9)
    # The limit itself, from the table's d: at r = 0 and d(r)/r far out.
    far = float(row.d(mpf(10)**-25) + row.d(mpf(10)**25) / mpf(10)**25)
    assert far == pytest.approx(float(row.disjoint), rel=1e-9) or (math.isinf(row.disjoint) and far > 20)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_name_of_the_divergence(name, smooth):
    g, row = named_designs()[name](), smooth[name]
    if row.named is None and row.zero_sum:
        assert g.divergence_name is None
    else:
        wanted = {"lsgan": "1/8 x Vincze", "lsgan_middle": "1/2 x Vincze"}.get(name, row.named)
        assert g.divergence_name.startswith(wanted)


def curvature(row):
    return [mp.diff(row.d, mpf(r), 2) for r in (0.11, 0.53, 1.9, 7.1)]


def test_the_same_divergence(smooth):
    designs = {name: named_designs()[name]() for name in SMOOTH}
    curvatures = {name: curvature(smooth[name]) for name in SMOOTH}
    agreeing = 0
    for one, two in itertools.combinations(SMOOTH, 2):
        ratios = [a / b for a, b in zip(curvatures[one], curvatures[two], strict=True)]
        wanted = all(abs(x / ratios[0] - 1) < 1e-8 for x in ratios)
        assert designs[one].same_divergence(designs[two]) == wanted, (one, two)
        agreeing += wanted
    assert agreeing > 60  # twelve say 2 JS in different clothes


def test_corners_are_the_same_divergence_and_no_other():
    tv, other = (named_designs()[name]() for name in ("total_variation", "kl"))
    assert all(named_designs()[name]().same_divergence(tv) for name in CORNERS)
    assert not tv.same_divergence(other)
    assert not other.same_divergence(tv)
    assert not named_designs()["wgan"]().same_divergence(tv)


@pytest.mark.parametrize("name", CORNERS)
def test_total_variation(name, corners):
    g, height = named_designs()[name](), corners[name]
    close(g.d_at(POINTS), [height * abs(r - 1) for r in POINTS])
    assert g.disjoint == pytest.approx(2 * height)
    assert g.divergence_name.endswith("total variation, int |p - q| / 2")
    if name == "hinge":
        close(g.H_at(POINTS), [abs(r - 1) for r in POINTS])
    t = g.omega_at([0.3, 0.99, 1.01, 5.0])
    assert np.allclose(t, np.array([-1, -1, 1, 1]) * (0.5 if name == "total_variation" else 1))


@pytest.mark.parametrize("name", DIVERGENCES)
def test_conjugate(name, divergences):
    """f* by table B, and by its definition: the best u >= 0."""
    g, b = named_designs()[name](), divergences[name]

    def gain(s, t):
        u = mpf(math.exp(s))
        return -float(u * mpf(t) - b.f(u))

    starts = np.linspace(-25, 12, 75)
    for u in (0.05, 0.6, 1.0, 1.8, 9.0):
        t = float(b.T(mpf(u)))
        s = min(starts, key=lambda s: gain(s, t))
        best = scipy.optimize.minimize_scalar(gain, bounds=(s - 1, s + 1), args=(t,), method="bounded",
                                              options={"xatol": 1e-9})
        assert g.conjugate_at(t) == pytest.approx(-best.fun, rel=1e-9, abs=1e-9)
        if b.conjugate is not None:
            assert g.conjugate_at(t) == pytest.approx(float(b.conjugate(mpf(t))), rel=1e-10, abs=1e-12)
    if math.isfinite(b.top):
        assert g.conjugate_at(float(b.top) + 1e-3) == math.inf
    if math.isfinite(b.bottom):
        close(g.conjugate_at([float(b.bottom) - 1e-9, float(b.bottom) - 5]), [-b.at_zero] * 2, floor=1e-8)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_fenchel_young(name, divergences):
    """f(u) + f*(f'(u)) = u f'(u), and f(u) + f*(t) >= u t for any other t."""
    g, b = named_designs()[name](), divergences[name]
    u = np.array(POINTS)
    t = g.optimal_T_at(u)
    close(t, [b.T(mpf(x)) for x in POINTS])
    f = np.array([float(b.f(mpf(x))) for x in POINTS])
    assert np.allclose(f + g.conjugate_at(t), u * t, rtol=1e-9, atol=1e-12)
    others = g.optimal_T_at(1.3 * u)
    assert np.all(f + g.conjugate_at(others) > u * others)
    close(float(formula(g.f, U, 1.7)), [b.f(mpf("1.7"))])


@pytest.mark.parametrize("name", DIVERGENCES)
def test_activation(name, divergences):
    g, b = named_designs()[name](), divergences[name]
    v = np.array([-4.0, -0.3, 0.0, 1.1, 4.0])
    close(g.generator_activation(v), [b.g(mpf(x)) for x in v])
    close(g.generator_activation(v), [b.T(mp.exp(mpf(x))) for x in v])


def test_total_variation_as_an_f_divergence():
    g = named_designs()["total_variation"]()
    assert np.allclose(g.conjugate_at([-3.0, -0.5, -0.2, 0.0, 0.5]), [-0.5, -0.5, -0.2, 0.0, 0.5])
    assert g.conjugate_at(0.51) == math.inf
    assert np.allclose(g.optimal_T_at([0.2, 0.9, 1.1, 7.0]), [-0.5, -0.5, 0.5, 0.5])


@pytest.mark.parametrize("name", [n for n in SMOOTH if n not in DIVERGENCES])
def test_the_induced_f(name, smooth):
    """The f of a pair: u d(1/u) up to an affine part, which optimal_T_at and conjugate_at share."""
    g, row = named_designs()[name](), smooth[name]
    u = np.array([0.3, 1.0, 2.5])
    t = g.optimal_T_at(u)
    f = np.array([float(x * row.d(1 / mpf(x))) for x in u])
    slope = [float(mp.diff(lambda x: x * row.d(1 / x), mpf(x))) for x in u]
    assert np.allclose(t, slope, rtol=1e-9, atol=1e-12)
    assert np.allclose(g.conjugate_at(t), u * t - f, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_certified_and_described(name):
    make = named_designs()[name]
    g = make()
    assert g.name == name
    assert g.reference
    first = inspect.getdoc(make).splitlines()[0]
    assert len(first) <= 120
    assert first.endswith(".")
    wanted = {"bce_clipped": "warn", "lsgan_middle": "warn"}.get(name, "accept")
    assert g.certificate().verdict == wanted
