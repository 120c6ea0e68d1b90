"""The proof behind the first adversarial game, as a derivation whose every step is tested when it is built.

Real samples have the density p, generated ones the density p_G; D is a probability and v its logit, high for real.
"""

from __future__ import annotations

from functools import lru_cache

import sympy
from mpmath import mp
from sympy import Eq, Expr, Function, Mul, Symbol, log

from ganworks.design import minimax_consequences as consequences
from ganworks.design.claims import DIGITS, account, equal, identity, line_integral, negative, ordered, resting_on
from ganworks.design.claims import shown as n
from ganworks.design.derivation import Derivation, Line, Step
from ganworks.design.gaussians import jensen_shannon, kl_to_mixture, normal, value
from ganworks.design.notation import Chain, Discrepancy, Extremum, Mean, Total

X, Z, Y, LABEL = sympy.symbols("x z y y", real=True)
A, B, P, Q = sympy.symbols("a b p p_G", positive=True)
REAL, MADE, NOISE, D, G = (Symbol(name) for name in ("p", "p_G", "p_z", "D", "G"))
d, g, p, q, best = (Function(name) for name in ("D", "G", "p", "p_G", "D*"))
VALUE, COST = Function("V"), Function("C")


@lru_cache(maxsize=1)
def minimax_proof() -> Derivation:
    """Return the proof: from cross-entropy to the divergence that the game minimises, and what that leaves open.

    Every step is put to the test here, by symbols where that works and else in 30-digit arithmetic; its ``how`` holds
    the figures found, and a claim that fails makes its step 'refuted'. Takes about a second, once.
    """
    with mp.workdps(DIGITS):
        steps = (cross_entropy(), push_forward(), pointwise_maximum(), optimal_discriminator(), generator_cost(),
                 *consequences.steps())
    return Derivation(
        "The minimax game of generative adversarial networks", steps,
        "A discriminator trained by cross-entropy plays a game of value V(D, G). Against the best discriminator the "
        "generator's cost is -log 4 + 2 JS(p, p_G): smallest exactly when p_G = p. Each step says whether it is proved "
        "by symbols, checked in numbers, or cited.")


def game_value() -> Expr:
    return Total(Mean(log(d(X)), X, REAL), Mean(log(1 - d(g(Z))), Z, NOISE))


def cross_entropy() -> Step:
    probability = Symbol("D", positive=True)
    loss = -LABEL * log(probability) - (1 - LABEL) * log(1 - probability)
    found = [identity("label 1 leaves -log D", loss.subs(LABEL, 1), -log(probability)),
             identity("label 0 leaves -log(1 - D)", loss.subs(LABEL, 0), -log(1 - probability))]
    at = [(x, -mp.log(x), 1 / mp.log(x)) for x in (mp.mpf("0.9"), mp.mpf("0.99"))]
    figures = "; ".join(f"at D = {n(x)} it is {n(wrong)}, the cross-entropy {n(right)}" for x, right, wrong in at)
    return Step(
        "From cross-entropy to the value of the game",
        (Line("The discriminator gives each sample a probability D of being real. With the label y = 1 for real and "
              "y = 0 for generated samples, its cross-entropy is",
              Eq(Function("L")(LABEL, D),
                 Total(-LABEL * log(D), Mul(-1, 1 - LABEL, log(1 - D), evaluate=False)))),
         Line("A real x leaves the first term, a generated G(z) the second. The sum of the two means, with the sign "
              "turned, is the value that the discriminator maximises:", Eq(VALUE(D, G), game_value())),
         Line("With as many real as generated samples the mean cross-entropy is -V/2. The generator plays against it:",
              Extremum("min", G, Extremum("max", D, VALUE(D, G))))),
        resting_on(found), account(found),
        "A common note writes the cross-entropy as y/log D + (1 - y)/log(1 - D), twice. That is another function: for "
        f"y = 1, {figures}. As D nears 1 it falls to minus infinity; the cross-entropy falls to 0. "
        "What is meant is log(1/D) = -log D.")


def push_forward() -> Step:
    def h(x: mp.mpf) -> mp.mpf:
        return -mp.log1p(mp.exp(-x))  # log(1 - D) with D(x) = 1/(1 + exp(x))

    def over_logarithm(s: mp.mpf) -> mp.mpf:
        x = mp.exp(s)  # the density has a pole at x = 0; in s = log x the integrand is smooth
        return x * mp.exp(-x / 2) / mp.sqrt(2 * mp.pi * x) * h(x)

    x = Symbol("x", positive=True)
    density = sympy.exp(-x / 2) / sympy.sqrt(2 * sympy.pi * x)
    by_noise = line_integral(lambda z: normal(z, 0) * h(z**2), -13, 13, 12)
    by_density = line_integral(over_logarithm, -150, 6, 9)
    found = [equal("the means over z and over x, by quadrature", by_noise, by_density),
             identity("the density is the slope of P(z² < x) = erf(sqrt(x/2))",
                      sympy.diff(sympy.erf(sympy.sqrt(x / 2)), x), density)]
    return Step(
        "From noise to samples, with no inverse of G",
        (Line("If x = G(z), then the mean of any h over the noise is its mean over the law p_G of the samples. This is "
              "how the image of a law is defined; G may send many z to one x:",
              Eq(Mean(Function("h")(g(Z)), Z, NOISE), Mean(Function("h")(X), X, MADE))),
         Line("So the value depends on the generator through p_G alone:",
              Eq(VALUE(D, G), Total(Mean(log(d(X)), X, REAL), Mean(log(1 - d(X)), X, MADE)))),
         Line("Example: G(z) = z² with z standard normal; z and -z give the same x. The samples are chi-square with "
              "one degree of freedom:", Eq(q(x), density)),
         Line("With D(x) = 1/(1 + exp(x)) both sides are", f"E log(1 - D) = {n(by_noise, 25)}")),
        resting_on(found), account(found),
        "Common notes reach for the change of variables, and say that GANs are not invertible. Neither the formula nor "
        "an inverse is needed, and nothing forbids an invertible G. The Radon-Nikodym theorem serves only to give p_G "
        "a density.")


def pointwise_maximum() -> Step:
    place, rest = sympy.symbols("y w", positive=True)  # w stands for 1 - y, which is positive
    curve = A * log(place) + B * log(1 - place)
    top = A / (A + B)
    first, second = sympy.diff(curve, place), sympy.diff(curve, place, 2)
    bend = -((A + B) ** 3) / (A * B)
    found = [identity("the slope at a/(a + b) is 0", first.subs(place, top), sympy.S.Zero),
             identity("the second derivative there is -(a + b)³/(ab)", second.subs(place, top), bend),
             negative("the second derivative on 0 < y < 1", second.subs(1 - place, rest).subs(place - 1, -rest))]
    return Step(
        "The maximum at one point",
        (Line("At one x write a = p(x), b = p_G(x) and y = D(x). The integrand of V is",
              Eq(Function("f")(Y), Total(A * log(Y), B * log(1 - Y)))),
         Line("Its slope vanishes at one place:", Eq(Function("f'")(Y), Total(A / Y, -B / (1 - Y)))),
         Line("", Eq(Symbol("y*"), top)),
         Line("The second derivative is negative for every y between 0 and 1, so f is strictly concave and this is its "
              "only maximum:", Eq(Function("f''")(Y), Total(-A / Y**2, -B / (1 - Y) ** 2))),
         Line("", Eq(Function("f''")(Symbol("y*")), bend))),
        resting_on(found), account(found),
        "A common note calls a curve with f'' > 0 concave and then says that concave means a maximum. Sign and word do "
        f"not match: f'' > 0 is a minimum. Here, with a = b = 1, f'' = {n(bend.subs({A: 1, B: 1}))} at the top.")


def optimal_discriminator() -> Step:
    at = P / (P + Q)
    proofs = [identity("log D*/(1 - D*) = log p/p_G", log(at / (1 - at)), log(P / Q)),
              identity("D* = 1/2 where p = p_G", at.subs(Q, P), sympy.S.Half)]
    highest = value(1, 0, 6)
    checks = [ordered(f"{words} is below V at the optimum", value(1, mp.mpf(moved), 6), highest) for words, moved in
              (("for p = N(0, 1) and p_G = N(1, 1), V with the logit 0.1 too low", "-0.1"),
               ("V with the logit 0.1 too high", "0.1"))]
    return Step(
        "The best discriminator",
        (Line("V is an integral over x and D is free at each x, so the maximum is taken point by point:",
              Eq(best(X), p(X) / (p(X) + q(X)))),
         Line("Where p and p_G both vanish, D is arbitrary: no sample falls there. With D = 1/(1 + exp(-v)) the best "
              "logit is the log-ratio of the densities:", Eq(Function("v*")(X), log(p(X) / q(X)))),
         Line("If p_G = p, then D* = 1/2 and v* = 0. In training neither density is known; D only approaches D*.")),
        resting_on(proofs, checks), account([*proofs, *checks]))


def generator_cost() -> Step:
    middle = (P + Q) / 2
    left = P * log(P / (P + Q)) + Q * log(Q / (P + Q))
    right = -(P + Q) * log(2) + P * log(P / middle) + Q * log(Q / middle)
    direct, js = value(1, 0, 6), jensen_shannon(1, 8)
    by_kl = -mp.log(4) + kl_to_mixture(0, 1, 5) + kl_to_mixture(1, 0, 7)
    proofs = [identity("the integrands are equal", left, right)]
    checks = [equal("for p = N(0, 1) and p_G = N(1, 1), V(D*, G) = -log 4 + KL + KL by quadrature", direct, by_kl),
              equal("V(D*, G) = -log 4 + 2 JS", direct, 2 * js - mp.log(4))]
    return Step(
        "The generator's cost is a divergence",
        (Line("Put D* into V. With m = (p + p_G)/2, a factor 2 in each denominator, and both densities of mass 1:",
              Chain(COST(G), Extremum("max", D, VALUE(D, G)),
                    Total(Mean(log(p(X) / (p(X) + q(X))), X, REAL), Mean(log(q(X) / (p(X) + q(X))), X, MADE)),
                    Total(-log(4), Discrepancy("KL", REAL, Symbol("m")), Discrepancy("KL", MADE, Symbol("m"))),
                    Total(-log(4), 2 * Discrepancy("JS", REAL, MADE)))),
         Line("For p = N(0, 1) and p_G = N(1, 1):", f"C = {n(direct, 25)}, JS = {n(js, 25)}")),
        resting_on(proofs, checks), account([*proofs, *checks]))
