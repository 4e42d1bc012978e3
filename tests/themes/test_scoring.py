import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from themeloom.themes._scoring import OVERALL, bootstrap, kappa, overall, per_theme, score_sets, tables


def counter(coded, predicted, themes):
    return lambda weights: tables(coded, predicted, weights, themes)


def one_table(coded, predicted, themes):
    return tables(coded, predicted, np.ones((1, len(coded))), themes)


@st.composite
def predictions(draw):
    themes, messages = draw(st.integers(2, 6)), draw(st.integers(2, 40))
    coded = draw(st.lists(st.integers(0, themes - 1), min_size=messages, max_size=messages))
    predicted = draw(st.lists(st.integers(-1, themes - 1), min_size=messages, max_size=messages))
    return np.array(coded), np.array(predicted), themes


@settings(deadline=None)
@given(predictions())
def test_figures_equal_those_of_scikit_learn(drawn):
    coded, predicted, themes = drawn
    table = one_table(coded, predicted, themes)
    shown = np.where(predicted < 0, themes, predicted)  # abstained is a category of its own
    everything = range(themes + 1)
    np.testing.assert_array_equal(table[0], confusion_matrix(coded, shown, labels=everything)[:-1])
    found = dict(zip(OVERALL, overall(table, len(coded))[0], strict=True))
    present = np.unique(coded)
    assert found["accuracy"] == pytest.approx(accuracy_score(coded, shown))
    assert found["macro_f1"] == pytest.approx(
        f1_score(coded, shown, labels=present, average="macro", zero_division=0)
    )
    assert found["coverage"] == pytest.approx((predicted >= 0).mean())
    if len(np.unique(np.append(coded, shown))) > 1:
        assert found["kappa"] == pytest.approx(cohen_kappa_score(coded, shown, labels=everything))
    else:
        assert np.isnan(found["kappa"])
    expected = precision_recall_fscore_support(coded, shown, labels=range(themes), zero_division=0)[:3]
    figures = per_theme(table)[0]
    np.testing.assert_allclose(figures[:, present], np.array(expected)[:, present])
    assert np.isnan(np.delete(figures, present, axis=1)).all()


def test_weights_are_messages_drawn_again():
    generator = np.random.default_rng(0)
    coded, predicted = generator.integers(3, size=30), generator.integers(-1, 3, size=30)
    drawn = generator.integers(30, size=30)
    weights = np.bincount(drawn, minlength=30)[None].astype(float)
    np.testing.assert_array_equal(
        tables(coded, predicted, weights, 3), one_table(coded[drawn], predicted[drawn], 3)
    )


def test_bootstrap_of_a_mean_has_the_textbook_interval():
    values = np.random.default_rng(1).normal(size=400)
    (score,) = bootstrap(lambda weights: weights @ values[:, None] / 400, 400, 5000, 2)
    error = 1.96 * values.std() / 20
    assert score.value == pytest.approx(values.mean())
    assert score.low == pytest.approx(values.mean() - error, abs=0.01)
    assert score.high == pytest.approx(values.mean() + error, abs=0.01)


def test_undefined_draws_are_left_out():
    always, never = bootstrap(
        lambda weights: np.stack([np.where(weights[:, 0] > 0, 1.0, np.nan), weights[:, 0] * np.nan], 1),
        2,
        500,
        0,
    )
    assert (always.value, always.low, always.high) == (1, 1, 1)
    assert np.isnan([never.value, never.low, never.high]).all()


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    themes, messages, studies = 3, 150, 200
    shares = np.array([0.5, 0.3, 0.2])
    given_truth = np.array([[0.7, 0.1, 0.1, 0.1], [0.2, 0.6, 0.1, 0.1], [0.1, 0.2, 0.5, 0.2]])
    truth = dict(zip(OVERALL, overall((shares[:, None] * given_truth * 1e6)[None], 10**6)[0], strict=True))
    generator = np.random.default_rng(7)
    covered = dict.fromkeys(OVERALL, 0)
    for study in range(studies):
        coded = generator.choice(themes, messages, p=shares)
        steps = given_truth[coded].cumsum(axis=1)
        predicted = (generator.random((messages, 1)) > steps).sum(axis=1)
        predicted = np.where(predicted == themes, -1, predicted)
        scores = score_sets([counter(coded, predicted, themes)], messages, themes, 300, study)
        for name, score in zip(OVERALL, scores, strict=False):
            covered[name] += score.low <= truth[name] <= score.high
    assert all(0.9 <= count / studies <= 0.99 for count in covered.values()), covered


def test_repeats_are_averaged():
    coded = np.array([0, 1, 0, 1])
    right, wrong = counter(coded, coded, 2), counter(coded, 1 - coded, 2)
    scores = dict(zip(OVERALL, score_sets([right, wrong], 4, 2, 100, 0), strict=False))
    assert scores["kappa"].value == 0
    assert scores["accuracy"].value == scores["accuracy"].low == scores["accuracy"].high == 0.5


def test_each_draw_may_have_predictions_of_its_own():
    coded, weights = np.array([0, 1, 1]), np.array([[1.0, 2, 0], [0, 1, 3]])
    predicted = np.array([[0, 0, 1], [-1, 1, -1]])
    expected = [[[1, 0, 0], [2, 0, 0]], [[0, 0, 0], [0, 1, 3]]]
    np.testing.assert_array_equal(tables(coded, predicted, weights, 2), expected)


def test_intervals_stay_within_what_is_possible():
    scores = bootstrap(lambda weights: np.tile(weights[:, :1] / 2, 2), 3, 500, 0, floors=[-1.0, 0.25])
    assert scores[0].low == pytest.approx(0)
    assert scores[1].low == 0.25
    assert scores[0].high == scores[1].high == 1


def test_kappa_is_undefined_where_chance_always_agrees():
    assert np.isnan(kappa(np.array([[[5.0, 0, 0], [0, 0, 0]]]))).all()
