"""Derivations are rendered whole, escaped and well-formed, and formulas look as a book prints them."""

# ruff: noqa: RUF001 - the signs that look like Latin letters are meant

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest
import sympy
from sympy import Function, Symbol, exp, log, oo

from ganworks.design.derivation import Derivation, Line, Step
from ganworks.design.notation import Chain, Discrepancy, Extremum, Mean, Total
from ganworks.design.rendering import math_html, math_latex, math_text, words_html, words_latex
from ganworks.errors import UserError

x, y, t, r = sympy.symbols("x y t r")
p, q, D, G = (Function(name) for name in ("p", "p_G", "D", "G"))
NAUGHTY = "<b>&\"' {x} $5_000 50% #1 a_b \\end{document} ~^"
MATH = "{http://www.w3.org/1998/Math/MathML}"


@pytest.fixture(scope="module")
def sample() -> Derivation:
    formulas = (
        sympy.Eq(Function("D*")(x), p(x) / (p(x) + q(x))), sympy.Piecewise((t, t < 0), (t**2, True)), NAUGHTY,
        Chain(Symbol("C"), Total(-log(4), Discrepancy("KL", Symbol("p"), Symbol("m"))), sympy.Integer(7)),
        sympy.Integral(p(x) * log(p(x)), (x, -oo, oo)), None)
    first = Step(f"Title {NAUGHTY}", tuple(Line(NAUGHTY, f) for f in formulas), "proved", f"how {NAUGHTY}", NAUGHTY)
    return Derivation(f"Whole {NAUGHTY}", (first, Step("Second", (), "refuted", "at x = 1")), f"Summary {NAUGHTY}")


def flat(expr: sympy.Basic) -> str:
    """The characters of a formula's MathML, without the invisible ones."""
    text = "".join(ET.fromstring(math_html(expr)).itertext())
    return re.sub("[\u2061\u2062\u00a0]", "", text)


@pytest.mark.parametrize(("expr", "drawn"), [
    (log(1 - D(G(x))), "log(1−D(G(x)))"),
    (-exp(-t) * (r + 1), "−(r+1)e−t"),
    (log(r) ** 2, "log2(r)"),
    (q(x) ** 2, "pG(x)2"),
    (sympy.Mul(-1, x - 1, evaluate=False), "−(x−1)"),
    (Total(y, sympy.Mul(-1, 1 - y, log(x), evaluate=False)), "y−(1−y)log(x)"),
    (Function("sigma")(t) - Function("softplus")(-t), "σ(t)−softplus(−t)"),
    (sympy.Rational(-3, 4) * x, "−3x4"),
    (sympy.Lt(x, 1), "x<1"),
    (sympy.Ge(x, -oo), "x≥−∞"),
    (log((1 + r) / 2), "log(r+12)"),
    (exp(-(x**2) / 2), "e−x2/2"),
    (sympy.LambertW(t) + sympy.asinh(t), "W(t)+arsinh(t)"),
    (sympy.Interval.open(0, oo), "(0,∞)"),
    (sympy.Max(0, t), "max(0,t)"),
    (sympy.Derivative(p(x), x, 2), "d2dx2p(x)"),
    (Mean(log(D(x)), x, Symbol("p_G")), "𝔼x∼pG[log(D(x))]"),
    (2 * Discrepancy("JS", Symbol("p"), Symbol("q")), "2JS(p‖q)"),
    (Extremum("max", Symbol("D"), Function("V")(Symbol("D"))), "maxDV(D)"),
    (Function("D*")(x), "D∗(x)"),
    (sympy.Float("-1.5e-10"), "−1.5·10−10"),
    (Function("f'")(0), "f′(0)"),
    ((x + 1) ** -2, "1(x+1)2"),
    (sympy.sqrt(x) + x ** sympy.Rational(3, 2), "x+x3/2"),
])
def test_mathml_says_what_the_formula_says(expr: sympy.Basic, drawn: str) -> None:
    wanted = drawn.replace("-", "−")
    assert flat(expr) in (wanted, wanted.replace("x+x3/2", "x3/2+x"))


def test_mathml_builds_fractions_roots_and_indices() -> None:
    tree = ET.fromstring(math_html(1 / sympy.sqrt(Symbol("p_G"))))
    fraction = tree.find(f"{MATH}mfrac")
    assert fraction is not None
    assert fraction[0].text == "1"
    assert fraction[1].tag == f"{MATH}msqrt"
    assert [part.text for part in fraction[1][0]] == ["p", "G"]


@pytest.mark.parametrize("expr", [
    sympy.Sum(x, (x, 1, 3)), sympy.Matrix([[1, x]]), sympy.besselj(0, x), sympy.erf(x), sympy.S.Reals, sympy.nan,
    sympy.Contains(x, sympy.Interval(0, 1)), (x > 0) & (x < 1), (x > 0) | (x < -1), sympy.true, sympy.I * sympy.E,
    sympy.Abs(x) ** 2, x ** (x**x), exp(exp(x)), exp(-x) * exp(y) / (1 + exp(x)), Symbol("a<b&c"), sympy.Tuple(x, y),
    sympy.Integral(x), sympy.polylog(2, -x), sympy.cbrt(x), sympy.Heaviside(x), sympy.zoo,
])
def test_any_formula_is_well_formed_in_every_form(expr: sympy.Basic) -> None:
    ET.fromstring(math_html(expr))
    assert math_text(expr).strip()
    assert braces_balance(math_latex(expr))


def braces_balance(source: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}\\]", "", source):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


def test_the_page_is_well_formed_and_loads_nothing(sample: Derivation) -> None:
    tree = ET.fromstring(sample.html())
    names = [element.tag.rpartition("}")[2] for element in tree.iter()]
    assert not {"script", "link", "img", "iframe", "object"} & set(names)
    assert not any(key in ("src", "href", "data") or key.startswith("on") for e in tree.iter() for key in e.attrib)
    assert not re.search(r"url\(|@import", sample.html())
    assert names.count("math") == 4
    # Words arrive as they were given, and as words only: 'a_b' alone becomes an index.
    words = "".join(tree.itertext())
    assert words.count(NAUGHTY.replace("a_b", "ab")) == 11
    assert NAUGHTY in words, "text formulas stay as they are"
    assert {"proved", "refuted"} <= {word for e in tree.iter() for word in e.get("class", "").split()}


def test_the_fragment_stands_inside_the_page(sample: Derivation) -> None:
    assert sample.fragment() in sample.html()
    assert sample.fragment().startswith("<article")
    assert "<html" not in sample.fragment()


def test_the_article_balances(sample: Derivation) -> None:
    source = sample.latex()
    assert source.startswith(r"\documentclass")
    assert re.findall(r"\\usepackage(?:\[.*?\])?\{(.*?)\}", source) == ["inputenc", "amsmath"]
    assert braces_balance(source)
    open_ones: list[str] = []
    for kind, name in re.findall(r"(?<!\\)\\(begin|end)\{(\w+)\}", source):
        if kind == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    assert not open_ones
    assert source.count(r"\[") == source.count(r"\]") == 4
    assert source.count(r"\end{document}") == 1, "the words cannot end the document"
    assert len(re.findall(r"(?<!\\)\$", source)) % 2 == 0
    assert source.isascii() or all(ord(sign) < 0x180 for sign in source)


def test_words_are_escaped_for_latex() -> None:
    assert words_latex("50% of p_G & x ≥ -1") == r"50\% of $p_{G}$ \& x $\ge$ $-$1"
    assert words_latex("\u4e2d") == "[U+4E2D]"
    assert words_latex("H_\u03b1") == r"$H_{\alpha}$"


def test_minus_signs_and_indices_in_html_words() -> None:
    assert words_html("chi-square - E_p < -1") == "chi-square − <i>E</i><sub>p</sub> &lt; −1"
    assert words_html("from_terms") == "from_terms"


def test_text_keeps_to_the_width_and_stacks_formulas(sample: Derivation) -> None:
    text = sample.text(70)
    assert max(map(len, text.splitlines())) <= 70
    for wanted in ("1. Title", "[proved]", "2. Second [refuted]", "         p(x)\n", "D*(x) = ─────────────"):
        assert wanted in text
    assert "C = -log(4) + KL(p ‖ m)\n" in text
    assert re.search(r"\n +  = 7\n", text), "the chain's second equals sign stands under the first"


def test_a_formula_too_wide_goes_on_one_line() -> None:
    wide = sympy.Add(*[Symbol(f"long_{k}") / (1 + Symbol(f"name_{k}")) for k in range(8)])
    assert "\n" in math_text(wide, 200)
    assert "\n" not in math_text(wide, 60)
    assert "long₁/(name₁ + 1)" in math_text(wide, 60)


def test_latex_of_the_notation() -> None:
    assert math_latex(Mean(D(x), x, Symbol("p"))) == r"\mathrm{E}_{x \sim p}\left[D{\left(x \right)}\right]"
    assert math_latex(2 * Discrepancy("KL", Symbol("m"), Symbol("p"))).startswith(r"2 \mathrm{KL}\left(m")
    assert math_latex(Symbol("y*")) == "y^{*}"
    assert math_latex(Function("D*")(x)).startswith("D^{*}")


def test_markdown(sample: Derivation) -> None:
    lines = sample.markdown().splitlines()
    assert lines[0].startswith("# Whole \\<b\\>")
    assert lines.count("$$") == 8
    assert any(line.startswith("> Note: ") for line in lines)
    assert "**refuted**: at x = 1" in lines


def test_json_is_plain_and_tells_what_holds(sample: Derivation) -> None:
    shown = json.loads(json.dumps(sample.to_json()))
    assert shown["holds"] is sample.holds is False
    assert shown["steps"][0]["lines"][0]["latex"].startswith("D^{*}")
    assert shown["steps"][0]["lines"][2] == {"words": NAUGHTY, "formula": NAUGHTY, "latex": None}
    assert shown["steps"][1]["status"] == "refuted"
    assert Derivation("t", sample.steps[:1]).holds


def test_a_status_is_one_of_five() -> None:
    with pytest.raises(UserError, match="certain"):
        Step("t", (), "certain", "")  # type: ignore[arg-type]
