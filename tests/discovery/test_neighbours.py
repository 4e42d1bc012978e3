"""Topics by neighbours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups import grouped
from themeloom.discovery import neighbours as module
from themeloom.discovery.neighbours import FLOOR, Neighbourhood, nearest_topic, topic_shares


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


@given(st.integers(2, 120), st.floats(0, 1), st.integers(0, 2**16))
def test_known_neighbours_say_of_outliers_what_neighbours_sought_anew_do(messages, share, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(messages, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    topic = np.where(rng.random(messages) < share, -1, rng.integers(0, 4, size=messages))
    lacking = topic < 0
    expected = topic.copy()
    expected[lacking] = nearest_topic(vectors[lacking], vectors[~lacking], topic[~lacking])[0]
    assert np.array_equal(Neighbourhood(vectors).second_best(topic), expected)


def test_neighbours_are_sought_anew_for_those_who_know_too_few_with_a_topic(monkeypatch):
    vectors, group = grouped(3, 60, spread=0.1)
    topic = np.where(group == 0, -1, group)  # whose forty nearest have none
    topic[np.flatnonzero(group == 1)[:5]] = -1
    asked = []
    monkeypatch.setattr(
        module, "nearest_topic", lambda *given: asked.append(len(given[0])) or nearest_topic(*given)
    )
    second = Neighbourhood(vectors).second_best(topic)
    assert asked == [60]
    assert (second[group == 1] == 1).all()


def test_neighbours_among_some():
    vectors, group = grouped(2, 30, spread=0.1)
    vectors = np.concatenate([vectors, np.ones((60, 1), np.float32)], axis=1) / np.float32(np.sqrt(2))
    chosen = np.flatnonzero(group == 0)[::-1]
    neighbours, weight = Neighbourhood(vectors).among(chosen)
    assert neighbours.shape == weight.shape == (30, 40)
    inside = neighbours >= 0
    assert (inside.sum(axis=1) == 29).all()  # all of the group but the message itself; others are alike, too
    assert (neighbours != np.arange(30)[:, None]).all()
    assert (weight[~inside] == 0).all()
    alike = np.take_along_axis(vectors[chosen] @ vectors[chosen].T, np.maximum(neighbours, 0), axis=1)
    assert np.allclose(weight[inside], alike[inside] ** 2, atol=1e-5)
