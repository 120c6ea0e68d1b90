"""From names, YAML and flags to a checked call: what is taken, and what is said about what is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ganworks.errors import UserError
from ganworks.recipes import Call, function_named
from ganworks.train import Machine, Trainer

MINE = '''
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import nn

from beside import WIDTH
from ganworks.data import Source
from ganworks.design import objective_named
from ganworks.game import Duel, Latent
from ganworks.recipes import Training
from ganworks.train import Recipe

@dataclass
class Facts:
    width: int = WIDTH

def mine(source: Source, training: Training = Training(steps=2, batch=8, lr=0.5, ema=None),
         depth: Annotated[int, Field(ge=1, description="how deep")] = 3) -> Recipe:
    """Train mine."""
    generator = nn.Sequential(*[nn.Linear(Facts().width, Facts().width) for _ in range(depth)], nn.Linear(4, 2))
    return training.recipe(Duel(generator, nn.Linear(2, 1), objective_named("hinge"), Latent(Facts().width)), source)

def no_training(source: Source) -> Recipe:
    ...

def untyped(source: Source, training: Training = Training(), depth=3) -> Recipe:
    ...

def no_recipe(source: Source, training: Training = Training()):
    ...
'''


@pytest.fixture
def my(tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "own.py").write_text(MINE)
    (tmp_path / "my" / "beside.py").write_text("WIDTH = 4\n")
    return tmp_path / "my" / "own.py"


def refused(*args, match, **more):
    with pytest.raises(UserError, match=match):
        Call.make(*args, **more)


def test_names_are_guessed():
    refused("dcgna", {}, match="unknown recipe 'dcgna'\n  wanted: did you mean 'dcgan'")
    refused("wgan_gq", {}, match="did you mean 'wgan-gp'")
    assert function_named("wgan_gp") is function_named("wgan-gp")
    refused("dcgan", {}, {"lattent": 3}, match="no option 'lattent'\n  wanted: did you mean 'latent'")
    refused("dcgan", {"training": {"step": 3}}, match="no option 'step'\n  wanted: did you mean 'steps'")
    refused("dcgan", {"widht": 3}, match="no option 'widht'\n  wanted: did you mean 'width'")
    with pytest.raises(UserError, match="did you mean 'hinge'"):
        Call.make("dcgan", {}, {"objective": "hing"}).build()
    with pytest.raises(UserError, match="no parameter 'd'"):
        Call.make("dcgan", {}, {"objective": "lsgan:d=1"}).build()
    with pytest.raises(UserError, match="c = 'x'"):
        Call.make("dcgan", {}, {"objective": "lsgan:c=x"}).build()


@pytest.mark.parametrize(("given", "said"), [
    ({"steps": 0}, "--steps 0"), ({"batch": -1}, "--batch -1"), ({"lr": 0}, "--lr 0"), ({"latent": 0}, "--latent 0"),
    ({"width": "broad"}, "--width broad"), ({"law": "cauchy"}, "--law cauchy"), ({"ema": 1.0}, "--ema 1.0"),
    ({"betas": ["0.5"]}, "--betas"), ({"norm_critic": "layer"}, "--norm-critic layer"), ({"keep": 1}, "--keep 1"),
    ({"size": 2}, "--size 2"), ({"channels": 2}, "--channels 2"), ({"fit": "squeeze"}, "--fit squeeze"),
    ({"data": ""}, "--data"), ({"precision": "float16"}, "--precision float16"), ({"seed": -1}, "--seed -1"),
    ({"schedule": "steep"}, "--schedule steep"), ({"r1": -1}, "--r1 -1"), ({"measure": 3}, "--measure 3"),
])
def test_a_value_out_of_range_is_named_with_its_flag_and_the_range(given, said):
    with pytest.raises(UserError) as caught:
        Call.make("dcgan", {}, given)
    assert said in caught.value.problem
    assert caught.value.wanted
    assert "ganworks train dcgan --help" in caught.value.remedy


@pytest.mark.parametrize(("name", "given", "off"), [
    ("dcgan", {"gp": 0}, True), ("wgan-gp", {"gp": -1}, True), ("ebgan", {"pull_away": 0}, True),
    ("dcgan", {"ema": 2}, True), ("ebgan", {"margin": 0}, False), ("dcgan", {"lr": 0}, False)])
def test_what_can_be_left_out_is_said_to(name, given, off):
    with pytest.raises(UserError) as caught:
        Call.make(name, {}, given)
    assert caught.value.wanted.endswith(", or none to leave it out") is off


def test_several_faults_are_all_told():
    with pytest.raises(UserError) as caught:
        Call.make("dcgan", {}, {"steps": 0, "width": 0})
    assert "--steps 0" in str(caught.value)
    assert "--width 0" in str(caught.value)


def test_a_betas_end_is_checked_when_it_is_built():
    with pytest.raises(UserError, match="betas"):
        Call.make("gan", {}, {"betas": (0.5, 1.0), "data": "ring8"}).build()


def test_defaults_are_the_recipes_own_where_only_some_are_given():
    call = Call.make("wgan", {"training": {"steps": 9}}, {"lr": 1e-3})
    training = call.options.training
    assert (training.steps, training.lr, training.optimiser, training.critic_steps) == (9, 1e-3, "rmsprop", 5)


def test_yaml_is_read_as_people_write_it():
    text = "recipe: dcgan\ntraining: {lr: 1e-4, betas: [0, 0.9], clip: null}\nr1: 2\n"
    call = Call.load(text, {"r1": None, "steps": 5})
    training = call.options.training
    assert (training.lr, training.betas, training.clip, training.steps) == (1e-4, (0, 0.9), None, 5)
    assert call.options.stabilisers.r1 is None
    assert Call.load(text).options.stabilisers.r1 == 2  # flat
    assert Call.load("recipe: dcgan\nstabilisers: {r1: 2}").options.stabilisers.r1 == 2
    assert Call.load("recipe: dcgan\nwidth: 8\nnetworks: {width: 4, latent: 3}").options.networks.width == 8
    for text, said in (("a: [", "not YAML"), ("- 1", "names no recipe"), ("steps: 3", "names no recipe"),
                       ("", "names no recipe"), ("recipe: dcgan\ntraining: 3", "--training 3"),
                       ("recipe: dcgan\ntraining: null", "--training")):
        with pytest.raises(UserError, match=said):
            Call.load(text, where="x.yaml")
    with pytest.raises(UserError):
        Call.load("recipe: !!python/object/apply:os.system ['true']")


def test_what_a_resumed_run_may_change():
    call = Call.make("dcgan", {}, {})
    free = {"steps": 9, "log_every": 1, "sample_every": 2, "checkpoint_every": 3, "keep": 4}
    assert call.differs(Call.make("dcgan", {}, free)) == []
    assert call.differs(Call.make("dcgan", {}, {"lr": 1.0})) == ["lr: 0.0002, not 1.0"]
    assert call.differs(Call.make("dcgan", {}, {"data": "ring8"})) == ["data: digits, not ring8"]
    assert call.differs(Call.make("gan", {}, {})) == ["recipe: dcgan, not gan"]


def test_ones_own_recipe_from_a_file(my, monkeypatch):
    call = Call.make(f"{my}:mine", {}, {"data": "ring8", "depth": "2", "measure": None})
    recipe = call.build()
    assert (recipe.steps, recipe.batch, len(recipe.game.generator)) == (2, 8, 3)
    Trainer(recipe, Machine("cpu")).fit()
    monkeypatch.chdir("/")  # the file says where it lies
    again = Call.load(call.text())
    assert again.differs(call) == []
    for a, b in zip(Call.load(call.text()).build().game.parameters(), call.build().game.parameters(), strict=True):
        assert torch.equal(a, b)
    refused(f"{my}:mine", {}, {"dept": 1}, match="did you mean 'depth'")
    refused(f"{my}:mine", {}, {"depth": 0}, match="--depth 0")


def test_a_file_that_has_no_such_recipe(my):
    refused(f"{my}:yours", {}, match="no recipe 'yours'")
    refused(f"{my}:no_recipe", {}, match="no recipe 'no_recipe'")
    refused(f"{my}:no_training", {}, match=r"'no_training'[\s\S]*training")
    refused(f"{my}:untyped", {}, match=r"'untyped'[\s\S]*depth")
    refused(str(my), {}, match="a Python file and a function in it")
    refused("gone.py:mine", {}, match=r"gone\.py:mine")


def test_a_file_or_folder_that_is_called_like_a_recipe_is_not_taken_for_one(tmp_path):
    (tmp_path / "gan").write_text("")
    (tmp_path / "dcgan").mkdir()
    for name in ("gan", "dcgan"):
        assert Call.load(Call.make(name, {}, {}).text()).name == name
    (tmp_path / "ring8").mkdir()
    assert Call.make("gan", {}, {"data": "ring8"}).options.data.path == "ring8"


def test_a_path_to_data_is_kept_whole(tmp_path):


    np.save("mine.npy", np.random.default_rng(0).normal(size=(40, 2)))
    call = Call.make("gan", {}, {"data": "mine.npy", "batch": 8, "steps": 1, "width": 4})
    assert Path(call.options.data.path) == tmp_path / "mine.npy"
    assert call.build().source.shape == (2,)
