"""What the catalogue's designs must be: docs/theory.md, tables B, C.3, C.4 and C.5, written down once more by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from mpmath import mp, mpf

Function = Callable[[mpf], mpf]
SQRT2, PI = mp.sqrt(2), mp.pi


def sp(x: mpf) -> mpf:
    return x + mp.log1p(mp.exp(-x)) if x > 0 else mp.log1p(mp.exp(x))


def sig(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


def lg(x: mpf) -> mpf:
    return mp.log(x)


@dataclass(frozen=True)
class Row:
    """One design.

    Attributes:
        d: of r, d(1) = d'(1) = 0; omega: of r; phi, psi: along r, up to constants.
        slope: H'(r) = beta(omega(r)), up to a constant in zero-sum games.
        disjoint: value for densities that do not overlap; named: how ``divergence_name`` begins, or None.
        phi_cost, psi_cost, beta_cost: of the raw output v, up to constants.
        output: "logit" or "linear".
    """

    d: Function
    omega: Function
    phi: Function
    psi: Function
    slope: Function
    disjoint: float
    named: str | None
    phi_cost: Function
    psi_cost: Function
    beta_cost: Function
    zero_sum: bool = True
    output: str = "logit"


@dataclass(frozen=True)
class Divergence:
    """One row of table B: f(u), T* = f'(u), f''(u), f*(T) below f'(inf), f'(inf), f'(0), f(0); g(v) and f*(g(v))."""

    f: Function
    T: Function
    f2: Function
    conjugate: Function | None
    top: float
    bottom: float
    at_zero: float
    g: Function
    composed: Function
    disjoint: float
    named: str


INF, L2 = mp.inf, mp.log(2)
A, W = mpf("1.5"), mpf("0.3")
DIVERGENCES: dict[str, Divergence] = {
    "kl": Divergence(lambda u: u * lg(u), lambda u: 1 + lg(u), lambda u: 1 / u, lambda t: mp.exp(t - 1), INF, -INF, 0,
                     lambda v: 1 + v, mp.exp, INF, "Kullback"),
    "reverse_kl": Divergence(lambda u: -lg(u), lambda u: -1 / u, lambda u: u**-2, lambda t: -1 - lg(-t), 0, -INF, INF,
                             lambda v: -mp.exp(-v), lambda v: v - 1, INF, "reverse Kullback"),
    "pearson_chi2": Divergence(lambda u: (u - 1)**2, lambda u: 2 * (u - 1), lambda u: mpf(2), lambda t: t**2 / 4 + t,
                               INF, -2, 1, lambda v: 2 * mp.expm1(v), lambda v: mp.expm1(2 * v), INF, "Pearson"),
    "neyman_chi2": Divergence(lambda u: (1 - u)**2 / u, lambda u: 1 - u**-2, lambda u: 2 / u**3,
                              lambda t: 2 - 2 * mp.sqrt(1 - t), 1, -INF, INF, lambda v: -mp.expm1(-2 * v),
                              lambda v: -2 * mp.expm1(-v), INF, "Neyman"),
    "squared_hellinger": Divergence(lambda u: (mp.sqrt(u) - 1)**2, lambda u: 1 - 1 / mp.sqrt(u),
                                    lambda u: 1 / (2 * u * mp.sqrt(u)), lambda t: t / (1 - t), 1, -INF, 1,
                                    lambda v: -mp.expm1(-v / 2), lambda v: mp.expm1(v / 2), 2, "squared Hellinger"),
    "jeffrey": Divergence(lambda u: (u - 1) * lg(u), lambda u: lg(u) + 1 - 1 / u, lambda u: 1 / u + 1 / u**2,
                          lambda t: (lambda w: w + 1 / w + t - 2)(mp.lambertw(mp.exp(1 - t)).real), INF, -INF, INF,
                          lambda v: v - mp.expm1(-v), lambda v: mp.expm1(v) + v, INF, "Jeffrey"),
    "js_2x": Divergence(lambda u: u * lg(u) - (u + 1) * lg((1 + u) / 2), lambda u: lg(2 * u / (1 + u)),
                        lambda u: 1 / (u * (1 + u)), lambda t: -lg(2 - mp.exp(t)), L2, -INF, L2,
                        lambda v: L2 - sp(-v), lambda v: sp(v) - L2, 2 * L2, "2 x Jensen"),
    "js": Divergence(lambda u: (u * lg(u) - (u + 1) * lg((1 + u) / 2)) / 2, lambda u: lg(2 * u / (1 + u)) / 2,
                     lambda u: 1 / (2 * u * (1 + u)), lambda t: -lg(2 - mp.exp(2 * t)) / 2, L2 / 2, -INF, L2 / 2,
                     lambda v: (L2 - sp(-v)) / 2, lambda v: (sp(v) - L2) / 2, L2, "Jensen"),
    "gan": Divergence(lambda u: u * lg(u) - (u + 1) * lg(u + 1), lambda u: lg(u / (1 + u)),
                      lambda u: 1 / (u * (1 + u)), lambda t: -lg(1 - mp.exp(t)), 0, -INF, 0,
                      lambda v: -sp(-v), sp, 2 * L2, "2 x Jensen"),
    "vincze_le_cam": Divergence(lambda u: (u - 1)**2 / (u + 1), lambda u: 1 - 4 / (1 + u)**2,
                                lambda u: 8 / (1 + u)**3, lambda t: 4 - t - 4 * mp.sqrt(1 - t), 1, -3, 1,
                                lambda v: 1 - 4 * sig(-v)**2, lambda v: (2 * sig(-v) - 1) * (2 * sig(-v) - 3), 2,
                                "Vincze"),
    "alpha": Divergence(lambda u: (u**A - 1 - A * (u - 1)) / (A * (A - 1)), lambda u: (u**(A - 1) - 1) / (A - 1),
                        lambda u: u**(A - 2), lambda t: ((1 + (A - 1) * t)**(A / (A - 1)) - 1) / A, INF, -2, 1 / A,
                        lambda v: mp.expm1((A - 1) * v) / (A - 1), lambda v: mp.expm1(A * v) / A, INF, "alpha"),
    "js_weighted": Divergence(
        lambda u: W * u * lg(u) - (1 - W + W * u) * lg(1 - W + W * u), lambda u: W * lg(u / (1 - W + W * u)),
        lambda u: W * (1 - W) / (u * (1 - W + W * u)), lambda t: (1 - W) * lg((1 - W) / (1 - W * mp.exp(t / W))),
        -W * lg(W), -INF, -(1 - W) * lg(1 - W), lambda v: -W * lg(W + (1 - W) * mp.exp(-v)),
        lambda v: (1 - W) * lg(1 - W + W * mp.exp(v)), -W * lg(W) - (1 - W) * lg(1 - W), "weighted Jensen"),
    "k_divergence": Divergence(lambda u: u * lg(2 * u / (1 + u)), lambda u: lg(2 * u / (1 + u)) + 1 / (1 + u),
                               lambda u: 1 / (u * (1 + u)**2), None, L2, -INF, 0,
                               lambda v: L2 - sp(-v) + sig(-v), sig, L2, "K-div"),
    "softened_reverse_kl": Divergence(
        lambda u: (1 + u) * lg((1 + u) / (2 * u)) + u - 1, lambda u: lg((1 + u) / (2 * u)) + 1 - 1 / u,
        lambda u: 1 / (u**2 * (1 + u)), None, 1 - L2, -INF, INF, lambda v: sp(-v) - L2 - mp.expm1(-v),
        lambda v: v + L2 - sp(v), INF, "2 x softened reverse"),
    "arithmetic_geometric": Divergence(
        lambda u: (1 + u) * lg((1 + u) / (2 * mp.sqrt(u))),
        lambda u: lg((1 + u) / (2 * mp.sqrt(u))) + (u - 1) / (2 * u), lambda u: (1 + u**2) / (2 * u**2 * (1 + u)),
        None, INF, -INF, INF, lambda v: sp(v) - v / 2 - L2 - mp.expm1(-v) / 2,
        lambda v: v / 2 - sp(v) + L2 + mp.expm1(v) / 2, INF, "arithmetic"),
    "perimeter": Divergence(
        lambda u: mp.sqrt(1 + u**2) - (1 + u) / SQRT2, lambda u: u / mp.sqrt(1 + u**2) - 1 / SQRT2,
        lambda u: (1 + u**2)**mpf("-1.5"), lambda t: 1 / SQRT2 - mp.sqrt(1 - (t + 1 / SQRT2)**2), 1 - 1 / SQRT2,
        -1 / SQRT2, 1 - 1 / SQRT2, lambda v: 1 / mp.sqrt(1 + mp.exp(-2 * v)) - 1 / SQRT2,
        lambda v: 1 / SQRT2 - 1 / mp.sqrt(1 + mp.exp(2 * v)), 2 - SQRT2, "perimeter"),
}


def _of_divergence(b: Divergence) -> Row:
    # d(r) = r f(1/r), less its value and slope at 1: f(1) and f(1) - f'(1).
    one, at = mpf(1), b.f(mpf(1))
    return Row(lambda r: r * b.f(1 / r) - at - (at - b.T(one)) * (r - 1), lambda r: -b.T(1 / r), lambda r: b.T(1 / r),
               lambda r: b.f(1 / r) - b.T(1 / r) / r, lambda r: b.f(1 / r) - b.T(1 / r) / r, b.disjoint, b.named,
               lambda v: -b.g(v), b.composed, lambda v: -b.composed(v))


def _of_ratio(omega: Function, phi: Function, psi: Function, d: Function, disjoint: float, named: str | None,
              in_t: bool = True) -> Row:
    """``phi`` and ``psi`` are functions of t, or of r where ``in_t`` is false."""
    along = [(lambda r, e=e: e(omega(r))) if in_t else e for e in (phi, psi)]
    return Row(d, omega, *along, along[1], disjoint, named, lambda v: -along[0](mp.exp(-v)),
               lambda v: -along[1](mp.exp(-v)), lambda v: along[1](mp.exp(-v)))


def _unit(omega: Function, d: Function, disjoint: float, named: str | None = None) -> Row:
    """Rho = 1: psi(t) = t and phi = d - r (psi - psi(omega(1)))."""
    one = omega(mpf(1))
    return _of_ratio(omega, lambda r: d(r) - r * (omega(r) - one), omega, d, disjoint, named, in_t=False)


def _js2(r: mpf) -> mpf:
    return r * lg(r) - (1 + r) * lg((1 + r) / 2)


def _cube_area(s: mpf) -> mpf:
    return lg(1 + s) / 3 - lg(s * s - s + 1) / 6 + mp.atan((2 * s - 1) / mp.sqrt(3)) / mp.sqrt(3)


def _mixed_d(r: mpf) -> mpf:
    return (mp.e1(r * r) - mp.e1(1)) / 2 + mp.exp(-1) * (r - 1)


def _skew_d(r: mpf) -> mpf:
    psi = [-lg(W / x + 1 - W) / W for x in (r, mpf(1))]
    return -lg(W + (1 - W) * r) / (1 - W) + r * (psi[0] - psi[1])


def _asinh_d(r: mpf) -> mpf:
    return r * (mp.asinh(r) - mp.asinh(1)) - mp.sqrt(1 + r * r) + SQRT2


TWO_JS = "2 x Jensen"
RATIOS: dict[str, Row] = {
    "gan_logit": _of_ratio(lg, lambda t: -sp(t), lambda t: -sp(-t), _js2, 2 * L2, TWO_JS),
    "gan_prob": _of_ratio(lambda r: r / (1 + r), lambda r: -lg(1 + r), lambda r: -mp.log1p(1 / r), _js2, 2 * L2,
                          TWO_JS, in_t=False),
    "cross_entropy_ratio": _of_ratio(lambda r: r, lambda t: -lg(1 + t), lambda t: -mp.log1p(1 / t), _js2, 2 * L2,
                                     TWO_JS),
    "exponential": _of_ratio(lambda r: lg(r) / 2, lambda t: -mp.exp(t), lambda t: -mp.exp(-t),
                             lambda r: (mp.sqrt(r) - 1)**2, 2, "squared Hellinger"),
    "lsgan_ratio": _of_ratio(lambda r: r / (1 + r), lambda r: -(r / (1 + r))**2, lambda r: -1 / (1 + r)**2,
                             lambda r: (r - 1)**2 / (r + 1) / 4, 0.5, "1/4 x Vincze", in_t=False),
    "kl_pq_ratio": _of_ratio(lambda r: r, lambda t: -lg(t), lambda t: 1 - 1 / t, lambda r: r - 1 - lg(r), INF, "Kull"),
    "kl_qp_logit": _of_ratio(lg, lambda t: -mp.exp(t), lambda t: t, lambda r: r * lg(r) - r + 1, INF, "reverse Kull"),
    "meansquare": _of_ratio(lambda r: r, lambda t: -t**2 / 2, lambda t: t, lambda r: (r - 1)**2 / 2, INF,
                            "1/2 x Neyman"),
    "power": _of_ratio(mp.sqrt, lambda t: -t**4 / 4, lambda t: t**2 / 2, lambda r: (r - 1)**2 / 4, INF, "1/4 x Neyman"),
    "tanh_k": _unit(lambda r: (r**3 - 1) / (r**3 + 1), lambda r: r - 1 - 2 * (_cube_area(r) - _cube_area(mpf(1))),
                    2 * (_cube_area(mpf(1)) - _cube_area(mpf(0)))),
    "circle": _of_ratio(mp.atan, mp.cos, mp.sin, lambda r: mp.sqrt(1 + r * r) - (1 + r) / SQRT2, 2 - SQRT2, "perim"),
    "kdiv_linear": _of_ratio(lambda r: (r - 1) / (r + 1), lambda r: (r - 1) / (r + 1) + 2 * lg(2 / (r + 1)),
                             lambda r: (r - 1) / (r + 1), lambda r: r - 1 - 2 * lg((1 + r) / 2), 2 * L2, "2 x K-div",
                             in_t=False),
    "log1p": _of_ratio(lambda r: lg(1 + r), lambda t: -t - mp.exp(-t), lambda t: -mp.exp(-t),
                       lambda r: (r - 1) / 2 - lg((1 + r) / 2), L2, "K-div"),
    "arctan": _of_ratio(lg, lambda t: -sp(2 * t) / 2, lambda t: mp.atan(mp.exp(t)),
                        lambda r: r * mp.atan(r) - PI * r / 4 - lg((1 + r * r) / 2) / 2, PI / 4 + L2 / 2, None),
    "skew_js": _of_ratio(lg, lambda t: -lg(W + (1 - W) * mp.exp(t)) / (1 - W),
                         lambda t: -lg(W * mp.exp(-t) + 1 - W) / W, _skew_d,
                         -lg(W) / (1 - W) - lg(1 - W) / W, "100/21 x weighted"),
    "lambertw": _of_ratio(lambda r: r + lg(r), lambda r: -r - r * r / 2, lambda r: r + lg(r),
                          lambda r: (r - 1)**2 / 2 + r * lg(r) - r + 1, INF, None, in_t=False),
    "asinh": _of_ratio(mp.asinh, lambda t: -mp.cosh(t), lambda t: t, _asinh_d, INF, None),
    "kepler": _unit(lambda r: r + mp.sin(r) / 2, lambda r: (r * r - 1) / 2 - (mp.cos(r) - mp.cos(1)) / 2
                    - (1 + mp.sin(1) / 2) * (r - 1), INF),
    "tanh_plus": _unit(lambda r: r + mp.tanh(r), lambda r: (r * r - 1) / 2 + lg(mp.cosh(r) / mp.cosh(1))
                       - (1 + mp.tanh(1)) * (r - 1), INF),
    "mixed": _of_ratio(lambda r: lg(r) + r * r,
                       lambda r: _mixed_d(r) - r * (mp.exp(-1) - mp.exp(-r * r) / r), lambda r: -mp.exp(-r * r) / r,
                       _mixed_d, INF, None, in_t=False),
    "cubic_flat": _unit(lambda r: (r - 1)**3 + 1, lambda r: (r - 1)**4 / 4, INF),
}


def _cross_entropy(slope: Function, beta: Function) -> Row:
    """``beta`` is the generator's cost of the raw output v = -t."""
    return Row(_js2, lg, lambda r: -lg(1 + r), lambda r: -mp.log1p(1 / r), slope, 2 * L2, TWO_JS, lambda v: sp(-v), sp,
               beta, zero_sum=False)


def _least_squares(a: int, b: int, c: int) -> Row:
    def best(r: mpf) -> mpf:  # the raw output
        return mpf(a) + (b - a) / (1 + r)

    return Row(lambda r: mpf(b - a)**2 / 8 * (r - 1)**2 / (r + 1), lambda r: -best(r), lambda r: -(best(r) - b)**2 / 2,
               lambda r: -(best(r) - a)**2 / 2, lambda r: (best(r) - c)**2 / 2, (b - a)**2 / 4, None,
               lambda v: (v - b)**2 / 2, lambda v: (v - a)**2 / 2, lambda v: (v - c)**2 / 2, zero_sum=False,
               output="linear")


GAMES: dict[str, Row] = {
    "minimax": RATIOS["gan_logit"],
    "nonsaturating": _cross_entropy(lambda r: lg(1 + r), lambda v: sp(-v)),
    "bce_reverse_kl": _cross_entropy(lg, lambda v: -v),
    "bce_kl": _cross_entropy(lambda r: -1 / r, lambda v: -mp.exp(v)),
    "bce_chi2": _cross_entropy(lambda r: r, lambda v: mp.exp(-v)),
    "bce_tanh": _cross_entropy(lambda r: (r - 1) / (r + 1), lambda v: -mp.tanh(v / 2)),
    "bce_clipped": _cross_entropy(lambda r: min(lg(r), mpf(0)), lambda v: min(-v, mpf(0))),
    "lsgan": _least_squares(0, 1, 1),
    "lsgan_middle": _least_squares(-1, 1, 0),
}
SMOOTH: dict[str, Row] = {**{name: _of_divergence(b) for name, b in DIVERGENCES.items()}, **RATIOS, **GAMES}
CORNERS = {"total_variation": 0.5, "tv": 1.0, "hinge": 1.0}
"""d(r) = height * |r - 1|."""


@pytest.fixture(scope="session")
def divergences() -> dict[str, Divergence]:
    return DIVERGENCES


@pytest.fixture(scope="session")
def smooth() -> dict[str, Row]:
    return SMOOTH


@pytest.fixture(scope="session")
def corners() -> dict[str, float]:
    return CORNERS
