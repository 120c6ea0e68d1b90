"""Runs on disk that nothing has trained, and trainers that were built by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganworks.data import Finite
from ganworks.design import objective_named
from ganworks.game import Duel, Latent
from ganworks.nets import DCGANCritic, DCGANGenerator
from ganworks.train import EMA, Adam, Machine, Recipe, Run, Trainer

RECIPE = "recipe: dcgan\ndata: {path: digits}\ntraining: {steps: 200, batch: 64, ema: 0.999}\n"


class Squares(Finite):
    """Grey 8 x 8 images of one level each, with labels."""

    name, shape, classes = "squares", (1, 8, 8), ("dark", "bright")

    def __len__(self) -> int:
        return 64

    def take(self, index: np.ndarray, chance: np.ndarray) -> dict[str, torch.Tensor]:
        level = torch.from_numpy(index * 4).to(torch.uint8)
        return {"sample": level[:, None, None, None].expand(-1, 1, 8, 8).clone(), "label": torch.from_numpy(index % 2)}


@pytest.fixture(scope="session")
def trainer() -> Trainer:
    """A DCGAN after three steps, so that the average and the live weights differ."""
    torch.manual_seed(0)
    source = Squares()
    game = Duel(DCGANGenerator(source.shape, 16, 16), DCGANCritic(source.shape, 16, "spectral"),
                objective_named("nonsaturating"), Latent(16))
    recipe = Recipe(game, source, {"generator": Adam(0.01), "critic": Adam(0.01)}, steps=3, batch=32, hooks=[EMA()])
    built = Trainer(recipe, Machine("cpu"))
    built.fit()
    return built


SHORT = [{"step": step, "critic/adversarial": 1.0, "seconds": step / 50} for step in (50, 100)]
"""A log with one thing to draw, where drawing is not what is tested."""


def records(steps: int = 200, every: int = 10) -> list[dict[str, Any]]:
    """Return a log as the trainer writes one."""
    found: list[dict[str, Any]] = []
    for step in range(every, steps + 1, every):
        found.append({"step": step, "critic/adversarial": 1.4 - step / 1000, "critic/gradient_penalty": 10 / step,
                      "generator/adversarial": 0.7 + step / 1000, "score/on_real": 0.3, "score/on_fake": -0.2,
                      "rate/generator": 2e-4, "rate/critic": 2e-4, "seconds": step / 50})
        if step % 100 == 0:
            found.append({"step": step, "measure/FD (pixels)": 1000 / step})
    return found


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Return a function that makes a run directory from a log, a recipe and the steps of its pictures."""
    def make(log: list[dict[str, Any]] | None = None, recipe: str = RECIPE, pictures: tuple[int, ...] = (),
             name: str = "a-run") -> Run:
        run = Run.create(tmp_path / name, recipe, {"name": "digits", "shape": [1, 8, 8], "classes": None})
        if log is not None:
            (run.path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in log))
        for step in pictures:
            (run.path / "samples").mkdir(exist_ok=True)
            pixels = np.random.default_rng(step).integers(0, 256, (90, 90), np.uint8)
            Image.fromarray(pixels).save(run.path / "samples" / f"step-{step:08d}.png")
        return run

    return make
