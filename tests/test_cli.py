"""The command line as a whole: verbs, exit statuses, and what help costs."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

import ganworks
from ganworks import cli
from ganworks.errors import UserError


def called(*words):
    return cli.main(list(words))


def verb(monkeypatch, run):
    """Put a verb 'list' in place of the real one."""
    module = types.ModuleType("ganworks.commands.list")
    module.__doc__ = "Do as told."

    def add_arguments(parser, argv):
        parser.add_argument("--flag", type=int)
        parser.add_argument("what", nargs="?")

    module.add_arguments, module.run = add_arguments, run
    monkeypatch.setitem(sys.modules, "ganworks.commands.list", module)


def test_help_imports_nothing_heavy_and_names_every_verb():
    code = ("import sys; from ganworks.cli import main; status = main(['--help']); "
            "heavy = {'torch', 'sympy', 'numpy', 'scipy', 'pydantic', 'rich', 'accelerate', 'matplotlib', 'PIL'};"
            "print('HEAVY', sorted(heavy & set(sys.modules))); sys.exit(status)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout
    for name in cli.VERBS:
        assert f"  {name} " in done.stdout


def test_no_words_and_version(capsys):
    assert called() == 0
    assert "usage: ganworks VERB" in capsys.readouterr().out
    assert called("--version") == 0
    assert capsys.readouterr().out == f"ganworks {ganworks.__version__}\n"


@pytest.mark.parametrize("name", cli.VERBS)
def test_each_verb_has_help_that_ends_well(name, capsys):
    with pytest.raises(SystemExit) as ended:
        called(name, "--help")
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: ganworks {name}")


def test_an_unknown_verb_is_guessed(capsys):
    assert called("trian") == 2
    said = capsys.readouterr().err
    assert "unknown verb 'trian'" in said
    assert "did you mean 'train'?" in said
    assert called("fly") == 2
    assert "one of: compare, data, design, diagnose, evaluate" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "said"), [
    (["list", "--falg", "3"], "did you mean '--flag'?"), (["list", "--flag=x"], "--flag"), (["list", "a", "b"], "'b'"),
    (["list", "--fl", "3"], "unknown argument '--fl'"), (["list", "--flag"], "expected one argument"),
])
def test_wrong_arguments_end_with_2_and_say_what_was_meant(words, said, monkeypatch, capsys):
    verb(monkeypatch, lambda args: 0)
    assert called(*words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "ganworks list --help" in err
    assert "Traceback" not in err


def raising(error):
    def run(args):
        raise error

    return run


@pytest.mark.parametrize(("error", "status", "said"), [
    (UserError("was given", "was wanted", "do this"), 2, "error: was given\n  wanted: was wanted\n  to do:  do this\n"),
    (KeyboardInterrupt(), 130, "interrupted\n")])
def test_exit_statuses(error, status, said, monkeypatch, capsys):
    verb(monkeypatch, raising(error))
    assert called("list") == status
    assert capsys.readouterr().err == said


def test_the_verbs_own_status_is_passed_on_and_bugs_are_not_hidden(monkeypatch):
    verb(monkeypatch, lambda args: 7)
    assert called("list") == 7
    verb(monkeypatch, raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        called("list")


def test_a_closed_pipe_is_no_traceback():
    done = subprocess.run(f"{sys.executable} -m ganworks --help | head -n 1; exit ${{PIPESTATUS[0]}}", shell=True,
                          executable="/bin/bash", capture_output=True, text=True, check=False)
    assert done.stdout.startswith("usage")
    assert "Traceback" not in done.stderr


def test_list_shows_the_catalogues(capsys):
    from ganworks.design import entries

    for what, names in (("recipes", {"dcgan", "wgan-gp"}), ("objectives", set(entries())),
                        ("data", {"digits", "ring8"})):
        assert called("list", what) == 0
        lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
        assert names <= {line[0] for line in lines}
        assert all(len(line) == 2 and len(line[1]) > 10 for line in lines)
    assert called("list", "recipe") == 2


@pytest.mark.slow
def test_help_takes_under_0_4_seconds():
    import time

    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ganworks", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.4, times
