"""Designs from a likelihood-ratio pair: omega(r), the wanted best critic, and rho(t) > 0, r = q/p; zero-sum games.

The construction is Moustakides and Basioti 2020, arXiv 1911.00405; those that say "this project" are in no paper that
we know of.
"""

from __future__ import annotations

from ganworks.design.building import from_likelihood_ratio, from_terms
from ganworks.design.design import Design

PAPER, HERE = "Moustakides and Basioti 2020", "this project"


def gan_logit() -> Design:
    """Return the first paper's game from omega = log r: the critic says the log ratio; 2 JS."""
    return from_likelihood_ratio("log(r)", "1/(1 + exp(t))", "gan_logit", "Goodfellow et al. 2014")


def gan_prob() -> Design:
    """Return the first paper's game from omega = r/(1 + r): the critic says the probability of a fake; 2 JS."""
    return from_likelihood_ratio("r/(1 + r)", "1/t", "gan_prob", "Goodfellow et al. 2014")


def cross_entropy_ratio() -> Design:
    """Return cross-entropy on the ratio itself, omega = r; 2 JS."""
    return from_likelihood_ratio("r", "1/(t*(1 + t))", "cross_entropy_ratio", PAPER)


def exponential() -> Design:
    """Return the exponential GAN, omega = log(r)/2: squared Hellinger."""
    return from_likelihood_ratio("log(r)/2", "exp(-t)", "exponential", PAPER)


def lsgan_ratio(a: float = 0.0, b: float = 1.0) -> Design:
    """Return the least-squares critic as a zero-sum game: Vincze-Le Cam.

    Args:
        a: label of real samples; b: label of generated ones, b > a.
    """
    return from_likelihood_ratio("(a + b*r)/(1 + r)", "2*(b - t)", "lsgan_ratio", "Mao et al. 2017", a=a, b=b)


def tv() -> Design:
    """Return total variation as a critic within [-1, 1]: int |p - q|."""
    return from_terms("-t", "t", "[-1, 1]", name="tv", reference=PAPER)


def kl_pq_ratio() -> Design:
    """Return KL(p, q) from omega = r, which note 002 says cannot be had."""
    return from_likelihood_ratio("r", "1/t^2", "kl_pq_ratio", HERE)


def kl_qp_logit() -> Design:
    """Return KL(q, p) from omega = log r."""
    return from_likelihood_ratio("log(r)", "1", "kl_qp_logit", PAPER)


def meansquare() -> Design:
    """Return the mean-square design, omega = r: half the Neyman chi-square."""
    return from_likelihood_ratio("r", "1", "meansquare", PAPER)


def power(a: float = 0.5, b: float = 1.0) -> Design:
    """Return the power family omega = r^a, rho = t^b: an alpha-divergence.

    Args:
        a: above 0; b: above -1.
    """
    return from_likelihood_ratio("r^a", "t^b", "power", PAPER, a=a, b=b)


def tanh_k(k: float = 3.0) -> Design:
    """Return omega = tanh(k log(r) / 2): from 2 KL(p, m) at k = 1 to total variation as k grows.

    Args:
        k: steepness, above 0.
    """
    return from_likelihood_ratio("tanh(k*log(r)/2)", "1", "tanh_k", PAPER, k=k)


def circle() -> Design:
    """Return omega = atan r, in which the critic picks an angle: the perimeter divergence, bounded costs."""
    return from_likelihood_ratio("atan(r)", "cos(t)", "circle", HERE)


def kdiv_linear() -> Design:
    """Return omega = (r - 1)/(r + 1) with a generator cost linear in t: 2 KL(p, m)."""
    return from_likelihood_ratio("(r - 1)/(r + 1)", "1", "kdiv_linear", HERE)


def log1p() -> Design:
    """Return omega = log(1 + r): KL(p, m), the divergence of kdiv_linear in other clothes."""
    return from_likelihood_ratio("log(1 + r)", "exp(-t)", "log1p", HERE)


def arctan() -> Design:
    """Return omega = log r, rho = sech(t)/2: a bounded cost on fakes."""
    return from_likelihood_ratio("log(r)", "sech(t)/2", "arctan", HERE)


def skew_js(weight: float = 0.3) -> Design:
    """Return cross-entropy with a prior other than 1/2: weighted JS.

    Args:
        weight: in (0, 1).
    """
    return from_likelihood_ratio("log(r)", "1/(w + (1 - w)*exp(t))", "skew_js", HERE, w=weight)


def lambertw() -> Design:
    """Return omega = r + log r, whose inverse is Lambert's W: KL(q, p) + chi2/2."""
    return from_likelihood_ratio("r + log(r)", "1", "lambertw", HERE)


def asinh() -> Design:
    """Return omega = asinh r."""
    return from_likelihood_ratio("asinh(r)", "1", "asinh", HERE)


def kepler() -> Design:
    """Return omega = r + sin(r)/2, which has no closed inverse (Kepler's equation)."""
    return from_likelihood_ratio("r + sin(r)/2", "1", "kepler", HERE)


def tanh_plus() -> Design:
    """Return omega = r + tanh r, without a closed inverse."""
    return from_likelihood_ratio("r + tanh(r)", "1", "tanh_plus", HERE)


def mixed() -> Design:
    """Return omega = log r + r^2 with rho = exp(-t), without elementary phi."""
    return from_likelihood_ratio("log(r) + r^2", "exp(-t)", "mixed", HERE)


def cubic_flat() -> Design:
    """Return omega = (r - 1)^3 + 1, flat at r = 1: a divergence of fourth order there."""
    return from_likelihood_ratio("(r - 1)^3 + 1", "1", "cubic_flat", HERE)
