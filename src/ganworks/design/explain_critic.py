"""The derivation's first half: from what was given to the terms, the best critic, the shifts and d."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from mpmath import mp
from sympy import Expr, Symbol

from ganworks.design.calculus import DIGITS, RATIOS
from ganworks.design.claims import Finding, account, equal, ordered, resting_on, shown
from ganworks.design.critic import Critic, DivergenceCritic, RatioCritic
from ganworks.design.derivation import Line, Step
from ganworks.design.design import Design
from ganworks.design.evaluate import function_of
from ganworks.design.explain_claims import (
    D1,
    D2,
    F1,
    LOGITS,
    NO_FORM,
    OMEGA,
    PHI,
    PSI,
    RHO,
    SHOWN,
    STAR,
    D,
    F,
    agree,
    eq,
    identical,
    induced_of,
    prime,
    quoted,
    short,
    small,
    table,
)
from ganworks.design.notation import Chain, Total
from ganworks.design.scan import SCAN_DIGITS
from ganworks.design.symbols import R, T, U, V
from ganworks.design.terms_critic import TermsCritic

BIG_T = Symbol("T", real=True)
AT_ONE = "omega(1)"


def smooth(design: Design) -> Critic:
    assert isinstance(design.critic, Critic)
    return design.critic


def terms(design: Design) -> Step:
    """Return the step from what was given to phi, psi, omega and rho."""
    critic = smooth(design)
    if isinstance(critic, RatioCritic):
        return _from_ratio(critic)
    return _from_terms(design, critic) if isinstance(critic, TermsCritic) else _from_divergence(design)


def _from_ratio(critic: RatioCritic) -> Step:
    omega, rho, curvature = critic.omega, critic.rho, critic.curvature
    found = [identical("d''(r) = rho(omega(r)) omega'(r)", curvature, rho.subs(T, omega) * sympy.diff(omega, R))]
    lines = [Line("The critic maximises phi(t) + r psi(t) for each ratio r. Call the largest value d(r). At the best t "
                  "the slope in t is 0, so only r itself moves d, and d'(r) = psi(omega(r)). Once more:",
                  Chain(D2(R), RHO(OMEGA(R)) * prime(OMEGA, R), curvature))]
    if critic.back is not None:
        found.append(identical("the inverse undoes omega", critic.back.subs(T, omega), R))
        lines.append(Line("Solve t = omega(r) for r:", eq(R, critic.back)))
    else:
        lines.append(Line(f"The inverse of omega: {NO_FORM}."))
    if critic.psi is not None:
        found.append(identical("psi' = rho", sympy.diff(critic.psi, T), rho, T, critic.outputs))
        lines.append(Line("psi is an integral of rho:", eq(PSI(T), critic.psi)))
    lines += _along(critic, found)
    return Step("From omega and rho to the terms of the loss", tuple(lines), resting_on(found), account(found))


def _along(critic: Critic, found: list[Finding]) -> Iterator[Line]:
    """Lines for phi and, where psi has no formula in t, for psi along r."""
    if critic.psi is None and critic.psi_along is not None:
        found.append(identical("its slope is d''", sympy.diff(critic.psi_along, R), _curvature(critic)))
        yield Line("psi has a formula along r, up to a constant:", eq(PSI(OMEGA(R)), critic.psi_along))
    elif critic.psi is None:
        yield Line(f"psi: {NO_FORM}.")
    if critic.phi is not None and critic.omega is not None:
        rho = critic.rho if critic.rho is not None else sympy.diff(critic.psi, T)
        along = sympy.diff(critic.phi, T).subs(T, critic.omega), -R * rho.subs(T, critic.omega)
        found.append(identical("phi'(omega(r)) = -r rho(omega(r)), so the slope in t is 0 there", *along))
        yield Line("phi is an integral of -r rho, with r the ratio whose best answer is t:", eq(PHI(T), critic.phi))
    elif critic.phi_along is not None:
        found.append(identical("the slope of phi along r is -r d''", sympy.diff(critic.phi_along, R),
                               -R * _curvature(critic)))
        yield Line("phi has a formula along r only, up to a constant:", eq(PHI(OMEGA(R)), critic.phi_along))
    else:
        yield Line(f"phi: {NO_FORM}. The values, 0 at r = 1:")
        yield table("r", {"phi(omega(r))": critic.phi_of, "psi(omega(r))": critic.psi_of})


def _curvature(critic: Critic) -> Expr:
    assert critic.curvature is not None
    return critic.curvature


def _from_terms(design: Design, critic: TermsCritic) -> Step:
    phi, psi, back = critic.phi, critic.psi, critic.back
    ratio = -sympy.diff(phi, T) / sympy.diff(psi, T)
    bend = sympy.diff(phi, T, 2) + R * sympy.diff(psi, T, 2)
    found = [identical("r = -phi'/psi'", back, ratio, T, critic.outputs),
             identical("there phi'' + r psi'' = -psi' dr/dt", bend.subs(R, ratio),
                       -sympy.diff(psi, T) * sympy.diff(ratio, T), T, critic.outputs)]
    lines = [Line("At the best t for the ratio r the slope is 0:",
                  eq(Total(prime(PHI, T), R * prime(PSI, T)), sympy.S.Zero)),
             Line("so each t is the best answer to one ratio:", Chain(R, -prime(PHI, T) / prime(PSI, T), back))]
    if critic.omega is not None:
        found.append(identical("omega undoes it", back.subs(T, critic.omega), R))
        lines.append(Line("Solved for t:", eq(OMEGA(R), critic.omega)))
    else:
        found.append(agree("t = omega(r), solved in numbers, gives r back", lambda r: function_of(ratio, T)(
            critic.omega_of(r)), lambda r: r, RATIOS[2:8]))
        lines += [Line(f"omega: {NO_FORM}."), table("r", {"omega(r)": critic.omega_of})]
    lines.append(Line("The slope of psi is", eq(RHO(T), critic.rho)))
    lines.append(Line("It is positive and r rises with t on Omega, so the second derivative phi'' + r psi'' is "
                      "negative: a maximum, not a minimum.", eq(Total(prime(PHI, T, 2), R * prime(PSI, T, 2)),
                                                       -RHO(T) * sympy.Derivative(R, T, evaluate=False))))
    confirmed = quoted(design, "omega.increasing", "rho.positive")
    return Step("From the terms to the best critic", tuple(lines), resting_on(found, confirmed),
                account([*found, *confirmed]))


def _from_divergence(design: Design) -> Step:
    critic = smooth(design)
    assert isinstance(critic, DivergenceCritic)
    slope, conjugate = critic.slope, induced_of(design).conjugate
    along = (critic.f - U * slope).subs(U, 1 / R)
    found = [identical("-f'(p/q) is omega(q/p)", -slope.subs(U, 1 / R), critic.omega),
             identical("psi(omega(r)) = f(u) - u f'(u) with u = 1/r", critic.psi_along, along)]
    lines = [Line("A convex f lies above its tangents: f(u) is the largest of u T - f*(T), reached where T is the "
                  "slope of f. So the best critic at u = p/q, in the notation of f-GAN, is",
                  eq(sympy.Function("T*")(U), slope)),
             Line("and the conjugate there is", eq(STAR(F1(U)), Total(U * F1(U), -F(U))))]
    if conjugate is not None:
        found.append(identical("f*(f'(u)) = u f'(u) - f(u)", conjugate.subs(T, slope), U * slope - critic.f, U))
        lines.append(Line("which, in T, is", eq(STAR(BIG_T), conjugate.subs(T, BIG_T))))
    else:
        lines += [Line(f"f* as a function of T: {NO_FORM}. The values at T = f'(u):"),
                  table("u", {"f'(u)": induced_of(design).slope_of,
                              "f*": lambda u: u * induced_of(design).slope_of(u) - induced_of(design).value_of(u)})]
    lines += [Line("f-GAN has real high. With t = -T generated is high; the terms are", eq(PHI(T), -T)),
              Line("", eq(PSI(T), -STAR(-T)) if critic.psi is None else Chain(PSI(T), -STAR(-T), critic.psi)),
              Line("and the best critic is", Chain(OMEGA(R), -F1(1 / R), critic.omega))]
    if critic.psi is not None:
        found.append(identical("that psi at omega(r) is the psi along r", critic.psi.subs(T, critic.omega),
                               critic.psi_along))
    return Step("From f to the terms of the loss", tuple(lines), resting_on(found), account(found))


def best_critic(design: Design) -> Step:
    """Return the step on the best critic, in r and in the raw logit v."""
    critic = smooth(design)
    found: list[Finding] = []
    lines = [Line("The slope of phi + r psi in t is rho(t) times (r less the ratio whose answer is t). It is positive "
                  "below omega(r) and negative above: omega(r) is the only maximum on Omega.")]
    if critic.omega is not None:
        activation = short(critic.omega.subs(R, sympy.exp(-V)))
        found.append(agree("omega at r = exp(-v) is the activation", lambda v: critic.omega_of(mp.exp(-v)),
                           function_of(activation, V), LOGITS, "v"))
        lines += [Line("The best critic:", Chain(Symbol("t*"), OMEGA(R), critic.omega)),
                  Line("Let the network say v and put t = omega(exp(-v)) behind it. Then the best v is log p/q for "
                       "every design, with real high and 0 as the border:", eq(T, activation))]
    else:
        lines += [Line(f"omega: {NO_FORM}. With t = omega(exp(-v)) behind the network the best v is log p/q:"),
                  table("v", {"t": lambda v: critic.omega_of(mp.exp(-v))}, ("-2", "-1", "0", "1", "2"))]
    with mp.workdps(SCAN_DIGITS):
        two = mp.mpf(2)
        gains = [critic.phi_of(s) + two * critic.psi_of(s) for s in (mp.mpf("1.5"), two, mp.mpf("2.6"))]
    checks = [ordered(f"at r = 2 the answer to r = {other} earns less than omega(2)", gain, gains[1])
              for other, gain in (("1.5", gains[0]), ("2.6", gains[2]))]
    proofs = quoted(design, "omega.increasing", "rho.positive") or quoted(design, "d.convex")
    return Step("The best critic", tuple(lines), resting_on([*proofs, *found], checks),
                account([*proofs, *found, *checks]))


def shifts(design: Design) -> Step:
    """Return the step on the constants that make phi and psi vanish where p = q."""
    critic = smooth(design)
    if critic.phi is None or critic.psi is None:
        return Step("The constants", (
            Line("phi and psi count up to constants: each density has mass 1, so a constant in a term adds the same "
                 "number whatever the critic and the generator do. They are taken to be 0 at t = omega(1), that is "
                 "where p = q; the critic then earns 0 there."),), "defined", "A choice of constants.")
    with mp.workdps(DIGITS):
        start = critic.omega_of(mp.mpf(1))
        numbers = [function_of(term, T)(start) for term in (critic.phi, critic.psi)]
    found, lines = [], [Line("A constant in phi or psi adds the same number whatever the players do, because each "
                             "density has mass 1. The terms as they stand are, where p = q,")]
    exact = [_at_one(critic, term) for term in (critic.phi, critic.psi)]
    for name, formula, number in zip((PHI, PSI), exact, numbers, strict=True):
        label = name(OMEGA(1))
        if formula is None:
            lines.append(Line("", f"{name.__name__}({AT_ONE}) = {shown(number, 12)}"))
        else:
            found.append(equal(f"{name.__name__}({AT_ONE}) as a formula and by 40-digit arithmetic",
                               function_of(formula, R)(mp.mpf(1)), number))
            lines.append(Line("", eq(label, formula)))
    total = mp.fsum(numbers)
    if not found:
        found.append(equal("their sum in 40 and in 16 digits", total, mp.mpf(design.at_equality), 13))
    lines += [Line("so with p = q the best critic earns", f"phi({AT_ONE}) + psi({AT_ONE}) = {shown(total, 12)}"),
              Line("Take both numbers away: from here on phi and psi are 0 at t = omega(1).")]
    return Step("The constants", tuple(lines), resting_on(found), account(found), _shift_note(*numbers))


def _shift_note(phi: mp.mpf, psi: mp.mpf) -> str:
    if abs(phi) > mp.mpf(10) ** -20:
        return ("Note 002 shifts psi alone. That makes d least at r = 1 but leaves d(1) = "
                f"{shown(phi)} there; for d ≥ 0 phi must be shifted as well.")
    return ""


def _at_one(critic: Critic, term: Expr) -> Expr | None:
    """phi or psi at omega(1) as a short formula, or None."""
    if critic.omega is None:
        return None
    plain = term.subs(T, critic.omega.subs(R, 1))
    value = short(plain, R, (mp.mpf(1),))
    return value if value.is_number and sympy.count_ops(value) < 20 else None


def convexity(design: Design) -> Step:
    """Return the step on d: its formula, its slope, its convexity."""
    critic = smooth(design)
    found: list[Finding] = []
    closed = [] if critic.d is None else [short(critic.d, R, RATIOS)]
    lines = [Line("Per unit of real mass the best critic earns",
                  Chain(D(R), Total(PHI(OMEGA(R)), R * PSI(OMEGA(R))), *closed))]
    if critic.d is None:
        lines += [Line(f"d: {NO_FORM}."), table("r", {"d(r)": critic.d_of, "d'(r)": critic.psi_of})]
        found.append(agree("d(r) is the integral of (r - s) d''(s) from 1 to r", critic.d_of,
                           lambda r: _by_one_integral(critic, r), [mp.mpf(x) for x in SHOWN[1:3]], digits=15,
                           precision=SCAN_DIGITS))
    else:
        slope = sympy.diff(critic.d, R)
        found += [agree("d'(r) = psi(omega(r)) (the envelope)", function_of(slope, R), critic.psi_of),
                  _twice(critic), *_zero_at_one(critic.d, slope)]
        lines.append(Line("Its slope is psi at the best critic, because t moves nothing to first order there:",
                          Chain(D1(R), PSI(OMEGA(R)), short(slope, R, RATIOS))))
    if critic.curvature is not None:
        smooth_part = critic.curvature.replace(sympy.DiracDelta, lambda *place: sympy.S.Zero)
        words = "Its second derivative" + (", but for the corners:" if smooth_part != critic.curvature else ":")
        lines.append(Line(words, Chain(D2(R), RHO(OMEGA(R)) * prime(OMEGA, R), smooth_part)))
    lines.append(Line("It is nowhere negative, so d is convex. With d(1) = d'(1) = 0 this makes d ≥ 0, and not flat "
                      "around 1 makes it 0 at r = 1 only."))
    proofs, checks = quoted(design, "d.convex"), quoted(design, "d.strict", "curvature.degenerate")
    return Step("What the best critic earns: d is convex and least at r = 1", tuple(lines),
                resting_on([*found, *proofs], checks), account([*found, *proofs, *checks]))


def _twice(critic: Critic) -> Finding:
    assert critic.d is not None
    bend, what = sympy.diff(critic.d, R, 2), "the second derivative of d is d''"
    if critic.curvature is not None:
        return identical(what, bend, critic.curvature)
    return agree(what, function_of(bend, R), critic.curvature_of)


def _zero_at_one(d: Expr, slope: Expr) -> list[Finding]:
    found = []
    for what, expr in (("d(1) = 0", d), ("d'(1) = 0", slope)):
        at = expr.subs(R, 1)
        number = abs(function_of(expr, R)(mp.mpf(1)))
        status = "proved" if at == 0 else "checked" if number < mp.mpf(10) ** -25 else "refuted"
        found.append(Finding(status, what, "" if status == "proved" else f"off by {small(number)}"))  # type: ignore[arg-type]
    return found


def _by_one_integral(critic: Critic, r: mp.mpf) -> mp.mpf:
    # Another route than phi + r psi: one integral instead of two.
    inner = [x for x in critic.breaks if min(r, 1) < x < max(r, 1)]
    return mp.quad(lambda s: (r - s) * critic.curvature_of(s), [mp.mpf(1), *(inner if r > 1 else inner[::-1]), r])
