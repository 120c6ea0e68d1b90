"""f-GANs: an f-divergence D_f(p, q) = int q f(p/q), u = p/q, and the zero-sum game that measures it.

Nowozin, Cseke and Tomioka 2016, tables 1 and 2, where nothing else is said. m is the middle (p + q)/2.
"""

from __future__ import annotations

from ganworks.design.building import from_divergence
from ganworks.design.design import Design

NOWOZIN = "Nowozin, Cseke and Tomioka 2016, table 1"


def total_variation() -> Design:
    """Return total variation, int |p - q| / 2, as an f-divergence; its critic only says which density is larger."""
    return from_divergence("abs(u - 1)/2", "total_variation", NOWOZIN)


def kl() -> Design:
    """Return the Kullback-Leibler divergence KL(p, q), which punishes missing modes; infinite on disjoint supports."""
    return from_divergence("u*log(u)", "kl", NOWOZIN)


def reverse_kl() -> Design:
    """Return the reverse Kullback-Leibler divergence KL(q, p), which punishes samples where there is no data."""
    return from_divergence("-log(u)", "reverse_kl", NOWOZIN)


def pearson_chi2() -> Design:
    """Return the Pearson chi-square divergence, int (p - q)^2 / q."""
    return from_divergence("(u - 1)^2", "pearson_chi2", NOWOZIN)


def neyman_chi2() -> Design:
    """Return the Neyman chi-square divergence, int (p - q)^2 / p."""
    return from_divergence("(1 - u)^2/u", "neyman_chi2", NOWOZIN)


def squared_hellinger() -> Design:
    """Return the squared Hellinger distance, int (sqrt p - sqrt q)^2, bounded by 2."""
    return from_divergence("(sqrt(u) - 1)^2", "squared_hellinger", NOWOZIN)


def jeffrey() -> Design:
    """Return the Jeffrey divergence KL(p, q) + KL(q, p); with the logit output no Lambert function is needed."""
    return from_divergence("(u - 1)*log(u)", "jeffrey", NOWOZIN)


def js() -> Design:
    """Return the Jensen-Shannon divergence JS(p, q), bounded by log 2."""
    return from_divergence("(u*log(u) - (u + 1)*log((1 + u)/2))/2", "js", "Lin 1991; half of Nowozin et al.'s form")


def js_2x() -> Design:
    """Return twice the Jensen-Shannon divergence, which the f-GAN paper calls Jensen-Shannon."""
    return from_divergence("u*log(u) - (u + 1)*log((1 + u)/2)", "js_2x", NOWOZIN)


def gan() -> Design:
    """Return the first paper's divergence as an f-GAN: 2 JS(p, q) - log 4."""
    return from_divergence("u*log(u) - (u + 1)*log(u + 1)", "gan", NOWOZIN)


def vincze_le_cam() -> Design:
    """Return the Vincze-Le Cam divergence, int (p - q)^2 / (p + q), that of least squares; bounded by 2."""
    return from_divergence("(u - 1)^2/(u + 1)", "vincze_le_cam", "Vincze 1981; Le Cam 1986")


def alpha(alpha: float = 1.5) -> Design:
    """Return the alpha-divergence with f'' = u^(alpha - 2), bounded for 0 < alpha < 1.

    Args:
        alpha: not 0 (reverse_kl) and not 1 (kl).
    """
    return from_divergence("(u^alpha - 1 - alpha*(u - 1))/(alpha*(alpha - 1))", "alpha", "Amari 1985; Nowozin et al. "
                                                                                         "2016",
                           alpha=alpha)


def js_weighted(weight: float = 0.3) -> Design:
    """Return the Jensen-Shannon divergence with a weight on p other than 1/2.

    Args:
        weight: of p in the mixture, in (0, 1).
    """
    return from_divergence("w*u*log(u) - (1 - w + w*u)*log(1 - w + w*u)", "js_weighted", "Lin 1991; Huszar "
                                                                                         "2015", w=weight)


def k_divergence() -> Design:
    """Return the K-divergence KL(p, m)."""
    return from_divergence("u*log(2*u/(1 + u))", "k_divergence", "Lin 1991, eq. 3.1")


def softened_reverse_kl() -> Design:
    """Return 2 KL(m, p), which the non-saturating generator descends, here as a zero-sum game of its own."""
    return from_divergence("(1 + u)*log((1 + u)/(2*u)) + u - 1", "softened_reverse_kl", "Shannon et al. 2020")


def arithmetic_geometric() -> Design:
    """Return the arithmetic-geometric divergence, int (p + q) log((p + q) / (2 sqrt(p q)))."""
    return from_divergence("(1 + u)*log((1 + u)/(2*sqrt(u)))", "arithmetic_geometric", "Taneja 1995")


def perimeter() -> Design:
    """Return the perimeter divergence, int sqrt(p^2 + q^2) - sqrt 2; bounded."""
    return from_divergence("sqrt(1 + u^2) - (1 + u)/sqrt(2)", "perimeter", "Oesterreicher 1982")
