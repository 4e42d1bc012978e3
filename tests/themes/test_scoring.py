import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from themeloom.themes._scoring import accuracy, kappa, mean_defined, per_theme, ratio, tables


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
    assert accuracy(table)[0] == pytest.approx(accuracy_score(coded, shown))
    if len(np.unique(np.append(coded, shown))) > 1:
        assert kappa(table)[0] == pytest.approx(cohen_kappa_score(coded, shown, labels=everything))
    else:
        assert np.isnan(kappa(table)[0])
    present = np.unique(coded)
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


def test_each_draw_may_have_predictions_of_its_own():
    coded, weights = np.array([0, 1, 1]), np.array([[1.0, 2, 0], [0, 1, 3]])
    predicted = np.array([[0, 0, 1], [-1, 1, -1]])
    expected = [[[1, 0, 0], [2, 0, 0]], [[0, 0, 0], [0, 1, 3]]]
    np.testing.assert_array_equal(tables(coded, predicted, weights, 2), expected)


def test_kappa_is_undefined_where_chance_always_agrees():
    assert np.isnan(kappa(np.array([[[5.0, 0, 0], [0, 0, 0]]]))).all()


def test_what_is_undefined_is_nan_and_left_out_of_means():
    shares = ratio(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 0.0], [4.0, 0.0]]))
    np.testing.assert_array_equal(shares, [[0.5, np.nan], [0.75, np.nan]])
    np.testing.assert_array_equal(mean_defined(shares, axis=0), [0.625, np.nan])
