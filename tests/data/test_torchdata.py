import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from ganworks.data.arrays import Images, Points
from ganworks.data.torchdata import from_torch
from ganworks.data.toys import ring8
from ganworks.errors import UserError


class Listed(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Many(Listed):
    """A Dataset with a random transform, as torchvision's draw theirs: from torch's generator."""

    def __getitem__(self, i):
        return self.items[i] + torch.rand(())


def test_a_source_is_returned():
    toy = ring8()
    assert from_torch(toy) is toy


def test_tensors_of_images_in_any_known_range():
    images = torch.randint(0, 256, (9, 3, 8, 8), dtype=torch.uint8)
    for given in (images, images / 255, images / 127.5 - 1, images.permute(0, 2, 3, 1)):
        source = from_torch(given)
        assert isinstance(source, Images)
        assert torch.equal(source.head(9)["sample"], images)
    labelled = from_torch((images, torch.arange(9) % 3), name="mine")
    assert labelled.classes == ("0", "1", "2")
    assert labelled.name == "mine"


def test_tensors_of_points():
    points = torch.randn(9, 2, dtype=torch.float64)
    source = from_torch(points)
    assert isinstance(source, Points)
    assert torch.equal(source.head(9)["sample"], points.float())
    assert from_torch(points[:, 0]).shape == (1,)


def test_datasets_give_their_items():
    images, labels = torch.rand(200, 1, 8, 8), torch.arange(200) % 4
    source = from_torch(TensorDataset(images, labels))
    batch = source.batch(0, 200, seed=0)
    order = batch["sample"].flatten(1).float().mean(1).argsort()
    expected = (images * 255).round().to(torch.uint8)
    assert torch.equal(batch["sample"][order].sort(0).values, expected.sort(0).values)
    assert source.classes == ("0", "1", "2", "3")
    assert torch.equal(source.head(200)["label"], labels)
    pictures = Listed([{"image": np.full((8, 8, 3), i, np.uint8), "label": i % 2} for i in range(5)])
    assert from_torch(pictures).head(5)["sample"][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert from_torch(Listed(list(torch.randn(5, 2)))).shape == (2,)


def test_random_transforms_are_functions_of_seed_and_k_and_leave_torch_alone():
    source = from_torch(Many(list(torch.zeros(20, 2))))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = source.batch(3, 8, seed=1)["sample"]
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    parts = [source.batch(3, 8, 1, slice(i, i + 4))["sample"] for i in (0, 4)]
    assert torch.equal(torch.cat(parts), first)
    assert len(set(first[:, 0].tolist())) == 8


class Endless(IterableDataset):
    def __iter__(self):
        yield torch.zeros(2)


@pytest.mark.parametrize(("given", "match"), [
    (Endless(), "an iterable Dataset"), ([1, 2, 3], "a list"),
    (torch.zeros(4, 2, dtype=torch.int64), "a tensor of shape"),
    (torch.zeros(0, 1, 4, 4), "a tensor of shape"), (torch.full((2, 3), torch.nan), "NaN or infinity in row 0"),
    (torch.full((2, 1, 4, 4), 400.0), "image values from 400"), (Listed([]), "without items"),
    (Listed([{"x": 1}]), "without 'sample' or 'image'")])
def test_anything_else_is_refused(given, match):
    with pytest.raises(UserError, match=match):
        from_torch(given)


def test_items_that_differ_are_named():
    source = from_torch(Listed([torch.zeros(1, 4, 4), *[torch.zeros(1, 4, 4)] * 98, torch.zeros(1, 4, 4)]))
    source._dataset.items[40] = torch.zeros(1, 5, 5)
    with pytest.raises(UserError, match="item 40 has shape"):
        source.batch(0, 100, 0)
