import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score
from sklearn.model_selection import RepeatedStratifiedKFold

from themeloom.config import ThemesConfig, ValidateConfig
from themeloom.errors import LabelError
from themeloom.members import Members
from themeloom.records import Codebook, LabelledSample, Theme
from themeloom.themes._scoring import kappa
from themeloom.themes.mapping import assign_themes, map_topics
from themeloom.themes.validation import check_sample, cross_fit, cross_fitted, draw_folds

THEMES = ThemesConfig(codebook="codebook.yaml", labels="labels.csv", strategy="majority")
QUICK = ValidateConfig(folds=4, repeats=3, bootstrap=300)


def book(themes):
    return Codebook(tuple(Theme(f"t{key}", "name", "definition") for key in range(themes)))


def labelled(theme, *coders):
    theme = np.asarray(theme, np.int64)
    codes = np.array(coders, np.int64).reshape(len(coders), len(theme)).T
    return LabelledSample(np.arange(len(theme)), theme, tuple(f"c{n}" for n in range(len(coders))), codes)


def fitted(theme, topic, *coders, themes=3, config=QUICK, seed=5):
    return cross_fit(labelled(theme, *coders), members(topic), book(themes), THEMES, config, seed)


def members(topic):
    topic = np.asarray(topic, np.int64)
    return Members(topic, np.ones((len(topic), 2), np.float32))


def test_topics_that_tell_all_score_one():
    theme = np.random.default_rng(0).integers(3, size=90)
    scores = fitted(theme, theme)
    for name in ("kappa", "macro_f1", "accuracy", "coverage"):
        assert scores.overall[name].value == scores.overall[name].high == 1
        assert scores.overall[name].low > 0.99
    np.testing.assert_array_equal(scores.confusion, np.diag(np.bincount(theme)) @ np.eye(3, 4))
    assert all(score.value == 1 for figures in scores.per_theme.values() for score in figures.values())
    assert (scores.labels, scores.folds, scores.repeats) == (90, 4, 3)


def test_topics_that_tell_nothing_score_zero():
    generator = np.random.default_rng(1)
    covered, values = 0, []
    for seed in range(40):
        theme, topic = generator.integers(3, size=120), generator.integers(4, size=120)
        found = fitted(theme, topic, seed=seed).overall["kappa"]
        covered += found.low <= 0 <= found.high
        values.append(found.value)
    assert covered >= 37
    assert abs(np.mean(values)) < 0.05


def test_scores_are_those_of_a_plain_loop():
    """The same folds, mapping and figures, written out with scikit-learn."""
    generator = np.random.default_rng(2)
    theme = generator.integers(3, size=60)
    topic = np.where(generator.random(60) < 0.7, theme, generator.integers(-1, 5, size=60))
    folds = RepeatedStratifiedKFold(n_splits=4, n_repeats=3, random_state=5)
    predicted = np.zeros((3, 60), np.int64)
    for number, (train, test) in enumerate(folds.split(theme[:, None], theme)):
        mapping = map_topics(topic[train], theme[train], topic.max() + 1, 3, THEMES)
        predicted[number // 4, test] = assign_themes(topic[test], mapping)[0]
    assert (predicted < 0).any()
    shown = np.where(predicted < 0, 3, predicted)
    scores = fitted(theme, topic)
    kappas = [cohen_kappa_score(theme, one, labels=range(4)) for one in shown]
    macro = [f1_score(theme, one, labels=range(3), average="macro", zero_division=0) for one in shown]
    assert scores.overall["kappa"].value == pytest.approx(np.mean(kappas))
    assert scores.overall["macro_f1"].value == pytest.approx(np.mean(macro))
    assert scores.overall["accuracy"].value == pytest.approx((predicted == theme).mean())
    assert scores.overall["coverage"].value == pytest.approx((predicted >= 0).mean())
    assert scores.confusion.sum() == pytest.approx(60)


def test_no_label_is_seen_by_the_mapping_that_predicts_it():
    """Each message is a topic of its own: only its own label could tell, and that one is held out."""
    theme = np.repeat([0, 1, 2], 20)
    scores = fitted(theme, np.arange(60))
    assert scores.overall["coverage"].value == 0
    assert scores.overall["kappa"].value == 0


def test_majority_line():
    theme = np.repeat([0, 1, 2], [60, 20, 20])
    line = fitted(theme, theme).lines["majority class"]
    assert line["accuracy"].value == pytest.approx(0.6)
    assert line["accuracy"].low < 0.6 < line["accuracy"].high
    assert line["kappa"].value == 0
    assert line["coverage"].value == 1
    assert line["macro_f1"].value == pytest.approx(2 * 60 / 160 / 3)


def test_coders_line():
    generator = np.random.default_rng(3)
    first = generator.integers(3, size=80)
    second = np.where(generator.random(80) < 0.8, first, generator.integers(3, size=80))
    line = fitted(first, first, first, second).lines["coders"]
    assert line["kappa"].value == pytest.approx(cohen_kappa_score(first, second))
    assert line["accuracy"].value == pytest.approx((first == second).mean())
    assert line["coverage"].value == 1
    assert line["kappa"].low < line["kappa"].value < line["kappa"].high


def test_coders_line_of_three_with_gaps_is_the_mean_over_pairs():
    generator = np.random.default_rng(4)
    coders = generator.integers(3, size=(3, 60))
    coders[2, 30:] = -1
    line = fitted(coders[0], coders[0], *coders).lines["coders"]
    pairs = [(0, 1, 60), (0, 2, 30), (1, 2, 30)]
    kappas = [cohen_kappa_score(coders[a, :n], coders[b, :n]) for a, b, n in pairs]
    assert line["kappa"].value == pytest.approx(np.mean(kappas))
    assert line["coverage"].value == pytest.approx((1 + 0.5 + 0.5) / 3)


def test_ties_between_coders_lower_their_line_and_are_not_scored():
    first, second = np.repeat([0, 1], 20), np.repeat([0, 1, 0], [20, 10, 10])
    theme = np.where(first == second, first, -1)
    scores = fitted(theme, first, first, second, themes=2)
    assert scores.labels == 30
    assert scores.overall["kappa"].value == 1
    assert scores.lines["coders"]["kappa"].value == pytest.approx(0.5)


@pytest.mark.parametrize("coders", [(), ([0, 1] * 10,), ([0, 1] * 10, [-1] * 20)])
def test_no_coders_line_without_two_coders_of_one_message(coders):
    assert "coders" not in fitted([0, 1] * 10, [0, 1] * 10, *coders).lines


def test_themes_without_labels_have_no_scores():
    figures = fitted([0, 2] * 10, [0, 1] * 10).per_theme["t1"]
    assert list(figures) == ["precision", "recall", "f1"]
    assert all(np.isnan([score.value, score.low, score.high]).all() for score in figures.values())


def test_too_few_labels_and_themes_are_told_at_once():
    with pytest.raises(LabelError) as raised:
        check_sample(labelled([1, 1, -1]), THEMES, QUICK)
    fewer, one = raised.value.faults
    assert fewer.startswith("labels.csv: has 2 label(s), fewer than the 4 folds")
    assert one.startswith("labels.csv: its labels name 1 theme(s)")
    with pytest.raises(LabelError, match="fewer than the 4 folds"):
        fitted([0, 1, 0], [0, 0, 0])
    with pytest.raises(LabelError, match="name 1 theme"):
        fitted([2] * 8, [0] * 8)


def test_same_seed_same_scores_other_seed_others():
    generator = np.random.default_rng(6)
    theme, topic = generator.integers(3, size=50), generator.integers(6, size=50)
    assert fitted(theme, topic).overall == fitted(theme, topic).overall
    assert fitted(theme, topic).overall != fitted(theme, topic, seed=6).overall


class Counter:
    total, done = 0, 0

    def begin(self, total, unit):
        assert unit == "draws"
        self.total = total

    def advance(self, steps=1):
        self.done += steps


def test_progress_counts_draws():
    watcher = Counter()
    cross_fit(labelled([0, 1] * 10), members([0, 1] * 10), book(2), THEMES, QUICK, 0, watcher)
    assert (watcher.total, watcher.done) == (300, 300)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.integers(2, 8), st.integers(0, 99))
def test_folds_hold_each_label_once_however_rare_its_theme(theme, count, seed):
    if len(theme) < count:
        theme = theme * count
    config = ValidateConfig(folds=count, repeats=2)
    coded = np.array(theme)
    folds = draw_folds(coded, config, seed)
    assert len(folds) == 2 * count
    for repeat in (folds[:count], folds[count:]):
        np.testing.assert_array_equal(
            np.sort(np.concatenate([test for _, test in repeat])), np.arange(len(coded))
        )
        for train, test in repeat:
            assert not set(train) & set(test)
            assert len(train) + len(test) == len(coded)
            for one in np.unique(coded):  # stratified: common themes are spread evenly
                size = (coded == one).sum()
                others = coded[np.bincount(coded)[coded] < count]
                if size >= count and (len(others) == 0 or len(others) >= count):
                    assert abs((coded[test] == one).sum() - size / count) < 1


def test_any_predictor_can_be_cross_fitted_and_never_sees_what_it_predicts():
    coded = np.array([0, 1, 2] * 8)

    def predict(weights, test):
        assert not weights[:, test].any()
        return np.tile(coded[test], (len(weights), 1))

    weights = np.random.default_rng(0).integers(1, 3, size=(5, 24)).astype(float)
    counters = cross_fitted(predict, coded, draw_folds(coded, QUICK, 0), QUICK, 3)
    assert len(counters) == 3
    for count in counters:
        expected = [np.diag(np.bincount(coded, row)) @ np.eye(3, 4) for row in weights]
        np.testing.assert_array_equal(count(weights), expected)


def test_copies_of_a_message_never_predict_each_other():
    """In a draw, a message may stand several times: all of its copies are held out together."""
    theme, topic = np.repeat([0, 1], 15), np.arange(30)
    assert fitted(theme, topic, themes=2).overall["coverage"].high == 0


@pytest.mark.parametrize(("topics", "purity"), [(6, 0.3), (15, 0.8), (40, 0.9)])
def test_intervals_cover_the_kappa_of_the_mapping_on_all_messages(topics, purity):
    """Simulated worlds in which the mapping's kappa on infinitely many messages is known."""
    generator = np.random.default_rng(topics)
    themes, studies, covered = 4, 50, 0
    config = ValidateConfig(folds=5, repeats=2, bootstrap=200)
    for study in range(studies):
        sizes = generator.dirichlet(np.full(topics, 3.0))
        within = (1 - purity) / themes + purity * generator.dirichlet(np.full(themes, 0.2), topics)
        topic = generator.choice(topics, 150, p=sizes)
        steps = within[topic].cumsum(axis=1)
        theme = (generator.random((150, 1)) > steps[:, :-1]).sum(axis=1)
        table = np.zeros((themes, themes + 1))
        mapping = map_topics(topic, theme, topics, themes, THEMES)
        np.add.at(table.T, mapping.theme, sizes[:, None] * within)  # -1 is the last column
        found = fitted(theme, topic, themes=themes, config=config, seed=study).overall["kappa"]
        covered += found.low <= kappa(table) <= found.high
    assert covered >= 0.88 * studies, covered


def test_intervals_are_quick():
    generator = np.random.default_rng(8)
    theme, topic = generator.integers(7, size=200), generator.integers(20, size=200)
    fitted(theme, topic, theme, theme, themes=7)  # imports
    start = time.process_time()
    fitted(theme, topic, theme, theme, themes=7, config=ValidateConfig())
    assert time.process_time() - start < 3
