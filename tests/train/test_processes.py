"""Two processes are one: the same costs and weights, one set of files, and an exact resume."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ganworks.train import Run

PROOF = Path(__file__).parents[2] / "benchmarks" / "two_processes.py"


def python(*words, where):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GANWORKS_CACHE": str(where / "cache")}
    done = subprocess.run([sys.executable, *map(str, words)], cwd=where, env=environment, text=True,
                          capture_output=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return done


def torchrun(*words, where):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return python("-m", "torch.distributed.run", "--nproc_per_node", 2, "--master_addr", "127.0.0.1", "--master_port",
                  port, *words, where=where)


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_the_same_batch(tmp_path):
    python(PROOF, "--json", tmp_path / "found.json", where=tmp_path)
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found) == 7
    for case, row in found.items():
        assert row["costs"] < 1e-5, case
        # Adam makes a step of the rounding of one bias whose gradient is 0; see the script.
        assert row["weights"] < (1e-3 if case.endswith("ring8, Adam") else 1e-5), case
        assert row["moved"] > 1e-3, case


OPTIONS = ["--data", "digits", "--size", "16", "--width", "4", "--latent", "8", "--batch", "16", "--log-every", "2",
           "--checkpoint-every", "5", "--measure", "none", "--device", "cpu", "--quiet"]


@pytest.mark.slow
def test_one_process_writes_and_both_resume(tmp_path):
    def train(*words):
        # Without "--" torchrun takes --run for its own --run-path.
        return torchrun("-m", "--", "ganworks", "train", *words, where=tmp_path)

    train("dcgan", "--run", "whole", *OPTIONS, "--steps", 20)
    train("dcgan", "--run", "cut", *OPTIONS, "--steps", 10)
    said = train("--resume", "cut", "--steps", 20, "--quiet").stderr
    assert said.count("resuming cut at step 10 of 20") == 1
    for name in ("whole", "cut"):
        records = Run(tmp_path / name).records()
        assert [record["step"] for record in records] == list(range(2, 21, 2))  # once each
    whole, cut = (Run(tmp_path / name).load()[0] for name in ("whole", "cut"))
    for name, tensor in whole["game"].items():
        assert torch.equal(tensor, cut["game"][name]), name
    for name, tensor in whole["hooks"]["ema_generator"].items():
        assert torch.equal(tensor, cut["hooks"]["ema_generator"][name]), name
    python("-m", "ganworks", "train", "dcgan", "--run", "one", *OPTIONS, "--steps", 20, "--accumulate", 2,
           where=tmp_path)
    for mine, theirs in zip(Run(tmp_path / "whole").records(), Run(tmp_path / "one").records(), strict=True):
        for key in ("critic/adversarial", "generator/adversarial"):
            assert mine[key] == pytest.approx(theirs[key], abs=1e-5)


HASTY = """
import sys, torch
from ganworks.train import Machine
machine = Machine("cpu")
import torch._dynamo  # keeps the process group alive to the end
sys.setswitchinterval(1000)  # nobody else gets the interpreter, so gloo's threads still want it when it goes
for _ in range(200):
    machine.mean(torch.ones(20000))
"""


@pytest.mark.slow
@pytest.mark.slow
def test_processes_that_end_in_a_hurry_do_not_abort(tmp_path):
    (tmp_path / "hasty.py").write_text(HASTY)
    for _ in range(6):
        torchrun(tmp_path / "hasty.py", where=tmp_path)
