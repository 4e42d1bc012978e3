"""Topics by neighbours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups import grouped
from themeloom.discovery.neighbours import FLOOR, nearest_topic, topic_shares


def test_messages_get_the_topic_around_them():
    vectors, group = grouped(5, 40, seed=2)
    held_out = np.arange(len(vectors)) % 4 == 0
    topic, share = nearest_topic(vectors[held_out], vectors[~held_out], group[~held_out])
    assert (topic == group[held_out]).mean() > 0.95
    assert ((share > 0) & (share <= 1)).all()


def test_with_no_members_there_is_no_topic():
    vectors, _ = grouped(2, 3)
    topic, share = nearest_topic(vectors, vectors[:0], np.empty(0, dtype=np.int64))
    assert (topic == -1).all()
    assert (share == 0).all()


@given(st.integers(1, 30), st.integers(0, 2**16))
def test_shares_are_shares_and_strangers_have_none(members, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(members + 5, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    known = rng.integers(0, 4, size=members)
    topic, share = nearest_topic(rows[members:], rows[:members], known)
    nearest = (rows[members:] @ rows[:members].T).max(axis=1)
    assert np.array_equal(topic >= 0, nearest >= FLOOR)
    assert ((share >= 0) & (share <= 1 + 1e-6)).all()
    assert set(topic[topic >= 0]) <= set(known)
    shares = topic_shares(rows[members:], rows[:members], known)
    assert shares.shape == (5, known.max() + 1)
    assert np.allclose(shares.sum(axis=1), topic >= 0)
    assert np.array_equal(np.where(topic >= 0, shares.argmax(axis=1), -1), topic)
    assert np.allclose(shares.max(axis=1), share)


def test_nobody_asked_and_nobody_votes():
    vectors, group = grouped(3, 4)
    assert topic_shares(vectors[:0], vectors, group).shape == (0, 3)


def test_a_member_has_no_vote_on_itself():
    angles = np.array([0.0, 0.05, 0.1, 1.0])
    members = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    topic = np.array([1, 0, 0, 1])
    found, share = nearest_topic(members[:1], members, topic, np.array([0]))
    weight = np.cos(angles[1:]) ** 2
    assert found.tolist() == [0]
    assert share[0] == pytest.approx(weight[:2].sum() / weight.sum(), abs=1e-5)
