from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from builders import make_record
from learners import SHARES, Gaussians, cross_fitted
from themeloom.columns import COVERAGE_CURVE
from themeloom.members import HeldOut
from themeloom.themes.abstain import (
    conformal_threshold,
    coverage_curve,
)

NONE = np.zeros((0, 0, 0))
MAPPING = make_record().mapping


def prediction_sets(posterior, threshold):
    return replace(MAPPING, messages=posterior).sets(threshold)


def line(coded, posterior):
    coded, posterior = np.asarray(coded), np.asarray(posterior, float)
    return HeldOut(coded, posterior.argmax(axis=-1), posterior, np.arange(len(coded)))


def random_line(seed, messages=60, themes=3, repeats=2):
    generator = np.random.default_rng(seed)
    coded = generator.integers(themes, size=messages)
    posterior = generator.dirichlet(np.ones(themes), (repeats, messages))
    posterior[:, np.arange(messages), coded] += 0.3
    return line(coded, posterior / posterior.sum(axis=-1, keepdims=True))


def test_curve_of_four_messages_by_hand():
    curve = coverage_curve(line([0, 0, 1, 1], [[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.4, 0.6]]]))
    assert curve.schema == COVERAGE_CURVE
    assert curve["threshold"].to_list() == [0.6, 0.8, 0.9]
    assert curve["coverage"].to_list() == [1, 0.5, 0.25]
    assert curve["accuracy"].to_list() == [0.75, 1, 1]
    assert curve["kappa"].to_list() == [0.5, 1, None]  # a single theme: nothing to agree on


def test_curve_is_the_mean_over_repeats_of_those_kept():
    heldout = random_line(0)
    for threshold, coverage, accuracy, kappa in coverage_curve(heldout)[::20].iter_rows():
        kept = heldout.posterior.max(axis=-1) >= threshold
        coded, said = heldout.coded, heldout.predicted
        accuracies = [(said[r, on] == coded[on]).mean() for r, on in enumerate(kept)]
        kappas = [cohen_kappa_score(coded[on], said[r, on]) for r, on in enumerate(kept)]
        assert coverage == pytest.approx(kept.mean())
        assert accuracy == pytest.approx(np.mean(accuracies))
        assert kappa == pytest.approx(np.mean(kappas))


def test_curve_has_a_hundred_points_at_most_and_ends_where_the_posteriors_do():
    heldout = random_line(1, messages=900)
    curve, top = coverage_curve(heldout), heldout.posterior.max(axis=-1)
    assert len(curve) == 100
    assert (curve["threshold"][0], curve["threshold"][-1]) == (top.min(), top.max())
    assert curve["coverage"].is_sorted(descending=True)


def test_messages_that_nobody_coded_are_no_part_of_the_curve():
    heldout = random_line(2)
    coded = np.append(heldout.coded, [-1, -1])
    posterior = np.concatenate([heldout.posterior, np.full((2, 2, 3), 1 / 3)], axis=1)
    assert coverage_curve(line(coded, posterior)).equals(coverage_curve(heldout))


def test_no_posterior_no_curve():
    curve = coverage_curve(HeldOut(np.array([0, 1]), np.array([[0, 1]]), NONE, np.arange(2)))
    assert curve.is_empty()
    assert curve.schema == pl.Schema(COVERAGE_CURVE)


def test_threshold_is_the_published_quantile():
    """Of 99 labels and a promise of 90%, the tenth smallest posterior of the true theme."""
    of_coded = np.random.default_rng(3).permutation(np.arange(1, 100)) / 100
    posterior = np.stack([of_coded, 1 - of_coded], axis=1)
    assert conformal_threshold(posterior, np.zeros(99, np.int64), 0.9) == 0.1
    assert conformal_threshold(posterior, np.zeros(99, np.int64), 0.95) == 0.05


def test_too_few_labels_for_the_promise_put_all_themes_into_each_set():
    posterior = np.array([[0.9, 0.1]] * 8)
    threshold = conformal_threshold(posterior, np.zeros(8, np.int64), 0.9)
    assert threshold == 0
    assert prediction_sets(posterior, threshold).all()
    assert conformal_threshold(np.vstack([posterior, posterior[:1]]), np.zeros(9, np.int64), 0.9) == 0.9


def test_sets_of_one_are_decided_and_none_is_empty():
    posterior = np.array([[0.7, 0.3, 0], [0.5, 0.5, 0], [0.4, 0.3, 0.3], [0.1, 0.3, 0.6], [0.4, 0.4, 0.2]])
    sets = prediction_sets(posterior, 0.5)
    np.testing.assert_array_equal(sets.sum(axis=1), [1, 2, 1, 1, 2])
    np.testing.assert_array_equal(sets.argmax(axis=1)[sets.sum(axis=1) == 1], [0, 0, 2])


def test_where_nearly_all_are_right_the_likeliest_theme_is_enough():
    """The threshold then lies above what most messages have, and says nothing of those below it."""
    surely = np.linspace(0.9, 0.999, 99)
    posterior = np.stack([surely, 1 - surely], axis=1)
    threshold = conformal_threshold(posterior, np.zeros(99, np.int64), 0.9)
    assert (surely < threshold).sum() == 9
    np.testing.assert_array_equal(prediction_sets(posterior, threshold), [[True, False]] * 99)


@settings(deadline=None)
@given(st.integers(0, 999), st.floats(0, 1))
def test_sets_hold_the_likeliest_and_what_is_likely_enough(seed, threshold):
    posterior = random_line(seed).posterior[0]
    likeliest = posterior == posterior.max(axis=1, keepdims=True)
    np.testing.assert_array_equal(prediction_sets(posterior, threshold), likeliest | (posterior >= threshold))


@settings(deadline=None)
@given(st.integers(0, 999), st.floats(0.5, 0.99), st.integers(1, 80))
def test_at_least_the_promised_share_of_the_labels_themselves_is_covered(seed, coverage, messages):
    heldout = random_line(seed, messages)
    posterior = heldout.posterior[0]
    sets = prediction_sets(posterior, conformal_threshold(posterior, heldout.coded, coverage))
    assert sets[np.arange(messages), heldout.coded].mean() >= coverage - 1e-9


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_split_guarantee_holds_for_any_posterior(coverage):
    """Coverage of new messages is the promise on average, though this posterior is a poor one."""
    found, accuracy = split(coverage)
    assert accuracy < coverage  # or sets would decide nothing
    assert coverage - 0.005 <= found <= coverage + 0.02


def test_where_more_are_right_than_was_promised_more_is_kept():
    found, accuracy = split(0.6)
    assert accuracy > 0.65
    assert accuracy <= found <= accuracy + 0.01


def split(coverage):
    """How many sets of new messages hold the truth, and how many likeliest themes are it, on average."""
    generator = np.random.default_rng(4)
    world, found = Gaussians(generator), []
    posterior_of = world.learn(*world.draw(40), sharpness=3)
    for _ in range(400):
        (labels, coded), (new, truth) = world.draw(150), world.draw(500)
        threshold = conformal_threshold(posterior_of(labels), coded, coverage)
        posterior = posterior_of(new)
        held = prediction_sets(posterior, threshold)[np.arange(500), truth]
        found.append((held.mean(), (posterior.argmax(axis=1) == truth).mean()))
    return np.mean(found, axis=0)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_cross_fitted_guarantee_holds_for_the_posterior_of_all_labels(coverage):
    generator = np.random.default_rng(5)
    world, found = Gaussians(generator), []
    for _ in range(150):
        (labels, coded), (new, truth) = world.draw(200), world.draw(500)
        threshold = conformal_threshold(cross_fitted(world, labels, coded, 1)[0], coded, coverage)
        posterior = world.learn(labels, coded)(new)
        assert (posterior.argmax(axis=1) == truth).mean() < coverage
        found.append(prediction_sets(posterior, threshold)[np.arange(500), truth].mean())
    assert coverage - 0.005 <= np.mean(found) <= coverage + 0.02, np.mean(found)
    assert len(SHARES) == posterior.shape[1]
