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
from ganworks.game.schedule import level_at
from ganworks.nets import count_parameters
from ganworks.recipes import Call, Stabilisers, Training, flat_fields, options_of, rebuild, recipes
from ganworks.train import Machine, Run, Trainer, fit

DATA = ("digits", "ring8")
FOR_IMAGES_ONLY = {"dcgan", "sngan"}
FOR_LABELS_ONLY = {"cgan", "acgan"}
OWN = {"wgan": {"clip_weights": 0.5},  # in the paper's box, a critic this narrow has no gradient to speak of
       "designed": {"objective": "{f: u*log(u)}"}}  # has no default
NUMERIC = {"mixed", "tanh_k", "tanh_plus"}  # no closed forms: some seconds each to compile
SMALL = {"steps": 1, "width": 4, "latent": 6, "batch": 16, "measure": None}
NAMES = {"gan", "nsgan", "dcgan", "cgan", "acgan", "lsgan", "wgan", "wgan-gp", "wgan-lp", "dragan", "ebgan", "began",
         "fgan", "designed", "sngan", "rpgan", "ragan", "unrolled", "minibatch-discrimination", "pacgan"}
TRANSLATORS = {"pix2pix", "pix2pix-small", "cyclegan", "cyclegan-small"}  # of images: see test_translation.py


def small(name, **more):
    return {**SMALL, **OWN.get(name, {}), **more}


def test_the_catalogue_is_what_lies_in_the_package():
    assert set(recipes()) == NAMES | TRANSLATORS
    for name, recipe in recipes().items():
        assert recipe.__doc__, name
        assert len(inspect.getsource(recipe).splitlines()) <= 40, name


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("data", DATA)
def test_each_builds_from_its_defaults_and_trains_a_step(name, data, machine):
    source = open_source(DataOptions(path=data))
    for group, words in ((FOR_IMAGES_ONLY, r"samples of shape \(2,\)[\s\S]*square images"),
                         (FOR_LABELS_ONLY, r"classes, and ring8 has none")):
        if data == "ring8" and name in group:
            with pytest.raises(UserError, match=words):
                Call.make(name, {}, {}).build(source)
            return
    whole = Call.make(name, {}, OWN.get(name, {})).build(source)
    assert all(count_parameters(player) > 1000 for player in whole.game.players.values())
    recipe = Call.make(name, {}, small(name, steps=2)).build(source)
    before = {n: p.detach().clone() for n, p in recipe.game.named_parameters()}
    trainer = Trainer(recipe, machine)
    trainer.fit()
    still = [n for n, p in recipe.game.named_parameters() if torch.equal(before[n], p)]
    assert len(still) <= 1, still  # the last bias of a critic whose cost is linear, or compares, has no gradient
    samples = trainer.samples(3)
    assert samples.shape == (3, *source.shape)
    assert samples.dtype == (torch.uint8 if data == "digits" else torch.float32)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_call_written_down_is_the_same_call(name):
    given = {"lr": 1e-5, "betas": (0.25, 0.875), "clip": 1.0, "seed": 7, "data": "ring8", "latent": 3,
             "schedule": "cosine"}
    own = OWN.get(name, {})
    for call in (Call.make(name, {}, own), Call.make(name, {}, own | given)):
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


@pytest.mark.parametrize("name", sorted(NAMES))
def test_options_have_a_json_schema_with_their_ranges(name):
    schema = options_of(recipes()[name]).model_json_schema()
    assert schema["additionalProperties"] is False
    networks, training, stabilisers = (schema["$defs"][part] for part in ("Networks", "Training", "Stabilisers"))
    assert all(part["additionalProperties"] is False for part in (networks, training, stabilisers))
    latent = networks["properties"]["latent"]
    assert latent | {"minimum": 1, "type": "integer"} == latent
    assert networks["properties"]["law"]["enum"] == ["gaussian", "uniform"]
    assert training["properties"]["lr"]["exclusiveMinimum"] == 0
    assert "optimistic_adam" in training["properties"]["optimiser"]["enum"]
    assert {"type": "null"} in stabilisers["properties"]["r1"]["anyOf"]
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


@pytest.mark.parametrize("objective", ["hinge", "circle"])  # from a paper, designed
@pytest.mark.parametrize("name", [n for n, recipe in recipes().items()
                                  if n in NAMES and "objective" in inspect.signature(recipe).parameters])
def test_every_recipe_that_takes_an_objective_takes_any(name, objective, machine):
    trains(Call.make(name, {}, small(name, data="digits", objective=objective)).build(), machine)


STEADIED = [{"relativistic": "pair"}, {"relativistic": "average"}, {"smoothing": 0.9}, {"flipping": 0.1}, {"gp": 1.0},
            {"gp": 1.0, "gp_side": "linear", "gp_over": "most"}, {"gp": 1.0, "gp_at": "around", "gp_target": 0.5},
            {"gp": 1.0, "gp_at": "real", "gp_side": "one", "gp_every": 2}, {"gp": 1.0, "gp_at": "fake"}, {"r1": 1.0},
            {"r2": 1.0, "r1_every": 2}, {"div": 2.0}, {"lecam": 0.1}, {"consistency": 10.0},
            {"consistency": 10.0, "consistency_fake": 5.0}, {"orthogonal": 1e-4}, {"clip_weights": 0.5}, {"noise": 0.1},
            {"lecam": 0.1, "penalty_every": 2}, {"r1": 1.0, "penalty_fade": 0.5, "penalty_left": 0.1},
            {"noise": 0.1, "noise_fade": 0.5}, {"augment": "diffaugment"},
            {"augment": "ada", "ada_over": 10, "ada_target": -0.99},
            {"augment": "ada", "noise": 0.1}, {"pack": 2}, {"pack": 4, "gp": 1.0}, {"top": 0.5},
            {"top": 0.5, "top_fade": 0.0}, {"unroll": 2}, {"unroll": 2, "unroll_optimiser": "sgd", "r1": 1.0},
            {"matching": 1.0}, {"history": 0.1}, {"dynamics": "simultaneous"}, {"dynamics": "extragradient"},
            {"dynamics": "consensus"}, {"optimiser": "optimistic"}, {"optimiser": "optimistic_adam"},
            {"minibatch": "stddev"}, {"minibatch": "discrimination", "pack": 2}]


@pytest.mark.parametrize("given", STEADIED, ids=str)
def test_every_stabiliser_is_an_option_of_every_recipe_and_changes_it(given, machine):
    def weights(more):
        options = small("dcgan", data="digits", norm_critic="none", norm_generator="none", steps=6, **more)
        recipe = Call.make("dcgan", {}, options).build()
        trains(recipe, machine)
        return torch.cat([p.detach().flatten() for p in recipe.game.generator.parameters()])

    assert all(set(flat_fields(options_of(recipe))) >= set(given) for name, recipe in recipes().items()
               if name in NAMES)
    with_it, without = weights(given), weights({})
    assert with_it.shape == without.shape
    assert not torch.equal(with_it, without)


PENALTIES = {"gp": 10.0, "r1": 1.0, "r2": 1.0, "div": 2.0, "lecam": 0.1, "orthogonal": 1e-4, "consistency": 10.0,
             "consistency_fake": 5.0}


@pytest.mark.parametrize(("key", "every"), [
    (key, {"gp": "gp_every", "r1": "r1_every", "r2": "r1_every"}.get(key, "penalty_every")) for key in PENALTIES])
def test_every_penalty_can_be_lazy_and_fade(key, every):
    given = {key: PENALTIES[key], every: 4, "penalty_fade": 0.5, "penalty_left": 0.1, "steps": 20}
    game = Call.make("dcgan", {}, small("dcgan", data="digits", norm_critic="none", **given)).build().game
    (term,) = game.critic_terms
    assert [step for step in range(12) if term.due(step)] == [0, 4, 8]
    # Over half of 20 steps to a tenth: a straight line through 1 at step 0 and 0.1 at step 10.
    shares = [level_at(term.weight, step) / PENALTIES[key] for step in (0, 5, 10, 19)]
    assert shares == pytest.approx([1, 0.55, 0.1, 0.1])
    plain = Call.make("dcgan", {}, small("dcgan", data="digits", norm_critic="none", **{key: PENALTIES[key]})).build()
    assert [(w.weight, w.every) for w in plain.game.critic_terms] == [(PENALTIES[key], 1)]


def test_every_option_of_the_stabilisers_is_tried():
    dependent = {"unroll_lr", "consensus", "div_power"}  # numbers of what is tried
    assert {key for given in STEADIED for key in given} >= set(Stabilisers.model_fields) - dependent


def test_papers_settings_are_the_defaults():
    """The papers' tables and algorithms: optimiser, rate, betas, critic steps; then what is their own."""
    facts = {name: Call.make(name, {}, {}).options for name in recipes() if name != "designed"}

    def trained(name):
        t = facts[name].training
        return t.optimiser, t.lr, t.betas, t.critic_steps

    assert trained("dcgan") == ("adam", 2e-4, (0.5, 0.999), 1)  # section 4
    assert (facts["dcgan"].networks.latent, facts["dcgan"].objective) == (100, "nonsaturating")
    assert trained("wgan")[:2] == ("rmsprop", 5e-5)  # Algorithm 1
    assert (facts["wgan"].training.critic_steps, facts["wgan"].stabilisers.clip_weights) == (5, 0.01)
    for name, side in (("wgan-gp", "two"), ("wgan-lp", "one")):  # Algorithm 1; eq. 8
        assert trained(name) == ("adam", 1e-4, (0.0, 0.9), 5)
        assert (facts[name].stabilisers.gp, facts[name].stabilisers.gp_side, facts[name].stabilisers.gp_target) == (
            10, side, 1)
    assert (facts["dragan"].stabilisers.gp, facts["dragan"].stabilisers.gp_at) == (10, "around")
    assert facts["ebgan"].pull_away == 0.1  # section 4.3
    assert trained("began")[:2] == ("adam", 1e-4)  # section 4.1
    assert (facts["began"].diversity, facts["began"].gain, facts["began"].networks.law) == (0.5, 1e-3, "uniform")
    assert trained("sngan") == ("adam", 2e-4, (0.0, 0.9), 5)  # section 4
    assert (facts["sngan"].objective, facts["sngan"].networks.norm_critic) == ("hinge", "spectral")
    assert (facts["lsgan"].a, facts["lsgan"].b, facts["lsgan"].c) == (0, 1, 1)  # eq. 9
    assert facts["unrolled"].networks.latent == 256  # appendix A
    assert (facts["unrolled"].training.lr, facts["unrolled"].training.lr_critic) == (1e-3, 1e-4)
    assert (facts["acgan"].networks.told_critic, facts["cgan"].networks.told_critic) == ("auxiliary", "concat")
    assert (facts["rpgan"].stabilisers.relativistic, facts["ragan"].stabilisers.relativistic) == ("pair", "average")
    assert (facts["gan"].objective, facts["nsgan"].objective) == ("minimax", "nonsaturating")
    assert facts["pacgan"].stabilisers.pack == 2
    assert facts["minibatch-discrimination"].networks.minibatch == "discrimination"


@pytest.mark.parametrize(("name", "given", "words"), [
    ("pacgan", {"batch": 15}, r"packs of 2 samples from 15[\s\S]*--pack or --batch"),
    ("cgan", {"pack": 2}, r"condition[\s\S]*--pack"),
    ("ebgan", {"margin": 0.0}, "--margin 0.0"), ("wgan-gp", {"gp": -1.0}, "--gp -1.0"),
    ("dcgan", {"flipping": 0.6}, "--flipping 0.6"), ("acgan", {"condition": "none"}, "acgan with condition none"),
    ("wgan-gp", {"augment": "ada"}, "ADA with the objective 'wgan'"),
    ("rpgan", {"augment": "ada"}, r"no middle[\s\S]*--augment diffaugment"),
    ("cgan", {"condition": "vector"}, "vectors, and digits has none"),
    ("ebgan", {"unroll": 3, "relativistic": "pair", "pretrain": 2}, "compares real samples")])
def test_what_cannot_be_is_refused(name, given, words, machine):
    with pytest.raises(UserError, match=words):
        Trainer(Call.make(name, {}, small(name, **{"data": "digits", **given})).build(), machine).fit()


def test_ada_looks_at_which_side_of_its_middle_the_critic_is_on():
    def middle(name, **given):
        return Call.make(name, {}, small(name, data="digits", augment="ada", **given)).build().game.lens.middle

    assert middle("dcgan") == middle("dcgan", objective="hinge") == 0
    assert middle("lsgan") == 0.5  # between the labels 0 and 1
    assert middle("lsgan", a=-1.0, c=0.5) == 0


def test_pretraining_moves_the_critic_alone(machine):
    recipe = Call.make("ebgan", {}, small("ebgan", data="digits", steps=4, pretrain=3, ema=None)).build()
    trainer = Trainer(recipe, machine)

    def weights(player):
        return torch.cat([p.detach().flatten().clone() for p in recipe.game.players[player].parameters()])

    generator, critic = weights("generator"), weights("critic")
    for _ in range(3):
        trainer.advance()
    assert torch.equal(weights("generator"), generator)
    assert not torch.equal(weights("critic"), critic)
    trainer.advance()
    assert not torch.equal(weights("generator"), generator)


def test_wgan_keeps_its_critic_in_the_box(machine):
    recipe = Call.make("wgan", {}, {**SMALL, "data": "ring8", "clip_weights": 0.02, "steps": 2}).build()
    Trainer(recipe, machine).fit()
    assert max(p.abs().max().item() for p in recipe.game.critic.parameters()) == pytest.approx(0.02)


def test_a_penalty_on_a_critic_with_batch_norm_is_refused_with_the_reason():
    for name, given in (("wgan-gp", {"norm_critic": "batch"}), ("dcgan", {"r1": 1.0, "size": 16})):
        with pytest.raises(UserError, match=r"batch normalisation[\s\S]*--norm-critic"):
            Call.make(name, {}, {**SMALL, "size": 16, **given}).build()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_run_is_rebuilt_without_its_data(name, tmp_path, machine):
    given = small(name, steps=3, checkpoint_every=1,
                  data="digits" if name in FOR_IMAGES_ONLY | FOR_LABELS_ONLY else "ring8")
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
