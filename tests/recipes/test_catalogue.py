"""Every recipe there is: built from its defaults, trained, written down and rebuilt."""

from __future__ import annotations

import inspect
import json

import pytest
import torch
import yaml

from ganworks.data import DataOptions, open_source
from ganworks.design import entries
from ganworks.errors import UserError
from ganworks.nets import count_parameters
from ganworks.recipes import Call, Training, flat_fields, options_of, rebuild, recipes
from ganworks.train import Machine, Run, Trainer, fit

DATA = ("digits", "ring8")
FOR_IMAGES_ONLY = {"dcgan"}
WIDE_BOX = {"wgan": {"bound": 0.5}}  # in the paper's, a critic this narrow has no gradient to speak of
NUMERIC = {"mixed", "tanh_k", "tanh_plus"}  # no closed forms: some seconds each to compile
SMALL = {"steps": 1, "width": 4, "latent": 6, "batch": 16, "measure": None}


def test_the_catalogue_is_what_lies_in_the_package():
    assert set(recipes()) == {"dcgan", "gan", "wgan", "wgan-gp"}
    for name, recipe in recipes().items():
        assert recipe.__doc__, name
        assert len(inspect.getsource(recipe).splitlines()) <= 40, name


@pytest.mark.parametrize("name", recipes())
@pytest.mark.parametrize("data", DATA)
def test_each_builds_from_its_defaults_and_trains_a_step(name, data, machine):
    source = open_source(DataOptions(path=data))
    if data == "ring8" and name in FOR_IMAGES_ONLY:
        with pytest.raises(UserError, match=r"samples of shape \(2,\)[\s\S]*square images"):
            Call.make(name, {}, {}).build(source)
        return
    whole = Call.make(name, {}, {}).build(source)
    assert all(count_parameters(player) > 1000 for player in whole.game.players.values())
    small = Call.make(name, {}, {**SMALL, **WIDE_BOX.get(name, {})}).build(source)
    before = [p.detach().clone() for p in small.game.parameters()]
    trainer = Trainer(small, machine)
    trainer.fit()
    changed = [not torch.equal(a, b) for a, b in zip(before, small.game.parameters(), strict=True)]
    assert sum(changed) >= len(changed) - 1  # the last bias of a linear critic cost has no gradient
    samples = trainer.samples(3)
    assert samples.shape == (3, *source.shape)
    assert samples.dtype == (torch.uint8 if data == "digits" else torch.float32)


@pytest.mark.parametrize("name", recipes())
def test_a_call_written_down_is_the_same_call(name):
    given = {"lr": 1e-5, "betas": (0.25, 0.875), "clip": 1.0, "seed": 7, "data": "ring8", "latent": 3,
             "schedule": "cosine"}
    for call in (Call.make(name, {}, {}), Call.make(name, {}, given)):
        again = Call.load(call.text())
        assert again == call
        assert again.text() == call.text()
        assert call.differs(again) == []
        tree = yaml.safe_load(call.text())
        assert tree.pop("recipe") == name
        assert set(tree) == set(type(call.options).model_fields)  # nothing is left to a default
        assert set(tree["training"]) == set(Training.model_fields)
    assert call.options.training.betas == (0.25, 0.875)
    assert call.options.training.lr == 1e-5
    assert call.options.data.path == "ring8"


@pytest.mark.parametrize("name", recipes())
def test_options_have_a_json_schema_with_their_ranges(name):
    schema = options_of(recipes()[name]).model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["latent"] | {"minimum": 1, "type": "integer"} == schema["properties"]["latent"]
    assert schema["properties"]["law"]["enum"] == ["gaussian", "uniform"]
    training = schema["$defs"]["Training"]
    assert training["additionalProperties"] is False
    assert training["properties"]["lr"]["exclusiveMinimum"] == 0
    assert training["properties"]["optimiser"]["enum"] == ["adam", "sgd", "rmsprop"]
    assert {"type": "null"} in training["properties"]["clip"]["anyOf"]
    json.dumps(schema)


@pytest.mark.parametrize("name", recipes())
def test_every_option_is_explained(name):
    model = options_of(recipes()[name])
    for place in flat_fields(model).values():
        field = model.model_fields[place[0]]
        if len(place) == 2:
            field = type(field.default).model_fields[place[1]]
        assert field.description, place


def trains(recipe, machine):
    """Train, and see that both players moved and stayed finite."""
    before = {name: [p.detach().clone() for p in player.parameters()] for name, player in recipe.game.players.items()}
    Trainer(recipe, machine).fit()
    for name, player in recipe.game.players.items():
        assert all(torch.isfinite(p).all() for p in player.parameters()), name
        assert any(not torch.equal(a, b) for a, b in zip(before[name], player.parameters(), strict=True)), name


@pytest.mark.parametrize("objective", [pytest.param(name, marks=pytest.mark.slow if name in NUMERIC else ())
                                       for name in entries()])
def test_every_objective_trains(objective, machine):
    trains(Call.make("gan", {}, {**SMALL, "data": "ring8", "objective": objective}).build(), machine)


@pytest.mark.parametrize("objective", ["hinge", "circle", "rpgan"])  # from a paper, designed, relativistic
@pytest.mark.parametrize("name", ["dcgan", "wgan-gp"])
def test_every_recipe_that_takes_an_objective_takes_any(name, objective, machine):
    trains(Call.make(name, {}, {**SMALL, "data": "digits", "objective": objective}).build(), machine)


def test_papers_settings_are_the_defaults():
    """The tables of the papers: DCGAN section 4, WGAN and WGAN-GP Algorithm 1."""
    facts = {name: Call.make(name, {}, {}).options for name in recipes()}
    training = facts["dcgan"].training
    assert (training.optimiser, training.lr, training.betas) == ("adam", 2e-4, (0.5, 0.999))
    assert (facts["dcgan"].latent, facts["dcgan"].objective) == (100, "nonsaturating")
    training = facts["wgan"].training
    assert (training.optimiser, training.lr, training.critic_steps, training.batch) == ("rmsprop", 5e-5, 5, 64)
    assert facts["wgan"].bound == 0.01
    training = facts["wgan-gp"].training
    assert (training.lr, training.betas, training.critic_steps, training.batch) == (1e-4, (0.0, 0.9), 5, 64)
    assert facts["wgan-gp"].penalty == 10


def test_wgan_keeps_its_critic_in_the_box(machine):
    recipe = Call.make("wgan", {}, {**SMALL, "data": "ring8", "bound": 0.02, "steps": 2}).build()
    Trainer(recipe, machine).fit()
    assert max(p.abs().max().item() for p in recipe.game.critic.parameters()) == pytest.approx(0.02)


def test_a_penalty_on_a_critic_with_batch_norm_is_refused_with_the_reason():
    for name, given in (("wgan-gp", {"norm_critic": "batch"}), ("dcgan", {"r1": 1.0, "size": 16})):
        with pytest.raises(UserError, match=r"batch normalisation[\s\S]*--norm-critic"):
            Call.make(name, {}, {**SMALL, "size": 16, **given}).build()


@pytest.mark.parametrize("name", recipes())
def test_a_run_is_rebuilt_without_its_data(name, tmp_path, machine):
    given = {**SMALL, "steps": 3, "data": "digits" if name == "dcgan" else "ring8", "checkpoint_every": 1,
             **WIDE_BOX.get(name, {})}
    call = Call.make(name, {}, given)
    trained = fit(call.build(), tmp_path / "run", text=call.text(), machine=machine, quiet=True)
    lost = (tmp_path / "run" / "recipe.yaml").read_text().replace(given["data"], "gone.npz")
    (tmp_path / "run" / "recipe.yaml").write_text(lost)
    again = rebuild(Run(tmp_path / "run"), device="cpu")
    assert torch.equal(again.samples(5), trained.samples(5))
    assert torch.equal(again.samples(5, averaged=False), trained.samples(5, averaged=False))
    assert not torch.equal(rebuild(Run(tmp_path / "run"), "2", "cpu").samples(5), trained.samples(5))


def test_initial_weights_follow_the_seed_alone():
    def weights(seed):
        torch.manual_seed(torch.seed() % 1000)
        recipe = Call.make("gan", {}, {**SMALL, "data": "ring8", "seed": seed}).build()
        return torch.cat([p.detach().flatten() for p in recipe.game.parameters()])

    state = torch.get_rng_state()
    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))
    torch.set_rng_state(state)
    Call.make("gan", {}, {**SMALL, "data": "ring8"}).build()
    assert torch.equal(torch.get_rng_state(), state)  # and disturb nobody else's numbers


@pytest.fixture(scope="module")
def machine():
    return Machine("cpu")
