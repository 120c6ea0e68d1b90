"""What the picture of a design shows: six panels of curves, in numbers. What cannot be worked out is left out.

Everything is computed along v = log p/q: at r = exp(-v) the best critic says t = omega(r), so no inverse is needed,
and phi against t is the curve of the points (omega(r), phi(omega(r))).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design import Design
from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.critic import Critic
from ganworks.design.evaluate import function_of
from ganworks.design.summary import quiet
from ganworks.design.symbols import R, T, U
from ganworks.errors import UserError

MOST, LEAST, SECONDS, DIGITS = 121, 61, 1.2, 20
"""Points of a curve, the seconds that it may take (a design without closed forms gets fewer points), and the digits."""
INNER, NEAR, FAR = 2.0, 3.0, 4.0
"""How far from v = 0 the panels against t, those against r and those against v reach."""
T_AXIS, V_AXIS, R_AXIS = "critic's output t, high = generated", "raw output v, high = real", "ratio r = q/p"
REAL, FAKE, GENERATOR, OTHER, WRONG = 0, 1, 2, 3, 5  # places in the palette


@dataclass(frozen=True)
class Curve:
    """A line: name, points (nan where there is none), the place of its colour, and whether it is dashed."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: int = REAL
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """One drawing.

    Attributes:
        title, across: above it, and of its x axis.
        curves: what is drawn; empty where there is nothing, and then ``note`` says why.
        log_x, log_y: axes.
        mark: x of the dotted line where p = q.
    """

    title: str
    across: str
    curves: tuple[Curve, ...]
    log_x: bool = False
    log_y: bool = False
    note: str = ""
    mark: float | None = None


@dataclass
class Sampled:
    """The functions of a design along v; arrays of one length, nan where there is no value."""

    design: Design
    failed: str = ""
    cache: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def v(self) -> np.ndarray:
        """Even in v out to ``FAR``; 0 is among them."""
        critic = self.design.critic
        assert isinstance(critic, Critic)
        began = time.monotonic()
        for v in (1.3, -1.3):
            self._values(lambda r: critic.phi_of(r) + critic.psi_of(r), np.array([v]))
            self._values(self.design.generator.force, np.array([v]))
        each = (time.monotonic() - began) / 2
        count = int(np.clip(SECONDS / max(each, 1e-9), LEAST, MOST)) // 2
        return np.linspace(-FAR, FAR, 2 * count + 1)

    def along(self, name: str, function: Callable[[Any], Any]) -> np.ndarray:
        """Return the function of r at every v, kept under a name."""
        if name not in self.cache:
            self.cache[name] = self._values(function, self.v)
        return self.cache[name]

    @staticmethod
    def _values(function: Callable[[Any], Any], v: np.ndarray) -> np.ndarray:
        with mp.workdps(DIGITS):
            return np.array([_float(function, mp.exp(-mp.mpf(float(x)))) for x in v])


def _float(function: Callable[[Any], Any], x: Any) -> float:
    try:
        value = float(function(x))
    except (ArithmeticError, ValueError, TypeError, NotImplementedError, UserError):
        return float("nan")
    return value if abs(value) < 1e300 else float("nan")


def panels(design: Design) -> list[Panel]:
    """Return the six panels of a design, whatever its verdict is."""
    if design.trouble is not None:
        return _troubled(design)
    if isinstance(design.critic, LipschitzCritic):
        return _lipschitz(design)
    if isinstance(design.critic, CornerCritic):
        return _corners(design)
    return _smooth(design)


def _smooth(design: Design) -> list[Panel]:
    critic, generator, known = design.critic, design.generator, Sampled(design)
    assert isinstance(critic, Critic)
    v = known.v
    near, inner = (np.abs(v) <= reach + 1e-9 for reach in (NEAR, INNER))
    r = np.exp(-v)
    t, phi, psi = (known.along(name, function) for name, function in (
        ("t", critic.omega_of), ("phi", critic.phi_of), ("psi", critic.psi_of)))
    beta = psi if design.zero_sum else known.along("beta", generator.beta_of)
    force = -r * known.along("force", generator.force)  # d beta / dv; it should never be positive
    d = phi + r * psi
    middle = t[len(t) // 2]
    costs = (Curve("critic, real", v, -phi), Curve("critic, generated", v, -psi, FAKE),
             Curve("generator", v, beta - beta[len(v) // 2], GENERATOR, True))
    return [
        Panel("What the critic earns", T_AXIS,
              (Curve("φ(t)", t[inner], phi[inner]), Curve("ψ(t)", t[inner], psi[inner], FAKE)), mark=middle),
        _beta_panel(design, t[inner], beta[inner], middle),
        _divergence_panel(design, r[near], d[near]),
        Panel("The best critic", R_AXIS, _with_falls(Curve("t = ω(r)", r[near], t[near])), log_x=True,
              mark=1.0),
        Panel("Costs, less their values at p = q", V_AXIS, costs, mark=0.0),
        _force_panel(v, force)]


def _beta_panel(design: Design, t: np.ndarray, beta: np.ndarray, middle: float) -> Panel:
    name = "β(t) = ψ(t), zero-sum" if design.zero_sum else "β(t)"
    return Panel("What the generator pays", T_AXIS, _with_falls(Curve(name, t, beta, GENERATOR)), mark=middle)


def _with_falls(curve: Curve) -> tuple[Curve, ...]:
    """Return a curve that ought to rise, and what of it falls."""
    order = np.argsort(curve.x, kind="stable")
    x, y = curve.x[order], curve.y[order]
    falls = np.diff(y, prepend=np.nan) < -1e-12 * (1 + np.nanmax(np.abs(y), initial=0))
    if not falls.any():
        return (curve,)
    falls[:-1] |= falls[1:]  # the point at which a falling piece begins belongs to it
    return curve, Curve("falls: wrong way", x, np.where(falls, y, np.nan), WRONG)


def _divergence_panel(design: Design, r: np.ndarray, d: np.ndarray) -> Panel:
    curves = [Curve("d(r) = H(r), zero-sum" if design.zero_sum else "d(r): the critic's", r, d)]
    if not design.zero_sum:
        kept = slice(None, None, 2 if len(r) > LEAST else 1)  # H may be an integral at every point
        # Both densities have mass 1, so a line in r moves nothing: without its tangent H is least at r = 1, or is not.
        h = quiet(lambda: design.H_at(r[kept]) - float(design.generator.beta_of(mp.mpf(1))) * (r[kept] - 1))
        curves += [] if h is None else [Curve("H(r), less its tangent", r[kept], h, GENERATOR, True)]
    return Panel("Divergences, ∫ p d(q/p)", R_AXIS, tuple(curves), log_x=True, mark=1.0)


def _force_panel(v: np.ndarray, force: np.ndarray) -> Panel:
    """``force`` is d beta / dv: negative where raising v, towards real, is what the generator wants."""
    right, wrong = np.where(force < 0, -force, np.nan), np.where(force > 0, force, np.nan)
    sigmoid = 1 / (1 + np.exp(v))
    curves = [Curve("this design", v, right, GENERATOR)]
    curves += [Curve("wrong way", v, wrong, WRONG)] if np.isfinite(wrong).any() else []
    curves.append(Curve("non-saturating", v, sigmoid, OTHER, True))
    return Panel("Generator's force |dβ/dv|", "raw output v on a fake, high = real", tuple(curves), log_y=True)


def _corners(design: Design) -> list[Panel]:
    critic = design.critic
    assert isinstance(critic, CornerCritic)
    low, high = (float(x) for x in (critic.corners[0], critic.corners[-1]))
    spread = 0.6 * (high - low)
    t = np.linspace(low - spread if critic.low < low else low, high + spread if critic.high > high else high, MOST)
    phi, psi = design.phi_at(t), design.psi_at(t)
    beta = psi if design.zero_sum else _of(design.beta, T, t)
    v = np.linspace(-NEAR, NEAR, 4 * MOST + 1)
    r = np.exp(-v)
    middle = (low + high) / 2
    shifted = beta - np.interp(middle, t, beta)
    output = "raw output v = -t, high = real"
    curves = (Curve("critic, real", -t, -phi), Curve("critic, generated", -t, -psi, FAKE),
              Curve("generator", -t, shifted, GENERATOR, True))
    return [
        Panel("What the critic earns", T_AXIS,
              (Curve("φ(t)", t, phi), Curve("ψ(t)", t, psi, FAKE)), mark=middle),
        _beta_panel(design, t, beta, middle), _divergence_panel(design, r, design.d_at(r)),
        Panel("The best critic jumps", R_AXIS, (Curve("t = ω(r)", r, design.omega_at(r)),), log_x=True,
              mark=1.0),
        Panel("Costs, less their values at p = q", output, curves, mark=-middle),
        _force_panel(-t, -np.gradient(beta, t))]


def _lipschitz(design: Design) -> list[Panel]:
    t = np.linspace(-4, 4, MOST)
    beta = t if design.zero_sum else _of(design.beta, T, t)
    why = "The Wasserstein critic is no function of the ratio q/p: it depends on how far apart the densities are."
    return [
        Panel("What the critic earns", T_AXIS, (Curve("φ(t)", t, -t), Curve("ψ(t)", t, t, FAKE)), mark=0.0),
        _beta_panel(design, t, beta, 0.0), Panel("Divergences, ∫ p d(q/p)", R_AXIS, (), note=why),
        Panel("The best critic", R_AXIS, (), note=why),
        Panel("Costs", "raw output v = -t, high = real", (
            Curve("critic, real", -t, t), Curve("critic, generated", -t, -t, FAKE),
            Curve("generator", -t, beta, GENERATOR, True)), mark=0.0),
        _force_panel(-t, -np.gradient(beta, t))]


def _troubled(design: Design) -> list[Panel]:
    """The formulas as they were given; the rest does not exist."""
    trouble = design.trouble
    assert trouble is not None
    why, given = "Not defined: there is no critic.", design.given
    t = _grid(design.given_domain)
    ratio = np.exp(np.linspace(-NEAR, NEAR, MOST))
    earned = tuple(Curve(f"{letter}(t)", t, _of(given[name], T, t), colour)
                   for name, letter, colour in (("phi", "φ", REAL), ("psi", "ψ", FAKE)) if name in given)
    empty = [Panel(title, across, (), note=why) for title, across in (
        ("What the critic earns", "critic's output t"), ("What the generator pays", "critic's output t"),
        ("Divergences, ∫ p d(q/p)", "ratio r = q/p"), ("The best critic", "ratio r = q/p"),
        ("Costs", "raw output v, high = real"), ("Generator's force |dβ/dv|", "raw output v, high = real"))]
    if earned:
        # What the critic wants to be largest, at three ratios: it shows that there is no largest value.
        sums = tuple(Curve(f"φ + {r:g} ψ", t, earned[0].y + r * earned[1].y, k) for k, r in enumerate((0.5, 1.0, 2.0)))
        empty[0] = Panel("What the critic earns, as given", "critic's output t", earned)
        empty[3] = Panel("What it would maximise", "critic's output t", sums)
    if "beta" in given:
        empty[1] = Panel("What the generator pays", "critic's output t",
                         (Curve("β(t)", t, _of(given["beta"], T, t), GENERATOR),))
    if "f" in given:
        empty[2] = Panel("f as given", "ratio u = p/q", (Curve("f(u)", ratio, _of(given["f"], U, ratio)),), log_x=True)
    if "omega" in given:
        empty[3] = Panel("ω as given", R_AXIS, (Curve("ω(r)", ratio, _of(given["omega"], R, ratio)),), log_x=True)
    return empty


def _grid(domain: sympy.Interval | None) -> np.ndarray:
    low, high = (-4.0, 4.0) if domain is None else (float(max(domain.start, -4)), float(min(domain.end, 4)))
    low, high = (low, high) if low < high else (low, low + 8)
    edge = 1e-3 * (high - low)
    return np.linspace(low + edge, high - edge, MOST)


def _of(expr: Expr | None, letter: sympy.Symbol, x: np.ndarray) -> np.ndarray:
    if expr is None:
        return np.full(x.shape, np.nan)
    try:
        function = function_of(expr, letter)
    except NotImplementedError:
        return np.full(x.shape, np.nan)
    with mp.workdps(DIGITS):
        return np.array([_float(function, mp.mpf(float(value))) for value in x])
