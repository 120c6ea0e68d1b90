"""Design files: what is written reads back the same, and what is no design file is refused."""

from __future__ import annotations

import pytest
import yaml

from ganworks.design import from_divergence, from_likelihood_ratio, from_terms, solve_generator
from ganworks.design.document import KEYS, from_yaml, load, read, save, to_yaml
from ganworks.errors import UserError

WRITTEN = {
    "kink": lambda: from_divergence("max(u, 1/u) - 1"), "absolute": lambda: from_divergence("|u - 1|/2"),
    "not known to be real": lambda: from_divergence("max(log(u)^2, u) - 1 + |log(u)|"),
    "sign of what may be complex": lambda: from_divergence("sign(log(u))*log(u)"),
    "root": lambda: from_divergence("1 - u^(1/3)"), "pi": lambda: from_divergence("pi*u^2/7 + E"),
    "decimals": lambda: from_divergence("0.001*u^2"), "erf": lambda: from_divergence("u^2 + erf(u)/100"),
    "lambert": lambda: from_likelihood_ratio("LambertW(r)", "a/cosh(t)", a="1/3"),
    "jump": lambda: from_likelihood_ratio("sign(r - 1)", "1"),
    "generator": lambda: from_likelihood_ratio("log(r)/2", "exp(-t)", name="x").with_generator("t", "-exp(t)"),
    "softplus": lambda: from_terms("-softplus(t)", "-softplus(-t)", reference="a paper, eq. 1"),
    "half line": lambda: from_terms("log(1 - t)", "log(t)", "(0, 1)"),
    "corners": lambda: from_terms("-max(0, 1 + t)", "-max(0, 1 - t)").with_generator("t"),
    "closed": lambda: from_terms("-t", "t", "[-1, 1]").with_output("linear"),
    "wasserstein": lambda: from_terms("-t", "t", lipschitz="3/2"),
    "turned": lambda: from_terms("-softplus(-t)", "-softplus(t)").with_generator("t"),
    "no critic": lambda: from_terms("t^2", "t"),
    "solved": lambda: solve_generator(from_terms("-(t + 1)^2", "-(t - 1)^2"), "(r - 1)^2/(r + 1)"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_reads_back_the_same(name):
    design = WRITTEN[name]()
    text = to_yaml(design)
    back = from_yaml(text)
    assert back.given == design.given
    assert (back.name, back.reference, back.output) == (design.name, design.reference, design.output)
    assert back.domain == design.domain
    assert to_yaml(back) == text
    assert set(yaml.safe_load(text)) <= set(KEYS)


def test_a_saved_file_is_plain_yaml_of_given_formulas(tmp_path):
    design = from_likelihood_ratio("log(r)/2", "exp(-t)", name="mine").with_generator("t")
    save(design, tmp_path / "mine.yaml")
    text = (tmp_path / "mine.yaml").read_text()
    assert yaml.safe_load(text) == {"objective": "mine", "omega": "log(r)/2", "rho": "exp(-t)", "beta": "t"}
    assert [p.name for p in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_file_without_a_name_takes_its_own(tmp_path):
    (tmp_path / "that.yaml").write_text("f: u*log(u)\noutput: logit\n")
    document = load(tmp_path / "that.yaml")
    assert document.design.name == "that"
    assert document.output == document.design.output == "logit"


def test_parameters_take_their_values():
    assert from_yaml("omega: a*log(r)\nrho: exp(-b*t)\nparameters: {a: 1/2, b: 1}\n").given == \
        from_likelihood_ratio("log(r)/2", "exp(-t)").given


def test_a_domain_may_be_yamls_own_list():
    design = from_yaml("phi: -t\npsi: t\ndomain: [-1, 1]\n")
    assert design.given_domain == from_terms("-t", "t", "[-1, 1]").given_domain


@pytest.mark.parametrize(("text", "words"), [
    ("omga: r\nrho: 1", "did you mean 'omega'"),
    ("omega: r", "omega without rho"), ("psi: t", "psi without phi"),
    ("f: u\nphi: t\npsi: t", "are two designs"), ("name: x", "'name' is not known"),
    ("objective: x", "gives no design"),
    ("f: u\nalpha: t", "alpha without beta"), ("f: u\ndomain: R", "domain beside f"),
    ("f: u\noutput: probability", "output: 'probability'"), ("f: u\nobjective: 3", "objective: '3'"),
    ("f: true", "a formula or a number"), ("f: [1, 2]", "f: a list"), ("f: {u: 1}", "f: a mapping"),
    ("f: 1" + "0" * 60, "30 digits"), ("f: u\nparameters: 3", "parameters: '3'"),
    ("f: u\nparameters: {u: 1}", "has a meaning already"), ("f: u^2\nbeta: r", "beta: cannot read the formula"),
    ("", "holds no keys"), ("- f", "holds no keys"), ("phi: |t|\npsi: t", "this is no YAML"),
    ("f: !!python/object/apply:os.getcwd []", "this is no YAML"), ("f: &a [*a]", "f: a list"),
    ("f: " + "[" * 5000, "nested"),
    ("f: u\n" + "#" * 30_000, "too long"), ("f: __import__('os')", "cannot read the formula"),
    ("f: u.real", "cannot read the formula"),
])
def test_what_is_no_design_is_refused(text, words):
    with pytest.raises(UserError) as error:
        read(text, "my.yaml")
    assert words in str(error.value)
    assert "my.yaml" in str(error.value)


def test_aliases_are_not_written_out():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]\n" for k in range(1, 40)) + "f: *a39\n"
    with pytest.raises(UserError) as error:
        from_yaml(bomb)
    assert len(str(error.value)) < 500
    with pytest.raises(UserError, match="f: a list"):
        from_yaml("f: [&x [1, 2], *x]")


def test_a_missing_or_binary_file(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "x.yaml"):
        with pytest.raises(UserError, match="cannot read"):
            load(path)
