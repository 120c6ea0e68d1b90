"""ganworks design: what it prints, writes and returns."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from ganworks import cli
from ganworks.commands import design as verb
from ganworks.design import catalogue, certificate, explain_claims, from_likelihood_ratio, from_terms
from ganworks.design.catalogue import underived
from ganworks.design.document import load

EXPONENTIAL = ("--omega", "log(r)/2", "--rho", "exp(-t)")
LEAST_SQUARES = ("--phi", "-(t+1)^2", "--psi", "-(t-1)^2")


def designed(*words):
    return cli.main(["design", *map(str, words)])


def test_an_accepted_design_is_derived_and_certified(capsys):
    assert designed(*EXPONENTIAL) == 0
    out, err = capsys.readouterr()
    assert out.index("What was given") < out.index("Certificate")
    assert "ACCEPT" in out
    assert "squared Hellinger" in out
    assert "warning" not in err
    assert "\033" not in out


def test_brief_leaves_the_derivation_out(capsys):
    assert designed(*EXPONENTIAL, "--brief") == 0
    out = capsys.readouterr().out
    assert "What was given" not in out
    assert "omega is strictly increasing" in out


def test_a_warning_is_on_standard_error_and_the_status_is_0(capsys):
    assert designed(*LEAST_SQUARES, "--beta", "t^2", "--brief") == 0  # the middle target of note 002
    out, err = capsys.readouterr()
    assert "WARN" in out
    assert "warning: value-valid, gradient-invalid" in err
    assert "+0.1215" in err.replace("\n", " ")  # a number of THEORY.md, F6


@pytest.mark.parametrize("words", [
    ("--omega", "(r-1)^2", "--rho", "1"), ("--f", "-u*log(u)"), ("--f=2*(u-1)",), ("--phi", "t^2", "--psi", "t"),
    (*EXPONENTIAL, "--beta", "-t"), ("--phi", "-t", "--psi", "t"), ("--omega", "log(r-1)", "--rho", "1"),
])
def test_a_rejected_design_has_status_1_and_says_why(words, capsys):
    assert designed(*words, "--brief") == 1
    out, err = capsys.readouterr()
    assert "REJECT" in out
    assert "refuted: " in err


def test_what_takes_too_long_is_not_decided(monkeypatch, capsys):
    def slow(design):
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(certificate, "PATIENCE", 0.2)
    monkeypatch.setattr(certificate, "_steps", lambda design: [slow])
    assert designed("--omega", "log(r)/2", "--rho", "exp(-t) + 0", "--name", "slow") == 2
    out, err = capsys.readouterr()
    assert "not decided: stopped" in out
    assert "undecided: " in err
    assert "What was given" not in out


def test_reading_has_a_time_limit_too(monkeypatch, capsys):
    def slow(args):
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(verb, "BUILDING", 0.2)
    monkeypatch.setattr(verb, "_asked", slow)
    assert designed(*EXPONENTIAL) == 2
    assert "not decided: reading the design: stopped" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "at"), [
    (("--f", "__import__('os').system('touch hacked')"), "_"), (("--f", "u.__class__"), "."),
    (("--f", "lambda u: u"), ":"), (("--f", "9^9^9^9"), "^9^9^9"), (("--f", "(" * 10_000 + "u"), "(u"),
    (("--f", "u + " + "1" * 1_000_000), "1"), (("--omega", "log(r", "--rho", "1"), "(r"),
    (("--phi", "-t", "--psi", "r"), "r"), (("--f", "u*lgo(u)"), "lgo"),
    ((*EXPONENTIAL, "--beta", "exec('1')"), "exec"),
])
def test_what_cannot_be_read_has_status_2_and_a_caret(words, at, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    assert designed(*words) == 2
    assert time.monotonic() - began < 5
    assert not list(tmp_path.iterdir())
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    (caret,) = [k for k, line in enumerate(lines) if line.strip() == "^"]
    assert len(err) < 2000
    if len(words[1]) < 50 and words[0] == "--f":
        assert lines[caret - 1][lines[caret].index("^"):].startswith(at[:1])


@pytest.mark.parametrize(("words", "message"), [
    ((), "nothing to design"), (("--f", "u", "--named", "kl"), "--f and --named together"),
    (("--omega", "r"), "--omega without rho"), (("--phi", "t"), "--phi without psi"),
    (("--f", "u^2", "--domain", "R"), "--domain beside f"), (("--f", "u^2", "--alpha", "t"), "alpha without beta"),
    (("--f", "u^a", "--set", "a"), "--set a"), (("--named", "exponental"), "did you mean 'exponential'"),
    (("--named", "rpgan"), "not derived"), (("none.yaml",), "cannot read none.yaml"),
    (("--f", "u^2", "--html", "x.pdf"), "ends in .html"), (("--f", "u^2", "--latex", "x.yaml"), "ends in .tex"),
    (("--f", "u^2", "--json", "--latex"), "both to standard output"),
    (("--all", "--save", "x.yaml"), "--save with --all"),
    (("--f", "u^2", "--phy", "t"), "did you mean '--phi'"), (("--phi", "--psi", "t"), "expected one argument"),
    (("--f", "u^2", "--beta", "t", "--solve-generator", "r"), "together"),
])
def test_contradictions_are_refused(words, message, capsys):
    assert designed(*words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("given", "wanted"), [
    (["--phi", "-log(1+exp(t))", "--psi=-t"], ["--phi=-log(1+exp(t))", "--psi=-t"]),
    (["--phi", "-t", "--psi", "-(-t)", "--brief"], ["--phi=-t", "--psi=-(-t)", "--brief"]),
    (["--phi", "--psi", "t"], ["--phi", "--psi", "t"]), (["--beta", "--t"], ["--beta", "--t"]),
    (["--beta", "--(t)"], ["--beta=--(t)"]), (["--f", "u", "-h"], ["--f", "u", "-h"]), (["--f"], ["--f"]),
    (["--name", "-x"], ["--name", "-x"]), (["--set", "a=-1"], ["--set", "a=-1"]),
])
def test_formulas_that_begin_with_a_minus_sign(given, wanted):
    assert verb.prepare(given) == wanted


def test_json_is_valid_and_the_same_each_time(capsys):
    seen = []
    for _ in range(2):
        assert designed(*EXPONENTIAL, "--json") == 0
        known = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
        known["certificate"].pop("seconds")
        seen.append(known)
    assert seen[0] == seen[1]
    assert seen[0]["given"] == {"omega": "log(r)/2", "rho": "exp(-t)"}
    assert seen[0]["disjoint"] == pytest.approx(2)  # sup of (sqrt p - sqrt q)^2 over disjoint supports
    assert seen[0]["domain"] == "(-oo, oo)"
    assert seen[0]["eigenvalues"] == [[0.0, pytest.approx(1.0)], [0.0, pytest.approx(-1.0)]]
    assert seen[0]["certificate"]["verdict"] == "accept"
    assert {"phi", "psi", "omega", "rho", "d", "beta", "H", "f"} <= set(seen[0]["formulas"])


def test_json_of_what_is_infinite_and_of_what_is_none(capsys):
    assert designed("--f", "u*log(u)", "--json") == 0
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["disjoint"] == "inf"
    assert designed("--phi", "t^2", "--psi", "t", "--json") == 1
    known = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert known["formulas"]["omega"] is None
    assert known["certificate"]["verdict"] == "reject"


def test_latex_to_standard_output_and_to_a_file(capsys, tmp_path, monkeypatch):
    # A simplification that ends in its time at one of the two, and not at the other, gives another form.
    monkeypatch.setattr(explain_claims, "PATIENCE", 5.0)
    assert designed(*EXPONENTIAL, "--latex") == 0
    out = capsys.readouterr().out
    assert out.startswith("\\documentclass")
    assert designed(*EXPONENTIAL, "--brief", "--latex", tmp_path / "x.tex") == 0
    assert (tmp_path / "x.tex").read_text().strip() == out.strip()


def test_saved_and_loaded_it_has_the_same_certificate(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    assert designed("--omega", "a*log(r)", "--rho", "exp(-t)", "--set", "a=1/2", "--beta", "t", "--save", path,
                    "--brief") == 0
    assert f"train gan --objective {path}" in capsys.readouterr().err.replace("\n", "")
    design = load(path).design
    wanted = from_likelihood_ratio("log(r)/2", "exp(-t)").with_generator("t").certificate()
    assert design.name == "mine"
    assert design.certificate().checks == wanted.checks
    assert designed(path, "--brief") == 0
    assert "reverse Kullback-Leibler" in capsys.readouterr().out  # C.5: beta = t on the exponential critic is KL(q,p)/2


def test_rejected_designs_are_not_saved(tmp_path, capsys):
    assert designed("--f", "-u*log(u)", "--brief", "--save", tmp_path / "x.yaml") == 1
    assert not list(tmp_path.iterdir())
    assert "not saved" in capsys.readouterr().err


def test_files_are_not_replaced_without_force(tmp_path, capsys):
    for option, name in (("--save", "x.yaml"), ("--html", "x.html"), ("--picture", "x.png"), ("--latex", "x.tex")):
        (tmp_path / name).write_text("old")
        assert designed(*EXPONENTIAL, "--brief", option, tmp_path / name) == 2
        assert "exists already" in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "old"
    assert designed(*EXPONENTIAL, "--brief", "--save", tmp_path / "x.yaml", "--force") == 0
    assert yaml.safe_load((tmp_path / "x.yaml").read_text())["omega"] == "log(r)/2"


def test_a_named_one_with_parameters_and_another_generator(capsys):
    assert designed("--named", "lsgan:a=-1,b=1", "--set", "c=0", "--brief") == 0
    assert "WARN" in capsys.readouterr().out
    assert designed("--named", "gan_logit", "--beta", "-exp(-t)", "--brief") == 0
    assert "Kullback-Leibler divergence KL(p, q)" in capsys.readouterr().out  # C.5


def test_solving_for_the_generator_finds_least_squares(capsys):
    assert designed(*LEAST_SQUARES, "--solve-generator", "(r-1)^2/(r+1)", "--json") == 0
    known = json.loads(capsys.readouterr().out)
    assert known["given"]["beta"] == "t**2"  # ((r-1)/(r+1))^2 at t = (r-1)/(r+1)
    assert known["certificate"]["verdict"] == "warn"


@pytest.fixture
def two_entries(monkeypatch):
    def good():
        return from_likelihood_ratio("log(r)/2", "exp(-t)", name="good")

    def bad():
        return from_terms("t^2", "t", name="bad")

    chosen = {"good": good, "margin": underived.margin}
    monkeypatch.setattr(catalogue, "entries", lambda: chosen)
    return chosen, bad


def test_the_catalogue_as_a_table(two_entries, capsys):
    chosen, bad = two_entries
    assert designed("--all") == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if line.startswith("good")]
    assert row.split()[1] == "accept"
    assert "squared Hellinger distance" in row
    assert "logit" in row
    assert lines[-1] == "2 objectives: 1 accept, 1 that cannot be derived"
    chosen["bad"] = bad
    assert designed("--all", "--json") == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["verdict"]) for row in rows] == [("bad", "reject"), ("good", "accept"), ("margin", "-")]


@pytest.mark.slow
def test_the_catalogue_by_two_processes(capsys, monkeypatch):
    real, names = catalogue.entries(), ("exponential", "kl_pq_ratio", "kl_qp_logit", "gan_prob", "meansquare")
    monkeypatch.setattr(catalogue, "entries", lambda: {name: real[name] for name in names})
    assert designed("--all") == 0
    out = capsys.readouterr().out
    assert all(f"\n{name} " in out for name in names)
    assert "5 objectives: 5 accept" in out


def test_the_proof(capsys, tmp_path):
    assert designed("--proof") == 0
    assert "JS" in capsys.readouterr().out
    assert designed("--proof", "--html", tmp_path / "proof.html", "--latex", tmp_path / "proof.tex") == 0
    assert (tmp_path / "proof.tex").read_text().startswith("\\documentclass")
    assert "<math" in (tmp_path / "proof.html").read_text()


def test_colour_on_a_terminal_and_none_where_the_user_wants_none(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert designed(*EXPONENTIAL, "--brief") == 0
    assert "\033[32mACCEPT" in capsys.readouterr().out.replace("\033[1m", "")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert designed(*EXPONENTIAL, "--brief") == 0
    assert "\033" not in capsys.readouterr().out


def test_help_teaches_with_five_examples(capsys):
    with pytest.raises(SystemExit) as end:
        designed("--help")
    assert end.value.code == 0
    assert capsys.readouterr().out.count("\n  ganworks design ") == 5
