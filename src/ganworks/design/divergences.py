"""The divergences that have names, and how one is recognised: by d'', which affine terms and factors cannot hide.

D_f(p, q) = int q f(p/q); m is the middle (p + q)/2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sympy
from mpmath import mp
from sympy import Expr, Rational, log, sqrt

from ganworks.design.calculus import AGREE, DIGITS, RATIOS, constant_ratio
from ganworks.design.evaluate import Function, Number, Undefined, function_of
from ganworks.design.symbols import R, U

HALF = Rational(1, 2)


@dataclass(frozen=True)
class Known:
    """A divergence with a name.

    Attributes:
        name: its key.
        title: how it is written.
        f: of u = p/q, with f(1) = 0.
    """

    name: str
    title: str
    f: Expr


KNOWN = (
    Known("js", "Jensen-Shannon divergence JS(p, q)", HALF * (U * log(U) - (U + 1) * log((1 + U) / 2))),
    Known("kl", "Kullback-Leibler divergence KL(p, q)", U * log(U)),
    Known("reverse_kl", "reverse Kullback-Leibler divergence KL(q, p)", -log(U)),
    Known("pearson_chi2", "Pearson chi-square divergence, int (p - q)^2 / q", (U - 1) ** 2),
    Known("neyman_chi2", "Neyman chi-square divergence, int (p - q)^2 / p", (1 - U) ** 2 / U),
    Known("squared_hellinger", "squared Hellinger distance, int (sqrt p - sqrt q)^2", (sqrt(U) - 1) ** 2),
    Known("jeffrey", "Jeffrey divergence KL(p, q) + KL(q, p)", (U - 1) * log(U)),
    Known("vincze_le_cam", "Vincze-Le Cam divergence, int (p - q)^2 / (p + q)", (U - 1) ** 2 / (U + 1)),
    Known("k_divergence", "K-divergence KL(p, m), m = (p + q)/2", U * log(2 * U / (1 + U))),
    Known("k_divergence_reversed", "KL(q, m), m = (p + q)/2", log(2 / (1 + U))),
    Known("softened_reverse_kl", "softened reverse Kullback-Leibler divergence KL(m, p), m = (p + q)/2",
          HALF * (1 + U) * log((1 + U) / (2 * U))),
    Known("softened_kl", "softened Kullback-Leibler divergence KL(m, q), m = (p + q)/2",
          HALF * (1 + U) * log((1 + U) / 2)),
    Known("arithmetic_geometric", "arithmetic-geometric divergence, int (p + q) log((p + q) / (2 sqrt(p q)))",
          (1 + U) * log((1 + U) / (2 * sqrt(U)))),
    Known("perimeter", "perimeter divergence, int sqrt(p^2 + q^2) - sqrt 2", sqrt(1 + U**2) - (1 + U) / sqrt(2)),
)
TOTAL_VARIATION = "total variation, int |p - q| / 2"


@dataclass(frozen=True)
class Named:
    """A recognised divergence: ``factor`` times ``title`` (up to affine terms, which are constants of the game)."""

    name: str
    title: str
    factor: float

    def __str__(self) -> str:
        if abs(self.factor - 1) < 1e-12:
            return self.title
        neat = sympy.nsimplify(self.factor, rational=True, tolerance=1e-12)
        return f"{neat if neat.q < 1000 else format(self.factor, '.6g')} x {self.title}"


@cache
def _curvatures() -> list[tuple[Known, Function]]:
    return [(known, function_of(sympy.diff(known.f, U, 2).subs(U, 1 / R) / R**3, R)) for known in KNOWN]


def recognise(curvature: Function) -> Named | None:
    """Return the known divergence whose d'' is proportional to ``curvature`` (of r), or None."""
    for known, theirs in _curvatures():
        factor = constant_ratio(curvature, theirs)
        if factor is not None and factor > 0:
            return Named(known.name, known.title, float(factor))
    with mp.workdps(DIGITS):
        try:
            return _alpha(curvature) or _weighted_js(curvature)
        except (Undefined, ArithmeticError, ValueError):
            return None


def _alpha(curvature: Function) -> Named | None:
    # f'' = u^(a-2), so d'' is proportional to r^-(a+1).
    r1, r2 = RATIOS[2], RATIOS[7]
    if min(curvature(r1), curvature(r2)) <= 0:
        return None
    power = mp.log(curvature(r2) / curvature(r1)) / mp.log(r2 / r1)
    factor = constant_ratio(curvature, lambda r: r**power)
    if factor is None:
        return None
    return Named("alpha", f"alpha-divergence, alpha = {_neat(-power - 1)}", float(factor))


def _weighted_js(curvature: Function) -> Named | None:
    # f'' = w (1 - w) / (u (1 - w + w u)), so 1 / (r^2 d'') is affine in u = 1/r.
    def line(r: Number) -> Number:
        return 1 / (r * r * curvature(r))

    r1, r2 = RATIOS[2], RATIOS[7]
    slope = (line(r2) - line(r1)) / (1 / r2 - 1 / r1)
    height = line(r1) - slope / r1
    if slope <= 0 or height <= 0 or any(abs(line(r) - height - slope / r) > AGREE * line(r) for r in RATIOS):
        return None
    w = slope / (slope + height)
    return Named("js_weighted", f"weighted Jensen-Shannon divergence, weight {_neat(w)} on p",
                 float(1 / (slope + height) / (w * (1 - w))))


def _neat(x: Number) -> str:
    close = sympy.nsimplify(sympy.Float(mp.nstr(x, 30), 30), rational=True, tolerance=1e-20)
    return str(close) if close.q < 1000 else mp.nstr(x, 6)
