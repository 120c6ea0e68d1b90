"""Samples with a planted fault show it, and real ones show none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import chi2_contingency, mannwhitneyu
from sklearn.datasets import load_digits

from ganworks.data.toys import TOYS
from ganworks.diagnose import exam, sample_findings
from ganworks.diagnose.exam import Group, difference, lower, nearest, spread
from ganworks.errors import UserError

RNG = np.random.default_rng(0)
BUNCH = load_digits()
PIXELS = np.rint(BUNCH.images / 16 * 255).astype(np.uint8)[:, None]
ORDER = np.random.default_rng(1).permutation(len(PIXELS))
DATA, SPARE = PIXELS[ORDER[:1000]], PIXELS[ORDER[1000:]]
NAMES = BUNCH.target[ORDER[:1000]]
SPARE_NAMES = BUNCH.target[ORDER[1000:]]


def shaken(images, sd=2.0):
    noise = np.random.default_rng(2).normal(0, sd, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def ring(count, seed, keep=None):
    x = TOYS["ring8"]().sample(8 * count, np.random.default_rng(seed))
    if keep is not None:
        modes = np.rint(np.arctan2(x[:, 1], x[:, 0]) / (np.pi / 4)).astype(int) % 8
        x = x[np.isin(modes, keep)]
    return x[:count]


def test_real_samples_look_like_real_samples() -> None:
    for fake, real in ((SPARE, DATA), (ring(1000, 1), ring(2000, 2))):
        found = exam(fake, real).figures
        assert found["missing"] == (0, 0)
        for name, tolerance in (("diversity", 0.05), ("recall", 0.1), ("coverage", 0.1), ("precision", 0.1),
                                ("duplicates", 0.02), ("copies", 0.02), ("nearer", 0.06), ("contrast", 0.03)):
            assert found[name][0] == pytest.approx(found[name][1], abs=tolerance), name


def test_one_image_over_and_over_is_seen() -> None:
    found = exam(shaken(np.repeat(SPARE[:1], 500, axis=0)), DATA)
    assert found.figures["duplicates"][0] > 0.99
    assert found.figures["duplicates"][1] < 0.05
    assert found.figures["diversity"][0] < 0.1
    assert all(a != b for a, b in found.twins)
    assert found.figures["missing"][0] > 0.8


def test_digits_that_are_left_out_are_found() -> None:
    fake = SPARE[~np.isin(SPARE_NAMES, (3, 7))]
    found = exam(fake, DATA, [str(name) for name in NAMES])
    truth = np.isin(NAMES, (3, 7)).mean()
    assert {group.label for group in found.missing} == {"3", "7"}
    assert {int(NAMES[group.centre]) for group in found.missing} == {3, 7}
    assert 0.5 * truth < found.figures["missing"][0] < 1.3 * truth
    assert found.figures["missing"][1] == 0
    assert found.figures["recall"][0] < found.figures["recall"][1]
    assert found.figures["uneven"][0] > 2 * found.figures["uneven"][1]


def test_the_share_of_missing_modes_is_right() -> None:
    for kept in ((0, 1, 2, 3), (0, 1, 2, 3, 4, 5, 6)):
        found = exam(ring(2000, 3, kept), ring(4000, 4))
        assert found.figures["missing"][0] == pytest.approx(1 - len(kept) / 8, abs=0.03)


@pytest.mark.parametrize("kept", [range(8), range(6)])
def test_rough_samples_leave_out_modes_only_where_all_of_a_mode_is_gone(kept) -> None:
    modes, samples = TOYS["ring8"]().modes, ring(2000, 3, kept)
    own = modes[cdist(samples, modes).argmin(axis=1)]
    found = exam(own + 2.5 * (samples - own), ring(4000, 4))
    assert found.figures["precision"][0] < 0.75
    assert found.figures["missing"][0] > 0.1  # the groups in the middle, too, have fewer than their share
    assert found.figures["together"] == pytest.approx((1 - len(kept) / 8, 0), abs=0.04)
    told = {one.name: one for one in sample_findings(found)}["dropping"]
    assert told.wrong is (len(kept) < 8)


def test_copies_of_the_data_are_told_from_new_samples() -> None:
    found = exam(shaken(DATA[:700], 1.0), DATA)
    copied = found.figures
    assert len(found.copied) == 8
    assert all(sample == original for sample, original in found.copied)  # the i-th sample is a copy of the i-th image
    assert copied["nearer"][0] > 0.7
    assert copied["copies"][0] > 0.4
    assert copied["nearer"][1] == pytest.approx(0.5, abs=0.05)


def test_shifted_levels_are_seen() -> None:
    dark = exam(SPARE // 2, DATA).figures
    assert dark["level"][0] == pytest.approx(-PIXELS.mean() / PIXELS.std() / 2, rel=0.05)
    assert dark["contrast"][0] == pytest.approx(0.5, rel=0.05)


def test_its_parts_are_what_other_libraries_compute() -> None:
    a, b = RNG.normal(size=(60, 5)), RNG.normal(0.3, 1, size=(50, 5))
    assert spread(a) == pytest.approx(np.sqrt((pdist(a) ** 2).mean()))
    assert nearest(a, b)[0] == pytest.approx(cdist(a, b).min(axis=1))
    assert (nearest(a, b)[1] == cdist(a, b).argmin(axis=1)).all()
    own = cdist(a, a) + np.diag(np.full(60, np.inf))
    assert nearest(a, a, itself=True)[0] == pytest.approx(own.min(axis=1))
    assert (nearest(a, a, itself=True)[1] == own.argmin(axis=1)).all()
    x, y = RNG.integers(0, 9, 40), RNG.integers(2, 11, 30)
    assert lower(x, y) == pytest.approx(1 - mannwhitneyu(x, y).statistic / 1200)
    counts = np.array([[30, 12], [470, 488]])
    assert difference(Group(0, 30 / 500, 12 / 500, 0, "", 0), 500) == pytest.approx(
        chi2_contingency(counts, correction=False).pvalue)


@pytest.mark.parametrize(("fake", "real", "words"), [
    (SPARE[:99], DATA, "99 samples"), (SPARE, DATA[:150], "150 of the data"),
    (SPARE[:, :, :4], DATA, "shape"), (np.full((200, 2), np.nan, np.float32), ring(400, 0), "NaN")])
def test_what_cannot_be_examined_is_refused(fake, real, words) -> None:
    with pytest.raises(UserError, match=words):
        exam(fake, real)


def test_the_same_seed_is_the_same_exam() -> None:
    assert exam(SPARE, DATA, seed=3) == exam(SPARE, DATA, seed=3)


def test_a_class_that_rough_samples_leave_out_is_found_by_its_name() -> None:
    rough = shaken(SPARE[~np.isin(SPARE_NAMES, (3, 7))], sd=40)
    names = [str(name) for name in NAMES]
    found = exam(rough, DATA, names).figures["classes"]
    assert found[0] == pytest.approx(np.isin(NAMES, (3, 7)).mean(), abs=0.05)
    assert found[1] == 0
    assert exam(SPARE, DATA, names).figures["classes"] == (0, 0)
    told = {one.name: one for one in sample_findings(exam(rough, DATA, names))}["dropping"]
    assert told.severity in ("warning", "serious")
    assert "(classes: 3, 7)" in told.title or "(classes: 7, 3)" in told.title


def test_a_class_that_is_there_half_is_not_left_out() -> None:
    some = SPARE[~((SPARE_NAMES == 3) & (np.arange(len(SPARE)) % 2 == 0))]
    names = [str(name) for name in NAMES]
    found = exam(some, DATA, names)
    assert found.classes[0].label == "3"
    assert found.classes[0].fake == pytest.approx(0.05, abs=0.02)
    assert found.figures["classes"] == (0, 0)


def test_the_log_tells_which_rates_would_have_been_right() -> None:
    def told(**lengths):
        log = [{"step": step} | {f"vital/step {player}": length / (1 if step == 1 else 10)
                                 for player, length in lengths.items()} for step in (1, 100, 200, 300, 400, 500, 600)]
        return {one.name: one.remedies[0] for one in sample_findings(exam(one_image, DATA), log) if one.wrong}

    one_image = np.full_like(SPARE, 255)
    assert told(generator=0.1, critic=0.001)["collapse"].scale == {"lr": 0.05, "lr_critic": 5}
    assert told(generator=0.1, critic=0.001)["dropping"].do == "--r1 1"
    assert told(generator=0.5, critic=0.5)["saturation"].scale == {"lr": 0.01, "lr_critic": 0.01}
    assert told(generator=0.005, critic=0.005)["saturation"].scale == {"lr": 0.1}


def test_values_at_the_ends_are_counted() -> None:
    hard = np.where(SPARE > 100, 255, 0).astype(np.uint8)
    ends = exam(hard, DATA).figures["ends"]
    assert ends[0] == 1
    assert ends[1] == pytest.approx(np.isin(PIXELS, (0, 255)).mean(), abs=0.03)
