"""Real vectors that come with samples, from every way in to every way out; and the law of what comes with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch.utils.data import Dataset

from ganworks.cli import main
from ganworks.data.arrays import Images, Points
from ganworks.data.conditions import Conditions, evenly, spread_vectors, vectors_kept
from ganworks.data.opening import facts_of, open_source
from ganworks.data.options import DataOptions
from ganworks.data.source import Described, Finite
from ganworks.data.torchdata import from_torch
from ganworks.errors import UserError
from ganworks.train.sampling import CHUNK, Given

N = 300
LEVELS = (np.arange(N) % 256).astype(np.uint8)
IMAGES = np.broadcast_to(LEVELS[:, None, None], (N, 8, 8)).copy()
VECTORS = np.stack([LEVELS / 255, 1 - 2.0 * LEVELS], axis=1)  # so that a sample tells which vector is its own


class Listed(Dataset):
    def __init__(self, items: list) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int):
        return self.items[i]


def opened(path: Path) -> Images | Points:
    return open_source(DataOptions(path=str(path)))


def belong(batch: dict[str, torch.Tensor]) -> bool:
    level = batch["sample"].flatten(1)[:, 0].double()
    wanted = torch.stack([level / 255, 1 - 2 * level], dim=1).float()
    return batch["vector"].dtype == torch.float32 and torch.equal(batch["vector"], wanted)


def sources(folder: Path) -> dict[str, Finite]:
    np.savez(folder / "a.npz", images=IMAGES, vectors=VECTORS)
    images, vectors = torch.from_numpy(IMAGES)[:, None], torch.from_numpy(VECTORS)
    return {"npz": opened(folder / "a.npz"), "tensors": from_torch((images, vectors)),
            "pairs": from_torch(Listed(list(zip(images, vectors, strict=True)))),
            "dicts": from_torch(Listed([{"image": x, "vector": v.numpy(), "label": i % 3}
                                        for i, (x, v) in enumerate(zip(images, vectors, strict=True))]))}


def test_vectors_stay_with_their_samples(tmp_path: Path) -> None:
    for name, source in sources(tmp_path).items():
        assert source.vector == 2, name
        assert all(belong(source.batch(k, 80, seed=3)) for k in (0, 3)), name  # an epoch's end among them
        assert belong(source.batch(0, 64, 3, slice(16, 32))), name
        assert belong(source.head(50)), name
        assert sum(len(part["vector"]) for part in source.chunks(128) if belong(part)) == N, name
        assert ("label" in source.head(5)) == (name == "dicts")


@pytest.mark.parametrize("name", ["vectors", "conditions", "attributes", "Vector"])
def test_an_npz_by_any_usual_name_and_from_the_cache(tmp_path: Path, name: str, own_cache: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LEVELS % 3, **{name: VECTORS.astype(np.float32)})
    for _ in range(2):
        source = opened(tmp_path / "a.npz")
        assert belong(source.head(N))
        assert source.classes == ("0", "1", "2")
    assert len(list(own_cache.glob("*/vectors.npy"))) == 1
    assert facts_of(source).vectors == ((0.0, 1.0), (-509.0, 1.0))


def test_single_numbers_are_vectors_of_one_and_points_have_them_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", points=np.stack([LEVELS, LEVELS], 1).astype(float), conditions=LEVELS / 255)
    source = opened(tmp_path / "a.npz")
    assert (source.shape, source.vector, source.classes) == ((2,), 1, None)
    batch = source.batch(1, 100, seed=0)
    assert torch.allclose(batch["vector"][:, 0] * 255, batch["sample"][:, 0])
    assert from_torch((torch.rand(9, 2), torch.rand(9, 3))).vector == 3


def test_the_verb_says_their_ranges(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where it puts its picture
    np.savez(tmp_path / "a.npz", images=IMAGES, vectors=VECTORS)
    assert main(["data", str(tmp_path / "a.npz")]) == 0
    assert "2 real numbers with each sample: 0..1, -509..1" in capsys.readouterr().out


@pytest.mark.parametrize(("vectors", "words"), [
    (VECTORS[:-1], "for 300 samples"), (np.where(VECTORS == -19, np.nan, VECTORS), "nan at index (10, 1)"),
    (VECTORS * 1e300, "inf at index (0, 1)"), (VECTORS.astype(str), "<U"), (VECTORS[:, :, None], "(300, 2, 1)"),
    (VECTORS[:, :0], "(300, 0)")])
def test_what_is_no_vector_is_refused_by_its_name(tmp_path: Path, vectors: np.ndarray, words: str) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, attributes=vectors)
    with pytest.raises(UserError, match=r"a\.npz: 'attributes'") as caught:
        opened(tmp_path / "a.npz")
    assert words in caught.value.problem


def test_a_dataset_must_keep_to_its_first_item() -> None:
    def taken(other: object) -> None:
        items = [(torch.zeros(1, 8, 8, dtype=torch.uint8), torch.zeros(2)) for _ in range(150)]
        items[1] = other  # the first look is at evenly spread items, not at this one
        from_torch(Listed(items)).take(np.array([0, 1]), np.zeros((2, 8)))

    image = torch.zeros(1, 8, 8, dtype=torch.uint8)
    for other, words in (((image, torch.zeros(3)), "vector of 3 numbers"), (image, "vector of no numbers"),
                         ((image, torch.tensor([0.0, np.nan])), "NaN"), ((image, 4), "has a label")):
        with pytest.raises(UserError, match=words):
            taken(other)


def test_real_numbers_given_as_labels_are_told_apart() -> None:
    with pytest.raises(UserError) as caught:
        from_torch((torch.from_numpy(IMAGES), torch.rand(N)))
    assert f"shape ({N}, 1)" in caught.value.remedy


def test_labels_are_drawn_as_often_as_they_come() -> None:
    labels = np.repeat([0, 1, 3], [60, 30, 210])
    source = Images(IMAGES[:, None], labels, ["a", "b", "c", "d"])
    drawn = source.conditions.draw("label", 4000, seed=1)
    assert drawn.dtype == torch.int64
    counts = np.bincount(drawn, minlength=4)
    assert counts[2] == 0
    assert chisquare(counts[[0, 1, 3]], 4000 * np.array([0.2, 0.1, 0.7])).pvalue > 1e-3
    assert not torch.equal(drawn, source.conditions.draw("label", 4000, seed=2))


def test_vectors_are_drawn_whole_and_all_of_them() -> None:
    source = from_torch((torch.from_numpy(IMAGES), torch.from_numpy(VECTORS)))
    drawn = source.conditions.draw("vector", 4000, seed=0)
    assert torch.allclose(drawn[:, 1], 1 - 510 * drawn[:, 0], atol=1e-3)
    assert len(drawn.unique(dim=0)) == 256  # of 300 images, 44 have the level of an earlier one
    assert source.conditions.draw("label", 5, 0) is None


def test_the_condition_of_sample_i_is_a_function_of_seed_and_i() -> None:
    given = Given({}, Conditions((5, 1, 2)), "label")
    many = given.conditions(3 * CHUNK, seed=7)
    for count in (1, 100, CHUNK, CHUNK + 1):
        assert torch.equal(given.conditions(count, seed=7), many[:count])
    assert not torch.equal(many[:CHUNK], many[CHUNK : 2 * CHUNK])
    assert not torch.equal(given.conditions(CHUNK, seed=8), many[:CHUNK])
    assert Given({}, Conditions((5, 1)), None).conditions(4, 0) is None


def test_a_source_that_is_gone_is_asked_for_equal_shares() -> None:
    law = Described("gone", (1, 8, 8), ("a", "b", "c", "d")).conditions
    counts = np.bincount(law.draw("label", 4000, seed=0), minlength=4)
    assert chisquare(counts).pvalue > 1e-3
    assert Described("gone", (2,)).conditions.draw("label", 4, 0) is None


def test_the_law_survives_a_file_exactly() -> None:
    law = Conditions((3, 0, 1), np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32))
    again = Conditions.from_json(json.loads(json.dumps(law.to_json())))
    assert again.counts == law.counts
    assert again.vectors.dtype == np.float32
    assert (again.vectors == law.vectors).all()
    kept = Described("gone", (2,), vector=3, conditions=again)
    assert torch.equal(kept.conditions.draw("vector", 99, 4), law.draw("vector", 99, 4))


def test_few_vectors_are_kept_from_end_to_end() -> None:
    rows = np.arange(5000.0)[:, None]
    kept = spread_vectors(rows)
    assert len(kept) == vectors_kept(1) == 1024
    assert (kept[0], kept[-1]) == (0, 4999)
    assert np.diff(kept[:, 0]).max() <= 5000 / 1023 + 1
    assert vectors_kept(10**6) == 64
    assert evenly(3, 10).tolist() == [0, 1, 2]
