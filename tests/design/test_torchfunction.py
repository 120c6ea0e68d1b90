"""Compiled functions against 40-digit arithmetic written out here, and against what autograd must do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from mpmath import mp
from scipy.optimize import brentq

from ganworks.design.symbols import V
from ganworks.design.torchfunction import Compiled, Exact, compile_function

Q = sp.Rational
Triple = tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]


def log1p_exp(v: Any) -> Any:
    return mp.log1p(mp.exp(v))


def sigma(v: Any) -> Any:
    return 1 / (1 + mp.exp(-v))


def exponential(a: Any, c: Any) -> Triple:
    return (lambda v: c * mp.exp(a * v), lambda v: c * a * mp.exp(a * v), lambda v: c * a * a * mp.exp(a * v))


def moved(triple: Triple, shift: Any) -> Triple:
    return (lambda v: triple[0](v) + shift, *triple[1:])


def slope_of_sigma(v: Any) -> Any:
    return sigma(v) * sigma(-v)


def root(v: Any) -> Any:
    return mp.sqrt(1 + mp.exp(-2 * v))


R = mp.exp
CASES: dict[str, tuple[sp.Expr, Triple, str, tuple[float, ...]]] = {
    "softplus": (sp.log(1 + sp.exp(V)), (log1p_exp, sigma, slope_of_sigma), "native", ()),
    "softplus of -v": (sp.log(1 + sp.exp(-V)), (lambda v: log1p_exp(-v), lambda v: -sigma(-v), slope_of_sigma),
                       "native", ()),
    "softplus of -v, disguised": (-sp.log(1 - sp.exp(-V) / (1 + sp.exp(-V))),
                                  (lambda v: log1p_exp(-v), lambda v: -sigma(-v), slope_of_sigma), "native", ()),
    "log r/(1+r)": (sp.log(sp.exp(-V) / (1 + sp.exp(-V))),
                    (lambda v: -log1p_exp(v), lambda v: -sigma(v), lambda v: -slope_of_sigma(v)), "native", ()),
    "js": (sp.log(2) - sp.log(1 + sp.exp(-V)),
           (lambda v: mp.log(2) - log1p_exp(-v), lambda v: sigma(-v), lambda v: -slope_of_sigma(v)), "native", ()),
    "exp": (sp.exp(V), exponential(1, 1), "tower", ()),
    "exp(2v)/2": (sp.exp(2 * V) / 2, exponential(2, mp.mpf(1) / 2), "tower", ()),
    "expm1(-v)": (sp.exp(-V) - 1, moved(exponential(-1, 1), -1), "tower", ()),
    "-exp(v/2)": (-sp.exp(V / 2), exponential(mp.mpf(1) / 2, -1), "native", ()),
    "4 sigma^2": (4 / (1 + sp.exp(-V))**2,
                  (lambda v: 4 * sigma(v)**2, lambda v: 8 * sigma(v)**2 * sigma(-v),
                   lambda v: 8 * sigma(v)**2 * sigma(-v) * (2 * sigma(-v) - sigma(v))), "tower", ()),
    "tanh(v/2)": (sp.tanh(V / 2), (lambda v: mp.tanh(v / 2), lambda v: mp.sech(v / 2)**2 / 2,
                                   lambda v: -mp.sech(v / 2)**2 * mp.tanh(v / 2) / 2), "tower", ()),
    "perimeter": ((1 + sp.exp(-2 * V))**Q(-1, 2),
                  (lambda v: 1 / root(v), lambda v: R(-2 * v) / root(v)**3,
                   lambda v: R(-2 * v) / root(v)**5 * (R(-2 * v) - 2)), "", ()),
    "atan": (sp.atan(sp.exp(-V)), (lambda v: mp.atan(R(-v)), lambda v: -mp.sech(v) / 2,
                                   lambda v: mp.sech(v) * mp.tanh(v) / 2), "tower", ()),
    "asinh": (sp.asinh(sp.exp(-V)), (lambda v: mp.asinh(R(-v)), lambda v: -1 / mp.sqrt(1 + R(2 * v)),
                                     lambda v: R(2 * v) / mp.sqrt(1 + R(2 * v))**3), "tower", ()),
    "sqrt(1+r^2)": (sp.sqrt(1 + sp.exp(-2 * V)),
                    (root, lambda v: -R(-2 * v) / root(v), lambda v: R(-2 * v) * (2 + R(-2 * v)) / root(v)**3),
                    "tower", ()),
    "arithmetic-geometric": (sp.log(1 + sp.exp(V)) - V / 2 + (sp.exp(-V) - 1) / 2,
                             (lambda v: log1p_exp(v) - v / 2 + mp.expm1(-v) / 2,
                              lambda v: sigma(v) - mp.mpf(1) / 2 - R(-v) / 2,
                              lambda v: slope_of_sigma(v) + R(-v) / 2), "tower", ()),
    "cosh(2v)": (sp.cosh(2 * V), (lambda v: mp.cosh(2 * v), lambda v: 2 * mp.sinh(2 * v), lambda v: 4 * mp.cosh(2 * v)),
                 "tower", ()),
    "skewed": (-sp.log(Q(3, 10) + Q(7, 10) * sp.exp(-V)) / Q(7, 10),
               (lambda v: -mp.log((3 + 7 * R(-v)) / 10) * 10 / 7, lambda v: 10 / (3 * R(v) + 7),
                lambda v: -30 * R(v) / (3 * R(v) + 7)**2), "native", ()),
    "v": (V, (lambda v: v, lambda v: mp.mpf(1), lambda v: mp.mpf(0)), "native", ()),
    "v^2": (V**2, (lambda v: v**2, lambda v: 2 * v, lambda v: mp.mpf(2)), "native", ()),
    "(v-1)^2/2": ((V - 1)**2 / 2, (lambda v: (v - 1)**2 / 2, lambda v: v - 1, lambda v: mp.mpf(1)), "native", ()),
    "hinge": (sp.Max(0, 1 - V), (lambda v: max(mp.mpf(0), 1 - v), lambda v: mp.mpf(-1 if v < 1 else 0),
                                 lambda v: mp.mpf(0)), "native", (1.0,)),
    "min(v,0)": (sp.Min(V, 0), (lambda v: min(v, mp.mpf(0)), lambda v: mp.mpf(1 if v < 0 else 0),
                                lambda v: mp.mpf(0)), "native", (0.0,)),
    "max(0,1-r)": (sp.Max(0, 1 - sp.exp(-V)),
                   (lambda v: max(mp.mpf(0), 1 - R(-v)), lambda v: R(-v) if v > 0 else mp.mpf(0),
                    lambda v: -R(-v) if v > 0 else mp.mpf(0)), "", (0.0,)),
    "v+exp(v)": (V + sp.exp(V), (lambda v: v + R(v), lambda v: 1 + R(v), R), "tower", ()),
    "log(1+softplus)": (sp.log(1 + sp.log(1 + sp.exp(V))),
                        (lambda v: mp.log1p(log1p_exp(v)), lambda v: sigma(v) / (1 + log1p_exp(v)),
                         lambda v: slope_of_sigma(v) / (1 + log1p_exp(v)) - (sigma(v) / (1 + log1p_exp(v)))**2),
                        "", ()),
    "alpha": ((sp.exp(Q(3, 10) * V) - 1) / Q(3, 10),
              (lambda v: mp.expm1(3 * v / 10) * 10 / 3, lambda v: R(3 * v / 10), lambda v: 3 * R(3 * v / 10) / 10),
              "", ()),
    "a sum that cancels": (sp.log(1 + sp.exp(-V)) - 1 / (1 + sp.exp(V)),
                           (lambda v: log1p_exp(-v) - sigma(-v), lambda v: -sigma(-v)**2,
                            lambda v: 2 * sigma(-v)**2 * sigma(v)), "table", ()),
    "Lambert W": (sp.LambertW(sp.exp(-V)),
                  (lambda v: mp.lambertw(R(-v)).real, lambda v: -(lambda w: w / (1 + w))(mp.lambertw(R(-v)).real),
                   lambda v: (lambda w: w / (1 + w)**3)(mp.lambertw(R(-v)).real)), "tower", ()),
    "one over two factors": (1 / (1 + sp.exp(V)) / (1 + sp.exp(2 * V)),
                             (lambda v: 1 / (1 + R(v)) / (1 + R(2 * v)),
                              lambda v: -(1 / (1 + R(v)) / (1 + R(2 * v))) * (sigma(v) + 2 * sigma(2 * v)),
                              lambda v: (1 / (1 + R(v)) / (1 + R(2 * v))) * (
                                  (sigma(v) + 2 * sigma(2 * v))**2 - slope_of_sigma(v) - 4 * slope_of_sigma(2 * v))),
                             "", ()),
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, Compiled]:
    expr, (value, _, _), _, kinks = CASES[request.param]
    return request.param, compile_function(Exact(value, expr, None, kinks))


def derivatives(compiled: Compiled, v: np.ndarray, dtype: torch.dtype) -> list[np.ndarray]:
    x = torch.tensor(v, dtype=dtype, requires_grad=True)
    value = compiled.function(x)
    if value.requires_grad:
        (slope,) = torch.autograd.grad(value, x, torch.ones_like(x), create_graph=True)
    else:
        slope = torch.zeros_like(x)
    curvature = torch.zeros_like(x)
    if slope.requires_grad:
        curvature = torch.autograd.grad(slope, x, torch.ones_like(x), allow_unused=True)[0]
        curvature = torch.zeros_like(x) if curvature is None else curvature
    assert value.dtype == slope.dtype == curvature.dtype == dtype
    return [d.detach().double().numpy() + 0.0 for d in (value, slope, curvature + torch.zeros_like(x))]


def exact_values(triple: Triple, v: np.ndarray) -> list[np.ndarray]:
    with mp.workdps(120):
        return [np.array([float(f(mp.mpf(float(x)))) for x in v]) for f in triple]


def grid(end: float, kinks: tuple[float, ...], dtype: type = np.float64) -> np.ndarray:
    v = np.concatenate([np.linspace(-end, end, 173), [1e-6, -3e-5, 0.002, -0.01]]).astype(dtype)
    return v[[all(abs(x - k) > 1e-9 for k in kinks) for x in v]]


def test_form(case: tuple[str, Compiled]) -> None:
    name, compiled = case
    wanted = CASES[name][2]
    assert not wanted or compiled.form == wanted
    assert compiled.error < 1e-12


def test_float64_is_exact(case: tuple[str, Compiled]) -> None:
    name, compiled = case
    v = grid(30, CASES[name][3])
    exact = exact_values(CASES[name][1], v)
    found = derivatives(compiled, v, torch.float64)
    for order in range(3):
        # Near a zero: what one rounding of v or of a term of the size of the slope makes of it.
        near = np.abs(exact[min(order + 1, 2)]) + (np.abs(exact[2]) if order == 0 else 0)
        size = 1e-12 * np.abs(exact[order]) + 2e-15 * near * (1 + np.abs(v)) * (order < 2) + 4e-15 * (order == 2) * (
            np.abs(exact[1]) + np.abs(exact[0]) * (compiled.form != "native"))
        wrong = np.abs(found[order] - exact[order]) > size + 1e-300
        assert not wrong.any(), (name, order, v[wrong], found[order][wrong], exact[order][wrong])


def test_float32_is_finite_and_right(case: tuple[str, Compiled]) -> None:
    name, compiled = case
    v = grid(100, CASES[name][3], np.float32)
    exact = exact_values(CASES[name][1], v)
    found = derivatives(compiled, v, torch.float32)
    low, high = compiled.capped or (-np.inf, np.inf)
    held = (v >= low) & (v <= high)
    for order in range(3):
        assert np.isfinite(found[order]).all()
        near = np.abs(exact[min(order + 1, 2)]) + np.abs(exact[2])
        size = 3e-5 * np.abs(exact[order]) + 1e-6 * near * (1 + np.abs(v)) * (order < 2) + 1e-6 * (order == 2) * (
            np.abs(exact[1]))
        wrong = held & (np.abs(found[order] - exact[order]) > size + 2e-38)
        assert not wrong.any(), (name, order, v[wrong], found[order][wrong], exact[order][wrong])
    largest = np.max(np.abs(exact), axis=0)
    assert held[largest < 2.9e38].all(), "capped where float32 still holds everything"
    assert (largest[held] < 3.4e38).all()


def test_slopes_do_not_vanish_early(case: tuple[str, Compiled]) -> None:
    """A slope of 1e-9 is a slope: no 1 - sigma(20) = 0 in float32, to the relative precision of float32."""
    name, compiled = case
    v = np.array([-85.0, -60.0, -35.0, -20.0, 20.0, 35.0, 60.0, 85.0], dtype=np.float32)
    exact = exact_values(CASES[name][1], v)[1]
    found = derivatives(compiled, v, torch.float32)[1]
    low, high = compiled.capped or (-np.inf, np.inf)
    held = (v >= low) & (v <= high) & (np.abs(exact) > 1e-37)
    np.testing.assert_allclose(found[held], exact[held], rtol=3e-5)


def test_continuation(case: tuple[str, Compiled]) -> None:
    name, compiled = case
    if compiled.capped is None:
        return
    for end in compiled.capped:
        if np.isinf(end):
            continue
        v = np.sign(end) * np.linspace(abs(end) + 0.5, 200, 50, dtype=np.float32)
        value, slope, curvature = derivatives(compiled, v, torch.float32)
        inside = exact_values(CASES[name][1], np.array([end]))
        assert np.isfinite(value).all()
        assert (np.sign(slope) == np.sign(inside[1])).all()
        assert (curvature == 0).all()
        assert (np.diff(value) * np.sign(inside[1]) * np.sign(end) >= 0).all()
        assert np.isfinite(derivatives(compiled, v, torch.float64)[1]).all()


def test_gradcheck(case: tuple[str, Compiled]) -> None:
    name, compiled = case
    v = torch.tensor([-7.3, -2.2, -0.6, 0.45, 1.9, 6.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(compiled.function, v, rtol=1e-5, atol=1e-7)
    if name not in ("hinge", "min(v,0)", "v"):
        assert torch.autograd.gradgradcheck(compiled.function, v, rtol=1e-5, atol=1e-7)


def test_shapes_and_nan(case: tuple[str, Compiled]) -> None:
    _, compiled = case
    for dtype in (torch.float32, torch.float64):
        v = torch.randn(3, 4, 5, dtype=dtype)
        whole = compiled.function(v.contiguous())
        assert whole.shape == v.shape
        assert whole.dtype == dtype
        assert torch.equal(compiled.function(v.transpose(0, 2)), whole.transpose(0, 2))
        assert compiled.function(v[:, :0]).shape == (3, 0, 5)
        assert compiled.function(v[0, 0, 0]).shape == ()
        empty = torch.zeros(0, 2, dtype=dtype, requires_grad=True)
        compiled.function(empty).sum().backward()
        assert compiled.function(torch.tensor([float("nan"), 1.0], dtype=dtype)).isnan().tolist() == [True, False]


def test_only_the_slope_is_known() -> None:
    """omega = r + sin(r)/2, rho = 1: the real cost has the slope r omega'(r) r, and no closed form in t."""
    r = sp.exp(-V)
    slope = r**2 * (1 + sp.cos(r) / 2)
    calls = []

    def value(v: Any) -> Any:
        calls.append(v)
        s = mp.exp(-v)
        return -mp.quad(lambda x: x * (1 + mp.cos(x) / 2), [1, s])

    compiled = compile_function(Exact(value, None, slope))
    assert compiled.form == "table"
    assert len(calls) <= 2
    v = np.linspace(-3.5, 12, 40)
    found = derivatives(compiled, v, torch.float64)
    with mp.workdps(40):
        for i, x in enumerate(v):
            s = mp.exp(-mp.mpf(float(x)))
            exact = [-mp.quad(lambda y: y * (1 + mp.cos(y) / 2), mp.linspace(1, s, 12)), s**2 * (1 + mp.cos(s) / 2),
                     -2 * s**2 * (1 + mp.cos(s) / 2) + s**3 * mp.sin(s) / 2]
            for order in range(3):
                assert found[order][i] == pytest.approx(float(exact[order]), rel=1e-12, abs=1e-15)


def test_float64_ends_too() -> None:
    """cosh(8v) is above the largest float64 from v = 88.8 on, on both sides."""
    compiled = compile_function(Exact(lambda v: mp.cosh(8 * v), sp.cosh(8 * V)))
    v = np.array([-200.0, -100.0, -88.0, 88.0, 100.0, 200.0])
    for dtype in (torch.float32, torch.float64):
        value, slope, curvature = derivatives(compiled, v, dtype)
        assert np.isfinite(value).all()
        assert (np.sign(slope) == np.sign(v)).all()
        assert np.isfinite(curvature).all()
        assert (np.diff(value[3:]) >= 0).all()
        assert (np.diff(value[:3]) <= 0).all()
    assert compiled.function(torch.tensor(88.0, dtype=torch.float64)).item() == pytest.approx(np.cosh(704.0), rel=1e-12)


def inverse(v: Any) -> Any:
    """t with t + e^t = v, by Newton's method."""
    v = mp.mpf(v)
    t = mp.log(v) if v > 2 else (v - mp.exp(v) if v < 0 else mp.mpf(0))
    for _ in range(200):
        step = (t + mp.exp(t) - v) / (1 + mp.exp(t))
        t -= step
        if abs(step) < mp.mpf(10) ** (-mp.dps + 2) * (1 + abs(t)):
            break
    return t


def test_only_the_value_is_known() -> None:
    compiled = compile_function(Exact(inverse))
    assert compiled.form == "table"
    assert compiled.error < 1e-12
    assert compiled.capped is None
    v = grid(30, ())
    found = derivatives(compiled, v, torch.float64)
    for i, x in enumerate(v):
        t = brentq(lambda t, x=x: t + np.exp(t) - x, -60, 60, xtol=1e-15, rtol=1e-15)
        e = np.exp(t)
        assert found[0][i] == pytest.approx(t, rel=1e-12, abs=1e-14)
        assert found[1][i] == pytest.approx(1 / (1 + e), rel=1e-12)
        assert found[2][i] == pytest.approx(-e / (1 + e)**3, rel=2e-12)
    far = derivatives(compiled, np.array([150.0, -150.0, 1000.0]), torch.float32)
    assert np.isfinite(far).all()
    assert far[0][1] == pytest.approx(-150, rel=1e-5)


def test_a_wrong_closed_form_is_not_used() -> None:
    """The exact value decides, not the formula."""
    compiled = compile_function(Exact(log1p_exp, sp.log(1 + sp.exp(V)) + sp.exp(V) / 100))
    assert compiled.form == "table"
    v = torch.tensor([-3.0, 0.5, 4.0], dtype=torch.float64)
    torch.testing.assert_close(compiled.function(v), torch.nn.functional.softplus(v), rtol=1e-13, atol=0)


def test_a_third_derivative_is_refused() -> None:
    expr, (value, _, _), _, _ = CASES["4 sigma^2"]
    v = torch.tensor([0.3], requires_grad=True)
    found = compile_function(Exact(value, expr)).function(v)
    for _ in range(2):
        (found,) = torch.autograd.grad(found, v, create_graph=True)
    with pytest.raises(RuntimeError, match="twice"):
        torch.autograd.grad(found, v)


def test_same_twice() -> None:
    expr, (value, _, _), _, _ = CASES["arithmetic-geometric"]
    v = torch.linspace(-100, 100, 999)
    first, second = (compile_function(Exact(value, expr)).function(v) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["softplus", "4 sigma^2", "exp", "a sum that cancels", "Lambert W"])
def test_torch_compile(name: str) -> None:
    expr, (value, _, _), _, kinks = CASES[name]
    function = compile_function(Exact(value, expr, None, kinks)).function

    def cost(v: torch.Tensor) -> torch.Tensor:
        return function(v).mean()

    torch._dynamo.reset()
    plain, fast = (torch.linspace(-20, 20, 64).requires_grad_() for _ in range(2))
    cost(plain).backward()
    compiled = torch.compile(cost, fullgraph=True)(fast)
    compiled.backward()
    torch.testing.assert_close(compiled, cost(plain))
    torch.testing.assert_close(fast.grad, plain.grad)
