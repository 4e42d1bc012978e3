"""Scores on labels that no mapping saw, and the reference lines beside them."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix, f1_score

from planted import World
from themeloom.config import STRATEGIES, ThemesConfig, ValidateConfig
from themeloom.members import HeldOut
from themeloom.records import Codebook, LabelledSample, Theme
from themeloom.themes import validation
from themeloom.themes.folds import draw_trials
from themeloom.themes.validation import coder_pairs, judge, refer, reference_lines, scored

QUICK = ValidateConfig(folds=3, repeats=2, bootstrap=100)
EVERY = pytest.mark.parametrize("strategy", [*STRATEGIES, "auto"])


def themes(**changes):
    return ThemesConfig(codebook="codebook.yaml", labels="labels.csv", **changes)


def book(count=3):
    return Codebook(tuple(Theme(f"t{key}", "name", "definition") for key in range(count)))


def sample_of(theme, *coders):
    theme = np.asarray(theme, np.int64)
    codes = np.array(coders, np.int64).reshape(len(coders), len(theme)).T
    return LabelledSample(np.arange(len(theme)), theme, tuple(f"c{n}" for n in range(len(coders))), codes)


def authors(labels, each=1):
    return np.arange(len(labels.theme)) // each


def trials_of(labels, config=QUICK, each=1, seed=0):
    return draw_trials(labels.theme, authors(labels, each), config, seed)[1]


def raw(world, labels):
    """Raw vectors of all communications, the codebook's, and the themes of the labels."""
    return world.messages(labels).vectors, world.members(labels).codebook, labels.theme


def judged_by(world, strategy, labels=None, trials=None, **changes):
    labels = world.labels if labels is None else labels
    trials = trials_of(labels) if trials is None else trials
    return judge(world, labels, authors(labels), trials, themes(strategy=strategy, **changes))


class Watch:
    """After each trial, remembers what had been asked for until then."""

    def __init__(self, world):
        self.world, self.ends, self.total = world, [], 0

    def begin(self, total, unit):
        assert unit == "mappings"
        self.total = total

    def advance(self, steps=1):
        self.ends += [len(self.world.asked)] * steps


@EVERY
@pytest.mark.parametrize("foresees", [False, True], ids=["judged", "foreseen"])
@pytest.mark.parametrize("config", [QUICK, ValidateConfig(folds=3, held_out=0.25)], ids=["folds", "held out"])
def test_no_judged_label_is_ever_asked_for(strategy, config, foresees):
    world = World()
    labels = world.labels
    trials, watch = trials_of(labels, config, each=2), Watch(world)
    judge(world, labels, authors(labels, 2), trials, themes(strategy=strategy), watch, foresees=foresees)
    assert watch.total == len(watch.ends) == len(trials)
    for trial, start, end in zip(trials, [0, *watch.ends], watch.ends, strict=False):
        asked = [set(one.position.tolist()) for one in world.asked[start:end]]
        learned = set(labels.position[trial.learned].tolist())
        inner = [learned - set(labels.position[fold].tolist()) for fold in trial.folds]
        choices = foresees + (trial.adapts and strategy != "zero-shot")
        assert asked.count(learned) == 1
        assert [asked.count(one) for one in inner] == [choices] * len(inner)
        assert len(asked) == 1 + choices * len(inner)
        assert not set(labels.position[trial.judged].tolist()) & set().union(*asked)


@EVERY
def test_what_is_said_of_a_label_does_not_depend_on_it(strategy):
    """Judged labels may be any: to the bit, predictions of them stay as they are."""
    world = World(messages_=120)
    labels = world.labels
    trial = trials_of(labels)[1]
    other = labels.theme.copy()
    other[trial.judged] = (other[trial.judged] + 1) % 3
    one = judged_by(world, strategy, labels, (trial,))
    two = judged_by(world, strategy, replace(labels, theme=other), (trial,))
    for level in ("topics", "messages"):
        first, second = getattr(one, level), getattr(two, level)
        np.testing.assert_array_equal(first.posterior[:, trial.judged], second.posterior[:, trial.judged])
        np.testing.assert_array_equal(first.predicted[:, trial.judged], second.predicted[:, trial.judged])
    np.testing.assert_array_equal(one.rest, two.rest)


@EVERY
def test_every_label_is_judged_once_a_repeat(strategy):
    world = World()
    found = judged_by(world, strategy)
    for level in (found.topics, found.messages):
        assert level.predicted.shape == (2, len(world.labelled))
        assert level.posterior.shape == (2, len(world.labelled), 3)
        np.testing.assert_array_equal(level.coded, world.labels.theme)
        np.testing.assert_allclose(level.posterior.sum(axis=2), 1)
    np.testing.assert_array_equal(found.messages.predicted, found.messages.posterior.argmax(axis=2))
    assert found.rest.shape == (len(world.position) - len(world.labelled), 3)
    np.testing.assert_allclose(found.rest.sum(axis=1), 1)


def test_messages_of_a_topic_share_its_theme_and_those_without_have_none():
    world = World()
    found = judged_by(world, "stacked", mixed_below=0.55).topics
    topic = world.topic[world.labelled]
    assert (topic < 0).any()
    assert (found.predicted[:, topic < 0] == -1).all()
    mixed = found.posterior.max(axis=2) < 0.7  # of three themes
    assert mixed[:, topic >= 0].any()
    expected = np.where(mixed | (topic < 0), -1, found.posterior.argmax(axis=2))
    np.testing.assert_array_equal(found.predicted, expected)
    for trial in trials_of(world.labels):
        for one in range(world.topics):
            inside = trial.judged[topic[trial.judged] == one]
            assert len(set(found.predicted[trial.repeat, inside].tolist())) <= 1


def test_those_held_out_alone_are_judged():
    world, config = World(), ValidateConfig(folds=3, held_out=0.25, bootstrap=100)
    labels = world.labels
    kept, trials = draw_trials(labels.theme, authors(labels), config, 0)
    found = judged_by(world, "stacked", labels, trials)
    aside = np.zeros(len(labels.theme), bool)
    aside[kept.judged] = True
    np.testing.assert_array_equal(found.messages.coded, np.where(aside, labels.theme, -1))
    assert (found.messages.predicted[:, ~aside] == -1).all()
    assert (found.messages.predicted[:, aside] >= 0).all()
    lines = reference_lines({}, *raw(world, labels))
    referred = {
        name: refer(line, labels, authors(labels), trials, found.messages.coded)
        for name, line in lines.items()
    }
    scores = scored(found, referred, [], book(), config, 0)
    assert scores.labels == aside.sum()
    assert scores.repeats == 1
    right = found.messages.predicted[0, aside] == labels.theme[aside]
    assert scores.lines["message level"]["accuracy"].value == pytest.approx(right.mean())
    assert scores.lines["message level"]["coverage"].value == 1
    assert scores.confusion.sum() == pytest.approx(aside.sum())


def line_of(name, world=None, topics=None, labels=None):
    """What a reference line says, and the trials."""
    world = World() if world is None else world
    labels = world.labels if labels is None else labels
    lines = reference_lines(topics or {}, *raw(world, labels))
    trials = trials_of(labels)
    return refer(lines[name], labels, authors(labels), trials, labels.theme), trials, world


def test_logistic_regression_is_scikit_learn_s():
    found, trials, world = line_of(validation.REGRESSION)
    vectors, theme = world.vectors[world.labelled], world.labels.theme
    for trial in trials:
        model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000)
        model.fit(vectors[trial.learned], theme[trial.learned])
        expected = model.predict(vectors[trial.judged])
        np.testing.assert_array_equal(found.predicted[trial.repeat, trial.judged], expected)


def test_the_codebook_alone_gives_the_nearest_theme():
    found, _, world = line_of(validation.ZERO_SHOT)
    nearest = (world.vectors[world.labelled] @ world.codebook.T).argmax(axis=1)
    np.testing.assert_array_equal(found.predicted, np.tile(nearest, (2, 1)))


def test_the_majority_class_is_one_code_for_everything():
    """However the folds fall: of codes about as common, the others of each fold have another commonest."""
    world = World()
    theme = np.arange(len(world.labels.theme)) % 3
    theme[0] = 1
    labels = replace(world.labels, theme=theme)
    found, trials, _ = line_of(validation.MAJORITY, world, labels=labels)
    assert len({int(np.bincount(theme[trial.learned]).argmax()) for trial in trials}) > 1
    assert set(found.predicted.ravel().tolist()) == {np.bincount(theme).argmax()}
    assert cohen_kappa_score(theme, found.predicted[0]) == 0


def test_topics_have_the_theme_of_most_of_the_others_labels():
    world = World()
    topic = world.topic.copy()
    topic[world.labelled[:4]] = [20, 21, 21, -1]  # one alone, two for each other, none
    found, trials, _ = line_of("vote", world, {"vote": topic})
    theme, of_label = world.labels.theme, topic[world.labelled]
    for trial in trials:
        for place in trial.judged:
            near = theme[trial.learned][of_label[trial.learned] == of_label[place]]
            expected = np.bincount(near).argmax() if len(near) and of_label[place] >= 0 else -1
            assert found.predicted[trial.repeat, place] == expected
    assert (found.predicted[:, [0, 3]] == -1).all()


def test_no_reference_line_sees_what_it_judges():
    """None that learns: the majority class is the commonest code of all labels."""
    world = World()
    labels = world.labels
    trial = trials_of(labels)[0]
    changed = labels.theme.copy()
    changed[trial.judged] = (changed[trial.judged] + 1) % 3
    other = replace(labels, theme=changed)
    of_one, of_other = (reference_lines({"vote": world.topic}, *raw(world, each)) for each in (labels, other))
    for name in of_one.keys() - {validation.MAJORITY}:
        one, two = (
            refer(lines[name], each, authors(labels), (trial,), labels.theme).predicted
            for lines, each in ((of_one, labels), (of_other, other))
        )
        np.testing.assert_array_equal(one, two)
        assert (one[:, trial.learned] == -1).all()


@pytest.fixture(scope="module")
def scores():
    """Scores of a world, what they are of, and its true themes."""
    world = World(messages_=300)
    labels = world.labels
    judged = judged_by(world, "stacked")
    lines = reference_lines({"vote": world.topic}, *raw(world, labels))
    trials = trials_of(labels)
    referred = {
        name: refer(line, labels, authors(labels), trials, labels.theme) for name, line in lines.items()
    }
    return scored(judged, referred, [], book(), QUICK, 0), judged, referred


def test_scores_are_those_of_scikit_learn(scores):
    found, judged, referred = scores
    coded = judged.messages.coded
    lines = {"message level": judged.messages, **referred}
    assert list(found.lines) == list(lines)
    for name, line in [*lines.items(), (None, judged.topics)]:
        figures = found.lines[name] if name else found.overall
        shown = np.where(line.predicted < 0, 3, line.predicted)
        kappas = [cohen_kappa_score(coded, one, labels=range(4)) for one in shown]
        macro = [f1_score(coded, one, labels=range(3), average="macro", zero_division=0) for one in shown]
        assert figures["kappa"].value == pytest.approx(np.mean(kappas), abs=1e-9)
        assert figures["macro_f1"].value == pytest.approx(np.mean(macro))
        assert figures["accuracy"].value == pytest.approx(
            np.mean([accuracy_score(coded, one) for one in shown])
        )
        assert figures["coverage"].value == pytest.approx((line.predicted >= 0).mean())
    for confusion, line in ((found.confusion, judged.topics), (found.message_confusion, judged.messages)):
        shown = np.where(line.predicted < 0, 3, line.predicted)
        tables = [confusion_matrix(coded, one, labels=range(4))[:3] for one in shown]
        np.testing.assert_allclose(confusion, np.mean(tables, axis=0))
    recalls = np.diag(found.message_confusion) / found.message_confusion.sum(axis=1)
    for key, recall in zip(book().keys, recalls, strict=True):
        assert found.message_per_theme[key]["recall"].value == pytest.approx(recall)
    assert (found.labels, found.folds, found.repeats) == (150, 3, 2)


def test_each_level_is_compared_with_each_line(scores):
    found, _, referred = scores
    expected = {f"{level}, less {name}" for level in ("topic level", "message level") for name in referred}
    assert set(found.differences) == expected
    for name in referred:
        difference = found.differences[f"message level, less {name}"]["kappa"]
        apart = found.lines["message level"]["kappa"].value - found.lines[name]["kappa"].value
        assert difference.value == pytest.approx(apart)
        assert difference.low <= difference.value <= difference.high
    assert found.differences["message level, less majority class"]["kappa"].low > 0


def test_the_message_level_is_calibrated_and_has_its_curves(scores):
    found, judged, _ = scores
    assert found.lines["message level"]["ece"].value < 0.15
    assert found.calibration["messages"].sum() == pytest.approx(150)
    assert found.coverage["coverage"][0] == 1
    assert 0 < found.conformal < 1
    of_coded = judged.messages.posterior[0, np.arange(150), judged.messages.coded]
    assert (of_coded >= found.conformal).mean() == pytest.approx(0.9, abs=0.02)


def perfect(theme):
    theme = np.asarray(theme)
    posterior = np.eye(3)[np.maximum(theme, 0)][None]
    line = HeldOut(theme, theme[None], posterior, np.arange(len(theme)))
    return validation.Judged(line, line, np.zeros((0, 3)))


def coders_line(sample):
    group = np.arange(len(sample.position))
    decided = sample.theme[sample.decided]
    return scored(perfect(decided), {}, coder_pairs(sample, group), book(), QUICK, 0).lines.get("coders")


def test_coders_line():
    generator = np.random.default_rng(3)
    first = generator.integers(3, size=80)
    second = np.where(generator.random(80) < 0.8, first, generator.integers(3, size=80))
    line = coders_line(sample_of(first, first, second))
    assert line["kappa"].value == pytest.approx(cohen_kappa_score(first, second))
    assert line["accuracy"].value == pytest.approx((first == second).mean())
    assert line["kappa"].low < line["kappa"].value < line["kappa"].high


def test_coders_line_of_three_with_gaps_is_the_mean_over_pairs():
    generator = np.random.default_rng(4)
    coders = generator.integers(3, size=(3, 60))
    coders[2, 30:] = -1
    line = coders_line(sample_of(coders[0], *coders))
    pairs = [(0, 1, 60), (0, 2, 30), (1, 2, 30)]
    kappas = [cohen_kappa_score(coders[a, :n], coders[b, :n]) for a, b, n in pairs]
    assert line["kappa"].value == pytest.approx(np.mean(kappas))


def test_ties_between_coders_lower_their_line():
    first, second = np.repeat([0, 1], 20), np.repeat([0, 1, 0], [20, 10, 10])
    line = coders_line(sample_of(np.where(first == second, first, -1), first, second))
    assert line["kappa"].value == pytest.approx(0.5)


@pytest.mark.parametrize(
    "coders", [(), ([0, 1] * 10,), ([0, 1] * 10, [-1] * 20), ([0, -1] * 10, [-1, 1] * 10)]
)
def test_no_coders_line_without_two_coders_of_one_message(coders):
    assert coders_line(sample_of([0, 1] * 10, *coders)) is None


def test_themes_without_labels_have_no_scores():
    found = scored(perfect([0, 2] * 10), {}, [], book(), QUICK, 0).per_theme["t1"]
    assert list(found) == ["precision", "recall", "f1"]
    assert all(np.isnan([score.value, score.low, score.high]).all() for score in found.values())


def test_topics_of_one_message_each_tell_nothing():
    world = World(topics=200)
    world.topic = np.arange(200)
    found = judged_by(world, "majority")
    kappas = [cohen_kappa_score(world.labels.theme, one) for one in found.messages.predicted]
    assert np.abs(kappas).max() < 0.05
