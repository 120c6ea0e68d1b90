"""From a design to torch: three elementwise costs of the critic's raw output v, high = real, to be minimised.

With the activation t = omega(exp(-v)) the best output is v = log p/q for every design, and no conjugate is ever taken
at the border of its domain (docs/theory.md, F3). Terms that hold for every t can be trained on t = -v itself, which
is how least squares, hinge and Wasserstein critics are usually built: ``output="linear"``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import sympy
import torch
from mpmath import mp
from sympy import Expr
from torch import Tensor

from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.critic import Critic, DivergenceCritic, RatioCritic
from ganworks.design.evaluate import Function, Number, Undefined, function_of
from ganworks.design.kinks import is_smooth, kinks
from ganworks.design.symbols import R, T, V
from ganworks.design.terms_critic import TermsCritic
from ganworks.design.torchfunction import Compiled, Exact, compile_function
from ganworks.errors import UserError
from ganworks.objective import Objective

if TYPE_CHECKING:
    from ganworks.design.design import Design

Make = Callable[[], Compiled]
OUTPUTS = ("logit", "linear")


def compile_design(design: Design, output: str | None = None) -> Objective:
    """Return the design as an Objective.

    Args:
        output: "logit", "linear", or None for the one that suits it.

    Raises:
        UserError: the design makes no GAN, or not with this output.
    """
    critic = design.critic
    if output not in (None, *OUTPUTS):
        raise UserError(f"output '{output}'", "logit or linear")
    smooth = isinstance(critic, Critic) and not _jumps(critic)
    if output == "logit" and not smooth:
        raise UserError("a logit output needs a critic that is a smooth function of the likelihood ratio",
                        "a smooth design, or output linear")
    if output is None and isinstance(critic, DivergenceCritic) and not smooth:
        phi, psi, beta, optimum = _spread(design)
    else:
        phi, psi, beta, optimum = _linear(design) if output == "linear" or not smooth else _logit(design)
    try:
        made = [compile_function(phi), compile_function(psi)]
        # In the zero-sum game the generator minimises what the critic earns: no third function is needed.
        generator = _negative(made[1].function) if beta is None else compile_function(beta)
    except Undefined as error:
        raise UserError(f"the costs cannot be computed at every output: {error}", "a design that is a GAN",
                        "look at its certificate") from None
    if isinstance(generator, Compiled):
        made.append(generator)
    names = ("phi", "psi", "beta")
    notes = [f"{name}: beyond v = {_span(one)} float32 ends, and the slope stays what it is there"
             for name, one in zip(names, made, strict=False) if one.capped is not None]
    forms = ", ".join(f"{name} {one.form}" for name, one in zip(names, made, strict=False))
    return Objective(design.name or "designed", made[0].function, made[1].function,
                     generator.function if isinstance(generator, Compiled) else generator, optimum=optimum,
                     reference=design.reference, design=design, note="; ".join([forms, *notes]))


def _span(one: Compiled) -> str:
    assert one.capped is not None
    return " and ".join(f"{x:.1f}" for x in one.capped if abs(x) != float("inf"))


def _negative(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda v: -function(v)


def _jumps(critic: Critic) -> bool:
    # An f with corners has a critic that jumps; it cannot be reached by any smooth activation.
    if critic.omega is None or is_smooth(critic.omega):
        return False
    return any(_leaps(critic, r) for r in kinks(critic.omega, R))


def _leaps(critic: Critic, r: Number) -> bool:
    with mp.workdps(60):
        a, b = (critic.omega_of(r * (1 + side * mp.mpf(10) ** -30)) for side in (-1, 1))
        return bool(abs(a - b) > mp.mpf(10) ** -6 * (1 + abs(a)))


def _spread(design: Design) -> Parts:
    """Return the costs of an f with corners: at each its two sides are moved apart, and 2 of v lies between them.

    At a corner u0 every T between the two slopes is best where p/q = u0, and f*(T) = u0 T - f(u0) there. So nothing
    is lost: elsewhere the best output is log u, moved by 1 or more to its side, and at u0 all that lies between.
    """
    critic = design.critic
    assert isinstance(critic, DivergenceCritic)
    corners = sorted((r for r in kinks(critic.omega, R) if _leaps(critic, r)), reverse=True)
    if not corners:
        raise UserError("an f whose slope jumps at no place that was found", "corners of max, min or abs",
                        "smooth it: max(a, b) is the limit of log(exp(k*a) + exp(k*b))/k")
    logs = [-mp.log(r) for r in corners]
    middle = (logs[0] + logs[-1]) / 2
    starts = [s - middle + 2 * i - len(logs) for i, s in enumerate(logs)]

    def places(v: Number) -> tuple[Number, Number, Number]:
        """Return the ratios between which v lies, and how far it is from the first to the second."""
        passed = sum(v > start + 2 for start in starts)
        if passed == len(starts) or v < starts[passed]:
            r = mp.exp(2 * passed - len(logs) - middle - v)
            return r, r, mp.mpf(0)
        edge = mp.mpf(2) ** (10 - mp.prec)
        corner = corners[passed]
        return corner * (1 + edge), corner * (1 - edge), (v - starts[passed]) / 2

    def between(along: Function) -> Function:
        def value(v: Number) -> Number:
            first, second, share = places(v)
            return along(first) if share == 0 else (1 - share) * along(first) + share * along(second)

        return value

    ends = tuple(float(end) for start in starts for end in (start, start + 2))
    phi, psi = (Exact(between(_minus(along)), kinks=ends) for along in (critic.phi_of, critic.psi_of))
    if design.zero_sum:
        return phi, psi, None, None
    assert design.beta is not None
    output, beta = between(critic.omega_of), function_of(design.beta, T)
    return phi, psi, Exact(lambda v: beta(output(v)), kinks=ends), None


def _minus(function: Function) -> Function:
    return lambda r: -function(r)


Parts = tuple[Exact, Exact, Exact | None, Callable[[Tensor], Tensor] | None]


def _logit(design: Design) -> Parts:
    critic = design.critic
    assert isinstance(critic, Critic)
    as_given = not isinstance(critic, RatioCritic)  # a pair leaves constants open: they are 0 at r = 1

    def along(sign: int, expr: Expr | None, number: Function, steep: Expr | None) -> Exact:
        if expr is not None:
            return _of_ratio(sign * (expr if as_given else expr - expr.subs(R, 1)), None)
        slope = None if steep is None else _in_logit(sign * -R * steep)
        return Exact(lambda v: sign * number(mp.exp(-v)), None, slope)

    curvature = critic.curvature
    phi = along(-1, critic.phi_along, critic.phi_of, None if curvature is None else -R * curvature)
    psi = along(-1, critic.psi_along, critic.psi_of, curvature)
    return phi, psi, None if design.zero_sum else _beta_logit(design), lambda s: s


def _beta_logit(design: Design) -> Exact:
    generator = design.generator
    if generator.beta_along is not None:
        return _of_ratio(generator.beta_along, generator.beta_of)
    return Exact(lambda v: generator.beta_of(mp.exp(-v)))


def _of_ratio(expr: Expr, number: Function | None) -> Exact:
    number = number or function_of(expr, R)
    return Exact(lambda v: number(mp.exp(-v)), _in_logit(expr), None, _marks(expr))


def _in_logit(expr: Expr) -> Expr:
    return expr.subs(R, sympy.exp(-V)).replace(
        lambda e: isinstance(e, sympy.log) and isinstance(e.args[0], sympy.exp), lambda e: e.args[0].args[0])


def _marks(expr: Expr) -> tuple[float, ...]:
    return () if is_smooth(expr) else tuple(float(-mp.log(r)) for r in kinks(expr, R))


def _linear(design: Design) -> Parts:
    critic = design.critic
    if critic.phi is None or critic.psi is None:
        raise UserError("a linear output needs closed forms of phi and psi", "loss terms, or output logit")
    low, high = _ends(design)
    inner = -V if not (mp.isfinite(low) or mp.isfinite(high)) else _squashed(low, high)
    if inner is None:
        raise UserError("the domain is bounded on one side only: no linear output stays in it", "output logit")
    terms = [-critic.phi, -critic.psi, None if design.zero_sum else design.beta]
    phi, psi, beta = (None if e is None else _of_output(e, inner) for e in terms)
    assert phi is not None
    assert psi is not None
    return phi, psi, beta, _optimum(critic, inner)


def _ends(design: Design) -> tuple[Number, Number]:
    critic = design.critic
    if isinstance(critic, LipschitzCritic):
        return mp.ninf, mp.inf
    if isinstance(critic, CornerCritic):
        return critic.low, critic.high
    if isinstance(critic, TermsCritic):
        return critic.ends
    raise UserError("a linear output needs loss terms with a domain", "phi and psi, or output logit")


def _squashed(low: Number, high: Number) -> Expr | None:
    if not (mp.isfinite(low) and mp.isfinite(high)):
        return None
    a, b = (sympy.nsimplify(sympy.Float(mp.nstr(x, 30), 30), rational=True) for x in (low, high))
    return (a + b) / 2 - (b - a) / 2 * sympy.tanh(V)


def _of_output(term: Expr, inner: Expr) -> Exact:
    expr = term.subs(T, inner)
    number = function_of(expr, V)
    marks = () if is_smooth(expr) else tuple(float(x) for x in kinks(expr, V))
    return Exact(number, expr, None, marks)


def _optimum(critic: object, inner: Expr) -> Callable[[Tensor], Tensor] | None:
    if inner != -V:
        return None
    if isinstance(critic, CornerCritic) and critic.corners == (-1, 1):
        return torch.sign
    if isinstance(critic, Critic) and critic.omega is not None:
        exact = _of_ratio(-critic.omega, None)
        return _lazily(exact)
    return None


def _lazily(exact: Exact) -> Callable[[Tensor], Tensor]:
    # Only those who compare a critic with the perfect one need it.
    @lru_cache(maxsize=1)
    def made() -> Compiled:
        return compile_function(exact)

    return lambda s: made().function(s)
