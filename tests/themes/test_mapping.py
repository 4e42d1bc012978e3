"""From labels to a posterior for each message and each topic."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from planted import World
from themeloom.config import POOL, STRATEGIES, ThemesConfig
from themeloom.members import Labels, Messages, strategy_of
from themeloom.themes._parts import wanted
from themeloom.themes.folds import draw_folds
from themeloom.themes.mapping import (
    best_themes,
    learn,
    learn_mapping,
    message_posterior,
    topic_themes,
)

WORLD = World(adapts=False)
STRATEGY = pytest.mark.parametrize("strategy", [*STRATEGIES, "auto"])


def config(**changes):
    return ThemesConfig(codebook="codebook.yaml", labels="labels.csv", **changes)


def folds_of(labels, count=4, seed=0):
    return draw_folds(labels.theme, np.arange(len(labels.theme)), count, seed)


def mapped(strategy, world=WORLD, **changes):
    labels = world.labels
    return learn_mapping(world, labels, folds_of(labels), config(strategy=strategy, **changes))


def learned(strategy, world=WORLD, labels=None):
    labels = world.labels if labels is None else labels
    return learn(world, labels, folds_of(labels), strategy)


@STRATEGY
def test_a_mapping_agrees_in_itself(strategy):
    mapping, labels = mapped(strategy), WORLD.labels
    for posterior, rows in ((mapping.messages, WORLD.messages_), (mapping.posterior, WORLD.topics)):
        assert posterior.shape == (rows, WORLD.themes)
        assert (posterior >= 0).all()
        np.testing.assert_allclose(posterior.sum(axis=1), 1)
    counts = np.zeros((WORLD.topics, WORLD.themes), np.int64)
    for position, theme in zip(labels.position, labels.theme, strict=True):
        if WORLD.topic[position] >= 0:
            counts[WORLD.topic[position], theme] += 1
    np.testing.assert_array_equal(mapping.labels, counts)
    np.testing.assert_array_equal(mapping.members, WORLD.position)
    assert list(mapping.parts) == list(POOL)
    assert mapping.weights.shape == (len(POOL),)
    assert (mapping.weights >= 0).all()


@pytest.mark.parametrize("world", [WORLD, World()], ids=["plain", "adapted"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_mapping_tells_the_strategy_that_it_was_learned_by(strategy, world):
    mapping = mapped(strategy, world)
    assert strategy_of(mapping) == strategy
    others = {name: part[:0] for name, part in mapping.parts.items()}
    assert strategy_of(replace(mapping, parts=others)) == "auto"


def test_a_mapping_tells_the_strategy_that_auto_took():
    labels, taken = WORLD.labels, strategy_of(mapped("auto"))
    said, judged = learned("auto"), learned(taken)
    assert taken != "auto"
    assert said.names == judged.names == wanted(taken, WORLD.members(labels))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_a_strategy_s_parts_count(strategy):
    mapping = mapped(strategy)
    used = {*wanted(strategy, WORLD.members(WORLD.labels)), "shares"}
    for name, weight in zip(POOL, mapping.weights, strict=True):
        assert (len(mapping.parts[name]) > 0) == (name in used)
        assert name in used or weight == 0
    assert mapping.weights.sum() > 0


@STRATEGY
def test_a_topic_is_the_mean_of_its_members_labelled_ones_as_they_are(strategy):
    found, labels = learned(strategy), WORLD.labels
    said = dict(zip(WORLD.position.tolist(), found.messages, strict=True))
    for position, theme in zip(labels.position.tolist(), labels.theme, strict=True):
        said[position] = np.eye(WORLD.themes)[theme]
    for topic in range(WORLD.topics):
        inside = [said[position] for position in WORLD.position.tolist() if WORLD.topic[position] == topic]
        np.testing.assert_allclose(found.topics[topic], np.mean(inside, axis=0))


@STRATEGY
@pytest.mark.parametrize("world", [WORLD, World()], ids=["raw", "adapted"])
def test_a_mapping_says_of_new_messages_what_it_said_when_it_learned(strategy, world):
    mapping, found = mapped(strategy, world), learned(strategy, world)
    messages = world.messages(world.labels)
    vectors = messages.rows(world.position).both
    np.testing.assert_array_equal(message_posterior(messages, vectors, mapping), mapping.messages)
    np.testing.assert_array_equal(found.messages, mapping.messages[world.position])
    strangers = np.setdiff1d(np.arange(world.messages_), world.position)
    new = replace(messages.rows(strangers), member=np.full(len(strangers), -1))
    np.testing.assert_allclose(
        message_posterior(new, vectors, mapping), mapping.messages[strangers], atol=1e-6
    )


@STRATEGY
@pytest.mark.parametrize("adapts", [True, False])
def test_labels_are_learned_from_in_whole_and_without_each_fold(strategy, adapts):
    world = World()
    labels, folds = world.labels, folds_of(world.labels)
    learn(world, labels, folds, strategy, adapts=adapts)
    asked = {one.position.tobytes() for one in world.asked}
    without = {labels.but(fold).position.tobytes() for fold in folds}
    assert asked == {labels.position.tobytes()} | (without if adapts and strategy != "zero-shot" else set())


@pytest.mark.parametrize("strategy", ["majority", "bayes", "graph", "soft"])
def test_without_an_encoder_for_folds_weights_are_those_of_parts_that_no_label_has_touched(strategy):
    world = World()
    found = learn(world, world.labels, folds_of(world.labels), strategy, adapts=False)
    np.testing.assert_array_equal(found.weights, learned(strategy).weights)
    assert found.weights[0] > 0


@STRATEGY
def test_messages_without_a_label_are_told_better_than_by_chance(strategy):
    world = World()
    unseen = np.setdiff1d(np.arange(world.messages_), world.labelled)
    right = mapped(strategy, world).messages[unseen].argmax(axis=1) == world.theme[unseen]
    assert right.mean() > np.bincount(world.theme[unseen]).max() / len(unseen) + 0.1


def test_the_codebook_alone_learns_no_label():
    one, other = learned("zero-shot"), learned("zero-shot", labels=WORLD.shuffled)
    np.testing.assert_array_equal(one.messages, other.messages)


@pytest.mark.parametrize("adapts", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_weights_are_not_drawn_by_what_parts_know_by_heart(seed, adapts):
    """Adapted vectors tell each label that was learned from; weights come from labels that were not."""
    weights = {}
    for labels in ("labels", "shuffled"):
        world = World(messages_=1200, seed=seed)
        chosen = getattr(world, labels)
        found = learn(world, chosen, folds_of(chosen), "stacked", adapts=adapts)
        of_part = dict(zip(found.names, found.weights, strict=False))
        weights[labels] = of_part["adapted"] + of_part["graph"]  # both read them
    assert weights["shuffled"] < 0.5 * weights["labels"]


def test_auto_takes_what_predicts_best():
    """Where topics are all that tells of themes, a strategy of single messages is not chosen, and the other
    way round."""
    told_by_topics, told_by_words = World(messages_=400, signal=0.0), World(messages_=400, signal=2.0)
    told_by_topics.codebook = told_by_topics.codebook[::-1]
    told_by_words.topic = np.random.default_rng(0).integers(told_by_words.topics, size=400)
    assert {"majority", "hierarchy"} & set(learned("auto", told_by_topics).names)
    assert {"raw", "adapted", "graph"} & set(learned("auto", told_by_words).names)


@pytest.mark.parametrize("strategy", ["stacked", "auto"])
def test_few_labels_are_borne(strategy):
    whole = WORLD.labels
    for few in (2, 5):
        labels = Labels(whole.position[:few], whole.theme[:few], WORLD.themes)
        for folds in ([np.arange(few)], [np.arange(1), np.arange(1, few)]):
            found = learn(WORLD, labels, folds, strategy)
            np.testing.assert_allclose(found.messages.sum(axis=1), 1)


@STRATEGY
def test_a_corpus_without_topics_still_has_themes(strategy):
    world = World(adapts=False)
    world.topic = np.full(world.messages_, -1)
    world.topics = 0
    mapping = mapped(strategy, world)
    assert mapping.posterior.shape == (0, world.themes)
    assert mapping.theme.shape == (0,)
    np.testing.assert_allclose(mapping.messages.sum(axis=1), 1)


def test_a_topic_is_mixed_where_no_theme_is_likely_enough():
    posterior = np.array([[0.5, 0.3, 0.2], [0.2, 0.4, 0.4], [0.1, 0.1, 0.8]])
    assert best_themes(posterior, 0.0).tolist() == [0, 1, 2]
    assert best_themes(posterior, 0.2).tolist() == [0, -1, 2]
    assert best_themes(posterior, 0.9).tolist() == [-1, -1, -1]
    assert best_themes(np.zeros((0, 3)), 0.3).shape == (0,)
    mapping = mapped("majority", mixed_below=0.625)  # of three themes: a probability of 0.75
    likely = mapping.posterior.max(axis=1) >= 0.75
    assert 0 < likely.sum() < WORLD.topics
    np.testing.assert_array_equal(mapping.theme >= 0, likely)


@given(st.integers(2, 40), st.floats(0, 0.98))
def test_likely_enough_is_corrected_for_chance(themes, mixed_below):
    even, certain = np.full(themes, 1 / themes), np.eye(themes)[0]
    between = even + mixed_below * (certain - even)
    assert best_themes(np.stack([certain, between]), mixed_below).tolist() == [0, 0]
    assert best_themes(even[None], 0.0).tolist() == [0]
    assert best_themes(between[None], mixed_below + 0.01).tolist() == [-1]
    assert best_themes(certain[None], 1.0).tolist() == [0]


@given(arrays(np.int64, st.integers(0, 30), elements=st.integers(-1, WORLD.topics - 1)))
def test_messages_have_the_themes_of_their_topics(topic):
    theme, probability = topic_themes(topic, MIXED)
    for one, found, likely in zip(topic, theme, probability, strict=True):
        expected = MIXED.theme[one] if one >= 0 else -1
        assert found == expected
        assert likely == MIXED.posterior[one, expected] if expected >= 0 else np.isnan(likely)


MIXED = mapped("majority", mixed_below=0.625)


def test_of_no_messages_nothing_is_said():
    nobody = WORLD.messages(WORLD.labels).rows(np.arange(0))
    assert isinstance(nobody, Messages)
    found = message_posterior(nobody, WORLD.members(WORLD.labels).messages.both, mapped("stacked"))
    assert found.shape == (0, WORLD.themes)
