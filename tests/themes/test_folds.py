"""Who is learned from and who is judged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.config import ThemesConfig, ValidateConfig
from themeloom.errors import LabelError
from themeloom.records import LabelledSample
from themeloom.themes.folds import check_sample, draw_folds, draw_trials, one_author_told

THEMES = ThemesConfig(codebook="codebook.yaml", labels="labels.csv")
THREE = ValidateConfig(folds=3)


@st.composite
def samples(draw):
    """Themes and authors of labels, at least as many of each as folds; some authors wrote many."""
    folds = draw(st.integers(2, 6))
    theme = draw(st.lists(st.integers(0, 5), min_size=2 * folds, max_size=60))
    chosen = st.lists(st.integers(0, 30), min_size=len(theme), max_size=len(theme))
    group = draw(st.just(list(range(len(theme)))) | chosen)
    group[:folds] = range(folds)
    return np.array(theme), np.array(group), folds, draw(st.integers(0, 99))


def config(folds, **changes):
    return ValidateConfig(folds=folds, **changes)


def check_inner(trial, group):
    assert (np.diff(trial.learned) > 0).all()
    np.testing.assert_array_equal(np.sort(np.concatenate(trial.folds)), trial.learned)
    for place, fold in zip(trial.inner(), trial.folds, strict=True):
        np.testing.assert_array_equal(trial.learned[place], fold)
        others = np.setdiff1d(trial.learned, fold)
        assert not set(group[fold]) & set(group[others])


def test_the_largest_seed_draws_every_repeat():
    theme, group = np.tile([0, 1], 12), np.arange(24)
    for count in (2, 3):
        _, trials = draw_trials(theme, group, config(count, repeats=3), 2**32 - 1)
        assert len(trials) == 3 * count
    _, wrapped = draw_trials(theme, group, config(3), 0)
    np.testing.assert_array_equal(trials[3].judged, wrapped[0].judged)


@settings(deadline=None)
@given(samples())
def test_each_label_is_judged_once_a_repeat_and_no_author_is_on_both_sides(sample):
    theme, group, count, seed = sample
    kept, trials = draw_trials(theme, group, config(count, repeats=2), seed)
    assert len(trials) == 2 * count
    for repeat in (0, 1):
        judged = np.concatenate([trial.judged for trial in trials if trial.repeat == repeat])
        np.testing.assert_array_equal(np.sort(judged), np.arange(len(theme)))
    for trial in trials:
        np.testing.assert_array_equal(
            np.sort(np.concatenate([trial.learned, trial.judged])), np.arange(len(theme))
        )
        assert not set(group[trial.learned]) & set(group[trial.judged])
        own = len(np.unique(group[trial.learned]))
        assert len(trial.folds) == (count - 1 if count > 2 else min(own, 2))
        check_inner(trial, group)
    np.testing.assert_array_equal(kept.learned, np.arange(len(theme)))
    assert len(kept.judged) == 0
    assert len(kept.folds) == count
    check_inner(kept, group)


def test_choices_within_one_of_two_folds_are_made_by_labels_that_others_have():
    theme = np.arange(40) % 2
    _, trials = draw_trials(theme, np.arange(40), config(2), 0)
    for trial in trials:
        assert [len(np.setdiff1d(trial.learned, fold)) for fold in trial.folds] == [10, 10]


@settings(deadline=None)
@given(samples(), st.sampled_from([0.02, 0.1, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5]))
def test_those_held_out_are_never_learned_from_and_alone_judged(sample, share):
    theme, group, count, seed = sample
    kept, trials = draw_trials(theme, group, config(count, held_out=share), seed)
    assert trials == (kept,)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept.learned, kept.judged])), np.arange(len(theme)))
    assert not set(group[kept.learned]) & set(group[kept.judged])
    check_inner(kept, group)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5])
def test_as_many_are_held_out_as_asked_for(share):
    theme = np.random.default_rng(0).integers(4, size=400)
    for group in (np.arange(400), np.arange(400) // 2):
        kept, _ = draw_trials(theme, group, config(5, held_out=share), 0)
        assert len(kept.judged) / 400 == pytest.approx(share, abs=0.03)
        of_theme = np.bincount(theme[kept.judged], minlength=4) / np.bincount(theme)
        np.testing.assert_allclose(of_theme, share, atol=0.065)


def test_common_themes_are_spread_evenly_and_rare_ones_break_nothing():
    theme = np.repeat([0, 1, 2, 3, 4], [50, 25, 10, 2, 1])
    folds = draw_folds(theme, np.arange(len(theme)), 5, 0)
    for fold in folds:
        counts = np.bincount(theme[fold], minlength=5)
        assert counts[1:3].tolist() == [5, 2]
        assert 10 <= counts[[0, 3, 4]].sum() <= 11  # the three rare ones lie among the most frequent


@pytest.mark.parametrize("authors", [1, 2, 4])
def test_of_fewer_authors_than_folds_each_has_one(authors):
    theme, group = np.tile([0, 1, 2], 20), np.arange(60) % authors
    folds = draw_folds(theme, group, 5, 0)
    assert len(folds) == authors
    np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.arange(60))
    for fold in folds:
        assert len(set(group[fold])) == 1


def test_the_same_seed_draws_the_same_folds_and_repeats_are_others():
    theme, group = np.tile([0, 1, 2], 20), np.arange(60)
    first, again = (draw_trials(theme, group, config(4, repeats=2), 7)[1] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.judged, other.judged)
    assert any((one.judged != other.judged).any() for one, other in zip(first[:4], first[4:], strict=True))


def sample_of(theme):
    theme = np.array(theme)
    return LabelledSample(np.arange(len(theme)), theme, (), np.zeros((len(theme), 0), np.int64))


def faults_of(sample, group=None, validate=THREE):
    group = np.arange(len(sample.position)) if group is None else np.array(group)
    with pytest.raises(LabelError) as raised:
        check_sample(sample, group, THEMES, validate)
    return raised.value.faults


def test_too_few_labels_and_themes_are_told_at_once():
    fewer, one = faults_of(sample_of([1, 1, -1]))
    assert fewer.startswith("labels.csv: has 2 label(s) and 1 message(s) tied or unclear, fewer than the 3")
    assert one.startswith("labels.csv: its labels name 1 theme(s)")
    (fewer,) = faults_of(sample_of([0, 1, 0, 1]), validate=ValidateConfig(folds=3, held_out=0.5))
    assert "has 4 label(s), fewer than the 6" in fewer


def test_too_few_authors_are_told():
    (few,) = faults_of(sample_of([0, 1] * 10), [0, 1] * 10)
    assert few.startswith("labels.csv: its 20 labels are of messages by 2 author(s), fewer than the 3")
    assert "lower validate.folds" in few
    check_sample(sample_of([0, 1] * 10), np.arange(20) % 3, THEMES, THREE)


def test_one_author_with_more_than_a_quarter_of_the_labels_is_told():
    others = np.arange(1, 46)
    assert one_author_told(np.append(np.zeros(15, np.int64), others)) == ""
    told = one_author_told(np.append(np.zeros(16, np.int64), others))
    assert told.startswith("One author wrote 16 of the 61 labelled messages (26%). ")
    assert one_author_told(np.arange(3)) == one_author_told(others[:0]) == ""


def test_labels_on_which_coders_tie_are_told_as_that():
    (fault,) = faults_of(sample_of([-1] * 90))
    assert fault == (
        "labels.csv: has 0 label(s) and 90 message(s) tied or unclear, fewer than the 3 that the 3 folds "
        "of validation need; adjudicate those (column 'adjudicated'), label more messages, or lower "
        "validate.folds."
    )
