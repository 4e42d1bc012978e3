"""Expected intervals against those that samples of a corpus of known truth then really give."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from themeloom.errors import LabelError
from themeloom.records import Codebook, LabelledSample, Theme
from themeloom.themes._calibration import calibrate
from themeloom.themes.outlook import Outlook
from themeloom.themes.prevalence import prevalence

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
CODEBOOK = Codebook(tuple(Theme(key, key, key) for key in "abcd"))
LABELS, SIZE = 150, 1500
DISTORTED = {
    "as sure as it should be": (1.0, 1.0),
    "too sure, and rare themes too often": (2.5, 1 / SHARES),
    "not sure enough": (0.4, 1.0),
    "useless": (0.0, 1.0),
}


class Corpus:
    """Messages of known themes, and predictions that may be as wrong as any."""

    def __init__(self, sharpness=1.0, odds=1.0, seed=0):
        rng = np.random.default_rng(seed)
        self.theme = rng.choice(len(SHARES), SIZE, p=SHARES)
        coded = np.eye(len(SHARES))[self.theme]
        seen = 1.5 * coded + rng.normal(size=coded.shape)
        true = np.exp(1.5 * seen) * SHARES  # Bayes' rule for normal noise
        self.predicted = true**sharpness * odds + rng.uniform(0, 1e-9, true.shape)
        self.predicted /= self.predicted.sum(axis=1, keepdims=True)
        self.rng = rng

    def draw(self, n):
        return np.sort(self.rng.choice(SIZE, n, replace=False))

    def outlook(self, drawn=None, **changed):
        drawn = self.draw(LABELS) if drawn is None else drawn
        sample = labelled(drawn, self.theme[drawn], np.full(len(drawn), len(drawn) / SIZE))
        right = (self.predicted[drawn].argmax(axis=1) == self.theme[drawn]).mean()
        given = {"random": True, "accuracy": float(right), "seed": 1} | changed
        return Outlook(given.pop("predicted", self.predicted), given.pop("sample", sample), **given)

    def found(self, drawn, inclusion):
        """Half-widths by labels and prediction-powered, (2, themes), as a run finds them."""
        rest = np.delete(self.predicted, drawn, axis=0)
        table = prevalence(self.theme[drawn], inclusion, self.predicted[drawn], rest, None, CODEBOOK).table
        half = table.filter(pl.col("method") != "mapping")
        return ((half["high"] - half["low"]) / 2).to_numpy().reshape(2, -1)


def labelled(position, theme, inclusion=None):
    return LabelledSample(position, theme, ("a",), theme[:, None], inclusion)


@cache
def corpus(name="as sure as it should be"):
    return Corpus(*DISTORTED[name])


@pytest.mark.parametrize("name", DISTORTED)
@pytest.mark.parametrize("more", [0, 250, 900])
def test_half_widths_are_those_that_more_labels_then_give(name, more):
    messages = corpus(name)
    expected = np.mean([messages.outlook().half_widths(more) for _ in range(4)], axis=0)
    n = LABELS + more
    found = np.mean([messages.found(messages.draw(n), np.full(n, n / SIZE)) for _ in range(25)], axis=0)
    np.testing.assert_allclose(expected, found, rtol=0.1)


def test_one_sample_foretells_within_15_percent():
    """The mean over themes, by the first labels alone, as a user would ask."""
    messages = corpus()
    n = LABELS + 250
    found = np.mean([messages.found(messages.draw(n), np.full(n, n / SIZE)) for _ in range(25)], axis=0)
    ratios = [(np.stack(messages.outlook().half_widths(250)) / found).mean(axis=1) for _ in range(12)]
    assert np.abs(np.array(ratios) - 1).max() < 0.15


def test_labels_that_stand_for_themselves_are_planned_as_the_estimator_will_take_them():
    messages = corpus()
    evenly = [np.flatnonzero(messages.theme == theme)[:40] for theme in range(4)]  # on purpose
    chosen = np.sort(np.concatenate(evenly))
    left = np.setdiff1d(np.arange(SIZE), chosen)
    sample = labelled(chosen, messages.theme[chosen])
    outlook = messages.outlook(chosen, sample=sample, random=False)
    assert np.isnan(outlook.half_widths(0)).all()

    more = 300
    widths = []
    for _ in range(60):
        drawn = messages.rng.choice(left, more, replace=False)
        inclusion = np.append(np.ones(len(chosen)), np.full(more, more / len(left)))
        widths.append(messages.found(np.append(chosen, drawn), inclusion))
    expected, found = np.stack(outlook.half_widths(more)), np.mean(widths, axis=0)
    # The labels do not tell how common themes are, so that the half-widths can be only about right.
    np.testing.assert_allclose(expected.mean(), found.mean(), rtol=0.15)


def test_known_inclusion_is_the_present_interval():
    messages = corpus()
    drawn = messages.draw(LABELS)
    inclusion = np.random.default_rng(0).uniform(0.5, 1.5, LABELS) * LABELS / SIZE
    outlook = messages.outlook(drawn, sample=labelled(drawn, messages.theme[drawn], inclusion), random=False)
    np.testing.assert_allclose(outlook.half_widths(0)[0], messages.found(drawn, inclusion)[0])


def test_labels_alone_are_now_exactly_what_the_run_found():
    messages = corpus()
    drawn = messages.draw(LABELS)
    found = messages.found(drawn, np.full(LABELS, LABELS / SIZE))
    np.testing.assert_allclose(messages.outlook(drawn).half_widths(0)[0], found[0])


def test_more_labels_narrow_and_all_labels_leave_no_doubt():
    outlook = corpus().outlook()
    widths = np.array([outlook.half_widths(more) for more in (0, 50, 100, 200, 400, 800, outlook.left)])
    assert (widths[1:] <= widths[:-1] * 1.02).all()
    np.testing.assert_allclose(widths[-1], 0, atol=1e-9)


def test_good_predictions_are_worth_labels_and_useless_ones_do_no_harm():
    by_labels, powered = corpus().outlook().half_widths(200)
    assert (powered < 0.9 * by_labels).all()
    by_labels, powered = corpus("useless").outlook().half_widths(200)
    np.testing.assert_allclose(powered, by_labels, rtol=0.01)


def test_the_same_seed_gives_the_same_and_another_nearly_so():
    messages = corpus()
    drawn = messages.draw(LABELS)
    first, again, other = (messages.outlook(drawn, seed=seed).half_widths(100) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(first, other, rtol=0.05)


def test_labels_expected_of_a_theme_are_its_share_of_those_to_come():
    messages = corpus("too sure, and rare themes too often")
    drawn = messages.draw(LABELS)
    there = np.bincount(messages.theme[drawn], minlength=4)
    outlook = messages.outlook(drawn)
    np.testing.assert_allclose(outlook.expected_labels(0), there)
    np.testing.assert_allclose(outlook.expected_labels(300) - there, 300 * there / LABELS, atol=2)


def test_the_expected_confusion_is_that_of_the_most_probable_theme():
    messages = corpus("too sure, and rare themes too often")
    outlook = messages.outlook(messages.draw(600))
    table = outlook.confusion(SIZE)
    assert table.shape == (4, 5)
    truth = np.zeros((4, 5))
    np.add.at(truth, (messages.theme, messages.predicted.argmax(axis=1)), 1)
    assert np.abs(table - truth).sum() < 0.15 * SIZE


def test_messages_of_which_nothing_is_predicted_are_as_common_as_the_labels_say():
    messages = corpus()
    drawn = messages.draw(LABELS)
    unknown = np.where(np.arange(SIZE)[:, None] % 3 == 0, np.nan, messages.predicted)
    by_labels, powered = messages.outlook(drawn, predicted=unknown).half_widths(200)
    whole = messages.outlook(drawn).half_widths(200)
    np.testing.assert_allclose(by_labels, whole[0], rtol=0.03)
    assert powered.mean() > whole[1].mean()


def test_ties_of_coders_are_no_labels_but_nothing_to_draw_either():
    messages = corpus()
    drawn = messages.draw(LABELS)
    theme = np.where(np.arange(LABELS) < 20, -1, messages.theme[drawn])
    inclusion = np.full(LABELS, LABELS / SIZE)
    outlook = messages.outlook(drawn, sample=labelled(drawn, theme, inclusion))
    assert (outlook.labels, outlook.left) == (LABELS - 20, SIZE - LABELS)
    rest = np.delete(messages.predicted, drawn, axis=0)
    found = prevalence(theme, inclusion, messages.predicted[drawn], rest, None, CODEBOOK).table
    half = ((found["high"] - found["low"]) / 2)[:4].to_numpy()
    np.testing.assert_allclose(outlook.half_widths(0)[0], half)


def test_messages_drawn_and_not_coded_are_nothing_to_draw_either():
    messages = corpus()
    drawn = messages.draw(LABELS)
    listed = np.append(drawn, np.setdiff1d(np.arange(SIZE), drawn)[:50])
    outlook = messages.outlook(drawn, listed=listed)
    assert (outlook.labels, outlook.left) == (LABELS, SIZE - LABELS - 50)


def test_further_labels_never_widen_the_shares_of_a_label_store():
    """Those of a label file stand for themselves alone beside a new sample, as its rules say."""
    messages = corpus()
    drawn = messages.draw(LABELS)
    inclusion = np.where(np.arange(LABELS) % 2 == 0, 0.8, 1.2) * LABELS / SIZE
    sample = labelled(drawn, messages.theme[drawn], inclusion)
    store = messages.outlook(drawn, sample=sample, random=False, listed=drawn)
    widths = [store.half_widths(more)[0].mean() for more in (0, 20, 100, 400)]
    assert widths == sorted(widths, reverse=True)
    file = messages.outlook(drawn, sample=sample, random=False)
    assert file.half_widths(20)[0].mean() > widths[0]


def test_a_theme_that_no_label_names_is_possible_still():
    messages = corpus()
    drawn = np.setdiff1d(messages.draw(LABELS), np.flatnonzero(messages.theme == 3))
    outlook = messages.outlook(drawn)
    assert 0 < outlook.shares[3] < 0.01
    assert (np.stack(outlook.half_widths(200))[:, 3] > 0).all()


@pytest.mark.parametrize("more", [-1, SIZE - LABELS + 1])
def test_more_than_are_left_is_refused(more):
    with pytest.raises(LabelError, match="1,350 of 1,500 messages are not labelled yet"):
        corpus().outlook().half_widths(more)


def test_no_labels_and_nothing_left_to_label_are_refused():
    messages = corpus()
    none = labelled(np.array([3, 5]), np.array([1, -1]))
    with pytest.raises(
        LabelError, match=r"fewer than two labels, and 1 message\(s\) tied.*; adjudicate them"
    ):
        messages.outlook(sample=none)
    with pytest.raises(LabelError, match="holds every message already"):
        messages.outlook(np.arange(SIZE))


@pytest.mark.parametrize(
    ("sharpness", "odds"), [(3.0, 1.0), (0.3, 1.0), (1.0, 1 / SHARES), (3.0, 1 / SHARES)]
)
def test_calibration_finds_the_posterior_that_was_distorted(sharpness, odds):
    messages, sound = Corpus(sharpness, odds), Corpus()
    right = (messages.predicted.argmax(axis=1) == messages.theme).mean()
    made = calibrate(messages.predicted, SHARES, right)
    np.testing.assert_allclose(made.sum(axis=1), 1)
    np.testing.assert_allclose(made.mean(axis=0), SHARES, atol=0.01)
    assert np.abs(made - sound.predicted).mean() < 0.03


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_accuracy_that_cannot_be_is_approached(accuracy):
    made = calibrate(np.eye(4)[np.arange(40) % 4], np.full(4, 0.25), accuracy)
    assert np.isfinite(made).all()
    np.testing.assert_allclose(made.sum(axis=1), 1)
    right = made[np.arange(40), np.arange(40) % 4].mean()
    assert right == pytest.approx(max(accuracy, 0.25), abs=0.01)
