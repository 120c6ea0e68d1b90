"""Extractors: pixels by hand, the classifier on real digits, Inception's refusals."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from ganworks.data.arrays import Images, Points
from ganworks.errors import UserError
from ganworks.evaluate import classifier
from ganworks.evaluate.classifier import Classifier, Network
from ganworks.evaluate.features import Pixels
from ganworks.evaluate.inception import Inception


def test_pixels_are_flat_and_at_most_one():
    images = np.random.default_rng(0).integers(0, 256, (5000, 3, 4, 5), dtype=np.uint8)
    found = Pixels((3, 4, 5))(images)
    assert found.shape == (5000, 60)
    assert found == pytest.approx(images.reshape(5000, -1) / 255)
    assert Pixels((3, 4, 5)).figure("FD", "FID") == "FD (pixels)"


def test_large_images_are_averaged_down():
    image = np.zeros((1, 1, 64, 64), np.uint8)
    image[0, 0, :2, :2] = [[0, 255], [255, 0]]
    extractor = Pixels((1, 64, 64), limit=1024)
    found = extractor(image)
    assert extractor.name == "pixels 32x32"
    assert found.shape == (1, extractor.dim) == (1, 1024)
    assert found[0, 0] == pytest.approx(0.5)
    assert not found[0, 1:].any()


def test_points_are_themselves():
    x = np.random.default_rng(0).standard_normal((7, 2)).astype(np.float32)
    found = Pixels((2,))(x)
    assert found.dtype == np.float64
    assert np.array_equal(found, x)


def test_the_classifier_of_digits(digits, cache):
    source, folder = digits, cache / "classifier"
    first = Classifier.of(source, folder=folder)
    assert first.facts["held-out accuracy"] > 0.96
    assert first.facts["held-out samples"] == 179
    features = first(source.pixels)
    assert features.shape == (1797, first.dim)
    assert features.var(axis=0).mean() == pytest.approx(1, rel=0.1)
    centres = np.stack([features[source.labels == c].mean(axis=0) for c in range(10)])
    nearest = ((features[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == source.labels).mean() > 0.96  # the features tell the classes apart

    kept = list(folder.glob("*.safetensors"))
    assert len(kept) == 1
    changed = kept[0].stat().st_mtime_ns
    again = Classifier.of(source, folder=folder)
    assert again.facts == first.facts
    assert np.array_equal(again(source.pixels), features)
    assert kept[0].stat().st_mtime_ns == changed


def small(seed: int = 0, shape: tuple[int, int, int] = (1, 8, 8), n: int = 200) -> Images:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return Images((labels[:, None, None, None] * 120 + rng.integers(0, 100, (n, *shape))).astype(np.uint8), labels)


def test_the_cache_goes_by_content_and_mends_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "LEAST_STEPS", 10)
    source = small()
    features = Classifier.of(source, folder=tmp_path)(source.pixels)
    path, = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:100])  # a damaged file is fitted again, and equal seeds give equal networks
    assert np.array_equal(Classifier.of(source, folder=tmp_path)(source.pixels), features)
    Classifier.of(small(1), folder=tmp_path)
    Classifier.of(source, seed=1, folder=tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) == 3


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 17, 17), (4, 32, 32), (3, 64, 64), (1, 128, 128), (3, 20, 28)])
def test_the_classifier_takes_any_shape(shape):
    network = Network(shape, classes=3).eval()
    images = torch.randint(0, 256, (2, *shape), dtype=torch.uint8)
    assert network.embed(images).shape == (2, 96)
    assert network(images).shape == (2, 3)


def test_the_classifier_needs_labels(tmp_path):
    with pytest.raises(UserError, match="classifier features for images"):
        Classifier.of(Images(np.zeros((200, 1, 8, 8), np.uint8)), folder=tmp_path)
    with pytest.raises(UserError, match="classifier features for points"):
        Classifier.of(Points(np.zeros((200, 2), np.float32)), folder=tmp_path)
    with pytest.raises(UserError, match="50 labelled images"):
        Classifier.of(small(n=50), folder=tmp_path)


def test_inception_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(UserError, match=r"ganworks\[inception\]"):
        Inception.load()


def test_inception_refuses_a_file_that_would_run_code(tmp_path, monkeypatch):
    class Harm:
        def __reduce__(self):
            return (sys.exit, (3,))

    published = type(sys)("torch_fidelity.feature_extractor_inceptionv3")
    package = type(sys)("torch_fidelity")
    package.feature_extractor_inceptionv3 = published
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", published)
    torch.save({"weights": Harm()}, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="not a plain file of weights"):
        Inception.load(tmp_path / "weights.pth")


def test_inception_without_a_network_says_where_to_put_the_weights(tmp_path, monkeypatch):
    published = type(sys)("torch_fidelity.feature_extractor_inceptionv3")
    published.URL_INCEPTION_V3 = (tmp_path / "nowhere" / "weights-12345678.pth").as_uri()
    package = type(sys)("torch_fidelity")
    package.feature_extractor_inceptionv3 = published
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", published)
    monkeypatch.setenv("GANWORKS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="could not be downloaded") as caught:
        Inception.load()
    assert str(tmp_path / "cache" / "inception" / "weights-12345678.pth") in caught.value.remedy
    assert not list((tmp_path / "cache" / "inception").iterdir())


def test_only_inception_is_called_fid():
    class Stub(torch.nn.Module):
        def forward(self, x):
            assert x.shape[1:] == (3, 8, 8)
            return (x.float().mean(dim=(2, 3)).repeat(1, 683)[:, :2048],)

    extractor = Inception(Stub())
    assert extractor.figure("FD", "FID") == "FID"
    assert extractor.figure("precision") == "precision (inception)"
    assert extractor(np.zeros((40, 1, 8, 8), np.uint8)).shape == (40, 2048)
    with pytest.raises(UserError, match="one or three channels"):
        extractor(np.zeros((40, 4, 8, 8), np.uint8))
