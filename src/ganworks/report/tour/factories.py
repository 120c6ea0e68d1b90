"""Chapter 2: the two factories of GANs, from a divergence and from a likelihood ratio."""

from __future__ import annotations

from html import escape

import sympy

from ganworks.design import Design, entry_named, from_likelihood_ratio
from ganworks.design.symbols import R, T, U
from ganworks.report.design_picture import picture_svgs
from ganworks.report.tour.parts import Chapter, folded, formula, heading, math_html, number, slip, table, words

F_GANS = ("kl", "reverse_kl", "pearson_chi2", "squared_hellinger", "js", "total_variation")
KL = (("r", "1/t^2"), ("log(r)", "exp(-t)"), ("-1/r", "1"))
"""Three pairs (omega, rho) that all measure KL(p, q)."""
GENERATORS = ("t", "softplus(t)", "-softplus(-t)", "-exp(-t)", "max(t - 1, 0)", "-t")
"""Generators on the cross-entropy critic."""


def chapter(seed: int = 0) -> Chapter:
    """Return the chapter, computed."""
    worked = from_likelihood_ratio("log(r)/2", "exp(-t)")
    certificate = worked.certificate()
    pictures = "".join(f"<div><h3>{escape(title)}</h3>{svg}</div>" for title, svg in picture_svgs(worked))
    body = "".join([
        words("An adversarial loss can be built from either end. Start with the divergence you want, and find the "
              "critic that measures it: the f-GAN factory. Or start with the critic, an increasing function of the "
              "likelihood ratio, and find out what it measures: the factory of Designing GANs. Here u = p/q and "
              "r = q/p, where p is real and q generated."),
        heading("From a divergence: f-GAN"),
        words("A convex f with f(1) = 0 gives the divergence D(p, q) = ∫ q f(p/q). Its conjugate "
              "f*(T) = sup over u of uT - f(u) turns it into a game: the critic maximises E_p T - E_q f*(T), and the "
              "best T is f'(p/q)."),
        _f_gans(),
        slip("Names go by the integral, not by habit: f = (u - 1)² is ∫ (p - q)²/q, Pearson's; (1 - u)²/u is "
             "Neyman's. And u log u - (u + 1) log((u + 1)/2) is twice the Jensen-Shannon divergence."),
        heading("From a likelihood ratio: Designing GANs"),
        words("Choose the critic's answer t = omega(r), increasing in r, and a positive weight rho(t). Then psi' = "
              "rho and phi'(t) = -omega⁻¹(t) rho(t), and the critic that maximises E_p phi(t) + E_q psi(t) answers "
              "omega(q/p). What it measures is E_p d(q/p) with d''(r) = rho(omega(r)) omega'(r), so d is convex "
              "whatever was chosen. Take omega(r) = log(r)/2 and rho(t) = exp(-t):"),
        formula(*(sympy.Eq(sympy.Function(name)(letter), value, evaluate=False) for name, letter, value in
                  (("phi", T, worked.phi), ("psi", T, worked.psi), ("d", R, worked.d)) if value is not None)),
        words(f"That is the {worked.divergence_name}. The certificate says: {certificate.verdict}, on "
              f"{len(certificate.checks)} checks."),
        f"<div class='curves'>{pictures}</div>",
        folded("The derivation, step by step", worked.derivation().fragment()),
        slip("This family has been called a strict part of the f-GANs that cannot give KL. It gives every f-GAN with "
             "a smooth f, and KL(p, q) at least three times over:"),
        _three_kls(),
        heading("The generator need not follow"),
        words("Nothing forces the generator to minimise what the critic maximises. Against the best critic, minimising "
              "E_q beta(t) descends E_p H(q/p) with H'(r) = beta(omega(r)): a divergence exactly if beta increases "
              "and is not flat at t = omega(1). On the cross-entropy critic, omega(r) = log r:"),
        _generators()])
    return Chapter("factories", "Two factories", "From a divergence to a critic, and from a critic to a divergence.",
                   body)


def _f_gans() -> str:
    rows = []
    for name in F_GANS:
        design = entry_named(name)
        assert isinstance(design, Design)
        f = design.given["f"]
        slope = sympy.diff(f, U)
        rows.append([f"<b>{escape(name)}</b>", math_html(f, False), math_html(sympy.simplify(slope), False),
                     number(float(design.conjugate_at(0.0))), number(design.disjoint)])
    return table(["divergence", "f(u)", "best T = f'(u)", "f*(0)", "on supports apart"], rows)


def _three_kls() -> str:
    rows = []
    for omega, rho in KL:
        design = from_likelihood_ratio(omega, rho)
        rows.append([math_html(design.given["omega"], False), math_html(design.given["rho"], False),
                     "" if design.d is None else math_html(design.d, False), design.divergence_name or "?"])
    return table(["omega(r)", "rho(t)", "d(r)", "measures"], rows)


def _generators() -> str:
    critic, rows = from_likelihood_ratio("log(r)", "1/(1 + exp(t))"), []
    for beta in GENERATORS:
        design = critic.with_generator(beta)
        certificate = design.certificate()
        said = certificate.problems()
        name = design.generator_divergence
        amounts = str(name) if name is not None else said[0].reason if said else ""
        rows.append([math_html(design.given["beta"], False), certificate.verdict, amounts])
    return table(["beta(t)", "verdict", "what it descends, or why not"], rows)
