"""The second half of the minimax proof: the minimum, the metric, the two generator losses, and what stays open."""
# ruff: noqa: RUF001 - the signs that look like Latin letters are meant

from __future__ import annotations

import sympy
from mpmath import mp
from sympy import Eq, Function, Mul, Symbol, log

from ganworks.design.claims import account, equal, identity, line_integral, negative, ordered, resting_on, slope
from ganworks.design.claims import shown as n
from ganworks.design.derivation import Line, Step
from ganworks.design.gaussians import jensen_shannon, kl_from_mixture, log_ratio, normal, softplus
from ganworks.design.notation import Chain, Discrepancy, Total
from ganworks.design.symbols import R, V

P, Q = sympy.symbols("p p_G", positive=True)
REAL, MADE, MIDDLE, G = (Symbol(name) for name in ("p", "p_G", "m", "G"))
THETA, PSI, LAMBDA = sympy.symbols("theta psi lambda", real=True)
SIGMA = Function("sigma")
LOGISTIC = 1 / (1 + sympy.exp(-V))
SATURATING, NON_SATURATING = log(1 - LOGISTIC), -log(LOGISTIC)


def steps() -> tuple[Step, ...]:
    return (minimum(), generator_not_unique(), metric(), two_slopes(), two_divergences(), not_proved())


def minimum() -> Step:
    s, m = sympy.symbols("s m", positive=True)
    k = s * log(s) - s + 1
    proofs = [identity("p log(p/m) - p + m = m k(p/m)", P * log(P / m) - P + m, m * k.subs(s, P / m)),
              identity("k(1) = 0", k.subs(s, 1), sympy.S.Zero),
              identity("k'(1) = 0", sympy.diff(k, s).subs(s, 1), sympy.S.Zero),
              negative("-k''(s) for s > 0", -sympy.diff(k, s, 2)),
              identity("the integrand at p_G = p is -p log 4", 2 * P * log(P / (2 * P)), -P * log(4))]
    costs = [2 * jensen_shannon(mean, 12) - mp.log(4) for mean in (0, mp.mpf("0.5"), 1, 2)]
    checks = [ordered("C for p = N(0, 1) and p_G = N(t, 1), at t = 0, 1/2, 1 and 2", *costs)]
    return Step(
        "The minimum, and where it is reached",
        (Line("Both densities have mass 1, so in KL the integrand p log(p/m) may be replaced by p log(p/m) - p + m, "
              "which is m k(p/m) with", Eq(Function("k")(s), Total(s * log(s), -s, sympy.S.One))),
         Line("k is strictly convex with k(1) = k'(1) = 0, so it is positive except at 1. Hence KL is never negative "
              "(Gibbs), and is 0 only if p = m almost everywhere, that is p = p_G. The same holds for p_G against m:",
              sympy.Ge(Function("C")(G), -log(4), evaluate=False)),
         Line("with equality exactly when p_G = p.", f"-log 4 = {n(-mp.log(4), 25)}")),
        resting_on(proofs, checks), account([*proofs, *checks]),
        "A common note states the theorem as 'C(G) reaches its maximum'. It is the global minimum; the largest value, "
        "reached when the supports are disjoint, is 0.")


def generator_not_unique() -> Step:
    def sample(z: mp.mpf) -> mp.mpf:
        return z + z**2 / 4

    def mean_of(sign: int, parts: int) -> mp.mpf:
        return line_integral(lambda z: normal(z, 0) * mp.exp(-(sample(sign * z) ** 2) / 2), -14, 14, parts)

    z = Symbol("z", real=True)
    proofs = [identity("the normal density is even", sympy.exp(-(z**2) / 2), sympy.exp(-((-z) ** 2) / 2))]
    checks = [equal("the mean of exp(-x²/2) for G(z) = z + z²/4 and for G(-z), by quadrature",
                    mean_of(1, 16), mean_of(-1, 19)),
              ordered("the two maps differ: at z = 1 they are G(-1) and G(1)", sample(mp.mpf(-1)), sample(mp.mpf(1)))]
    return Step(
        "The law p_G is unique, the generator is not",
        (Line("C depends on G through p_G only. A map of the noise that keeps its law gives another generator with the "
              "same p_G; for normal noise z and -z have the same law:", Eq(Function("G_1")(z), Function("G")(-z))),
         Line("So the minimum fixes p_G = p and leaves infinitely many G.")),
        resting_on(proofs, checks), account([*proofs, *checks]), "Common notes say that the best G is unique.")


def discrete_js(first: tuple[mp.mpf, ...], second: tuple[mp.mpf, ...]) -> mp.mpf:
    """JS of two laws on finitely many points."""
    total = mp.mpf(0)
    for one, other in ((first, second), (second, first)):
        total += mp.fsum(a * mp.log(2 * a / (a + b)) for a, b in zip(one, other, strict=True) if a)
    return total / 2


def metric() -> Step:
    left, centre, right = (mp.mpf(1), mp.mpf(0)), (mp.mpf(1) / 2, mp.mpf(1) / 2), (mp.mpf(0), mp.mpf(1))
    far, detour = discrete_js(left, right), (discrete_js(left, centre), discrete_js(centre, right))
    straight, bent = mp.sqrt(far), mp.fsum(map(mp.sqrt, detour))
    found = [ordered("JS breaks the triangle inequality: JS(A, B) + JS(B, C) is below JS(A, C)", mp.fsum(detour), far),
             ordered("its root keeps it: that of JS(A, C) is below the two others together", straight, bent)]
    return Step(
        "The root of JS is a distance, JS is not",
        (Line("The square root of JS satisfies the triangle inequality (Endres and Schindelin 2003; Österreicher and "
              "Vajda 2003). JS itself does not. On two points take A = (1, 0), B = (1/2, 1/2), C = (0, 1):",
              f"JS(A, C) = {n(far)} > JS(A, B) + JS(B, C) = {n(mp.fsum(detour))}"),
         Line("", f"√JS(A, C) = {n(straight)} < √JS(A, B) + √JS(B, C) = {n(bent)}")),
        "refuted" if resting_on(found) == "refuted" else "stated",
        "The theorem is cited, not proved here. " + account(found))


def two_slopes() -> Step:
    found = [identity("the derivative of log(1 - σ(v)) is -σ(v)", sympy.diff(SATURATING, V), -LOGISTIC),
             identity("that of -log σ(v) is -(1 - σ(v))", sympy.diff(NON_SATURATING, V), -(1 - LOGISTIC))]
    low = 1 / (1 + mp.exp(mp.mpf(10)))
    turned = Mul(-1, 1 - SIGMA(V), evaluate=False)
    return Step(
        "Two generator losses, two gradients",
        (Line("The game asks the generator to minimise log(1 - D). In practice it often minimises -log D instead (the "
              "non-saturating loss). In the logit v of a generated sample, with D = σ(v):",
              Eq(sympy.Derivative(log(1 - SIGMA(V)), V), -SIGMA(V))),
         Line("", Eq(sympy.Derivative(-log(SIGMA(V)), V), turned)),
         Line("Both push v up, by different amounts. Early on, when the discriminator is sure that a sample is "
              "generated (v = -10), the slopes are", f"minimax {n(-low)}, non-saturating {n(low - 1)}")),
        resting_on(found), account(found),
        "A common note joins the two losses by an equals sign. At v = -10 their slopes differ by a factor of "
        f"{n((1 - low) / low)}; only the sign agrees.")


def two_divergences() -> Step:
    ratio = {V: -log(R)}
    js, kl = R * log(2 * R / (1 + R)) + log(2 / (1 + R)), (1 + R) * log((1 + R) / 2)
    proofs = [identity("log(1 - σ) at the best critic is log(r/(1 + r))", SATURATING.subs(ratio), log(R / (1 + R))),
              identity("-log σ there is log(1 + r)", NON_SATURATING.subs(ratio), log(1 + R)),
              identity("2 JS has the first H', up to log 2", sympy.diff(js, R), log(R / (1 + R)) + log(2)),
              identity("2 KL(m, p) has the second, up to 1 - log 2", sympy.diff(kl, R), log(1 + R) + 1 - log(2))]
    minimax = line_integral(lambda x: -(x - 1) * normal(x, 1) * softplus(log_ratio(x, 1)), -14, 20, 6)
    other = line_integral(lambda x: (x - 1) * normal(x, 1) * softplus(-log_ratio(x, 1)), -14, 20, 6)
    checks = [equal("for p = N(0, 1) and p_G = N(θ, 1) at θ = 1, the slope that the minimax generator follows is that "
                    "of 2 JS", minimax, slope(lambda t: 2 * jensen_shannon(t, 7), 1)),
              equal("the slope that the non-saturating generator follows is that of 2 KL(m, p)", other,
                    slope(lambda t: 2 * kl_from_mixture(t, 7), 1))]
    prime = Function("H'")(R)
    return Step(
        "Two generator losses, two divergences",
        (Line("With r = p_G/p, the best critic has v = -log r. A generator that minimises the mean of a loss β(v), "
              "while the critic is held fixed, follows the gradient of the integral of p H(p_G/p) with "
              "H'(r) = β(-log r), because the first variation of that integral in p_G is H'(r). For the minimax loss:",
              Eq(prime, log(R / (1 + R)))),
         Line("which belongs, up to a constant in H' that laws of mass 1 do not feel, to",
              2 * Discrepancy("JS", REAL, MADE)),
         Line("For the non-saturating loss:", Eq(prime, log(1 + R))),
         Line("which belongs to", 2 * Discrepancy("KL", MIDDLE, REAL)),
         Line("For two normal laws one apart, the slopes that the two generators follow:",
              f"minimax {n(minimax)}, non-saturating {n(other)}")),
        resting_on(proofs, checks), account([*proofs, *checks]),
        "A common note says that D computes JS and G reduces it. That is true of the minimax loss with the best D "
        "only; the non-saturating loss that most code trains with reduces 2 KL(m, p).")


def _played(step: float, times: int) -> float:
    """Return how far from 0 simultaneous gradient steps from (1, 0) end in the smallest example."""
    theta, psi = 1.0, 0.0
    for _ in range(times):
        pull = step / (1 + float(mp.exp(-psi * theta)))
        theta, psi = theta + pull * psi, psi - pull * theta
    return float(mp.hypot(theta, psi))


def not_proved() -> Step:
    value = -log(2) + SATURATING.subs(V, PSI * THETA)
    field = sympy.Matrix([-sympy.diff(value, THETA), sympy.diff(value, PSI)])
    turn = field.jacobian([THETA, PSI]).subs({THETA: 0, PSI: 0})
    force = sympy.diff(SATURATING, V).subs(V, 0)
    proofs = [identity("the characteristic polynomial is λ² + f'(0)²", (turn - LAMBDA * sympy.eye(2)).det(),
                       LAMBDA**2 + force**2),
              identity("f'(0) = -1/2", force, -sympy.S.Half)]
    checks = [ordered("1000 simultaneous steps of 0.1 from a distance 1 end farther away", mp.mpf(1),
                      mp.mpf(_played(0.1, 1000)))]
    return Step(
        "What this does not prove",
        (Line("The minimum is over all laws, with the best discriminator at every moment. Networks follow gradients of "
              "a few parameters, both at once. The smallest example has all data at 0, one generated point θ, and the "
              "critic v(x) = ψ x. With f(v) = log(1 - σ(v)):",
              Eq(Function("V")(THETA, PSI), Total(-log(2), Function("f")(PSI * THETA)))),
         Line("The linearised play around the solution θ = ψ = 0 has two eigenvalues λ, with",
              Chain(LAMBDA**2, -Function("f'")(0) ** 2, -sympy.Rational(1, 4))),
         Line("They are imaginary, i/2 and -i/2: the play turns around the solution and does not approach it. Steps of "
              "finite size h multiply the distance by √(1 + h²/4), so they move away. A penalty on the critic's slope "
              "mends this.")),
        resting_on(proofs, checks), account([*proofs, *checks]),
        "A common note concludes that with enough data training converges to the best G. The convexity in p_G gives "
        "that for small changes of p_G itself under the best D; it does not for gradient steps on parameters.")
