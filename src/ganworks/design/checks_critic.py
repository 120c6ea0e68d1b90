"""The checks on the critic's half: conclusion 1 of the note, and what it leaves out."""

from __future__ import annotations

import sympy
from mpmath import mp
from sympy import Expr

from ganworks.design.calculus import DIGITS, STEP
from ganworks.design.certificate import Check
from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.critic import Critic, DivergenceCritic, RatioCritic
from ganworks.design.design import Design
from ganworks.design.evaluate import Undefined, function_of, sample
from ganworks.design.kinks import is_smooth, kinks
from ganworks.design.limits import attempt
from ganworks.design.scan import (
    SCAN_DIGITS,
    WHERE,
    first_fall,
    lowest,
    nearest_negative,
    out_of_reach,
    show,
    undefined_at,
    value,
)
from ganworks.design.symbols import R, T, U
from ganworks.design.terms_critic import TermsCritic

FEWER = 24  # digits

def is_positive(expr: Expr | None, strictly: bool = True) -> bool:
    """Whether sympy's rules of sign prove a formula positive (or not negative)."""
    if expr is None:
        return False
    forms = [expr, *(attempt(STEP, "sign", way, expr) for way in (sympy.factor, sympy.simplify))]
    return any(bool(e.is_positive if strictly else e.is_nonnegative) for e in forms if e is not None)


def troubled(design: Design) -> list[Check]:
    trouble = design.trouble
    assert trouble is not None
    return [Check(trouble.code, "refuted", trouble.reason, trouble.evidence, trouble.remedy)]


def letters(design: Design) -> list[Check]:
    if not design.open_letters:
        return []
    at = ", ".join(f"{name} = {sample(sympy.Symbol(name))}" for name in design.open_letters)
    return [Check("letters", "warned", "letters without a value: whatever is looked at in numbers is looked at for one "
                  "choice of them only", f"at {at}", "give them values to have those certified")]


def labels(design: Design) -> list[Check]:
    if not design.critic.labels_swapped:
        return []
    return [Check("labels", "checked", "the formulas have real high and generated low; t -> -t turns them, and what is "
                  "shown has generated high", "psi' < 0 and omega falls as they were given")]


def defined(design: Design) -> list[Check]:
    """Omega (or f) is a real number for every ratio."""
    critic = design.critic
    name, letter = ("f", "u") if isinstance(critic, DivergenceCritic) else ("omega", "r")
    code = f"{name}.defined"
    function = function_of(critic.f, U) if isinstance(critic, DivergenceCritic) else _critic(design).omega_of
    with mp.workdps(SCAN_DIGITS):
        bad = undefined_at(function)
        if bad is not None and out_of_reach(function, bad):
            return [Check(code, "undecided", f"{name} cannot be computed at {letter} = {show(bad)[0]}: the numbers in "
                          "it are gigantic", "", "take a formula that grows more slowly")]
        if bad is not None:
            return [Check(code, "refuted", f"{name} is not a real number for every {letter} > 0", f"at {letter} = "
                          f"{show(bad)[0]} it has no finite value", f"{name} must be defined on all of (0, inf)")]
    return [Check(code, "checked", f"{name} is a real number for every {letter} > 0", WHERE)]


def increasing(design: Design) -> list[Check]:
    """Omega is strictly increasing."""
    critic = _critic(design)
    if isinstance(critic, DivergenceCritic):
        return []  # that is the convexity of f, which is looked at by itself
    with mp.workdps(SCAN_DIGITS):
        # A smooth formula is flat on no stretch, however near it comes to its limits, unless it is constant.
        plain = critic.omega is not None and is_smooth(critic.omega) and critic.omega.has(R)
        fall = first_fall(critic.omega_of, strictly=not plain) or _jump(critic)
        if fall is None and critic.omega is not None and is_positive(sympy.diff(critic.omega, R)):
            return [Check("omega.increasing", "proved", "omega is strictly increasing", "omega'(r) > 0 for r > 0")]
        fall = fall or _dip(critic)
    if fall is None:
        return [Check("omega.increasing", "checked", "omega is strictly increasing", WHERE)]
    r1, f1, r2, f2 = show(*fall)
    evidence = f"omega({r1}) = {f1}, omega({r2}) = {f2}"
    remedy = ""
    if fall[1] < fall[3]:
        return [Check("omega.increasing", "refuted", "omega jumps: rho omega' says nothing of what lies between",
                      evidence, "take an omega that is continuous on (0, inf)")]
    if fall[1] == fall[3]:
        reason = "omega is flat: densities with different ratios get the same answer"
    elif first_fall(lambda r: -critic.omega_of(r), strictly=True) is None:
        reason = "omega falls while rho > 0: the stationary point is a minimum of what the critic maximises"
        remedy = "did you mean t -> -t? Then omega becomes -omega and rho(t) becomes rho(-t)"
    else:
        reason = "omega is not monotone: one answer of the critic stands for several ratios"
    return [Check("omega.increasing", "refuted", reason, evidence, remedy or "take an increasing omega")]


def _jump(critic: Critic) -> tuple[mp.mpf, mp.mpf, mp.mpf, mp.mpf] | None:
    # omega' > 0 says nothing of a place where omega jumps, as atan(1/(2 - r)) does.
    for at in kinks(critic.omega, R) if critic.omega is not None else ():
        gaps = []
        for digits in (10, 20):
            step = at * mp.mpf(10) ** -digits
            before, after = value(critic.omega_of, at - step), value(critic.omega_of, at + step)
            gaps.append(mp.inf if before is None or after is None else after - before)
        if mp.isfinite(gaps[1]) and abs(gaps[1]) > mp.mpf(10) ** -4 and abs(gaps[1]) > abs(gaps[0]) / 2:
            return (at - step, before, at + step, after)
    return None


def _dip(critic: Critic) -> tuple[mp.mpf, mp.mpf, mp.mpf, mp.mpf] | None:
    # A dip narrower than the grid shows in the slope.
    if critic.omega is None:
        return None
    try:
        r, slope = lowest(function_of(sympy.diff(critic.omega, R), R))
    except NotImplementedError:
        return None
    step = r * mp.mpf(10) ** -4
    before, after = value(critic.omega_of, r - step), value(critic.omega_of, r + step)
    falls = slope < -mp.mpf(10) ** -20 and before is not None and after is not None and after < before
    return (r - step, before, r + step, after) if falls else None


def positive(design: Design) -> list[Check]:
    """Rho is positive on the range of omega."""
    critic = _critic(design)
    if isinstance(critic, DivergenceCritic):
        return []
    along = critic.rho.subs(T, critic.omega) if critic.rho is not None and critic.omega is not None else None
    if is_positive(along):
        return [Check("rho.positive", "proved", "rho is positive on Omega", f"rho(omega(r)) = {_short(along)} > 0")]
    with mp.workdps(SCAN_DIGITS):
        r, least = lowest(lambda x: critic.rho_of(critic.omega_of(x)))
        r, least = nearest_negative(lambda x: critic.rho_of(critic.omega_of(x)), (r, least))
        t = critic.omega_of(r)
    if least < -mp.mpf(10) ** -20:
        at, number = show(t, least)
        return [Check("rho.positive", "refuted", "rho changes its sign on Omega: beyond that point the critic is "
                                                 "pulled "
                      "the wrong way", f"rho({at}) = {number}, and {at} = omega({show(r)[0]})",
                      "take a rho that is positive on the whole range of omega")]
    return [Check("rho.positive", "checked", "rho is positive on Omega (but perhaps at single points)", WHERE)]


def finite(design: Design) -> list[Check]:
    """Psi can be shifted to 0 at omega(1)."""
    critic = _critic(design)
    with mp.workdps(60):
        for point in {mp.mpf(1), *critic.breaks}:
            if not _integrable(critic, point):
                r, t = show(point, critic.omega_of(point))
                at_one = point == 1
                reason = ("psi is infinite at omega(1), so no constant can make it 0 where the densities are equal"
                          if at_one else "psi is infinite inside Omega")
                return [Check("psi.finite", "refuted", reason, f"rho has a pole at t = {t} = omega({r})",
                              "move the pole of rho out of the range of omega")]
    shift = design.at_equality
    return [Check("psi.finite", "checked", "psi is finite at omega(1) and can be shifted to 0 there, which changes "
                  "nothing in the game", f"phi + psi at omega(1) = {shift:.6g}")]


def _integrable(critic: Critic, point: mp.mpf) -> bool:
    # Near an integrable singularity the mass distance x d'' within the distance dies out.
    for side in (-1, 1):
        masses = []
        for k in (8, 16, 24):
            step = side * mp.mpf(10) ** -k
            density = value(critic.curvature_of, point * (1 + step))
            masses.append(mp.inf if density is None else abs(step * density))
        if not masses[2] < masses[1] * mp.mpf("0.5"):
            return masses[2] < mp.mpf(10) ** -20
    return True


def convex(design: Design) -> list[Check]:
    """d is convex: d'' >= 0."""
    critic = _critic(design)
    divergence = isinstance(critic, DivergenceCritic)
    name = "f" if divergence else "d"
    if is_positive(critic.curvature, strictly=False):
        return [Check("d.convex", "proved", f"{name} is convex", f"d''(r) = {_short(critic.curvature)} >= 0")]
    with mp.workdps(SCAN_DIGITS):
        r, least = lowest(critic.curvature_of)
        scale = abs(value(critic.curvature_of, r * mp.mpf("1.5")) or 0)
        fall = first_fall(critic.psi_of, strictly=False) if divergence else None
    if least < -mp.mpf(10) ** -15 * (1 + scale) or fall is not None:
        r, least = nearest_negative(critic.curvature_of, (r, least))
        u, number = show(1 / r, least * r**3) if divergence else show(r, least)
        letter = "u" if divergence else "r"
        concave = divergence and lowest(lambda x: -critic.curvature_of(x))[1] >= 0
        return [Check("d.convex", "refuted", f"{name} is not convex, so it measures no divergence",
                      f"{name}''({u}) = {number} at {letter} = {u}",
                      f"it is concave: did you mean {-critic.given['f']}?" if concave else "take a convex function")]
    return [Check("d.convex", "checked", f"{name} is convex", WHERE)]


def strict(design: Design) -> list[Check]:
    """d is not affine around r = 1, so only equal densities have divergence 0."""
    critic = _critic(design)
    steps = (mp.mpf(10) ** -1, mp.mpf(10) ** -3, mp.mpf(10) ** -6)
    # Where each value is an integral, fewer digits tell as well whether d' rises.
    with mp.workdps(DIGITS if critic.closed else FEWER):
        try:
            gaps = [critic.psi_of(1 + h) - critic.psi_of(1 - h) for h in steps]
        except (Undefined, ArithmeticError, ValueError):
            return [Check("d.strict", "undecided", "d' could not be computed around r = 1")]
        if min(gaps) <= 0:
            h = next(h for h, gap in zip(steps, gaps, strict=True) if gap <= 0)
            return [Check("d.strict", "refuted", "d is affine around r = 1: densities that differ a little have "
                          "divergence 0", f"d'({show(1 - h)[0]}) = d'({show(1 + h)[0]})",
                          "take a function that is strictly convex at 1")]
        curvature = value(critic.curvature_of, mp.mpf(1))
    found = [Check("d.strict", "checked", "d is not affine around r = 1: the divergence is 0 only where p = q",
                   f"d'(1.1) - d'(0.9) = {show(gaps[0])[0]}, d'(1 + 1e-6) - d'(1 - 1e-6) = {show(gaps[2])[0]}")]
    if curvature is not None and abs(curvature) < mp.mpf(10) ** -25:
        found.append(Check("curvature.degenerate", "checked", "degenerate curvature: d''(1) = 0, so the last bit of "
                                                              "the "
                           "way is pulled at only weakly", f"d''(1) = 0, d'(1.1) = "
                                                           f"{show(critic.psi_of(mp.mpf('1.1')))[0]}"))
    return found


def whole_domain(design: Design) -> list[Check]:
    """Whether the best t on the whole given domain is omega(r), and whether the domain need be kept."""
    critic = design.critic
    if not isinstance(critic, TermsCritic) or design.given_domain is None:
        return []
    from ganworks.design.terms import grid

    domain = design.given_domain
    phi, psi = function_of(critic.phi, T), function_of(critic.psi, T)
    with mp.workdps(SCAN_DIGITS):
        for r in (mp.mpf("0.05"), mp.mpf("0.5"), mp.mpf(1), mp.mpf(3), mp.mpf(20)):
            try:
                best = critic.omega_of(r)
            except Undefined:
                return [Check("range", "refuted", "the critic has no best answer for every ratio: -phi'/psi' does not "
                              "reach it on this domain", f"r = {show(r)[0]} is out of reach", "widen the domain")]
            top = phi(best) + r * psi(best)
            over = [t for t in grid(*critic.ends) if (value(phi, t) or mp.ninf) + r * (value(psi, t) or mp.ninf)
                    > top + mp.mpf(10) ** -12 * (1 + abs(top))]
            if over:
                t = max(over, key=lambda t: phi(t) + r * psi(t))
                return [Check("maximum", "refuted", "omega(r) is only a local maximum: elsewhere on the domain the "
                              "critic earns more", f"r = {show(r)[0]}: {show(top)[0]} at t = {show(best)[0]}, but "
                              f"{show(phi(t) + r * psi(t))[0]} at t = {show(t)[0]}", "restrict the domain to Omega")]
    concave = all(is_positive(-sympy.diff(e, T, 2), strictly=False) for e in (critic.phi, critic.psi))
    if concave and domain == sympy.S.Reals:
        return [Check("domain", "proved", "the restriction of t to Omega can be dropped: both terms are concave "
                      "everywhere and the maximum lies in Omega", "phi'' <= 0 and psi'' <= 0")]
    return [Check("domain", "checked", "omega(r) is the maximum over the whole given domain", f"{domain}, five ratios")]


def first_conclusion(design: Design) -> list[Check]:
    """The note's conclusion 1, in its own words."""
    if not isinstance(design.critic, RatioCritic | TermsCritic):
        return []
    return [Check("conclusion1", "checked", "conclusion 1 of note 002 holds: omega increases, rho > 0, and psi is "
                                            "shifted "
                  "to 0 at omega(1), so max over t of phi + r psi is least at r = 1",
                  "by the checks above; it is sufficient for a zero-sum GAN")]


def disjoint(design: Design) -> list[Check]:
    """What the divergence is on densities that do not overlap."""
    found = design.disjoint
    if found != found:  # its limits were not found; no verdict hangs on them
        return []
    if found == float("inf"):
        return [Check("disjoint", "checked", "the divergence is infinite for densities that do not overlap", "the "
                      "critic's gain has no bound there; its output runs away and costs may overflow")]
    return [Check("disjoint", "checked", "the divergence has the same value for all densities that do not overlap, "
                                         "so a "
                  "perfect critic gives the generator no direction there", f"d(0) + lim d(r)/r = {found:.6g}")]


def corners(design: Design) -> list[Check]:
    """Total variation and its kin."""
    critic = design.critic
    assert isinstance(critic, CornerCritic)
    with mp.workdps(SCAN_DIGITS):
        below, above = (critic.d_of(mp.mpf(x)) for x in ("0.999", "1.001"))
    if min(below, above) <= 0:
        return [Check("d.strict", "refuted", "d is affine around r = 1: densities that differ a little have "
                                             "divergence 0",
                      f"d(0.999) = {show(below)[0]}, d(1.001) = {show(above)[0]}", "put a corner at r = 1")]
    return [Check("d.convex", "proved", "d is convex: it is the largest of straight lines", f"d(r) = {critic.d}"),
            Check("d.strict", "proved", "d has a corner at r = 1: the divergence is 0 only where p = q",
                  f"d'(1-) < d'(1+), d(r) = {critic.d}"),
            Check("omega.jump", "checked", "the best critic jumps at r = 1 and is constant elsewhere: it is a limit of "
                  "smooth designs (tanh(k log r), k to infinity), and a perfect one gives no gradient",
                  f"omega(r) = {critic.omega}")]


def lipschitz(design: Design) -> list[Check]:
    """The Wasserstein game."""
    critic = design.critic
    assert isinstance(critic, LipschitzCritic)
    return [Check("metric", "proved", "not an f-divergence: over functions of slope at most K the critic's gain is K "
                                      "times "
                  "the Wasserstein-1 distance (Kantorovich and Rubinstein), a metric", f"K = {critic.bound}"),
            Check("unbounded", "checked", "without the bound on the slope the critic's gain is infinite",
                  "phi = -t, psi = t: scaling t scales the gain", "keep the bound: gradient penalty, spectral "
                  "normalisation or weight clipping"),
            Check("disjoint", "checked", "densities that do not overlap have a distance that falls as they approach",
                  "two points at distance x: W1 = x")]


def _critic(design: Design) -> Critic:
    assert isinstance(design.critic, Critic)
    return design.critic


def _short(expr: Expr | None) -> str:
    text = str(expr)
    return text if len(text) < 80 else text[:77] + "..."
