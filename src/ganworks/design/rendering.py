"""Derivations and single formulas as text, Markdown, LaTeX and HTML. Words are escaped; formulas are printed."""

# ruff: noqa: RUF001 - the signs that look like Latin letters are meant
from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

import sympy

from ganworks.design.mathml import MathML
from ganworks.design.page import STYLE, frame
from ganworks.design.printers import displayed, math_latex, math_line, math_text

if TYPE_CHECKING:
    from ganworks.design.derivation import Derivation, Line, Step

__all__ = ["STYLE", "fragment", "frame", "html", "latex", "markdown", "math_html", "math_latex", "math_line",
           "math_text", "text", "words_html", "words_latex"]

MINUS = re.compile(r"(?<!\w)-(?=[\w(√])|(?<=\s)-(?=\s)")
INDEXED = re.compile(r"(?<![\w\\])([^\W\d_])_([^\W_]+)")
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$", "|": "$|$", "*": "$*$", '"': "''",
}
LATEX_MATH = {
    "≥": r"\ge", "≤": r"\le", "≠": r"\ne", "≈": r"\approx", "∞": r"\infty", "∫": r"\int", "√": r"\surd", "·": r"\cdot",
    "×": r"\times", "−": "-", "‖": r"\|", "→": r"\to", "±": r"\pm", "²": "^2", "³": "^3",
    "∼": r"\sim", "′": "'", "∈": r"\in",
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "θ": r"\theta", "λ": r"\lambda",
    "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "φ": r"\phi", "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega", "Ω": r"\Omega",
}
LATEX_TEXT = {"–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\dots{}", "\u00a0": "~"}


def math_html(expr: sympy.Basic, display: bool = True) -> str:
    """Return a formula as a ``math`` element, well-formed, on a line of its own or (display False) within words."""
    kind = ' display="block"' if display else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{kind}>{MathML().doprint(displayed(expr))}</math>'


def words_html(words: str) -> str:
    """Return words escaped for HTML, with p_G and its like set with an index, and minus signs for hyphens."""
    return INDEXED.sub(r"<i>\1</i><sub>\2</sub>", MINUS.sub("−", escape(words)))


def words_latex(words: str) -> str:
    """Return words escaped for LaTeX; signs and Greek letters become mathematics, unknown signs their code point."""
    return "".join(_latex_parts(MINUS.sub("−", words)))


def _latex_parts(words: str) -> Iterator[str]:
    place = 0
    for found in INDEXED.finditer(words):
        yield from map(_latex_sign, words[place : found.start()])
        base, index = (LATEX_MATH.get(part, part) for part in found.groups())
        yield f"${base}_{{{index}}}$" if index.isascii() else f"${base}$"
        place = found.end()
    yield from map(_latex_sign, words[place:])


def _latex_sign(sign: str) -> str:
    if sign in LATEX_MATH:
        return f"${LATEX_MATH[sign]}$"
    known = LATEX_SPECIAL.get(sign) or LATEX_TEXT.get(sign)
    return known or (sign if ord(sign) < 0x180 else f"[U+{ord(sign):04X}]")


def text(derivation: Derivation, width: int = 100) -> str:
    """Return the derivation for a terminal of ``width`` columns."""
    parts = [derivation.title, "=" * min(len(derivation.title), width)]
    if derivation.summary:
        parts.append(textwrap.fill(derivation.summary, width))
    for number, step in enumerate(derivation.steps, 1):
        parts += ["", textwrap.fill(f"{number}. {step.title} [{step.status}]", width, subsequent_indent="   ")]
        for line in step.lines:
            parts += _line_text(line, width)
        for label, words in (("how", step.how), ("note", step.note)):
            if words:
                parts.append(_wrapped(f"{label}: {words}", width))
    return "\n".join(parts) + "\n"


def _wrapped(words: str, width: int) -> str:
    return textwrap.fill(words, width, initial_indent="   ", subsequent_indent="   ")


def _line_text(line: Line, width: int) -> Iterator[str]:
    if line.words:
        yield _wrapped(line.words, width)
    if line.formula is not None:
        drawn = line.formula if isinstance(line.formula, str) else math_text(line.formula, width - 6)
        yield textwrap.indent(drawn, " " * 6)


def _words_markdown(words: str) -> str:
    marked = re.sub(r"([\\`*_{}\[\]<>#$|])", r"\\\1", words)
    return re.sub(r"(?<![\w\\])([^\W\d_])\\_([^\W_]+)", r"$\1_{\2}$", marked)


def markdown(derivation: Derivation) -> str:
    """Return the derivation as Markdown with formulas between dollar signs."""
    parts = [f"# {_words_markdown(derivation.title)}"]
    if derivation.summary:
        parts.append(_words_markdown(derivation.summary))
    for number, step in enumerate(derivation.steps, 1):
        parts.append(f"## {number}. {_words_markdown(step.title)}")
        for line in step.lines:
            if line.words:
                parts.append(_words_markdown(line.words))
            if isinstance(line.formula, str):
                parts.append(f"```text\n{line.formula}\n```")
            elif line.formula is not None:
                parts.append(f"$$\n{math_latex(line.formula)}\n$$")
        parts.append(f"**{step.status}**" + (f": {_words_markdown(step.how)}" if step.how else ""))
        if step.note:
            parts.append(f"> Note: {_words_markdown(step.note)}")
    return "\n\n".join(parts) + "\n"


def latex(derivation: Derivation) -> str:
    """Return a complete article that needs amsmath only."""
    parts = [r"\documentclass[11pt]{article}", r"\usepackage[utf8]{inputenc}", r"\usepackage{amsmath}",
             r"\allowdisplaybreaks", rf"\title{{{words_latex(derivation.title)}}}", r"\date{}", r"\begin{document}",
             r"\maketitle", words_latex(derivation.summary)]
    for step in derivation.steps:
        parts.append(rf"\section{{{words_latex(step.title)}}}")
        for line in step.lines:
            if line.words:
                parts.append(words_latex(line.words))
            if isinstance(line.formula, str):
                parts.append(rf"\begin{{quote}}{words_latex(line.formula)}\end{{quote}}")
            elif line.formula is not None:
                parts.append(rf"\[ {math_latex(line.formula)} \]")
        parts.append(rf"\par\smallskip\noindent\textbf{{{step.status.capitalize()}.}} {words_latex(step.how)}")
        if step.note:
            parts.append(rf"\par\smallskip\noindent\emph{{Note.}} {words_latex(step.note)}")
    return "\n".join([*parts, r"\end{document}", ""])


def _step_html(number: int, step: Step) -> Iterator[str]:
    yield f'<li class="step {step.status}">'
    yield f'<header><h2><span class="number">{number}</span>{words_html(step.title)}</h2>'
    yield f'<span class="badge">{step.status}</span></header>'
    for line in step.lines:
        if line.words:
            yield f"<p>{words_html(line.words)}</p>"
        if isinstance(line.formula, str):
            yield f'<div class="formula plain">{escape(line.formula)}</div>'
        elif line.formula is not None:
            yield f'<div class="formula">{math_html(line.formula)}</div>'
    if step.how:
        yield f'<p class="how">{words_html(step.how)}</p>'
    if step.note:
        yield f'<p class="note"><b>Where notes slip.</b> {words_html(step.note)}</p>'
    yield "</li>"


def fragment(derivation: Derivation) -> str:
    """Return the title and the steps as HTML, to stand in a page that holds ``STYLE``."""
    parts = ['<article class="derivation">', f"<h1>{words_html(derivation.title)}</h1>"]
    if derivation.summary:
        parts.append(f'<p class="summary">{words_html(derivation.summary)}</p>')
    parts.append("<ol>")
    for number, step in enumerate(derivation.steps, 1):
        parts += _step_html(number, step)
    return "\n".join([*parts, "</ol>", "</article>"])


def html(derivation: Derivation) -> str:
    """Return a complete page that loads nothing and runs nothing."""
    return frame(derivation.title, fragment(derivation))
