"""Coherence by hand, by brute force and on planted topics; diversity; what cannot be measured is NaN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.discovery.quality import WINDOW, _windows, topic_quality
from themeloom.records import Topic

ANIMALS = ["cat dog", "dog cat", "cat", "fish"]


def topic_of(words, number=0):
    return Topic(number, 1, 0, tuple(words), (1.0,) * len(words), ())


def judged(texts, *words):
    """Quality of topics with these words, wherever the messages lie."""
    topics = tuple(topic_of(one.split() if isinstance(one, str) else one, i) for i, one in enumerate(words))
    nowhere = np.zeros((len(texts), 2), dtype=np.float32)
    return topic_quality(texts, topics, nowhere, np.zeros(len(texts), int), np.zeros(len(texts), bool))


def test_npmi_by_hand():
    # P(cat) = 3/4, P(dog) = P(both) = 2/4; the fish swims alone.
    cat_dog = math.log(0.5 / (0.75 * 0.5)) / -math.log(0.5)
    quality = judged(ANIMALS, "cat dog", "cat fish", "cat dog fish")
    assert quality.npmi == pytest.approx([cat_dog, -1, (cat_dog - 2) / 3])
    assert quality.overall["npmi"] == pytest.approx(quality.npmi.mean())


def test_c_v_by_hand():
    # Two words with NPMI n have the contexts (1, n) and (n, 1), and together (1 + n, 1 + n).
    n = math.log(0.5 / (0.75 * 0.5)) / -math.log(0.5)
    assert judged(ANIMALS, "cat dog").c_v == pytest.approx([(1 + n) / math.sqrt(2 * (1 + n**2))])


def test_words_that_are_never_apart_are_as_coherent_as_can_be():
    for texts in (["cat dog"] * 3, ["cat dog", "fish", "bird"]):
        quality = judged(texts, "cat dog")
        assert quality.npmi == pytest.approx([1])
        assert quality.c_v == pytest.approx([1])


def test_independent_words_have_no_coherence():
    assert judged(["cat dog", "cat", "dog", "fish"], "cat dog").npmi == pytest.approx([0])


def test_published_formulae_on_a_corpus_with_short_and_longer_messages():
    """C_v of three words, spelt out as in Röder, Both & Hinneburg 2015, section 3."""
    texts = ["cat dog bird", "cat dog", "bird cat", "dog", "fish bird", "fish " * 100 + "cat bird"]
    words = ["cat", "dog", "bird"]

    def share(*found):
        return sum(all(word in text.split() for word in found) for text in texts) / len(texts)

    def npmi(a, b):
        return math.log((share(a, b) + 1e-12) / (share(a) * share(b))) / -math.log(share(a, b) + 1e-12)

    contexts = np.array([[npmi(a, b) for b in words] for a in words])
    whole = contexts.sum(axis=0)
    cosines = [v @ whole / np.linalg.norm(v) / np.linalg.norm(whole) for v in contexts]
    quality = judged(texts, words)
    assert quality.c_v == pytest.approx([np.mean(cosines)])
    assert quality.npmi == pytest.approx(
        [np.mean([npmi("cat", "dog"), npmi("cat", "bird"), npmi("dog", "bird")])]
    )


def test_a_long_message_is_many_windows():
    apart = ["cat " + "filler " * 149 + "dog"]
    quality = judged(apart, "cat dog")
    assert quality.npmi == pytest.approx([1])  # in one message
    n = (math.log(1e-12) - 2 * math.log(1 / 42)) / -math.log(1e-12)  # in no window of 42
    assert quality.c_v == pytest.approx([(1 + n) / math.sqrt(2 * (1 + n**2))])
    near = ["cat dog " + "filler " * 150]
    assert judged(near, "cat dog").c_v[0] > 0.9


@given(
    st.integers(WINDOW + 1, WINDOW + 40),
    st.lists(st.tuples(st.integers(0, 148), st.integers(0, 2), st.integers(0, 3)), max_size=12),
)
def test_windows_in_a_row_count_as_if_each_were_looked_at(tokens, found):
    hits = [(first, first + more, word) for first, more, word in found if first + more < tokens]
    looked_at = [
        {word for first, last, word in hits if start <= first and last < start + WINDOW}
        for start in range(tokens - WINDOW + 1)
    ]
    assert [set(held) for held, times in _windows(hits, tokens) for _ in range(times)] == looked_at


def test_words_are_counted_as_topics_are_described():
    texts = ["the Waiting for a list, #Madness", "waiting list madness", "a list", "a duck"]
    spelt = judged(texts, ["waiting list", "#madness"])
    assert spelt.npmi == pytest.approx([1])  # function words stand between no two words
    assert judged(texts, ["waiting list", "madness", "#madness"]).npmi == pytest.approx(spelt.npmi)
    assert spelt.npmi == pytest.approx(judged(texts, ["waiting", "madness"]).npmi)


def test_too_few_countable_words_are_nan():
    quality = judged(ANIMALS, "cat", "cat unicorn", [], ["the", "cat"], "cat dog")
    assert np.isnan(quality.npmi).tolist() == [True, True, True, True, False]
    assert np.isnan(quality.c_v).tolist() == [True, True, True, True, False]
    assert quality.overall["npmi"] == pytest.approx(quality.npmi[-1])


def test_nothing_to_judge_is_nan():
    for quality in (judged(ANIMALS), judged(ANIMALS, []), judged([], "cat dog")):
        assert np.isnan([quality.overall["npmi"], quality.overall["c_v"], quality.overall["dbcv"]]).all()
    assert math.isnan(judged(ANIMALS).overall["diversity"])
    assert math.isnan(judged([], "cat dog").overall["outliers"])


def test_diversity_is_the_share_of_distinct_words():
    assert judged(ANIMALS, "cat dog", "fish bird").overall["diversity"] == 1
    assert judged(ANIMALS, "cat dog", "cat fish").overall["diversity"] == pytest.approx(3 / 4)
    assert judged(ANIMALS, "cat dog", "cat dog").overall["diversity"] == pytest.approx(1 / 2)


@pytest.fixture(scope="module")
def planted():
    """Six topics of eight words; 600 messages of five of a topic's words, among words of all."""
    rng = np.random.default_rng(5)
    vocabulary = np.array([f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnr"])[:96]
    own = vocabulary[:48].reshape(6, 8)
    topic = np.repeat(np.arange(6), 100)
    texts = [" ".join([*rng.choice(own[t], 5, replace=False), *rng.choice(vocabulary, 4)]) for t in topic]
    centres = rng.normal(size=(6, 4)) * 10
    reduced = (centres[topic] + rng.normal(size=(600, 4))).astype(np.float32)
    return texts, tuple(topic_of(words, t) for t, words in enumerate(own)), reduced, topic


def test_planted_topics_are_better_than_shuffled_ones(planted):
    texts, topics, reduced, topic = planted
    rng = np.random.default_rng(6)
    words = rng.permutation([word for one in topics for word in one.words]).reshape(6, 8)
    shuffled = tuple(topic_of(one, t) for t, one in enumerate(words))
    nobody = np.zeros(600, dtype=bool)
    true = topic_quality(texts, topics, reduced, topic, nobody)
    false = topic_quality(texts, shuffled, reduced, rng.permutation(topic), nobody)
    assert true.npmi.min() > max(0.2, false.npmi.max())
    assert true.c_v.min() > false.c_v.max()
    assert true.overall["dbcv"] > 0.3 > -0.3 > false.overall["dbcv"]
    assert true.overall["diversity"] == false.overall["diversity"] == 1


def test_the_order_of_messages_does_not_matter(planted):
    texts, topics, reduced, topic = planted
    outlier = np.arange(600) % 7 == 0
    order = np.random.default_rng(7).permutation(600)
    one = topic_quality(texts, topics, reduced, topic, outlier)
    other = topic_quality([texts[i] for i in order], topics, reduced[order], topic[order], outlier[order])
    assert one.npmi.tolist() == other.npmi.tolist()
    assert one.c_v.tolist() == other.c_v.tolist()
    assert one.overall == pytest.approx(other.overall)
    assert one.overall["outliers"] == pytest.approx(outlier.mean())


def test_outliers_have_no_part_in_density(planted):
    texts, topics, reduced, topic = planted
    outlier = np.arange(600) % 10 == 0
    scattered = reduced.copy()
    scattered[outlier] = np.random.default_rng(8).normal(size=(60, 4)) * 30
    quality = topic_quality(texts, topics, scattered, topic, outlier)
    kept = topic_quality(texts, topics, reduced, topic, outlier)
    all_in = topic_quality(texts, topics, scattered, topic, np.zeros(600, dtype=bool))
    assert quality.overall["dbcv"] == pytest.approx(kept.overall["dbcv"])
    assert all_in.overall["dbcv"] < quality.overall["dbcv"] - 0.2


WORDS = st.sampled_from(["cat", "dog", "fish", "bird", "fish bird", "the", "#cat"])


@given(
    st.lists(st.lists(WORDS, max_size=6).map(" ".join), max_size=12),
    st.lists(st.lists(WORDS, max_size=5), max_size=4),
)
def test_measures_keep_within_their_bounds(texts, words):
    quality = judged(texts, *words)
    for values in (quality.npmi, quality.c_v):
        known = values[~np.isnan(values)]
        assert values.shape == (len(words),)
        assert ((known >= -1) & (known <= 1)).all()
    assert np.isnan(quality.npmi).tolist() == np.isnan(quality.c_v).tolist()
    diversity = quality.overall["diversity"]
    assert math.isnan(diversity) or 0 < diversity <= 1
