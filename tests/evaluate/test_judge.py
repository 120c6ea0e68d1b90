"""Whole evaluations: figures order as they must, floors stand beside them, and bad samples are told."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ganworks.data.arrays import Images, Points
from ganworks.data.toys import moons, ring8
from ganworks.errors import UserError
from ganworks.evaluate.figures import Figure, Report
from ganworks.evaluate.judge import evaluate, quick_frechet
from ganworks.evaluate.metrics import Frechet, Modes, Neighbours, Transport


def drawn_from(pixels: np.ndarray):
    def sampler(n: int, seed: int) -> np.ndarray:
        return pixels[np.random.default_rng(seed).choice(len(pixels), n, replace=len(pixels) < n)]
    return sampler


def with_noise(pixels: np.ndarray, sd: float):
    def sampler(n: int, seed: int) -> torch.Tensor:
        clean = drawn_from(pixels)(n, seed)
        noise = np.random.default_rng(seed).normal(0, sd, clean.shape)
        return torch.from_numpy(np.clip(clean + noise, 0, 255).round().astype(np.uint8))
    return sampler


@pytest.mark.parametrize("features", ["pixels", "auto"])
def test_digits_in_order(digits, features, cache, monkeypatch):
    monkeypatch.setenv("GANWORKS_CACHE", str(cache))
    name = {"pixels": "pixels", "auto": "classifier"}[features]
    samplers = [drawn_from(digits.pixels), with_noise(digits.pixels, 60), with_noise(digits.pixels, 150)]
    real, noisy, worse = (evaluate(s, digits, features, resamples=5) for s in samplers)
    one_class = evaluate(drawn_from(digits.pixels[digits.labels == 1]), digits, features, resamples=5)
    assert real.n == 898
    assert real.features == name
    fd = f"FD ({name})"
    assert real[fd].value < 1.5 * real[fd].floor
    assert real[fd].value < noisy[fd].value < worse[fd].value
    assert one_class[fd].value > 10 * one_class[fd].floor
    assert one_class["precision"].value > 0.9
    assert one_class["recall"].value < 0.6
    assert one_class["coverage"].value < 0.3
    assert real["precision"].value > 0.9
    assert real["recall"].value > 0.9
    assert real[fd].floor == noisy[fd].floor  # the floor does not look at the generator


def test_every_figure_has_an_interval_around_it(digits):
    report = evaluate(with_noise(digits.pixels, 60), digits, "pixels", n=200, resamples=5)
    assert [f.name for f in report.figures] == [f"{name} (pixels)" for name in
                                                ("FD", "KD", "precision", "recall", "density", "coverage")]
    for figure in report.figures:
        assert figure.low is not None
        assert figure.low <= figure.value <= figure.high
        assert figure.n == 200
    assert any("200 samples are few" in warning for warning in report.warnings)


def test_fewer_samples_than_dimensions_is_warned_of(digits):
    report = evaluate(drawn_from(digits.pixels), digits, "pixels", n=50, metrics=[Frechet()], resamples=2)
    assert any("singular" in warning for warning in report.warnings)


def test_copies_are_warned_of(digits):
    report = evaluate(lambda n, _: np.repeat(digits.pixels[:1], n, axis=0), digits, "pixels", resamples=2)
    assert any("only 1 of 898" in warning for warning in report.warnings)
    assert report["recall"].value == 0


def test_equal_seeds_give_equal_figures(digits):
    def run(seed: int) -> tuple[Figure, ...]:
        return evaluate(drawn_from(digits.pixels), digits, "pixels", n=100, seed=seed, resamples=3).figures

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_ring_of_eight():
    toy = ring8()
    good = evaluate(lambda n, seed: toy.sample(n, np.random.default_rng(seed)), toy, n=2000, resamples=5)
    assert good["modes found of 8"].value == 8
    assert good["high quality"].value == pytest.approx(0.989, abs=0.01)
    assert good["mode KL"].value < 0.01
    assert good["FD (points)"].value < 0.01

    def two_modes(n: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return toy.modes[rng.integers(2, size=n)] + 0.01 * rng.standard_normal((n, 2))

    bad = evaluate(two_modes, toy, n=2000, resamples=5)
    assert bad["modes found of 8"].value == 2
    assert bad["modes found of 8"].floor == 8
    assert bad["mode KL"].value == pytest.approx(np.log(4), abs=0.01)
    assert bad["W1"].low > good["W1"].high
    assert bad["recall"].value < 0.4 < 0.9 < bad["precision"].value


def test_moons_without_modes():
    toy = moons()
    good = evaluate(lambda n, seed: toy.sample(n, np.random.default_rng(seed)), toy, n=1000, resamples=5)
    blob = evaluate(lambda n, seed: np.random.default_rng(seed).standard_normal((n, 2)), toy, n=1000, resamples=5)
    assert good["mean log density"].value == pytest.approx(good["mean log density"].floor, abs=0.1)
    assert blob["mean log density"].high < good["mean log density"].low
    assert blob["W1"].value > 3 * blob["W1"].floor
    with pytest.raises(UserError, match="mode figures for moons"):
        evaluate(toy_sampler(toy), toy, n=100, metrics=[Modes()])


def toy_sampler(toy):
    return lambda n, seed: toy.sample(n, np.random.default_rng(seed))


@pytest.mark.parametrize(("sampler", "message"), [
    (lambda n, _: np.zeros((n, 1, 9, 9), np.uint8), "samples of shape"),
    (lambda n, _: np.zeros((n - 1, 1, 8, 8), np.uint8), "samples of shape"),
    (lambda n, _: torch.zeros(n, 1, 8, 8), "torch.float32"),
])
def test_wrong_images_are_told(digits, sampler, message):
    with pytest.raises(UserError, match=message):
        evaluate(sampler, digits, "pixels")


def test_nan_and_too_few_are_told(digits):
    toy = ring8()
    with pytest.raises(UserError, match="100 of 100 samples hold NaN"):
        evaluate(lambda n, _: np.full((n, 2), np.nan), toy, n=100)
    with pytest.raises(UserError, match="n <= 898"):
        evaluate(drawn_from(digits.pixels), digits, n=1000)
    with pytest.raises(UserError, match="at least 20"):
        evaluate(drawn_from(digits.pixels), Images(digits.pixels[:30]))
    with pytest.raises(UserError, match="did you mean 'pixels'"):
        evaluate(drawn_from(digits.pixels), digits, "pixel")
    points = Points(np.random.default_rng(0).standard_normal((100, 2)).astype(np.float32))
    with pytest.raises(UserError, match="a log density of points"):
        evaluate(lambda n, _: np.zeros((n, 2)), points, metrics=[Transport()])


def test_the_report_as_json_and_text():
    figures = (Figure("FD (pixels)", 1.5, 1.25, 1.75, 0.5, 100, "lower"),
               Figure("modes found of 8", 7, None, None, 8, 100, "higher"))
    report = Report("digits", "pixels", {"held-out accuracy": 0.9}, 100, 0, 0.95, figures, ("take care",), float("inf"))
    read = json.loads(report.to_json())
    assert read["figures"][0] == {"name": "FD (pixels)", "value": 1.5, "low": 1.25, "high": 1.75, "floor": 0.5,
                                  "n": 100, "better": "lower"}
    assert read["seconds"] is None
    lines = report.table().splitlines()
    assert lines[0].split("  ")[0] == "figure"
    assert lines[2].split() == ["FD", "(pixels)", "1.5", "1.25", "..", "1.75", "0.5", "100", "lower"]
    assert lines[3].split() == ["modes", "found", "of", "8", "7", "-", "8", "100", "higher"]
    assert lines[-1] == "note: take care"
    with pytest.raises(UserError, match="no figure 'FID'"):
        report["FID"]


def test_quick_frechet_is_the_distance_of_pixels(digits):
    measure = quick_frechet(digits.pixels[:500])
    flat = [digits.pixels[:500].reshape(500, -1) / 255.0, digits.pixels[500:900].reshape(400, -1) / 255.0]
    from scipy.linalg import sqrtm

    a, b = (np.cov(x, rowvar=False) for x in flat)
    # Corners that are always dark make the product singular, where sqrtm is only good to about 1e-6.
    root = sqrtm(a @ b + 1e-14 * np.eye(64)).real
    expected = np.sum((flat[0].mean(0) - flat[1].mean(0)) ** 2) + np.trace(a + b - 2 * root)
    assert measure(torch.from_numpy(digits.pixels[500:900])) == pytest.approx(expected, abs=1e-4)
    assert measure(digits.pixels[:500]) < 1e-8


def test_quick_frechet_of_points_and_of_large_images():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 2))
    assert quick_frechet(x)(x + np.array([3.0, 4.0])) == pytest.approx(25)
    large = rng.integers(0, 256, (60, 3, 128, 128), dtype=np.uint8)
    assert quick_frechet(large)(large[:40]) > 0


def test_neighbours_can_be_asked_for_alone(digits):
    report = evaluate(drawn_from(digits.pixels), digits, "pixels", n=100, metrics=[Neighbours(k=3)], resamples=2)
    assert [f.name.split(" ")[0] for f in report.figures] == ["precision", "recall", "density", "coverage"]
