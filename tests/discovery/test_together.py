"""How far messages belong together, by clusterings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.discovery.together import SELDOM, Together


@st.composite
def clusterings(draw):
    """Rows of clusterings with messages that lie in no cluster."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    messages, times, clusters = draw(st.integers(2, 30)), draw(st.integers(1, 8)), draw(st.integers(1, 6))
    return rng.integers(-1, clusters, size=(messages, times))


def shares(rows):
    """The share of clusterings in which two messages lie in one cluster, or both in none."""
    return (rows[:, None, :] == rows[None, :, :]).mean(axis=2)


@given(clusterings())
def test_without_weights_it_is_the_share_of_clusterings(rows):
    assert np.allclose(Together(rows, seldom=0).of_pairs(np.arange(len(rows))), shares(rows))


@given(clusterings())
def test_it_is_the_cosine_of_weighted_vectors(rows):
    vectors = []
    for column in rows.T:
        for cluster in np.unique(column):
            inside = column == cluster
            vectors.append(inside * np.sqrt(max((1 - inside.mean()) ** SELDOM, 1e-6)))
    table = np.stack(vectors, axis=1)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    assert np.allclose(Together(rows).of_pairs(np.arange(len(rows))), table @ table.T)


@given(clusterings(), st.sampled_from([0, SELDOM]), st.integers(0, 2**16))
def test_topics_are_the_mean_of_their_members(rows, seldom, seed):
    together, everyone = Together(rows, seldom), np.arange(len(rows))
    topic = np.random.default_rng(seed).integers(-1, 3, size=len(rows))
    topic[:1] = 0
    topic = np.where(topic < 0, -1, np.unique(np.append(topic, -1), return_inverse=True)[1][:-1] - 1)
    alike, with_topics = together.of_pairs(everyone), together.with_topics(topic)
    with_others, others = together.with_others(topic)
    for number in range(topic.max() + 1):
        members = np.flatnonzero(topic == number)
        assert np.allclose(with_topics[:, number], alike[:, members].mean(axis=1))
        for message in everyone:
            rest = members[members != message]
            assert others[message, number] == len(rest)
            expected = alike[message, rest].mean() if len(rest) else 0
            assert with_others[message, number] == pytest.approx(expected, abs=1e-9)


def test_some_pairs_are_those_of_all():
    rows = np.random.default_rng(1).integers(0, 4, size=(20, 6))
    chosen = np.array([3, 17, 4])
    everyone = Together(rows).of_pairs(np.arange(20))
    assert np.array_equal(Together(rows).of_pairs(chosen), everyone[np.ix_(chosen, chosen)])


def test_large_clusters_say_less():
    small = np.repeat([0, 1, 2, 3], 5)
    giant = np.where(small < 3, 0, 1)
    rows = np.stack([small, giant], axis=1)
    plain = Together(rows, seldom=0).of_pairs(np.array([0, 5]))[0, 1]
    weighed = Together(rows).of_pairs(np.array([0, 5]))[0, 1]
    assert plain == pytest.approx(1 / 2)
    assert weighed == pytest.approx(0.25**4 / (0.25**4 + 0.75**4))


def test_one_cluster_of_all_is_still_evidence():
    assert np.allclose(Together(np.zeros((4, 3), np.int64)).of_pairs(np.arange(4)), 1)
