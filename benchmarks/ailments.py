"""The doctor's patients: short trainings that are ill by construction, each in several ways, and healthy ones.

What a training is ill with is not believed but measured (``truths.py``); a patient whose illness did not break out, or
who was meant to be healthy and is not, counts nowhere. Patients of even place in their group are those on which
thresholds are set; the others only test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BASE: dict[str, dict[str, Any]] = {
    "ring8": {"data": "ring8", "batch": 128, "width": 32, "depth": 3, "latent": 2, "lr": 1e-3, "betas": (0.0, 0.99),
              "schedule": "linear", "ema": 0.995, "steps": 1500},
    "grid25": {"data": "grid25", "batch": 128, "width": 32, "depth": 3, "latent": 2, "lr": 1e-3, "betas": (0.0, 0.99),
               "schedule": "linear", "ema": 0.995, "steps": 2500},
    "digits": {"data": "digits", "network": "mlp", "batch": 64, "width": 32, "latent": 32, "lr": 5e-4,
               "betas": (0.0, 0.99), "schedule": "linear", "ema": 0.99, "steps": 1000},
    "fashion": {"data": "FASHION", "network": "mlp", "batch": 64, "width": 32, "latent": 32, "lr": 5e-4,
                "betas": (0.0, 0.99), "schedule": "linear", "ema": 0.99, "steps": 800},
    "fashion-dcgan": {"data": "FASHION", "network": "dcgan", "norm_generator": "batch", "batch": 64, "width": 8,
                      "latent": 32, "lr": 1e-3, "betas": (0.0, 0.99), "schedule": "linear", "ema": 0.99, "steps": 700},
    "dirac": {"batch": 16, "steps": 1200},
}
BARE = {"norm_generator": "none", "norm_critic": "none"}
for _kind in ("ring8", "grid25", "digits", "fashion"):
    BASE[_kind] |= BARE
BASE["fashion-dcgan"]["norm_critic"] = "none"
"""What the patients of one kind of data have in common."""
LOOKS = 25
"""Looks in each training, beside that after the first step; there are ten checkpoints."""
FRESH = 5000
"""Where the seeds of those begin that only test: other ones than those with which thresholds were tried out."""


@dataclass(frozen=True)
class Patient:
    """One training.

    Attributes:
        group: what it is meant to be ill with, or "healthy".
        place: its place in the group.
        kind: of data, a key of ``BASE``.
        recipe: by name.
        given: options beside those of ``BASE``.
        fault: planted in the players or in the data, see ``planting.py``.
    """

    group: str
    place: int
    kind: str
    recipe: str
    given: dict[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def name(self) -> str:
        """Its name: group and place."""
        return f"{self.group}-{self.place}".replace(" ", "-")

    @property
    def options(self) -> dict[str, Any]:
        """All options that it is given."""
        base = BASE[self.kind]
        steps = self.given.get("steps", base["steps"])
        fixed = {"vitals_every": steps // LOOKS, "checkpoint_every": steps // 10, "sample_every": steps, "keep": 10,
                 "measure": 500, "seed": self.place + FRESH * self.tests}
        return {**base, **fixed, **self.given}

    @property
    def planted(self) -> bool:
        """Whether it has a fault that no option cures."""
        return self.fault.split(" ")[0] not in ("", "few", "far")

    @property
    def tests(self) -> bool:
        """Whether it only tests."""
        return self.place % 2 == 1


def _faulty() -> Iterator[tuple[str, list[tuple[str, str, dict[str, Any], str]]]]:
    slow = {"lr": 5e-3, "lr_critic": 2e-4}
    yield "collapse", [
        ("digits", "nsgan", {**slow, "schedule": "constant"}, ""), ("digits", "nsgan", {**slow, "lr": 1e-2}, ""),
        ("fashion", "nsgan", slow, ""), ("fashion", "nsgan", {**slow, "lr": 1e-2}, ""),
        ("fashion-dcgan", "nsgan", {"lr": 1e-2, "lr_critic": 2e-4}, ""), ("digits", "lsgan", slow, ""),
        ("digits", "nsgan", {"r1": 0.1}, "deaf 0"), ("fashion", "lsgan", {"r1": 0.1}, "deaf 0"),
        ("ring8", "lsgan", {"r1": 0.01}, "deaf 0"), ("ring8", "nsgan", {"r1": 0.01}, "deaf 0"),
        ("fashion", "nsgan", {"r1": 0.3}, "deaf 0.01"), ("digits", "rpgan", {"r1": 0.3}, "deaf 0.01"),
        ("grid25", "rpgan", {"r1": 0.02}, "deaf 0"), ("fashion-dcgan", "nsgan", {"r1": 0.3}, "deaf 0")]
    small, larger = {"r1": 0.01, "r2": 0.01}, {"r1": 0.02, "r2": 0.02}
    yield "dropping", [
        ("digits", "nsgan", {"r1": 0.1}, "part 0.5"), ("digits", "rpgan", {"r1": 0.1}, "part 0.7"),
        ("fashion", "nsgan", {"r1": 0.1}, "part 0.8"), ("fashion", "nsgan", {"r1": 0.1}, "part 0.5"),
        ("grid25", "rpgan", larger, "part 0.6"), ("ring8", "rpgan", small, "part 0.75"),
        ("digits", "nsgan", {"r1": 0.3}, "part 0.9"), ("digits", "lsgan", {"r1": 0.3}, "part 0.8"),
        ("ring8", "nsgan", small, "part 0.5"), ("grid25", "nsgan", larger, "part 0.8"),
        ("fashion", "rpgan", {"r1": 0.3}, "part 0.6"), ("fashion-dcgan", "nsgan", {"r1": 0.3}, "part 0.7")]
    strong: dict[str, Any] = {"critic_steps": 5, "lr": 1e-4, "lr_critic": 1e-3, "schedule": "constant"}
    yield "vanishing gradient", [
        ("digits", "gan", strong, ""), ("digits", "gan", {**strong, "critic_steps": 2}, ""),
        ("fashion", "gan", {**strong, "critic_steps": 2}, ""), ("fashion", "gan", {**strong, "critic_steps": 3}, ""),
        ("fashion", "gan", {"latent": 2, "lr_critic": 2e-3, "lr": 1e-4}, ""),
        ("fashion", "gan", {"latent": 1, "lr_critic": 1e-3, "lr": 5e-5}, ""),
        ("ring8", "gan", {"critic_steps": 3, "lr": 1e-4}, "far"), ("grid25", "gan", {"lr": 1e-4}, "far"),
        ("digits", "gan", {"lr": 5e-5, "lr_critic": 2e-3}, ""), ("fashion-dcgan", "gan", strong | {"lr": 5e-5}, "")]
    still: dict[str, Any] = {"lr": 2e-6, "lr_critic": 1e-3, "schedule": "constant"}
    yield "critic too strong", [
        ("digits", "nsgan", still, ""), ("fashion", "nsgan", still, ""), ("fashion", "lsgan", still, ""),
        ("digits", "lsgan", still | {"lr": 1e-6}, ""), ("fashion", "nsgan", still | {"critic_steps": 3}, ""),
        ("digits", "nsgan", still | {"critic_steps": 3}, ""), ("fashion-dcgan", "nsgan", still | {"lr": 1e-6}, ""),
        ("fashion-dcgan", "lsgan", still, "")]
    yield "critic too weak", [
        ("ring8", "nsgan", {"lr_critic": 1e-6}, ""), ("digits", "nsgan", {"lr_critic": 1e-6}, ""),
        ("fashion", "nsgan", {"lr_critic": 3e-7}, ""), ("digits", "nsgan", {"r1": 3e3}, ""),
        ("fashion", "nsgan", {"r1": 1e4}, ""), ("digits", "nsgan", {"noise": 20.0}, ""),
        ("ring8", "nsgan", {"noise": 20.0}, ""), ("grid25", "nsgan", {"lr_critic": 1e-6}, ""),
        ("fashion", "rpgan", {"lr_critic": 1e-6}, ""), ("digits", "lsgan", {"lr_critic": 1e-6}, ""),
        ("fashion", "nsgan", {"noise": 20.0}, ""), ("digits", "nsgan", {"noise": 10.0}, ""),
        ("grid25", "nsgan", {"noise": 20.0}, ""), ("digits", "rpgan", {"lr_critic": 1e-6}, "")]
    known = {"held_out": 0.5, "width": 48, "steps": 1500, "schedule": "constant"}
    yield "critic overfits", [
        ("fashion", "nsgan", known, "few 200"), ("fashion", "nsgan", known | {"lr": 1e-3}, "few 300"),
        ("fashion", "lsgan", known, "few 400"), ("digits", "nsgan", known, "few 200"),
        ("digits", "nsgan", known | {"lr_critic": 1e-3}, "few 300"), ("fashion", "rpgan", known, "few 300"),
        ("fashion-dcgan", "nsgan", known | {"width": 16, "steps": 1000}, "few 200"),
        ("fashion", "gan", known, "few 200"),
        ("digits", "lsgan", known, "few 200"), ("digits", "nsgan", known, "few 150"),
        ("fashion", "nsgan", known | {"lr": 1e-3}, "few 200"), ("fashion", "lsgan", known | {"lr": 1e-3}, "few 200"),
        ("fashion-dcgan", "lsgan", known | {"width": 16, "steps": 1000}, "few 200"),
        ("fashion-dcgan", "nsgan", known | {"width": 16, "steps": 1000}, "few 300"),
        ("digits", "nsgan", known | {"lr": 1e-3}, "few 200"), ("digits", "nsgan", known | {"lr": 1e-3}, "few 300")]
    yield "copying", [
        ("digits", "nsgan", {"r1": 0.1}, "memory 1 0"), ("digits", "nsgan", {"r1": 0.1}, "memory 1 0.02"),
        ("fashion", "nsgan", {"r1": 0.1}, "memory 1 0"), ("fashion", "nsgan", {"r1": 0.1}, "memory 1 0.02"),
        ("digits", "nsgan", {"r1": 0.1}, "memory 0.5 0"), ("fashion", "nsgan", {"r1": 0.1}, "memory 0.5 0.01"),
        ("fashion", "nsgan", {"r1": 0.1}, "memory 0.3 0"), ("digits", "nsgan", {"r1": 0.1}, "memory 0.3 0")]
    yield "dead units", [
        ("digits", "nsgan", {"r1": 0.1}, "dead generator 1"), ("fashion", "nsgan", {"r1": 0.1}, "dead generator 0.8"),
        ("ring8", "nsgan", {"r1": 0.01}, "dead generator 0.9"), ("fashion", "nsgan", {"r1": 0.1}, "saturated 100"),
        ("digits", "nsgan", {"r1": 0.1}, "saturated 300"), ("fashion", "nsgan", {"lr": 0.3}, ""),
        ("digits", "nsgan", {"lr": 0.3}, ""), ("grid25", "nsgan", {"r1": 0.02}, "dead generator 1"),
        ("digits", "lsgan", {"lr": 0.5}, ""), ("fashion", "lsgan", {"lr": 0.5}, "")]
    yield "learning rate", [
        ("ring8", "nsgan", {"lr": 1e-8}, ""), ("digits", "nsgan", {"lr": 1e-8}, ""),
        ("fashion", "nsgan", {"lr": 1e-8}, ""), ("fashion", "lsgan", {"lr": 3e-8}, ""),
        ("digits", "rpgan", {"lr": 3e-8}, ""),
        ("ring8", "lsgan", {"lr": 3e-8}, ""), ("digits", "nsgan", {"lr": 0.1}, ""),
        ("fashion", "nsgan", {"lr": 0.1}, ""),
        ("ring8", "nsgan", {"lr": 0.1}, ""), ("ring8", "nsgan", {"lr": 0.3}, ""), ("fashion", "rpgan", {"lr": 0.1}, ""),
        ("digits", "rpgan", {"lr": 0.2}, "")]
    free: dict[str, Any] = {"clip_weights": None, "critic_steps": 1, "optimiser": "adam", "lr": 1e-3,
                            "schedule": "constant"}
    yield "divergence", [
        ("fashion", "wgan", free | {"lr": 2e-3}, ""), ("fashion", "wgan", free | {"critic_steps": 2}, ""),
        ("fashion", "wgan", free, ""), ("fashion", "wgan", free | {"lr": 3e-4}, ""),
        ("fashion", "wgan", free | {"width": 48}, ""), ("fashion", "wgan", free | {"lr": 5e-4}, ""),
        ("fashion-dcgan", "wgan", free, ""), ("fashion-dcgan", "wgan", free | {"lr": 3e-4}, ""),
        ("digits", "wgan", free | {"lr": 3e-3, "critic_steps": 2}, ""), ("fashion", "wgan", free | {"depth": 4}, "")]
    batch = {"norm_critic": "batch"}
    yield "batch-norm leak", [
        ("fashion", "nsgan", batch, ""), ("digits", "nsgan", batch, ""), ("fashion-dcgan", "nsgan", batch, ""),
        ("fashion-dcgan", "lsgan", batch, ""), ("digits", "lsgan", batch, ""), ("fashion", "lsgan", batch, ""),
        ("fashion", "rpgan", batch, ""), ("digits", "rpgan", batch, ""),
        ("digits", "nsgan", batch | {"lr": 1e-3}, ""), ("fashion", "nsgan", batch | {"lr": 1e-3}, ""),
        ("fashion", "rpgan", batch | {"lr": 1e-3}, ""), ("digits", "nsgan", batch | {"width": 48}, ""),
        ("fashion", "nsgan", batch | {"width": 48}, ""), ("fashion", "nsgan", batch | {"batch": 32}, "")]
    yield "cycling", [
        ("dirac", "dirac", {}, ""), ("dirac", "dirac", {"objective": "wgan"}, ""), ("dirac", "dirac", {"lr": 0.1}, ""),
        ("dirac", "dirac", {"lr": 0.1, "dynamics": "simultaneous"}, ""),
        ("dirac", "dirac", {"objective": "wgan", "lr": 0.03}, ""), ("dirac", "dirac", {"lr": 0.2}, ""),
        ("dirac", "dirac", {"objective": "minimax"}, ""), ("dirac", "dirac", {"objective": "minimax", "lr": 0.1}, ""),
        ("dirac", "dirac", {"objective": "wgan", "lr": 0.1, "steps": 800}, ""),
        ("dirac", "dirac", {"steps": 3000}, "")]


def _healthy() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    small: dict[str, Any] = {"r1": 0.01, "r2": 0.01}
    larger: dict[str, Any] = {"r1": 0.02, "r2": 0.02}
    noisy: dict[str, Any] = {"noise": 0.3, "noise_fade": 0.3}
    more: dict[str, Any]
    for more in ({}, {"steps": 2500}, {"lr": 2e-3}, {"width": 24}):
        yield "ring8", "rpgan", {**small, **more}, ""
    for more in ({}, noisy, {"batch": 256}):
        yield "ring8", "nsgan", {"r1": 0.01, **more}, ""
    for recipe in ("lsgan", "ragan", "nsgan", "dragan", "wgan-gp"):
        yield "ring8", recipe, {**noisy, **({} if "gp" in recipe or recipe == "dragan" else {"r1": 0.01})}, ""
    for more in ({}, {"steps": 4000}, {"width": 48}, {"steps": 3000}):
        yield "grid25", "rpgan", {**larger, **noisy, **more}, ""
    for more in ({}, {"steps": 4000}):
        yield "grid25", "nsgan", {"r1": 0.02, **noisy, **more}, ""
    for kind in ("digits", "fashion"):
        penalised: dict[str, Any] = {"r1": 0.3} | ({"steps": 2000} if kind == "fashion" else {})
        for recipe in ("nsgan", "rpgan", "lsgan", "ragan"):
            yield kind, recipe, penalised, ""
            yield kind, recipe, {**penalised, "held_out": 0.2}, ""
        yield kind, "nsgan", {**penalised, "lr": 1e-3, "ema": 0.995}, ""
        yield kind, "nsgan", {**penalised, "r1": 1.0, "schedule": "constant"}, ""
        yield kind, "nsgan", {**penalised, "objective": "hinge"}, ""
        yield kind, "gan", penalised, ""
        yield kind, "wgan-gp", {**penalised, "r1": None, "critic_steps": 2}, ""
        yield kind, "dragan", {**penalised, "r1": None}, ""
        yield kind, "rpgan", {**penalised, "r1": 1.0, "r2": 1.0}, ""
        yield kind, "nsgan", {**penalised, "lecam": 0.1, "width": 48}, ""
    for recipe in ("nsgan", "rpgan", "lsgan", "ragan"):
        yield "fashion-dcgan", recipe, {"r1": 0.3}, ""
    yield "fashion-dcgan", "nsgan", {"objective": "hinge", "norm_critic": "spectral"}, ""
    yield "fashion-dcgan", "nsgan", {"r1": 0.3, "held_out": 0.2}, ""
    yield "fashion-dcgan", "nsgan", {"r1": 1.0, "width": 12}, ""
    yield "fashion-dcgan", "nsgan", {"r1": 0.3, "betas": (0.5, 0.99)}, ""
    for more in ({"r1": 1.0}, {"r1": 0.5, "lr": 0.1}, {"r1": 2.0, "objective": "wgan"}, {"r1": 1.0, "steps": 3000},
                 {"r1": 1.0, "objective": "minimax"}, {"dynamics": "consensus", "consensus": 1.0},
                 {"dynamics": "extragradient", "lr": 0.3}, {"r1": 3.0, "lr": 0.1}):
        yield "dirac", "dirac", more, ""


def _with_batch_normalisation() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    for recipe in ("nsgan", "lsgan"):
        for more in ({}, {"lr": 5e-4}):
            yield "fashion-dcgan", recipe, {"norm_critic": "batch", **more}, ""


def _twice(cases: list[Any]) -> list[Any]:
    # The quick ones once more, from other seeds.
    return cases + [case for case in cases if case[0] in ("ring8", "digits", "dirac", "fashion-dcgan")]


def patients() -> list[Patient]:
    """Return all patients, ill ones first."""
    ill = [Patient(group, place, kind, recipe, given, fault) for group, cases in _faulty()
           for place, (kind, recipe, given, fault) in enumerate(cases)]
    well = [*_twice(list(_healthy())), *_with_batch_normalisation()]
    return ill + [Patient("healthy", place, *case) for place, case in enumerate(well)]
