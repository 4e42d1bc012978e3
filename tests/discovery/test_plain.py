"""The reference, beside BERTopic itself."""

import numpy as np
import pytest
from bertopic import BERTopic
from bertopic.dimensionality import BaseDimensionalityReduction
from sklearn.metrics import adjusted_rand_score

from groups import grouped
from themeloom.config import ReduceConfig
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.plain import REDUCE, is_plain, plain_topics
from themeloom.discovery.reduce import reduce
from themeloom.records import Embeddings, Layout

WORDS = ["waiting list", "night ward", "kind nurse", "wrong pills"]


@pytest.fixture(scope="module")
def corpus():
    """Four groups with words of their own, and 20 messages between them that use these words as well."""
    rng = np.random.default_rng(3)
    vectors, group = grouped(4, 40, noise=20)
    fillers = ["today", "again", "always", "never", "somehow", "maybe"]
    group = np.where(group < 0, rng.integers(0, 4, len(group)), group)
    texts = tuple(f"{WORDS[g]} {' '.join(rng.choice(fillers, 2))}" for g in group)
    return Embeddings(vectors, texts, (), "none", texts)


@pytest.fixture(scope="module")
def layout(corpus):
    """As UMAP would have it, with noise far from all: HDBSCAN must find outliers."""
    reduced = np.ascontiguousarray(corpus.vectors[:, :5] * 10)
    reduced[-20:] += np.arange(1, 21)[:, None] * 25
    return Layout(reduced, reduced[:, :2], 15)


def test_it_is_what_bertopic_gives(corpus, layout):
    plain = plain_topics(corpus, 0, layout)
    model = BERTopic(umap_model=BaseDimensionalityReduction())
    model.hdbscan_model.core_dist_n_jobs = 1
    topic, _ = model.fit_transform(list(corpus.texts), embeddings=layout.reduced)
    assert (np.array(topic) == -1).sum() >= 20
    assert ((plain.topic == -1) == (np.array(topic) == -1)).all()
    assert adjusted_rand_score(topic, plain.topic) == 1
    assert adjusted_rand_score(model.reduce_outliers(list(corpus.texts), topic), plain.reduced) == 1


def test_outliers_get_the_topic_whose_words_they_use(corpus, layout):
    plain = plain_topics(corpus, 0, layout)
    kept = plain.topic >= 0
    assert (plain.topic == -1).sum() >= 20
    assert (plain.reduced[kept] == plain.topic[kept]).all()
    assert (plain.reduced >= 0).all()
    by_words = np.array([WORDS.index(" ".join(text.split()[:2])) for text in corpus.texts])
    assert adjusted_rand_score(by_words, plain.reduced) == 1
    assert (np.diff(np.bincount(plain.topic[kept])) <= 0).all()


def test_the_order_of_messages_does_not_matter(corpus, layout):
    order = np.random.default_rng(4).permutation(len(corpus.texts))
    texts = tuple(corpus.texts[i] for i in order)
    turned = Embeddings(corpus.vectors[order], texts, (), "none", texts)
    plain = plain_topics(corpus, 0, layout)
    again = plain_topics(turned, 0, Layout(layout.reduced[order], layout.plane[order], 15))
    assert again.topic.tolist() == plain.topic[order].tolist()
    assert again.reduced.tolist() == plain.reduced[order].tolist()


def test_nothing_but_noise_stays_noise(corpus):
    scattered = np.random.default_rng(0).uniform(size=(12, 5)).astype(np.float32)
    few = Embeddings(corpus.vectors[:12], corpus.texts[:12], (), "none", corpus.texts[:12])
    plain = plain_topics(few, 0, Layout(scattered, scattered[:, :2], 11))
    assert plain.topic.tolist() == plain.reduced.tolist() == [-1] * 12


def test_fewer_messages_than_a_topic_needs_are_noise(corpus):
    few = Embeddings(corpus.vectors[:6], corpus.texts[:6], (), "none", corpus.texts[:6])
    reduced = np.ascontiguousarray(corpus.vectors[:6, :5])
    assert plain_topics(few, 0, Layout(reduced, reduced[:, :2], 5)).topic.tolist() == [-1] * 6


def test_no_outliers_are_left_as_they_are(corpus):
    kept = Embeddings(corpus.vectors[:160], corpus.texts[:160], (), "none", corpus.texts[:160])
    grid = np.repeat(np.eye(4, 5, dtype=np.float32) * 50, 40, axis=0)
    plain = plain_topics(kept, 0, Layout(grid, grid[:, :2], 15))
    assert plain.topic.tolist() == plain.reduced.tolist()
    assert sorted(set(plain.topic.tolist())) == [0, 1, 2, 3]


def test_a_message_without_words_stays_an_outlier(corpus, layout):
    texts = (*corpus.texts[:-1], "🙂")
    assert plain_topics(Embeddings(corpus.vectors, texts, (), "none", texts), 0, layout).reduced[-1] == -1


def test_messages_in_other_scripts(corpus, layout):
    cyrillic = str.maketrans("abdegiklmnoprstuwy", "абдегиклмнопрстуцй")
    texts = tuple(text.translate(cyrillic) for text in corpus.texts)
    plain = plain_topics(Embeddings(corpus.vectors, texts, (), "none", texts), 0, layout)
    assert plain.reduced.tolist() == plain_topics(corpus, 0, layout).reduced.tolist()


def test_a_layout_of_bertopics_own_is_made_if_none_is_given(corpus):
    made = reduce(Neighbourhood(corpus.vectors), ReduceConfig(), 7)
    assert is_plain(ReduceConfig())
    made_here, given = plain_topics(corpus, 7), plain_topics(corpus, 7, made)
    assert made_here.topic.tolist() == given.topic.tolist()
    assert made_here.topic.max() >= 3


@pytest.mark.parametrize("change", [{"neighbors": 10}, {"components": 4}, {"min_dist": 0.1}])
def test_other_settings_are_not_bertopics(change):
    assert is_plain(REDUCE)
    assert not is_plain(ReduceConfig(**change))


def test_one_of_many_short_layouts_is_not_bertopics():
    assert not is_plain(REDUCE, 110)
