"""Topics by neighbours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups import grouped
from themeloom.discovery import neighbours as module
from themeloom.discovery.neighbours import FLOOR, Neighbourhood, nearest_topic, topic_shares
from themeloom.nearest import nearest_of_all
from themeloom.system.cache import Cache


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


@given(st.integers(2, 90), st.integers(1, 12), st.integers(0, 2**16))
def test_of_equal_messages_each_is_a_neighbour(messages, different, seed):
    rng = np.random.default_rng(seed)
    distinct = rng.normal(size=(different, 6)).astype(np.float32)
    distinct /= np.linalg.norm(distinct, axis=1, keepdims=True)
    vectors = distinct[rng.integers(0, different, size=messages)]
    near = Neighbourhood(vectors)
    neighbours, weight = near.among(np.arange(messages))
    assert neighbours.shape == (messages, min(module.KNOWN, messages - 1))
    assert all(len({*row, own}) == len(row) + 1 for own, row in enumerate(neighbours.tolist()))
    alike = np.clip(vectors @ vectors.T, 0, None) ** 2
    assert np.allclose(weight, np.take_along_axis(alike, neighbours, axis=1), atol=1e-4)
    np.fill_diagonal(alike, -1)
    best = -np.sort(-alike, axis=1)[:, : neighbours.shape[1]]
    assert np.allclose(np.sort(weight)[:, ::-1], best, atol=1e-4)


def test_the_order_of_messages_makes_no_difference():
    vectors, _ = grouped(4, 30, spread=0.5)
    order = np.random.default_rng(3).permutation(len(vectors))
    there, back = Neighbourhood(vectors), Neighbourhood(vectors[order])
    assert np.array_equal(there.distinct[0], back.distinct[0])
    assert np.array_equal(there.distinct[0][there.distinct[1]], vectors)
    assert np.array_equal(there.nearest(15)[0], back.nearest(15)[0])


def test_neighbours_are_sought_once_and_kept(tmp_path, monkeypatch):
    vectors, sought = grouped(4, 30)[0], []
    monkeypatch.setattr(
        module, "nearest_of_all", lambda *given: sought.append(given[1]) or nearest_of_all(*given)
    )
    near = Neighbourhood(vectors, Cache(tmp_path))
    few, _ = near.nearest(5)
    near.second_best(np.zeros(len(vectors), np.int64))
    again, similarity = Neighbourhood(vectors, Cache(tmp_path)).nearest(15)
    assert sought == [module.KNOWN + 1]
    assert np.array_equal(again[:, :5], few)
    expected = nearest_of_all(near.distinct[0], 15)
    assert np.array_equal(again, expected[0])
    assert np.array_equal(similarity, expected[1])
    assert near.nearest(60)[0].shape == (120, 60)
    assert sought == [module.KNOWN + 1, 60]
    alone = Neighbourhood(vectors)
    assert np.array_equal(alone.nearest(5)[0], alone.nearest(15)[0][:, :5])
    assert sought == [module.KNOWN + 1, 60, module.KNOWN + 1]


def test_neighbours_are_sought_again_by_other_versions(tmp_path, monkeypatch):
    vectors = grouped(4, 30)[0]
    for number, known in (("1", 1), ("1", 1), ("2", 2)):
        monkeypatch.setattr(module, "versions", lambda number=number: {"scikit-learn": number})
        Neighbourhood(vectors, Cache(tmp_path)).nearest(5)
        assert len(list((tmp_path / "neighbours").iterdir())) == known


def test_among_many_most_neighbours_are_found(monkeypatch):
    vectors, _ = grouped(60, 200, spread=1.5)
    exact, similarity = Neighbourhood(vectors).nearest(15)
    monkeypatch.setattr(module, "MANY", len(vectors) - 1)
    nearest, near = Neighbourhood(vectors).nearest(15)
    own = np.arange(len(vectors))
    assert np.array_equal(nearest[:, 0], own)
    assert (nearest[:, 1:] != own[:, None]).all()
    assert (np.diff(near, axis=1) <= 0).all()
    assert (near <= similarity + 1e-5).all()
    found = np.mean([np.isin(one, other).mean() for one, other in zip(exact, nearest, strict=True)])
    assert 0.9 < found < 1
    order = np.random.default_rng(3).permutation(len(vectors))
    assert np.array_equal(Neighbourhood(vectors[order]).nearest(15)[0], nearest)


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
