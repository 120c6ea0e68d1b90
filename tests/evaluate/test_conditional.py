"""Samples that were asked to be of a class, made by stand-ins for generators that return real digits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ganworks.data.arrays import Images, Points
from ganworks.errors import UserError
from ganworks.evaluate import Drawn, evaluate
from ganworks.evaluate.classifier import Classifier, Network
from ganworks.evaluate.features import Pixels
from ganworks.evaluate.figures import Report
from ganworks.evaluate.frechet import frechet_distance
from ganworks.report.judgement import judgements, table


@pytest.fixture(autouse=True)
def shared_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANWORKS_CACHE", str(cache))


def of_classes(digits: Images, becomes=lambda label, rng: label):
    """Return a sampler of real digits: asked for a label, it returns a digit of ``becomes(label)``."""
    members = [np.flatnonzero(digits.labels == number) for number in range(10)]

    def sampler(n: int, seed: int) -> Drawn:
        rng = np.random.default_rng(seed)
        wanted = rng.integers(10, size=n)
        rows = [rng.choice(members[becomes(label, rng)]) for label in wanted]
        return Drawn(digits.pixels[rows], wanted)

    return sampler


def judged(digits: Images, becomes=lambda label, rng: label, **more) -> Report:
    return evaluate(of_classes(digits, becomes), digits, resamples=2, **more)


@pytest.fixture(scope="module")
def right(digits: Images, cache: Path) -> Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANWORKS_CACHE", str(cache))
        return judged(digits)


def test_what_was_asked_for_is_named_like_real_digits(digits: Images, right: Report) -> None:
    figure, classifier = right["condition accuracy"], Classifier.of(digits)
    assert figure.floor == classifier.accuracy  # of digits that it was not taught
    assert figure.floor > 0.95
    assert figure.value > figure.floor - 0.03
    assert figure.n == 898
    assert right.facts["held-out accuracy"] == round(classifier.accuracy, 4)


def test_who_ignores_the_class_is_right_by_chance(digits: Images) -> None:
    report = judged(digits, lambda label, rng: rng.integers(10))
    figure = report["condition accuracy"]
    assert abs(figure.value - 0.1) < 4 * np.sqrt(0.09 / 898)
    # Wilson (1927): the p with |share - p| = z sqrt(p (1 - p) / n)
    for p in (figure.low, figure.high):
        assert abs(figure.value - p) == pytest.approx(1.959964 * np.sqrt(p * (1 - p) / 898), rel=1e-5)
    assert {one.name for one in report.classes} == set("0123456789")
    assert all(one.accuracy.value < 0.3 for one in report.classes)


def test_a_swap_of_two_classes_is_seen_class_by_class(digits: Images) -> None:
    swap = {3: 6, 6: 3}
    report = judged(digits, lambda label, rng: swap.get(label, label))
    worst = report.classes[:2]
    assert {(one.name, one.confused) for one in worst} == {("3", "6"), ("6", "3")}
    assert all(one.accuracy.value < 0.1 < 0.85 < one.confused_share for one in worst)
    assert all(one.accuracy.value > 0.8 for one in report.classes[2:])
    values = [one.accuracy.value for one in report.classes]
    assert values == sorted(values)
    assert sum(one.accuracy.n for one in report.classes) == 898
    share = sum(one.accuracy.value * one.accuracy.n for one in report.classes) / 898
    assert share == pytest.approx(report["condition accuracy"].value)
    assert "6 (" in next(line for line in report.table().splitlines() if line.startswith("3 "))


def test_the_distance_of_a_class_is_that_of_its_own_samples(digits: Images, right: Report) -> None:
    assert all(one.distance is None for one in right.classes)  # 96 features, and about 90 samples of a class
    features = Pixels((1, 8, 8), 16)
    one_image = digits.pixels[digits.labels == 4][0]

    def sampler(n: int, seed: int) -> Drawn:
        drawn = of_classes(digits)(n, seed)
        drawn.samples[drawn.labels == 4] = one_image
        return drawn

    report = evaluate(sampler, digits, features, resamples=2)
    by_name = {one.name: one for one in report.classes}
    assert all(one.distance is not None for one in report.classes)
    assert by_name["4"].accuracy.value == 1
    others = [one.distance.value / one.distance.floor for one in report.classes if one.name != "4"]
    assert by_name["4"].distance.value / by_name["4"].distance.floor > 2 * max(others)
    # All the real digits of the class are on the other side, but for those that n leaves out.
    fours = features(digits.pixels[digits.labels == 4])
    still = np.repeat(features(one_image[None]), len(fours), axis=0)
    assert by_name["4"].distance.value == pytest.approx(frechet_distance(still, fours), rel=0.3)
    assert by_name["4"].distance.name.startswith("FD")


def test_samples_without_labels_are_not_asked(digits: Images) -> None:
    report = evaluate(lambda n, seed: of_classes(digits)(n, seed).samples, digits, resamples=2)
    assert report.classes == ()
    with pytest.raises(UserError, match="no figure 'condition accuracy'"):
        report["condition accuracy"]


@pytest.mark.parametrize("labels", [np.full(898, 10), np.full(898, -1), np.zeros(898), np.zeros(5, dtype=int)])
def test_labels_that_are_none_are_refused(digits: Images, labels: np.ndarray) -> None:
    with pytest.raises(UserError, match="returned labels"):
        evaluate(lambda n, seed: Drawn(digits.pixels[:n], labels), digits, "pixels", resamples=2)


def test_without_a_classifier_it_is_said_and_the_rest_is_there() -> None:
    points = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    source = Points(points, np.arange(200) % 2)
    report = evaluate(lambda n, seed: Drawn(points[:n], np.arange(n) % 2), source, resamples=2)
    assert any("condition accuracy is not measured" in warning for warning in report.warnings)
    assert report.classes == ()
    assert report["FD"].value >= 0


def test_a_classifier_that_knows_nothing_is_warned_of(digits: Images) -> None:
    def warned(right: int) -> bool:
        classifier = Classifier(Network((1, 8, 8), 10), torch.full((10,), right), torch.full((10,), 20))
        report = evaluate(of_classes(digits), digits, classifier, n=100, resamples=2)
        assert report["condition accuracy"].floor == right / 20
        return any("its word on samples says little" in warning for warning in report.warnings)

    assert warned(15)
    assert not warned(17)


def test_a_classifier_comes_back_from_its_file_with_what_it_knows(digits: Images) -> None:
    one, two = Classifier.of(digits), Classifier.of(digits)
    assert torch.equal(one.right, two.right)
    assert torch.equal(one.held_out, two.held_out)
    assert int(one.held_out.sum()) == 179
    assert (one.named(digits.pixels) == two.named(digits.pixels)).all()
    assert (one.named(digits.pixels) == digits.labels).mean() > 0.95


def test_the_page_shows_what_the_json_holds(digits: Images, tmp_path: Path) -> None:
    report = judged(digits, lambda label, rng: 9 if label == 5 else label)
    path = tmp_path / "metrics.json"
    path.write_text(report.to_json())
    found = json.loads(path.read_text())
    assert found["classes"][0]["name"] == "5"
    assert found["classes"][0]["confused"] == "9"
    [judgement], problem = judgements(path)
    assert problem == ""
    assert [one.name for one in judgement.classes] == [one.name for one in report.classes]
    html = table(judgement)
    assert "condition accuracy" in html
    assert html.index("<th>5</th>") < html.index("<th>0</th>")
    assert f"9 ({report.classes[0].confused_share:.0%})" in html
