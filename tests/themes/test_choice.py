"""Choosing among mappings: the best of many by chance alone must not look good."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score

from themeloom.members import HeldOut
from themeloom.themes.choice import Candidate, choose, figures
from themeloom.themes.folds import Trial, draw_folds
from themeloom.themes.validation import Foreseen, Judged

THEMES, LABELS, FOLDS = 3, 120, 4


def trials_of(theme):
    folds = draw_folds(theme, np.arange(len(theme)), FOLDS, 0)
    everybody = np.arange(len(theme))
    return tuple(
        Trial(np.setdiff1d(everybody, fold), fold, (*folds[:k], *folds[k + 1 :]), 0)
        for k, fold in enumerate(folds)
    )


def judged(theme, rng, right):
    """A mapping that is right so often, and else says anything; the trials foresee as much."""

    def said(truth):
        return np.where(rng.random(len(truth)) < right, truth, rng.integers(0, THEMES, len(truth)))

    whole = said(theme)
    line = HeldOut(theme, whole[None], np.eye(THEMES)[whole][None], np.arange(len(theme)))
    foreseen = tuple(
        Foreseen(trial, said(theme[trial.learned]), said(theme[trial.learned])) for trial in trials_of(theme)
    )
    return Judged(line, line, np.zeros((0, THEMES)), foreseen)


def candidate(theme, rng, right, seeds=1, stability=float("nan")):
    return Candidate(tuple(judged(theme, rng, right) for _ in range(seeds)), stability)


def test_the_best_of_many_guesses_is_not_worth_more_than_guessing():
    flattering, honest = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        theme = rng.integers(0, THEMES, LABELS)
        candidates = [candidate(theme, rng, 0.0) for _ in range(30)]
        choice = choose(candidates, {"kappa": 1.0}, theme, THEMES)
        scores = [figures(theme, each.judged[0].topics.predicted[0], THEMES)["kappa"] for each in candidates]
        flattering.append(max(scores))
        honest.append(figures(theme, choice.topics.predicted[0], THEMES)["kappa"])
    assert np.mean(flattering) > 0.1
    assert abs(np.mean(honest)) < 3 * np.std(honest) / np.sqrt(len(honest))


def test_what_is_better_is_chosen_and_is_worth_what_it_is_worth():
    rng = np.random.default_rng(1)
    theme = rng.integers(0, THEMES, LABELS)
    candidates = [candidate(theme, rng, right) for right in (0.1, 0.8, 0.3)]
    choice = choose(candidates, {"kappa": 1.0}, theme, THEMES)
    assert choice.best == 1
    assert choice.by_trial.tolist() == [1] * FOLDS
    np.testing.assert_array_equal(choice.topics.predicted, candidates[1].judged[0].topics.predicted)
    assert choice.worth.argmax() == 1


def test_each_label_is_told_by_the_candidate_that_its_own_trial_chose():
    rng = np.random.default_rng(2)
    theme = rng.integers(0, THEMES, LABELS)
    candidates = [candidate(theme, rng, 0.3) for _ in range(6)]
    choice = choose(candidates, {"message_kappa": 1.0}, theme, THEMES)
    for place, trial in enumerate(trials_of(theme)):
        chosen = candidates[choice.by_trial[place]].judged[0].messages
        np.testing.assert_array_equal(
            choice.messages.predicted[0, trial.judged], chosen.predicted[0, trial.judged]
        )
    assert (choice.messages.predicted >= 0).all()


def test_seeds_are_repeats_of_the_choice():
    rng = np.random.default_rng(3)
    theme = rng.integers(0, THEMES, LABELS)
    choice = choose([candidate(theme, rng, 0.5, seeds=3)], {"kappa": 1.0}, theme, THEMES)
    assert choice.topics.predicted.shape == (3, LABELS)


def test_stability_can_tip_the_scales_and_an_unknown_one_counts_as_none():
    rng = np.random.default_rng(4)
    theme = rng.integers(0, THEMES, LABELS)
    same = candidate(theme, rng, 0.5)
    candidates = [Candidate(same.judged, value) for value in (0.2, 0.9, float("nan"))]
    assert choose(candidates, {"kappa": 1.0}, theme, THEMES).best == 0
    choice = choose(candidates, {"kappa": 1.0, "stability": 0.5}, theme, THEMES)
    assert choice.best == 1
    np.testing.assert_allclose(choice.worth - choice.worth[2], [0.1, 0.45, 0.0])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), min_size=4, max_size=60))
def test_figures_are_scikit_learns(pairs):
    coded, predicted = np.array(pairs).T
    found = figures(coded, predicted, THEMES)
    assert found["coverage"] == pytest.approx((predicted >= 0).mean())
    named = np.unique(coded)
    f1 = f1_score(coded, predicted, labels=named, average="macro", zero_division=0)
    assert found["macro_f1"] == pytest.approx(f1)
    if len(np.unique(np.r_[coded, predicted])) > 1 and (predicted >= 0).all():
        assert found["kappa"] == pytest.approx(cohen_kappa_score(coded, predicted), abs=1e-9)
