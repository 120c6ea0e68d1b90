"""The verdicts on inputs that are known to be good, doubtful or wrong, with the reason for each."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ganworks.design import Design, from_divergence, from_likelihood_ratio, from_terms, solve_generator

RATIO = from_likelihood_ratio


def bce() -> Design:
    return from_terms("-log(1+exp(t))", "-log(1+exp(-t))")


def squares() -> Design:
    return from_terms("-(t-a)^2", "-(t-b)^2", a=-1, b=1)


ACCEPTED: dict[str, Callable[[], Design]] = {
    "negative Omega": lambda: RATIO("-1/r", "1"), "isolated flat points": lambda: RATIO("r+sin(r)", "1"),
    "two branches": lambda: RATIO("r^2", "1"), "integrable pole": lambda: RATIO("r", "1/sqrt(abs(t-1))"),
    "a shift": lambda: RATIO("log(r)", "2+sin(t)"), "Pearson and a line": lambda: from_divergence("(u-2)^2"),
    "a kink": lambda: from_divergence("max(u,1/u)-1"), "swapped": lambda: from_terms("-softplus(-t)", "-softplus(t)"),
    "swapped pair": lambda: RATIO("-log(r)", "-1/(1+exp(-t))"), "kepler": lambda: RATIO("r+sin(r)/2", "1"),
    "reverse KL": lambda: bce().with_generator("t"), "non-saturating": lambda: bce().with_generator("softplus(t)"),
    "KL": lambda: bce().with_generator("-exp(-t)"), "bounded": lambda: bce().with_generator("tanh(t/2)"),
    "aim at real": lambda: squares().with_generator("(t+1)^2"), "tv": lambda: from_terms("-t", "t", "[-1,1]"),
    "hinge": lambda: from_terms("-max(0,1+t)", "-max(0,1-t)").with_generator("t"),
    "wasserstein": lambda: from_terms("-t", "t", lipschitz=1),
}
WARNED: dict[str, Callable[[], Design]] = {
    "aim in the middle": lambda: squares().with_generator("t^2", "t^2"),
    "solved for": lambda: solve_generator(squares(), "(r-1)^2/(r+1)"),
    "one-sided": lambda: bce().with_generator("min(t,0)"),
}
REJECTED: dict[str, tuple[Callable[[], Design], str]] = {
    "not monotone": (lambda: RATIO("(r-1)^2", "1"), "omega.increasing"),
    "falls": (lambda: RATIO("-log(r)", "1"), "omega.increasing"),
    "undefined": (lambda: RATIO("log(r-1)", "1"), "omega.defined"),
    "flat": (lambda: RATIO("min(r,2)", "1"), "omega.increasing"),
    "rho changes sign": (lambda: RATIO("r", "1-t"), "rho.positive"),
    "a pole at omega(1)": (lambda: RATIO("log(r)", "1/t^2"), "psi.finite"),
    "constant beta": (lambda: bce().with_generator("3"), "beta.constant"),
    "falling beta": (lambda: bce().with_generator("-t", "t*exp(t)+(exp(t)-1)^2"), "beta.monotone"),
    "waving beta": (lambda: bce().with_generator("sin(t)"), "beta.monotone"),
    "aim at fake": (lambda: squares().with_generator("(t-1)^2"), "beta.monotone"),
    "flat beta": (lambda: bce().with_generator("max(t-1,0)"), "beta.constant"),
    "concave": (lambda: from_divergence("-u*log(u)"), "d.convex"),
    "affine": (lambda: from_divergence("2*(u-1)"), "affine"),
    "not strict": (lambda: from_divergence("max(u-2,0)"), "d.strict"),
    "domain of f": (lambda: from_divergence("sqrt(1-u^2)"), "f.defined"),
    "unbounded": (lambda: from_terms("-t", "t"), "unbounded"),
    "a minimum": (lambda: from_terms("t^2", "t"), "maximum"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    certificate = ACCEPTED[name]().certificate()
    assert certificate.verdict == "accept", certificate.text()
    assert json.loads(json.dumps(certificate.to_json()))["verdict"] == "accept"


@pytest.mark.parametrize("name", WARNED)
def test_warned(name: str) -> None:
    certificate = WARNED[name]().certificate()
    assert certificate.verdict == "warn", certificate.text()
    if name == "aim in the middle":
        # The numbers of docs/theory.md, F6, from quadrature in another program.
        assert "+0.1215" in certificate.text()
        assert "-1.4118" in certificate.text()


@pytest.mark.parametrize("name", REJECTED)
def test_rejected(name: str) -> None:
    make, code = REJECTED[name]
    certificate = make().certificate()
    assert certificate.verdict == "reject", certificate.text()
    worst = certificate.problems()[0]
    assert worst.code == code
    assert worst.status == "refuted"
    assert worst.evidence
