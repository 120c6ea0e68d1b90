"""The derivation's step on what the critic measures: the divergence, its name, its f, and disjoint supports."""

from __future__ import annotations

import re

import sympy
from mpmath import mp
from sympy import Expr, Function, Symbol

from ganworks.design.calculus import DIGITS, RATIOS
from ganworks.design.claims import Finding, account, equal, resting_on, shown
from ganworks.design.corners import CornerCritic
from ganworks.design.critic import Critic, DivergenceCritic
from ganworks.design.derivation import Line, Step
from ganworks.design.design import Design
from ganworks.design.divergences import KNOWN, Named
from ganworks.design.evaluate import Number, function_of
from ganworks.design.explain_claims import (
    F1,
    MADE_LAW,
    NO_FORM,
    OMEGA,
    PHI,
    PSI,
    REAL_LAW,
    STAR,
    D,
    F,
    Numeric,
    agree,
    eq,
    identical,
    induced_of,
    on_three_points,
    quoted,
    samples,
    short,
    table,
)
from ganworks.design.notation import Chain, Mean
from ganworks.design.symbols import R, T, U

X = Symbol("x", real=True)
P, Q = (Function(name)(X) for name in ("p", "q"))
BIG_T = Symbol("T", real=True)
NO_KL = ("Note 002 says that the Kullback-Leibler divergence cannot be derived this way. It can: the integrand "
         "p log(p/q) may be replaced by p log(p/q) + q - p, whose integral is the same and which is never negative. "
         "That is the note's own shift by a constant. omega = r with rho = 1/t², omega = log r with rho = exp(-t) and "
         "omega = -1/r with rho = 1 all give it.")


def measure(design: Design) -> Step:
    """Return the step on the divergence that the best critic measures."""
    critic = design.critic
    assert isinstance(critic, Critic | CornerCritic)
    lines = [Line("Summed over all places, the best critic earns a divergence of p and q, 0 where p = q only:",
                  Mean(D(Q / P), X, Symbol("p")))]
    found, note = [], ""
    named = design.divergence
    if named is not None:
        found.append(has_name(named, critic.d_of))
        where = f"At {samples(design)} it is" if design.open_letters else "It is"
        lines.append(Line(f"{where}: {design.divergence_name}."))
        note = NO_KL if named.name == "kl" else ""
    else:
        lines.append(Line("It has no name in the table of known divergences."))
    lines += _f_side(design, found)
    return Step("What it measures", tuple(lines), resting_on(found) if found else "defined",
                account(found) or "A definition.", note)


def has_name(named: Named, function: Numeric) -> Finding:
    """Return the finding that E_p function(q/p) is the named divergence, on two laws of three points."""
    with mp.workdps(DIGITS):
        theirs = _by_definition(named)
        if theirs is None:
            return Finding("checked", "its d'' is proportional to that of the named divergence",
                           "ten ratios, 25 digits")
        return equal(f"for p = (10, 6, 4)/20 and q = (4, 7, 9)/20 the sum of p d(q/p) is {named}",
                     on_three_points(function), mp.mpf(named.factor) * theirs, 13)


def _by_definition(named: Named) -> Number | None:
    """The named divergence of the two laws, from its own formula in p and q."""
    pairs = list(zip(REAL_LAW, MADE_LAW, strict=True))
    for known in KNOWN:
        if known.name == named.name:
            function = function_of(known.f, U)
            return mp.fsum(q * (function(p / q) - function(mp.mpf(1))) for p, q in pairs)
    if named.name == "total_variation":
        return mp.fsum(abs(p - q) for p, q in pairs) / 2
    letter = re.search(r"(?:alpha =|weight) (-?\d+(?:/\d+)?)(?= |$)", named.title)
    if letter is None:
        return None
    a = mp.mpf(sympy.Rational(letter[1]).p) / sympy.Rational(letter[1]).q
    if named.name == "alpha":
        return mp.fsum(q * ((p / q) ** a - 1) for p, q in pairs) / (a * (a - 1))
    middle = [a * p + (1 - a) * q for p, q in pairs]
    return mp.fsum(a * p * mp.log(p / m) + (1 - a) * q * mp.log(q / m) for (p, q), m in zip(pairs, middle, strict=True))


def _f_side(design: Design, found: list[Finding]) -> list[Line]:
    critic, induced = design.critic, induced_of(design)
    assert isinstance(critic, Critic | CornerCritic)
    if induced.f is None:
        return [Line(f"As an f-divergence f(u) = u d(1/u), u = p/q: {NO_FORM}."),
                table("u", {"f(u)": induced.value_of})]
    plain = function_of(induced.f, U)
    given = isinstance(critic, DivergenceCritic)
    with mp.workdps(DIGITS):
        height, slope = plain(mp.mpf(1)), induced.slope_of(mp.mpf(1)) if given else mp.mpf(0)
    found.append(agree("f(u) = u d(1/u)" + (" up to the line that touches f at 1" if given else ""),
                       lambda u: plain(u) - height - slope * (u - 1), lambda u: u * critic.d_of(1 / u), letter="u"))
    shown_f = induced.f
    if isinstance(critic, CornerCritic):  # u |1/u - 1| is |u - 1|
        same = sympy.Abs(critic.d.subs(R, U))
        shown_f = same if agree("", plain, function_of(same, U)).status == "checked" else shown_f
    lines = [Line("As an f-divergence, the integral of q f(p/q):", eq(F(U), shown_f))]
    if given:
        return [*lines, Line("It is the f that was given; the line that touches it at 1 integrates to the constant "
                             "f(1), so f and u d(1/u) are one divergence.")]
    if isinstance(critic, CornerCritic):
        return lines
    return lines + _conjugate(design, found)


def _conjugate(design: Design, found: list[Finding]) -> list[Line]:
    critic, induced = design.critic, induced_of(design)
    assert isinstance(critic, Critic)
    assert induced.f is not None
    slope = sympy.diff(induced.f, U)
    found.append(agree("f'(u) = phi(omega(1/u)), shifted", function_of(slope, U), lambda u: critic.phi_of(1 / u),
                       letter="u"))
    plain = function_of(induced.f, U)
    found.append(agree("f*(f'(u)) = u f'(u) - f(u) is -psi(omega(1/u)), shifted",
                       lambda u: u * induced.slope_of(u) - plain(u), lambda u: -critic.psi_of(1 / u), letter="u"))
    lines = [Line("The relation to f-GAN: its critic is T = f'(u), and here",
                  Chain(F1(U), PHI(OMEGA(1 / U)))),
             Line("", eq(STAR(F1(U)), -PSI(OMEGA(1 / U)))),
             Line("so phi(t) plays the part of T and psi(t) that of -f*(T): an f-GAN whose critic's output has been "
                  "bent by phi.")]
    conjugate = induced.conjugate
    if conjugate is not None:
        conjugate = short(_unsigned(conjugate, induced.slope_of), T, [induced.slope_of(u) for u in RATIOS])
        found.append(identical("the formula of f* at T = f'(u) is u f'(u) - f(u)", conjugate.subs(T, slope),
                               U * slope - induced.f, U))
        lines.append(Line("The conjugate on the range of f':", eq(STAR(BIG_T), conjugate.subs(T, BIG_T))))
    else:
        lines.append(Line("f* as a function of T: no closed form was found, or none that is short; it is not needed, "
                          "because f*(T) = -psi(t) along the best critic."))
    return lines


def _unsigned(expr: Expr, slope: Numeric) -> Expr:
    """Return a formula in T without |x| where x has one sign on the range of f'."""
    def plain(x: Expr) -> Expr:
        inner = function_of(x, T)
        signs = {mp.sign(inner(slope(u))) for u in RATIOS}
        return sympy.Abs(x) if len(signs) > 1 else x * int(signs.pop())

    return expr.replace(sympy.Abs, plain)


def disjoint(design: Design) -> Step:
    """Return the step on densities that do not overlap."""
    critic = design.critic
    assert isinstance(critic, Critic | CornerCritic)
    value = design.disjoint
    limit = Line("Where p and q do not overlap, r is 0 under p and infinite under q. The divergence is",
                 "d(0) + limit of d(r)/r for r to infinity = " + (
                     "infinite" if mp.isinf(value) else "not known" if mp.isnan(value) else shown(value, 8)))
    found = quoted(design, "disjoint")
    if not mp.isnan(value) and (not isinstance(critic, Critic) or critic.closed):
        found = [_nearly_disjoint(critic, value), *found]
    if mp.isinf(value):
        means = ("It has no bound: the better the critic, the larger its output and its costs. A loss in numbers needs "
                 "a cap there; the slope that the generator feels depends on how v grows, not on how far away p is.")
    elif mp.isnan(value):
        means = "The limit could not be found in numbers."
    else:
        means = ("It is one number for all such pairs, near or far. A perfect critic therefore gives the generator no "
                 "direction there; training relies on critics that are not perfect, on a penalty or on noise.")
    note = ""
    if design.divergence is not None and design.divergence.name == "vincze_le_cam":
        note = ("Least squares is often said to cure the vanishing gradient. Against the best critic it does not: its "
                "divergence too is one constant on disjoint supports.")
    return Step("Densities that do not overlap", (limit, Line(means)), resting_on(found) if found else "stated",
                account(found) or "Not checked: the limits were not found in numbers.", note)


def _nearly_disjoint(critic: Critic | CornerCritic, value: float) -> Finding:
    """The divergence of two laws on two points that overlap less and less."""
    with mp.workdps(120):
        found = []
        for digits in (25, 50, 100):
            rest = mp.mpf(10) ** -digits
            p, q = (1 - rest, rest), (rest, 1 - rest)
            found.append(mp.fsum(a * critic.d_of(b / a) for a, b in zip(p, q, strict=True)))
    what = "p = (1 - e, e), q = (e, 1 - e) with e = 1e-25, 1e-50, 1e-100"
    figures = ", ".join(shown(x, 8) for x in found)
    if mp.isinf(value):
        grows = found[0] < found[1] < found[2] and found[2] - found[1] > (found[1] - found[0]) / 2
        return Finding("checked" if grows else "refuted", f"the divergence of {what} grows without end", figures)
    near = abs(found[2] - value) < mp.mpf(10) ** -5 * (1 + abs(value))
    return Finding("checked" if near else "refuted", f"the divergence of {what} nears that value", figures)
