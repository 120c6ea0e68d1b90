import sys

import numpy as np
import pytest
from PIL import Image

from ganworks.data.opening import facts_of, open_source
from ganworks.data.options import DataOptions
from ganworks.errors import UserError


def opened(path, **options):
    return open_source(DataOptions(path=f"hf:{path}", **options))


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"pip install 'ganworks\[data\]'"):
        opened("ylecun/mnist")


@pytest.fixture
def datasets(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return pytest.importorskip("datasets")


def saved(datasets, path):
    pictures = [Image.fromarray(np.full((8, 8, 3), i * 8, np.uint8)) for i in range(30)]
    features = datasets.Features({"text": datasets.Value("string"), "img": datasets.Image(),
                                  "label": datasets.ClassLabel(names=["dog", "cat"])})
    data = datasets.Dataset.from_dict({"text": ["a"] * 30, "img": pictures, "label": [i % 2 for i in range(30)]},
                                      features=features)
    datasets.DatasetDict({"train": data, "test": data.select(range(5))}).save_to_disk(str(path))


def test_a_saved_data_set(datasets, tmp_path):
    saved(datasets, tmp_path / "d")
    source = opened(tmp_path / "d")
    assert source.pixels[:, 0, 0, 0].tolist() == [i * 8 for i in range(30)]
    assert source.classes == ("dog", "cat"), "the order of the data set's own label numbers"
    assert source.labels.tolist() == [i % 2 for i in range(30)]
    assert len(opened(f"{tmp_path / 'd'}:test")) == 5
    assert facts_of(source).kind == "Hugging Face data set"
    with pytest.raises(UserError, match="did you mean 'test'"):
        opened(f"{tmp_path / 'd'}:tset")


def test_no_image_column_and_no_such_data_set(datasets, tmp_path):
    datasets.Dataset.from_dict({"a": [1, 2]}).save_to_disk(str(tmp_path / "n"))
    with pytest.raises(UserError, match="a column of type Image"):
        opened(tmp_path / "n")
    with pytest.raises(UserError, match="cannot be loaded"):
        opened(tmp_path / "nothing")
    with pytest.raises(UserError, match="without a name"):
        opened("")
