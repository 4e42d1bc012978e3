from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groups import grouped
from themeloom.config import POOL, ThemesConfig
from themeloom.members import Labels, Members, Messages
from themeloom.nearest import nearest_of_all
from themeloom.records import Mapping
from themeloom.themes.candidates import SMALLEST, find_candidates
from themeloom.themes.mapping import learn_mapping

THEMES, TOPICS, EACH = 4, 8, 40


@dataclass(frozen=True)
class World:
    """Groups of vectors, each a topic; two topics a theme, and one topic that is of no theme."""

    vectors: np.ndarray
    topic: np.ndarray

    def members(self, labels):  # noqa: ARG002 - as `View` has it
        return self.untouched

    @property
    def untouched(self):
        size, topics = len(self.topic), int(self.topic.max()) + 1
        messages = Messages(
            self.topic, self.vectors, np.zeros((size, 0)), np.zeros((size, 1)), np.arange(size)
        )
        tree = np.append(np.full(topics, topics), -1)
        codebook = self.vectors[[int(np.flatnonzero(self.topic == t)[0]) for t in range(THEMES)]]
        return Members(
            np.arange(size),
            messages,
            nearest_of_all(self.vectors, 11)[0][:, 1:],
            tree,
            codebook,
        )

    def messages(self, labels):
        return self.members(labels).messages


def made(planted, label_planted=True, seed=0):
    """A world, and a mapping learned from a third of its messages; coders scatter what has no theme."""
    vectors, topic = grouped(TOPICS + planted, EACH, seed=seed)
    generator = np.random.default_rng(seed)
    theme = np.where(topic < TOPICS, topic % THEMES, generator.integers(0, THEMES, len(topic)))
    known = generator.random(len(topic)) < 1 / 3
    position = np.flatnonzero(known & (label_planted | (topic < TOPICS)))
    labels = Labels(position, theme[position], THEMES)
    folds = [np.arange(start, len(position), 3) for start in range(3)]
    config = ThemesConfig(codebook="codebook.yaml", labels="labels.csv", strategy="soft")
    return learn_mapping(World(vectors, topic), labels, folds, config), topic


def mapping_of(posterior, messages, labels, mixed=()):
    theme = np.where(np.isin(np.arange(len(posterior)), mixed), -1, posterior.argmax(axis=1))
    themes = posterior.shape[1]
    none = {name: np.zeros((0, themes)) for name in POOL}
    members = np.arange(len(messages))
    return Mapping(posterior, theme, labels, messages, np.zeros(len(POOL)), none, members)


@pytest.mark.parametrize("seed", range(3))
def test_a_class_that_the_codebook_lacks_is_found(seed):
    mapping, topic = made(planted=1, seed=seed)
    (found,) = find_candidates(mapping, topic)
    assert found.topic == TOPICS
    assert found.reason


@pytest.mark.parametrize("seed", range(3))
def test_where_the_codebook_has_all_nothing_is_found(seed):
    assert find_candidates(*made(planted=0, seed=seed)) == ()


def test_a_class_that_nobody_coded_is_found_however_sure_its_theme_seems():
    mapping, topic = made(planted=1, label_planted=False)
    (found,) = find_candidates(mapping, topic)
    assert found.topic == TOPICS
    assert "nobody coded any of its messages" in found.reason


def test_reasons_and_order():
    sizes = [30, 30, 30, 30, 30, 30, SMALLEST, SMALLEST - 1]
    topic = np.repeat(np.arange(len(sizes)), sizes)
    share = np.array([0.9, 0.92, 0.88, 0.9, 0.3, 0.9, 0.45, 0.2])
    sure = np.array([0.9, 0.91, 0.9, 0.9, 0.9, 0.35, 0.4, 0.2])

    def rows(top):
        return np.column_stack([top, *[(1 - top) / 3] * 3])

    posterior, messages = rows(share), rows(np.repeat(sure, sizes))
    labels = np.full((len(sizes), 4), 3)
    found = find_candidates(mapping_of(posterior, messages, labels, mixed=(4, 7)), topic)
    assert [candidate.topic for candidate in found] == [4, 5, 6]  # least explained first; topic 7 is tiny
    mixed, unsure, both = (candidate.reason for candidate in found)
    assert mixed == "mixed: its likeliest theme has only 30% of it"
    assert unsure.startswith("its messages fit no theme well: the likeliest has 35% on average")
    assert both.startswith("its likeliest theme has only 45% of it, far less than in other topics; its ")


@pytest.mark.parametrize(("themes", "little"), [(2, 0.6), (4, 0.4), (7, 2.2 / 7), (14, 3.6 / 14)])
def test_a_theme_that_is_a_guess_explains_no_topic(themes, little):
    top = np.array([little + 0.005, little - 0.005])
    posterior = np.column_stack([top, *[(1 - top) / (themes - 1)] * (themes - 1)])
    topic = np.repeat(np.arange(2), 20)
    (found,) = find_candidates(mapping_of(posterior, posterior[topic], np.full((2, themes), 4)), topic)
    assert found.topic == 1
    assert found.reason == f"its likeliest theme has only {top[1]:.0%} of it"


def test_few_topics_are_not_compared():
    topic = np.repeat(np.arange(3), 20)
    posterior = np.array([[0.9, 0.1], [0.9, 0.1], [0.65, 0.35]])
    mapping = mapping_of(posterior, posterior[topic], np.full((3, 2), 4))
    assert find_candidates(mapping, topic) == ()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_there_is_candidates_are_large_topics_each_once(data):
    topics, themes = data.draw(st.integers(0, 8)), data.draw(st.integers(2, 4))
    topic = np.array(data.draw(st.lists(st.integers(-1, topics - 1), max_size=200)), np.int64)
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    posterior = generator.dirichlet(np.ones(themes), topics).reshape(topics, themes)
    messages = generator.dirichlet(np.ones(themes), len(topic)).reshape(len(topic), themes)
    labels = generator.integers(0, 3, (topics, themes))
    mixed = np.flatnonzero(generator.random(topics) < 0.3)
    found = find_candidates(mapping_of(posterior, messages, labels, mixed), topic)
    named = [candidate.topic for candidate in found]
    assert len(set(named)) == len(named)
    assert all((topic == at).sum() >= SMALLEST for at in named)
    assert {at for at in mixed if (topic == at).sum() >= SMALLEST} <= set(named)
    assert all(candidate.reason for candidate in found)
