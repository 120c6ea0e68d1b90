"""Which checkpoint is best: stand-ins for checkpoints whose divergence from the data is known must be ranked by it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ganworks.data import TOYS, Images
from ganworks.data.part import Part
from ganworks.data.toys import Mixture
from ganworks.diagnose import checkpoints
from ganworks.diagnose.checkpoints import Ranking, ranked_checkpoints
from ganworks.errors import UserError
from ganworks.report.diagnosis import ranking_text, section

RING = TOYS["ring8"]()
COUNT = 400
DIGITS = np.rint(load_digits().images / 16 * 255).astype(np.uint8)[:, None]
ORDER = np.random.default_rng(0).permutation(len(DIGITS))


def of_modes(kept, sd=1.0):
    """Return what draws samples of the ring with some of its modes only."""
    law = Mixture(RING.modes[:kept], RING.sd[:kept] * sd)
    return lambda count: law.sample(count, np.random.default_rng(5))


def dropped(kept):
    """Return JS(p, q) where q has ``kept`` of p's 8 equal modes: m is (1/8 + 1/kept) / 2 on those, 1/16 on the rest."""
    p, q = 1 / 8, 1 / kept
    m = (p + q) / 2
    return (kept * p * math.log(p / m) + (8 - kept) * p * math.log(2) + math.log(q / m)) / 2


@pytest.fixture(scope="module")
def ring():
    def damaged(count):
        raise UserError("step-5 is damaged")

    return ranked_checkpoints({2: of_modes(4), 3: of_modes(6), 4: of_modes(8), 5: damaged}, RING, COUNT)


@pytest.mark.slow
def test_checkpoints_are_ranked_by_what_their_divergence_is(ring) -> None:
    assert ring.best == 4
    assert [one.step for one in ring.placed] == [2, 3, 4]
    for one, kept in zip(ring.placed, (4, 6, 8), strict=True):
        assert one.bound.low < dropped(kept) + 1e-9
        assert one.bound.value == pytest.approx(dropped(kept), abs=0.05)
    assert [one.behind.low > 0 for one in ring.placed] == [True, True, False]
    assert ring.placed[0].behind.low < dropped(4)
    assert ring.placed[0].distance.low > ring.placed[1].distance.high > ring.placed[2].distance.high
    assert ring.ceiling == pytest.approx(math.log(2))
    assert ring.unseen  # a density is drawn afresh
    assert ring.placed[2].distance.value == pytest.approx(ring.floor, abs=0.1)


@pytest.mark.slow
def test_what_is_said_names_the_best_and_what_could_not_be_judged(ring) -> None:
    words = ranking_text(ring)
    assert "The best checkpoint is that of step 4." in words
    assert "Worse beyond noise: steps 2 and 3." in words
    assert "step-5 is damaged" in words
    assert "were not trained on" in words


@pytest.mark.slow
def test_it_is_kept_and_read_again_and_told_in_the_report(ring, tmp_path) -> None:
    facts = json.loads(json.dumps(ring.to_json()))
    assert Ranking.from_json(facts) == ring
    (tmp_path / "diagnosis.json").write_text(json.dumps({"step": 4, "findings": [], "checkpoints": facts}))
    assert "The best checkpoint is that of step 4." in section(tmp_path)
    assert "4 (best)" in section(tmp_path)
    for old in ({}, {"checkpoints": None}):
        (tmp_path / "diagnosis.json").write_text(json.dumps({"step": 4, "findings": []} | old))
        assert "Diagnosis at step 4" in section(tmp_path)
        assert "Which checkpoint" not in section(tmp_path)


def test_of_those_that_critics_cannot_tell_apart_the_nearest_is_taken(monkeypatch) -> None:
    # Critics that learn for one step know nothing: every bound is 0 but for noise. The transport distance knows.
    monkeypatch.setattr(checkpoints, "CRITICS", {**checkpoints.CRITICS, "steps": 1})
    found = ranked_checkpoints({1: of_modes(4), 2: of_modes(8), 3: of_modes(5)}, RING, 200)
    assert found.best == 2
    assert all(one.behind.low <= 0 for one in found.placed)
    assert "no difference beyond noise between it and steps 1 and 3" in " ".join(found.sentences())


def spotted(images):
    """Return images with a spot in a corner that is black in all the data, where no component looks."""
    found = images.copy()
    found[:, 0, 0, 0] = 255
    return found


@pytest.mark.slow
def test_of_images_what_components_do_not_show_is_seen_and_other_real_ones_are_like_real_ones() -> None:
    source = Part(Images(DIGITS[ORDER[:1200]], name="digits"), 0.4)
    other = DIGITS[ORDER[1200:]]
    found = ranked_checkpoints({1: lambda count: spotted(other), 2: lambda count: other}, source, 500)
    assert found.best == 2
    assert found.placed[0].behind.low > 0
    assert found.placed[1].bound.low <= 0.01
    assert (found.unseen, found.reals) == (True, 480)
    assert found.distance == "FD (pixels)"


def test_without_held_out_data_it_says_so() -> None:
    source = Images(DIGITS[:600], name="digits")
    rest = checkpoints._reals(source, 300, 0)
    assert (len(rest[0]), len(rest[1]), rest[2]) == (300, 300, False)
    assert not (rest[0][:, None] == rest[1][None, :20]).all(axis=(2, 3, 4)).any()  # disjoint


@pytest.mark.parametrize(("draws", "count", "words"), [
    ({1: of_modes(8)}, 200, "1 checkpoint to choose from"), ({}, 200, "0 checkpoints to choose from"),
    ({1: of_modes(8), 2: of_modes(8)}, 50, "50 samples")], ids=["one", "none", "few samples"])
def test_what_cannot_be_compared_is_refused(draws, count, words, monkeypatch) -> None:
    monkeypatch.setattr(checkpoints, "CRITICS", {**checkpoints.CRITICS, "steps": 1})
    with pytest.raises(UserError, match=words):
        ranked_checkpoints(draws, RING, count)
    with pytest.raises(UserError, match="40 of the data"):
        ranked_checkpoints(draws, Images(DIGITS[:40], name="few"), 200)
