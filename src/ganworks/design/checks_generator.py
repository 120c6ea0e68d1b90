"""The checks on the generator's half: what it really descends, and whether the game around p = q can settle."""

from __future__ import annotations

import itertools

import sympy
from mpmath import mp

from ganworks.design.calculus import DIGITS, RATIOS
from ganworks.design.certificate import Check, Status
from ganworks.design.checks_critic import is_positive
from ganworks.design.corners import CornerCritic
from ganworks.design.critic import Critic
from ganworks.design.design import Design
from ganworks.design.evaluate import Function, Number, Undefined, function_of
from ganworks.design.force import force_on_scale
from ganworks.design.scan import SCAN_DIGITS, WHERE, first_fall, flats, grid, show, undefined_at, value
from ganworks.design.symbols import R, T


def monotone(design: Design) -> list[Check]:
    """beta does not fall on Omega, and it is not constant around omega(1)."""
    if design.zero_sum:
        return [Check("beta.monotone", "proved", "the game is zero-sum, beta = psi: at the best critic the generator "
                      "descends the critic's own divergence", f"H = d: "
                                                              f"{design.divergence_name or 'no name of its own'}")]
    generator = design.generator
    with mp.workdps(SCAN_DIGITS):
        bad = undefined_at(generator.beta_of)
        if bad is not None:
            return [Check("beta.defined", "refuted", "beta is not a real number on all of Omega",
                          f"it has no value at r = {show(bad)[0]}", "take a beta that is defined on Omega")]
        still = _still_at_one(generator.beta_of)
        if still is not None:
            return [still]
        slope = None if isinstance(design.critic, CornerCritic) or generator.beta_along is None else sympy.diff(
            generator.beta_along, R)
        if is_positive(slope):
            return [Check("beta.monotone", "proved", "beta rises on Omega, so H is convex and least where p = q: "
                                                     "this is "
                          "what the generator descends", f"H''(r) = {_short(slope)} > 0; {_descends(design)}")]
        fall = first_fall(generator.beta_of, strictly=False)
        if fall is None:
            return [_rising(generator.beta_of, design)]
    return _falling(design, fall)


def _still_at_one(beta: Function) -> Check | None:
    for h in (mp.mpf("0.1"), mp.mpf(10) ** -6):
        if beta(1 - h) == beta(1 + h):
            if beta(mp.mpf("0.01")) == beta(mp.mpf(1)) == beta(mp.mpf(100)):
                return Check("beta.constant", "refuted", "beta is constant: the generator has no gradient at all",
                             f"beta(omega(r)) = {show(beta(mp.mpf(1)))[0]} for every r", "let beta rise with t")
            low, high = beta(1 - h / 2), beta(1 + h / 2)
            if low == high == beta(1 - h):
                return Check("beta.constant", "refuted", "beta is flat around omega(1): near the goal nothing pulls "
                                                         "the "
                             "generator, and wrong densities are at rest too",
                             f"beta(omega(r)) = {show(low)[0]} for r from {show(1 - h)[0]} to {show(1 + h)[0]}",
                             "let beta rise through omega(1)")
    return None


def _rising(beta: Function, design: Design) -> Check:
    flat = [(a, b) for a, b in flats(beta) if b > a * mp.mpf("1.5")]
    if flat and not isinstance(design.critic, CornerCritic):
        a, b = max(flat, key=lambda pair: pair[1] / pair[0])
        return Check("beta.flat", "warned", "beta does not fall, but it is flat on a stretch: where the ratio lies "
                                            "there "
                     "nothing pulls the generator", f"beta(omega(r)) does not change from r = {show(a)[0]} to "
                     f"{show(b)[0]}; {_descends(design)}", "let beta rise on all of Omega")
    return Check("beta.monotone", "checked", "beta does not fall on Omega, so H is convex and least where p = q: "
                                             "this is "
                 "what the generator descends", f"{WHERE}; {_descends(design)}")


def _falling(design: Design, fall: tuple[Number, Number, Number, Number]) -> list[Check]:
    r1, f1, r2, f2 = show(*fall)
    evidence = f"beta(omega({r1})) = {f1} > beta(omega({r2})) = {f2}"
    stiff = design.stiffness
    with mp.workdps(SCAN_DIGITS):
        everywhere = first_fall(lambda r: -design.generator.beta_of(r), strictly=False) is None
    if everywhere or (stiff is not None and stiff < 0):
        why = ("beta falls: the generator climbs the divergence instead of descending it" if everywhere else
               "beta falls through omega(1): where p = q the generator is pushed away")
        turned = " (the terms were turned by t -> -t, beta was not: it is read with generated high)"
        return [Check("beta.monotone", "refuted", why, evidence,
                      "change its sign: -beta" + (turned if design.critic.labels_swapped else ""))]
    valid, words = value_is_least_at_one(design)
    supported = stiff is not None and stiff > 0 and _lies_above_its_tangent(design)
    pushed = force_on_scale(design)
    if (valid and (stiff is None or abs(stiff) < mp.mpf(10) ** -20)) or supported:
        reason = ("value-valid, gradient-invalid: alpha + r beta is least at r = 1, but the generator does not "
                  "descend it. "
                  "Its force is H'(r) = beta(omega(r)), and that falls on part of Omega" if not supported else
                  "H is least at r = 1 but not convex: on part of Omega the generator is pushed the wrong way")
        return [Check("beta.monotone", "warned", reason, f"{evidence}; {pushed.words}", _remedy(design)),
                *([Check("conclusion2", "warned", "conclusion 2 of note 002 passes this pair and is not enough: it "
                                                  "looks "
                         "at a value, the generator follows a gradient", words)] if valid else [])]
    return [Check("beta.monotone", "refuted", "beta neither rises nor is it harmless: H is not least at r = 1, so the "
                  "generator has other goals than p = q", f"{evidence}; {pushed.words}", "let beta rise on Omega")]


def _remedy(design: Design) -> str:
    rising = "let beta rise on all of Omega"
    return f"{rising} (least squares: aim at the real label, c = a, not at the middle)"


def value_is_least_at_one(design: Design) -> tuple[bool, str]:
    """Return whether alpha(omega(r)) + r beta(omega(r)) is convex or least at r = 1, with the numbers."""
    value_of = value_function(design)
    with mp.workdps(SCAN_DIGITS):
        at_one = value(value_of, mp.mpf(1))
        if at_one is None:
            return False, "it has no value at r = 1"
        known = [(r, v) for r in grid() if (v := value(value_of, r)) is not None]
        low = min(known, key=lambda pair: pair[1])
        if low[1] >= at_one - mp.mpf(10) ** -20:
            return True, f"alpha + r beta is {show(at_one)[0]} at r = 1 and larger elsewhere"
        if _is_convex(value_of):
            return True, "alpha + r beta is convex in r"
        return False, (f"alpha + r beta is {show(low[1])[0]} at r = {show(low[0])[0]}, less than at r = 1, and not "
                       "convex")


def _is_convex(function: Function) -> bool:
    points = [r for r in grid() if abs(mp.log(r)) < 8]
    values = [value(function, r) for r in points]
    slopes = [(b - a) / (y - x) for a, b, x, y in zip(values, values[1:], points, points[1:], strict=False)
              if a is not None and b is not None]
    slack = mp.mpf(10) ** -15
    rises = all(b >= a - slack * (1 + abs(a)) for a, b in itertools.pairwise(slopes))
    return rises and slopes[-1] > slopes[0] + slack


def value_function(design: Design) -> Function:
    """Return r -> alpha(omega(r)) + r beta(omega(r)), alpha = 0 where none is given."""
    critic, generator = design.critic, design.generator
    assert isinstance(critic, Critic | CornerCritic)
    if generator.alpha is None:
        return lambda r: r * generator.beta_of(r)
    alpha = function_of(generator.alpha, T)
    return lambda r: alpha(critic.omega_of(r)) + r * generator.beta_of(r)


def _lies_above_its_tangent(design: Design) -> bool:
    # Then E_p H(q/p) >= H(1) by Jensen's argument with the one line that it needs.
    function, slope = design.generator.H_function, design.generator.beta_of(mp.mpf(1))
    with mp.workdps(SCAN_DIGITS):
        for x in (*RATIOS, mp.exp(-12), mp.exp(12)):
            height = value(function, x)
            if height is None or height - slope * (x - 1) < -mp.mpf(10) ** -15 * (1 + abs(height)):
                return False
    return True


def second_conclusion(design: Design) -> list[Check]:
    """The note's conclusion 2, and whether the value it looks at is what the generator descends."""
    if design.zero_sum:
        return []
    generator, critic = design.generator, design.critic
    assert isinstance(critic, Critic)
    valid, words = value_is_least_at_one(design)
    agrees = _agrees(design)
    fine = first_fall(generator.beta_of, strictly=False) is None
    if generator.alpha is None:
        return [] if not fine else [Check("conclusion2", "checked", "the note's conclusion 2 looks at alpha + r "
                                                                    "beta, with "
                "an alpha that moves nothing; what counts is H'(r) = beta(omega(r))",
                f"with alpha = 0 it {'holds' if valid else 'fails'}: {words}")]
    if agrees:
        return [Check("gradient.consistent", "checked", "the value alpha + r beta is what the generator descends: its "
                      "derivative is beta(omega(r)) up to a constant", f"{len(RATIOS)} ratios, 25 digits")]
    status: Status = "checked" if fine else "warned"
    verb = "holds" if valid else "fails"
    return [Check("gradient.consistent", status, "the value alpha + r beta is not what the generator descends: alpha "
                  "stands under E_p, where the generator has no say", f"conclusion 2 of the note {verb} ({words}); H "
                                                                      f"does "
                  f"{'' if fine else 'not '}follow from it. {force_on_scale(design).words}",
                  "" if fine else "judge beta alone: it must rise on Omega")]


def _agrees(design: Design) -> bool:
    whole, beta = value_function(design), design.generator.beta_of
    with mp.workdps(DIGITS):
        try:
            gaps = [mp.diff(whole, r) - beta(r) for r in RATIOS]
        except (Undefined, ArithmeticError, ValueError):
            return False
        return all(abs(gap - gaps[0]) < mp.mpf(10) ** -10 * (1 + abs(gap)) for gap in gaps)


def local(design: Design) -> list[Check]:
    """F7: the Dirac-GAN around p = q."""
    stiff = design.stiffness
    if stiff is None:
        return [Check("local", "checked", "the terms have a corner or a pole at omega(1), so the game has no linear "
                                          "form "
                      "there", "no Jacobian at p = q")]
    number = show(stiff)[0]
    if abs(stiff) < mp.mpf(10) ** -25:
        return [Check("local.degenerate", "warned", "near p = q the game is degenerate: the generator feels no "
                                                    "first-order "
                      "pull towards it", "beta'(t0) rho(t0) = 0, both eigenvalues 0", "let beta rise through omega(1)")]
    if stiff < 0:
        return [Check("local.saddle", "refuted", "near p = q the game is a saddle: it runs away, and no penalty on the "
                      "critic can hold it", f"beta'(t0) rho(t0) = {number}, eigenvalues +-{show(mp.sqrt(-stiff))[0]}",
                      "change the sign of beta")]
    return [Check("local.rotation", "checked", "near p = q the game turns around the solution and does not settle by "
                  "itself; any R1 penalty on the critic (gamma > 0) makes it settle",
                  f"beta'(t0) rho(t0) = {number}, eigenvalues +-{show(mp.sqrt(stiff))[0]} i; with R1 "
                  f"-gamma/2 +- sqrt(gamma^2/4 - {number})")]


def against_lipschitz(design: Design) -> list[Check]:
    """The generator against a Wasserstein critic: only a rising beta will do, and beta = t is the distance itself."""
    beta = design.beta
    assert beta is not None
    slope = sympy.diff(beta, T)
    if slope.is_nonnegative and not slope.is_zero:
        return [Check("beta.monotone", "proved", "beta rises with t: the generator moves samples the way the critic "
                                                 "falls",
                      f"beta = {beta}"), *local(design)]
    return [Check("beta.monotone", "refuted", "beta does not rise with t: the generator moves samples the wrong way",
                  f"beta = {beta}, beta' = {slope}", "take beta = t")]


def _descends(design: Design) -> str:
    named = design.generator_divergence
    return f"the generator descends {named}" if named else f"H(r) = {_short(design.H)}"


def _short(expr: sympy.Expr | None) -> str:
    text = "an integral without closed form" if expr is None else str(expr)
    return text if len(text) < 80 else text[:77] + "..."


