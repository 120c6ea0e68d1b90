"""The derivation's second half: what the generator descends, the game around p = q, and the costs in v."""

from __future__ import annotations

from functools import cache

import sympy
from mpmath import mp
from sympy import Expr, Symbol

from ganworks.design.calculus import DIGITS, RATIOS, antiderivative
from ganworks.design.claims import Finding, account, equal, identity, resting_on, shown
from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.critic import Critic
from ganworks.design.derivation import Line, Status, Step
from ganworks.design.design import Design
from ganworks.design.evaluate import Number, Undefined, function_of
from ganworks.design.explain_claims import (
    ALPHA,
    BETA,
    H1,
    LOGITS,
    MADE_LAW,
    NO_FORM,
    OMEGA,
    PATIENCE,
    PHI,
    PSI,
    REAL_LAW,
    H,
    agree,
    eq,
    identical,
    prime,
    quoted,
    short,
    table,
)
from ganworks.design.explain_measure import has_name
from ganworks.design.kinks import is_smooth
from ganworks.design.limits import attempt
from ganworks.design.notation import Chain, Mean
from ganworks.design.symbols import R, T, V

X = Symbol("x", real=True)
MADE = Symbol("q")
CONCLUSION = ("Conclusion 2 of note 002 asks that alpha(omega(r)) + r beta(omega(r)) be convex, or least at r = 1. "
              "That is not enough: it looks at a value, and the generator follows a gradient in which alpha has no "
              "part. What counts is whether beta rises on Omega.")


def descends(design: Design) -> Step:
    """Return the step on the divergence that the generator descends."""
    if design.zero_sum:
        return _zero_sum(design)
    generator, found = design.generator, []
    lines = [Line("The generator minimises", Mean(BETA(T), X, MADE)), Line("with", eq(BETA(T), generator.beta)),
             Line("The critic is held fixed while it moves. Moving mass of q to places with the ratio r costs "
                  "beta(omega(r)). That is the first variation, in q, of the integral of p H(q/p) with")]
    along = generator.beta_along
    if along is not None:
        found.append(agree("beta(omega(r))", function_of(along, R), generator.beta_of))
    lines.append(Line("", Chain(H1(R), BETA(OMEGA(R)), *([] if along is None else [along]))))
    if generator.H is not None:
        found += _integral(design, generator.H)
        lines.append(Line("so against the best critic it descends", eq(H(R), generator.H)))
    else:
        lines += [Line(f"H: {NO_FORM}."), table("r", {"H(r)": generator.H_function, "H'(r)": generator.beta_of})]
    if design.generator_divergence is not None:
        found.append(has_name(design.generator_divergence, generator.H_function))
        lines.append(Line(f"Its name, up to constants of the game: {design.generator_divergence}."))
    confirmed = quoted(design, "beta.monotone", "beta.flat", "beta.constant", "beta.defined")
    if confirmed and all(one.status != "refuted" for one in confirmed):
        lines.append(Line("beta does not fall on Omega, so H is convex and least where p = q."))
    return Step("What the generator descends", tuple(lines), resting_on(found) if found else "defined",
                account([*found, *(one for one in confirmed if one.status != "refuted")]), CONCLUSION)


def _zero_sum(design: Design) -> Step:
    lines = [Line("The game is zero-sum: the generator minimises what the critic maximises. phi is a mean over real "
                  "samples, where the generator has no say, so it minimises", Mean(PSI(T), X, MADE)),
             Line("With the critic held at its best, moving mass of q to places with the ratio r costs psi(omega(r)), "
                  "the slope of d:", Chain(H1(R), PSI(OMEGA(R)), sympy.Function("d'")(R))),
             Line("So it descends the critic's own divergence, H = d: "
                  f"{design.divergence_name or 'no name of its own'}.")]
    found = [] if design.d is None or isinstance(design.critic, CornerCritic) else [_variation(design)]
    found += quoted(design, "beta.monotone")
    return Step("What the generator descends", tuple(lines), resting_on(found) if found else "defined",
                account(found) or "By the definition of the game.")


def _integral(design: Design, whole: Expr) -> list[Finding]:
    if isinstance(design.critic, CornerCritic):
        slope, beta = function_of(sympy.diff(whole, R), R), design.generator.beta_of
        return [agree("H' = beta(omega)", slope, beta)]
    along = design.generator.beta_along
    shift = [] if along is None else [identical("H' = beta(omega)", sympy.diff(whole, R), along)]
    return [*shift, _variation(design)]


def _variation(design: Design) -> Finding:
    """Compare the slope of the sum of p H(q/p) as mass moves with the change in the mean of beta."""
    generator, move = design.generator, [mp.mpf(k) / 10 for k in (2, 1, -3)]

    def moved(step: Number) -> Number:
        laws = zip(REAL_LAW, MADE_LAW, move, strict=True)
        return mp.fsum(p * generator.H_function((q + step * h) / p) for p, q, h in laws)

    with mp.workdps(DIGITS):
        by_beta = mp.fsum(h * generator.beta_of(q / p) for p, q, h in zip(REAL_LAW, MADE_LAW, move, strict=True))
        return equal("on three points, the slope of the sum of p H(q/p) as mass moves is the change in the mean of "
                     "beta", mp.diff(moved, 0), by_beta, 15)


def alpha(design: Design) -> Step | None:
    """Return the step on the term under E_p, which moves nothing; None in the zero-sum game."""
    if design.zero_sum or not isinstance(design.critic, Critic):
        return None
    from ganworks.design.checks_generator import value_function

    found: list[Finding] = []
    lines = [Line("A term alpha(t) in the generator's loss is a mean over real samples. It moves the displayed value, "
                  "not the generator. For the value alpha(omega(r)) + r beta(omega(r)) to be H itself, up to a line, "
                  "alpha must have the slope", eq(prime(ALPHA, T), -R * prime(BETA, T)))]
    companion = _companion(design, found)
    lines.append(Line("with r the ratio whose best answer is t:", eq(ALPHA(T), companion)) if companion is not None else
                 Line("with r the ratio whose best answer is t. No closed form was found for it."))
    given = design.alpha
    status: Status = resting_on(found) if found else "defined"
    if given is not None:
        lines.append(Line("The alpha that was given:", eq(ALPHA(T), given)))
        gaps = _slope_gaps(value_function(design), design)
        if gaps is not None and gaps[1] - gaps[0] <= mp.mpf(10) ** -12 * (1 + abs(gaps[0])):
            found.append(Finding("checked", "the slope of alpha(omega(r)) + r beta(omega(r)) is H'(r) up to a constant",
                                 f"{len(RATIOS)} ratios"))
            status = resting_on(found)
        else:
            lines.append(Line("With it the displayed value is not H. That is harmless where beta rises, and misleading "
                              "where it does not."))
    return Step("A term on real samples moves nothing", tuple(lines), status,
                account(found) or "From H' = beta(omega).")


def _companion(design: Design, found: list[Finding]) -> Expr | None:
    critic, beta = design.critic, design.beta
    if not isinstance(critic, Critic) or critic.back is None or beta is None or critic.omega is None:
        return None
    slope = -critic.back * sympy.diff(beta, T)
    companion = attempt(2 * PATIENCE, "integral", antiderivative, slope, T, critic.outputs)
    if companion is None:
        return None
    companion = short(companion, T, critic.outputs)
    claim = identical("alpha' = -r beta'", sympy.diff(companion, T).subs(T, critic.omega),
                      -R * sympy.diff(beta, T).subs(T, critic.omega))
    if claim.status == "refuted":
        return None
    found.append(claim)
    return companion


def _slope_gaps(whole: Number, design: Design) -> tuple[Number, Number] | None:
    with mp.workdps(DIGITS):
        try:
            gaps = [mp.diff(whole, r) - design.generator.beta_of(r) for r in RATIOS]
        except (Undefined, ArithmeticError, ValueError):
            return None
    return min(gaps), max(gaps)


def local(design: Design) -> Step:
    """Return the step on the linear game around p = q."""
    jacobian, found = _jacobian(), list(_linear_game())
    lines = [Line("The smallest game: all data at 0, one generated point at x, the critic t(x) = omega(1) + w x, and "
                  "R1 of weight gamma on the critic's slope. In (x, w), with s = rho(t0), b = beta'(t0), t0 = "
                  "omega(1), steps along the two gradients have the Jacobian", jacobian),
             Line("with the eigenvalues", f"-gamma/2 ± √(gamma²/4 - {'s²' if design.zero_sum else 'b s'})")]
    product = design.stiffness
    if product is None or not mp.isfinite(product) or _cornered(design):
        lines.append(Line("Here a term has a corner or a pole at omega(1), so that the game has no linear form there."))
        return Step("The game around p = q", tuple(lines), resting_on(found), account(found))
    lines.append(Line("Here", f"b s = {shown(product, 10)}" + ("" if not design.zero_sum else " (zero-sum: b = s)")))
    if design.eigenvalues is not None:
        pair = [mp.mpc(value) for value in design.eigenvalues]
        found.append(equal("the eigenvalues without penalty multiply to b s", mp.re(pair[0] * pair[1]), product, 14))
        lines.append(Line("so without a penalty they are", " and ".join(_complex(value) for value in pair)))
    lines.append(Line(_outlook(product, found)))
    return Step("The game around p = q", tuple(lines), resting_on(found), account(found))


def _cornered(design: Design) -> bool:
    """Whether the best critic itself is not smooth where p = q."""
    critic = design.critic
    if not isinstance(critic, Critic) or critic.curvature is None or is_smooth(critic.curvature):
        return False
    return any(abs(place - 1) < mp.mpf(10) ** -20 for place in critic.breaks)


def _jacobian() -> sympy.Matrix:
    rate, slope, gamma = (Symbol(name, real=True) for name in ("s", "b", "gamma"))
    return sympy.Matrix([[0, -slope], [rate, -gamma]])


@cache
def _linear_game() -> tuple[Finding, Finding]:
    """Derive the Jacobian from the losses, for any psi and beta, and its characteristic polynomial."""
    place, weight, gamma, start, root = sympy.symbols("x w gamma t0 lambda", real=True)
    psi, beta = sympy.Function("psi"), sympy.Function("beta")
    out = start + weight * place
    field = sympy.Matrix([-sympy.diff(beta(out), place), sympy.diff(psi(out) - gamma / 2 * weight**2, weight)])
    at = field.jacobian([place, weight]).subs({place: 0, weight: 0}).doit()
    wanted = sympy.Matrix([[0, -sympy.diff(beta(start), start)], [sympy.diff(psi(start), start), -gamma]])
    right = (at - wanted).applyfunc(lambda e: sympy.simplify(e.doit())) == sympy.zeros(2, 2)
    rate, slope = (Symbol(name, real=True) for name in ("s", "b"))
    return (Finding("proved" if right else "refuted",
                    "the Jacobian follows from the two gradients, for any psi and beta"),
            identity("the characteristic polynomial is λ² + gamma λ + b s",
                     (root * sympy.eye(2) - _jacobian()).det(), root**2 + gamma * root + slope * rate))


def _complex(value: mp.mpc) -> str:
    if abs(mp.im(value)) < mp.mpf(10) ** -14:
        return shown(mp.re(value))
    return f"{shown(mp.im(value))} i".replace("1 i", "i") if abs(mp.im(value)) == 1 else f"{shown(mp.im(value))} i"


def _outlook(product: Number, found: list[Finding]) -> str:
    gamma = mp.mpf(1)
    with mp.workdps(DIGITS):
        inner = mp.sqrt(mp.mpc(gamma**2 / 4 - product))
        largest = max(mp.re(-gamma / 2 + side * inner) for side in (-1, 1))
    if abs(product) < mp.mpf(10) ** -25:
        return ("The generator feels no first-order pull towards p = q: the game is degenerate, and what happens "
                "depends on higher orders.")
    settles = product > 0
    found.append(Finding("checked" if (largest < 0) == settles else "refuted", "with gamma = 1 the largest real part "
                         f"is {'negative' if settles else 'positive'}", shown(largest)))
    return ("The play turns around p = q and does not settle by itself; R1 of any weight gamma > 0 makes both real "
            "parts negative." if settles else
            "One eigenvalue is positive whatever gamma is: a saddle, which no penalty on the critic can hold.")


def costs(design: Design) -> Step:
    """Return the step on the costs as functions of the raw logit v, as they are compiled."""
    critic = design.critic
    if isinstance(critic, CornerCritic | LipschitzCritic):
        return _linear_costs(design)
    assert isinstance(critic, Critic)
    ratio, found = sympy.exp(-V), []
    lines = [Line("With v the network's raw output, high for real, and t = omega(exp(-v)), three costs are minimised, "
                  "each up to a constant.")]
    rows = [("critic, on a real sample", -PHI(OMEGA(ratio)), _negated(critic.phi_along), lambda r: -critic.phi_of(r)),
            ("critic, on a generated sample", -PSI(OMEGA(ratio)), _negated(critic.psi_along),
             lambda r: -critic.psi_of(r)),
            ("generator, on a generated sample", (PSI if design.zero_sum else BETA)(OMEGA(ratio)),
             design.generator.beta_along, design.generator.beta_of)]
    for words, label, along, number in rows:
        if along is None:
            lines += [Line(f"{words}: {NO_FORM}. Less its value at v = 0:"),
                      table("v", {"cost": lambda v, f=number: f(mp.exp(-v)) - f(mp.mpf(1))},  # type: ignore[misc]
                            ("-2", "-1", "0", "1", "2"))]
            continue
        formula = short(along.subs(R, ratio))
        plain = function_of(formula, V)
        found.append(agree(f"{words}, against the same along r",
                           lambda v, f=plain: f(v) - f(mp.mpf(0)),  # type: ignore[misc]
                           lambda v, f=number: f(mp.exp(-v)) - f(mp.mpf(1)), LOGITS, "v"))  # type: ignore[misc]
        lines.append(Line(f"{words}:", eq(label, formula)))
    lines.append(Line("Their slopes in v need no inverse: for the critic -r² d''(r) on real and r d''(r) on generated "
                      "samples, at r = exp(-v)."))
    with mp.workdps(DIGITS):
        found.append(_slopes(critic))
    return Step("The costs in the raw logit", tuple(lines), resting_on(found), account(found))


def _negated(expr: Expr | None) -> Expr | None:
    return None if expr is None else -expr


def _slopes(critic: Critic) -> Finding:
    at = mp.mpf("0.7")
    r = mp.exp(-at)
    with mp.workdps(20):
        step = mp.mpf(10) ** -6
        rise = (critic.psi_of(r * mp.exp(step)) - critic.psi_of(r * mp.exp(-step))) / (2 * step)
        return equal("the slope of -psi(omega(exp(-v))) at v = 0.7 is r d''(r)", rise, r * critic.curvature_of(r), 9)


def _linear_costs(design: Design) -> Step:
    critic = design.critic
    assert isinstance(critic, CornerCritic | LipschitzCritic)
    parts = [("critic, on a real sample", -PHI(-V), -critic.phi),
             ("critic, on a generated sample", -PSI(-V), -critic.psi),
             ("generator, on a generated sample", BETA(-V), design.beta)]
    lines = [Line("The terms hold for the network's output itself: t = -v, with v high for real. The costs:")]
    lines += [Line(f"{words}:", eq(label, formula.subs(T, -V))) for words, label, formula in parts
              if formula is not None]
    return Step("The costs in the raw output", tuple(lines), "defined", "The terms at t = -v.")
