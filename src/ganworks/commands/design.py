"""Derive a whole GAN from a formula, certify it, and say what the generator really descends.

A design is given in one of five ways. r = q/p and u = p/q are likelihood ratios (p real, q generated), t is what the
critic says, high for generated samples. Formulas may hold log, exp, sqrt, tanh, sigmoid, softplus, abs, min, max,
sign, sin, atan, LambertW, pi, ... and letters whose values --set gives.

Exit status: 0 accepted (a warning is on standard error), 1 rejected, 2 not understood or not decided.

examples:
  ganworks design --f "u*log(u)"                                    a divergence, as an f-GAN
  ganworks design --omega "log(r)/2" --rho "exp(-t)" --html my.html  a critic and the slope of its loss
  ganworks design --phi "-(t+1)^2" --psi "-(t-1)^2" --beta "t^2"    loss terms and a generator of its own
  ganworks design --omega "r^a" --rho 1 --set a=1/2 --save my.yaml  then: ganworks train gan --objective my.yaml
  ganworks design --all                                             the catalogue, certified
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ganworks.errors import UserError

if TYPE_CHECKING:
    from ganworks.design import Certificate, Derivation, Design

FORMULAS = ("f", "omega", "rho", "phi", "psi", "domain", "lipschitz", "beta", "alpha")
VALUED = (*FORMULAS, "solve-generator", "set")
"""Options whose value may begin with a minus sign."""
BUILDING, EXPLAINING = 4.0, 15.0  # seconds; a certificate limits itself


def prepare(argv: list[str]) -> list[str]:
    """Return the words with formulas tied to their options: ``--phi -t`` is ``--phi=-t``.

    argparse takes a word that begins with a minus sign for an option. Another option of this verb is left alone.
    """
    from_here, words = iter(range(len(argv))), []
    for k in from_here:
        after = argv[k + 1] if k + 1 < len(argv) else ""
        if argv[k].removeprefix("--") in VALUED and argv[k].startswith("--") and _is_formula(after):
            words.append(f"{argv[k]}={after}")
            next(from_here)
        else:
            words.append(argv[k])
    return words


def _is_formula(word: str) -> bool:
    option = word.partition("=")[0].removeprefix("--")
    return word.startswith("-") and word != "-h" and not (word.startswith("--") and option.replace("-", "").isalpha())


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Add the verb's arguments."""
    given = parser.add_argument_group("what is given, one of")
    given.add_argument("file", nargs="?", metavar="FILE.yaml", help="a design file, as --save writes it")
    given.add_argument("--f", metavar="F", help="a convex function of u = p/q: the divergence int q f(p/q)")
    given.add_argument("--omega", metavar="W", help="the best critic, an increasing function of r = q/p; with --rho")
    given.add_argument("--rho", metavar="R", help="the slope of psi, a positive function of t")
    given.add_argument("--phi", metavar="A", help="what the critic earns on real samples, in t; with --psi")
    given.add_argument("--psi", metavar="B", help="what the critic earns on generated samples, in t")
    given.add_argument("--named", metavar="NAME", help="of the catalogue, perhaps with parameters: lsgan:a=-1,b=1,c=0")
    given.add_argument("--all", action="store_true", help="certify the whole catalogue, as a table")
    given.add_argument("--proof", action="store_true", help="the minimax proof, from cross-entropy to the divergence")
    more = parser.add_argument_group("what goes with it")
    more.add_argument("--domain", metavar="D", help="of t for --phi and --psi: R, '(0, oo)', '[-1, 1]' (default: R)")
    more.add_argument("--lipschitz", metavar="K", help="bound on the critic's slope, for --phi -t --psi t: Wasserstein")
    more.add_argument("--beta", metavar="B", help="what the generator minimises, in t (default: what the critic earns)")
    more.add_argument("--alpha", metavar="A", help="its term on real samples, in t; it moves no generator")
    more.add_argument("--solve-generator", metavar="D", help="find beta = alpha from the wanted value D, in r")
    more.add_argument("--set", metavar="a=1", action="append", default=[], help="the value of a letter; repeatable")
    more.add_argument("--name", metavar="NAME", help="name of the objective")
    shown = parser.add_argument_group("what is shown and written")
    shown.add_argument("--brief", action="store_true", help="the certificate without the derivation")
    shown.add_argument("--json", action="store_true", help="everything as JSON")
    shown.add_argument("--latex", nargs="?", const="-", metavar="FILE.tex", help="the derivation as LaTeX")
    shown.add_argument("--html", metavar="FILE", help="a self-contained page: certificate, derivation, pictures, costs")
    shown.add_argument("--picture", metavar="FILE.png", help="losses, divergences, best critic and generator's force")
    shown.add_argument("--save", metavar="NAME.yaml", help="a design file that ganworks train --objective trains")
    shown.add_argument("--force", action="store_true", help="replace files that exist")


def run(args: argparse.Namespace) -> int:
    """Show the design; return 0 for accept and warn, 1 for reject, 2 for not decided."""
    _refuse_contradictions(args)
    if args.all:
        from ganworks.commands.design_all import show_catalogue

        return show_catalogue(args.json)
    if args.proof:
        return _proof(args)
    from ganworks.design.limits import TimedOut, limited

    try:
        with limited(BUILDING, "reading the design"):
            design = _asked(args)
    except TimedOut as late:
        raise UserError(f"not decided: {late}", "", "simplify the formulas") from None
    certificate = design.certificate()
    _show(args, design, certificate)
    _write(args, design, certificate)
    return _status(certificate)


def _refuse_contradictions(args: argparse.Namespace) -> None:
    """Refuse two sources, outputs that do not go together and files that exist, before anything is worked out."""
    sources = {"FILE.yaml": args.file, "--f": args.f, "--omega": args.omega or args.rho, "--phi": args.phi or args.psi,
               "--named": args.named, "--all": args.all, "--proof": args.proof}
    found = [name for name, value in sources.items() if value]
    if len(found) != 1:
        raise UserError(f"{' and '.join(found)} together" if found else "nothing to design",
                        "one of --f, --omega with --rho, --phi with --psi, --named, FILE.yaml, --all, --proof",
                        "see: ganworks design --help")
    if args.json and args.latex == "-":
        raise UserError("--json and --latex both to standard output", "one of them", "name a file: --latex FILE.tex")
    if args.beta and args.solve_generator:
        raise UserError("--beta and --solve-generator together", "one of them")
    endings = {"latex": (".tex",), "html": (".html", ".htm"), "picture": (".png",), "save": (".yaml", ".yml")}
    for option, ending in endings.items():
        value = getattr(args, option)
        if not value or value == "-":
            continue
        if not value.endswith(ending):
            raise UserError(f"--{option} {value}", f"a file that ends in {ending[0]}")
        if Path(value).exists() and not args.force:
            raise UserError(f"{value} exists already", "a new file", "take another name, or replace it with --force")
        if (args.all or (args.proof and option in ("picture", "save"))):
            raise UserError(f"--{option} with {found[0]}", f"a single design for --{option}")


def _asked(args: argparse.Namespace) -> Design:
    """Return the design that the arguments describe."""
    from ganworks.design import Design, entry_named, solve_generator
    from ganworks.design.document import from_fields, load

    letters = _letters(args.set)
    if args.named:
        numbers = {name: _number(name, value) for name, value in letters.items()}
        found = entry_named(args.named, **numbers)
        if not isinstance(found, Design):
            raise UserError(f"'{args.named}' is {found.note}", "an objective that follows from the likelihood ratio")
        design = found
    elif args.file:
        if letters:
            raise UserError("--set beside a file", "letters of --f, --omega, --phi or --named",
                            f"write them into {args.file}: parameters: {{a: 1}}")
        design = load(args.file).design
    else:
        fields = {key: getattr(args, key) for key in FORMULAS}
        design = from_fields({**fields, "parameters": letters or None}, "--").design
    if args.beta and (args.named or args.file):
        design = design.with_generator(args.beta, args.alpha, **letters)
    elif args.alpha and not args.beta:
        raise UserError("--alpha without --beta", "what the generator minimises", "give --beta too")
    if args.solve_generator:
        design = solve_generator(design, args.solve_generator, **letters)
    return design.named(args.name, design.reference) if args.name else design


def _letters(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not value.strip():
            raise UserError(f"--set {pair}", "a letter and its value, such as --set a=1/2")
        found[name.strip()] = value.strip()
    return found


def _number(name: str, text: str) -> float:
    from ganworks.design.parse import parse_constant

    try:
        return float(parse_constant(text))
    except UserError as error:
        raise UserError(f"--set {name}: {error.problem}", error.wanted) from None


def _show(args: argparse.Namespace, design: Design, certificate: Certificate) -> None:
    """Print what was asked for on standard output."""
    import json

    from ganworks.commands.design_text import certificate_text, in_colour, width
    from ganworks.design.summary import summarise, to_json

    if args.json:
        print(json.dumps(to_json(design), indent=2, allow_nan=False))
        return
    if args.latex == "-":
        print(_derivation(design, certificate).latex())
        return
    if not args.brief and not certificate.verdict.startswith("not decided"):
        print(_derivation(design, certificate).text(width()))
    print(certificate_text(certificate, summarise(design), width(), in_colour()))


def _derivation(design: Design, certificate: Certificate) -> Derivation:
    """Return the derivation; raises UserError where there is none."""
    from ganworks.design.limits import TimedOut, limited

    if certificate.verdict.startswith("not decided"):
        raise UserError(f"no derivation: {certificate.verdict}", "", "simplify the formulas")
    try:
        with limited(EXPLAINING, "the derivation"):
            return design.derivation()
    except TimedOut as late:
        raise UserError(f"not decided: {late}", "", "see the certificate alone with --brief") from None


def _write(args: argparse.Namespace, design: Design, certificate: Certificate) -> None:
    """Write the files that were asked for, and say where they are."""
    from ganworks.console import note
    from ganworks.files import write_bytes, write_text

    if args.latex and args.latex != "-":
        write_text(args.latex, _derivation(design, certificate).latex())
        note(f"derivation: {args.latex}")
    if args.html:
        from ganworks.report.design_page import design_page

        write_text(args.html, design_page(design))
        note(f"page: {args.html}")
    if args.picture:
        from ganworks.report.design_picture import picture_png

        write_bytes(args.picture, picture_png(design))
        note(f"picture: {args.picture}")
    if args.save:
        _save(args.save, design, certificate)


def _save(path: str, design: Design, certificate: Certificate) -> None:
    from ganworks.console import note
    from ganworks.design.document import save

    if certificate.verdict not in ("accept", "warn"):
        note(f"not saved: {path} would hold a design that nobody can train")
        return
    save(design if design.name else design.named(Path(path).stem, design.reference), path)
    note(f"design: {path}; train it: ganworks train gan --objective {path}")


def _status(certificate: Certificate) -> int:
    """Return the exit status, after saying on standard error what is wrong."""
    from ganworks.console import note, warn

    for check in certificate.problems():
        words = f"{check.reason} ({check.evidence})" if check.evidence else check.reason
        if check.status == "warned":
            warn(words)
        else:
            note(f"{check.status}: {words}")
    return {"accept": 0, "warn": 0, "reject": 1}.get(certificate.verdict, 2)


def _proof(args: argparse.Namespace) -> int:
    """Show the minimax proof; return 0 where every step holds, else 1."""
    import json

    from ganworks.commands.design_text import width
    from ganworks.console import note
    from ganworks.design import minimax_proof
    from ganworks.files import write_text

    proof = minimax_proof()
    for path, content in ((args.latex if args.latex != "-" else None, proof.latex), (args.html, proof.html)):
        if path:
            write_text(path, content())
            note(f"proof: {path}")
    if args.json:
        print(json.dumps(proof.to_json(), indent=2))
    elif args.latex == "-":
        print(proof.latex())
    elif not (args.latex or args.html):
        print(proof.text(width()))
    return 0 if proof.holds else 1
