"""Checkpoint files: any tree comes back as it was, and damage of any kind is seen."""

from __future__ import annotations

import contextlib
import math
import pickle
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

import ganworks
from ganworks.errors import UserError
from ganworks.train.state import read_facts, read_state, write_state

KINDS = (torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool)


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    kind = draw(st.sampled_from(KINDS))
    numbers = torch.randint(-3 if kind.is_signed else 0, 4, shape, generator=torch.Generator().manual_seed(1))
    tensor = numbers.to(kind)
    return tensor.transpose(0, -1) if len(shape) > 1 and draw(st.booleans()) else tensor


plain = st.one_of(st.none(), st.booleans(), st.integers(-2**60, 2**60), st.floats(allow_nan=False), st.text(max_size=4))
keys = st.one_of(st.sampled_from(["a", "b", "a/b", "/", "", "0", "tensor", "value"]), st.integers(0, 2))
trees = st.recursive(st.one_of(plain, tensors()), lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)), max_leaves=12)


def equal(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and a == b


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(keys, trees, max_size=4))
def test_any_tree_comes_back_as_it_was(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("state") / "x.safetensors"
    write_state(path, tree, {"step": 3})
    assert equal(tree, read_state(path))
    assert read_facts(path) == {"step": 3}


def test_names_that_look_alike_stay_apart(tmp_path):
    tree = {"a/b": torch.ones(1), "a": {"b": torch.zeros(2)}, 0: torch.ones(3), "0": torch.zeros(4),
            "a/b'": torch.ones(5)}
    write_state(tmp_path / "x", tree)
    assert equal(tree, read_state(tmp_path / "x"))


def test_what_json_has_no_word_for_comes_back_too(tmp_path):
    write_state(tmp_path / "x", {"inf": -math.inf, "nan": math.nan, "tuple": (1, 2), "t": torch.tensor(math.nan)})
    state = read_state(tmp_path / "x")
    assert state["inf"] == -math.inf
    assert math.isnan(state["nan"])
    assert state["tuple"] == [1, 2]
    assert state["t"].isnan()


def test_code_and_other_objects_are_not_saved(tmp_path):
    with pytest.raises(TypeError, match="state/hook"):
        write_state(tmp_path / "x", {"hook": print})
    assert not list(tmp_path.iterdir())


STATE = {"step": 3, "w": torch.arange(6.0).view(2, 3), "i": torch.tensor([7])}


def test_each_flipped_byte_is_seen(tmp_path):
    good = tmp_path / "good"
    write_state(good, STATE, {"step": 3, "figure": 0.5})
    content, bad = good.read_bytes(), tmp_path / "bad"
    for place in range(len(content)):
        flipped = content[place] ^ (1 << place % 8)
        bad.write_bytes(content[:place] + bytes([flipped]) + content[place + 1:])
        with pytest.raises(UserError, match=r"bad .*(damaged|cannot be read|no checkpoint)|checkpoint .*bad"):
            read_state(bad)
        with contextlib.suppress(UserError):
            read_facts(bad)  # cannot see all damage, but fails in no other way


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_off_file_is_seen(tmp_path, share):
    write_state(tmp_path / "x", STATE)
    content = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="cannot be read"):
        read_state(tmp_path / "x")


def test_other_files_in_a_checkpoints_place_are_refused_and_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    (tmp_path / "pickle").write_bytes(pickle.dumps(Trap()))
    torch.save({"w": torch.ones(1), "trap": Trap()}, tmp_path / "torch")
    save_file({"w": torch.ones(1)}, tmp_path / "foreign")
    save_file({"w": torch.ones(1)}, tmp_path / "bare", {"format": "1"})
    for name in ("pickle", "torch", "foreign", "bare", "missing"):
        with pytest.raises(UserError):
            read_state(tmp_path / name)
        with pytest.raises(UserError):
            read_facts(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_nothing_in_the_package_unpickles():
    loads = re.compile(r"\btorch\.load\((?!.*weights_only=True)|\bpickle\.(load|Unpickler)|allow_pickle\s*=\s*True"
                       r"|^\s*(import|from) (pickle|dill|joblib|shelve)\b|weights_only\s*=\s*False", re.MULTILINE)
    assert loads.search("    state = torch.load(path)")
    for file in Path(ganworks.__file__).parent.rglob("*.py"):
        assert not loads.search(file.read_text()), file
