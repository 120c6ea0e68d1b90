"""The derivation of a design, from what was given to the costs that are trained, each step tested when it is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy
from mpmath import mp
from sympy import Function, Symbol

from ganworks.design import explain_corners as corners
from ganworks.design import explain_critic as critics
from ganworks.design import explain_generator as generators
from ganworks.design import explain_measure as measures
from ganworks.design.calculus import DIGITS
from ganworks.design.certificate import FATAL, Certificate, Check
from ganworks.design.claims import account, resting_on
from ganworks.design.corners import CornerCritic, LipschitzCritic
from ganworks.design.critic import Critic
from ganworks.design.derivation import Derivation, Line, Step
from ganworks.design.design import Design
from ganworks.design.explain_claims import GREEK, OMEGA, effort, eq, identical, lettered, samples
from ganworks.design.force import force_on_scale
from ganworks.design.limits import CANNOT, attempt
from ganworks.design.symbols import R, T, U
from ganworks.design.terms_critic import TermsCritic
from ganworks.errors import UserError

SECONDS = 10.0
"""After which a step is given up."""
Builder = Callable[[Design], Step | None]
UNDECIDED, NO_CHECKS = "not decided", "checks"
LETTERS = {"f": U, "omega": R}


def explain(design: Design) -> Derivation:
    """Return the derivation of a whole design.

    A step that cannot be worked out says so and the rest follows; a design that is none, or whose certificate rejects
    it, ends with a refuted step that holds the reason, a counterexample and the remedy.

    Args:
        design: as ``from_divergence``, ``from_likelihood_ratio`` or ``from_terms`` return it. Its certificate is made
            if it has none yet, which is most of the time that this takes.
    """
    certificate = _certificate(design)
    steps = []
    with mp.workdps(DIGITS), effort():
        for title, build in _plan(design, certificate):
            step = _tried(title, build, design, certificate)
            steps += [step] if step is not None else []
    steps += _verdict(design, certificate)
    return Derivation(_title(design), tuple(map(lettered, steps)), _summary(design, certificate))


def _certificate(design: Design) -> Certificate:
    try:
        return design.certificate()
    except (UserError, *CANNOT) as error:
        return Certificate(f"{UNDECIDED}: the checks could not be made", (Check(
            NO_CHECKS, "undecided", "the checks could not be made", str(error).partition("\n")[0],
            "give every letter a value, or simplify the formulas"),))


def _plan(design: Design, certificate: Certificate) -> Sequence[tuple[str, Builder]]:
    """The steps that make sense for this design, with what each is about."""
    start: list[tuple[str, Builder]] = [("What was given", given)]
    if design.trouble is not None:
        return start
    critic = design.critic
    if isinstance(critic, LipschitzCritic):
        return [*start, ("The metric", corners.lipschitz), ("The bound", corners.unbounded),
                ("The generator", corners.lipschitz_generator), ("The game around p = q", generators.local),
                ("The costs", generators.costs)]
    short = _fatal(certificate.checks) or _without_checks(certificate)
    if isinstance(critic, CornerCritic):
        first: list[tuple[str, Builder]] = [("The corners", corners.corners), ("The best critic", corners.largest_line)]
        rest: list[tuple[str, Builder]] = [("The limit", corners.limit)]
    else:
        first = [("The terms of the loss", critics.terms)]
        rest = [("The best critic", critics.best_critic), ("The constants", critics.shifts),
                ("What the best critic earns", critics.convexity)]
    if short:
        return [*start, *first]
    return [*start, *first, *rest, ("What it measures", measures.measure),
            ("Densities that do not overlap", measures.disjoint), ("What the generator descends", generators.descends),
            ("A term on real samples", generators.alpha), ("Value and gradient", value_and_gradient),
            ("The game around p = q", generators.local), ("The costs", generators.costs)]


def _tried(title: str, build: Builder, design: Design, certificate: Certificate) -> Step | None:
    """Return the step, None where there is nothing to say, or a step that says that it could not be worked out."""
    missing = Step(title, (Line("This step could not be worked out for these formulas."),), "stated",
                   "Nothing is claimed here: sympy or the numeric fallback gave up, or took too long.")
    try:
        step = attempt(SECONDS, title, lambda: (build(design),))
    except UserError as error:
        return Step(title, (Line("This step could not be worked out."),), "stated", error.problem)
    if step is None:
        return None if certificate.verdict == "reject" or _without_checks(certificate) else missing
    if step[0] is not None and step[0].status == "refuted" and certificate.verdict == "reject":
        return None if build is not value_and_gradient else step[0]  # the last step says what is wrong
    return step[0]


def given(design: Design) -> Step:
    """Return the step on the formulas as they were read, and the letters."""
    lines = [Line("", eq(Function(name)(LETTERS.get(name, T)), formula) if name != "lipschitz" else
                  eq(Symbol("K"), formula)) for name, formula in design.given.items()]
    if design.given_domain is not None and "lipschitz" not in design.given:
        lines.append(Line("for t in", interval(design.given_domain)))
    lines.append(Line("p is the density of real samples, q that of generated ones, r = q/p and u = p/q. A high t means "
                      "generated. The critic maximises E_p phi(t) + E_q psi(t); everything is a mean over samples."))
    if design.open_letters:
        lines.append(Line("Letters without a value stay in the formulas. Whatever is looked at in numbers is looked at "
                          "for one choice of them only:", samples(design)))
    if "f" in design.given:
        lines.append(Line("f is that of the divergence, the integral of q f(p/q)."))
    critic = None if design.trouble is not None else design.critic
    found = []
    if critic is not None and critic.labels_swapped:
        lines.append(Line("The labels were swapped: as given, real is high. t -> -t turns them; from here on generated "
                          "is high, and the formulas are"))
        lines += [Line("", eq(Function(name)(LETTERS.get(name, T)), formula)) for name, formula in _turned(critic)]
        found = [identical(f"{name}, turned", formula, _flip(name, design.given[name]), LETTERS.get(name, T),
                           critic.outputs if isinstance(critic, TermsCritic) else ())
                 for name, formula in _turned(critic) if isinstance(critic, TermsCritic)]
    omega = attempt(SECONDS, "range", lambda: design.domain) if isinstance(critic, Critic) else None
    if isinstance(omega, sympy.Interval):
        lines.append(Line("The best critic's range, Omega, is", interval(omega)))
    note = ""
    if critic is not None and critic.labels_swapped:
        note = ("Note 002 asks for rho > 0 and a rising omega. With the labels the other way round both signs turn and "
                "the design is as good; only one of the two turned makes a minimum.")
    return Step("What was given", tuple(lines), resting_on(found) if found else "defined",
                account(found) or "Definitions.", note)


def _turned(critic: object) -> list[tuple[str, sympy.Expr]]:
    assert isinstance(critic, Critic)
    return [(name, formula) for name, formula in critic.given.items()]


def _flip(name: str, formula: sympy.Expr) -> sympy.Expr:
    return formula.subs(T, -T)


def interval(domain: sympy.Set) -> str:
    """Return an interval in words."""
    if domain == sympy.S.Reals or not isinstance(domain, sympy.Interval):
        return "all real numbers" if domain == sympy.S.Reals else str(domain)
    if domain.start == -sympy.oo and domain.end == sympy.oo:
        return "all real numbers"
    ends = ["infinity" if end == sympy.oo else "-infinity" if end == -sympy.oo else str(end)
            for end in (domain.start, domain.end)]
    return f"{'(' if domain.left_open else '['}{ends[0]}, {ends[1]}{')' if domain.right_open else ']'}"


def value_and_gradient(design: Design) -> Step | None:
    """Return the step that refutes a value which the generator does not descend; None where there is none."""
    if design.zero_sum or not isinstance(design.critic, Critic):
        return None
    bad = [c for c in design.certificate().checks
           if c.code in ("beta.monotone", "gradient.consistent", "conclusion2") and c.status in ("warned", "refuted")]
    if not bad:
        return None
    force = force_on_scale(design)
    lines = [Line("One would say that the generator descends the value of its loss at the best critic,",
                  sympy.Add(Function("alpha")(OMEGA(R)), R * Function("beta")(OMEGA(R)), evaluate=False)),
             Line("It follows beta(omega(r)) instead. Take p = N(0, 1), q = N(0, s²) at s = 1/2, and the best critic. "
                  "The slopes in s:", f"followed {force.followed:+.4f}, of the value {force.claimed:+.4f}")]
    if force.followed * force.claimed < 0:
        lines.append(Line("The signs differ: the generator walks away from what its loss is said to measure."))
    note = ("Note 002 finds the middle target c = (a + b)/2 for least squares by its conclusion 2, from d alone. The "
            "value is right and the gradient is wrong: beta falls on the half of Omega where r < 1, and its slope at "
            "omega(1) is 0. Aim at the real label, c = a, or play the zero-sum game."
            if _aims_at_the_middle(design) else generators.CONCLUSION)
    return Step("The value is not what the generator descends", tuple(lines), "refuted",
                f"{_sentence(bad[0].reason)} ({bad[0].evidence}).", note)


def _aims_at_the_middle(design: Design) -> bool:
    named, beta, stiff = design.divergence, design.beta, design.stiffness
    least_squares = named is not None and named.name == "vincze_le_cam" and beta is not None and beta.is_polynomial(T)
    return bool(least_squares and sympy.degree(beta, T) == 2 and stiff is not None and abs(stiff) < 1e-20)


def _sentence(words: str) -> str:
    """Return words with a capital at the front, unless a Greek letter's name stands there: Omega is another letter."""
    return words if words.split(" ")[0].strip(",:'") in GREEK else f"{words[:1].upper()}{words[1:]}"


def _verdict(design: Design, certificate: Certificate) -> list[Step]:
    """The last step: what is refuted, undecided or warned of; none for a design without blemish."""
    problems = certificate.problems()
    if not problems:
        return []
    if certificate.verdict == "reject":
        no_gan = design.trouble is not None or _fatal(problems)
        title, status = "Why this is no GAN" if no_gan else "Why this is rejected", "refuted"
    elif certificate.verdict == "warn":
        title, status = "What the certificate warns of", "checked"
    else:
        title, status = "What is not decided", "stated"
    lines = []
    for check in problems:
        lines.append(Line(f"{_sentence(check.reason)}."))
        lines += [Line(f"Shown by: {check.evidence}.")] if check.evidence else []
        lines += [Line(f"To do: {check.remedy}.")] if check.remedy else []
    how = "; ".join(f"{check.code}: {check.status}" for check in problems)
    return [Step(title, tuple(lines), status, f"The certificate's verdict is {certificate.verdict}. {how}.")]  # type: ignore[arg-type]


def _fatal(problems: Sequence[Check]) -> bool:
    return any(check.status == "refuted" and check.code in FATAL for check in problems)


def _without_checks(certificate: Certificate) -> bool:
    return any(check.code == NO_CHECKS for check in certificate.checks)


def _title(design: Design) -> str:
    if design.name:
        return f"Derivation: {design.name}"
    return "From a divergence to a GAN" if "f" in design.given else (
        "From a likelihood-ratio pair to a GAN" if "omega" in design.given else "From loss terms to a GAN")


def _summary(design: Design, certificate: Certificate) -> str:
    parts = [f"Verdict: {certificate.verdict}."]
    if certificate.verdict in ("accept", "warn") and design.trouble is None:
        parts.append(f"The best critic measures {design.divergence_name or 'a divergence without a name of its own'}.")
        named = None if isinstance(design.critic, LipschitzCritic) else design.generator_divergence
        if design.zero_sum and not isinstance(design.critic, LipschitzCritic):
            parts.append("The game is zero-sum: the generator descends the same.")
        elif named is not None:
            parts.append(f"Against it the generator descends {named}.")
    if design.reference:
        parts.append(f"Reference: {design.reference}.")
    parts.append("Each step says whether it is proved by symbols, checked in numbers, defined or cited.")
    return " ".join(parts)
