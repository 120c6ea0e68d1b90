"""Derivations of critics whose best answer is a corner (total variation, hinge), and of the Lipschitz critic."""

from __future__ import annotations

import sympy
from mpmath import mp
from sympy import Symbol

from ganworks.design.calculus import DIGITS
from ganworks.design.claims import Finding, account, equal, ordered, resting_on, shown
from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.derivation import Line, Step
from ganworks.design.design import Design
from ganworks.design.evaluate import Number, function_of, number
from ganworks.design.explain_claims import OMEGA, PHI, PSI, D, agree, eq, quoted
from ganworks.design.notation import Extremum, Mean, Total
from ganworks.design.symbols import R, T

X = Symbol("x", real=True)
SHARPNESS = (1, 2, 8, 64)


def _corner(design: Design) -> CornerCritic:
    assert isinstance(design.critic, CornerCritic)
    return design.critic


def corners(design: Design) -> Step:
    """Return the step on the corners and the lines of r that they stand for."""
    critic = _corner(design)
    found = [Finding("checked" if _nothing_better(critic, r) else "refuted",
                     f"at r = {shown(r)} no t of a grid earns more than the best corner", "60 values of t")
             for r in (mp.mpf("0.3"), mp.mpf(3))]
    lines = [Line("The terms:", eq(PHI(T), critic.phi)), Line("", eq(PSI(T), critic.psi)),
             Line("phi + r psi is straight between its corners and has no end at infinity, so for each r a corner is "
                  "best. Each corner is a line in r:")]
    lines += [Line(f"t = {corner}:", a + R * b) for corner, a, b in critic.lines]
    return Step("The corners", tuple(lines), resting_on(found), account(found))


def _nothing_better(critic: CornerCritic, r: Number) -> bool:
    phi, psi = function_of(critic.phi, T), function_of(critic.psi, T)
    low, high = (number(c) for c in (critic.corners[0], critic.corners[-1]))
    low, high = max(critic.low, low - 9), min(critic.high, high + 9)
    with mp.workdps(DIGITS):
        top = function_of(critic.best, R)(r)
        spots = [low + (high - low) * k / 59 for k in range(60)]
        return all(phi(t) + r * psi(t) <= top + mp.mpf(10) ** -30 for t in spots)


def largest_line(design: Design) -> Step:
    """Return the step on d, the largest of the lines, and the best critic."""
    critic = _corner(design)
    with mp.workdps(DIGITS):
        constant = number(critic.best.subs(R, 1))
        found = _differ_by_a_line(critic)
    found += quoted(design, "d.convex", "d.strict")
    lines = [Line("The best critic earns the largest of the lines:", critic.best),
             Line("Where p = q it is", shown(constant, 10)),
             Line("Less the line that touches it at r = 1, half-way between the slopes on either side (each density "
                  "has mass 1, so a line in r is a constant):", eq(D(R), critic.d)),
             Line("The largest of straight lines is convex. Its corner at r = 1 makes r = 1 the only place where it is "
                  "0 if both sides rise from there." if number(critic.d.subs(R, sympy.Rational(9, 10))) > 0 else
                  "It is flat on one side of r = 1."),
             Line("The best critic jumps; at r = 1 any t between is as good:", eq(OMEGA(R), critic.omega))]
    return Step("What the best critic earns: the largest of straight lines", tuple(lines), resting_on(found),
                account(found), "" if critic.phi != -T else
                "Note 002 writes total variation with a critic that falls in r. With generated high, as everywhere "
                "else in it, the signs are phi = -t, psi = t.")


def _differ_by_a_line(critic: CornerCritic) -> list[Finding]:
    best = function_of(critic.best, R)

    def gap(r: Number) -> Number:
        return best(r) - critic.d_of(r)

    start, slope = gap(mp.mpf(1)), gap(mp.mpf(2)) - gap(mp.mpf(1))
    step = mp.mpf(10) ** -6
    return [agree("the largest line and d differ by one straight line", gap, lambda r: start + slope * (r - 1)),
            equal("d(1) = 0", critic.d_of(mp.mpf(1)), mp.mpf(0)),
            equal("d falls before r = 1 as steeply as it rises after", critic.d_of(1 - step), critic.d_of(1 + step))]


def limit(design: Design) -> Step | None:
    """Return the step on the smooth designs of which total variation is the limit; None for other corners."""
    critic = _corner(design)
    with mp.workdps(DIGITS):
        low, high = critic.d_of(mp.mpf("0.5")), critic.d_of(mp.mpf(2))
        size = high
        if abs(size - 2 * low) > mp.mpf(10) ** -25 or size <= 0:
            return None
    with mp.workdps(20):
        values = [size * _smoothed(k, mp.mpf(2)) for k in SHARPNESS]
        closed = [(mp.mpf(2) - 1 - 2 * mp.log(mp.mpf(3) / 2)) * size,
                  (mp.mpf(2) - 1 - 2 * mp.atan(mp.mpf(2)) + mp.pi / 2) * size]
        found = [equal("k = 1 by quadrature and by r - 1 - 2 log((1 + r)/2)", values[0], closed[0], 14),
                 equal("k = 2 by quadrature and by r - 1 - 2 arctan r + pi/2", values[1], closed[1], 14),
                 ordered("d at r = 2 for k = 1, 2, 8, 64 rises to that of the corner", *values, size)]
    steps = ", ".join(f"k = {k}: {shown(v, 8)}" for k, v in zip(SHARPNESS, values, strict=True))
    smooth = sympy.tanh(Symbol("k", positive=True) * sympy.log(R) / 2)
    lines = [Line("A jump cannot be trained through. It is the limit, for k to infinity, of smooth critics with rho "
                  "constant whose omega is, up to a line,", smooth),
             Line("At r = 2 their d is", f"{steps}; limit {shown(size, 8)}")]
    return Step("A limit of smooth designs", tuple(lines), resting_on(found), account(found))


def _smoothed(k: int, r: Number) -> Number:
    # d' = omega_k(r) = tanh((k/2) log r) = (r^k - 1)/(r^k + 1)
    return mp.quad(lambda s: (s**k - 1) / (s**k + 1), mp.linspace(1, r, 5))


def lipschitz(design: Design) -> Step:
    """Return the step on the duality of Kantorovich and Rubinstein."""
    critic = design.critic
    assert isinstance(critic, LipschitzCritic)
    bound, gain, moved = Symbol("K", positive=True), *_both_sides(number(critic.bound))
    found = [equal("for p = (5, 3, 2)/10 and q = (1, 3, 6)/10 at the places 0, 1 and 3, what the steepest critic earns "
                   "and K times the cost of moving the mass", gain, moved)]
    return Step("The critic's slope is bounded: an integral metric", (
        Line("The critic maximises, over all functions t of slope at most K,",
             Extremum("sup", T, Total(-Mean(T, X, Symbol("p")), Mean(T, X, Symbol("q"))))),
        Line("By Kantorovich and Rubinstein (1958) this is K times the least mean distance over which the mass of q "
             "must be carried to become p, the Wasserstein-1 distance. Here", eq(bound, critic.bound)),
        Line("On a line the best critic rises with slope K where more of q than of p lies ahead and falls where less "
             "does. For the example both sides are", f"critic {shown(gain, 12)}, transport {shown(moved, 12)}")),
        "refuted" if resting_on(found) == "refuted" else "stated",
        "The duality is cited, not proved here. " + account(found))


def _both_sides(bound: Number) -> tuple[Number, Number]:
    """What the best critic of slope ``bound`` earns on an example, and the transport's cost found by another route."""
    places = [mp.mpf(x) for x in (0, 1, 3)]
    p, q = ([mp.mpf(k) / 10 for k in law] for law in ((5, 3, 2), (1, 3, 6)))
    ahead = [mp.fsum(q[k:]) - mp.fsum(p[k:]) for k in (1, 2)]
    heights = [mp.mpf(0)]
    for k, excess in enumerate(ahead):
        heights.append(heights[-1] + bound * (places[k + 1] - places[k]) * mp.sign(excess))
    gain = mp.fsum(t * (b - a) for t, a, b in zip(heights, p, q, strict=True))
    waiting, cost = [[x, a] for x, a in zip(places, q, strict=True)], mp.mpf(0)
    for x, need in zip(places, p, strict=True):  # on a line it is best to fill from the left in order
        while need > mp.mpf(10) ** -30:
            take = min(need, waiting[0][1])
            cost += take * abs(waiting[0][0] - x)
            need, waiting[0][1] = need - take, waiting[0][1] - take
            if waiting[0][1] <= mp.mpf(10) ** -30:
                waiting.pop(0)
    return gain, bound * cost


def unbounded(design: Design) -> Step:
    """Return the step on what the bound is for, and what is not proved."""
    bound = number(design.critic.bound)  # type: ignore[union-attr]
    gains = [_both_sides(bound * k)[0] for k in (1, 10, 100)]
    found = [ordered("in the example, slopes of K, 10 K and 100 K earn", *gains)]
    return Step("Without the bound there is no game", (
        Line("The gain grows with the slope and has no largest value:", ", ".join(shown(x) for x in gains)),
        Line("The best critic is not a function of r = q/p: it depends on where the mass lies. So there is no omega, "
             "no d and no f. Two points at distance x have the distance x, which falls as they approach; an "
             "f-divergence would be one constant for every x > 0."),
        Line("Not proved: that a network with a gradient penalty, spectral normalisation or clipped weights reaches "
             "the best critic of that slope. Each bounds the slope in a way of its own, so the cost that is shown is a "
             "bound.")),
        resting_on(found), account(found))


def lipschitz_generator(design: Design) -> Step:
    """Return the step on the generator of the Wasserstein game."""
    found = quoted(design, "beta.monotone")
    beta = design.beta
    assert beta is not None
    return Step("What the generator descends", (
        Line("The generator minimises the mean of beta over its samples, the critic held fixed:", eq(
            sympy.Function("beta")(T), beta)),
        Line("With beta = t and the best critic this is the gradient of the distance itself (the envelope theorem; "
             "Arjovsky, Chintala and Bottou 2017, theorem 3)." if sympy.simplify(beta - T) == 0 else
             "Only beta = t, up to a factor and a constant, descends the distance itself.")),
        "stated" if resting_on(found) != "refuted" else "refuted", account(found))
