"""The games people train, by the terms of their losses: critics with a generator of its own beside them.

In the notation of the designs t is high for generated samples; the raw output v is high for real ones. "At the best
critic" is said of what the generator then descends.
"""

from __future__ import annotations

from ganworks.design.building import from_terms
from ganworks.design.design import Design
from ganworks.errors import UserError

FIRST = "Goodfellow et al. 2014"


def _cross_entropy(name: str, reference: str) -> Design:
    return from_terms("-softplus(t)", "-softplus(-t)", name=name, reference=reference)


def minimax() -> Design:
    """Return the game of the first paper: the generator minimises E log(1 - D(G(z))); 2 JS - log 4."""
    return _cross_entropy("minimax", f"{FIRST}, eq. 1")


def nonsaturating() -> Design:
    """Return the first paper's critic with a generator that maximises E log D(G(z)); it descends 2 KL(m, p), not JS."""
    return _cross_entropy("nonsaturating", f"{FIRST}, section 3").with_generator("softplus(t)", "softplus(t)")


def bce_reverse_kl() -> Design:
    """Return the cross-entropy critic with the generator cost t: it descends KL(q, p)."""
    return _cross_entropy("bce_reverse_kl", "Mescheder et al. 2017, Huszar 2016").with_generator("t", "-exp(t)")


def bce_kl() -> Design:
    """Return the cross-entropy critic with the generator cost -exp(-t): it descends KL(p, q), maximum likelihood."""
    return _cross_entropy("bce_kl", "Goodfellow 2014, on distinguishability criteria").with_generator("-exp(-t)", "-t")


def bce_chi2() -> Design:
    """Return the cross-entropy critic with the generator cost exp(t): it descends half the Neyman chi-square."""
    return _cross_entropy("bce_chi2", "this project").with_generator("exp(t)", "-exp(2*t)/2")


def bce_tanh() -> Design:
    """Return the cross-entropy critic with the bounded generator cost tanh(t/2): it descends 2 KL(p, m)."""
    return _cross_entropy("bce_tanh", "this project").with_generator("tanh(t/2)")


def bce_clipped() -> Design:
    """Return the cross-entropy critic with the generator cost min(t, 0): no force on samples the critic rejects."""
    return _cross_entropy("bce_clipped", "this project, as a warning").with_generator("min(t, 0)")


def lsgan(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Design:
    """Return least squares: the critic regresses fakes to a and reals to b, the generator aims at c.

    Mao et al. 2017, eq. 2, on the raw output v = -t. The best output is a + (b - a) sigma(log p/q). Only c >= b pushes
    the generator the right way at every ratio; the middle c = (a + b)/2 does not (docs/theory.md, F6).

    Args:
        a: label of generated samples; b: label of real ones, b > a; c: what the generator wants the critic to say.
    """
    if not float(b) > float(a):
        raise UserError(f"lsgan: a = {a}, b = {b}", "b > a: the label of real samples is the higher one",
                        f"swap them: a = {b}, b = {a}")
    critic = from_terms("-(t + b)^2/2", "-(t + a)^2/2", name="lsgan", reference="Mao et al. 2017, eq. 2", a=a, b=b)
    return critic.with_generator("(t + c)^2/2", c=c).with_output("linear")


def lsgan_middle() -> Design:
    """Return least squares with labels -1, 1 and the aim 0 between them, note 002's own example: a warning.

    Its value is least where p = q, but the generator does not descend it (docs/theory.md, F6).
    """
    return lsgan(-1, 1, 0).named("lsgan_middle", "Mao et al. 2017, eq. 8")


def hinge() -> Design:
    """Return the hinge game: total variation, with a margin on either side.

    The best output is the sign of log p/q.
    """
    critic = from_terms("-max(0, 1 + t)", "-max(0, 1 - t)", name="hinge",
                        reference="Lim and Ye 2017, eq. 5-7; Miyato et al. 2018, eq. 16, 17")
    return critic.with_generator("t", "-t")


def wgan() -> Design:
    """Return the Wasserstein game: the critic's gap in mean output, which only a Lipschitz bound keeps finite.

    Train it with weight clipping, a gradient penalty or spectral normalisation.
    """
    return from_terms("-t", "t", lipschitz=1, name="wgan", reference="Arjovsky et al. 2017, eq. 2, 3")
